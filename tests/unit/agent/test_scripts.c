// SPDX-License-Identifier: Apache-2.0
/*
 * The supervisor of scripts.d, with a shell script in saker's place: it notes that it was started,
 * and does what the first word of its "script" says.
 */
#include "groups.h"

#include "agent/scripts.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

static const char stand_in[] = "#!/bin/sh\n"
			       "# run FILE -q --no-warnings --export=SOCKET --export-name NAME\n"
			       "echo \"$7 $(cat \"$2\")\" >> \"${2%/*}/started\"\n"
			       "case $(cat \"$2\") in\n"
			       "fail*) echo \"it is broken\" >&2; exit 1 ;;\n"
			       "end*) exit 0 ;;\n"
			       "esac\n"
			       "exec sleep 1000\n";

struct place {
	char folder[64], saker[96];
	struct scripts *scripts;
};

static int place_setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	FILE *f;

	*state = p;
	snprintf(p->folder, sizeof(p->folder), "/tmp/saker-scripts-XXXXXX");
	if (!mkdtemp(p->folder))
		return -1;
	snprintf(p->saker, sizeof(p->saker), "%s/saker", p->folder);
	f = fopen(p->saker, "we");
	if (!f || fputs(stand_in, f) < 0 || fclose(f) || chmod(p->saker, 0700))
		return -1;
	return scripts_new(p->folder, "/nowhere", p->saker, &p->scripts);
}

static int place_teardown(void **state)
{
	struct place *p = *state;
	char command[128];

	scripts_free(p->scripts);
	snprintf(command, sizeof(command), "rm -rf %s", p->folder);
	if (system(command))
		return -1;
	free(p);
	return 0;
}

static void put(struct place *p, const char *name, const char *text)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", p->folder, name);
	write_text(path, text);
	assert_int_equal(chmod(path, 0600), 0);
}

static void take_away(struct place *p, const char *name)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", p->folder, name);
	assert_int_equal(unlink(path), 0);
}

static void turn(struct place *p)
{
	struct pollfd fd = { .fd = scripts_fd(p->scripts), .events = POLLIN };

	if (poll(&fd, 1, 10) > 0)
		scripts_handle(p->scripts);
	scripts_reap(p->scripts);
}

static bool describes(struct place *p, const char *file, const char *words)
{
	char text[2048], name[300];

	snprintf(name, sizeof(name), "\"file\":\"%s\"", file);
	for (size_t i = 0; !scripts_describe(p->scripts, i, text, sizeof(text)); i++) {
		if (strstr(text, name))
			return strstr(text, words) != NULL;
	}
	return !*words;
}

/* Until the script's description has @words; "": until it is there no more. */
static void wait_for(struct place *p, const char *file, const char *words)
{
	u64 end = clock_monotonic_ns() + 10 * NSEC_PER_SEC;
	char text[2048];

	do {
		turn(p);
		if (*words ? describes(p, file, words) : !describes(p, file, "\"file\""))
			return;
	} while (clock_monotonic_ns() < end);
	for (size_t i = 0; !scripts_describe(p->scripts, i, text, sizeof(text)); i++)
		print_message("%s\n", text);
	fail_msg("%s never had: %s", file, words);
}

static size_t starts(struct place *p, const char *line)
{
	_cleanup_buf_ struct buf b = {};
	char path[96];
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/started", p->folder);
	read_file(path, 1 << 20, &b);
	for (const char *at = buf_str(&b); (at = strstr(at, line)); at++)
		n++;
	return n;
}

static void wait_for_start(struct place *p, const char *line, size_t count)
{
	u64 end = clock_monotonic_ns() + 10 * NSEC_PER_SEC;

	while (starts(p, line) < count && clock_monotonic_ns() < end)
		turn(p);
	assert_int_equal(starts(p, line), count);
}

static void runs_what_is_there(void **state)
{
	struct place *p = *state;

	put(p, "a one.bt", "stay");
	put(p, "ignored.txt", "stay");
	put(p, ".hidden.bt", "stay");
	wait_for(p, "a one.bt", "\"running\":true");
	wait_for_start(p, "a_one stay", 1);
	assert_int_equal(scripts_running(p->scripts), 1);
	/* It is there no more: so is its process. */
	take_away(p, "a one.bt");
	wait_for(p, "a one.bt", "");
	assert_int_equal(scripts_running(p->scripts), 0);
}

