// SPDX-License-Identifier: Apache-2.0
/*
 * Statements and expressions laid out: operators with blanks around them, brackets where operators
 * of different rank meet, one statement a line.
 */
#include "lang/syntax/format.h"

static void add(struct formatter *f, const char *text)
{
	buf_add_str(f->b, text);
}

void format_text(struct formatter *f, struct span at)
{
	buf_add(f->b, f->text + at.start, at.end - at.start);
}

/* ---- expressions --------------------------------------------------------------------------- */

static bool is_comparison(enum operator_kind op)
{
	return op >= OPERATOR_EQUAL && op <= OPERATOR_GREATER_EQUAL;
}

static bool is_logical(enum operator_kind op)
{
	return op == OPERATOR_AND || op == OPERATOR_OR;
}

static void in_brackets(struct formatter *f, const struct node *n, bool brackets)
{
	add(f, brackets ? "(" : "");
	format_expression(f, n);
	add(f, brackets ? ")" : "");
}

/* Is it more than one word and what is tied to it? */
static bool is_compound(const struct node *n)
{
	return n->kind == NODE_BINARY || n->kind == NODE_UNARY || n->kind == NODE_CAST ||
	       n->kind == NODE_TERNARY || n->kind == NODE_COMPTIME || n->kind == NODE_ADDRESS_OF;
}

static void single(struct formatter *f, const struct node *n)
{
	in_brackets(f, n, is_compound(n));
}

/* Only what everybody reads right goes without: a == b && c == d, a && b && c. */
static bool needs_brackets(const struct node *n, enum operator_kind op)
{
	if (n->kind != NODE_BINARY)
		return is_compound(n);
	if (is_logical(op))
		return !is_comparison(n->binary.op) && n->binary.op != op;
	return true;
}

static void binary(struct formatter *f, const struct node *n)
{
	const struct node *l = n->binary.left, *r = n->binary.right;
	enum operator_kind op = n->binary.op;

	in_brackets(f, l, needs_brackets(l, op));
	buf_printf(f->b, " %s ", operator_text(op));
	in_brackets(f, r, needs_brackets(r, op));
}

static void unary(struct formatter *f, const struct node *n)
{
	enum operator_kind op = n->unary.op;

	if (op < OPERATOR_POST_INCREMENT)
		add(f, operator_text(op));
	single(f, n->unary.e);
	if (op >= OPERATOR_POST_INCREMENT)
		add(f, operator_text(op));
}

static void list(struct formatter *f, const struct node *n)
{
	for (; n; n = n->next) {
		format_expression(f, n);
		add(f, n->next ? ", " : "");
	}
}

static void type_name(struct formatter *f, const struct type_name *t)
{
	if (t->is_tuple) {
		add(f, "(");
		for (size_t i = 0; i < t->member_count; i++) {
			add(f, i ? ", " : "");
			type_name(f, t->members[i]);
		}
		add(f, ")");
	} else if (t->of) {
		add(f, "typeof(");
		format_expression(f, t->of);
		add(f, ")");
	} else {
		add(f, t->name);
	}
	if (t->size) {
		add(f, "[");
		format_expression(f, t->size);
		add(f, "]");
	}
	for (size_t i = 0; i < t->suffix_count; i++) {
		if (t->suffixes[i] == SUFFIX_POINTER)
			add(f, "*");
		else if (t->suffixes[i] == SUFFIX_UNSIZED)
			add(f, "[]");
		else
			buf_printf(f->b, "[%lld]", (long long)t->suffixes[i]);
	}
}

static void subject(struct formatter *f, const struct node *n, const char *name)
{
	buf_printf(f->b, "%s(", name);
	if (n->size_of.type)
		type_name(f, n->size_of.type);
	else
		format_expression(f, n->size_of.e);
	for (u32 i = 0; i < n->size_of.path_count; i++) {
		const char *step = n->size_of.path[i];

		if (is_digit(*step))
			buf_printf(f->b, "[%s]", step);
		else
			buf_printf(f->b, "%s%s", i ? "." : ", ", step);
	}
	add(f, ")");
}

