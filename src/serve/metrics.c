// SPDX-License-Identifier: Apache-2.0
/*
 * Records as Prometheus metrics, for any schema that counts: a table's key columns become labels,
 * its counters NAME_total; a histogram's slots become buckets. Rows are what came since the last
 * reading, so adding them up gives counters that only grow. The number of series is bounded: what
 * is beyond is counted, not shown.
 */
#include "serve/internal.h"

#include <uthash.h>

#define SERIES_MAX 500 /* of one schema */
#define SLOTS 64

struct series {
	UT_hash_handle hh;
	u64 *values; /* one per counting column */
	u64 slots[SLOTS];
	char labels[]; /* `comm="nginx",disk="sda"` */
};

struct family {
	struct family *next;
	const struct schema *schema;
	struct series *series;
	u64 refused;
};

static struct family *family_of(struct serve *s, const struct schema *schema)
{
	struct family *f = s->families;

	while (f && f->schema != schema)
		f = f->next;
	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->schema = schema;
	f->next = s->families;
	s->families = f;
	return f;
}

static bool counts(const struct column *c)
{
	return !c->is_key && c->kind->class == VALUE_UNSIGNED && c->size == 8 && !c->is_time &&
	       (c->kind->counts || str_starts(c->kind->name, "duration"));
}

/*
 * A label's value: what value_format() makes is printable; quotes and backslashes are escaped as
 * Prometheus wants.
 */
static void add_label(struct buf *b, const struct column *c, const struct value *v)
{
	_cleanup_buf_ struct buf text = {};

	value_format(c, v, &text);
	for (const char *p = c->name; *p; p++)
		buf_add_char(b, *p == '.' ? '_' : *p);
	buf_add_str(b, "=\"");
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, text.data[i]);
	}
	buf_add_char(b, '"');
}

static void labels_of(const struct record *r, struct buf *b)
{
	_cleanup_buf_ struct buf scratch = {};

	for (size_t i = 0; i < r->schema->stored; i++) {
		const struct column *c = &r->schema->columns[i];
		struct value v;

		if (!c->is_key || c->hidden)
			continue;
		column_value(c, r, &v, &scratch);
		if (b->len)
			buf_add_char(b, ',');
		add_label(b, c, &v);
	}
}

static struct series *series_of(struct family *f, const struct record *r)
{
	_cleanup_buf_ struct buf labels = {};
	struct series *one;

	labels_of(r, &labels);
	HASH_FIND(hh, f->series, buf_str(&labels), labels.len, one);
	if (one)
		return one;
	if (HASH_COUNT(f->series) >= SERIES_MAX) {
		f->refused++;
		return NULL;
	}
	one = calloc(1, sizeof(*one) + labels.len + 1);
	if (!one)
		return NULL;
	one->values = calloc(r->schema->stored + 1, sizeof(u64));
	if (!one->values) {
		free(one);
		return NULL;
	}
	memcpy(one->labels, buf_str(&labels), labels.len);
	HASH_ADD_KEYPTR(hh, f->series, one->labels, labels.len, one);
	return one;
}

void metrics_record(struct serve *s, const struct record *r)
{
	struct family *f;
	struct series *one;

	if (r->schema->sort != SCHEMA_TABLE && r->schema->sort != SCHEMA_HISTOGRAM)
		return; /* events are counted per gadget by the agent */
	f = family_of(s, r->schema);
	one = f ? series_of(f, r) : NULL;
	for (size_t i = 0; one && i < r->schema->stored; i++) {
		const struct column *c = &r->schema->columns[i];
		struct value v;

		if (counts(c)) {
			column_value(c, r, &v, NULL);
			one->values[i] += v.u;
		} else if (c->kind->class == VALUE_HISTOGRAM) {
			column_value(c, r, &v, NULL);
			for (size_t k = 0; k < SLOTS && k < c->size / 8; k++)
				one->slots[k] += v.slots[k];
		}
	}
}

static void family_free(struct family *f)
{
	struct series *one, *next;

	HASH_ITER(hh, f->series, one, next) {
		HASH_DEL(f->series, one);
		free(one->values);
		free(one);
	}
	free(f);
}

void metrics_forget(struct serve *s, const struct schema *schema)
{
	for (struct family **at = &s->families; *at; at = &(*at)->next) {
		struct family *f = *at;

		if (f->schema != schema)
			continue;
		*at = f->next;
		family_free(f);
		return;
	}
}

void metrics_free(struct serve *s)
{
	while (s->families)
		metrics_forget(s, s->families->schema);
}

/* ---- printing -------------------------------------------------------------------------------- */

