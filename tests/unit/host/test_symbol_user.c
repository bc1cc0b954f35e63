// SPDX-License-Identifier: Apache-2.0
/*
 * Names of user addresses. A small program is compiled in every way in which programs come (static,
 * PIE, fixed addresses, stripped, its file deleted); it prints where its functions are and waits.
 * nm and the program's own words are the oracle. Without a compiler these tests are skipped; the
 * machine made of files serves for perf maps.
 */
#include "unit/host/fixture.h"
#include "unit/host/groups.h"

#include <fcntl.h>
#include <gnu/libc-version.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char source[] =
	"#include <stdio.h>\n#include <unistd.h>\n#include <sys/auxv.h>\n"
	"#define APART __attribute__((noinline))\n"
	"APART int known_function(int x) { return x * 3 + getpid(); }\n"
	"APART static int hidden_function(int x) { return x * 5 + getppid(); }\n"
	"int main(int argc, char **argv) {\n"
	"	char c;\n"
	"	void *vdso = (void *)getauxval(AT_SYSINFO_EHDR);\n"
	"	printf(\"%p %p %p\\n\", known_function, hidden_function, vdso);\n"
	"	fflush(stdout);\n"
	"	return read(0, &c, 1) + known_function(argc) * hidden_function(argc);\n"
	"}\n";

struct target {
	pid_t pid;
	int in, out;
	unsigned long long known, hidden, vdso;
};

static int run(const char *command)
{
	return system(command);
}

static void target_start(struct target *t, const char *program)
{
	int in[2], out[2];
	_cleanup_file_ FILE *f = NULL;

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	t->pid = fork();
	if (!t->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	t->in = in[1];
	f = fdopen(out[0], "r");
	assert_int_equal(fscanf(f, "%llx %llx %llx", &t->known, &t->hidden, &t->vdso), 3);
}

static void target_stop(struct target *t)
{
	close(t->in); /* its read() ends, and so does it */
	assert_int_equal(waitpid(t->pid, NULL, 0), t->pid);
}

/* Builds the program; false: there is no compiler, or not for this way. */
static bool build(const struct machine *m, const char *flags, char program[128])
{
	char command[512];

	put_file(m, "/target.c", "%s", source);
	snprintf(program, 128, "%s/target", m->root);
	snprintf(command, sizeof(command), "gcc -O1 %s -o %s %s/target.c 2>/dev/null", flags,
		 program, m->root);
	return !run(command);
}

static void assert_symbol(struct host *h, const struct target *t, unsigned long long address,
			  const char *want)
{
	struct symbol s;

	host_user_symbol(h, (u32)t->pid, address, &s);
	assert_string_equal(s.name, want);
	assert_true(s.known);
	assert_string_equal(s.module, "target");
	host_user_symbol(h, (u32)t->pid, address + 1, &s);
	assert_string_equal(s.name, want);
	assert_int_equal(s.offset, 1);
}

static void every_way(void **state)
{
	static const char *const ways[] = { "-fPIE -pie",
					    "-no-pie -fno-pie",
					    "-static -no-pie -fno-pie",
					    "-static-pie -fPIE",
					    "-m32 -fPIE -pie",
					    "-Wl,-z,separate-code -fPIE -pie",
					    "-Wl,-z,noseparate-code -fPIE -pie" };
	struct machine *m = *state;
	size_t tried = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		_cleanup_(host_freep) struct host *h = host_new(NULL);
		char program[128];
		struct target t;

		if (!build(m, ways[i], program))
			continue;
		target_start(&t, program);
		assert_symbol(h, &t, t.known, "known_function");
		assert_symbol(h, &t, t.hidden, "hidden_function");
		target_stop(&t);
		tried++;
	}
	if (!tried)
		skip();
}

static void stripped(void **state)
{
	struct machine *m = *state;
	_cleanup_(host_freep) struct host *h = host_new(NULL);
	char program[128], command[512], want[64];
	unsigned long long value = 0;
	struct target t;
	struct symbol s;
	FILE *nm;

	if (!build(m, "-fPIE -pie -rdynamic", program))
		skip();
	snprintf(command, sizeof(command), "nm %s | sed -n 's/ t hidden_function//p'", program);
	nm = popen(command, "re");
	assert_int_equal(fscanf(nm, "%llx", &value), 1);
	pclose(nm);
	snprintf(command, sizeof(command), "strip %s", program);
	assert_int_equal(run(command), 0);
	target_start(&t, program);
	assert_symbol(h, &t, t.known, "known_function"); /* .dynsym stays */
	host_user_symbol(h, (u32)t.pid, t.hidden, &s);
	snprintf(want, sizeof(want), "[target+0x%llx]", value);
	assert_string_equal(s.name, want);
	assert_false(s.known);
	target_stop(&t);
}

