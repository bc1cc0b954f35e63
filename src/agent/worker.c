// SPDX-License-Identifier: Apache-2.0
/*
 * The worker's life: start everything, loop, reload, stop. What it kept in memory is on disk before
 * it waits for anybody else. See worker.h for what flows where.
 */
#include "agent/worker.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>

/*
 * Rings wake their reader only when a good part of them is full; what is less is looked for on a
 * timer: often while records come, seldom when none do.
 */
#define POLL_MS 100
#define POLL_IDLE_MS 400

/* ---- reading --------------------------------------------------------------------------------- */

static void poll_again(struct worker *w, size_t records);

static void on_poll(uv_timer_t *timer)
{
	poll_again(timer->data, sources_consume_all(timer->data));
}

static void poll_again(struct worker *w, size_t records)
{
	w->poll_ms = records ? POLL_MS : MIN(w->poll_ms * 2, POLL_IDLE_MS);
	uv_timer_start(&w->poll, on_poll, w->poll_ms, 0);
}

static void on_ring(uv_poll_t *handle, int status UNUSED, int events UNUSED)
{
	struct worker *w = handle->data;
	size_t n = sources_consume(w);

	if (n && w->poll_ms != POLL_MS)
		poll_again(w, n);
}

static void on_interval(uv_timer_t *timer)
{
	sources_read_tables(timer->data, false);
}

static void on_second(uv_timer_t *timer)
{
	struct worker *w = timer->data;

	summary_draw(w->summary);
}

static void on_resize(uv_signal_t *handle, int number UNUSED)
{
	struct worker *w = handle->data;

	summary_draw(w->summary);
}

/* ---- reloading ------------------------------------------------------------------------------- */

static bool stores_the_same(const struct config *a, const struct config *b)
{
	if (a->store_mask_secrets != b->store_mask_secrets ||
	    a->store_column_count != b->store_column_count)
		return false;
	for (size_t i = 0; i < a->store_column_count; i++) {
		if (strcmp(a->store_columns[i], b->store_columns[i]))
			return false;
	}
	return true;
}

static void start_interval(struct worker *w)
{
	u64 ms = w->config->interval_ns / NSEC_PER_MSEC;

	uv_timer_start(&w->interval, on_interval, ms, ms);
}

static void reload(struct worker *w)
{
	const struct agent_options *o = w->start->options;
	struct config *next, *old = w->config;
	_cleanup_close_ int fd = -1;
	_cleanup_buf_ struct buf fixed = {};

	if (!o->config_file) {
		log_info("there is no configuration file to read again");
		return;
	}
	/* The file may be root's alone: the broker opens it. */
	if (broker_open(w->broker, 0, BROKER_CONFIG, &fd) || agent_config(o, fd, &next)) {
		log_error("%s; the running configuration stays", error_text());
		return;
	}
	config_fixed_changes(old, next, &fixed);
	if (fixed.len)
		log_warning("%s: with the next start", buf_str(&fixed));
	w->config = next;
	if (w->sink)
		sink_configure(w->sink, next);
	sources_configure(w, !stores_the_same(old, next));
	ingest_configure(w->ingest);
	if (next->interval_ns != old->interval_ns)
		start_interval(w);
	config_free(old);
	log_info("%s was read again: %zu gadgets run", o->config_file, sources_running(w));
}

static void on_hangup(uv_signal_t *handle, int number UNUSED)
{
	reload(handle->data);
}

/* From the terminal. The broker has it too, and ends the scripts before it ends us. */
static void on_interrupt(uv_signal_t *handle UNUSED, int number UNUSED)
{
}

static void on_stop(uv_signal_t *handle, int number UNUSED)
{
	uv_stop(handle->loop);
}

/* Between requests the broker says nothing: this is its end. Without it nothing is attached. */
static void on_broker(uv_poll_t *handle, int status UNUSED, int events UNUSED)
{
	log_error("the broker has gone");
	uv_stop(handle->loop);
}

/* ---- starting -------------------------------------------------------------------------------- */

