// SPDX-License-Identifier: Apache-2.0
/*
 * The agent about itself: /api/v1/status and its share of /metrics. Made on the worker's thread
 * when an HTTP thread asks: nobody looks, nothing is done. Every loss has a line, and what is not
 * known is null or no sample, never 0.
 */
#include "agent/worker.h"

#include <sys/resource.h>

#define FRESH_NS (50 * NSEC_PER_MSEC)
#define WAIT_NS NSEC_PER_SEC
#define MISSED_EVERY_NS (2 * NSEC_PER_SEC)

static void json_pair(struct buf *b, const char *name, u64 value)
{
	if (value == UNKNOWN_LOSS)
		buf_printf(b, ",\"%s\":null", name);
	else
		buf_printf(b, ",\"%s\":%llu", name, (unsigned long long)value);
}

static void metric(struct buf *b, const char *name, const char *label, const char *value_label,
		   u64 value)
{
	if (label)
		buf_printf(b, "%s{%s=\"%s\"} %llu\n", name, label, value_label,
			   (unsigned long long)value);
	else
		buf_printf(b, "%s %llu\n", name, (unsigned long long)value);
}

static void describe(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/*
 * Anonymous and file pages, without the rings (which are the kernel's); UNKNOWN_LOSS when it
 * cannot be read.
 */
static u64 resident_bytes(pid_t pid)
{
	_cleanup_buf_ struct buf text = {};
	char path[64];
	u64 kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_file(path, 1 << 16, &text))
		return UNKNOWN_LOSS;
	for (int i = 0; i < 2; i++) {
		const char *at = strstr(buf_str(&text), i ? "RssFile:" : "RssAnon:");

		kib += at ? strtoull(at + strlen("RssAnon:"), NULL, 10) : 0;
	}
	return kib << 10;
}

static u64 own_cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u64)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (u64)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * NSEC_PER_USEC;
}

/* Of another process: in ticks, which is all that /proc tells. */
static u64 cpu_ns(pid_t pid)
{
	_cleanup_buf_ struct buf text = {};
	unsigned long long user, system;
	const char *end;
	char path[64];

	if (pid == getpid())
		return own_cpu_ns();
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, 1 << 12, &text))
		return UNKNOWN_LOSS;
	end = strrchr(buf_str(&text), ')'); /* a name may hold anything */
	if (!end || sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
			   &system) != 2)
		return UNKNOWN_LOSS;
	return (user + system) * (NSEC_PER_SEC / (u64)sysconf(_SC_CLK_TCK));
}

static void source_json(struct source *s, struct buf *b)
{
	struct losses l = {};

	buf_add_str(b, "{\"name\":");
	text_add_json(b, s->config.name, strlen(s->config.name));
	buf_printf(b, ",\"running\":%s", s->loaded ? "true" : "false");
	if (!s->loaded) {
		buf_add_str(b, ",\"reason\":");
		text_add_json(b, s->error, strlen(s->error));
		buf_add_char(b, '}');
		return;
	}
	gadget_losses(s->gadget, &l);
	json_pair(b, "records", s->records);
	json_pair(b, "filtered", s->filtered);
	json_pair(b, "lost_ring", l.ring);
	json_pair(b, "lost_map_full", l.map_full);
	json_pair(b, "lost_stacks", l.stack);
	json_pair(b, "missed", s->missed);
	json_pair(b, "malformed", s->bad_records);
	json_pair(b, "not_stored_budget", s->budget_dropped);
	json_pair(b, "not_stored_error", s->failed);
	buf_add_char(b, '}');
}

static void status_json(struct worker *w, struct buf *b)
{
	struct sink_statistics st = {};
	bool first = true;

	if (w->sink)
		sink_statistics(w->sink, &st);
	buf_add_str(b, "{\"started\":\"");
	add_rfc3339(b, w->started);
	buf_add_char(b, '"');
	json_pair(b, "worker_restarts", w->start->restarts);
	json_pair(b, "cpu_ns", cpu_ns(getpid()));
	json_pair(b, "resident_bytes", resident_bytes(getpid()));
	json_pair(b, "broker_cpu_ns", cpu_ns(w->start->broker));
	json_pair(b, "broker_resident_bytes", resident_bytes(w->start->broker));
	json_pair(b, "unclaimed_records", w->ring_bad);
	buf_add_str(b, ",\"gadgets\":[");
	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		if (!w->sources[i])
			continue;
		if (!first)
			buf_add_char(b, ',');
		source_json(w->sources[i], b);
		first = false;
	}
	buf_printf(b, "],\"scripts\":[%s],\"exports\":", buf_str(&w->report.scripts));
	ingest_status(w->ingest, b);
	buf_printf(b, ",\"store\":{\"enabled\":%s", w->sink ? "true" : "false");
	json_pair(b, "records", st.stored);
	json_pair(b, "dropped_queue", st.dropped);
	json_pair(b, "dropped_store", st.dropped_store);
	json_pair(b, "disk_bytes", st.health.disk_bytes);
	json_pair(b, "partitions", st.health.partitions);
	json_pair(b, "expired", st.health.expired);
	json_pair(b, "set_aside", st.health.set_aside);
	buf_printf(b, ",\"disk_full\":%s,\"write_failing\":%s}}\n",
		   st.health.disk_full ? "true" : "false",
		   st.health.write_failing ? "true" : "false");
}

