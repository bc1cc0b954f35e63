// SPDX-License-Identifier: Apache-2.0
/* The worker's life: start everything, loop, reload, stop within two seconds. See worker.h for what flows where. */
#include "agent/worker.h"

#include <signal.h>
#include <sys/prctl.h>

#define POLL_MS 100

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

static void on_poll(uv_timer_t *timer)
{
	sources_consume(timer->data);
}

static void on_ring(uv_poll_t *handle, int status UNUSED, int events UNUSED)
{
	sources_consume(handle->data);
}

static void on_interval(uv_timer_t *timer)
{
	sources_read_tables(timer->data, false);
}

static void on_second(uv_timer_t *timer)
{
	struct worker *w = timer->data;

	worker_report(w);
	summary_draw(w->summary);
}

/* ---- reloading --------------------------------------------------------------------------------------------------------- */

/* What cannot change while it runs: said, not ignored. */
static void warn_fixed(const struct config *now, const struct config *next)
{
	if (strcmp(now->store_path, next->store_path) || now->store_enabled != next->store_enabled)
		log_warning("store.path and store.enabled change with the next start");
	if (strcmp(now->http_address, next->http_address) || now->http_port != next->http_port ||
	    now->http_enabled != next->http_enabled)
		log_warning("http.address, http.port and http.enabled change with the next start");
	if (strcmp(now->user, next->user) || memcmp(now->ring_bytes, next->ring_bytes, sizeof(now->ring_bytes)))
		log_warning("worker.user and the sizes of rings change with the next start");
}

static void reload(struct worker *w)
{
	struct config *next, *old = w->config;

	if (!w->config_file) {
		log_info("there is no configuration file to read again");
		return;
	}
	if (config_read(w->config_file, &next)) {
		log_error("%s; the running configuration stays", error_text());
		return;
	}
	warn_fixed(old, next);
	w->config = next;
	if (w->sink)
		sink_configure(w->sink, next);
	sources_configure(w);
	if (next->interval_ns != old->interval_ns)
		uv_timer_start(&w->interval, on_interval, next->interval_ns / NSEC_PER_MSEC,
			       next->interval_ns / NSEC_PER_MSEC);
	config_free(old);
	log_info("%s was read again", w->config_file);
}

static void on_hangup(uv_signal_t *handle, int number UNUSED)
{
	reload(handle->data);
}

static void watch_config(struct worker *w);

static void on_config_change(uv_fs_event_t *handle, const char *name UNUSED, int events, int status UNUSED)
{
	struct worker *w = handle->data;

	/* Editors write a new file and move it over the old one: the watch must follow. */
	if (events & UV_RENAME) {
		uv_fs_event_stop(handle);
		watch_config(w);
	}
	reload(w);
}

static void watch_config(struct worker *w)
{
	if (uv_fs_event_start(&w->config_change, on_config_change, w->config_file, 0))
		log_debug("%s cannot be watched; SIGHUP reloads it", w->config_file);
}

static void on_stop(uv_signal_t *handle, int number UNUSED)
{
	struct worker *w = handle->data;

	w->stopping = true;
	uv_stop(&w->loop);
}

/* ---- starting ------------------------------------------------------------------------------------------------------------ */

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

static void report_status(void *context, struct buf *b)
{
	struct worker *w = context;

	pthread_mutex_lock(&w->lock);
	buf_add(b, buf_str(&w->status), w->status.len);
	pthread_mutex_unlock(&w->lock);
}

static void report_metrics(void *context, struct buf *b)
{
	struct worker *w = context;

	pthread_mutex_lock(&w->lock);
	buf_add(b, buf_str(&w->metrics), w->metrics.len);
	pthread_mutex_unlock(&w->lock);
}

static int start_serve(struct worker *w)
{
	const struct config *c = w->config;
	struct serve_options o = {
		.address = c->http_address, .port = (u16)c->http_port, .clients = (u32)c->http_clients,
		.query_timeout_ns = c->query_timeout_ns, .store_directory = c->store_enabled ? c->store_path : NULL,
		.context = w, .status = report_status, .metrics = report_metrics,
	};

	return c->http_enabled ? serve_start(&o, w->bus, &w->serve) : 0;
}

static void start_signal(struct worker *w, uv_signal_t *handle, uv_signal_cb fn, int number)
{
	uv_signal_init(&w->loop, handle);
	handle->data = w;
	uv_signal_start(handle, fn, number);
}

