// SPDX-License-Identifier: Apache-2.0
/*
 * From the reading thread to the store's thread: two buffers, one being filled, one being stored.
 * The reader only copies bytes under a lock held for a moment; an fsync can take as long as it
 * likes. What does not fit is counted.
 */
#include "agent/worker.h"

#define QUEUE_BYTES (4 << 20)
#define WAKE_BYTES (512 << 10)
#define KEEP_BYTES (1 << 20) /* a burst's buffer beyond this goes back to the system */
#define BURST_SECONDS 10
#define BUDGET_MAX 100000000 /* a burst of it, in ns, fits 64 bits */
#define EXPIRE_NS (10 * NSEC_PER_SEC)

struct entry {
	const struct schema *schema;
	u64 wall_ns;
	u32 size, padded;
};

struct sink {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, idle;
	struct buf filling, storing;
	bool stop, drain;
	struct store *store;
	struct store_options options;
	u64 flush_ns;
	bool reconfigure;
	struct sink_statistics statistics;
};

static void log_store(void *context UNUSED, enum log_level level, const char *text)
{
	log_line(level, "store: %s", text);
}

static struct store_options options_of(const struct config *c)
{
	return (struct store_options){
		.directory = c->store_path,
		.partition_ns = c->store_partition_ns,
		.max_age_ns = c->store_max_age_ns,
		.max_bytes = c->store_max_bytes,
		.log = { .line = log_store },
	};
}

/* ---- the store's thread ---------------------------------------------------------------------- */

static void store_all(struct sink *s)
{
	const char *p = s->storing.data, *end = p + s->storing.len;

	while (p < end) {
		struct entry e;
		struct record r;

		memcpy(&e, p, sizeof(e));
		r = (struct record){ .schema = e.schema,
				     .data = (const u8 *)p + sizeof(e),
				     .size = e.size,
				     .wall_ns = e.wall_ns };
		store_append(s->store, &r);
		p += sizeof(e) + e.padded;
	}
	buf_clear(&s->storing);
	if (s->storing.cap > KEEP_BYTES)
		buf_free(&s->storing);
}

static void count_stored(struct sink *s)
{
	const struct store_statistics *one;
	struct sink_statistics sum = {};

	for (size_t i = 0; (one = store_statistics(s->store, i)); i++) {
		sum.stored += one->stored;
		sum.dropped_store += one->dropped_budget + one->dropped_error;
	}
	store_health(s->store, &sum.health);
	pthread_mutex_lock(&s->lock);
	s->statistics.stored = sum.stored;
	s->statistics.dropped_store = sum.dropped_store + sum.health.dropped_unnamed;
	s->statistics.health = sum.health;
	pthread_mutex_unlock(&s->lock);
}

static bool wait_until(struct sink *s, u64 until_ns)
{
	struct timespec t = { .tv_sec = (time_t)(until_ns / NSEC_PER_SEC),
			      .tv_nsec = (long)(until_ns % NSEC_PER_SEC) };

	return !s->stop && !s->drain && clock_monotonic_ns() < until_ns &&
	       pthread_cond_timedwait(&s->wake, &s->lock, &t) != ETIMEDOUT;
}

/*
 * Waits until there is work: as long as nothing came, until partitions are looked at for their age;
 * from the first record on, until the flush is due or there is much. With the lock.
 */
static void wait_for_work(struct sink *s, u64 flushed, u64 expired, bool waiting)
{
	while (!s->filling.len && !waiting && wait_until(s, expired + EXPIRE_NS))
		;
	while ((s->filling.len || waiting) && s->filling.len < WAKE_BYTES &&
	       wait_until(s, flushed + s->flush_ns))
		;
}

/* What the store's thread was woken for. */
struct work {
	bool stop, drain;
	u64 flush_ns;
};

/* Takes what is there; the lock is held only here. */
static void take_work(struct sink *s, u64 flushed, u64 expired, bool waiting, struct work *ret)
{
	struct buf swap;

	pthread_mutex_lock(&s->lock);
	wait_for_work(s, flushed, expired, waiting);
	swap = s->storing;
	s->storing = s->filling;
	s->filling = swap;
	*ret = (struct work){ .stop = s->stop, .drain = s->drain, .flush_ns = s->flush_ns };
	if (s->reconfigure && store_configure(s->store, &s->options))
		log_warning("store: %s", error_text());
	s->reconfigure = false;
	pthread_mutex_unlock(&s->lock);
}

static void end_drain(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	s->drain = false;
	pthread_cond_broadcast(&s->idle);
	pthread_mutex_unlock(&s->lock);
}

