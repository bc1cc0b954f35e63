// SPDX-License-Identifier: Apache-2.0
/*
 * The scripts for shells: the shell understands them, they offer what there is, and nothing in them
 * is run.
 */
#include "groups.h"

#include "cli/help.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

/* What @command prints on stdout with @word, in @path; returns its exit status. */
static int capture(int (*command)(int argc, char **argv), const char *name, const char *word,
		   const char *path)
{
	char *words[] = { (char *)name, (char *)word, NULL };
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), saved, status;

	assert_true(file >= 0);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	assert_true(dup2(file, STDOUT_FILENO) >= 0);
	status = command(word ? 2 : 1, words);
	fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	close(file);
	return status;
}

/* The words that bash would offer behind "saker @line", where list columns gives hostile names. */
static void assert_offered(const char *script, const char *line, const char *wanted)
{
	_cleanup_buf_ struct buf command = {};
	char got[4096] = "";
	FILE *bash;

	buf_printf(
		&command,
		"bash -c 'source %s; "
		"saker() { printf \"opens:\\n  pid a\\n  path b\\n  \\$(echo) c\\n  p;q\\n\"; }; "
		"COMP_WORDS=(saker %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _saker; "
		"echo \"${COMPREPLY[*]}\"'",
		script, line);
	bash = popen(buf_str(&command), "r");
	assert_non_null(bash);
	if (fgets(got, sizeof(got), bash))
		got[strcspn(got, "\n")] = '\0';
	assert_int_equal(pclose(bash), 0);
	assert_string_equal(got, wanted);
}

static void bash(void **state UNUSED)
{
	char path[] = "/tmp/saker-completion-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(capture(command_completion, "completion", "bash", path), 0);
	assert_offered(path, "completion \"\"", "bash zsh");
	assert_offered(path, "comp", "completion");
	assert_offered(path, "list p", "probes");
	assert_offered(path, "opensnoop -o \"\"", "collapsed csv json none table wide");
	assert_offered(path, "opensnoop --output = j", "json");
	assert_offered(path, "opensnoop --columns p", "path pid");
	assert_offered(path, "opensnoop --columns pid,+pa", "pid,+path");
	assert_offered(path, "opensnoop -- ls \"\"", "");
	unlink(path);
}

static void refused(void **state UNUSED)
{
	char path[] = "/tmp/saker-completion-XXXXXX";
	int fd = mkstemp(path), saved = dup(STDERR_FILENO),
	    null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0 && saved >= 0 && null >= 0);
	assert_true(dup2(null, STDERR_FILENO) >= 0);
	assert_int_equal(capture(command_completion, "completion", "fish", path), 2);
	assert_int_equal(capture(command_completion, "completion", NULL, path), 2);
	assert_int_equal(capture(command_man, "man", "nonsensesnoop", path), 2);
	assert_int_equal(capture(command_man, "man", "--nonsense", path), 2);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(saved);
	close(null);
	close(fd);
	unlink(path);
}

static void manual_of_saker(void **state UNUSED)
{
	char path[] = "/tmp/saker-completion-XXXXXX";
	_cleanup_buf_ struct buf page = {};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(capture(command_man, "man", NULL, path), 0);
	assert_int_equal(read_file(path, 1 << 20, &page), 0);
	assert_true(str_starts(buf_str(&page), ".TH SAKER 1 "));
	for (size_t i = 0; i < command_info_count; i++)
		assert_non_null(strstr(buf_str(&page), command_infos[i].name));
	unlink(path);
}

int test_completion(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bash),
		cmocka_unit_test(refused),
		cmocka_unit_test(manual_of_saker),
	};

	return cmocka_run_group_tests_name("completion", tests, NULL, NULL);
}
