// SPDX-License-Identifier: Apache-2.0
/*
 * saker query 'SELECT ...' [-o table|json|csv] [--store DIR] [--timeout 30s] [--limit N]: asks the
 * store in SQL. A table is aligned by its first rows, which are kept until it is known how wide
 * they are; what comes behind is written as it comes. JSON is one object a line, CSV has a line of
 * headings.
 */
#include "cli/agent/agent.h"
#include "store/store.h"

#include <getopt.h>
#include <sys/ioctl.h>

#define ROWS_KEPT 500
#define WRITE_AT (32 << 10)

static const char usage_text[] =
	"usage: saker query [options] 'SELECT ...'\n"
	"\n"
	"Asks the agent's store in SQL, also while the agent writes. Every gadget that was recorded\n"
	"is a table; read-only.\n"
	"\n"
	"  -o, --output FORMAT  table (the default), json (one object a line) or csv\n"
	"      --store DIR      the store's directory (default " STORE_DEFAULT_DIRECTORY
	", or $SAKER_STORE)\n"
	"      --timeout TIME   stop the query after this long (default 30s)\n"
	"      --limit N        at most N rows\n"
	"  -h, --help           this text\n"
	"\n"
	"Tables:    SELECT * FROM schemas          what there is, how much, from when to when\n"
	"           SELECT * FROM columns          the columns of every table, with units\n"
	"Columns:   time (UTC text), time_ns, and those of the gadget; durations are in the column's unit.\n"
	"           NAME_text is the number NAME in words: error_text = 'ENOENT'\n"
	"Functions: SQLite's, and errno_name(n), signal_name(n), syscall_name(n)\n"
	"\n"
	"  saker query 'SELECT comm, count(*) FROM opensnoop GROUP BY 1 ORDER BY 2 DESC LIMIT 10'\n"
	"  saker query \"SELECT time, comm, path FROM opensnoop\n"
	"               WHERE time > datetime('now', '-5 minutes') AND error_text = 'EACCES'\"\n";

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

struct options {
	enum format format;
	struct query_options query;
	const char *sql;
};

/* The table's first rows, as text. */
struct table {
	struct buf cells; /* of all kept rows, one behind the other */
	size_t *ends;	  /* where each cell ends in @cells */
	size_t count, capacity;
	size_t *widths;
	bool *numbers; /* aligned to the right */
	size_t columns, terminal_width;
	bool started; /* widths are fixed, the kept rows are written */
};

struct output {
	struct buf out;
	struct table table;
	enum format format;
	bool reader_gone;
};

static void table_free(struct table *t)
{
	buf_free(&t->cells);
	free(t->ends);
	free(t->widths);
	free(t->numbers);
}

static void output_free(struct output *o)
{
	buf_free(&o->out);
	table_free(&o->table);
}

static int write_out(struct output *o)
{
	if (o->out.error)
		return fail(-ENOMEM, "out of memory");
	if (o->out.len && fwrite(o->out.data, 1, o->out.len, stdout) != o->out.len)
		o->reader_gone = true;
	buf_clear(&o->out);
	return 0;
}

/*
 * ---- values
 * ----------------------------------------------------------------------------------------
 */

static void add_value(const struct query_value *v, struct buf *b)
{
	switch (v->type) {
	case QUERY_NULL:
		break;
	case QUERY_INTEGER:
		buf_add_s64(b, v->integer);
		break;
	case QUERY_REAL:
		buf_printf(b, "%.15g", v->real);
		break;
	case QUERY_TEXT:
		buf_add(b, v->bytes, v->len);
		break;
	case QUERY_BLOB:
		for (size_t i = 0; i < v->len; i++)
			buf_printf(b, "%02x", (u8)v->bytes[i]);
		break;
	}
}

static void add_csv_row(struct query *q, struct buf *b)
{
	_cleanup_buf_ struct buf text = { 0 };

	for (size_t i = 0; i < query_column_count(q); i++) {
		struct query_value v;

		query_value(q, i, &v);
		buf_clear(&text);
		add_value(&v, &text);
		if (i)
			buf_add_char(b, ',');
		text_add_csv(b, buf_str(&text), text.len);
	}
	buf_add_char(b, '\n');
}

static void add_csv_heading(struct query *q, struct buf *b)
{
	for (size_t i = 0; i < query_column_count(q); i++) {
		if (i)
			buf_add_char(b, ',');
		text_add_csv(b, query_column_name(q, i), strlen(query_column_name(q, i)));
	}
	buf_add_char(b, '\n');
}

