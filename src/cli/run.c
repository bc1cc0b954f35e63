// SPDX-License-Identifier: Apache-2.0
/*
 * One tool: open, filter, load, attach, then a loop that waits for the ring, the interval, the end
 * and signals. Records are written as they come; tables when their interval is over and at the end;
 * what was lost is said last, on stderr.
 */
#include "cli/run.h"

#include "cli/command.h"
#include "cli/feed.h"
#include "cli/help.h"
#include "cli/privilege.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

/*
 * The ring is polled: a wake-up for each event would cost more than the event (gadget.h,
 * saker_ring_flags).
 */
#define POLL_MS 50
#define RING_BYTES (1 << 20)

struct session {
	const struct options *options;
	struct gadget *gadget;
	struct host *host;
	struct filter filter;
	struct feed feed;
	struct child child;
	struct writer **writers; /* one per schema */
	uv_loop_t loop;
	uv_poll_t ring;
	uv_timer_t poll, interval, deadline;
	uv_signal_t interrupt, terminate, hangup, child_exit;
	u64 records, readings;
	bool done, loading;
	int error;
};

static struct writer *writer_of(struct session *s, const struct schema *schema)
{
	const struct gadget_info *info = gadget_info(s->gadget);

	for (size_t i = 0; i < info->schema_count; i++) {
		if (info->schemas[i] == schema)
			return s->writers[i];
	}
	return NULL;
}

static void finish(struct session *s)
{
	s->done = true;
	uv_stop(&s->loop);
}

static void on_record(void *context, const struct record *r)
{
	struct session *s = context;

	if (s->filter.user && r->schema->sort == SCHEMA_EVENTS &&
	    !expression_match(s->filter.user, r))
		return;
	if (r->schema->sort == SCHEMA_EVENTS) {
		if (s->options->count && s->records >= s->options->count)
			return;
		s->records++;
	}
	writer_record(writer_of(s, r->schema), r);
}

static void flush(struct session *s)
{
	for (size_t i = 0; i < gadget_info(s->gadget)->schema_count; i++) {
		int err = writer_flush(s->writers[i]);

		if (err == -EPIPE) {
			finish(s); /* `| head` has what it wanted */
		} else if (err) {
			s->error = err;
			finish(s);
		}
	}
}

static void drain(struct session *s)
{
	int n;

	feed_drain(&s->feed);
	do {
		n = gadget_consume(s->gadget, on_record, s);
		flush(s);
	} while (n > 1024 && !s->done);
	if (n < 0 && n != -EBADMSG) {
		s->error = n;
		finish(s);
	}
	if (s->options->count && s->records >= s->options->count && gadget_has_events(s->gadget))
		finish(s);
}

static void read_tables(struct session *s, bool last)
{
	int n;

	feed_drain(&s->feed);
	n = gadget_read(s->gadget, last, on_record, s);
	for (size_t i = 0; i < gadget_info(s->gadget)->schema_count; i++)
		writer_batch_end(s->writers[i]);
	flush(s);
	if (n < 0) {
		s->error = n;
		finish(s);
	}
}

static void on_ring(uv_poll_t *handle, int status UNUSED, int events UNUSED)
{
	drain(handle->data);
}

bool reader_is_gone(void)
{
	/* A pipe whose last reader has closed it says so before anything is written. */
	struct pollfd p = { .fd = STDOUT_FILENO };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLNVAL));
}

static void on_poll(uv_timer_t *timer)
{
	struct session *s = timer->data;

	drain(s);
	if (reader_is_gone())
		finish(s);
}

static void on_interval(uv_timer_t *timer)
{
	struct session *s = timer->data;

	read_tables(s, false);
	s->readings++;
	if (s->options->count && s->readings >= s->options->count)
		finish(s);
}

static void on_deadline(uv_timer_t *timer)
{
	finish(timer->data);
}

static void on_stop(uv_signal_t *handle, int number UNUSED)
{
	finish(handle->data);
}

static void on_child(uv_signal_t *handle, int number UNUSED)
{
	struct session *s = handle->data;
	int status;

	if (s->child.pid > 0 && !s->child.ended &&
	    waitpid(s->child.pid, &status, WNOHANG) == s->child.pid) {
		child_ended(&s->child, status);
		finish(s);
	}
}

/*
 * ---- setting up
 * -------------------------------------------------------------------------------------------
 */

static bool parameter_is_set(void *context, const char *name)
{
	const struct gadget_info *info = gadget_info(context);

	for (size_t i = 0; i < info->parameter_count; i++) {
		const struct parameter *p = &info->parameters[i];

		if (!strcmp(p->name, name))
			return p->value[0] && strcmp(p->value, "0") && strcmp(p->value, "false");
	}
	return false;
}

static u32 terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

/* Is it asked for by the parameters, and can the format show it? */
static bool is_shown(struct session *s, size_t i, enum output_format format)
{
	const struct schema *schema = gadget_info(s->gadget)->schemas[i];

	return gadget_shows(s->gadget, schema) &&
	       (format != OUTPUT_COLLAPSED || schema->sort == SCHEMA_STACKS);
}