static u64 source_number(const struct source *s, unsigned which)
{
	struct losses l;

	gadget_losses(s->gadget, &l);
	switch (which) {
	case 0:
		return s->records;
	case 1:
		return l.ring;
	case 2:
		return l.map_full;
	case 3:
		return l.stack;
	case 4:
		return s->missed;
	case 5:
		return s->bad_records;
	case 6:
		return s->budget_dropped;
	default:
		return s->failed;
	}
}

static void gadget_metrics(struct worker *w, struct buf *b)
{
	static const struct {
		const char *name, *help;
	} families[] = {
		{ "saker_records_total", "Records that a gadget delivered" },
		{ "saker_lost_ring_total", "Records lost because a ring was full" },
		{ "saker_lost_map_total", "Records lost because a table in the kernel was full" },
		{ "saker_lost_stacks_total", "Stacks lost because their table was full" },
		{ "saker_missed_total",
		  "Runs of programs that the kernel skipped because they nested" },
		{ "saker_malformed_total", "Records that did not fit their schema" },
		{ "saker_not_stored_budget_total", "Records beyond a gadget's store budget" },
		{ "saker_not_stored_error_total",
		  "Records that could not be made ready for the store" },
	};

	for (unsigned f = 0; f < ARRAY_SIZE(families); f++) {
		describe(b, families[f].name, "counter", families[f].help);
		for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
			const struct source *s = w->sources[i];
			u64 n = s && s->loaded ? source_number(s, f) : UNKNOWN_LOSS;

			/* What the kernel cannot tell has no sample: never a false zero. */
			if (n != UNKNOWN_LOSS)
				metric(b, families[f].name, "gadget", s->config.name, n);
		}
	}
	describe(b, "saker_gadget_running", "gauge", "1 when the gadget runs");
	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		if (w->sources[i])
			metric(b, "saker_gadget_running", "gadget", w->sources[i]->config.name,
			       w->sources[i]->loaded);
	}
	describe(b, "saker_unclaimed_records_total", "counter",
		 "Records in a ring of no gadget that runs");
	metric(b, "saker_unclaimed_records_total", NULL, NULL, w->ring_bad);
}

static void process_metrics(const struct worker *w, struct buf *b)
{
	const struct {
		const char *name;
		pid_t pid;
	} processes[] = { { "worker", getpid() }, { "broker", w->start->broker } };

	describe(b, "saker_cpu_seconds_total", "counter", "CPU time of the agent's processes");
	for (size_t i = 0; i < ARRAY_SIZE(processes); i++) {
		u64 ns = cpu_ns(processes[i].pid);

		if (ns != UNKNOWN_LOSS)
			buf_printf(b, "saker_cpu_seconds_total{process=\"%s\"} %.3f\n",
				   processes[i].name, (double)ns / 1e9);
	}
	describe(b, "saker_resident_bytes", "gauge",
		 "Anonymous and file pages of the agent's processes");
	for (size_t i = 0; i < ARRAY_SIZE(processes); i++) {
		u64 bytes = resident_bytes(processes[i].pid);

		if (bytes != UNKNOWN_LOSS)
			metric(b, "saker_resident_bytes", "process", processes[i].name, bytes);
	}
	describe(b, "saker_worker_restarts_total", "counter", "Workers that ended unasked");
	metric(b, "saker_worker_restarts_total", NULL, NULL, w->start->restarts);
}

