// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a gadget: opened from bytes, described by its own BTF (gadget_describe.c), told
 * parameters and a filter by writing into .rodata and the WHERE slots, loaded, attached, and freed
 * in the reverse order. Reading is in gadget_read.c.
 */
#include "event/expression.h"
#include "event/gadget_internal.h"

#include <linux/bpf.h>

/* Made by tools/embed.sh. */
extern const struct embedded_gadget saker_embedded_gadgets[];
extern const u64 saker_embedded_gadget_count;

#define OBJECT_MAX (16 << 20)
/* As in gadgets/include/gadget.h. */
#define WHERE_MARKER 0x53414b52
#define WHERE_SLOTS 192

const struct embedded_gadget *gadget_embedded(size_t *ret_count)
{
	*ret_count = saker_embedded_gadget_count;
	return saker_embedded_gadgets;
}

static const struct embedded_gadget *embedded_find(const char *name)
{
	for (size_t i = 0; i < saker_embedded_gadget_count; i++) {
		if (!strcmp(saker_embedded_gadgets[i].name, name))
			return &saker_embedded_gadgets[i];
	}
	return NULL;
}

static int unknown_gadget(const char *name)
{
	_cleanup_free_ const char **names = calloc(saker_embedded_gadget_count + 1, sizeof(*names));
	const char *near = NULL;

	for (size_t i = 0; names && i < saker_embedded_gadget_count; i++)
		names[i] = saker_embedded_gadgets[i].name;
	if (names)
		near = suggest(name, names, saker_embedded_gadget_count);
	if (near)
		return fail(-ENOENT, "no gadget '%s' (did you mean '%s'? see: saker list)", name,
			    near);
	return fail(-ENOENT, "no gadget '%s' (see: saker list)", name);
}

int gadget_open(const char *name, struct gadget **ret)
{
	const struct embedded_gadget *e = embedded_find(name);
	_cleanup_free_ char *base = NULL;
	_cleanup_buf_ struct buf bytes = {};
	const char *slash = strrchr(name, '/');
	int err;

	if (e)
		return gadget_open_bytes(name, e->bytes, e->size, ret);
	if (!slash && !str_ends(name, ".o"))
		return unknown_gadget(name);
	err = read_file(name, OBJECT_MAX, &bytes);
	if (err)
		return err;
	base = strdup(slash ? slash + 1 : name);
	if (!base)
		return fail(-ENOMEM, "out of memory");
	base[strcspn(base, ".")] = '\0';
	return gadget_open_bytes(*base ? base : "program", bytes.data, bytes.len, ret);
}

static u8 *rodata_of(struct gadget *g, size_t *ret_size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object_bpf(g->object), ".rodata");

	return map ? (u8 *)bpf_map__initial_value(map, ret_size) : NULL;
}

/* Writes a variable of the loader's (saker_...) when the object has it. */
static void set_loader_variable(struct gadget *g, const char *name, u64 value)
{
	const struct btf *btf = object_btf(g->object);
	s32 section = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *t = section > 0 ? btf__type_by_id(btf, (u32)section) : NULL;
	size_t size;
	u8 *data = rodata_of(g, &size);

	for (u32 i = 0; t && data && i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *at = btf_var_secinfos(t) + i;
		const struct btf_type *var = btf__type_by_id(btf, at->type);

		if (!strcmp(btf__name_by_offset(btf, var->name_off), name) &&
		    at->offset + at->size <= size && at->size <= sizeof(value))
			memcpy(data + at->offset, &value, at->size);
	}
}

int gadget_open_bytes(const char *name, const void *bytes, size_t size, struct gadget **ret)
{
	_cleanup_(gadget_freep) struct gadget *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return fail(-ENOMEM, "out of memory");
	g->name = strdup(name);
	if (!g->name)
		return fail(-ENOMEM, "out of memory");
	g->info.name = g->name;
	g->ring_fd = g->stack_fd = -1;
	g->cpus = libbpf_num_possible_cpus();
	err = object_open(name, bytes, size, &g->object);
	if (err)
		return err;
	if (!object_btf(g->object))
		return fail(-EINVAL, "%s: the object has no BTF (compile with -g)", name);
	err = gadget_read_description(g);
	if (err)
		return err;
	set_loader_variable(g, "saker_self_pid", (u64)getpid());
	*ret = TAKE_PTR(g);
	return 0;
}

static void info_free(struct gadget_info *info)
{
	for (size_t i = 0; i < info->schema_count; i++)
		schema_free(info->schemas[i]);
	free(info->schemas);
	for (size_t i = 0; i < info->alias_count; i++) {
		free((void *)info->aliases[i].argument);
		free((void *)info->aliases[i].expansion);
		free((void *)info->aliases[i].help);
	}
	free(info->aliases);
	for (size_t i = 0; i < info->example_count; i++) {
		free((void *)info->examples[i].command);
		free((void *)info->examples[i].text);
	}
	free(info->examples);
	free(info->parameters);
}