static void *store_thread(void *context)
{
	struct sink *s = context;
	u64 flushed = 0, expired = clock_monotonic_ns();
	struct work work = {};
	bool waiting = false;

	while (!work.stop) {
		u64 now;

		take_work(s, flushed, expired, waiting, &work);
		store_all(s);
		now = clock_monotonic_ns();
		if (now >= flushed + work.flush_ns || work.stop || work.drain) {
			/* What fails stays in memory, is tried again, and was logged. */
			store_flush(s->store);
			flushed = clock_monotonic_ns();
		}
		/* Once there are files, their size is to be known. */
		if (now >= expired + EXPIRE_NS ||
		    (s->statistics.stored && !s->statistics.health.partitions)) {
			store_expire(s->store, clock_wall_ns());
			expired = clock_monotonic_ns();
		}
		count_stored(s);
		waiting = s->statistics.health.waiting_records > 0;
		if (work.drain)
			end_drain(s);
	}
	return NULL;
}

/* ---- the reading thread ---------------------------------------------------------------------- */

int sink_start(const struct config *c, struct sink **ret)
{
	struct sink *s = calloc(1, sizeof(*s));
	pthread_condattr_t monotonic;
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->options = options_of(c);
	s->flush_ns = c->store_flush_ns;
	err = store_open(&s->options, &s->store);
	if (err) {
		free(s);
		return err;
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &monotonic);
	pthread_cond_init(&s->idle, &monotonic);
	pthread_condattr_destroy(&monotonic);
	err = pthread_create(&s->thread, NULL, store_thread, s);
	if (err) {
		store_close(s->store);
		free(s);
		return fail_errno(-err, "cannot start the store's thread");
	}
	*ret = s;
	return 0;
}

struct sink *sink_stop(struct sink *s)
{
	if (!s)
		return NULL;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	store_close(s->store);
	buf_free(&s->filling);
	buf_free(&s->storing);
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->idle);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

/*
 * A bucket of ten seconds' worth: opensnoop alone could fill a disk. Before the record is copied
 * or enriched.
 */
static bool within_budget(struct source *source, u64 now)
{
	u64 rate = MIN(source->config.budget, BUDGET_MAX), burst = rate * BURST_SECONDS, passed;

	if (!rate)
		return true;
	if (!source->budget_time) {
		source->budget_tokens = burst;
		source->budget_time = now;
	}
	passed = now - source->budget_time;
	if (passed >= NSEC_PER_SEC / 10) {
		passed = MIN(passed, BURST_SECONDS * NSEC_PER_SEC);
		source->budget_tokens =
			MIN(source->budget_tokens + passed * rate / NSEC_PER_SEC, burst);
		source->budget_time = now;
	}
	if (!source->budget_tokens)
		return false;
	source->budget_tokens--;
	return true;
}

void sink_offer(struct sink *s, struct source *source, struct materializer *m,
		const struct record *r, u64 now)
{
	static const char zeros[8];
	struct record kept;
	struct entry e;
	bool first;

	if (r->schema->sort == SCHEMA_EVENTS && !within_budget(source, now)) {
		source->budget_dropped++;
		return;
	}
	if (materialize(m, r, &kept)) {
		source->failed++;
		return;
	}
	e = (struct entry){ .schema = kept.schema,
			    .wall_ns = kept.wall_ns,
			    .size = kept.size,
			    .padded = (kept.size + 7) & ~7u };
	pthread_mutex_lock(&s->lock);
	first = !s->filling.len;
	if (s->filling.len + sizeof(e) + e.padded > QUEUE_BYTES ||
	    !buf_room(&s->filling, sizeof(e) + e.padded)) {
		s->statistics.dropped++;
		s->filling.error = 0;
	} else {
		buf_add(&s->filling, &e, sizeof(e));
		buf_add(&s->filling, kept.data, kept.size);
		buf_add(&s->filling, zeros, e.padded - e.size);
		s->statistics.records++;
		if (first || s->filling.len >= WAKE_BYTES)
			pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
}

void sink_drain(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	s->drain = true;
	pthread_cond_signal(&s->wake);
	while (s->drain)
		pthread_cond_wait(&s->idle, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void sink_configure(struct sink *s, const struct config *c)
{
	pthread_mutex_lock(&s->lock);
	s->options = options_of(c);
	s->flush_ns = c->store_flush_ns;
	s->reconfigure = true;
	pthread_mutex_unlock(&s->lock);
	/*
	 * The new options point into @c, the old ones into what the caller frees next: apply them
	 * now.
	 */
	sink_drain(s);
}

void sink_statistics(struct sink *s, struct sink_statistics *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = s->statistics;
	pthread_mutex_unlock(&s->lock);
}
