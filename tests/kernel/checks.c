// SPDX-License-Identifier: Apache-2.0
/* What each gadget must tell of what was done. */
#include "matrix.h"

#include <signal.h>
#include <sys/syscall.h>

static bool by(const struct record *r, const struct deed *d)
{
	return number_of(r, "pid") == (u64)d->pid;
}

static bool exec_seen(const struct record *r, const struct deed *d)
{
	return by(r, d) && !number_of(r, "ret") &&
	       strstr(text_of(r, "args"), "--nothing and more") &&
	       number_of(r, "ppid") == (u64)getpid() && number_of(r, "uid") == 0;
}

static bool failed_exec_seen(const struct record *r, const struct deed *d)
{
	return by(r, d) && (s64)number_of(r, "ret") == -ENOENT &&
	       !strcmp(text_of(r, "filename"), d->text);
}

static bool exit_seen(const struct record *r, const struct deed *d)
{
	return by(r, d) && number_of(r, "code") == 42;
}

static bool open_seen(const struct record *r, const struct deed *d)
{
	return by(r, d) && number_of(r, "error") == ENOENT && !strcmp(text_of(r, "path"), d->text);
}

/*
 * With the filter in the kernel nothing else may come: a record that is not ours is never "found".
 */
static bool only_filtered(const struct record *r, const struct deed *d)
{
	return open_seen(r, d) && str_starts(text_of(r, "path"), "/saker-no-such");
}

static bool opens_counted(const struct record *r, const struct deed *d)
{
	return by(r, d) && schema_find(r->schema, "opens") >= 0 && number_of(r, "opens") == 1 &&
	       number_of(r, "failures") == 1;
}

static bool kill_seen(const struct record *r, const struct deed *d)
{
	return number_of(r, "signal") == SIGUSR1 && number_of(r, "tpid") == (u64)d->pid &&
	       number_of(r, "pid") == (u64)getpid();
}

static bool mount_seen(const struct record *r, const struct deed *d)
{
	return by(r, d) && !strcmp(text_of(r, "target"), d->text) && number_of(r, "result") == 0;
}

static bool oom_seen(const struct record *r, const struct deed *d)
{
	return by(r, d);
}

static bool connect_seen(const struct record *r, const struct deed *d)
{
	return by(r, d) && number_of(r, "dport") == d->number;
}

static bool life_seen(const struct record *r, const struct deed *d)
{
	return by(r, d) && number_of(r, "rport") == d->number && number_of(r, "tx") == 1000;
}

static bool traffic_seen(const struct record *r, const struct deed *d)
{
	return by(r, d) && number_of(r, "rport") == d->number && number_of(r, "tx") == 1000;
}

static bool read_seen(const struct record *r, const struct deed *d)
{
	return by(r, d) && number_of(r, "bytes") == 4096 && number_of(r, "latency") > 0;
}

static bool any_counted(const struct record *r, const struct deed *d UNUSED)
{
	int i = schema_find(r->schema, "histogram");
	struct value v;
	u64 sum = 0;

	if (i < 0)
		return false;
	column_value(&r->schema->columns[i], r, &v, NULL);
	for (size_t k = 0; k < 64; k++)
		sum += v.slots[k];
	return sum > 0;
}

static bool calls_counted(const struct record *r, const struct deed *d)
{
	return number_of(r, "syscall") == __NR_getppid && number_of(r, "count") >= d->number;
}

static bool time_counted(const struct record *r, const struct deed *d)
{
	return calls_counted(r, d) && number_of(r, "total") > 0;
}

static bool samples_counted(const struct record *r, const struct deed *d)
{
	return by(r, d) && number_of(r, "count") > 0;
}

static bool question_seen(const struct record *r, const struct deed *d)
{
	return by(r, d) && !strcmp(text_of(r, "name"), d->text);
}

static bool answer_seen(const struct record *r, const struct deed *d)
{
	return !strcmp(text_of(r, "name"), d->text) && number_of(r, "latency") > 0;
}

const struct check checks[] = {
	{ "execsnoop", "execsnoop", NULL, NULL, do_exec, exec_seen },
	{ "execsnoop: failed", "execsnoop", "failed=1", NULL, do_failed_exec, failed_exec_seen },
	{ "exitsnoop", "exitsnoop", NULL, NULL, do_exit, exit_seen },
	{ "opensnoop", "opensnoop", NULL, NULL, do_open, open_seen },
	{ "opensnoop: filter in the kernel", "opensnoop", NULL,
	  "path startswith \"/saker-no-such\" && ret < 0", do_open, only_filtered },
	{ "opensnoop: summary", "opensnoop", "summary=1", NULL, do_open, opens_counted },
	{ "killsnoop", "killsnoop", NULL, NULL, do_kill, kill_seen },
	{ "mountsnoop", "mountsnoop", NULL, NULL, do_mount, mount_seen },
	{ "oomkill", "oomkill", NULL, NULL, do_oom, oom_seen },
	{ "tcpconnect", "tcpconnect", NULL, NULL, do_connect, connect_seen },
	{ "tcplife", "tcplife", NULL, NULL, do_connect, life_seen },
	{ "tcptop", "tcptop", NULL, NULL, do_connect, traffic_seen },
	{ "biosnoop", "biosnoop", NULL, NULL, do_read_disk, read_seen },
	{ "biolatency", "biolatency", NULL, NULL, do_read_disk, any_counted },
	{ "biolatency: disks, queue", "biolatency", "disks=1 queued=1", NULL, do_read_disk,
	  any_counted },
	{ "runqlat", "runqlat", NULL, NULL, do_spin, any_counted },
	{ "runqlat: processes", "runqlat", "processes=1", NULL, do_spin, any_counted },
	{ "syscount", "syscount", NULL, NULL, do_calls, calls_counted },
	{ "syscount: latency", "syscount", "latency=1", NULL, do_calls, time_counted },
	{ "profile", "profile", NULL, NULL, do_spin, samples_counted },
	{ "dnssnoop: question", "dnssnoop", NULL, NULL, do_dns, question_seen },
	{ "dnssnoop: answer", "dnssnoop", NULL, NULL, do_dns, answer_seen },
};
const size_t check_count = ARRAY_SIZE(checks);
