// SPDX-License-Identifier: Apache-2.0
/*
 * main() for a fuzz target without a fuzzer: runs it over every file of the folders and files
 * named, in the order of their names, and over what is left of each file when its end is cut off.
 * So the corpus is a regression test that needs no clang and always takes the same way. What an
 * input ends in is written before it is run: after a crash the last line names the culprit.
 */
#include "base/base.h"

#include <dirent.h>
#include <sys/stat.h>

#define CUTS 64
#define LARGEST (1 << 20)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* Exactly @size bytes on the heap, so that AddressSanitizer sees one byte too far. */
static int run_bytes(const char *bytes, size_t size)
{
	_cleanup_free_ u8 *copy = malloc(size ? size : 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
	return 0;
}

static int run_file(const char *path)
{
	_cleanup_buf_ struct buf input = {};
	int err = read_file(path, LARGEST, &input);

	if (err)
		return err;
	for (size_t i = 0; i <= CUTS && !err; i++) {
		size_t size = input.len * (CUTS - i) / CUTS;

		printf("# %s, the first %zu bytes\n", path, size);
		fflush(stdout);
		err = run_bytes(buf_str(&input), size);
	}
	return err;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A file, or the files of a folder; *@count grows by those that were run. */
static int run_path(const char *path, size_t *count)
{
	struct dirent **entries;
	struct stat st;
	int n, err = 0;

	if (stat(path, &st))
		return fail_errno(-errno, "cannot open %s", path);
	if (!S_ISDIR(st.st_mode)) {
		++*count;
		return run_file(path);
	}
	n = scandir(path, &entries, NULL, by_name);
	if (n < 0)
		return fail_errno(-errno, "cannot read %s", path);
	for (int i = 0; i < n; i++) {
		_cleanup_buf_ struct buf file = {};

		buf_printf(&file, "%s/%s", path, entries[i]->d_name);
		if (!err && entries[i]->d_name[0] != '.')
			err = run_path(buf_str(&file), count);
		free(entries[i]);
	}
	free(entries);
	return err;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	size_t count = 0;
	int err = 0;

	name = name ? name + 1 : argv[0];
	for (int i = 1; i < argc && !err; i++)
		err = run_path(argv[i], &count);
	if (err)
		printf("# %s\n", error_text());
	else if (!count)
		printf("# no corpus: put a handful of inputs into tests/fuzz/corpus\n");
	printf("%sok 1 - %s: %zu inputs and their beginnings\n1..1\n", err || !count ? "not " : "",
	       name, count);
	return err || !count;
}
