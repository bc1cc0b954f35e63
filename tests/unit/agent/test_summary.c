// SPDX-License-Identifier: Apache-2.0
/*
 * The screen of the live summary: never wider or higher than the terminal, whatever the records
 * hold and however small it is; quantiles; cutting at characters.
 */
#include "groups.h"

#include "agent/summary.h"

#include <locale.h>

struct line {
	struct record_header header;
	u32 pid;
	u16 text[2];
	char tail[512];
};

static struct schema *line_schema(void)
{
	struct schema *s = schema_new("linesnoop", "a test", SCHEMA_EVENTS);
	int i;

	assert_true(schema_add(s, "pid", "", kind_find("pid"), offsetof(struct line, pid), 4,
			       false) >= 0);
	i = schema_add(s, "text", "", kind_find("text"), offsetof(struct line, text), 4, false);
	assert_true(i >= 0);
	s->columns[i].in_tail = true;
	s->columns[0].label = "PID";
	s->columns[i].label = "TEXT";
	schema_seal(s, offsetof(struct line, tail));
	return s;
}

static struct schema *slots_schema(void)
{
	struct schema *s = schema_new("slotlat", "a test", SCHEMA_HISTOGRAM);
	int i = schema_add(s, "histogram", "", kind_find("histogram"), 16, 8 * 64, false);

	assert_true(i >= 0);
	s->columns[i].unit = "ns";
	schema_seal(s, 16 + 8 * 64);
	return s;
}

/* Walks the screen as a terminal does: no row twice, none outside, no line too wide. */
static void check_screen(const struct buf *b, size_t columns, size_t rows)
{
	const char *p = b->data, *end = p + b->len;
	bool seen[64] = {};

	while (p < end) {
		const char *line;
		size_t row, width;
		int used = 0;

		assert_int_equal(sscanf(p, "\033[%zu;1H%n", &row, &used), 1);
		assert_true(used > 0 && row >= 1 && row <= rows);
		assert_false(seen[row]);
		seen[row] = true;
		line = p + used;
		p = memmem(line, (size_t)(end - line), "\033[", 2);
		assert_non_null(p);
		width = text_width(line, (size_t)(p - line));
		if (width > columns)
			fail_msg("%zu wide: %.*s", width, (int)(p - line), line);
		assert_true(str_starts(p, "\033[K") || str_starts(p, "\033[J"));
		p += 3;
	}
}

static void fits_every_terminal(void **state UNUSED)
{
	static const char nasty[] =
		"\033[2J\x9b evil \r\n\t \xff \xe6\xbc\xa2\xe5\xad\x97 and on and on and on";
	struct source source = { .config = { .name = (char *)"othersnoop" },
				 .error = "it is refused\nfor a reason of two lines" };
	struct source *sources[BROKER_GADGETS_MAX] = { &source };
	struct worker w = { .sources = sources };
	struct block blocks[BLOCKS_MAX] = {};
	struct summary s = { .worker = &w, .blocks = blocks, .count = 3, .messages_fd = -1 };
	struct line bytes = { .header = { .size = sizeof(bytes) },
			      .pid = 1,
			      .text = { offsetof(struct line, tail), sizeof(nasty) - 1 } };

	memcpy(bytes.tail, nasty, sizeof(nasty));
	blocks[0].schema = line_schema();
	blocks[1].schema = slots_schema();
	blocks[2].schema = line_schema();
	blocks[0].records = blocks[0].kept = 100;
	for (size_t i = 0; i < LINES_KEPT; i++) {
		memcpy(blocks[0].last[i].bytes, &bytes, sizeof(bytes));
		blocks[0].last[i].size = sizeof(bytes);
	}
	blocks[1].slots[5] = blocks[1].slots[60] = blocks[1].total = 7;
	blocks[1].read_seconds = 1;
	buf_add_str(&s.messages, "saker: one\nsaker: two \033[31m\nsaker: three\n");
	for (int utf8 = 0; utf8 < 2; utf8++) {
		s.utf8 = utf8;
		for (size_t columns = 1; columns < 130; columns += 3) {
			for (size_t rows = 1; rows < 40; rows += 2) {
				_cleanup_buf_ struct buf b = {};

				summary_screen(&s, columns, rows, &b);
				check_screen(&b, columns, rows);
			}
		}
	}
	buf_free(&s.messages);
	for (size_t i = 0; i < s.count; i++)
		schema_free((struct schema *)blocks[i].schema);
}

static void cuts_at_characters(void **state UNUSED)
{
	static const struct {
		const char *text;
		size_t width;
		bool utf8;
		const char *want;
	} cases[] = {
		{ "abc", 3, true, "abc" },    { "abcd", 3, true, "ab…" },
		{ "abcd", 3, false, "ab>" },  { "", 0, true, "" },
		{ "abc", 0, true, "" },	      { "漢字漢", 5, true, "漢字…" },
		{ "漢字漢", 4, true, "漢…" }, { "ä", 1, true, "ä" },
		{ "abc", 1, true, "…" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf b = {};

		summary_fit(&b, cases[i].text, strlen(cases[i].text), cases[i].width,
			    cases[i].utf8);
		assert_string_equal(buf_str(&b), cases[i].want);
	}
}

static void quantiles_lie_in_their_slot(void **state UNUSED)
{
	struct schema *s = slots_schema();
	const struct column *c = &s->columns[0];
	u64 slots[SLOTS_MAX] = {}, total = 0;

	slots[1] = 50; /* 1 */
	slots[4] = 40; /* 8 to 15 */
	slots[63] = 10;
	for (size_t i = 0; i < SLOTS_MAX; i++)
		total += slots[i];
	assert_int_equal(summary_quantile(c, slots, total, 0.5), 1);
	assert_in_range(summary_quantile(c, slots, total, 0.9), 8, 15);
	assert_true(summary_quantile(c, slots, total, 0.99) >= 1ULL << 62);
	assert_true(summary_quantile(c, slots, total, 1) <= (1ULL << 63) - 1);
	schema_free(s);
}

int run_summary_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits_every_terminal),
		cmocka_unit_test(cuts_at_characters),
		cmocka_unit_test(quantiles_lie_in_their_slot),
	};

	/* For the widths of characters. */
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
