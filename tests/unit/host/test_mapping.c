// SPDX-License-Identifier: Apache-2.0
/*
 * The watch of what processes map: children that map, fork, execute and end before anybody asks.
 * What the tables make of records is tested with records of our own, against a model.
 */
#include "unit/host/fixture.h"
#include "unit/host/groups.h"

#include "host/mapping.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char source[] =
	"#include <stdio.h>\n"
	"__attribute__((noinline)) int known_function(int x) { return x * 3; }\n"
	"int main(int argc, char **argv) {\n"
	"	printf(\"%p\\n\", known_function);\n"
	"	return known_function(argc) == 0;\n"
	"}\n";

static bool build(const struct machine *m, char program[128])
{
	char command[512];

	put_file(m, "/target.c", "%s", source);
	snprintf(program, 128, "%s/target", m->root);
	snprintf(command, sizeof(command),
		 "gcc -O1 -fPIE -pie -Wl,--build-id=0xab0123 -o %s %s/target.c 2>/dev/null",
		 program, m->root);
	return !system(command);
}

/* Skips where the kernel does not let us watch. */
static struct host *watching_host(void)
{
	struct host *h = host_new(NULL);

	assert_non_null(h);
	if (host_watch_mappings(h)) {
		host_free(h);
		skip();
	}
	assert_int_equal(host_watch_mappings(h), 0); /* once more: nothing */
	return h;
}

/* Runs the program to its end; where its function was. */
static pid_t run_to_end(const char *program, unsigned long long *ret_address)
{
	_cleanup_file_ FILE *f = NULL;
	int out[2];
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	assert_int_equal(fscanf(f, "%llx", ret_address), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void gone_before_asked(void **state)
{
	struct machine *m = *state;
	_cleanup_(host_freep) struct host *h = watching_host();
	unsigned long long address;
	struct build_id id;
	char program[128];
	struct symbol s;
	pid_t pid;

	if (!build(m, program))
		skip();
	pid = run_to_end(program, &address);
	host_drain_mappings(h);
	host_user_symbol(h, (u32)pid, address + 1, &s);
	assert_true(s.known);
	assert_string_equal(s.name, "known_function");
	assert_int_equal(s.offset, 1);
	assert_string_equal(s.module, "target");
	assert_string_equal(s.path, program);
	assert_true(host_user_build_id(h, (u32)pid, 0, address, &id));
	assert_int_equal(id.size, 3);
	assert_memory_equal(id.bytes, "\xab\x01\x23", 3);
	assert_int_equal(id.offset & 0xfff, address & 0xfff);
	/* Before its exec it was a copy of ours, and had our addresses. */
	host_user_symbol(h, (u32)pid, (u64)(uintptr_t)&watching_host, &s);
	assert_string_equal(s.name, "watching_host");
	/* Not everything was mapped. */
	host_user_symbol(h, (u32)pid, 0x10, &s);
	assert_false(s.known);
	assert_int_equal(host_mappings_lost(h), 0);
}

/* At the path of what was mapped there is another file by now: no name is better than its names. */
static void file_replaced(void **state)
{
	struct machine *m = *state;
	_cleanup_(host_freep) struct host *h = watching_host();
	unsigned long long address;
	char program[128], command[512];
	struct build_id id;
	struct symbol s;
	pid_t pid;

	if (!build(m, program))
		skip();
	pid = run_to_end(program, &address);
	snprintf(command, sizeof(command), "cp %s %s.new && mv %s.new %s", program, program,
		 program, program);
	assert_int_equal(system(command), 0);
	host_drain_mappings(h);
	host_user_symbol(h, (u32)pid, address, &s);
	assert_false(s.known);
	assert_string_equal(s.module, "target");
	assert_false(host_user_build_id(h, (u32)pid, 0, address, &id));
}

static void mount_and_run(const char *folder, const char *program, int in, int out)
{
	char inside[256];

	dup2(in, 0);
	dup2(out, 1);
	snprintf(inside, sizeof(inside), "cp %s %s/", program, folder);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", folder, "tmpfs", 0, NULL) || system(inside))
		_exit(1);
	snprintf(inside, sizeof(inside), "%s/target", folder);
	execl("/bin/sh", "sh", "-c", "\"$0\"; read x", inside, (char *)NULL);
	_exit(1);
}

/* Its file is only in a mount name space that ends with it: held while one of it was there. */
static void other_mounts(void **state)
{
	struct machine *m = *state;
	_cleanup_(host_freep) struct host *h = watching_host();
	_cleanup_file_ FILE *f = NULL;
	unsigned long long address = 0;
	char program[128], folder[128];
	int in[2], out[2], got;
	bool found = false;
	pid_t pid;

	if (geteuid() || !build(m, program))
		skip();
	put_folder(m, "/inside/x");
	snprintf(folder, sizeof(folder), "%s/inside", m->root);
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (!pid)
		mount_and_run(folder, program, in[0], out[1]);
	close(out[1]);
	f = fdopen(out[0], "r");
	got = fscanf(f, "%llx", &address);
	host_drain_mappings(h);
	close(in[0]);
	close(in[1]); /* the shell's read ends */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	if (got != 1)
		skip(); /* no right to mount */
	host_drain_mappings(h);
	/* The shell's child had the next pid, or one soon after. */
	for (u32 i = 1; i < 200 && !found; i++) {
		struct symbol s;

		host_user_symbol(h, (u32)pid + i, address, &s);
		found = s.known && !strcmp(s.name, "known_function");
		found = found && str_ends(s.path, "/inside/target");
	}
	assert_true(found);
}

/* A child that never executes anything has its parent's mappings, and then its own. */
static void fork_and_end(void **state UNUSED)
{
	_cleanup_(host_freep) struct host *h = watching_host();
	_cleanup_close_ int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	u64 page = 0;
	struct symbol s;
	int out[2];
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, self, 0);

		_exit(write(out[1], &at, sizeof(at)) != sizeof(at));
	}
	assert_int_equal(read(out[0], &page, sizeof(page)), sizeof(page));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(out[0]);
	close(out[1]);
	host_drain_mappings(h);
	host_user_symbol(h, (u32)pid, (u64)(uintptr_t)&fork_and_end, &s);
	assert_string_equal(s.name, "fork_and_end");
	host_user_symbol(h, (u32)pid, page, &s);
	assert_string_equal(s.module, "unit_host");
	/* What the child has mapped is not its parent's. */
	host_user_symbol(h, (u32)getpid(), page, &s);
	assert_null(s.module);
}

