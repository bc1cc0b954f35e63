// SPDX-License-Identifier: Apache-2.0
/*
 * What the store takes and gives: records per second of one core through append, compression and
 * commit, bytes on disk per record, and the time of queries over them. The records are like
 * opensnoop's: numbers, a name, a path, 120 bytes.
 *
 *	bench_store [records [directory]]
 */
#include "store/store.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct open_record {
	struct record_header header;
	u32 pid, tid, uid, padding;
	u64 cgroup;
	char comm[16];
	s32 fd, error;
	struct {
		u16 offset, length;
	} path;
	char tail[128];
};

static struct schema *make_schema(void)
{
	struct schema *s = schema_new("opensnoop", "files opened", SCHEMA_EVENTS);
	int path;

#define ADD(name, kind, member, is_signed)                                             \
	schema_add(s, name, "", kind_find(kind), offsetof(struct open_record, member), \
		   sizeof(((struct open_record *)0)->member), is_signed)
	schema_add(s, "time", "", kind_find("time_ns"), offsetof(struct record_header, time), 8,
		   false);
	ADD("pid", "pid", pid, false);
	ADD("tid", "tid", tid, false);
	ADD("uid", "uid", uid, false);
	ADD("cgroup", "cgroup", cgroup, false);
	ADD("comm", "comm", comm, false);
	ADD("fd", "signed", fd, true);
	ADD("error", "errno", error, true);
	path = ADD("path", "path", path, false);
	s->columns[path].in_tail = true;
	schema_seal(s, offsetof(struct open_record, tail));
	return s;
}

static u32 random_number(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(*state >> 33);
}

/* Some hundred processes, a few thousand files, arrival every few microseconds. */
static void make_record(struct open_record *o, struct record *r, u64 i, u64 *random)
{
	static const char *const folders[] = { "/usr/lib/x86_64-linux-gnu", "/etc/ssl/certs",
					       "/var/log/journal", "/proc/self/task",
					       "/home/user/project/src" };
	static const char *const comms[] = { "nginx", "postgres", "systemd-journal",
					     "node",  "python3",  "bash",
					     "sshd" };
	u32 process = random_number(random) % 200, file = random_number(random) % 4000;
	int n;

	memset(o, 0, offsetof(struct open_record, tail));
	o->header.type = 42;
	o->header.time = 1000000000 + i * 3000 + random_number(random) % 2000;
	o->pid = o->tid = 1000 + process * 7;
	o->uid = process % 5 * 33;
	o->cgroup = 4000 + process % 20;
	strcpy(o->comm, comms[process % ARRAY_SIZE(comms)]);
	o->fd = (s32)(random_number(random) % 40);
	o->error = random_number(random) % 8 ? 0 : ENOENT;
	n = snprintf(o->tail, sizeof(o->tail), "%s/file-%04u.conf",
		     folders[file % ARRAY_SIZE(folders)], file);
	o->path.offset = offsetof(struct open_record, tail);
	o->path.length = (u16)(n + 1);
	r->size = o->header.size = (u32)(offsetof(struct open_record, tail) + (size_t)n + 1);
	r->data = (const u8 *)o;
	r->wall_ns = 1763600400 * NSEC_PER_SEC + o->header.time;
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void empty_directory(const char *path, bool remove, u64 *ret_bytes)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat st;

	*ret_bytes = 0;
	while (dir && (entry = readdir(dir))) {
		if (!fstatat(dirfd(dir), entry->d_name, &st, 0) && S_ISREG(st.st_mode))
			*ret_bytes += (u64)st.st_size;
		if (remove)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	if (remove)
		rmdir(path);
}

static void print_line(void *context UNUSED, enum log_level level UNUSED, const char *text)
{
	fprintf(stderr, "%s\n", text);
}

/* Appends what was made beforehand, flushing as the agent does, once per simulated second. */
static int ingest(const struct store_options *o, const struct schema *schema, u64 count)
{
	enum { MADE = 65536 };
	struct open_record *made = calloc(MADE, sizeof(*made));
	struct record *records = calloc(MADE, sizeof(*records));
	double cpu = 0, started;
	u64 wall = 0, random = 1, bytes = 0, disk;
	struct store *s = NULL;

	if (!made || !records || store_open(o, &s))
		return fail_in(-EINVAL, "bench");
	for (u64 i = 0; i < count; i += MADE) {
		u64 n = MIN(count - i, (u64)MADE), clock;

		for (u64 k = 0; k < n; k++) {
			records[k].schema = schema;
			make_record(&made[k], &records[k], i + k, &random);
			bytes += records[k].size;
		}
		started = cpu_seconds();
		clock = clock_monotonic_ns();
		for (u64 k = 0; k < n; k++)
			store_append(s, &records[k]);
		if (i / (5 * MADE) != (i + n) / (5 * MADE) && store_flush(s))
			return fail_in(-EIO, "bench");
		cpu += cpu_seconds() - started;
		wall += clock_monotonic_ns() - clock;
	}
	started = cpu_seconds();
	if (store_flush(s))
		return fail_in(-EIO, "bench");
	cpu += cpu_seconds() - started;
	if (store_statistics(s, 0)->stored != count)
		return fail(-EIO, "bench: only %llu records were stored",
			    (unsigned long long)store_statistics(s, 0)->stored);
	s = store_close(s);
	empty_directory(o->directory, false, &disk);
	printf("store ingest: %.0f records/s of a core, %.0f records/s of wall time\n",
	       (double)count / cpu, (double)count * 1e9 / (double)wall);
	printf("store size: %.1f bytes/record on disk, %.1f in memory, ratio %.2f\n",
	       (double)disk / (double)count, (double)bytes / (double)count,
	       (double)bytes / (double)disk);
	free(made);
	free(records);
	return 0;
}

static int measure_query(const char *directory, const char *sql, u64 count)
{
	struct query_options o = { .directory = directory,
				   .timeout_ns = 120 * NSEC_PER_SEC,
				   .log = { print_line, NULL } };
	u64 start = clock_monotonic_ns(), rows = 0;
	_cleanup_(query_closep) struct query *q = NULL;
	int r = query_open(&o, sql, &q);

	while (!r && (r = query_step(q)) == 1) {
		rows++;
		r = 0;
	}
	if (r)
		return r;
	printf("store query: %.0f ms for %llu records, %llu rows: %s\n",
	       (double)(clock_monotonic_ns() - start) / 1e6, (unsigned long long)count,
	       (unsigned long long)rows, sql);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const queries[] = {
		"SELECT count(*) FROM opensnoop",
		"SELECT comm, count(*) FROM opensnoop GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
		"SELECT path, count(*) FROM opensnoop WHERE error = 2 GROUP BY 1 ORDER BY 2 DESC "
		"LIMIT 10",
		"SELECT count(*) FROM opensnoop WHERE time < '2025-11-20T01:00:01.1'",
	};
	char temporary[] = "/var/tmp/saker-bench-XXXXXX";
	u64 count = 1000000, bytes;
	struct schema *schema = make_schema();
	struct store_options o = { .directory = temporary, .log = { print_line, NULL } };
	int err = 0;

	if (argc > 1 && parse_u64(argv[1], &count))
		return 2;
	if (argc > 2)
		o.directory = argv[2];
	else if (!mkdtemp(temporary))
		return 1;
	err = ingest(&o, schema, count);
	for (size_t i = 0; i < ARRAY_SIZE(queries) && !err; i++)
		err = measure_query(o.directory, queries[i], count);
	if (err)
		fprintf(stderr, "bench_store: %s\n", error_text());
	empty_directory(o.directory, true, &bytes);
	schema_free(schema);
	return err != 0;
}