static void start_timer(struct worker *w, uv_timer_t *timer, uv_timer_cb fn, u64 ms)
{
	uv_timer_init(&w->loop, timer);
	timer->data = w;
	uv_timer_start(timer, fn, ms, ms);
}

static void start_loop(struct worker *w)
{
	start_signal(w, &w->hangup, on_hangup, SIGHUP);
	start_signal(w, &w->terminate, on_stop, SIGTERM);
	start_signal(w, &w->interrupt, on_stop, SIGINT);
	start_timer(w, &w->poll, on_poll, POLL_MS);
	start_timer(w, &w->second, on_second, 1000);
	start_timer(w, &w->interval, on_interval, w->config->interval_ns / NSEC_PER_MSEC);
	for (int i = 0; i < CONFIG_RINGS; i++) {
		uv_poll_init(&w->loop, &w->ring_polls[i], w->ring_fds[i]);
		w->ring_polls[i].data = w;
		uv_poll_start(&w->ring_polls[i], UV_READABLE, on_ring);
	}
	uv_fs_event_init(&w->loop, &w->config_change);
	w->config_change.data = w;
	if (w->config_file)
		watch_config(w);
}

static int start(struct worker *w)
{
	struct host_options host = { .processes = (u32)w->config->processes };
	int err;

	w->started = clock_wall_ns();
	w->host = host_new(&host);
	w->bus = bus_new();
	w->sources = calloc(BROKER_GADGETS_MAX, sizeof(*w->sources));
	if (!w->host || !w->bus || !w->sources)
		return fail(-ENOMEM, "out of memory");
	err = open_rings(w);
	if (!err)
		err = privileges_drop(w->config->user, kernel_version() < KERNEL_VERSION_CODE(5, 19, 0));
	if (!err && w->config->store_enabled)
		err = sink_start(w->config, &w->sink);
	if (!err)
		err = start_serve(w);
	return err;
}

static size_t running_count(const struct worker *w)
{
	size_t n = 0;

	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++)
		n += w->sources[i] && w->sources[i]->loaded;
	return n;
}

static void say_ready(const struct worker *w)
{
	_cleanup_buf_ struct buf b = {};

	buf_printf(&b, "%zu gadgets run", running_count(w));
	if (w->sink)
		buf_printf(&b, "; records go to %s", w->config->store_path);
	if (w->serve)
		buf_printf(&b, "; http://%s:%u/", w->config->http_address, serve_port(w->serve));
	log_info("%s", buf_str(&b));
}

static void stop(struct worker *w)
{
	if (w->sources) {
		sources_consume(w);
		sources_read_tables(w, true);
	}
	summary_free(w->summary);
	w->serve = serve_stop(w->serve);
	sources_free(w);
	w->sink = sink_stop(w->sink);
	for (int i = 0; i < CONFIG_RINGS; i++) {
		ring_free(w->rings[i]);
		if (w->ring_fds[i] >= 0)
			close(w->ring_fds[i]);
	}
	host_free(w->host);
	bus_free(w->bus);
	broker_free(w->broker);
	config_free(w->config);
	buf_free(&w->status);
	buf_free(&w->metrics);
}

int worker_run(const struct agent_options *o, struct config *c, int socket)
{
	struct worker w = { .config = c, .config_file = o->config_file, .lock = PTHREAD_MUTEX_INITIALIZER };
	int err;

	prctl(PR_SET_PDEATHSIG, SIGTERM); /* without its broker it can load nothing */
	for (int i = 0; i < CONFIG_RINGS; i++)
		w.ring_fds[i] = -1;
	w.broker = broker_new(socket);
	err = w.broker ? start(&w) : fail(-ENOMEM, "out of memory");
	if (err) {
		log_error("%s", error_text());
		stop(&w);
		return 1;
	}
	uv_loop_init(&w.loop);
	start_loop(&w);
	sources_configure(&w);
	if (!running_count(&w))
		log_warning("no gadget runs (see: saker check)");
	w.summary = o->no_summary || !w.config->summary ? NULL : summary_new(&w);
	if (!w.summary)
		say_ready(&w);
	worker_report(&w);
	uv_run(&w.loop, UV_RUN_DEFAULT);
	stop(&w);
	return 0;
}
