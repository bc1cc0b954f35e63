// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's records of mappings, and the tables that they change. The input is what stands in a
 * ring: records one after the other. Their paths lead nowhere, since the machine's root is a file;
 * a lookup follows after each.
 */
#include "host/mapping.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_table(const struct process_maps *m)
{
	const struct region_table *t = m->table;

	for (size_t i = 0; i < t->count; i++) {
		const struct region *r = &t->items[i];

		if (r->start >= r->end || (i && r[-1].end > r->start) || r->path >= t->names.len)
			abort();
	}
}

static void apply(struct host *h, const u8 *bytes, size_t size)
{
	struct mapping_record r = {};
	struct cache_item *item;
	struct build_id id;
	struct symbol s;

	if (mapping_record_parse(bytes, size, &r))
		return;
	if (r.path.len && (r.path.bytes < (const char *)bytes ||
			   r.path.bytes + r.path.len >= (const char *)bytes + size))
		abort();
	mapping_apply(h, &r);
	item = cache_find(&h->symbols->maps, r.pid);
	if (item)
		check_table(item_of(item, struct process_maps, item));
	host_user_symbol_at(h, r.pid, r.time, r.start, &s);
	host_user_symbol(h, r.pid, r.end, &s);
	host_user_build_id(h, r.pid, 0, r.start, &id);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct host_options o = { .root = "/dev/null", .symbol_bytes = 16 << 10 };
	_cleanup_(host_freep) struct host *h = host_new(&o);

	while (h && size >= 8) {
		_cleanup_free_ u8 *record = NULL; /* alone, so that one byte too far is seen */
		u16 len;

		memcpy(&len, data + 6, sizeof(len)); /* perf_event_header.size */
		if (len < 8 || len > size)
			len = (u16)MIN(size, (size_t)UINT16_MAX);
		record = malloc(len);
		if (!record)
			return 0;
		memcpy(record, data, len);
		apply(h, record, len);
		data += len;
		size -= len;
	}
	return 0;
}
