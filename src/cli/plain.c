// SPDX-License-Identifier: Apache-2.0
/*
 * See plain.h. The kernel does not say which program wrote a line of bpf_printk(), so all of them
 * are shown; they are taken from a tracing instance of our own, so nobody else misses any.
 */
#include "cli/plain.h"

#include "cli/child.h"
#include "cli/help.h"
#include "cli/run.h"
#include "kernel/kernel.h"

#include <signal.h>
#include <sys/wait.h>
#include <uv.h>

/* trace_pipe cannot be waited on in every kernel, so it is asked. */
#define POLL_MS 50

struct plain {
	struct gadget *gadget;
	const struct options *options;
	enum output_format format;
	struct printk *printk; /* NULL: not to be had here */
	struct child child;
	uv_loop_t loop;
	uv_signal_t interrupt, terminate, hangup, child_exit;
	uv_timer_t poll, deadline;
	struct writer **writers;
	u64 lines;
	bool gone;
};

static void put(struct plain *p, const struct buf *b)
{
	if (b->len && fwrite(b->data, 1, b->len, stdout) != b->len)
		p->gone = true;
}

static void on_line(void *context, const char *line, size_t len)
{
	struct plain *p = context;
	_cleanup_buf_ struct buf b = {};

	if (p->gone || (p->options->count && p->lines >= p->options->count))
		return;
	p->lines++;
	switch (p->format) {
	case OUTPUT_JSON:
		buf_add_str(&b, "{\"printk\":");
		text_add_json(&b, line, len);
		buf_add_char(&b, '}');
		break;
	case OUTPUT_CSV:
		if (p->lines == 1 && !p->options->no_header)
			buf_add_str(&b, "printk\n");
		text_add_csv(&b, line, len);
		break;
	case OUTPUT_TABLE:
	case OUTPUT_WIDE:
		text_add_safe(&b, line, len);
		break;
	default:
		return;
	}
	buf_add_char(&b, '\n');
	put(p, &b);
}

static void read_lines(struct plain *p)
{
	if (p->printk && printk_read(p->printk, on_line, p) > 0 && fflush(stdout))
		p->gone = true;
	if (p->gone || reader_is_gone() || (p->options->count && p->lines >= p->options->count))
		uv_stop(&p->loop);
}

static void on_poll(uv_timer_t *timer)
{
	read_lines(timer->data);
}

static void on_deadline(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void on_signal(uv_signal_t *handle, int number UNUSED)
{
	uv_stop(handle->loop);
}

static void on_child(uv_signal_t *handle, int number UNUSED)
{
	struct plain *p = handle->data;
	int status;

	if (p->child.pid > 0 && !p->child.ended &&
	    waitpid(p->child.pid, &status, WNOHANG) == p->child.pid) {
		child_ended(&p->child, status);
		uv_stop(&p->loop);
	}
}

/* ---- maps ---------------------------------------------------------------------------------- */

static const char *map_name(const struct schema *s)
{
	const char *dot = strrchr(s->name, '.');

	return dot ? dot + 1 : s->name;
}

static void on_row(void *context, const struct record *r)
{
	struct plain *p = context;
	const struct gadget_info *info = gadget_info(p->gadget);
	_cleanup_buf_ struct buf b = {}, row = {};

	if (p->format == OUTPUT_JSON) {
		record_to_json(r, &row);
		buf_add_str(&b, "{\"map\":");
		text_add_json(&b, map_name(r->schema), strlen(map_name(r->schema)));
		buf_printf(&b, ",%s\n", buf_str(&row) + 1);
		put(p, &b);
		return;
	}
	for (size_t i = 0; i < info->schema_count; i++) {
		if (info->schemas[i] == r->schema)
			writer_record(p->writers[i], r);
	}
}

static int open_writers(struct plain *p)
{
	const struct gadget_info *info = gadget_info(p->gadget);
	struct writer_options w = {
		.format = p->format,
		.headings = !p->options->no_header,
		.out = stdout,
	};
	int err = 0;

	p->writers = calloc(info->schema_count + 1, sizeof(*p->writers));
	if (!p->writers)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < info->schema_count && !err; i++)
		err = writer_new(info->schemas[i], &w, &p->writers[i]);
	return err;
}

static int dump_maps(struct plain *p)
{
	const struct gadget_info *info = gadget_info(p->gadget);
	bool titles = p->format == OUTPUT_TABLE || p->format == OUTPUT_WIDE;
	int err = gadget_read(p->gadget, true, on_row, p);

	for (size_t i = 0; i < info->schema_count && err >= 0 && !p->gone; i++) {
		if (titles)
			printf("\nmap %s\n", map_name(info->schemas[i]));
		if (fflush(stdout))
			p->gone = true;
		writer_batch_end(p->writers[i]);
		err = writer_flush(p->writers[i]);
	}
	if (fflush(stdout) || err == -EPIPE)
		p->gone = true;
	return p->gone || err > 0 ? 0 : err;
}