static int open_rings(struct worker *w)
{
	for (u32 i = 0; i < CONFIG_RINGS; i++) {
		int err = broker_ring(w->broker, i, w->config->ring_bytes[i], &w->ring_fds[i]);

		if (!err)
			err = ring_open(w->ring_fds[i], &w->rings[i]);
		if (err)
			return fail_in(err, "ring %s", ring_class_names[i]);
	}
	return 0;
}

static int start_serve(struct worker *w)
{
	const struct config *c = w->config;
	struct serve_options o = {
		.address = c->http_address,
		.port = (u16)c->http_port,
		.clients = (u32)c->http_clients,
		.query_timeout_ns = c->query_timeout_ns,
		.store_directory = c->store_enabled ? c->store_path : NULL,

		.mask_secrets = c->store_mask_secrets,
		.context = w,
		.status = report_status,
		.metrics = report_metrics,
	};

	return c->http_enabled ? serve_start(&o, w->bus, &w->serve) : 0;
}

static void start_signal(struct worker *w, uv_signal_t *handle, uv_signal_cb fn, int number)
{
	uv_signal_init(&w->loop, handle);
	handle->data = w;
	uv_signal_start(handle, fn, number);
}

static void start_poll(struct worker *w, uv_poll_t *handle, int fd, int events, uv_poll_cb fn)
{
	uv_poll_init(&w->loop, handle, fd);
	handle->data = w;
	uv_poll_start(handle, events, fn);
}

/* On a loop that runs, so that a signal, or the broker's end, stops the rest of the start. */
static int start_loop(struct worker *w)
{
	int err = uv_loop_init(&w->loop);

	if (err)
		return fail(err, "cannot make the event loop: %s", uv_strerror(err));
	w->loop_runs = true;
	err = report_open(w);
	if (err)
		return err;
	start_signal(w, &w->hangup, on_hangup, SIGHUP);
	start_signal(w, &w->terminate, on_stop, SIGTERM);
	start_signal(w, &w->interrupt, on_interrupt, SIGINT);
	start_poll(w, &w->broker_poll, broker_socket(w->broker), UV_READABLE | UV_DISCONNECT,
		   on_broker);
	for (int i = 0; i < CONFIG_RINGS; i++)
		start_poll(w, &w->ring_polls[i], w->ring_fds[i], UV_READABLE, on_ring);
	uv_timer_init(&w->loop, &w->poll);
	uv_timer_init(&w->loop, &w->second);
	uv_timer_init(&w->loop, &w->interval);
	w->poll.data = w->second.data = w->interval.data = w;
	w->poll_ms = POLL_MS;
	poll_again(w, 1);
	start_interval(w);
	return w->start->ingest < 0 ? 0 : ingest_start(w, w->start->ingest, &w->ingest);
}

static int open_from_broker(void *context, u32 pid, enum host_file what)
{
	static const enum broker_file files[] = { [HOST_EXE] = BROKER_EXE,
						  [HOST_MAPS] = BROKER_MAPS,
						  [HOST_ROOT] = BROKER_ROOT,
						  [HOST_KALLSYMS] = BROKER_KALLSYMS };
	int fd, err = broker_open(context, pid, files[what], &fd);

	return err ? err : fd;
}

static int start_sink(struct worker *w)
{
	struct progress *p;
	int err;

	if (!w->config->store_enabled)
		return 0;
	p = progress_begin("opening the store");
	err = sink_start(w->config, &w->sink);
	progress_end(p);
	return err;
}

static int start(struct worker *w)
{
	struct host_options host = { .processes = (u32)w->config->processes };
	int err;

	w->started = clock_wall_ns();
	w->broker = broker_new(w->start->socket);
	w->host = host_new(&host);
	w->bus = bus_new();
	w->sources = calloc(BROKER_GADGETS_MAX, sizeof(*w->sources));
	if (!w->broker || !w->host || !w->bus || !w->sources)
		return fail(-ENOMEM, "out of memory");
	host_set_opener(w->host, open_from_broker, w->broker);
	err = open_rings(w);
	if (!err)
		err = privileges_drop(w->config->user,
				      kernel_version() < KERNEL_VERSION_CODE(5, 19, 0));
	/* After the change of user, which clears it. */
	if (!err && (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != w->start->broker))
		err = fail(-ESRCH, "the broker has gone");
	if (!err)
		err = start_sink(w);
	if (!err)
		err = start_serve(w);
	return err ? err : start_loop(w);
}

