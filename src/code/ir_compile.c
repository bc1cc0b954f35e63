// SPDX-License-Identifier: Apache-2.0
/*
 * The driver: compiles a function and then those that it names, into one piece of code, and counts
 * what their frames take together.
 */
#include "code/ir_internal.h"

#define CHUNK 65536
#define SUBPROGRAMS 256 /* the verifier's limit, with the main function */

struct ir_pool_chunk {
	struct ir_pool_chunk *next;
	size_t size;
	max_align_t data[];
};

void *ir_pool_get(struct ir_pool *p, size_t count, size_t size)
{
	struct ir_pool_chunk *chunk = p->chunks;
	size_t align = sizeof(max_align_t), bytes;
	void *at;

	if (size && count > SIZE_MAX / 2 / size)
		return NULL;
	bytes = (MAX(count * size, (size_t)1) + align - 1) / align * align;
	if (!chunk || chunk->size - p->used < bytes) {
		size_t room = MAX(bytes, (size_t)CHUNK);

		chunk = calloc(1, sizeof(*chunk) + room);
		if (!chunk) {
			fail(-ENOMEM, "out of memory");
			return NULL;
		}
		chunk->size = room;
		chunk->next = p->chunks;
		p->chunks = chunk;
		p->used = 0;
	}
	at = (char *)chunk->data + p->used;
	p->used += bytes;
	return at;
}

void ir_pool_free(struct ir_pool *p)
{
	while (p->chunks) {
		struct ir_pool_chunk *next = p->chunks->next;

		free(p->chunks);
		p->chunks = next;
	}
	*p = (struct ir_pool){};
}

static void work_free(struct ir_work *w)
{
	ir_pool_free(&w->pool);
	free(w->insns);
	free(w->blocks);
	free(w->cheap);
	free(w->intervals);
	free(w->ranges);
	free(w->use_list);
	free(w->moves);
}

static void output_free(struct ir_output *o)
{
	code_free(&o->code);
	free(o->relocations);
	free(o->places);
	free(o->parts);
	free(o->label);
	free(o->frame);
	free(o->edges);
}

void ir_program_free(struct ir_program *p)
{
	free(p->insns);
	free(p->relocations);
	free(p->parts);
	free(p->places);
	*p = (struct ir_program){};
}

/* ---- functions ----------------------------------------------------------------------------- */

u32 ir_output_function(struct ir_output *o, u32 from, u32 function)
{
	if (!o->label[function]) {
		if (grow(&o->parts, &o->part_capacity, o->named + 1, sizeof(*o->parts))) {
			o->code.error = o->code.error ? o->code.error : -ENOMEM;
			return 0;
		}
		o->label[function] = code_label(&o->code) + 1;
		o->parts[o->named++] = (struct ir_part){ .function = function };
	}
	if (from == IR_NONE)
		return o->label[function] - 1;
	if (grow(&o->edges, &o->edge_capacity, o->edge_count + 1, sizeof(*o->edges)))
		o->code.error = o->code.error ? o->code.error : -ENOMEM;
	else
		o->edges[o->edge_count++] = (struct ir_edge){ from, function };
	return o->label[function] - 1;
}

static bool uses_may_goto(const struct ir_work *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->insns[i].kind == DO_MAY_GOTO)
			return true;
	return false;
}

/* What a function calls must be there, with that many arguments; what it needs, the target has. */
static int check(const struct ir_work *w, const struct ir_module *m)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct ir_insn *insn = &w->insns[i];

		if ((insn->kind == DO_CALL_FUNCTION || insn->kind == DO_FUNCTION) &&
		    insn->imm >= (s64)m->function_count)
			return fail(-EINVAL, "%s: a function that does not exist", w->f->name);
		if (insn->kind == DO_CALL_FUNCTION &&
		    insn->count != m->functions[insn->imm]->arguments)
			return fail(-EINVAL, "%s: %s called with %u arguments in place of %u",
				    w->f->name, m->functions[insn->imm]->name, insn->count,
				    m->functions[insn->imm]->arguments);
	}
	for (ir_reg reg = 1; reg <= w->f->regs; reg++)
		if (w->cheap[reg] && w->all[w->cheap[reg] - 1].kind == DO_FUNCTION &&
		    w->all[w->cheap[reg] - 1].imm >= (s64)m->function_count)
			return fail(-EINVAL, "%s: a function that does not exist", w->f->name);
	if (!w->target->may_goto && uses_may_goto(w))
		return fail(-EINVAL, "%s: this kernel has no may_goto (6.9)", w->f->name);
	return 0;
}