/*
 * ---- from start to end -------------------------------------------------------------------------
 */

static void start_signal(struct plain *p, uv_signal_t *handle, uv_signal_cb fn, int number)
{
	uv_signal_init(&p->loop, handle);
	handle->data = p;
	uv_signal_start(handle, fn, number);
}

static int start(struct plain *p)
{
	int err = open_writers(p);

	uv_loop_init(&p->loop);
	start_signal(p, &p->interrupt, on_signal, SIGINT);
	start_signal(p, &p->terminate, on_signal, SIGTERM);
	start_signal(p, &p->hangup, on_signal, SIGHUP);
	start_signal(p, &p->child_exit, on_child, SIGCHLD);
	if (!err)
		err = gadget_load(p->gadget);
	if (!err && printk_open(&p->printk))
		log_warning("%s; lines of bpf_printk() are not shown", error_text());
	if (!err && p->options->command)
		err = child_start(&p->child, p->options->command);
	return err ? err : gadget_attach(p->gadget);
}

static void loop(struct plain *p)
{
	uv_timer_init(&p->loop, &p->poll);
	p->poll.data = p;
	uv_timer_start(&p->poll, on_poll, POLL_MS, POLL_MS);
	uv_timer_init(&p->loop, &p->deadline);
	if (p->options->for_ns)
		uv_timer_start(&p->deadline, on_deadline,
			       MAX(p->options->for_ns / NSEC_PER_MSEC, 1), 0);
	fprintf(stderr,
		"saker: attached; lines of bpf_printk() of every program on this machine%s\n",
		p->options->for_ns || p->options->command ? "" : ", Ctrl-C to end");
	child_release(&p->child);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	read_lines(p);
}

/* What needs records has nothing to work on here. */
static int refuse_options(const struct options *o)
{
	const char *option = o->where	      ? "--where"
			     : o->columns     ? "--columns"
			     : o->sort	      ? "--sort"
			     : o->top	      ? "--top"
			     : o->interval_ns ? "--interval"
			     : o->pid_count   ? "--pid"
			     : o->comm_count  ? "--comm"
			     : o->cgroup      ? "--cgroup"
			     : o->container   ? "--container"
					      : NULL;

	return option ? fail(-EINVAL,
			     "%s: this program has no tags, so there are no columns to use it on",
			     option)
		      : 0;
}

static int run(struct plain *p, const char *name)
{
	const struct gadget_info *info = gadget_info(p->gadget);
	int err = start(p);

	if (!err) {
		loop(p);
		err = dump_maps(p);
	}
	if (err)
		fprintf(stderr, "saker run: %s: %s\n", name, error_text());
	if (err && p->options->verbose)
		fputs(gadget_verifier_log(p->gadget), stderr);
	if (p->printk && printk_lost(p->printk))
		fprintf(stderr, "saker run: %llu lines lost\n",
			(unsigned long long)printk_lost(p->printk));
	err = err ? 1 : p->child.ended ? p->child.status : 0;
	for (size_t i = 0; p->writers && i < info->schema_count; i++)
		writer_free(p->writers[i]);
	free(p->writers);
	p->gadget = gadget_free(p->gadget);
	printk_free(p->printk);
	child_clean(&p->child);
	child_cgroup_remove_stale();
	return err;
}

int run_plain(struct gadget *g, const char *name, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	struct plain p = { .gadget = g, .options = &o, .child = { .release_fd = -1 } };
	int err = options_parse(&o, gadget_info(g), argc, argv), status = 2;

	if (!err && o.help) {
		help_gadget(gadget_info(g), stdout);
		gadget_free(g);
		return 0;
	}
	if (!err)
		err = refuse_options(&o);
	if (!err)
		err = output_format_parse(o.output, &p.format);
	if (!err && p.format == OUTPUT_COLLAPSED)
		err = fail(-EINVAL, "-o collapsed is for stacks");
	if (!err && geteuid()) {
		err = fail(-EPERM, "needs root to load BPF programs (try: sudo saker run %s)",
			   name);
		status = 1;
	}
	if (!err && o.command) {
		err = child_find(&p.child, o.command[0]);
		status = err;
	}
	if (!err)
		return run(&p, name);
	fprintf(stderr, "saker run: %s: %s\n", name, error_text());
	gadget_free(g);
	return status;
}