static void say_ready(const struct worker *w)
{
	_cleanup_buf_ struct buf b = {};

	buf_printf(&b, "%zu gadgets run", sources_running(w));
	if (w->sink)
		buf_printf(&b, "; records go to %s", w->config->store_path);
	if (w->serve)
		buf_printf(&b, "; http://%s:%u/", w->config->http_address, serve_port(w->serve));
	log_info("%s", buf_str(&b));
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void close_handle(uv_handle_t *handle, void *context UNUSED)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* What the summary showed is gone with its screen. */
static void say_farewell(const struct worker *w)
{
	struct sink_statistics st = {};
	u64 lost = 0;

	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		struct losses l;

		if (!w->sources[i] || !w->sources[i]->loaded)
			continue;
		gadget_losses(w->sources[i]->gadget, &l);
		lost += (l.ring == UNKNOWN_LOSS ? 0 : l.ring) +
			(l.map_full == UNKNOWN_LOSS ? 0 : l.map_full);
	}
	if (w->sink)
		sink_statistics(w->sink, &st);
	log_info("%llu records are in %s; lost: %llu in the kernel, %llu on the way to the store",
		 (unsigned long long)st.stored, w->sink ? w->config->store_path : "no store",
		 (unsigned long long)lost, (unsigned long long)(st.dropped + st.dropped_store));
}

static void stop(struct worker *w)
{
	bool had_summary;

	report_close(w); /* HTTP threads no longer wait for this one */
	if (w->loop_runs) {
		sources_consume_all(w);
		sources_read_tables(w, true);
		ingest_stop(w->ingest);
	}
	had_summary = w->summary != NULL;
	w->summary = summary_free(w->summary);
	if (w->sink)
		sink_drain(w->sink);
	if (had_summary)
		say_farewell(w);
	w->sink = sink_stop(w->sink);
	w->serve = serve_stop(w->serve);
	sources_free(w);
	if (w->loop_runs) {
		uv_walk(&w->loop, close_handle, NULL);
		uv_run(&w->loop, UV_RUN_DEFAULT);
		uv_loop_close(&w->loop);
	}
	w->ingest = ingest_free(w->ingest);
	for (int i = 0; i < CONFIG_RINGS; i++) {
		ring_free(w->rings[i]);
		if (w->ring_fds[i] >= 0)
			close(w->ring_fds[i]);
	}
	host_free(w->host);
	bus_free(w->bus);
	broker_free(w->broker);
	config_free(w->config);
	report_free(w);
}

/*
 * Until the loop takes them, signals that end have their own effect: nothing is in memory yet that
 * could be lost. A hangup waits for the loop.
 */
static void unblock(int first, int second)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, first);
	if (second)
		sigaddset(&mask, second);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
}

int worker_run(const struct worker_start *s)
{
	struct worker w = { .start = s, .config = s->config };

	unblock(SIGTERM, SIGINT);
	/* An arena a thread would cost megabytes, and a burst's buffers go back to the system. */
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	for (int i = 0; i < CONFIG_RINGS; i++)
		w.ring_fds[i] = -1;
	report_init(&w);
	if (start(&w)) {
		log_error("%s", error_text());
		stop(&w);
		return WORKER_CANNOT_START;
	}
	sources_configure(&w, false);
	if (!sources_running(&w))
		log_warning("no gadget runs (see: saker check)");
	w.summary = s->options->no_summary || !w.config->summary ? NULL : summary_new(&w);
	if (w.summary) {
		start_signal(&w, &w.resized, on_resize, SIGWINCH);
		uv_timer_start(&w.second, on_second, 0, 1000);
	} else {
		say_ready(&w);
	}
	malloc_trim(0);
	unblock(SIGHUP, 0);
	uv_run(&w.loop, UV_RUN_DEFAULT);
	stop(&w);
	return 0;
}
