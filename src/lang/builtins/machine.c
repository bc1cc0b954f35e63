/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: which CPU and NUMA node this is, how many there are, the timer's ticks, chance, and
 * whether the CPU was in user mode. And values that were found out while compiling.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

struct operand builtin_emit_cpu(struct lower *l, const struct node *n)
{
	return operand_value(&type_u64, emit_call0(l, BPF_FUNC_get_smp_processor_id));
}

/* "0-3,8": of the CPUs that can ever be there. */
static u64 possible_cpus(void)
{
	_cleanup_buf_ struct buf b = { 0 };
	u64 count = 0;
	char *p, *end;

	if (read_file("/sys/devices/system/cpu/possible", 4096, &b) < 0)
		return (u64)MAX(sysconf(_SC_NPROCESSORS_CONF), 1L);
	for (p = b.data; p && *p >= '0' && *p <= '9'; p = *end == ',' ? end + 1 : end) {
		u64 first = strtoull(p, &end, 10), last = first;

		if (*end == '-')
			last = strtoull(end + 1, &end, 10);
		count += last - first + 1;
	}
	return MAX(count, 1ULL);
}

struct operand builtin_emit_ncpus(struct lower *l, const struct node *n)
{
	return operand_constant(l, &type_u64, (s64)possible_cpus());
}

struct operand builtin_emit_numaid(struct lower *l, const struct node *n)
{
	return operand_value(&type_u64, emit_call0(l, BPF_FUNC_get_numa_node_id));
}

struct operand builtin_emit_rand(struct lower *l, const struct node *n)
{
	return operand_value(&type_u64, emit_call0(l, BPF_FUNC_get_prandom_u32));
}

struct operand builtin_emit_jiffies(struct lower *l, const struct node *n)
{
	return operand_value(&type_u64, emit_call0(l, BPF_FUNC_jiffies64));
}

const struct type *builtin_check_usermode(struct checker *c, struct node *n)
{
	if (!check_context(c, n))
		return &type_none;
	return &type_s8;
}

/*
 * The privilege bits of the code segment. Where the context holds no registers the program runs on
 * the kernel's own account; begin and end on the account of whoever runs the script.
 */
struct operand builtin_emit_usermode(struct lower *l, const struct node *n)
{
	enum context_kind kind = l->program->provider->context;
	ir_reg value;

	if (kind != CONTEXT_REGISTERS && kind != CONTEXT_PERF_EVENT)
		return operand_constant(l, &type_s8, kind == CONTEXT_NONE);
#if defined(__x86_64__)
	value = ir_binary_imm(l->f, IR_AND, 64, ir_load(l->f, 8, false, l->context, 17 * 8), 3);
	return operand_value(&type_s8, ir_compare_imm(l->f, IR_NE, 64, value, 0));
#elif defined(__aarch64__)
	value = ir_binary_imm(l->f, IR_AND, 64, ir_load(l->f, 8, false, l->context, 33 * 8), 15);
	return operand_value(&type_s8, ir_compare_imm(l->f, IR_EQ, 64, value, 0));
#else
	value = ir_const(l->f, 0);
	return operand_value(&type_s8, value);
#endif
}

struct operand builtin_emit_constant(struct lower *l, const struct node *n)
{
	const s64 *value = n->extra;

	return operand_constant(l, n->type, value ? *value : 0);
}