static int compile(struct ir_output *o, struct ir_part *part)
{
	const struct ir_function *f = o->module->functions[part->function];
	struct ir_work w = { .module = o->module, .f = f, .target = o->target };
	int err;

	part->insn = (u32)o->code.count;
	part->name = f->name;
	part->arguments = f->arguments;
	code_bind(&o->code, o->label[part->function] - 1);
	err = ir_simplify(&w);
	err = err ? err : ir_flow(&w);
	err = err ? err : check(&w, o->module);
	err = err ? err : ir_liveness(&w);
	err = err ? err : ir_allocate(&w);
	err = err ? err : ir_resolve(&w);
	err = err ? err : ir_emit(&w, o);
	if (!err) {
		/* The kernel keeps a loop's budget on the stack, since 6.15 in two words. */
		o->frame[f->number] =
			f->slots_size + 8 * w.words_used + (uses_may_goto(&w) ? 16 : 0);
		if (o->frame[f->number] > IR_STACK)
			err = fail(-E2BIG,
				   "%s: %u bytes on the stack (%u of variables, %u of values that "
				   "found no register), the limit is %u",
				   f->name, o->frame[f->number], f->slots_size, 8 * w.words_used,
				   IR_STACK);
	}
	work_free(&w);
	return err;
}

/* ---- the stack ----------------------------------------------------------------------------- */

static int by_edge(const void *a, const void *b)
{
	const struct ir_edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

/* Edges are sorted by where they come from. */
static size_t first_edge(const struct ir_output *o, u32 function)
{
	size_t low = 0, high = o->edge_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (o->edges[middle].from < function)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* By function: what is known of the calls below it. */
struct depth {
	u32 bytes, frames; /* of the deepest chain, its own included */
	bool known;
};

/* The deepest chain of calls from @function, in bytes as the verifier counts them. */
static int depth(struct ir_output *o, struct depth *known, u32 function, unsigned frames)
{
	u32 own = (MAX(o->frame[function], 1U) + 31) / 32 * 32, bytes = 0, height = 0;

	if (frames + (known[function].known ? known[function].frames - 1 : 0) > IR_FRAMES)
		return fail(-EINVAL, "%s: calls are nested more than %u deep, or in a circle",
			    o->module->functions[function]->name, IR_FRAMES);
	if (known[function].known)
		return 0;
	for (size_t i = first_edge(o, function); i < o->edge_count && o->edges[i].from == function;
	     i++) {
		u32 to = o->edges[i].to;
		int err = depth(o, known, to, frames + 1);

		if (err)
			return err;
		bytes = MAX(bytes, known[to].bytes);
		height = MAX(height, known[to].frames);
	}
	known[function] =
		(struct depth){ .bytes = own + bytes, .frames = height + 1, .known = true };
	return 0;
}

static int check_stack(struct ir_output *o, u32 main, u32 *ret)
{
	_cleanup_free_ struct depth *known = calloc(o->module->function_count, sizeof(*known));
	size_t kept = 0;
	int err;

	if (!known)
		return fail(-ENOMEM, "out of memory");
	if (o->edge_count)
		qsort(o->edges, o->edge_count, sizeof(*o->edges), by_edge);
	for (size_t i = 0; i < o->edge_count; i++)
		if (!kept || by_edge(&o->edges[kept - 1], &o->edges[i]))
			o->edges[kept++] = o->edges[i];
	o->edge_count = kept;
	err = depth(o, known, main, 1);
	if (err)
		return err;
	*ret = known[main].bytes;
	if (!kept) { /* alone: no rounding */
		*ret = o->frame[main];
		return 0;
	}
	if (*ret > IR_STACK)
		return fail(-E2BIG,
			    "%s: %u bytes on the stack with the functions that it calls, "
			    "the limit is %u",
			    o->module->functions[main]->name, *ret, IR_STACK);
	return 0;
}

int ir_compile(const struct ir_module *m, u32 main, const struct ir_target *target,
	       struct ir_program *ret)
{
	_cleanup_(output_free) struct ir_output o = { .module = m, .target = target };
	u32 stack = 0;
	int err = 0;

	if (!m)
		return fail(-ENOMEM, "out of memory");
	if (m->error)
		return fail(m->error, "%s",
			    m->error == -ENOMEM ? "out of memory" : buf_str(&m->why));
	if (main >= m->function_count)
		return fail(-EINVAL, "a function that does not exist");
	o.label = calloc(m->function_count, sizeof(u32));
	o.frame = calloc(m->function_count, sizeof(u32));
	if (!o.label || !o.frame)
		return fail(-ENOMEM, "out of memory");
	ir_output_function(&o, IR_NONE, main);
	while (o.part_count < o.named && !err && !o.code.error) {
		struct ir_part part = o.parts[o.part_count++];

		err = compile(&o, &part);
		o.parts[o.part_count - 1] = part;
	}
	if (!err && o.part_count > SUBPROGRAMS)
		err = fail(-E2BIG, "%s: %zu functions are called, the limit is %u",
			   m->functions[main]->name, o.part_count - 1, SUBPROGRAMS - 1);
	err = err ? err : check_stack(&o, main, &stack);
	err = err ? err : ir_islands(&o);
	err = err ? err : code_finish(&o.code);
	if (err)
		return err;
	*ret = (struct ir_program){
		.insns = TAKE_PTR(o.code.insns),
		.count = o.code.count,
		.relocations = TAKE_PTR(o.relocations),
		.relocation_count = o.relocation_count,
		.parts = TAKE_PTR(o.parts),
		.part_count = o.part_count,
		.places = TAKE_PTR(o.places),
		.place_count = o.place_count,
		.stack = stack,
	};
	return 0;
}