static void record(struct formatter *f, const struct node *n)
{
	bool columns = f->text[n->span.start] != '('; /* of emit() */
	u32 i = 0;

	add(f, columns ? "" : "(");
	for (const struct node *m = n->record.members; m; m = m->next, i++) {
		buf_printf(f->b, "%s%s%s", i ? ", " : "", n->record.names[i], columns ? ": " : "=");
		in_brackets(f, m, !columns && is_compound(m));
	}
	add(f, columns ? "" : ")");
}

/* ---- blocks as values ---------------------------------------------------------------------- */

static void statement(struct formatter *f, const struct node *n, bool ends);

static bool is_braced(const struct node *n)
{
	return n &&
	       (n->kind == NODE_IF || n->kind == NODE_WHILE || n->kind == NODE_UNROLL ||
		n->kind == NODE_FOR_MAP || n->kind == NODE_FOR_RANGE || n->kind == NODE_BLOCK ||
		(n->kind == NODE_TERNARY && n->ternary.yes && n->ternary.yes->kind == NODE_BLOCK));
}

static bool fits_line(struct formatter *f, const struct node *n)
{
	const struct node *s = n->block.statements, *r = n->block.result;

	return !(s && (s->next || r)) && !is_braced(s) && !is_braced(r) &&
	       !format_has_comment(f, n);
}

static void block_value(struct formatter *f, const struct node *n, bool fits)
{
	const struct node *s = n->block.statements, *r = n->block.result;

	if (!fits) {
		format_body(f, n, false);
		return;
	}
	add(f, s || r ? "{ " : "{");
	if (s)
		statement(f, s, false);
	else if (r)
		format_expression(f, r);
	add(f, s || r ? " }" : "}");
	f->at = n->span.end;
}

static void condition(struct formatter *f, const struct node *n)
{
	single(f, n);
	add(f, " ");
}

static const struct node *branch_yes(const struct node *n)
{
	return n->kind == NODE_TERNARY ? n->ternary.yes : n->if_.yes;
}

static const struct node *branch_no(const struct node *n)
{
	return n->kind == NODE_TERNARY ? n->ternary.no : n->if_.no;
}

static bool is_if(const struct node *n)
{
	return n && n->kind != NODE_BLOCK && is_braced(n);
}

/* if as a value: a ternary of blocks, or an IF. All of its blocks fit a line, or none. */
static void if_chain(struct formatter *f, const struct node *n, bool fits)
{
	for (; is_if(n); n = branch_no(n)) {
		bool ternary = n->kind == NODE_TERNARY;

		add(f, !ternary && n->if_.comptime ? "if comptime " : "if ");
		condition(f, ternary ? n->ternary.condition : n->if_.condition);
		block_value(f, branch_yes(n), fits);
		add(f, branch_no(n) ? " else " : "");
	}
	if (n)
		block_value(f, n, fits);
}

static void if_value(struct formatter *f, const struct node *n)
{
	const struct node *i = n;
	bool fits = true;

	for (; is_if(i); i = branch_no(i))
		fits = fits && fits_line(f, branch_yes(i));
	if_chain(f, n, fits && (!i || fits_line(f, i)));
}

static void ternary(struct formatter *f, const struct node *n)
{
	if (is_braced(n)) {
		if_value(f, n);
		return;
	}
	single(f, n->ternary.condition);
	if (n->ternary.yes) {
		add(f, " ? ");
		single(f, n->ternary.yes);
		add(f, " : ");
	} else {
		add(f, " ?: ");
	}
	single(f, n->ternary.no);
}

static void map(struct formatter *f, const struct node *n)
{
	add(f, n->map.name);
	if (!n->map.key)
		return;
	add(f, "[");
	if (n->map.key->kind == NODE_TUPLE && n->map.key->tuple.count > 1)
		list(f, n->map.key->tuple.members);
	else
		format_expression(f, n->map.key);
	add(f, "]");
}

