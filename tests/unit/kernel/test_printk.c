// SPDX-License-Identifier: Apache-2.0
/*
 * Lines of bpf_printk(): an instance of our own, whose marker file lets us write lines without a
 * program. They come whole and in order, a line that is not complete waits, and nothing is left
 * behind.
 */
#include <dirent.h>
#include <fcntl.h>

#include "fixture.h"
#include "groups.h"
#include "kernel/printk.h"

struct lines {
	size_t count, in_order;
};

static void on_line(void *context, const char *line, size_t len)
{
	struct lines *l = context;
	char want[32];

	snprintf(want, sizeof(want), "line %zu", l->count++);
	l->in_order += str_ends(line, want) && !line[len];
}

static void instance_path(char *path, size_t size, const char *file)
{
	snprintf(path, size, "%s/instances/saker-%d/%s", tracefs_path(), getpid(), file);
}

static void lines_come_whole(void **state)
{
	struct lines l = {};
	struct printk *p;
	char path[400], text[64];
	int marker;

	need_bpf();
	if (!tracefs_path() || printk_open(&p))
		skip();
	instance_path(path, sizeof(path), "trace_marker");
	marker = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(marker >= 0);
	assert_int_equal(printk_read(p, on_line, &l), 0);
	for (int i = 0; i < 1000; i++) {
		int n = snprintf(text, sizeof(text), "line %d\n", i);

		assert_int_equal(write(marker, text, (size_t)n), n);
	}
	assert_int_equal(printk_read(p, on_line, &l), 1000);
	assert_int_equal(l.count, 1000);
	assert_int_equal(l.in_order, 1000);
	assert_int_equal(printk_lost(p), 0);
	assert_int_equal(printk_read(p, on_line, &l), 0);
	close(marker);
	printk_free(p);
	instance_path(path, sizeof(path), "");
	assert_int_equal(access(path, F_OK), -1);
}

int test_printk(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_whole),
	};

	return cmocka_run_group_tests_name("printk", tests, NULL, NULL);
}