/* Who ran before the watch is read in passing, and known when it has gone. */
static void learned_in_passing(void **state)
{
	_cleanup_(host_freep) struct host *h = NULL;
	int gate[2], calls = 0;
	struct symbol s;
	pid_t pid;
	char byte;

	assert_non_null(*state);
	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		close(gate[1]);
		_exit(read(gate[0], &byte, 1) != 0);
	}
	h = watching_host();
	while (host_learn_all_mappings(h, 16))
		assert_true(++calls < 10000);
	assert_false(host_learn_all_mappings(h, 16));
	close(gate[0]);
	close(gate[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	host_drain_mappings(h);
	host_user_symbol(h, (u32)pid, (u64)(uintptr_t)&learned_in_passing, &s);
	assert_string_equal(s.name, "learned_in_passing");
}

/* More than the rings hold: it is counted, and who is still there is read again. */
static void overrun(void **state UNUSED)
{
	_cleanup_(host_freep) struct host *h = watching_host();
	_cleanup_close_ int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *at = MAP_FAILED;
	struct symbol s;

	for (int i = 0; i < 50000; i++) {
		at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, self, 0);
		assert_true(at != MAP_FAILED);
		if (i < 49999)
			munmap(at, 4096);
	}
	host_drain_mappings(h);
	/* The next record that fits says how many did not. */
	for (int i = 0; i < 100 && !host_mappings_lost(h); i++) {
		munmap(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, self, 0), 4096);
		host_drain_mappings(h);
	}
	assert_true(host_mappings_lost(h) > 0);
	host_user_symbol(h, (u32)getpid(), (u64)(uintptr_t)at, &s);
	assert_string_equal(s.module, "unit_host");
	munmap(at, 4096);
}

/* ---- records of our own -------------------------------------------------------------------- */

static void feed(struct host *h, enum mapping_kind kind, u32 pid, u32 parent, u64 time)
{
	mapping_apply(h, &(struct mapping_record){
				 .kind = kind, .pid = pid, .parent = parent, .time = time });
}

static void feed_map(struct host *h, u32 pid, u64 start, u64 size, const char *path, u64 time)
{
	mapping_apply(h, &(struct mapping_record){ .kind = MAPPING_MAP,
						   .pid = pid,
						   .time = time,
						   .start = start,
						   .end = start + size,
						   .inode = 7,
						   .path = { path, strlen(path) } });
}

static void assert_module(struct host *h, u32 pid, u64 time, u64 address, const char *want)
{
	struct symbol s;

	host_user_symbol_at(h, pid, time, address, &s);
	if (want)
		assert_string_equal(s.module, want);
	else
		assert_null(s.module);
}

static void at_its_time(void **state)
{
	struct host *h = ((struct machine *)*state)->host;

	feed(h, MAPPING_EXEC, 10, 0, 100);
	feed_map(h, 10, 0x1000, 0x1000, "/bin/sh", 110);
	feed(h, MAPPING_FORK, 11, 10, 120);
	feed(h, MAPPING_EXEC, 11, 0, 200);
	feed_map(h, 11, 0x1000, 0x1000, "/bin/ls", 210);
	feed_map(h, 11, 0x8000, 0x1000, "/lib/c.so", 220);
	feed(h, MAPPING_EXIT, 11, 0, 300);
	feed(h, MAPPING_FORK, 11, 10, 400); /* the pid is another's */
	assert_module(h, 11, 150, 0x1000, "sh");
	assert_module(h, 11, 250, 0x1000, "ls");
	assert_module(h, 11, 250, 0x8000, "c.so");
	assert_module(h, 11, 350, 0x1000, NULL);
	assert_module(h, 11, 450, 0x1000, "sh");
	assert_module(h, 11, 450, 0x8000, NULL);
	/* Without a time it is who is there now, or who last had it. */
	assert_module(h, 11, 0, 0x1000, "sh");
	feed_map(h, 11, 0x1000, 0x800, "/own", 460);
	assert_module(h, 11, 0, 0x1000, "own");
	assert_module(h, 11, 0, 0x1800, "sh");
	assert_module(h, 10, 0, 0x1000, "sh");
}

