/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and sockets: values that user space writes as people read them (ntop, macaddr), their
 * opposite (pton, while compiling), the cookie of a socket, and packets for a capture file.
 *
 * skboutput() copies the linear part of a packet into the record itself, so it takes any probe.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>

#include "lang/builtins/builtins.h"

#define MAC_BYTES 6

const struct type *builtin_check_ntop(struct checker *c, struct node *n)
{
	unsigned i = call_count(n) - 1;
	struct node *a = call_argument(n, i);
	const struct type *t = check_value_of(c, a);

	if (i && !check_integer_argument(c, n, 0))
		return &type_none;
	if (t->kind == TYPE_NONE)
		return &type_none;
	if (t->kind == TYPE_ARRAY || t->kind == TYPE_STRING) {
		u32 size = t->kind == TYPE_STRING && t->size == 17 ? 16 : t->size;

		if (size != 4 && size != 16)
			return check_error(c, n->span,
					   "ntop() argument must be 4 or 16 bytes in size");
	} else if (!type_is_integer(t)) {
		return check_error(c, n->span,
				   "ntop() expects an integer or array argument, got %s",
				   type_base_name(t));
	}
	return &type_inet;
}

struct operand builtin_emit_ntop(struct lower *l, const struct node *n)
{
	struct operand to = lower_temporary(l, &type_inet), from, bytes;
	struct node *a = call_argument(n, call_count(n) - 1);
	u32 size = a->type->size >= 16 ? 16 : 4;

	lower_zero(l, to, sizeof(struct inet_value));
	from = lower_expression(l, a);
	bytes = operand_part(to, &type_u32, offsetof(struct inet_value, bytes));
	if (type_is_integer(a->type)) {
		size = 4;
		emit_store(l, bytes, 0, 4, lower_operand_value(l, from));
	} else {
		lower_copy(l, bytes, lower_in_memory(l, from), size);
	}
	if (call_count(n) > 1)
		emit_store(l, to, 0, 8, emit_argument(l, n, 0));
	else
		ir_store_imm(l->f, 8, to.reg, to.offset, size == 16 ? AF_INET6 : AF_INET);
	return to;
}

/* ---- pton ------------------------------------------------------------------------------------ */

static u32 pton_bytes(const char *text, u8 *ret)
{
	if (strchr(text, ':') && strchr(text, '.')) /* bpftrace does not take them either */
		return 0;
	if (strchr(text, ':'))
		return inet_pton(AF_INET6, text, ret) == 1 ? 16 : 0;
	return inet_pton(AF_INET, text, ret) == 1 ? 4 : 0;
}

const struct type *builtin_check_pton(struct checker *c, struct node *n)
{
	const char *text;
	u8 bytes[16];
	u32 size, len;

	check_value_of(c, call_argument(n, 0));
	if (!check_constant_string(call_argument(n, 0), &text, &len))
		return check_error(c, n->span,
				   "pton() expects an string literal at the first argument");
	size = pton_bytes(text, bytes);
	if (!size)
		return check_error(
			c, n->span,
			"pton() expects an string argument of an IPv4/IPv6 address, got %s", text);
	return type_in(c->script->arena, type_array(c->script->arena, &type_u8, size), SPACE_OWN);
}

struct operand builtin_emit_pton(struct lower *l, const struct node *n)
{
	struct operand to = lower_temporary_bytes(l, n->type->size);
	const char *text = "";
	u8 bytes[16] = { 0 };
	u32 len;

	check_constant_string(call_argument(n, 0), &text, &len);
	pton_bytes(text, bytes);
	for (u32 i = 0; i < n->type->size; i += 4) {
		u32 word;

		memcpy(&word, bytes + i, 4);
		ir_store_imm(l->f, 4, to.reg, to.offset + (s32)i, (s32)word);
	}
	to.type = n->type;
	return to;
}

/* ---- macaddr --------------------------------------------------------------------------------- */

const struct type *builtin_check_macaddr(struct checker *c, struct node *n)
{
	const struct type *t = check_value_of(c, call_argument(n, 0));

	if (t->kind == TYPE_NONE)
		return &type_none;
	if (type_is_integer(t) && t->kind != TYPE_BOOL)
		return &type_mac;
	if (t->kind != TYPE_POINTER && t->kind != TYPE_ARRAY && t->kind != TYPE_STRING)
		return check_error(
			c, n->span,
			"macaddr() only supports array or pointer arguments (%s provided)",
			type_base_name(t));
	if (call_argument(n, 0)->kind == NODE_STRING)
		return check_error(c, n->span,
				   "macaddr() does not support literal string arguments");
	if (t->kind != TYPE_POINTER && t->size < MAC_BYTES)
		return check_error(c, n->span,
				   "macaddr() argument must be at least 6 bytes in size");
	return &type_mac;
}

