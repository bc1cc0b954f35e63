// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a verifier's log once, forward, keeping what was last said: the source line, the
 * instruction, the registers' states (dropped when an instruction writes the register, since
 * kernels before 5.18 print states only at branches). What stands behind the last instruction is
 * the verifier's complaint.
 */
#include <ctype.h>

#include <bpf/btf.h>

#include "kernel/verifier.h"

#define SOURCE_MAX 160u
#define REGISTERS 10 /* r10 is the frame pointer: never the question */

struct piece {
	const char *at;
	size_t len;
};

struct reading {
	struct piece source, instruction, message;
	struct piece registers[REGISTERS];
	unsigned long index;   /* of the instruction */
	struct piece previous; /* an instruction whose effect is still to be applied */
};

static struct piece trimmed(const char *at, size_t len)
{
	while (len && isspace((u8)*at))
		at++, len--;
	while (len && isspace((u8)at[len - 1]))
		len--;
	return (struct piece){ at, len };
}

static bool piece_starts(struct piece p, const char *with)
{
	return p.len >= strlen(with) && !memcmp(p.at, with, strlen(with));
}

/* "r3 = ..." and "w3 += ..." write r3, a call writes r0 to r5. */
static void apply_writes(struct reading *r, struct piece instruction)
{
	if (piece_starts(instruction, "call ") || piece_starts(instruction, "may_goto")) {
		memset(r->registers, 0, 6 * sizeof(*r->registers));
		return;
	}
	if (instruction.len > 2 && (instruction.at[0] == 'r' || instruction.at[0] == 'w') &&
	    isdigit((u8)instruction.at[1]) && instruction.at[2] == ' ')
		r->registers[instruction.at[1] - '0'] = (struct piece){};
}

/*
 * States are "R1=ctx()", "R2_w=map_value(off=0,var_off=(0x0; 0xff))": a blank inside brackets
 * belongs to it.
 */
static void read_states(struct reading *r, struct piece p)
{
	for (size_t i = 0; i + 2 < p.len; i++) {
		size_t at = i + 2, from;
		int depth = 0;

		if (p.at[i] != 'R' || !isdigit((u8)p.at[i + 1]) || (i && isalnum((u8)p.at[i - 1])))
			continue;
		if (at < p.len && p.at[at] == '_')
			while (at < p.len && p.at[at] != '=' && p.at[at] != ' ')
				at++;
		if (at >= p.len || p.at[at] != '=')
			continue;
		from = ++at;
		while (at < p.len && (depth > 0 || p.at[at] != ' ')) {
			depth += p.at[at] == '(';
			depth -= p.at[at] == ')';
			at++;
		}
		r->registers[p.at[i + 1] - '0'] = (struct piece){ p.at + from, at - from };
		i = at - 1;
	}
}

/* "12: (bf) r6 = r1 ; R1=ctx()": true when the line is an instruction. */
static bool read_instruction(struct reading *r, struct piece line)
{
	unsigned long index = 0;
	size_t i = 0, end;
	const char *states;

	while (i < line.len && isdigit((u8)line.at[i]) && index < 1u << 24)
		index = index * 10 + (line.at[i++] - '0');
	if (!i || i + 7 > line.len || memcmp(line.at + i, ": (", 3) ||
	    !isxdigit((u8)line.at[i + 3]) || !isxdigit((u8)line.at[i + 4]) || line.at[i + 5] != ')')
		return false;
	apply_writes(r, r->previous);
	i += 6;
	states = memmem(line.at + i, line.len - i, " ; ", 3);
	end = states ? (size_t)(states - line.at) : line.len;
	r->instruction = trimmed(line.at + i, end - i);
	r->previous = r->instruction;
	r->index = index;
	r->message = (struct piece){};
	if (states) {
		apply_writes(r, r->instruction);
		r->previous = (struct piece){};
		read_states(r, (struct piece){ states, line.len - end });
	}
	return true;
}

static bool is_state(struct piece line)
{
	size_t i = 0;

	if (piece_starts(line, "from "))
		return true;
	while (i < line.len && isdigit((u8)line.at[i]))
		i++;
	return i && i + 1 < line.len && line.at[i] == ':' &&
	       (line.at[i + 1] == ' ' || line.at[i + 1] == 'R');
}

