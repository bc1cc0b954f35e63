// SPDX-License-Identifier: Apache-2.0
/*
 * A script's life once it is loaded: begin, attach, consume, end, and what was lost.
 */
#include "lang/run/run.h"

/* Processes whose mappings are read each time that records are fetched: about 0.4 ms. */
#define LEARN_AT_ONCE 8

static bool is_fired(const struct script_program *p)
{
	return p->points[0]->provider->context == CONTEXT_NONE;
}

static int attach_program(struct run *r, struct run_program *p, const struct script_program *of)
{
	const struct script *s = r->script;
	bool tolerant = s->config.missing_probes != MISSING_ERROR;
	u32 failed = 0;
	int err = attachment_new(p->fd, (const struct attach_point *const *)of->points,
				 of->point_count, of->first_point, s->options->pid, tolerant,
				 &p->attachment, &failed);

	if (err)
		return err;
	r->failed_points += failed;
	if (failed && s->config.missing_probes == MISSING_WARN)
		output_warning(&r->out, of->probe->span, "could not attach %u of %zu probes: %s",
			       failed, of->point_count, error_text());
	return 0;
}

/*
 * User symbols of processes that will be gone when they are shown. Without the watch (no
 * privilege, no perf events) those are shown as addresses.
 */
static void watch_mappings(struct run *r)
{
	if (!r->script->uses_user_symbols || !r->host)
		return;
	if (host_watch_mappings(r->host))
		log_debug("%s", error_text());
	if (r->script->options->pid)
		host_learn_mappings(r->host, (u32)r->script->options->pid);
}

int run_attach(struct run *r)
{
	int err;

	watch_mappings(r);
	err = run_fire(r, "begin", NULL);
	for (size_t i = 0; !err && i < r->script->program_count; i++) {
		const struct script_program *p = r->script->programs[i];

		if (!is_fired(p))
			err = attach_program(r, &r->programs[i], p);
	}
	return err;
}

static bool is_read(const struct script_program *p)
{
	const struct attach_point *a = p->points[0];

	return a->provider->context == CONTEXT_ITERATOR && (!a->space || !*a->space);
}

/* Reading runs the program, once for each thing there is; what it sends waits in the ring. */
static int read_iterator(const struct run_program *p, size_t number)
{
	_cleanup_close_ int fd = attachment_read(p->attachment, number);
	char bytes[4096];
	ssize_t n = fd < 0 ? fd : 1;

	while (n > 0 || (fd >= 0 && n < 0 && errno == EAGAIN))
		n = read(fd, bytes, sizeof(bytes));
	return n < 0 ? fail_errno(fd < 0 ? fd : -errno, "the iterator cannot be read") : 0;
}

int run_iterate(struct run *r)
{
	int err = 0;

	for (size_t i = 0; !err && i < r->script->program_count; i++) {
		const struct script_program *p = r->script->programs[i];

		for (size_t k = 0; !err && is_read(p) && k < p->point_count; k++)
			err = read_iterator(&r->programs[i], k);
	}
	return err;
}

/* Programs do nothing from here on; the kernel takes them away when it gets to it. */
static void leave(struct run *r)
{
	size_t count = r->script->program_count;
	_cleanup_free_ struct probe_attachment **all = calloc(count + 1, sizeof(*all));

	r->state->exiting = 1;
	for (size_t i = 0; i < count; i++) {
		if (all)
			all[i] = r->programs[i].attachment;
		else
			attachment_free(r->programs[i].attachment);
		r->programs[i].attachment = NULL;
	}
	if (all)
		attachments_leave(all, count);
	if (!r->out.is_bpftrace)
		buf_printf(&r->out.messages,
			   "the kernel lets go of %zu tracepoints in the background, %zu s or so; "
			   "they do nothing any more\n",
			   r->script->point_count, r->script->point_count / 20);
}

/* The kernel counts for each program how often it was skipped; asked while it is attached. */
static void count_missed(struct run *r)
{
	for (size_t i = 0; i < r->script->program_count; i++) {
		struct run_program *p = &r->programs[i];
		u64 n = p->attachment ? attachment_missed(p->attachment) : UINT64_MAX;

		if (n != UINT64_MAX)
			p->missed = n;
	}
}

void run_detach(struct run *r)
{
	count_missed(r);
	if (r->state && script_detaches_late(r->script)) {
		leave(r);
		return;
	}
	for (size_t i = 0; i < r->script->program_count; i++)
		r->programs[i].attachment = attachment_free(r->programs[i].attachment);
}

