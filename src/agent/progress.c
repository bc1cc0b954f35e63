// SPDX-License-Identifier: Apache-2.0
/*
 * What takes longer than a second says so: after one second, two, four ... a line with what it is
 * and how far it is, from a thread of its own, because whoever is busy cannot. What is quick costs
 * a thread's start.
 */
#include "agent/worker.h"

#include <signal.h>

struct progress {
	const char *what;
	u64 began;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool end, shown;
	size_t done, all;
};

static void show(struct progress *p, const char *how)
{
	_cleanup_buf_ struct buf b = {};

	add_duration(&b, clock_monotonic_ns() - p->began);
	if (p->all)
		log_info("%s%s: %zu of %zu, %s", p->what, how, p->done, p->all, buf_str(&b));
	else
		log_info("%s%s: %s", p->what, how, buf_str(&b));
	p->shown = true;
}

static void *watch(void *context)
{
	struct progress *p = context;
	u64 next = p->began + NSEC_PER_SEC;

	pthread_mutex_lock(&p->lock);
	while (!p->end) {
		struct timespec t = { .tv_sec = (time_t)(next / NSEC_PER_SEC),
				      .tv_nsec = (long)(next % NSEC_PER_SEC) };

		pthread_cond_timedwait(&p->ended, &p->lock, &t);
		if (p->end || clock_monotonic_ns() < next)
			continue;
		show(p, "");
		next += next - p->began;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Signals are for the main thread. */
static int start_quiet(pthread_t *thread, void *(*fn)(void *), void *context)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread, NULL, fn, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

struct progress *progress_begin(const char *what)
{
	struct progress *p = calloc(1, sizeof(*p));
	pthread_condattr_t monotonic;

	if (!p)
		return NULL;
	p->what = what;
	p->began = clock_monotonic_ns();
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (start_quiet(&p->thread, watch, p)) {
		free(p);
		return NULL;
	}
	return p;
}

void progress_set(struct progress *p, size_t done, size_t all)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->done = done;
	p->all = all;
	pthread_mutex_unlock(&p->lock);
}

struct progress *progress_end(struct progress *p)
{
	if (!p)
		return NULL;
	pthread_mutex_lock(&p->lock);
	p->end = true;
	pthread_cond_signal(&p->ended);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	if (p->shown)
		show(p, ", done");
	pthread_cond_destroy(&p->ended);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}