/*
 * ---- the table
 * --------------------------------------------------------------------------------------
 */

static int table_init(struct table *t, size_t columns)
{
	struct winsize size;

	t->columns = columns;
	t->widths = calloc(columns, sizeof(*t->widths));
	t->numbers = calloc(columns, sizeof(*t->numbers));
	if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		t->terminal_width = size.ws_col;
	return t->widths && t->numbers ? 0 : fail(-ENOMEM, "out of memory");
}

static int keep_cell(struct table *t, size_t column, const char *text, size_t len)
{
	if (grow(&t->ends, &t->capacity, t->count + 1, sizeof(*t->ends)))
		return -ENOMEM;
	buf_add(&t->cells, text, len);
	t->ends[t->count++] = t->cells.len;
	t->widths[column] = MAX(t->widths[column], text_width(text, len));
	return t->cells.error ? fail(-ENOMEM, "out of memory") : 0;
}

/* Cuts the line that begins at @start, so that the terminal does not break it. */
static void fit_line(struct buf *b, size_t start, size_t width)
{
	size_t end = b->len;

	if (!width)
		return;
	while (end > start && text_width(b->data + start, end - start) > width) {
		/* Close to the end at once, then character by character. */
		end = MIN(end - 1, start + 4 * width);
		while (end > start && ((u8)b->data[end] & 0xc0) == 0x80)
			end--;
	}
	b->len = end;
	b->data[end] = '\0';
}

static void add_cell(const struct table *t, size_t column, const char *text, size_t len,
		     struct buf *b)
{
	size_t width = text_width(text, len);
	size_t fill = width < t->widths[column] ? t->widths[column] - width : 0;

	if (column)
		buf_add_str(b, "  ");
	if (t->numbers[column])
		buf_add_fill(b, ' ', fill);
	buf_add(b, text, len);
	if (!t->numbers[column] && column + 1 < t->columns)
		buf_add_fill(b, ' ', fill);
}

static void end_line(const struct table *t, size_t start, struct buf *b)
{
	if (!b->error)
		fit_line(b, start, t->terminal_width);
	buf_add_char(b, '\n');
}

static void write_kept(struct table *t, struct buf *b)
{
	size_t from = 0, start = b->len;

	for (size_t i = 0; i < t->count && t->columns; i++) {
		add_cell(t, i % t->columns, buf_str(&t->cells) + from, t->ends[i] - from, b);
		from = t->ends[i];
		if (i % t->columns == t->columns - 1) {
			end_line(t, start, b);
			start = b->len;
		}
	}
	t->count = 0;
	buf_clear(&t->cells);
	t->started = true;
}

static int table_heading(struct query *q, struct table *t)
{
	_cleanup_buf_ struct buf name = { 0 };
	int err = 0;

	for (size_t i = 0; i < t->columns && !err; i++) {
		buf_clear(&name);
		text_add_safe(&name, query_column_name(q, i), strlen(query_column_name(q, i)));
		err = keep_cell(t, i, buf_str(&name), name.len);
	}
	return err;
}

static int table_row(struct query *q, struct table *t, struct buf *b)
{
	_cleanup_buf_ struct buf raw = { 0 }, text = { 0 };
	size_t start = b->len;
	int err = 0;

	for (size_t i = 0; i < t->columns && !err; i++) {
		struct query_value v;

		query_value(q, i, &v);
		buf_clear(&raw);
		buf_clear(&text);
		add_value(&v, &raw);
		text_add_safe(&text, v.type == QUERY_NULL ? "-" : buf_str(&raw),
			      v.type == QUERY_NULL ? 1 : raw.len);
		if (!t->started) {
			t->numbers[i] |= v.type == QUERY_INTEGER || v.type == QUERY_REAL;
			err = keep_cell(t, i, buf_str(&text), text.len);
		} else {
			add_cell(t, i, buf_str(&text), text.len, b);
		}
	}
	if (!err && t->started)
		end_line(t, start, b);
	else if (!err && t->count >= ROWS_KEPT * t->columns)
		write_kept(t, b);
	return err;
}

/*
 * ---- the command
 * --------------------------------------------------------------------------------------
 */

static void print_log(void *context UNUSED, enum log_level level, const char *text)
{
	static const char *const words[] = { "error: ", "warning: ", "", "debug: " };

	_cleanup_buf_ struct buf safe = { 0 };

	text_add_safe(&safe, text, strlen(text)); /* it may name what a forged file holds */
	fprintf(stderr, "saker query: %s%s\n", words[level], buf_str(&safe));
}