int run_fire(struct run *r, const char *provider, const char *event)
{
	for (size_t i = 0; i < r->script->program_count; i++) {
		const struct script_program *p = r->script->programs[i];
		int err;

		for (size_t k = 0; k < p->point_count; k++) {
			const struct attach_point *a = p->points[k];

			if (strcmp(a->provider->name, provider) ||
			    (event && a->event && strcmp(a->event, event)))
				continue;
			err = kernel_run_program(r->programs[i].fd, NULL);
			if (err)
				return fail_in(err, "%s", a->name);
		}
	}
	return 0;
}

static void on_record(void *context, const void *data, size_t size)
{
	struct run *r = context;

	if (!r->exiting)
		output_record(&r->out, data, size);
	if (r->out.exit_asked && !r->exiting) {
		r->exiting = true;
		r->exit_code = r->out.exit_code;
	}
}

ssize_t run_consume(struct run *r)
{
	ssize_t n;

	if (r->script->uses_user_symbols && r->host) {
		host_drain_mappings(r->host);
		host_learn_all_mappings(r->host, LEARN_AT_ONCE);
	}
	n = r->ring ? ring_consume(r->ring, on_record, r, 0) : 0;
	if (n > 0)
		r->received += (u64)n;
	/* The record that says so may have found the ring full. */
	if (r->state && r->state->exiting && !r->exiting &&
	    (!r->ring || !ring_available(r->ring))) {
		r->exiting = true;
		r->exit_code = r->state->exit_code;
	}
	return n;
}

int run_poll_fd(const struct run *r)
{
	return r->ring ? r->map_fds[script_own_map(r->script, OWN_RING)] : -1;
}

int run_end(struct run *r)
{
	int err;

	run_detach(r);
	r->exiting = false;
	r->out.exit_asked = false;
	run_consume(r);
	r->exiting = false;
	r->out.exit_asked = false;
	err = run_fire(r, "end", NULL);
	while (!err && r->ring && ring_available(r->ring) && run_consume(r) > 0)
		r->exiting = false;
	if (r->out.exit_asked)
		r->exit_code = r->out.exit_code;
	if (!r->out.json)
		buf_add_str(&r->out.text, "\n\n");
	if (!err && r->script->config.print_maps_on_exit)
		err = output_maps(&r->out);
	run_report_losses(r, true);
	return err;
}

static void report_lost_mappings(struct run *r)
{
	u64 lost = r->script->uses_user_symbols && r->host ? host_mappings_lost(r->host) : 0;

	if (lost)
		buf_printf(&r->out.messages,
			   "%llu records of what processes map were lost: functions of those that "
			   "have ended may be missing\n",
			   (unsigned long long)lost);
}

static u64 sum_of(const struct run *r, enum loss_kind kind)
{
	u64 sum = 0;

	for (size_t i = 0; r->losses && i < r->script->program_count; i++)
		sum += r->losses[i * LOSS_KINDS + kind];
	return sum;
}

bool run_report_losses(struct run *r, bool final)
{
	static const char *const what[LOSS_KINDS] = {
		[LOSS_MAP_FULL] = "new keys found a full map",
		[LOSS_READ] = "reads of memory failed (zeros were used)",
		[LOSS_TRUNCATED] = "strings were cut at max_strlen",
		[LOSS_STACK] = "stacks could not be taken",
		[LOSS_NESTED] = "events came while four others were being handled on their CPU",
		[LOSS_LOOP] = "loops were cut at their limit",
	};
	u64 lost = sum_of(r, LOSS_RING);
	bool any = lost > r->lost_shown;

	if (any)
		output_lost(&r->out, lost - r->lost_shown);
	r->lost_shown = lost;
	if (final && lost)
		buf_printf(&r->out.messages, "WARNING: Total lost event count: %llu\n",
			   (unsigned long long)lost);
	if (final)
		report_lost_mappings(r);
	for (size_t i = 0; final && i < r->script->program_count; i++) {
		const struct script_program *p = r->script->programs[i];

		if (r->programs[i].missed) {
			buf_printf(
				&r->out.messages,
				"%s: %llu events came while the probe was at work on their CPU\n",
				p->points[0]->name, (unsigned long long)r->programs[i].missed);
			any = true;
		}
		for (int k = 0; r->losses && k < LOSS_KINDS; k++) {
			u64 n = r->losses[i * LOSS_KINDS + k];

			/* under -k each was told already */
			if (!n || !what[k] || (k == LOSS_READ && r->script->options->warnings))
				continue;
			buf_printf(&r->out.messages, "%s: %llu %s\n", p->points[0]->name,
				   (unsigned long long)n, what[k]);
			any = true;
		}
	}
	return any;
}