/* Prometheus measures in seconds and bytes. */
static double factor_of(const char *unit, const char **ret_suffix)
{
	static const struct {
		const char *unit, *suffix;
		double factor;
	} units[] = {
		{ "ns", "_seconds", 1e-9 },
		{ "us", "_seconds", 1e-6 },
		{ "ms", "_seconds", 1e-3 },
		{ "bytes", "_bytes", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strcmp(units[i].unit, unit)) {
			*ret_suffix = units[i].suffix;
			return units[i].factor;
		}
	}
	*ret_suffix = "";
	return 1;
}

static void add_name(struct buf *b, const struct schema *s, const char *column, const char *suffix)
{
	size_t start;

	buf_add_str(b, "saker_");
	start = b->len;
	buf_printf(b, "%s%s%s%s", s->name, *column ? "_" : "", column, suffix);
	for (size_t i = start; i < b->len; i++) {
		if (b->data[i] == '.' || b->data[i] == '-')
			b->data[i] = '_';
	}
}

static void print_counter(const struct family *f, size_t index, struct buf *b)
{
	const struct column *c = &f->schema->columns[index];
	_cleanup_buf_ struct buf name = {};
	const struct series *one, *next;
	const char *unit, *column = c->name;
	double factor = factor_of(c->unit, &unit);
	char suffix[32];

	/* tx_bytes is in bytes already */
	snprintf(suffix, sizeof(suffix), "%s_total", str_ends(column, unit) ? "" : unit);
	add_name(&name, f->schema, column, suffix);
	buf_printf(b, "# HELP %s %s\n# TYPE %s counter\n", name.data,
		   *c->help ? c->help : f->schema->summary, name.data);
	HASH_ITER(hh, (struct series *)f->series, one, next) {
		buf_printf(b, "%s%s%s%s ", name.data, *one->labels ? "{" : "", one->labels,
			   *one->labels ? "}" : "");
		if (factor == 1)
			buf_printf(b, "%llu\n", (unsigned long long)one->values[index]);
		else
			buf_printf(b, "%.9g\n", (double)one->values[index] * factor);
	}
}

/* No _sum: the kernel counts per slot, and a sum guessed from slots would be a false one. */
static void print_buckets(const struct series *one, const struct column *c, const char *name,
			  double factor, struct buf *b)
{
	const char *comma = *one->labels ? "," : "";
	size_t last = 0;
	u64 total = 0;

	for (size_t i = 0; i < SLOTS; i++)
		last = one->slots[i] ? i : last;
	for (size_t i = 0; i <= last; i++) {
		u64 upper = c->slot_step ? (i + 1) * c->slot_step - 1
			    : i		 ? (1ULL << (i - 1)) * 2 - 1
					 : 0;

		total += one->slots[i];
		buf_printf(b, "%s_bucket{%s%sle=\"%.9g\"} %llu\n", name, one->labels, comma,
			   (double)upper * factor, (unsigned long long)total);
	}
	buf_printf(b, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, one->labels, comma,
		   (unsigned long long)total);
	buf_printf(b, "%s_count%s%s%s %llu\n", name, *one->labels ? "{" : "", one->labels,
		   *one->labels ? "}" : "", (unsigned long long)total);
}

static void print_histogram(const struct family *f, const struct column *c, struct buf *b)
{
	_cleanup_buf_ struct buf name = {};
	const struct series *one, *next;
	const char *unit;
	double factor = factor_of(c->unit, &unit);

	add_name(&name, f->schema, "", unit);
	buf_printf(b, "# HELP %s %s\n# TYPE %s histogram\n", name.data, f->schema->summary,
		   name.data);
	HASH_ITER(hh, (struct series *)f->series, one, next)
		print_buckets(one, c, name.data, factor, b);
}

void metrics_print(struct serve *s, struct buf *b)
{
	for (const struct family *f = s->families; f; f = f->next) {
		for (size_t i = 0; i < f->schema->stored; i++) {
			if (f->schema->columns[i].kind->class == VALUE_HISTOGRAM)
				print_histogram(f, &f->schema->columns[i], b);
			else if (counts(&f->schema->columns[i]))
				print_counter(f, i, b);
		}
	}
	buf_add_str(b, "# HELP saker_series_refused_total Samples beyond the limit of series\n"
		       "# TYPE saker_series_refused_total counter\n");
	for (const struct family *f = s->families; f; f = f->next)
		buf_printf(b, "saker_series_refused_total{schema=\"%s\"} %llu\n", f->schema->name,
			   (unsigned long long)f->refused);
	buf_printf(
		b,
		"# HELP saker_stream_lost_total Records that clients of streams were too slow for\n"
		"# TYPE saker_stream_lost_total counter\nsaker_stream_lost_total %llu\n",
		(unsigned long long)s->stream_lost);
}