static void a_change_starts_it_anew(void **state)
{
	struct place *p = *state;

	put(p, "x.bt", "stay 1");
	wait_for_start(p, "x stay 1", 1);
	put(p, "x.bt", "stay 22");
	wait_for_start(p, "x stay 22", 1);
	put(p, "x.new", "stay 333");
	assert_int_equal(chdir(p->folder), 0);
	assert_int_equal(rename("x.new", "x.bt"), 0);
	assert_int_equal(chdir("/"), 0);
	wait_for_start(p, "x stay 333", 1);
	assert_int_equal(scripts_running(p->scripts), 1);
	wait_for(p, "x.bt", "\"restarts\":0");
}

static void one_that_dies_is_started_again(void **state)
{
	struct place *p = *state;
	char text[2048];
	const char *pid;

	put(p, "f.bt", "fail");
	wait_for_start(p, "f fail", 2);
	wait_for(p, "f.bt", "\"error\":\"it is broken\"");
	take_away(p, "f.bt");
	wait_for(p, "f.bt", "");
	put(p, "k.bt", "stay");
	wait_for_start(p, "k stay", 1);
	assert_int_equal(scripts_describe(p->scripts, 0, text, sizeof(text)), 0);
	pid = strstr(text, "\"pid\":");
	assert_non_null(pid);
	assert_int_equal(kill((pid_t)strtol(pid + 6, NULL, 10), SIGKILL), 0);
	wait_for_start(p, "k stay", 2);
	wait_for(p, "k.bt", "\"restarts\":1");
	/* One that ends by itself has done what it was for. */
	put(p, "e.bt", "end");
	wait_for_start(p, "e end", 1);
	wait_for(p, "e.bt", "\"running\":false,\"restarts\":0");
}

static void others_may_not_write_them(void **state)
{
	struct place *p = *state;
	char path[400];

	if (geteuid())
		skip();
	snprintf(path, sizeof(path), "%s/w.bt", p->folder);
	write_text(path, "stay");
	assert_int_equal(chmod(path, 0666), 0);
	wait_for(p, "w.bt", "can be written to by others");
	assert_int_equal(chmod(path, 0644), 0);
	wait_for(p, "w.bt", "\"running\":true");
	assert_int_equal(chown(path, 1, 1), 0);
	wait_for(p, "w.bt", "\"running\":false");
	assert_int_equal(scripts_running(p->scripts), 0);
	/* The folder: nothing in it runs. */
	put(p, "y.bt", "stay");
	wait_for(p, "y.bt", "\"running\":true");
	assert_int_equal(chmod(p->folder, 0777), 0);
	wait_for(p, "y.bt", "");
	assert_int_equal(chmod(p->folder, 0700), 0);
	wait_for(p, "y.bt", "\"running\":true");
}

static void only_so_many(void **state)
{
	struct place *p = *state;
	char name[32], text[2048];

	for (int i = 0; i <= SCRIPTS_MAX; i++) {
		snprintf(name, sizeof(name), "s%02d.bt", i);
		put(p, name, "end");
	}
	wait_for(p, "s31.bt", "\"running\":false");
	wait_for_start(p, "s31 end", 1);
	assert_int_equal(scripts_describe(p->scripts, SCRIPTS_MAX, text, sizeof(text)), -ENOENT);
	assert_int_equal(starts(p, "s32 end"), 0);
}

static void stops_them_all(void **state)
{
	struct place *p = *state;
	u64 end = clock_monotonic_ns() + 10 * NSEC_PER_SEC;

	put(p, "a.bt", "stay");
	put(p, "b.bt", "stay");
	wait_for(p, "a.bt", "\"running\":true");
	wait_for(p, "b.bt", "\"running\":true");
	scripts_stop(p->scripts);
	while (scripts_running(p->scripts) && clock_monotonic_ns() < end)
		turn(p);
	assert_int_equal(scripts_running(p->scripts), 0);
	put(p, "c.bt", "stay");
	scripts_rescan(p->scripts);
	turn(p);
	assert_int_equal(scripts_running(p->scripts), 0);
}

int run_scripts_tests(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
	const struct CMUnitTest tests[] = {
		WITH_PLACE(runs_what_is_there),
		WITH_PLACE(a_change_starts_it_anew),
		WITH_PLACE(one_that_dies_is_started_again),
		WITH_PLACE(others_may_not_write_them),
		WITH_PLACE(only_so_many),
		WITH_PLACE(stops_them_all),
	};

	enum log_level before = log_level;
	int failed;

	log_level = LOG_LEVEL_ERROR; /* what is refused is said */
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	log_level = before;
	return failed;
}
