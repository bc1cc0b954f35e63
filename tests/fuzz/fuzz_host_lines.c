// SPDX-License-Identifier: Apache-2.0
/*
 * The parsers of /proc and of /etc. The first byte chooses one, the rest are the bytes of the file;
 * what a parser points to must lie inside them.
 */
#include "host/host.h"

#include "host/parse.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_span(struct text_span s, const char *text, size_t size)
{
	if (s.len && (s.bytes < text || s.bytes + s.len > text + size))
		abort();
}

static void one_line(unsigned which, const char *text, size_t size)
{
	struct perf_map_line perf;
	struct kallsyms_line k;
	struct maps_line maps;
	struct id_line id;

	if (which == 2 && !parse_maps_line(text, size, &maps))
		check_span(maps.path, text, size);
	if (which == 3 && !parse_kallsyms_line(text, size, &k)) {
		check_span(k.name, text, size);
		check_span(k.module, text, size);
	}
	if (which == 4 && !parse_perf_map_line(text, size, &perf))
		check_span(perf.name, text, size);
	if (which == 5 && !parse_id_line(text, size, &id))
		check_span(id.name, text, size);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	_cleanup_free_ char *text = size ? malloc(size) : NULL;
	struct text_span rest, line;
	struct stat_line stat;
	struct status_ids ids;
	unsigned which;

	if (!text)
		return 0;
	which = (u8)(data[0] - '0') % 6;
	size--;
	memcpy(text, data + 1, size);
	if (which == 0 && !parse_stat(text, size, &stat))
		check_span(stat.comm, text, size);
	if (which == 1)
		parse_status(text, size, &ids);
	rest = (struct text_span){ text, size };
	while (next_line(&rest, &line)) {
		check_span(line, text, size);
		one_line(which, line.bytes, line.len);
	}
	return 0;
}
