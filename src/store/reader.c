// SPDX-License-Identifier: Apache-2.0
/*
 * The way from files to records:
 *
 *	partitions of the range ──► versions of the schema ──► keys of batches ──► batch ──► record
 *
 * Every step may find damage; then it says so, counts it, and takes the next one.
 */
#include "store/reader.h"

#include "store/partition.h"

#define KEYS_AT_ONCE 512
#define SCHEMAS_MAX 64 /* versions of one schema in one partition */
#define LINES_MAX 10   /* of the log, per scan */

struct known_schema {
	char *definition;
	size_t size;
	struct schema *schema; /* NULL: the definition cannot be read */
};

struct reader {
	char *directory, *name;
	struct store_range range;
	struct store_log log;
	u32 lines;
	struct store_scan_report report;
	struct partition_list files;
	size_t next_file;
	const char *file; /* name of the open partition */
	struct partition *partition;
	struct known_schema *known;
	size_t known_count, known_capacity;
	/* of the open partition */
	struct {
		s64 id;
		const struct schema *schema;
	} schemas[SCHEMAS_MAX];
	size_t schema_count, next_schema;
	const struct schema *schema;
	s64 schema_id;
	bool more_keys;
	struct batch_key keys[KEYS_AT_ONCE];
	size_t key_count, next_key;
	struct batch_reader batch;
};