/* Lines that are neither code nor complaint. */
static bool is_chatter(struct piece line)
{
	static const char *const known[] = {
		"processed ",  "verification time",
		"stack depth", "func#",
		"last_idx",    "regs=",
		"parent ",     "mark_precise",
		"propagating", "insn_idx",
		"peak_states", "live regs",
		"arg#",	       "reg type unsupported",
		"Validating ", "caller:",
		"callee:",     "returning ",
		"to caller",   "frame",
		"old state",   "cur state",
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (piece_starts(line, known[i]))
			return true;
	return false;
}

static void read_line(struct reading *r, struct piece line)
{
	const char *poison = line.len ? memmem(line.at, line.len, ": <invalid ", 11) : NULL;

	if (!line.len || read_instruction(r, line))
		return;
	if (poison && isdigit((u8)line.at[0])) {
		/* libbpf has replaced an instruction: what stood before is not the one */
		r->instruction = r->message = (struct piece){};
		return;
	}
	if (piece_starts(line, "; ")) {
		r->source = trimmed(line.at + 2, line.len - 2);
	} else if (is_state(line)) {
		apply_writes(r, r->previous);
		r->previous = (struct piece){};
		read_states(r, line);
	} else if (!is_chatter(line)) {
		char text[256];

		/* the complaint that we can explain stays, whatever follows it */
		snprintf(text, sizeof(text), "%.*s", (int)MIN(r->message.len, 255u),
			 r->message.at ?: "");
		if (!r->message.len || !verifier_reason(text))
			r->message = line;
	}
}

static struct reading read_log(const char *log)
{
	struct reading r = {};

	while (*log) {
		size_t len = strcspn(log, "\n");

		read_line(&r, trimmed(log, len));
		log += len + (log[len] == '\n');
	}
	return r;
}

/* ---- the source line ------------------------------------------------------------------------- */

/* The place of the source text; when several lines read the same, of the one at the instruction. */
static void add_place(struct buf *b, const struct source_lines *lines, struct piece source,
		      unsigned long index)
{
	struct extension_walk w = {};
	const char *file = NULL, *found = NULL;
	u32 line = 0;
	bool many = false, exact = false;
	const void *record;

	while (lines && lines->extension &&
	       (record = extension_next(&lines->extension->lines, &w))) {
		struct bpf_line_info info;
		const char *text;
		struct piece p;
		bool here;

		memcpy(&info, record, sizeof(info));
		text = btf__name_by_offset(lines->btf, info.line_off);
		file = btf__name_by_offset(lines->btf, info.file_name_off);
		if (!text || !file)
			continue;
		p = trimmed(text, strlen(text));
		if (p.len != source.len || memcmp(p.at, source.at, p.len))
			continue;
		here = info.insn_off / 8 == index;
		if (exact && !here)
			continue;
		many = found && here == exact && line != info.line_col >> 10;
		exact = here;
		found = file;
		line = info.line_col >> 10;
	}
	if (found && !many)
		buf_printf(b, " at %s:%u", found, line);
	else if (found)
		buf_printf(b, " in %s", found);
}

static void add_source(struct buf *b, const struct reading *r, const struct source_lines *lines)
{
	struct piece source = r->source;
	const char *place = NULL;

	if (!source.len)
		return;
	/* since 6.9 the log says it: "; text @ file.c:12" */
	for (const char *at = source.at; (at = memmem(at, source.at + source.len - at, " @ ", 3));
	     at++)
		place = at;
	if (place) {
		buf_add_str(b, " at ");
		text_add_safe(b, place + 3, source.at + source.len - place - 3);
		source = trimmed(source.at, place - source.at);
	} else {
		add_place(b, lines, source, r->index);
	}
	buf_add_str(b, " (");
	text_add_safe(b, source.at, MIN(source.len, SOURCE_MAX));
	buf_add_str(b, source.len > SOURCE_MAX ? "...)" : ")");
}

/* ---- the paragraph --------------------------------------------------------------------------- */

/* Marks the registers that a text names, by their letters. */
static unsigned registers_in(struct piece p, const char *letters)
{
	unsigned set = 0;

	for (size_t i = 0; i + 1 < p.len; i++)
		if (strchr(letters, p.at[i]) && p.at[i] && isdigit((u8)p.at[i + 1]) &&
		    (!i || !isalnum((u8)p.at[i - 1])) &&
		    (i + 2 == p.len || !isalnum((u8)p.at[i + 2])))
			set |= 1u << (p.at[i + 1] - '0');
	return set;
}

static void add_registers(struct buf *b, const struct reading *r)
{
	unsigned set = registers_in(r->message, "R") | registers_in(r->instruction, "rw");
	const char *word = ", where";

	for (unsigned i = 0; i < REGISTERS; i++) {
		if (!(set >> i & 1) || !r->registers[i].len)
			continue;
		buf_printf(b, "%s r%u is ", word, i);
		text_add_safe(b, r->registers[i].at, MIN(r->registers[i].len, 160u));
		word = " and";
	}
}

static void add_without_log(struct buf *b, int err)
{
	if (err == -EPERM || err == -EACCES)
		buf_printf(b,
			   "the kernel does not permit it (%s): a privilege is missing, or the "
			   "kernel is built or locked down without it",
			   strerror(-err));
	else
		buf_printf(b, "the kernel refuses it and does not say why (%s)", strerror(-err));
}

static void add_reason(struct buf *b, struct piece message, int err)
{
	const char *reason;
	char text[512];

	snprintf(text, sizeof(text), "%.*s", (int)MIN(message.len, sizeof(text) - 1),
		 message.at ?: "");
	reason = verifier_reason(text);
	if (reason)
		buf_add_str(b, reason);
	if (!message.len) {
		add_without_log(b, err);
		return;
	}
	buf_add_str(b, reason ? " [" : "");
	text_add_safe(b, message.at, message.len);
	buf_add_str(b, reason ? "]" : "");
}

void verifier_explain(const char *log, const char *program, int err,
		      const struct source_lines *lines, struct buf *ret)
{
	struct reading r = read_log(log);

	buf_printf(ret, "program %s is refused", program);
	add_source(ret, &r, lines);
	buf_add_str(ret, ": ");
	add_reason(ret, r.message, err);
	if (!r.instruction.len)
		return;
	buf_printf(ret, "; instruction %lu is \"", r.index);
	text_add_safe(ret, r.instruction.at, r.instruction.len);
	buf_add_char(ret, '"');
	add_registers(ret, &r);
}