/* What has a name, and what is tied to something with one. */
static bool named(struct formatter *f, const struct node *n)
{
	switch (n->kind) {
	case NODE_IDENTIFIER:
		add(f, n->identifier.name);
		return true;
	case NODE_VARIABLE:
		add(f, n->variable.name);
		return true;
	case NODE_MAP:
		map(f, n);
		return true;
	case NODE_CALL:
		buf_printf(f->b, "%s(", n->call.name);
		list(f, n->call.arguments);
		add(f, ")");
		return true;
	case NODE_FIELD:
		single(f, n->field.e);
		buf_printf(f->b, ".%s", n->field.name);
		return true;
	case NODE_ELEMENT:
		single(f, n->element.e);
		buf_printf(f->b, ".%u", n->element.number);
		return true;
	case NODE_INDEX:
		single(f, n->index.e);
		add(f, "[");
		format_expression(f, n->index.index);
		add(f, "]");
		return true;
	default:
		return false;
	}
}

static bool about_type(struct formatter *f, const struct node *n)
{
	switch (n->kind) {
	case NODE_CAST:
		add(f, "(");
		type_name(f, n->cast.to);
		add(f, ")");
		in_brackets(f, n->cast.e, is_compound(n->cast.e) && n->cast.e->kind != NODE_CAST);
		return true;
	case NODE_SIZEOF:
		subject(f, n, "sizeof");
		return true;
	case NODE_OFFSETOF:
		subject(f, n, "offsetof");
		return true;
	case NODE_TYPEOF:
		subject(f, n, "typeof");
		return true;
	case NODE_TYPEINFO:
		subject(f, n, "typeinfo");
		return true;
	case NODE_TYPE:
		type_name(f, n->size_of.type);
		return true;
	default:
		return false;
	}
}

void format_expression(struct formatter *f, const struct node *n)
{
	if (named(f, n) || about_type(f, n))
		return;
	switch (n->kind) {
	case NODE_UNARY:
		unary(f, n);
		break;
	case NODE_BINARY:
		binary(f, n);
		break;
	case NODE_TERNARY:
		ternary(f, n);
		break;
	case NODE_IF:
		if_value(f, n);
		break;
	case NODE_TUPLE:
		add(f, "(");
		list(f, n->tuple.members);
		add(f, n->tuple.count == 1 ? ",)" : ")");
		break;
	case NODE_RECORD:
		record(f, n);
		break;
	case NODE_BLOCK:
		block_value(f, n, fits_line(f, n));
		break;
	case NODE_COMPTIME:
		add(f, "comptime ");
		single(f, n->e);
		break;
	case NODE_ADDRESS_OF:
		add(f, "&");
		format_expression(f, n->e);
		break;
	default: /* literals and parameters */
		format_text(f, n->span);
	}
}

/* ---- statements ---------------------------------------------------------------------------- */

static bool has_semicolon(const struct formatter *f, u32 at)
{
	struct lexer l = { .text = f->text, .len = f->len, .at = at };
	struct token t = lexer_next(&l);

	return t.kind == TOKEN_SIGN && t.sign == ';';
}

static void let(struct formatter *f, const struct node *n)
{
	buf_printf(f->b, "let %s", n->let.variable->variable.name);
	if (n->let.type) {
		add(f, " : ");
		type_name(f, n->let.type);
	}
	if (n->let.value) {
		add(f, " = ");
		format_expression(f, n->let.value);
	}
}

static void simple(struct formatter *f, const struct node *n)
{
	switch (n->kind) {
	case NODE_ASSIGN:
		if (n->assign.target)
			format_expression(f, n->assign.target);
		buf_printf(f->b, "%s %s= ", n->assign.target ? "" : "_",
			   n->assign.op ? operator_text(n->assign.op) : "");
		format_expression(f, n->assign.value);
		break;
	case NODE_LET:
		let(f, n);
		break;
	case NODE_BREAK:
	case NODE_CONTINUE:
		add(f, n->kind == NODE_BREAK ? "break" : "continue");
		break;
	case NODE_RETURN:
		add(f, n->e ? "return " : "return");
		if (n->e)
			format_expression(f, n->e);
		break;
	case NODE_EXPRESSION:
		format_expression(f, n->e);
		break;
	default:
		format_expression(f, n);
	}
}

