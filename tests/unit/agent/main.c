// SPDX-License-Identifier: Apache-2.0
/* The agent's unit tests, and the folder that some of them work in. */
#include "groups.h"

#include <ftw.h>

int folder_setup(void **state)
{
	char *path = strdup("/tmp/saker-agent-XXXXXX");

	*state = path;
	return path && mkdtemp(path) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED,
		      struct FTW *walk UNUSED)
{
	return remove(path);
}

int folder_teardown(void **state)
{
	int err = nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return err;
}

const char *in_folder(void **state, const char *name)
{
	static char paths[3][256];
	static unsigned next;
	char *path = paths[next++ % 3];

	snprintf(path, sizeof(paths[0]), "%s/%s", (const char *)*state, name);
	return path;
}

void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

int main(void)
{
	int failed = run_config_tests();

	failed += run_broker_tests();
	failed += run_watch_tests();
	failed += run_sink_tests();
	failed += run_summary_tests();
	failed += run_ingest_tests();
	failed += run_scripts_tests();
	return failed != 0;
}