char *store_path(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

int reader_open(const char *directory, const struct store_range *range, const struct store_log *log,
		struct reader **ret)
{
	_cleanup_(reader_closep) struct reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return fail(-ENOMEM, "store: out of memory");
	r->directory = strdup(directory);
	r->name = strdup(range->schema);
	if (!r->directory || !r->name)
		return fail(-ENOMEM, "store: out of memory");
	r->range = *range;
	r->range.schema = r->name;
	if (!r->range.time_max)
		r->range.time_max = UINT64_MAX;
	if (log)
		r->log = *log;
	err = directory_list(directory, &r->files);
	if (err)
		return err;
	*ret = TAKE_PTR(r);
	return 0;
}

static void leave_partition(struct reader *r)
{
	r->partition = partition_close(r->partition);
	r->schema_count = r->next_schema = 0;
	r->schema = NULL;
	r->key_count = r->next_key = 0;
	r->more_keys = false;
}

struct reader *reader_close(struct reader *r)
{
	if (!r)
		return NULL;
	leave_partition(r);
	for (size_t i = 0; i < r->known_count; i++) {
		schema_free(r->known[i].schema);
		free(r->known[i].definition);
	}
	free(r->known);
	batch_reader_free(&r->batch);
	partition_list_free(&r->files);
	free(r->directory);
	free(r->name);
	free(r);
	return NULL;
}

void reader_closep(struct reader **r)
{
	reader_close(*r);
}

/*
 * Says what is wrong (the error's text) and what is skipped for it; a thousand bad batches do not
 * flood the log.
 */
static void say_skipped(struct reader *r, const char *what, s64 number)
{
	if (r->lines > LINES_MAX)
		return;
	if (r->lines++ == LINES_MAX)
		store_say(&r->log, LOG_LEVEL_WARNING, "store: further damage is counted only");
	else
		store_say(&r->log, LOG_LEVEL_WARNING,
			  "store: '%s/%s': %s %lld of %s is skipped: %s", r->directory, r->file,
			  what, (long long)number, r->name, error_text());
}

/* A definition is parsed once, however many partitions hold it. */
static const struct schema *schema_of(struct reader *r, const struct partition_schema *s)
{
	struct known_schema *known;

	for (size_t i = 0; i < r->known_count; i++) {
		known = &r->known[i];
		if (known->size == s->definition_size &&
		    !memcmp(known->definition, s->definition, known->size))
			return known->schema;
	}
	if (grow(&r->known, &r->known_capacity, r->known_count + 1, sizeof(*r->known)))
		return NULL;
	known = &r->known[r->known_count];
	known->definition = malloc(s->definition_size + 1);
	if (!known->definition)
		return NULL;
	memcpy(known->definition, s->definition, s->definition_size);
	known->size = s->definition_size;
	r->known_count++;
	if (schema_from_json(s->definition, s->definition_size, &known->schema))
		say_skipped(r, "schema", s->id);
	return known->schema;
}

static int take_schema(void *context, const struct partition_schema *s)
{
	struct reader *r = context;
	const struct schema *schema;

	if (strcmp(s->name, r->name) || r->schema_count >= SCHEMAS_MAX)
		return 0;
	schema = schema_of(r, s);
	if (schema) {
		r->schemas[r->schema_count].id = s->id;
		r->schemas[r->schema_count++].schema = schema;
	} else {
		r->report.bad_batches++;
	}
	return 0;
}

static void give_up(struct reader *r)
{
	r->report.bad_partitions++;
	store_say(&r->log, LOG_LEVEL_WARNING, "store: %s: the rest of this partition is skipped",
		  error_text());
	leave_partition(r);
}

/* Opens the next partition of the range. 1, 0 at the end, -ENOMEM. */
static int enter_partition(struct reader *r)
{
	while (r->next_file < r->files.count) {
		const struct partition_file *f = &r->files.files[r->next_file++];
		_cleanup_free_ char *path = NULL;
		int err;

		if (f->aside || f->id.start * NSEC_PER_SEC > r->range.time_max ||
		    partition_end_ns(&f->id) < r->range.time_min)
			continue;
		path = store_path(r->directory, f->name);
		if (!path)
			return fail(-ENOMEM, "store: out of memory");
		r->file = f->name;
		err = partition_open_read(path, &r->partition);
		if (!err)
			err = partition_schemas(r->partition, take_schema, r);
		if (!err)
			return 1;
		if (err == -ENOMEM)
			return err;
		if (err ==
		    -ENOENT) /* expired, or set aside, since it was listed; or just being made */
			leave_partition(r);
		else
			give_up(r);
	}
	return 0;
}

/*
 * More keys of the current schema, or the first of the next one. 1, 0 when the partition is done,
 * -errno.
 */
static int next_keys(struct reader *r)
{
	const struct batch_key *after = NULL;
	struct batch_key last;
	int n;

	if (!r->more_keys) {
		if (r->next_schema >= r->schema_count)
			return 0;
		r->schema_id = r->schemas[r->next_schema].id;
		r->schema = r->schemas[r->next_schema++].schema;
	} else {
		last = r->keys[r->key_count - 1];
		after = &last;
	}
	n = partition_batches(r->partition, r->schema_id, r->range.time_min, r->range.time_max,
			      after, r->keys, KEYS_AT_ONCE);
	if (n < 0)
		return n;
	r->key_count = (size_t)n;
	r->next_key = 0;
	r->more_keys = n == KEYS_AT_ONCE;
	return 1;
}

/* Opens the next batch. 1, 0 at the end of everything, -ENOMEM. */
static int next_batch(struct reader *r)
{
	for (;;) {
		int err;

		if (!r->partition) {
			err = enter_partition(r);
			if (err <= 0)
				return err;
		}
		if (r->next_key >= r->key_count) {
			err = next_keys(r);
			if (err == -ENOMEM)
				return err;
			if (err < 0)
				give_up(r);
			else if (!err)
				leave_partition(r);
			continue;
		}
		err = partition_batch(r->partition, r->keys[r->next_key++].id, &r->batch);
		if (!err) {
			r->report.batches++;
			return 1;
		}
		if (err == -ENOMEM)
			return err;
		r->report.bad_batches++;
		say_skipped(r, "batch", r->keys[r->next_key - 1].id);
	}
}

int reader_next(struct reader *r, struct record *ret)
{
	for (;;) {
		struct record record;
		int n = r->schema ? batch_next(&r->batch, r->schema, &record) : 0;

		r->report.bad_records = r->batch.bad_records;
		if (!n) {
			n = next_batch(r);
			if (n <= 0)
				return n;
			continue;
		}
		if (record.wall_ns < r->range.time_min || record.wall_ns > r->range.time_max)
			continue;
		r->report.records++;
		*ret = record;
		return 1;
	}
}

int store_scan_directory(const char *directory, const struct store_range *range, store_record_fn fn,
			 void *context, const struct store_log *log, struct store_scan_report *ret)
{
	_cleanup_(reader_closep) struct reader *r = NULL;
	struct record record;
	int err = reader_open(directory, range, log, &r);

	if (err)
		return err;
	while ((err = reader_next(r, &record)) > 0) {
		err = fn(context, &record);
		if (err)
			break;
	}
	if (ret)
		*ret = r->report;
	return err;
}