struct gadget *gadget_free(struct gadget *g)
{
	if (!g)
		return NULL;
	ring_free(g->ring);
	gadget_share_free(g);
	for (size_t i = 0; i < g->table_count; i++)
		table_free(&g->tables[i]);
	free(g->tables);
	info_free(&g->info);
	schema_free(g->input);
	object_free(g->object);
	free(g->plans);
	free(g->plan_names);
	free(g->name);
	free(g);
	return NULL;
}

void gadget_freep(struct gadget **g)
{
	*g = gadget_free(*g);
}

struct gadget_info *gadget_info(struct gadget *g)
{
	return &g->info;
}

static const struct parameter *parameter_find(struct gadget *g, const char *name)
{
	_cleanup_free_ const char **names = calloc(g->info.parameter_count + 1, sizeof(*names));
	const char *near = NULL;

	for (size_t i = 0; i < g->info.parameter_count; i++) {
		if (!strcmp(g->info.parameters[i].name, name))
			return &g->info.parameters[i];
		if (names)
			names[i] = g->info.parameters[i].name;
	}
	if (names)
		near = suggest(name, names, g->info.parameter_count);
	if (near)
		fail(-ENOENT, "%s has no parameter '%s' (did you mean '%s'?)", g->name, name, near);
	else
		fail(-ENOENT, "%s has no parameter '%s' (see: saker %s --help)", g->name, name,
		     g->name);
	return NULL;
}

static int parse_parameter(const struct parameter *p, const char *value, u64 *ret)
{
	unsigned bits = p->size * 8;
	s64 number;
	int err;

	if (p->is_bool) {
		bool yes = !*value || !strcmp(value, "true") || !strcmp(value, "1") ||
			   !strcmp(value, "yes");

		if (!yes && strcmp(value, "false") && strcmp(value, "0") && strcmp(value, "no"))
			return fail(-EINVAL, "--%s takes true or false, not '%s'", p->name, value);
		*ret = yes;
		return 0;
	}
	if (p->is_signed) {
		err = parse_s64(value, &number);
		if (!err && bits < 64 &&
		    (number < -(1LL << (bits - 1)) || number >= 1LL << (bits - 1)))
			err = fail(-ERANGE, "--%s: %s is out of range", p->name, value);
		*ret = (u64)number;
	} else {
		err = parse_u64(value, ret);
		if (!err && bits < 64 && *ret >> bits)
			err = fail(-ERANGE, "--%s: %s is out of range", p->name, value);
	}
	return err ? fail_in(err, "--%s", p->name) : 0;
}

int gadget_set_parameter(struct gadget *g, const char *name, const char *value)
{
	const struct parameter *p = parameter_find(g, name);
	struct parameter *mine = (struct parameter *)p;
	size_t size;
	u8 *data = rodata_of(g, &size);
	u64 number;
	int err;

	if (!p || !data)
		return -ENOENT;
	if (p->is_text) {
		if (strlen(value) >= p->size)
			return fail(-ERANGE, "--%s: at most %u bytes of text", name, p->size - 1);
		memset(data + p->offset, 0, p->size);
		memcpy(data + p->offset, value, strlen(value));
	} else {
		err = parse_parameter(p, value, &number);
		if (err)
			return err;
		memcpy(data + p->offset, &number, p->size);
	}
	snprintf(mine->value, sizeof(mine->value), "%s", *value ? value : "true");
	return 0;
}

void gadget_set_number(struct gadget *g, u16 number)
{
	g->number = number;
	set_loader_variable(g, "saker_gadget_number", number);
}

void gadget_set_self_pid(struct gadget *g, u32 pid)
{
	set_loader_variable(g, "saker_self_pid", pid);
}

void gadget_set_symbolizer(struct gadget *g, gadget_symbolize_fn fn, void *context)
{
	g->symbolize = fn;
	g->symbolize_context = context;
}

int gadget_set_ring(struct gadget *g, size_t bytes, int shared_fd)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object_bpf(g->object), "events");
	size_t rounded = 4096;
	int err;

	if (!map)
		return 0;
	if (shared_fd >= 0) {
		err = bpf_map__reuse_fd(map, shared_fd);
		g->shared_ring = true;
		return err ? fail_errno(err, "%s: cannot share a ring", g->name) : 0;
	}
	while (rounded < bytes)
		rounded *= 2;
	set_loader_variable(g, "saker_wake_bytes", rounded / 4);
	err = bpf_map__set_max_entries(map, (u32)rounded);
	return err ? fail_errno(err, "%s: cannot set the ring's size", g->name) : 0;
}

/*
 * ---- WHERE
 * ----------------------------------------------------------------------------------------
 */

static bool is_slot(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_JA) && !i->off && !i->imm && !i->dst_reg && !i->src_reg;
}

static bool is_where(const struct bpf_insn *insns, size_t count, size_t at)
{
	const struct bpf_insn *i = &insns[at];

	if (i->code != (BPF_ALU64 | BPF_MOV | BPF_K) || i->dst_reg || i->imm != WHERE_MARKER ||
	    at + WHERE_SLOTS >= count)
		return false;
	for (size_t k = 1; k <= WHERE_SLOTS; k++) {
		if (!is_slot(&insns[at + k]))
			return false;
	}
	return true;
}

