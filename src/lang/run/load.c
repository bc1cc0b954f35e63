// SPDX-License-Identifier: Apache-2.0
/*
 * A script's programs into the kernel: descriptors of maps are written where the code names maps,
 * then each is loaded. What the verifier refuses of our own code is a bug of ours, and says so.
 */
#include "lang/run/load.h"

#include <signal.h>
#include <sys/mman.h>
#include <time.h>

void run_btf_free(struct run_btf *b)
{
	close_fd(&b->fd);
}

/* The instructions with this process's descriptors in them. */
static struct bpf_insn *relocated(const struct run *r, const struct ir_program *code)
{
	struct bpf_insn *insns = malloc(code->count * sizeof(*insns) + 1);

	if (!insns)
		return NULL;
	memcpy(insns, code->insns, code->count * sizeof(*insns));
	for (size_t i = 0; i < code->relocation_count; i++) {
		const struct ir_relocation *at = &code->relocations[i];

		insns[at->insn].imm = at->map < r->map_count ? r->map_fds[at->map] : -1;
	}
	return insns;
}

static int load_program(struct run *r, size_t number, const struct run_btf *btf, struct buf *log)
{
	const struct script_program *p = r->script->programs[number];
	const struct ir_program *code = &p->code;
	_cleanup_free_ struct bpf_insn *insns = relocated(r, code);
	_cleanup_free_ struct program_function *functions = NULL;
	struct program_load load = {
		.name = p->name,
		.type = p->kind.type,
		.attach = p->kind.attach,
		.attach_btf_id = p->kind.btf_id,
		.attach_btf_fd = p->kind.btf_fd,
		.flags = p->kind.sleepable ? BPF_F_SLEEPABLE : 0,
		.insns = insns,
		.count = code->count,
		.license = r->script->config.license ? r->script->config.license : "GPL",
		.log_size = r->script->config.log_size,
	};

	if (!insns)
		return fail(-ENOMEM, "out of memory");
	if (btf->fd >= 0 && code->part_count > 1) {
		functions = calloc(code->part_count, sizeof(*functions));
		if (!functions)
			return fail(-ENOMEM, "out of memory");
		for (size_t i = 0; i < code->part_count; i++) {
			functions[i].insn = code->parts[i].insn;
			functions[i].type = btf->functions[number][i];
		}
		load.btf_fd = btf->fd;
		load.functions = functions;
		load.function_count = code->part_count;
	}
	r->programs[number].fd = kernel_load_program(&load, log);
	return r->programs[number].fd < 0 ? r->programs[number].fd : 0;
}

static int load_programs(struct run *r)
{
	struct run_btf btf = { .fd = -1 };
	int err = run_make_btf(r, &btf);

	for (size_t i = 0; !err && i < r->script->program_count; i++) {
		err = load_program(r, i, &btf, &r->verifier_log);
		if (err)
			fail_in(err, "probe %s", r->script->programs[i]->points[0]->name);
	}
	for (size_t i = 0; btf.functions && i < r->script->program_count; i++)
		free(btf.functions[i]);
	free(btf.functions);
	run_btf_free(&btf);
	return err;
}

static int map_fd_of(void *context, const struct map *m)
{
	return ((struct run *)context)->map_fds[m->number];
}

static struct run *run_new(struct script *s, struct host *h)
{
	struct run *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->script = s;
	r->host = h;
	r->map_count = s->map_count + OWN_MAPS;
	r->map_fds = malloc(r->map_count * sizeof(int));
	r->programs = calloc(s->program_count + 1, sizeof(*r->programs));
	if (!r->map_fds || !r->programs) {
		free(r->map_fds);
		free(r->programs);
		free(r);
		return NULL;
	}
	for (size_t i = 0; i < r->map_count; i++)
		r->map_fds[i] = -1;
	for (size_t i = 0; i < s->program_count; i++)
		r->programs[i].fd = -1;
	return r;
}

static void set_clocks(struct run *r)
{
	struct timespec boot;
	u64 wall = clock_wall_ns();

	clock_gettime(CLOCK_BOOTTIME, &boot);
	r->wall_offset = wall - clock_monotonic_ns();
	r->boot_offset = wall - ((u64)boot.tv_sec * NSEC_PER_SEC + (u64)boot.tv_nsec);
	r->out.wall_offset = r->wall_offset;
	r->out.boot_offset = r->boot_offset;
	if (r->state)
		r->state->boot_ns = wall - r->boot_offset;
}

int run_load(struct script *s, struct host *h, struct run **ret)
{
	struct run *r = run_new(s, h);
	int err;

	if (!r)
		return fail(-ENOMEM, "out of memory");
	/* also when it fails: it has the verifier's words */
	*ret = r;
	err = output_init(&r->out, s, h);
	r->out.map_fd = map_fd_of;
	r->out.context = r;
	if (!err)
		err = run_create_maps(r);
	if (!err)
		err = run_map_memory(r);
	if (!err)
		err = load_programs(r);
	if (!err && s->uses_ring)
		err = ring_open(r->map_fds[script_own_map(s, OWN_RING)], &r->ring);
	if (err)
		return err;
	if (r->state)
		r->state->pid = (u32)s->options->child_pid;
	set_clocks(r);
	return 0;
}

struct run *run_free(struct run *r)
{
	if (!r)
		return NULL;
	run_detach(r);
	for (size_t i = 0; i < r->script->program_count; i++)
		close_fd(&r->programs[i].fd);
	ring_free(r->ring);
	if (r->state)
		munmap((void *)r->state, r->state_size);
	if (r->losses)
		munmap((void *)r->losses, r->losses_size);
	for (size_t i = 0; i < r->map_count; i++)
		close_fd(&r->map_fds[i]);
	output_free(&r->out);
	buf_free(&r->verifier_log);
	free(r->programs);
	free(r->map_fds);
	free(r);
	return NULL;
}

void run_freep(struct run **r)
{
	*r = run_free(*r);
}

const char *run_verifier_log(const struct run *r)
{
	return buf_str(&r->verifier_log);
}