/* { e } */
static bool is_value(struct formatter *f, const struct node *n)
{
	const struct node *s = n->block.statements;

	return s && fits_line(f, n) && s->kind == NODE_EXPRESSION && !has_semicolon(f, s->span.end);
}

static void if_statement(struct formatter *f, const struct node *n)
{
	const struct node *i = n;
	bool fits = true;

	for (; is_if(i); i = i->if_.no)
		fits = fits && (is_value(f, i->if_.yes) ||
				(!i->if_.yes->block.statements && fits_line(f, i->if_.yes)));
	if_chain(f, n, fits && i && (is_value(f, i) || (!i->block.statements && fits_line(f, i))));
}

static void loop(struct formatter *f, const struct node *n)
{
	if (n->kind == NODE_UNROLL) {
		add(f, "unroll (");
		format_expression(f, n->while_.condition);
		add(f, ") ");
	} else if (n->kind == NODE_WHILE) {
		add(f, "while ");
		condition(f, n->while_.condition);
	} else {
		buf_printf(f->b, "for %s : ", n->for_.variable->variable.name);
		if (n->kind == NODE_FOR_MAP) {
			format_expression(f, n->for_.map);
		} else {
			single(f, n->for_.from);
			add(f, "..");
			single(f, n->for_.to);
		}
		add(f, " ");
	}
	format_body(f,
		    n->kind == NODE_UNROLL || n->kind == NODE_WHILE ? n->while_.body : n->for_.body,
		    true);
}

/* Where the first block of a statement begins: comments before it are hoisted. */
static u32 head_end(const struct node *n)
{
	switch (n->kind) {
	case NODE_IF:
		return n->if_.yes->span.start;
	case NODE_WHILE:
	case NODE_UNROLL:
		return n->while_.body->span.start;
	case NODE_FOR_MAP:
	case NODE_FOR_RANGE:
		return n->for_.body->span.start;
	default:
		return n->span.end;
	}
}

static bool has_multiline_block(struct formatter *f, const struct node *n)
{
	const struct node *e = n->kind == NODE_ASSIGN	    ? n->assign.value
			       : n->kind == NODE_LET	    ? n->let.value
			       : n->kind == NODE_EXPRESSION ? n->e
							    : n;

	return is_braced(e) && format_has_comment(f, n);
}

static void statement(struct formatter *f, const struct node *n, bool ends)
{
	bool braced = is_braced(n) || (n->kind == NODE_EXPRESSION && is_braced(n->e));

	if (n->kind == NODE_BLOCK && f->text[n->span.start] != '{') {
		format_text(f, n->span); /* an import in a block */
		return;
	}
	if (n->kind == NODE_IF)
		if_statement(f, n);
	else if (braced && n->kind != NODE_EXPRESSION && n->kind != NODE_BLOCK &&
		 n->kind != NODE_TERNARY)
		loop(f, n);
	else
		simple(f, n);
	f->at = MAX(f->at, n->span.end);
	if ((ends && !braced) || has_semicolon(f, n->span.end))
		add(f, ";");
}

static void one_line(struct formatter *f, const struct node *n, bool ends)
{
	format_part(f, n->span.start);
	f->at = MAX(f->at, n->span.start);
	if (!has_multiline_block(f, n) && !(n->kind == NODE_BLOCK))
		format_hoist(f, n->span.start, head_end(n));
	statement(f, n, ends);
	f->at = MAX(f->at, n->span.end);
}

void format_body(struct formatter *f, const struct node *n, bool ends)
{
	const struct node *s = n->block.statements, *r = n->block.result;

	add(f, "{");
	f->at = n->span.start + 1;
	if (!s && !r && !format_has_comment(f, n)) {
		add(f, "}");
		f->at = n->span.end;
		return;
	}
	f->indent++;
	for (; s; s = s->next)
		one_line(f, s, ends || s->next || r);
	if (r)
		one_line(f, r, false);
	format_close(f, n->span.end - 1);
	add(f, "}");
	f->at = n->span.end;
}
