/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols: addresses that user space names (ksym, usym), and names that become addresses while
 * compiling (kaddr, percpu_kaddr) or when the program runs (uaddr: where a library lies differs
 * from process to process; the probe's own address tells how far it was moved).
 */
#include <fcntl.h>
#include <gelf.h>
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

static bool is_address(const struct type *t)
{
	return t->kind == TYPE_POINTER || t->kind == TYPE_KSYM || type_is_integer(t);
}

const struct type *builtin_check_ksym(struct checker *c, struct node *n)
{
	const struct type *t = check_value_of(c, call_argument(n, 0));

	if (t->kind == TYPE_NONE)
		return &type_none;
	if (!is_address(t))
		return check_error(c, n->span, "ksym() expects an integer or pointer argument");
	return &type_ksym;
}

struct operand builtin_emit_ksym(struct lower *l, const struct node *n)
{
	return operand_value(&type_ksym, lower_as_number(l, emit_argument(l, n, 0)));
}

const struct type *builtin_check_usym(struct checker *c, struct node *n)
{
	const struct type *t = check_value_of(c, call_argument(n, 0));

	if (t->kind == TYPE_NONE)
		return &type_none;
	if (t->kind == TYPE_USYM)
		return &type_usym;
	if (!is_address(t))
		return check_error(c, n->span, "usym() expects an integer or pointer argument");
	return &type_usym;
}

struct operand builtin_emit_usym(struct lower *l, const struct node *n)
{
	struct node *a = call_argument(n, 0);
	struct operand to;
	ir_reg address;

	l->script->uses_user_symbols = true;
	if (a->type->kind == TYPE_USYM)
		return lower_expression(l, a);
	address = lower_as_number(l, lower_value(l, a));
	to = lower_temporary(l, &type_usym);
	emit_store(l, to, offsetof(struct usym_value, address), 8, address);
	emit_store(l, to, offsetof(struct usym_value, pid), 8, emit_process(l));
	return to;
}

/* ---- kaddr ----------------------------------------------------------------------------------- */

struct wanted {
	const char *name;
	u64 address;
};

/* Any symbol of kallsyms, data too; 0: none, or its address is hidden. */
static u64 kernel_symbol(const char *name)
{
	_cleanup_file_ FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], symbol[256];
	unsigned long long address;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, name))
			continue;
		if (sscanf(line, "%llx %*c %255s", &address, symbol) == 2 &&
		    strcmp(symbol, name) == 0)
			return address;
	}
	return 0;
}

static s64 *keep_number(struct checker *c, struct node *n, u64 value)
{
	s64 *keep = arena_new_of(c->script->arena, s64);

	*keep = (s64)value;
	n->extra = keep;
	return keep;
}

const struct type *builtin_check_kaddr(struct checker *c, struct node *n)
{
	const char *name;
	u64 address;

	if (n->extra)
		return &type_u64;
	if (!check_literal_text(c, n, 0, &name, NULL))
		return &type_none;
	address = kernel_symbol(name);
	if (!address)
		return check_error(c, n->span, "Failed to resolve kernel symbol: %s", name);
	keep_number(c, n, address);
	return &type_u64;
}

struct percpu {
	u64 symbol, offsets; /* of the variable in a CPU's area; of the table of areas */
};

const struct type *builtin_check_percpu_kaddr(struct checker *c, struct node *n)
{
	struct percpu *p = n->extra;
	const char *name;

	if (call_count(n) > 1 && !check_integer_argument(c, n, 1))
		return &type_none;
	if (p)
		return &type_u64;
	if (!check_literal_text(c, n, 0, &name, NULL))
		return &type_none;
	p = arena_new_of(c->script->arena, struct percpu);
	p->symbol = kernel_symbol(name);
	p->offsets = kernel_symbol("__per_cpu_offset");
	if (!p->offsets)
		return check_error(c, n->span,
				   "percpu_kaddr() needs a kernel whose kallsyms list "
				   "data (CONFIG_KALLSYMS_ALL)");
	if (!p->symbol)
		return check_error(c, n->span, "Failed to resolve kernel symbol: %s", name);
	n->extra = p;
	return &type_u64;
}

struct operand builtin_emit_percpu_kaddr(struct lower *l, const struct node *n)
{
	const struct percpu *p = n->extra;
	u32 none = ir_block(l->f), read = ir_block(l->f), next = ir_block(l->f);
	struct operand to = lower_temporary_bytes(l, 8);
	ir_reg cpu, result = ir_new(l->f), from;

