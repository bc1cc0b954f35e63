/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: nsecs by four clocks, elapsed since the script was started, and times for people, which
 * user space formats: time() when it reads the record, strftime() from the number that was taken
 * here.
 *
 * Which clock a number is from is not part of its type; strftime() looks at what it is given,
 * through a variable's name no further.
 */
#include <linux/bpf.h>
#include <time.h>

#include "lang/builtins/builtins.h"

enum clock_kind { CLOCK_BOOT, CLOCK_MONOTONIC_NS, CLOCK_TAI_NS, CLOCK_SW_TAI, CLOCK_COUNT };

static const char *const clock_names[CLOCK_COUNT] = { "boot", "monotonic", "tai", "sw_tai" };

static enum clock_kind clock_of(const struct node *n)
{
	const char *word = call_word(n, 0);
	unsigned i;

	if (!call_count(n))
		return CLOCK_BOOT;
	for (i = 0; i < CLOCK_COUNT && word; i++)
		if (strcmp(word, clock_names[i]) == 0)
			return (enum clock_kind)i;
	return CLOCK_COUNT;
}

const struct type *builtin_check_nsecs(struct checker *c, struct node *n)
{
	enum clock_kind clock = clock_of(n);

	if (clock == CLOCK_COUNT && call_word(n, 0))
		return check_error(c, call_argument(n, 0)->span, "Invalid timestamp mode: %s",
				   call_word(n, 0));
	if (clock == CLOCK_COUNT)
		return check_error(c, n->span,
				   "Expected timestamp mode as argument of nsecs(): "
				   "monotonic, boot, tai or sw_tai");
	if (clock == CLOCK_TAI_NS && !check_kernel(c, n, "nsecs(tai)", 6, 1))
		diagnose_hint(c->script->diagnostics, "nsecs(sw_tai) comes near on older kernels");
	return &type_u64;
}

/* TAI less boot time, from readings that stand between two others: the narrowest of a few. */
static s64 tai_offset(void)
{
	u64 narrowest = UINT64_MAX;
	s64 offset = 0;

	for (int i = 0; i < 5; i++) {
		struct timespec a, t, b;
		u64 before, after;

		clock_gettime(CLOCK_BOOTTIME, &a);
		clock_gettime(CLOCK_TAI, &t);
		clock_gettime(CLOCK_BOOTTIME, &b);
		before = (u64)a.tv_sec * NSEC_PER_SEC + (u64)a.tv_nsec;
		after = (u64)b.tv_sec * NSEC_PER_SEC + (u64)b.tv_nsec;
		if (after - before >= narrowest)
			continue;
		narrowest = after - before;
		offset = (s64)((u64)t.tv_sec * NSEC_PER_SEC + (u64)t.tv_nsec -
			       (before + narrowest / 2));
	}
	return offset;
}

struct operand builtin_emit_nsecs(struct lower *l, const struct node *n)
{
	ir_reg now;

	switch (clock_of(n)) {
	case CLOCK_MONOTONIC_NS:
		return operand_value(&type_u64, emit_call0(l, BPF_FUNC_ktime_get_ns));
	case CLOCK_TAI_NS:
		return operand_value(&type_u64, emit_call0(l, BPF_FUNC_ktime_get_tai_ns));
	case CLOCK_SW_TAI:
		now = emit_call0(l, BPF_FUNC_ktime_get_boot_ns);
		return operand_value(&type_u64, ir_binary(l->f, IR_ADD, 64, now,
							  ir_const(l->f, tai_offset())));
	default:
		return operand_value(&type_u64, emit_call0(l, BPF_FUNC_ktime_get_boot_ns));
	}
}

struct operand builtin_emit_elapsed(struct lower *l, const struct node *n)
{
	ir_reg start, now = emit_call0(l, BPF_FUNC_ktime_get_boot_ns);

	l->script->uses_state = true;
	start = ir_load(l->f, 8, false,
			lower_own_map_value(l, OWN_STATE, offsetof(struct script_state, boot_ns)),
			0);
	return operand_value(&type_u64, ir_binary(l->f, IR_SUB, 64, now, start));
}

const struct type *builtin_check_time(struct checker *c, struct node *n)
{
	const char *format = "%H:%M:%S\n";
	struct action *a;

	if (call_count(n) && !check_literal_text(c, n, 0, &format, NULL))
		return &type_void;
	a = check_action(c, n, ACTION_TIME);
	if (a)
		a->format = format;
	return &type_void;
}

static bool is_nsecs(const struct node *n)
{
	return (n->kind == NODE_CALL || n->kind == NODE_IDENTIFIER) &&
	       strcmp(call_name(n), "nsecs") == 0;
}

const struct type *builtin_check_strftime(struct checker *c, struct node *n)
{
	struct node *when = call_argument(n, 1);
	const char *format;
	s64 value;

	if (!check_literal_text(c, n, 0, &format, NULL) || !check_integer_argument(c, n, 1))
		return &type_timestamp;
	if (is_nsecs(when) && clock_of(when) == CLOCK_MONOTONIC_NS)
		return check_error(c, n->span, "strftime() can not take a monotonic timestamp");
	if (check_constant(when, &value) && value < 0)
		return check_error(c, n->span, "strftime() does not accept negative timestamps");
	return &type_timestamp;
}

struct operand builtin_emit_strftime(struct lower *l, const struct node *n)
{
	const struct node *when = call_argument(n, 1);
	struct operand to = lower_temporary(l, &type_timestamp);
	enum clock_kind clock = is_nsecs(when) ? clock_of(when) : CLOCK_BOOT;
	const char *format = "";
	u32 len;

	check_constant_string(call_argument(n, 0), &format, &len);
	emit_store(l, to, offsetof(struct timestamp_value, ns), 8, lower_value(l, when));
	ir_store_imm(l->f, 4, to.reg, to.offset + (s32)offsetof(struct timestamp_value, format),
		     script_text(l->script, format));
	ir_store_imm(l->f, 4, to.reg, to.offset + (s32)offsetof(struct timestamp_value, clock),
		     clock == CLOCK_SW_TAI ? CLOCK_TAI_NS : clock);
	return to;
}
