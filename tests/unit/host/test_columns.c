// SPDX-License-Identifier: Apache-2.0
/* Virtual columns over records, and the names of users, disks and interfaces. */
#include "event/event.h"
#include "unit/host/fixture.h"
#include "unit/host/groups.h"

#include <sys/stat.h>

struct sample {
	struct record_header header;
	u32 pid, ppid, uid, gid;
	u64 cgroup;
	char comm[16];
};

static struct schema *schema_make(bool with_cgroup)
{
	struct schema *s = schema_new("sample", "a sample", SCHEMA_EVENTS);

	assert_non_null(s);
	assert_true(schema_add(s, "ppid", "", kind_find("pid"), offsetof(struct sample, ppid), 4,
			       false) >= 0);
	assert_true(schema_add(s, "pid", "", kind_find("pid"), offsetof(struct sample, pid), 4,
			       false) >= 0);
	assert_true(schema_add(s, "uid", "", kind_find("uid"), offsetof(struct sample, uid), 4,
			       false) >= 0);
	assert_true(schema_add(s, "gid", "", kind_find("gid"), offsetof(struct sample, gid), 4,
			       false) >= 0);
	if (with_cgroup)
		assert_true(schema_add(s, "cgroup", "", kind_find("cgroup"),
				       offsetof(struct sample, cgroup), 8, false) >= 0);
	assert_true(schema_add(s, "comm", "", kind_find("comm"), offsetof(struct sample, comm), 16,
			       false) >= 0);
	schema_seal(s, sizeof(struct sample));
	return s;
}

/* The column's value as text for people. */
static void assert_column(const struct schema *s, const struct sample *sample, const char *name,
			  const char *want)
{
	struct record r = { .schema = s,
			    .data = (const u8 *)sample,
			    .size = sizeof(*sample),
			    .wall_ns = clock_wall_ns() };
	_cleanup_buf_ struct buf scratch = {}, text = {};
	int i = schema_find(s, name);
	struct value v;

	assert_true(i >= 0);
	column_value(&s->columns[i], &r, &v, &scratch);
	value_format(&s->columns[i], &v, &text);
	assert_string_equal(buf_str(&text), want);
}

static struct sample sample_of(u32 pid, u32 ppid)
{
	return (struct sample){ .header = { .size = sizeof(struct sample),
					    .time = clock_monotonic_ns() },
				.pid = pid,
				.ppid = ppid,
				.uid = 33,
				.gid = 5,
				.comm = "ls" };
}

static void put_family(const struct machine *m)
{
	u64 t = long_ago();

	put_process(m, 1, 0, "systemd", t);
	put_process(m, 20, 1, "sshd", t + NSEC_PER_SEC);
	put_process(m, 30, 20, "bash", t + 2 * NSEC_PER_SEC);
	put_link(m, "/proc/30/exe", "/usr/bin/bash");
	put_bytes(m, "/proc/30/cmdline", "bash\0-c\0a b\0", 12);
	put_file(m, "/etc/passwd", "root:x:0:0::/:/bin/sh\nwww:x:33:33::/:/bin/false\nbad line\n");
	put_file(m, "/etc/group", "root:x:0:\ntty:x:5:a,b\n");
}

static void processes(void **state)
{
	struct machine *m = *state;
	_cleanup_(schema_freep) struct schema *s = schema_make(false);
	struct sample sample = sample_of(30, 20);

	put_family(m);
	assert_int_equal(host_add_columns(m->host, s), 0);
	assert_column(s, &sample, "process.exe", "/usr/bin/bash");
	assert_column(s, &sample, "process.args", "bash -c a b");
	assert_column(s, &sample, "process.parent", "sshd");
	assert_column(s, &sample, "process.chain", "systemd>sshd>bash");
	assert_column(s, &sample, "ppid.comm", "sshd");
	assert_column(s, &sample, "user", "www");
	assert_column(s, &sample, "group", "tty");
	assert_int_equal(schema_find(s, "pid.comm"), -1);
	/* Twice is the same as once. */
	assert_int_equal(host_add_columns(m->host, s), 0);
	/* Gone before anybody asked: the record's own words lead to the parent. */
	sample = sample_of(31, 30);
	assert_column(s, &sample, "process.parent", "bash");
	assert_column(s, &sample, "process.chain", "systemd>sshd>bash>ls");
	sample = sample_of(31, 31);
	assert_column(s, &sample, "process.exe", "-");
	assert_column(s, &sample, "process.chain", "-");
	assert_column(s, &sample, "process.start", "-");
	assert_column(s, &sample, "container.id", "-");
	assert_column(s, &sample, "unit", "-");
}