	if (call_count(n) > 1)
		cpu = emit_argument(l, n, 1);
	else
		cpu = emit_call0(l, BPF_FUNC_get_smp_processor_id);
	ir_set_imm(l->f, result, 0);
	ir_branch_imm(l->f, IR_GE, 64, cpu, l->script->cpus, none, read);
	ir_at(l->f, read);
	ir_store_imm(l->f, 8, to.reg, to.offset, 0);
	from = ir_binary(l->f, IR_ADD, 64, ir_const(l->f, (s64)p->offsets),
			 ir_binary_imm(l->f, IR_SHL, 64, cpu, 3));
	lower_read(l, to, 8, SPACE_KERNEL, from, n->span);
	ir_set(l->f, result,
	       ir_binary(l->f, IR_ADD, 64, ir_load(l->f, 8, false, to.reg, to.offset),
			 ir_const(l->f, (s64)p->symbol)));
	ir_jump(l->f, next);
	ir_at(l->f, none);
	ir_jump(l->f, next);
	ir_at(l->f, next);
	return operand_value(&type_u64, result);
}

/* ---- uaddr ----------------------------------------------------------------------------------- */

struct user_symbol {
	u64 address, probe; /* of the symbol and of the probe, as the file counts them */
	u32 size;
	bool fixed; /* not moved when loaded */
};

static bool find_in_section(Elf *elf, Elf_Scn *section, const GElf_Shdr *h, const char *name,
			    struct user_symbol *ret)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym sym;

	for (int i = 0; data && h->sh_entsize && i < (int)(h->sh_size / h->sh_entsize); i++) {
		const char *text;

		if (!gelf_getsym(data, i, &sym) || !sym.st_value)
			continue;
		text = elf_strptr(elf, h->sh_link, sym.st_name);
		if (!text || strcmp(text, name))
			continue;
		ret->address = sym.st_value;
		ret->size = (u32)MIN(sym.st_size, (GElf_Xword)UINT32_MAX);
		return true;
	}
	return false;
}

static u64 address_of_offset(Elf *elf, u64 offset)
{
	size_t count = 0;
	GElf_Phdr p;

	elf_getphdrnum(elf, &count);
	for (size_t i = 0; i < count; i++) {
		if (gelf_getphdr(elf, (int)i, &p) && p.p_type == PT_LOAD && offset >= p.p_offset &&
		    offset < p.p_offset + p.p_filesz)
			return offset - p.p_offset + p.p_vaddr;
	}
	return 0;
}

static bool find_user_symbol(const struct attach_point *a, const char *name,
			     struct user_symbol *ret)
{
	_cleanup_close_ int fd = open(a->target, O_RDONLY | O_CLOEXEC);
	bool found = false;
	Elf_Scn *s = NULL;
	GElf_Ehdr eh;
	GElf_Shdr h;
	Elf *elf;

	if (fd < 0 || elf_version(EV_CURRENT) == EV_NONE)
		return false;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return false;
	while (!found && (s = elf_nextscn(elf, s)) != NULL) {
		if (gelf_getshdr(s, &h) && (h.sh_type == SHT_SYMTAB || h.sh_type == SHT_DYNSYM))
			found = find_in_section(elf, s, &h, name, ret);
	}
	ret->fixed = gelf_getehdr(elf, &eh) && eh.e_type == ET_EXEC;
	ret->probe = address_of_offset(elf, a->file_offset);
	elf_end(elf);
	return found;
}

const struct type *builtin_check_uaddr(struct checker *c, struct node *n)
{
	const struct attach_point *a = c->program->point_count ? c->program->points[0] : NULL;
	struct user_symbol *u = n->extra;
	const char *name;

	if (!check_context(c, n) || !check_literal_text(c, n, 0, &name, NULL))
		return &type_none;
	if (!a || !a->target || c->program->provider->context != CONTEXT_REGISTERS ||
	    !(c->program->provider->allows & ALLOWS_USER_PLACE))
		return check_error(c, n->span, "uaddr can not be used for this probetype: %s",
				   a ? a->provider->name : "none");
	if (!u) {
		u = arena_new_of(c->script->arena, struct user_symbol);
		if (!find_user_symbol(a, name, u))
			return check_error(c, n->span, "Could not resolve symbol: %s:%s", a->target,
					   name);
		n->extra = u;
	}
	return type_pointer(c->script->arena,
			    u->size == 1 || u->size == 2 || u->size == 4
				    ? type_integer(u->size, false)
				    : &type_u64,
			    SPACE_USER);
}

struct operand builtin_emit_uaddr(struct lower *l, const struct node *n)
{
#if defined(__x86_64__)
	const s32 ip = 128;
#else
	const s32 ip = 256;
#endif
	const struct user_symbol *u = n->extra;
	ir_reg at;

	if (u->fixed)
		return operand_constant(l, n->type, (s64)u->address);
	at = script_kernel(l->script, 6, 6) ? IR_CALL(l->f, BPF_FUNC_get_func_ip, l->context)
					    : ir_load(l->f, 8, false, l->context, ip);
	return operand_value(n->type, ir_binary(l->f, IR_ADD, 64, at,
						ir_const(l->f, (s64)(u->address - u->probe))));
}