/* A separate debug file by build id, below a root of our own; the file itself deleted meanwhile. */
static void debug_file_and_deleted(void **state)
{
	struct machine *m = *state;
	_cleanup_(host_freep) struct host *h = NULL;
	char program[128], command[1024], link[64];
	struct target t;

	if (!build(m, "-fPIE -pie -Wl,--build-id=0xab0123456789", program))
		skip();
	put_folder(m, "/usr/lib/debug/.build-id/ab/x");
	snprintf(command, sizeof(command),
		 "cd %s && strip --only-keep-debug target "
		 "-o usr/lib/debug/.build-id/ab/0123456789.debug && strip target",
		 m->root);
	assert_int_equal(run(command), 0);
	target_start(&t, program);
	/* The real process, seen from the root that has the debug file. */
	snprintf(link, sizeof(link), "/proc");
	snprintf(command, sizeof(command), "rm -rf %s/proc %s/target", m->root, m->root);
	assert_int_equal(run(command), 0);
	put_link(m, "/proc", link);
	h = host_new(&(struct host_options){ .root = m->root });
	if (!geteuid()) { /* map_files needs privileges */
		assert_symbol(h, &t, t.known, "known_function");
		assert_symbol(h, &t, t.hidden, "hidden_function");
	}
	target_stop(&t);
	remove_path(m, "/proc");
}

static void libraries_and_vdso(void **state UNUSED)
{
	_cleanup_(host_freep) struct host *h = host_new(NULL);
	u32 self = (u32)getpid();
	struct symbol s, again;

	host_user_symbol(h, self, (u64)(uintptr_t)&libraries_and_vdso, &s);
	assert_string_equal(s.name, "libraries_and_vdso");
	host_user_symbol(h, self, (u64)(uintptr_t)&gnu_get_libc_version, &s);
	assert_string_equal(s.name, "gnu_get_libc_version");
	assert_non_null(strstr(s.module, "libc"));
	host_user_symbol(h, self, (u64)(uintptr_t)&gnu_get_libc_version, &again);
	assert_ptr_equal(s.name, again.name); /* the answer was kept */
	host_user_symbol(h, self, 0x10, &s);
	assert_string_equal(s.name, "[unknown]");
	host_user_symbol(h, UINT32_MAX, 0x10, &s);
	assert_string_equal(s.name, "[unknown]");
}

#define LIBC_FUNCTIONS 8192

struct nm_line {
	unsigned long long address;
	char kind, name[64];
};

/* Where the C library lies in this process, and its path. */
static unsigned long long find_libc(char path[512])
{
	_cleanup_file_ FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long long start, offset;
	char line[1024];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "/libc.so.6") &&
		    sscanf(line, "%llx-%*x %*s %llx %*s %*s %511s", &start, &offset, path) == 3)
			return start - offset;
	}
	return 0;
}

static bool nm_has(const struct nm_line *list, size_t n, const char *name,
		   unsigned long long address)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].address == address && !strcmp(list[i].name, name))
			return true;
	}
	return false;
}

/* Every function of the C library: the name is one of those that nm has for the place. */
static void all_of_libc(void **state UNUSED)
{
	_cleanup_(host_freep) struct host *h = host_new(NULL);
	_cleanup_free_ struct nm_line *list = calloc(LIBC_FUNCTIONS, sizeof(*list));
	char path[512] = "", command[600], line[1024];
	unsigned long long base = find_libc(path);
	size_t n = 0, checked = 0;
	FILE *nm;

	snprintf(command, sizeof(command), "nm -D --defined-only %s 2>/dev/null", path);
	nm = popen(command, "re");
	while (base && n < LIBC_FUNCTIONS && fgets(line, sizeof(line), nm))
		n += sscanf(line, "%llx %c %63[^@\n]", &list[n].address, &list[n].kind,
			    list[n].name) == 3;
	pclose(nm);
	for (size_t i = 0; i < n; i++) {
		struct symbol s;

		if (!strchr("TWi", list[i].kind))
			continue;
		host_user_symbol(h, (u32)getpid(), base + list[i].address, &s);
		assert_true(s.known);
		assert_int_equal(s.offset, 0);
		assert_true(nm_has(list, n, s.name, list[i].address));
		checked++;
	}
	if (!checked)
		skip();
	assert_true(checked > 1000);
}

