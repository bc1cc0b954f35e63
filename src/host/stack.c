// SPDX-License-Identifier: Apache-2.0
/*
 * Stacks as text. All frames but the innermost are return addresses: they point behind the call,
 * and behind the function itself when the call was its last instruction; one byte before is
 * certainly inside.
 */
#include "host/internal.h"

static void symbol_of(struct host *h, u32 pid, const u64 *addresses, size_t i, bool user,
		      struct symbol *ret)
{
	u64 address = addresses[i] - (i && addresses[i]);

	if (user)
		host_user_symbol(h, pid, address, ret);
	else
		host_kernel_symbol(h, address, ret);
	ret->offset += addresses[i] - address;
}

/* C++ and Rust have names with spaces, and a perf map may say anything. */
static void add_frame_name(struct buf *b, const char *name)
{
	for (; *name; name++) {
		char c = *name;

		if (c == ';')
			c = ':';
		else if (c == ' ')
			c = '_';
		else if ((u8)c < 0x20 || c == 0x7f)
			c = '?';
		buf_add_char(b, c);
	}
}

int host_format_stack(struct host *h, u32 pid, const u64 *addresses, size_t count, bool user,
		      struct buf *b)
{
	for (size_t i = count; i-- > 0;) {
		struct symbol s;

		symbol_of(h, pid, addresses, i, user, &s);
		add_frame_name(b, s.name);
		if (i)
			buf_add_char(b, ';');
	}
	return b->error;
}

int host_symbolize(void *host, u32 pid, const u64 *addresses, size_t count, bool user,
		   struct buf *b)
{
	return host_format_stack(host, pid, addresses, count, user, b);
}

int host_format_stack_lines(struct host *h, u32 pid, const u64 *addresses, size_t count, bool user,
			    struct buf *b)
{
	for (size_t i = 0; i < count; i++) {
		struct symbol s;

		symbol_of(h, pid, addresses, i, user, &s);
		buf_add_str(b, "    ");
		text_add_safe(b, s.name, strlen(s.name));
		if (s.known)
			buf_printf(b, "+0x%llx", (unsigned long long)s.offset);
		if (s.module && s.known) {
			buf_add_str(b, " (");
			text_add_safe(b, s.module, strlen(s.module));
			buf_add_char(b, ')');
		}
		buf_add_char(b, '\n');
	}
	return b->error;
}