static int output_start(struct output *o, struct query *q, enum format format)
{
	int err = 0;

	o->format = format;
	if (format == FORMAT_TABLE) {
		err = table_init(&o->table, query_column_count(q));
		if (!err)
			err = table_heading(q, &o->table);
	} else if (format == FORMAT_CSV) {
		add_csv_heading(q, &o->out);
	}
	return err;
}

static int output_row(struct output *o, struct query *q)
{
	int err = 0;

	switch (o->format) {
	case FORMAT_TABLE:
		err = table_row(q, &o->table, &o->out);
		break;
	case FORMAT_JSON:
		query_row_json(q, &o->out);
		buf_add_char(&o->out, '\n');
		break;
	case FORMAT_CSV:
		add_csv_row(q, &o->out);
		break;
	}
	return !err && o->out.len >= WRITE_AT ? write_out(o) : err;
}

static int run(const struct options *options)
{
	_cleanup_(query_closep) struct query *q = NULL;
	_cleanup_(output_free) struct output o = { 0 };
	int err = query_open(&options->query, options->sql, &q), r;

	if (!err)
		err = output_start(&o, q, options->format);
	while (!err && !o.reader_gone && (err = query_step(q)) == 1)
		err = output_row(&o, q);
	/* What was found before a failure is shown: the time limit may have cut a long answer. */
	if (o.format == FORMAT_TABLE && !o.table.started &&
	    o.table.count > (err ? o.table.columns : 0))
		write_kept(&o.table, &o.out);
	r = write_out(&o);
	if (fflush(stdout))
		o.reader_gone = true;
	if (o.reader_gone && errno != EPIPE)
		return fail_errno(-errno, "cannot write the answer");
	if (q && query_truncated(q))
		fprintf(stderr, "saker query: there are more than %llu rows (--limit)\n",
			(unsigned long long)options->query.row_limit);
	return err ? err : r;
}

static int bad_usage(const char *text)
{
	fprintf(stderr, "saker query: %s (see: saker query --help)\n", text);
	return 2;
}

static int parse_format(const char *name, enum format *ret)
{
	static const char *const names[] = {
		[FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", [FORMAT_CSV] = "csv"
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i], name)) {
			*ret = (enum format)i;
			return 0;
		}
	}
	return fail(-EINVAL, "output '%s' is none of table, json, csv", name);
}

/* 0, 2 for wrong usage, -1 when --help was shown. */
static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "store", required_argument, NULL, 's' },
		{ "timeout", required_argument, NULL, 't' },
		{ "limit", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c, err = 0;

	optind = 0;
	opterr = 0;
	while (!err && (c = getopt_long(argc, argv, ":o:h", longs, NULL)) != -1) {
		switch (c) {
		case 'o':
			err = parse_format(optarg, &ret->format);
			break;
		case 's':
			ret->query.directory = optarg;
			break;
		case 't':
			err = parse_duration(optarg, &ret->query.timeout_ns);
			if (!err && !ret->query.timeout_ns)
				err = fail(-EINVAL, "the timeout must be longer than nothing");
			break;
		case 'l':
			err = parse_u64(optarg, &ret->query.row_limit);
			if (err)
				fail(err, "--limit '%s' is no number", optarg);
			break;
		case 'h':
			fputs(usage_text, stdout);
			return -1;
		case ':':
			err = fail(-EINVAL, "option '%s' needs a value", argv[optind - 1]);
			break;
		default:
			err = fail(-EINVAL, "unknown option '%s'", argv[optind - 1]);
		}
	}
	if (err)
		return bad_usage(error_text());
	if (optind == argc)
		return bad_usage("no SQL given, as in: saker query 'SELECT * FROM schemas'");
	if (optind + 1 < argc)
		return bad_usage("the SQL must be one argument: put it in quotes");
	ret->sql = argv[optind];
	return 0;
}

int command_query(int argc, char **argv)
{
	const char *directory = getenv("SAKER_STORE");
	struct options options = {
		.query = {
			.directory = directory && *directory ? directory : STORE_DEFAULT_DIRECTORY,
			.log = { print_log, NULL },
		},
	};
	int r = parse_options(argc, argv, &options);

	if (r)
		return r < 0 ? 0 : r;
	if (!run(&options))
		return 0;
	fprintf(stderr, "saker query: %s\n", error_text());
	return 1;
}
