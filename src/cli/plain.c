// SPDX-License-Identifier: Apache-2.0
/* See plain.h. */
#include "cli/plain.h"

#include "cli/options.h"
#include "kernel/kernel.h"

#include <signal.h>
#include <uv.h>

struct plain {
	struct gadget *gadget;
	struct printk *printk;
	uv_loop_t loop;
	uv_signal_t interrupt, terminate;
	uv_timer_t poll, deadline;
	struct writer **writers;
	bool gone;
};

static void on_line(void *context, const char *line, size_t len)
{
	struct plain *p = context;
	_cleanup_buf_ struct buf b = {};

	text_add_safe(&b, line, len);
	if (puts(buf_str(&b)) < 0)
		p->gone = true;
}

/* trace_pipe cannot be waited on in every kernel together with a time limit: it is asked ten times a second. */
static void on_poll(uv_timer_t *timer)
{
	struct plain *p = timer->data;

	if (printk_read(p->printk, on_line, p) > 0 && fflush(stdout))
		p->gone = true;
	if (p->gone)
		uv_stop(&p->loop);
}

static void on_deadline(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void on_signal(uv_signal_t *handle, int number UNUSED)
{
	uv_stop(handle->loop);
}

static void on_row(void *context, const struct record *r)
{
	struct plain *p = context;
	const struct gadget_info *info = gadget_info(p->gadget);

	for (size_t i = 0; i < info->schema_count; i++) {
		if (info->schemas[i] == r->schema)
			writer_record(p->writers[i], r);
	}
}

static int dump_maps(struct plain *p, const struct options *o)
{
	const struct gadget_info *info = gadget_info(p->gadget);
	struct writer_options w = { .headings = true, .out = stdout };
	int err = output_format_parse(o->output ? o->output : "table", &w.format);

	p->writers = calloc(info->schema_count + 1, sizeof(*p->writers));
	if (!p->writers)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < info->schema_count && !err; i++)
		err = writer_new(info->schemas[i], &w, &p->writers[i]);
	if (!err && gadget_read(p->gadget, true, on_row, p) < 0)
		err = -EIO;
	for (size_t i = 0; i < info->schema_count; i++) {
		if (!err && w.format == OUTPUT_TABLE)
			printf("\nmap %s\n", strrchr(info->schemas[i]->name, '.') + 1);
		fflush(stdout);
		if (!err) {
			writer_batch_end(p->writers[i]);
			writer_flush(p->writers[i]);
		}
		writer_free(p->writers[i]);
	}
	free(p->writers);
	return err;
}

static int start(struct plain *p, const struct options *o)
{
	int err = gadget_load(p->gadget);

	if (!err)
		err = printk_open(&p->printk);
	if (!err)
		err = gadget_attach(p->gadget);
	if (err)
		return err;
	uv_loop_init(&p->loop);
	uv_signal_init(&p->loop, &p->interrupt);
	uv_signal_start(&p->interrupt, on_signal, SIGINT);
	uv_signal_init(&p->loop, &p->terminate);
	uv_signal_start(&p->terminate, on_signal, SIGTERM);
	uv_timer_init(&p->loop, &p->poll);
	p->poll.data = p;
	uv_timer_start(&p->poll, on_poll, 100, 100);
	uv_timer_init(&p->loop, &p->deadline);
	if (o->for_ns)
		uv_timer_start(&p->deadline, on_deadline, o->for_ns / NSEC_PER_MSEC, 0);
	fprintf(stderr, "saker: attached; lines of bpf_printk() of every program on this machine, Ctrl-C to end\n");
	uv_run(&p->loop, UV_RUN_DEFAULT);
	on_poll(&p->poll);
	return 0;
}

int run_plain(struct gadget *g, const char *name, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	struct plain p = { .gadget = g };
	int err = options_parse(&o, gadget_info(g), argc, argv);
	int status = err ? 2 : 1;

	if (!err)
		err = start(&p, &o);
	if (!err)
		err = dump_maps(&p, &o);
	if (err)
		fprintf(stderr, "saker run: %s: %s\n", name, error_text());
	if (p.printk && printk_lost(p.printk))
		fprintf(stderr, "saker run: %llu lines lost\n", (unsigned long long)printk_lost(p.printk));
	printk_free(p.printk);
	gadget_free(g);
	return err ? status : 0;
}
