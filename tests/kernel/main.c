// SPDX-License-Identifier: Apache-2.0
/*
 * kernel_matrix [NAME...]: runs the checks, prints TAP. A gadget that this kernel cannot have is
 * skipped with the loader's reason; everything else that goes wrong is a failure.
 */
#include "matrix.h"

#include <poll.h>
#include <signal.h>

struct run {
	const struct check *check;
	struct deed deed;
	bool found;
	u64 records;
	struct buf seen; /* the last record, for the message */
};

u64 number_of(const struct record *r, const char *column)
{
	int i = schema_find(r->schema, column);
	struct value v;

	if (i < 0)
		return UINT64_MAX;
	column_value(&r->schema->columns[i], r, &v, NULL);
	return v.u;
}

const char *text_of(const struct record *r, const char *column)
{
	static char text[4200];
	int i = schema_find(r->schema, column);
	struct value v;
	size_t len;

	if (i < 0)
		return "";
	column_value(&r->schema->columns[i], r, &v, NULL);
	len = MIN(v.text.len, sizeof(text) - 1);
	memcpy(text, v.text.bytes, len);
	text[len] = '\0';
	for (size_t k = 0; k < len; k++)
		text[k] = text[k] ? text[k] : ' ';
	return text;
}

static void on_record(void *context, const struct record *r)
{
	struct run *run = context;

	run->records++;
	if (run->found)
		return;
	run->found = run->check->match(r, &run->deed);
	buf_clear(&run->seen);
	record_to_json(r, &run->seen);
}

static int set_parameters(struct gadget *g, const char *parameters)
{
	_cleanup_free_ char *copy = strdup(parameters ? parameters : "");
	char *next = copy, *word;

	while (copy && (word = strsep(&next, " "))) {
		char *equals = strchr(word, '=');
		int err;

		if (!equals)
			continue;
		*equals = '\0';
		err = gadget_set_parameter(g, word, equals + 1);
		if (err)
			return err;
	}
	return 0;
}

static int set_where(struct gadget *g, const char *text)
{
	_cleanup_(expression_freep) struct expression *e = NULL;
	int err = text ? expression_parse(text, gadget_info(g)->where_schema, &e) : 0;

	return !err && e ? gadget_set_where(g, e) : err;
}

static int wait_for_record(struct gadget *g, struct run *run)
{
	u64 until = clock_monotonic_ns() + DEADLINE_NS;
	int n = 0;

	while (!run->found && n >= 0 && clock_monotonic_ns() < until) {
		struct pollfd p = { .fd = gadget_poll_fd(g), .events = POLLIN };

		n = gadget_consume(g, on_record, run);
		if (n >= 0 && gadget_has_tables(g))
			n = gadget_read(g, false, on_record, run);
		if (n >= 0 && !run->found)
			poll(&p, p.fd >= 0, 20);
	}
	if (n < 0)
		return n;
	return run->found ? 0
			  : fail(-ETIME, "no record of it among %llu; the last: %s",
				 (unsigned long long)run->records, buf_str(&run->seen));
}

/* 0: passed; 1: skipped, -errno: failed; both with the text. */
static int run_check(const struct check *c)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	struct run run = { .check = c };
	struct losses lost;
	int err = gadget_open(c->gadget, &g);

	if (!err)
		gadget_set_self_pid(g, 0); /* some deeds are our own */
	if (!err)
		err = set_parameters(g, c->parameters);
	if (!err)
		err = set_where(g, c->where);
	if (!err)
		err = gadget_set_ring(g, 1 << 20, -1);
	if (err)
		return err;
	err = gadget_load(g);
	if (err == -EOPNOTSUPP)
		return 1;
	if (!err)
		err = gadget_attach(g);
	if (err)
		return err;
	if (c->trigger(&run.deed))
		return 1;
	err = wait_for_record(g, &run);
	buf_free(&run.seen);
	gadget_losses(g, &lost);
	if (!err && (lost.ring || lost.map_full))
		return fail(-EIO, "%llu lost in the ring, %llu in maps",
			    (unsigned long long)lost.ring, (unsigned long long)lost.map_full);
	return err;
}

static void one_line(const char *text)
{
	for (; *text; text++)
		putchar(*text == '\n' ? ' ' : *text);
}

static bool report(unsigned number, const char *name, int result)
{
	if (result == 1) {
		printf("ok %u - %s # SKIP ", number, name);
		one_line(error_text());
		putchar('\n');
	} else {
		printf("%s %u - %s\n", result ? "not ok" : "ok", number, name);
	}
	if (result < 0)
		printf("# %s\n", error_text());
	fflush(stdout);
	return result >= 0;
}

/* A test that hangs says which it was. */
static const char *running;

static void on_alarm(int number)
{
	static const char words[] = "not ok 99 - hangs: ";

	(void)number;
	if (write(STDOUT_FILENO, words, sizeof(words) - 1) > 0 &&
	    write(STDOUT_FILENO, running, strlen(running)) > 0)
		_exit(write(STDOUT_FILENO, "\n", 1) == 1 ? 1 : 2);
	_exit(2);
}

static void watch(const char *name)
{
	running = name;
	signal(SIGALRM, on_alarm);
	alarm(60);
}

static bool is_chosen(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], name))
			return true;
	}
	return argc <= 1;
}

int main(int argc, char **argv)
{
	static const struct test more[] = { { "losses are exact on every CPU", test_losses },
					    { "maps adopted by descriptors", test_adopt },
					    { "budgets", test_budgets } };
	unsigned number = 0;
	bool good = true;

	/* Re-executed by do_exec(): its deed is to be seen. */
	if (argc > 1 && !strcmp(argv[1], "--nothing"))
		return 0;
	for (size_t i = 0; i < check_count; i++) {
		watch(checks[i].name);
		if (is_chosen(checks[i].name, argc, argv))
			good &= report(++number, checks[i].name, run_check(&checks[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		watch(more[i].name);
		if (is_chosen(more[i].name, argc, argv))
			good &= report(++number, more[i].name, more[i].run());
	}
	for (size_t i = 0; i < language_test_count; i++) {
		watch(language_tests[i].name);
		if (is_chosen(language_tests[i].name, argc, argv))
			good &= report(++number, language_tests[i].name, language_tests[i].run());
	}
	printf("1..%u\n", number);
	return good ? 0 : 1;
}
