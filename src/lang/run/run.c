// SPDX-License-Identifier: Apache-2.0
/*
 * A script's life once it is loaded: begin, attach, consume, end, and what was lost.
 */
#include "lang/run/run.h"

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

int run_attach(struct run *r)
{
	int err = run_fire(r, "begin", NULL);

	for (size_t i = 0; !err && i < r->script->program_count; i++) {
		const struct script_program *p = r->script->programs[i];

		if (!is_fired(p))
			err = attach_program(r, &r->programs[i], p);
	}
	return err;
}

void run_detach(struct run *r)
{
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
	ssize_t n = r->ring ? ring_consume(r->ring, on_record, r, 0) : 0;

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
	for (size_t i = 0; final && r->losses && i < r->script->program_count; i++) {
		const struct script_program *p = r->script->programs[i];

		for (int k = 0; k < LOSS_KINDS; k++) {
			u64 n = r->losses[i * LOSS_KINDS + k];

			if (!n || !what[k])
				continue;
			buf_printf(&r->out.messages, "%s: %llu %s\n", p->points[0]->name,
				   (unsigned long long)n, what[k]);
			any = true;
		}
	}
	return any;
}
