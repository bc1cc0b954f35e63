/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debugf(): a line into the kernel's own trace, formatted there (bpf_trace_printk). It reaches who
 * reads tracefs' trace_pipe, not the script's output, so it knows the kernel's conversions only,
 * and no more than three of them.
 */
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"
#include "lang/builtins/format.h"

#define CONVERSIONS_MAX 3

static bool conversion_known(const struct conversion *v)
{
	return v->len == 1 && strchr("diuxsp", *v->letters);
}

static bool conversion_fits(const struct conversion *v, const struct type *t)
{
	if (*v->letters == 's')
		return t->kind == TYPE_STRING;
	return type_is_integer(t) || t->kind == TYPE_POINTER;
}

const struct type *builtin_check_debugf(struct checker *c, struct node *n)
{
	unsigned given = call_count(n) - 1, wanted = 0;
	struct conversion v;
	const char *format;

	for (unsigned i = 1; i <= given; i++)
		check_value_of(c, call_argument(n, i));
	if (!check_literal_text(c, n, 0, &format, NULL))
		return &type_void;
	for (const char *p = format; format_next(p, &v); p = v.end) {
		struct node *a = call_argument(n, ++wanted);

		if (!conversion_known(&v))
			return check_error(c, call_argument(n, 0)->span,
					   "Invalid format specifier for `debugf`: %.*s",
					   (int)v.len, v.letters);
		if (a && a->type && a->type->kind != TYPE_NONE && !conversion_fits(&v, a->type))
			return check_error(c, a->span, "Type does not match format specifier: %.*s",
					   (int)v.len, v.letters);
	}
	if (wanted > CONVERSIONS_MAX)
		return check_error(c, n->span, "cannot use more than %d conversion specifiers",
				   CONVERSIONS_MAX);
	if (wanted != given)
		return check_error(c, n->span,
				   "%s arguments for format string (%u supplied, %u expected)",
				   given < wanted ? "not enough" : "too many", given, wanted);
	return &type_void;
}

struct operand builtin_emit_debugf(struct lower *l, const struct node *n)
{
	const struct node *format = call_argument(n, 0);
	ir_reg arguments[2 + CONVERSIONS_MAX];
	unsigned count = 2;
	struct operand o;

	o = operand_literal(l, format->string.bytes, format->string.len);
	arguments[0] = operand_address(l, o);
	arguments[1] = ir_const(l->f, (s64)format->string.len + 1);
	for (unsigned i = 1; i < call_count(n) && count < ARRAY_SIZE(arguments); i++) {
		o = lower_expression(l, call_argument(n, i));
		if (type_in_register(o.type))
			arguments[count++] = lower_operand_value(l, o);
		else
			arguments[count++] = operand_address(l, lower_in_memory(l, o));
	}
	ir_call(l->f, BPF_FUNC_trace_printk, count, arguments);
	return operand_none();
}