/* A parent whose pid was used again after the child began is nobody's parent. */
static void adopted(void **state)
{
	struct machine *m = *state;
	_cleanup_(schema_freep) struct schema *s = schema_make(false);
	struct sample sample = sample_of(30, 20);

	put_family(m);
	put_process(m, 20, 1, "other", long_ago() + 9 * NSEC_PER_SEC);
	assert_int_equal(host_add_columns(m->host, s), 0);
	assert_column(s, &sample, "process.parent", "-");
	assert_column(s, &sample, "process.chain", "bash");
}

static void containers(void **state)
{
	struct machine *m = *state;
	_cleanup_(schema_freep) struct schema *by_id = schema_make(true),
					      *by_pid = schema_make(false);
	struct sample sample = sample_of(30, 20);

	put_family(m);
	put_cgroup_mount(m);
	put_folder(m, "/sys/fs/cgroup/docker/" ID_A);
	put_folder(m, "/sys/fs/cgroup/system.slice/a.service");
	put_file(m, "/var/lib/docker/containers/" ID_A "/config.v2.json",
		 "{\"Name\":\"/web\",\"Config\":{\"Image\":\"i\"}}");
	put_file(m, "/proc/30/cgroup", "3:pids:/docker/" ID_A "\n0::/\n");
	assert_int_equal(host_add_columns(m->host, by_id), 0);
	assert_int_equal(host_add_columns(m->host, by_pid), 0);
	sample.cgroup = inode_of(m, "/sys/fs/cgroup/system.slice/a.service");
	assert_column(by_id, &sample, "unit", "a.service");
	assert_column(by_id, &sample, "container.name", "-");
	assert_column(by_id, &sample, "cgroup.path", "/system.slice/a.service");
	assert_column(by_pid, &sample, "container.name", "web");
	assert_column(by_pid, &sample, "container.id", "0123456789ab");
	assert_column(by_pid, &sample, "container.image", "i");
	assert_column(by_pid, &sample, "container.runtime", "docker");
	assert_column(by_pid, &sample, "pod.name", "-");
	/* Hybrid: the id is the root's, the container stands in another hierarchy. */
	sample.cgroup = inode_of(m, "/sys/fs/cgroup");
	assert_column(by_id, &sample, "container.name", "web");
	/* The process has gone, the cgroup has not. */
	sample = sample_of(4000, 1);
	sample.cgroup = inode_of(m, "/sys/fs/cgroup/docker/" ID_A);
	assert_column(by_id, &sample, "container.name", "web");
}

int test_columns(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(processes, machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(adopted, machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(containers, machine_setup, machine_teardown),
	};

	return cmocka_run_group_tests_name("host/columns", tests, NULL, NULL);
}

/* ---- names ------------------------------------------------------------------------------- */

static void assert_added(struct host *h, void (*add)(struct host *h, u32 number, struct buf *b),
			 u32 number, const char *want)
{
	_cleanup_buf_ struct buf b = {};

	add(h, number, &b);
	assert_string_equal(buf_str(&b), want);
}

static void names(void **state)
{
	struct machine *m = *state;

	put_file(m, "/etc/passwd",
		 "toor:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\nz:x:4294967294:1:::\n");
	assert_added(m->host, host_add_user, 0, "toor"); /* the first line */
	assert_added(m->host, host_add_user, 4294967294, "z");
	assert_added(m->host, host_add_user, 12, "12");
	assert_added(m->host, host_add_group, 12, "12"); /* no file at all */
}

int test_names(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(names, machine_setup,
									    machine_teardown) };

	return cmocka_run_group_tests_name("host/names", tests, NULL, NULL);
}