/*
 * --columns and --sort are for the first schema that is shown and has what they name; what stands
 * beside it is shown as it is. When none has, the words are about the first.
 */
static int main_schema(struct session *s, const struct writer_options *w, size_t *ret)
{
	const struct gadget_info *info = gadget_info(s->gadget);
	size_t first = info->schema_count;

	for (size_t i = 0; i < info->schema_count; i++) {
		_cleanup_(writer_freep) struct writer *trial = NULL;

		if (!is_shown(s, i, w->format))
			continue;
		first = MIN(first, i);
		if (writer_new(info->schemas[i], w, &trial))
			continue;
		*ret = i;
		return 0;
	}
	if (first == info->schema_count)
		return fail(-EINVAL, "-o collapsed is for stacks, which %s has none of",
			    info->name);
	return writer_new(info->schemas[first], w, &s->writers[first]);
}

static int open_writers(struct session *s)
{
	const struct gadget_info *info = gadget_info(s->gadget);
	const struct options *o = s->options;
	struct writer_options w = {
		.columns = o->columns,
		.sort = o->sort,
		.top = o->top,
		.terminal_width = terminal_width(),
		.headings = !o->no_header,
		.times = o->timestamp,
		.parameter_set = parameter_is_set,
		.context = s->gadget,
		.out = stdout,
	};
	size_t main = 0;
	int err = output_format_parse(o->output, &w.format);

	w.colour = w.terminal_width && !getenv("NO_COLOR");
	s->writers = calloc(info->schema_count + 1, sizeof(*s->writers));
	if (!s->writers)
		return fail(-ENOMEM, "out of memory");
	if (!err)
		err = main_schema(s, &w, &main);
	for (size_t i = 0; i < info->schema_count && !err; i++) {
		struct writer_options own = w;

		if (i != main)
			own.columns = own.sort = NULL;
		if (is_shown(s, i, w.format))
			w.apart = true; /* from the next one */
		else
			own.format = OUTPUT_NONE;
		err = writer_new(info->schemas[i], &own, &s->writers[i]);
	}
	return err;
}

static int set_parameters(struct session *s)
{
	for (size_t i = 0; i < s->options->assignment_count; i++) {
		const struct assignment *a = &s->options->assignments[i];
		int err = gadget_set_parameter(s->gadget, a->name, a->value);

		if (err)
			return err;
	}
	return 0;
}

static int prepare(struct session *s)
{
	const struct gadget_info *info = gadget_info(s->gadget);
	int err = set_parameters(s);

	s->host = host_new(NULL);
	if (!s->host)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < info->schema_count && !err; i++)
		err = host_add_columns(s->host, info->schemas[i]);
	/* A filter on them is refused for what it is, and not as the name of no column. */
	if (!err && info->input)
		err = host_add_columns(s->host, info->input);
	if (!err)
		err = open_writers(s);
	if (!err && s->options->command)
		err = child_start(&s->child, s->options->command);
	if (!err)
		err = filter_build(&s->filter, s->options, s->gadget, s->host, &s->child);
	if (err)
		return err;
	s->loading = true;
	gadget_set_symbolizer(s->gadget, host_symbolize, s->host);
	if (feed_is_needed(s->options))
		feed_start(&s->feed, s->host);
	err = gadget_set_ring(s->gadget, RING_BYTES, -1);
	if (!err)
		err = gadget_load(s->gadget);
	if (!err)
		err = gadget_attach(s->gadget);
	child_cgroup_remove_stale();
	if (!err)
		err = privilege_give_away(s->options->command != NULL);
	if (!err && s->options->explain)
		filter_explain(&s->filter, s->gadget, stderr);
	return err;
}

static void start_signal(struct session *s, uv_signal_t *handle, uv_signal_cb fn, int number)
{
	uv_signal_init(&s->loop, handle);
	handle->data = s;
	uv_signal_start(handle, fn, number);
}

static void start_timer(struct session *s, uv_timer_t *timer, uv_timer_cb fn, u64 first_ms,
			u64 repeat_ms)
{
	uv_timer_init(&s->loop, timer);
	timer->data = s;
	uv_timer_start(timer, fn, first_ms, repeat_ms);
}

static u64 to_ms(u64 ns)
{
	return MAX(ns / NSEC_PER_MSEC, 1);
}

static void loop(struct session *s)
{
	const struct options *o = s->options;
	int fd = gadget_poll_fd(s->gadget);

	if (fd >= 0) {
		uv_poll_init(&s->loop, &s->ring, fd);
		s->ring.data = s;
		uv_poll_start(&s->ring, UV_READABLE, on_ring);
	}
	start_timer(s, &s->poll, on_poll, POLL_MS, fd >= 0 ? POLL_MS : 4 * POLL_MS);
	if (o->interval_ns && gadget_has_tables(s->gadget))
		start_timer(s, &s->interval, on_interval, to_ms(o->interval_ns),
			    to_ms(o->interval_ns));
	if (o->for_ns)
		start_timer(s, &s->deadline, on_deadline, to_ms(o->for_ns), 0);
	if (!s->done)
		uv_run(&s->loop, UV_RUN_DEFAULT);
}