struct operand builtin_emit_macaddr(struct lower *l, const struct node *n)
{
	struct operand to = lower_temporary(l, &type_mac);
	enum address_space space;
	ir_reg from = emit_address(l, call_argument(n, 0), &space);

	lower_read(l, to, MAC_BYTES, space == SPACE_OWN ? SPACE_KERNEL : space, from, n->span);
	return to;
}

/* ---- sockets --------------------------------------------------------------------------------- */

const struct type *builtin_check_socket_cookie(struct checker *c, struct node *n)
{
	const struct type *t;

	if (c->program->provider->context != CONTEXT_BTF_ARGUMENTS)
		return check_error(c, n->span,
				   "socket_cookie() takes a probe with BTF arguments (fentry, "
				   "fexit)");
	t = check_value_of(c, call_argument(n, 0));
	if (t->kind == TYPE_NONE)
		return &type_none;
	if (t->kind != TYPE_POINTER || !t->of || !t->of->name || !str_ends(t->of->name, "sock"))
		return check_error(c, n->span,
				   "socket_cookie() only supports 'struct sock *' as the argument "
				   "(%s provided)",
				   type_text(c, t));
	return &type_u64;
}

struct operand builtin_emit_socket_cookie(struct lower *l, const struct node *n)
{
	return operand_value(&type_u64,
			     IR_CALL(l->f, BPF_FUNC_get_socket_cookie, emit_argument(l, n, 0)));
}

/* ---- packets --------------------------------------------------------------------------------- */

#define PACKET_MAX 4096 /* bytes of one that are kept */

const struct type *builtin_check_skboutput(struct checker *c, struct node *n)
{
	const struct type *t, *skb = type_named(c->script->world, "struct sk_buff");
	const char *path;
	struct action *a;

	if (!check_literal_text(c, n, 0, &path, NULL))
		return &type_none;
	t = check_value_of(c, call_argument(n, 1));
	if (t->kind != TYPE_NONE && t->kind != TYPE_POINTER && !type_is_integer(t))
		return check_error(
			c, n->span,
			"skboutput() only supports integer or pointer arguments (%s provided)",
			type_base_name(t));
	if (!check_integer_argument(c, n, 2) || !check_integer_argument(c, n, 3))
		return &type_none;
	if (!skb)
		return check_error(c, n->span,
				   "skboutput() needs struct sk_buff in the kernel's BTF");
	a = check_action(c, n, ACTION_SKBOUTPUT);
	if (a && !a->argument_count) {
		a->format = path;
		action_argument_add(c->script, a, NULL, &type_u64, NULL);
		action_argument_add(c->script, a, NULL, type_buffer(c->script->arena, PACKET_MAX),
				    NULL);
	}
	return &type_u32;
}

static ir_reg read_word(struct lower *l, ir_reg base, const struct field *f, struct span at)
{
	struct operand to = lower_temporary_bytes(l, 8);

	ir_store_imm(l->f, 8, to.reg, to.offset, 0);
	lower_read(l, to, f->type->size ? f->type->size : 8, SPACE_KERNEL,
		   ir_binary_imm(l->f, IR_ADD, 64, base, f->offset), at);
	return ir_load(l->f, 8, false, to.reg, to.offset);
}

struct operand builtin_emit_skboutput(struct lower *l, const struct node *n)
{
	const struct action *a = n->extra;
	struct type_world *w = l->script->world;
	const struct type *skb = type_named(w, "struct sk_buff");
	struct operand values[2], packet;
	ir_reg base, from, length, offset;
	struct field data;

	if (!skb || !type_field(w, skb, "data", &data, NULL)) {
		lower_error(l, n->span, "struct sk_buff of this kernel has no member 'data'");
		return operand_constant(l, &type_u32, 0);
	}
	base = lower_as_number(l, emit_argument(l, n, 1));
	length = emit_minimum(l, emit_argument(l, n, 2), PACKET_MAX);
	offset = emit_argument(l, n, 3);
	from = ir_binary(l->f, IR_ADD, 64, read_word(l, base, &data, n->span), offset);
	packet = lower_temporary(l, a->arguments[1].type);
	emit_store(l, packet, 0, 4, length);
	IR_CALL(l->f, BPF_FUNC_probe_read_kernel,
		operand_address(l, operand_part(packet, packet.type, sizeof(u32))), length, from);
	values[0] = operand_value(&type_u64, emit_call0(l, BPF_FUNC_ktime_get_boot_ns));
	values[1] = packet;
	lower_send_values(l, a, values, false);
	return operand_constant(l, &type_u32, 0);
}
