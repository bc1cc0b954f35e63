// SPDX-License-Identifier: Apache-2.0
/* What the store's tests share: see fixture.h. */
#include "fixture.h"

#include <dirent.h>
#include <sys/stat.h>

static void remember(void *context, enum log_level level, const char *text)
{
	struct fixture *f = context;

	buf_printf(&f->log, "%d %s\n", level, text);
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	/* In memory where there is such a thing: a slow disk's fsync is not what is tested. */
	snprintf(f->directory, sizeof(f->directory), "%s/saker-store-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(f->directory))
		return -1;
	f->schema = open_schema("opensnoop");
	f->options = (struct store_options){ .directory = f->directory, .log = { remember, f } };
	*state = f;
	return 0;
}

void remove_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	remove_directory(f->directory);
	schema_free(f->schema);
	buf_free(&f->log);
	free(f);
	return 0;
}

struct schema *open_schema(const char *name)
{
	struct schema *s = schema_new(name, "files opened", SCHEMA_EVENTS);
	int i;

	assert_non_null(s);
	schema_add(s, "time", "when", kind_find("time_ns"), offsetof(struct record_header, time), 8,
		   false);
	schema_add(s, "pid", "process", kind_find("pid"), offsetof(struct open_record, pid), 4,
		   false);
	schema_add(s, "error", "why not", kind_find("errno"), offsetof(struct open_record, error),
		   4, true);
	schema_add(s, "duration", "how long", kind_find("duration_ns"),
		   offsetof(struct open_record, duration), 8, false);
	schema_add(s, "comm", "name", kind_find("comm"), offsetof(struct open_record, comm), 16,
		   false);
	i = schema_add(s, "path", "which", kind_find("path"), offsetof(struct open_record, path), 4,
		       false);
	assert_true(i >= 0);
	s->columns[i].in_tail = true;
	schema_seal(s, OPEN_FIXED);
	return s;
}

int append_open(struct store *s, const struct schema *schema, u64 wall_ns, u32 number)
{
	struct open_record o = { .header = { .time = wall_ns - T0_NS },
				 .pid = number,
				 .error = number % 3 ? 0 : ENOENT };
	struct record r = { .schema = schema, .data = (u8 *)&o, .wall_ns = wall_ns };
	int n = snprintf(o.tail, sizeof(o.tail), "/tmp/%u", number);

	snprintf(o.comm, sizeof(o.comm), "comm%u", number % 10);
	o.duration = number * 1000;
	o.path.offset = OPEN_FIXED;
	o.path.length = (u16)(n + 1);
	o.header.size = r.size = (u32)(OPEN_FIXED + (size_t)n + 1);
	return store_append(s, &r);
}

struct store *open_store(struct fixture *f)
{
	struct store *s = NULL;

	if (store_open(&f->options, &s))
		fail_msg("store_open: %s", error_text());
	return s;
}

static int count(void *context, const struct record *r)
{
	++*(u64 *)context;
	return record_check(r->schema, r->data, r->size);
}

int try_count(struct fixture *f, const char *schema, struct store_scan_report *report, u64 *ret)
{
	struct store_range range = { .schema = schema };

	*ret = 0;
	return store_scan_directory(f->directory, &range, count, ret, &f->options.log, report);
}

u64 count_records(struct fixture *f, const char *schema, struct store_scan_report *ret)
{
	u64 n;

	assert_int_equal(try_count(f, schema, ret, &n), 0);
	return n;
}

const char *query_one(struct fixture *f, const char *sql)
{
	static char text[4096];
	struct query_options o = { .directory = f->directory, .log = f->options.log };
	_cleanup_(query_closep) struct query *q = NULL;
	struct query_value v;

	if (query_open(&o, sql, &q))
		fail_msg("%s: %s", sql, error_text());
	if (query_step(q) != 1)
		fail_msg("%s: no row: %s", sql, error_text());
	query_value(q, 0, &v);
	if (v.type == QUERY_INTEGER)
		snprintf(text, sizeof(text), "%lld", (long long)v.integer);
	else if (v.type == QUERY_REAL)
		snprintf(text, sizeof(text), "%g", v.real);
	else
		snprintf(text, sizeof(text), "%.*s", (int)v.len, v.bytes);
	return text;
}

const char *query_error(struct fixture *f, const char *sql, int err)
{
	struct query_options o = { .directory = f->directory, .log = f->options.log };
	_cleanup_(query_closep) struct query *q = NULL;
	int r = query_open(&o, sql, &q);

	while (!r && (r = query_step(q)) == 1)
		r = 0;
	if (r != err)
		fail_msg("%s: %d, not %d: %s", sql, r, err, error_text());
	return error_text();
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static size_t list(struct fixture *f, char (*names)[64], size_t max, bool aside)
{
	DIR *dir = opendir(f->directory);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		const char *end = strstr(entry->d_name, ".db");

		if (end && n < max && (aside ? str_ends(end, ".corrupt") : !end[3]))
			snprintf(names[n++], 64, "%.63s", entry->d_name);
	}
	closedir(dir);
	qsort(names, n, 64, compare_names);
	return n;
}

const char *partition_path(struct fixture *f, size_t index, bool aside)
{
	static char path[160];
	char names[128][64];

	assert_true(index < list(f, names, 128, aside));
	snprintf(path, sizeof(path), "%s/%s", f->directory, names[index]);
	return path;
}

size_t file_count(struct fixture *f)
{
	DIR *dir = opendir(f->directory);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

size_t partition_count(struct fixture *f, bool aside)
{
	char names[128][64];

	return list(f, names, 128, aside);
}