/*
 * ---- the end
 * -------------------------------------------------------------------------------------------------
 */

/* What is not known is said as that, never as none. */
static void say_loss(const char *name, u64 count, const char *what)
{
	if (count == UNKNOWN_LOSS)
		fprintf(stderr, "saker %s: unknown how many %s\n", name, what);
	else if (count)
		fprintf(stderr, "saker %s: %llu %s\n", name, (unsigned long long)count, what);
}

static void say_losses(struct session *s)
{
	const char *name = gadget_info(s->gadget)->name;
	bool people = isatty(STDERR_FILENO) && gadget_has_events(s->gadget);
	struct losses l;

	gadget_losses(s->gadget, &l);
	say_loss(name, l.ring, "events lost, the ring was full");
	say_loss(name, l.map_full, "events lost, a table in the kernel was full");
	say_loss(name, l.stack, "stacks lost");
	/* Many hooks cannot tell this; in a pipe it would be said at every end of every run. */
	if (l.missed != UNKNOWN_LOSS || s->options->verbose)
		say_loss(name, l.missed, "events missed, the kernel skipped nested programs");
	if (s->filter.user)
		say_loss(name, expression_gave_up(s->filter.user),
			 "events left out: a pattern of --where took too long");
	if (people && l.ring != UNKNOWN_LOSS)
		fprintf(stderr, "saker %s: %llu events, %llu lost%s\n", name,
			(unsigned long long)s->records, (unsigned long long)(l.ring + l.map_full),
			l.missed == UNKNOWN_LOSS ? ", missed: unknown" : "");
}

static void session_clean(struct session *s)
{
	for (size_t i = 0; s->writers && i < gadget_info(s->gadget)->schema_count; i++)
		writer_free(s->writers[i]);
	free(s->writers);
	filter_free(&s->filter);
	s->gadget = gadget_free(s->gadget);
	feed_stop(&s->feed);
	host_free(s->host);
	child_clean(&s->child);
}

static int complain(const char *name, int status)
{
	const char *text = error_text();
	size_t len = strlen(name);

	/* "saker syscount: syscount: ..." says nothing more. */
	if (str_starts(text, name) && str_starts(text + len, ": "))
		text += len + 2;
	fprintf(stderr, "saker %s: %s\n", name, text);
	return status;
}

/* Bad words are the user's (2), all else is the machine's (1). */
static int status_of(int err)
{
	return err == -EINVAL || err == -ENOENT || err == -ERANGE ? 2 : 1;
}

static int run_session(struct session *s, const char *name)
{
	int err;

	uv_loop_init(&s->loop);
	start_signal(s, &s->interrupt, on_stop, SIGINT);
	start_signal(s, &s->terminate, on_stop, SIGTERM);
	start_signal(s, &s->hangup, on_stop, SIGHUP);
	start_signal(s, &s->child_exit, on_child, SIGCHLD);
	err = prepare(s);
	if (err) {
		int status = complain(name, s->loading ? 1 : status_of(err));

		if (s->options->verbose)
			fputs(gadget_verifier_log(s->gadget), stderr);
		session_clean(s);
		return status;
	}
	child_release(&s->child);
	loop(s);
	/* What is in the ring now happened before the end. */
	s->done = false;
	drain(s);
	if (!s->readings || !s->options->count || s->readings < s->options->count)
		read_tables(s, true); /* also ends a batch of sorted events */
	if (s->error)
		complain(name, 1);
	say_losses(s);
	err = s->error ? 1 : s->child.pid > 0 && s->child.ended ? s->child.status : 0;
	session_clean(s);
	return err;
}

int run_opened(struct gadget *g, const char *name, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	struct session s = { .options = &o, .gadget = g, .child = { .release_fd = -1 } };
	int err = options_parse(&o, gadget_info(g), argc, argv);

	if (err) {
		gadget_free(g);
		return complain(name, 2);
	}
	if (o.help) {
		help_gadget(gadget_info(g), stdout);
		gadget_free(g);
		return 0;
	}
	if (o.verbose)
		log_level = LOG_LEVEL_DEBUG;
	if (geteuid()) {
		fprintf(stderr, "saker %s: needs root to load BPF programs (try: sudo saker %s)\n",
			name, name);
		gadget_free(g);
		return 1;
	}
	if (o.command)
		err = child_find(&s.child, o.command[0]);
	if (err) {
		gadget_free(g);
		return complain(name, err);
	}
	return run_session(&s, name);
}

int run_gadget(const char *name, int argc, char **argv)
{
	struct gadget *g = NULL;
	int err = gadget_open(name, &g);

	if (err) {
		fprintf(stderr, "saker: %s\n", error_text());
		return status_of(err);
	}
	return run_opened(g, name, argc, argv);
}