/* Writes the predicate into every WHERE of @program; returns how many there were. */
static int patch_program(struct bpf_program *program, const struct bpf_insn *predicate,
			 size_t length)
{
	size_t count = bpf_program__insn_cnt(program);
	_cleanup_free_ struct bpf_insn *insns = calloc(count, sizeof(*insns));
	int places = 0, err;

	if (!insns)
		return fail(-ENOMEM, "out of memory");
	memcpy(insns, bpf_program__insns(program), count * sizeof(*insns));
	for (size_t at = 0; at < count; at++) {
		if (!is_where(insns, count, at))
			continue;
		memcpy(&insns[at + 1], predicate, length * sizeof(*insns));
		at += WHERE_SLOTS;
		places++;
	}
	if (!places)
		return 0;
	err = bpf_program__set_insns(program, insns, count);
	return err ? fail_errno(err, "cannot write the filter into %s", bpf_program__name(program))
		   : places;
}

u32 gadget_where_limit(const struct gadget *g)
{
	return g->where_limit;
}

int gadget_set_where(struct gadget *g, const struct expression *e)
{
	struct bpf_insn predicate[WHERE_SLOTS];
	int length;

	if (!g->info.where_schema)
		return fail(-EOPNOTSUPP, "%s has no place for a filter in the kernel", g->name);
	length = expression_compile(e, g->where_limit, predicate, ARRAY_SIZE(predicate));
	return length < 0 ? length : gadget_set_predicate(g, predicate, (size_t)length);
}

int gadget_set_predicate(struct gadget *g, const struct bpf_insn *predicate, size_t length)
{
	struct bpf_program *program;
	int places = 0;

	if (length > WHERE_SLOTS)
		return fail(-E2BIG, "%s: a filter of %zu instructions, %d fit", g->name, length,
			    WHERE_SLOTS);
	bpf_object__for_each_program(program, object_bpf(g->object)) {
		int n = patch_program(program, predicate, length);

		if (n < 0)
			return fail_in(n, "%s", g->name);
		places += n;
	}
	if (!places)
		return fail(-EOPNOTSUPP, "%s has no place for a filter in the kernel", g->name);
	set_loader_variable(g, "saker_filtering", 1);
	return 0;
}

/*
 * ---- load, attach
 * ------------------------------------------------------------------------------------
 */

/* A ring that nothing writes to is memory for nothing. */
static void drop_unused_ring(struct gadget *g)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object_bpf(g->object), "events");

	if (map && g->info.tagged && !gadget_has_events(g))
		bpf_map__set_max_entries(map, (u32)getpagesize());
}

int gadget_load(struct gadget *g)
{
	int err = gadget_make_plans(g);

	if (err)
		return err;
	drop_unused_ring(g);
	gadget_choose_tables(g);
	err = object_plan(g->object, g->plans, g->plan_count);
	if (!err)
		err = object_load(g->object);
	if (err)
		return fail_in(err, "%s", g->name);
	err = gadget_take_maps(g);
	return err ? fail_in(err, "%s", g->name) : 0;
}

const char *gadget_verifier_log(const struct gadget *g)
{
	const char *text = object_verifier_log(g->object);

	return text ? text : "";
}

int gadget_attach(struct gadget *g)
{
	int err = object_attach(g->object);

	if (err)
		return fail_in(err, "%s", g->name);
	g->attached = true;
	return 0;
}

bool gadget_has_events(const struct gadget *g)
{
	for (size_t i = 0; i < g->info.schema_count; i++) {
		if (g->info.schemas[i]->sort == SCHEMA_EVENTS)
			return true;
	}
	return false;
}

bool gadget_has_tables(const struct gadget *g)
{
	return g->table_count > 0;
}

int gadget_poll_fd(const struct gadget *g)
{
	/* A ring buffer's map descriptor can be waited on. */
	return g->ring ? g->ring_fd : -1;
}

void gadget_losses(const struct gadget *g, struct losses *ret)
{
	*ret = (struct losses){ .missed = object_missed(g->object) };
	if (!g->lost) {
		/* Not mapped: what was lost is not known. Plain programs have no such counters. */
		ret->ring = ret->map_full = ret->stack = g->info.tagged ? UNKNOWN_LOSS : 0;
		return;
	}
	ret->ring = __atomic_load_n(&g->lost[0], __ATOMIC_RELAXED);
	ret->map_full = __atomic_load_n(&g->lost[1], __ATOMIC_RELAXED);
	ret->stack = __atomic_load_n(&g->lost[2], __ATOMIC_RELAXED);
}

void gadget_describe(struct gadget *g, struct buf *b)
{
	for (size_t i = 0; i < g->plan_count; i++) {
		const struct program_plan *p = &g->plans[i];

		if (!p->group && !p->reason[0])
			continue;
		buf_printf(b, "%s: %s", p->program,
			   p->chosen   ? "taken"
			   : p->wanted ? "not taken"
				       : "not wanted");
		if (p->note && *p->note)
			buf_printf(b, " (%s)", p->note);
		if (p->reason[0])
			buf_printf(b, ": %s", p->reason);
		buf_add_char(b, '\n');
	}
}