static void little_memory(void **state UNUSED)
{
	_cleanup_(host_freep) struct host *h =
		host_new(&(struct host_options){ .symbol_bytes = 1 });
	struct symbol s;

	host_user_symbol(h, (u32)getpid(), (u64)(uintptr_t)&little_memory, &s);
	assert_false(s.known); /* no room for an index: the place in the file, not a wrong name */
	assert_non_null(strstr(s.name, "unit_host+0x"));
}

static void vdso(void **state)
{
	struct machine *m = *state;
	_cleanup_(host_freep) struct host *h = host_new(NULL);
	char program[128];
	bool found = false;
	struct target t;

	if (!build(m, "-fPIE -pie", program))
		skip();
	target_start(&t, program);
	for (u64 offset = 0; t.vdso && offset < 0x2000 && !found; offset++) {
		struct symbol s;

		host_user_symbol(h, (u32)t.pid, t.vdso + offset, &s);
		found = s.known && strstr(s.name, "vdso_clock_gettime");
		found = found || (s.known && !strcmp(s.name, "clock_gettime"));
	}
	target_stop(&t);
	if (!t.vdso)
		skip();
	assert_true(found);
}

/* A name for a process that has gone: what was read while it was there is kept. */
static void after_the_end(void **state)
{
	struct machine *m = *state;
	_cleanup_(host_freep) struct host *h = host_new(NULL);
	char program[128];
	struct target t;

	if (!build(m, "-fPIE -pie", program))
		skip();
	target_start(&t, program);
	assert_symbol(h, &t, t.known, "known_function");
	target_stop(&t);
	assert_symbol(h, &t, t.hidden, "hidden_function");
}

/* ---- run-time code -------------------------------------------------------------------------- */

static void put_jit(const struct machine *m)
{
	put_process(m, 70, 1, "java", long_ago());
	put_file(m, "/proc/70/status", "Uid:\t%u\t0\t0\t0\nGid:\t0\t0\t0\t0\nNSpid:\t70\t9\n",
		 getuid());
	put_file(m, "/proc/70/maps",
		 "10000-20000 rwxp 00000000 00:00 0 \n"
		 "30000-31000 r-xp 00000000 08:01 99 /lib/x.so\n");
}

static void perf_maps(void **state)
{
	static const u64 addresses[] = { 0x10110, 0x30010 };
	struct machine *m = *state;
	_cleanup_buf_ struct buf b = {};
	struct symbol s;

	put_jit(m);
	put_file(m, "/proc/70/root/tmp/perf-9.map",
		 "10100 20 LFoo;::old name\n10100 20 LFoo;::bar baz\nrubbish\n");
	host_user_symbol(m->host, 70, 0x10104, &s);
	assert_string_equal(s.name, "LFoo;::bar baz");
	assert_int_equal(s.offset, 4);
	host_user_symbol(m->host, 70, 0x10120, &s);
	assert_string_equal(s.name, "[unknown]");
	/* The file is not there: its base name and the place in it. */
	host_user_symbol(m->host, 70, 0x30010, &s);
	assert_string_equal(s.name, "[x.so+0x10]");
	assert_int_equal(host_format_stack(m->host, 70, addresses, 2, true, &b), 0);
	assert_string_equal(buf_str(&b), "[x.so+0xf];LFoo:::bar_baz");
}

static void perf_map_of_a_stranger(void **state)
{
	struct machine *m = *state;
	char path[128];
	struct symbol s;

	if (geteuid())
		skip();
	put_jit(m);
	put_file(m, "/proc/70/root/tmp/perf-9.map", "10100 20 forged\n");
	snprintf(path, sizeof(path), "%s/proc/70/root/tmp/perf-9.map", m->root);
	assert_int_equal(chown(path, 12345, 12345), 0);
	host_user_symbol(m->host, 70, 0x10104, &s);
	assert_string_equal(s.name, "[unknown]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int test_symbol_user(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_way),
		TEST(stripped),
		TEST(debug_file_and_deleted),
		TEST(libraries_and_vdso),
		TEST(all_of_libc),
		TEST(little_memory),
		TEST(vdso),
		TEST(after_the_end),
		TEST(perf_maps),
		TEST(perf_map_of_a_stranger),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("host/symbol_user", tests, NULL, NULL);
}