static void old_news(void **state)
{
	struct host *h = ((struct machine *)*state)->host;

	feed_map(h, 20, 0x1000, 0x1000, "/x", 100); /* of nobody we know */
	assert_module(h, 20, 0, 0x1000, NULL);
	feed(h, MAPPING_EXIT, 20, 0, 110);
	feed(h, MAPPING_FORK, 21, 20, 120);
	assert_module(h, 21, 0, 0x1000, NULL);
	feed(h, MAPPING_LOST, 0, 0, 130);
}

/* A run-time compiler: the same region again and again, then more of them than are kept. */
static void busy_process(void **state)
{
	struct host *h = ((struct machine *)*state)->host;
	u64 id, begin = clock_monotonic_ns();
	struct region *r;

	feed(h, MAPPING_EXEC, 30, 0, 1);
	feed_map(h, 30, 0x1000, 0x1000, "/bin/jit", 2);
	feed_map(h, 30, 0x4000, 0x1000, "//anon", 3);
	id = maps_find(h, 30, 0, 0x4000, &r)->table->id;
	feed_map(h, 30, 0x4000, 0x1000, "//anon", 4);
	assert_int_equal(maps_find(h, 30, 0, 0x4000, &r)->table->id, id);
	feed_map(h, 30, 0x4000, 0x1000, "/lib/x.so", 5);
	assert_module(h, 30, 0, 0x4000, "x.so");
	for (u64 i = 0; i < 100000; i++)
		feed_map(h, 30, 0x100000000 - i * 0x2000, 0x1000, "//anon", 6 + i);
	assert_module(h, 30, 0, 0x1000, "jit");
	assert_true(h->symbols->maps_bytes < 1 << 20);
	assert_true(clock_monotonic_ns() - begin < 10 * NSEC_PER_SEC);
}

#define PAGES 96

static void regions_like_a_model(void **state UNUSED)
{
	struct region_table *t = regions_new();
	u16 model[PAGES] = {};
	u64 seed = 42;

	for (u16 step = 1; step < 5000; step++) {
		u64 start, size;
		char path[16];

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		start = (seed >> 33) % PAGES;
		size = 1 + (seed >> 45) % (PAGES - start);
		snprintf(path, sizeof(path), "/%u", step);
		for (u64 i = start; i < start + size; i++)
			model[i] = step;
		assert_int_equal(regions_put(t,
					     (struct region){ .start = start,
							      .end = start + size,
							      .offset = start },
					     (struct text_span){ path, strlen(path) }),
				 0);
		for (u64 i = 0; i < PAGES; i++) {
			const struct region *r = regions_find(t, i);

			assert_true(!model[i] == !r);
			if (!r)
				continue;
			assert_int_equal(atoi(region_path(t, r) + 1), model[i]);
			assert_int_equal(r->offset, r->start); /* as it was put */
		}
	}
	assert_true(t->names.cap < 16384); /* of thousands of paths */
	regions_unref(t);
}

static void bounded(void **state)
{
	_cleanup_(host_freep) struct host *h = NULL;
	struct machine *m = *state;

	h = host_new(&(struct host_options){ .root = m->root, .symbol_bytes = 128 << 10 });
	for (u32 pid = 1; pid <= 20000; pid++) {
		feed(h, MAPPING_EXEC, pid, 0, pid * 10);
		feed_map(h, pid, 0x1000, 0x1000, "/bin/program", pid * 10 + 1);
		feed_map(h, pid, 0x9000, 0x1000, "/lib/libc.so.6", pid * 10 + 2);
		if (pid % 100)
			feed(h, MAPPING_EXIT, pid, 0, pid * 10 + 3);
	}
	assert_true(h->symbols->maps_bytes <= 64 << 10);
	assert_module(h, 19999, 199992, 0x9000, "libc.so.6");
	assert_module(h, 1, 12, 0x9000, NULL);
	assert_module(h, 20000, 0, 0x9000, "libc.so.6");
	for (u32 pid = 1; pid <= 20000; pid++)
		feed(h, MAPPING_EXIT, pid, 0, 1000000);
	assert_true(h->symbols->maps_bytes <= 64 << 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int test_mapping(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gone_before_asked),
		TEST(file_replaced),
		TEST(other_mounts),
		TEST(fork_and_end),
		TEST(overrun),
		TEST(learned_in_passing),
		TEST(at_its_time),
		TEST(old_news),
		TEST(bounded),
		TEST(busy_process),
		TEST(regions_like_a_model),
	};

	return cmocka_run_group_tests_name("host/mapping", tests, NULL, NULL);
}