static void store_metrics(const struct worker *w, struct buf *b)
{
	struct sink_statistics st;

	sink_statistics(w->sink, &st);
	describe(b, "saker_store_records_total", "counter", "Records on disk");
	metric(b, "saker_store_records_total", NULL, NULL, st.stored);
	describe(b, "saker_store_dropped_total", "counter",
		 "Records that the store could not take");
	metric(b, "saker_store_dropped_total", "cause", "queue", st.dropped);
	metric(b, "saker_store_dropped_total", "cause", "store", st.dropped_store);
	describe(b, "saker_store_bytes", "gauge", "Size of the store");
	metric(b, "saker_store_bytes", NULL, NULL, st.health.disk_bytes);
	describe(b, "saker_store_failing", "gauge", "1 while the store cannot be written to");
	metric(b, "saker_store_failing", NULL, NULL,
	       st.health.disk_full || st.health.write_failing);
	describe(b, "saker_store_set_aside_total", "counter",
		 "Damaged partitions that were set aside");
	metric(b, "saker_store_set_aside_total", NULL, NULL, st.health.set_aside);
}

/* ---- asked for by other threads -------------------------------------------------------------- */

static void ask_scripts(struct worker *w)
{
	struct buf *b = &w->report.scripts;

	buf_clear(b);
	for (u32 i = 0;; i++) {
		size_t before = b->len;

		if (i)
			buf_add_char(b, ',');
		if (!broker_script(w->broker, i, b))
			continue;
		b->len = before;
		if (b->data)
			b->data[before] = '\0';
		return;
	}
}

/* The kernel's count of skipped runs needs the broker. */
static void ask_missed(struct worker *w, u64 now)
{
	if (w->report.missed_ns && now - w->report.missed_ns < MISSED_EVERY_NS)
		return;
	w->report.missed_ns = now;
	for (u32 i = 0; i < BROKER_GADGETS_MAX; i++) {
		struct source *s = w->sources[i];

		if (s && s->loaded && broker_missed(w->broker, s->number, &s->missed))
			s->missed = UNKNOWN_LOSS;
	}
	ask_scripts(w);
}

static void on_ask(uv_async_t *handle)
{
	struct worker *w = handle->data;
	struct report *r = &w->report;
	u64 now = clock_monotonic_ns();

	ask_missed(w, now);
	pthread_mutex_lock(&r->lock);
	buf_clear(&r->status);
	buf_clear(&r->metrics);
	status_json(w, &r->status);
	gadget_metrics(w, &r->metrics);
	ingest_metrics(w->ingest, &r->metrics);
	process_metrics(w, &r->metrics);
	if (w->sink)
		store_metrics(w, &r->metrics);
	r->made_ns = now;
	pthread_cond_broadcast(&r->made);
	pthread_mutex_unlock(&r->lock);
}

static void fetch(struct report *r, const struct buf *from, struct buf *b)
{
	u64 now = clock_monotonic_ns(), until = now + WAIT_NS;
	struct timespec t = { .tv_sec = (time_t)(until / NSEC_PER_SEC),
			      .tv_nsec = (long)(until % NSEC_PER_SEC) };

	pthread_mutex_lock(&r->lock);
	if (r->open && r->made_ns + FRESH_NS < now)
		uv_async_send(&r->ask);
	/* A worker that is busy longer than that leaves us with what was. */
	while (r->open && r->made_ns + FRESH_NS < now) {
		if (pthread_cond_timedwait(&r->made, &r->lock, &t) == ETIMEDOUT)
			break;
	}
	buf_add(b, buf_str(from), from->len);
	pthread_mutex_unlock(&r->lock);
}

void report_status(void *context, struct buf *b)
{
	struct worker *w = context;

	fetch(&w->report, &w->report.status, b);
}

void report_metrics(void *context, struct buf *b)
{
	struct worker *w = context;

	fetch(&w->report, &w->report.metrics, b);
}

void report_init(struct worker *w)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&w->report.lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->report.made, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int report_open(struct worker *w)
{
	int err = uv_async_init(&w->loop, &w->report.ask, on_ask);

	if (err)
		return fail(err, "cannot make the event loop: %s", uv_strerror(err));
	w->report.ask.data = w;
	pthread_mutex_lock(&w->report.lock);
	w->report.open = true;
	pthread_mutex_unlock(&w->report.lock);
	return 0;
}

void report_close(struct worker *w)
{
	pthread_mutex_lock(&w->report.lock);
	w->report.open = false;
	pthread_cond_broadcast(&w->report.made);
	pthread_mutex_unlock(&w->report.lock);
}

void report_free(struct worker *w)
{
	buf_free(&w->report.status);
	buf_free(&w->report.metrics);
	buf_free(&w->report.scripts);
	pthread_cond_destroy(&w->report.made);
	pthread_mutex_destroy(&w->report.lock);
}
