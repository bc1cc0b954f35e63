// SPDX-License-Identifier: Apache-2.0
/*
 * Names for what the kernel hands over as numbers: addresses, stacks, users, cgroups, times,
 * errors. They are looked up when they are shown, by the host's tables.
 */
#include "lang/run/output_internal.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

void add_kernel_symbol(struct output *o, u64 address, bool with_offset, struct buf *b)
{
	struct symbol s = {};

	if (o->host && address)
		host_kernel_symbol(o->host, address, &s);
	if (!s.known) {
		buf_printf(b, address ? "0x%llx" : "%llu", (unsigned long long)address);
		return;
	}
	buf_add_str(b, s.name);
	if (with_offset)
		buf_printf(b, "+%llu", (unsigned long long)s.offset);
}

/* As the source has it, unless the script wants the linker's. */
static void add_function(struct output *o, const char *name, struct buf *b)
{
	_cleanup_free_ char *plain = o->script->config.cpp_demangle ? demangle(name) : NULL;
	const char *shown = plain ? plain : name;

	add_foreign(o, shown, strlen(shown), b);
}

static void add_found(struct output *o, const struct symbol *s, u64 address, bool with_offset,
		      struct buf *b)
{
	if (!s->known) {
		buf_printf(b, address ? "0x%llx" : "%llu", (unsigned long long)address);
		return;
	}
	add_function(o, s->name, b);
	if (with_offset)
		buf_printf(b, "+%llu", (unsigned long long)s->offset);
}

void add_user_symbol(struct output *o, u32 pid, u64 address, bool with_offset, struct buf *b)
{
	struct symbol s = {};

	if (o->host && address) {
		host_drain_mappings(o->host);
		host_user_symbol(o->host, pid, address, &s);
	}
	add_found(o, &s, address, with_offset, b);
}

/* ---- stacks ---------------------------------------------------------------------------------- */

static const char *file_of(const struct output *o, const struct symbol *s)
{
	/* bpftrace says nothing of a file whose function it cannot name. */
	if (!s->path || (o->is_bpftrace && !s->known))
		return "[unknown]";
	return s->path;
}

static void add_user_frame(struct output *o, const struct type *t, u32 pid, u64 address,
			   struct buf *b)
{
	struct symbol s = {};
	const char *file;

	if (t->stack_mode == STACK_BUILD_ID) {
		add_build_id_frame(o, pid, address, b);
		return;
	}
	if (o->host && address)
		host_user_symbol(o->host, pid, address, &s);
	if (t->stack_mode == STACK_PERF)
		buf_printf(b, "\t%llx ", (unsigned long long)address);
	else
		buf_add_str(b, "        ");
	add_found(o, &s, address, true, b);
	if (t->stack_mode != STACK_PERF)
		return;
	buf_add_str(b, " (");
	file = file_of(o, &s);
	add_foreign(o, file, strlen(file), b);
	buf_add_char(b, ')');
}

static void add_kernel_frame(struct output *o, const struct type *t, u64 address, struct buf *b)
{
	if (t->stack_mode == STACK_PERF)
		buf_printf(b, "\t%llx ", (unsigned long long)address);
	else
		buf_add_str(b, "        ");
	add_kernel_symbol(o, address, true, b);
}

void add_stack(struct output *o, const struct type *t, const struct stack_value *s, struct buf *b)
{
	bool user = t->kind == TYPE_USTACK;
	u32 count = s->count < t->stack_depth ? s->count : t->stack_depth;

	if (user && o->host && count && t->stack_mode != STACK_RAW)
		host_drain_mappings(o->host);
	buf_add_char(b, '\n');
	for (u32 i = 0; i < count; i++) {
		if (t->stack_mode == STACK_RAW)
			buf_printf(b, "%llx", (unsigned long long)s->frames[i]);
		else if (user)
			add_user_frame(o, t, (u32)s->pid, s->frames[i], b);
		else
			add_kernel_frame(o, t, s->frames[i], b);
		buf_add_char(b, '\n');
	}
}

void add_build_id_frame(struct output *o, u32 pid, u64 address, struct buf *b)
{
	struct build_id id;

	if (!o->host || !address || !host_user_build_id(o->host, pid, 0, address, &id)) {
		buf_printf(b, "%llx", (unsigned long long)address);
		return;
	}
	for (size_t i = 0; i < id.size; i++)
		buf_printf(b, "%02x", id.bytes[i]);
	buf_printf(b, " 0x%llx", (unsigned long long)id.offset);
}

/* ---- addresses of the network, times, users -------------------------------------------------- */

void add_inet(const struct inet_value *v, struct buf *b)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(v->family == AF_INET6 ? AF_INET6 : AF_INET, v->bytes, text, sizeof(text)))
		buf_add_str(b, text);
}

void add_strftime(const char *format, u64 wall_ns, struct buf *b)
{
	time_t seconds = (time_t)(wall_ns / NSEC_PER_SEC);
	_cleanup_buf_ struct buf with_micro = {};
	char text[1024];
	struct tm tm;
	size_t n;

	if (!localtime_r(&seconds, &tm))
		return;
	/* %f is bpftrace's own: microseconds. */
	for (const char *p = format; *p; p++) {
		if (p[0] == '%' && p[1] == 'f') {
			buf_printf(&with_micro, "%06llu",
				   (unsigned long long)(wall_ns % NSEC_PER_SEC / NSEC_PER_USEC));
			p++;
		} else {
			buf_add_char(&with_micro, *p);
			if (p[0] == '%' && p[1])
				buf_add_char(&with_micro, *++p);
		}
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	n = strftime(text, sizeof(text), buf_str(&with_micro), &tm);
#pragma GCC diagnostic pop
	buf_add(b, text, n);
}

void add_timestamp(struct output *o, const struct timestamp_value *v, struct buf *b)
{
	static const enum { BOOT, MONOTONIC, TAI, WALL } clocks[] = { BOOT, MONOTONIC, TAI, WALL };
	u64 wall = v->ns;
	struct timespec tai, real;

	switch (v->clock < ARRAY_SIZE(clocks) ? clocks[v->clock] : WALL) {
	case BOOT:
		wall += o->boot_offset;
		break;
	case MONOTONIC:
		wall += o->wall_offset;
		break;
	case TAI:
		clock_gettime(CLOCK_TAI, &tai);
		clock_gettime(CLOCK_REALTIME, &real);
		wall -= (u64)(tai.tv_sec - real.tv_sec) * NSEC_PER_SEC;
		break;
	default:
		break;
	}
	if (v->format < o->script->text_count)
		add_strftime(o->script->texts[v->format], wall, b);
}

void add_user_name(struct output *o, u32 uid, struct buf *b)
{
	if (o->host)
		host_add_user(o->host, uid, b);
	else
		buf_add_u64(b, uid);
}

void add_cgroup_value(struct output *o, const struct cgroup_value *v, struct buf *b)
{
	const char *path = o->host ? host_cgroup_path(o->host, v->id) : NULL;

	buf_add_str(b, "unified:");
	buf_add_str(b, path ? path : "");
}

/* ---- numbers with names ---------------------------------------------------------------------- */

static void add_syscall_name(s64 number, struct buf *b)
{
	const struct kind *kind = kind_find("syscall");
	struct column column = { .name = "syscall", .kind = kind, .size = 4 };
	struct value value = { .class = VALUE_UNSIGNED, .u = (u64)number };
	size_t before = b->len;

	if (kind && kind->format && number >= 0 && number <= UINT32_MAX)
		kind->format(&column, &value, b);
	/* What has no name is shown as its number. */
	if (b->len == before || (b->data[before] >= '0' && b->data[before] <= '9')) {
		b->len = before;
		buf_add_str(b, "Unknown syscall");
	}
}

void add_number_name(enum type_kind kind, s64 number, struct buf *b)
{
	char room[128];

	if (kind == TYPE_SYSCALL_NAME) {
		add_syscall_name(number, b);
	} else if (kind == TYPE_STRERROR) {
		const char *text = strerror_r((int)number, room, sizeof(room));

		buf_add_str(b, str_starts(text, "Unknown error") ? "Unknown error" : text);
	} else {
		const char *text = number > 0 && number < NSIG ? sigdescr_np((int)number) : NULL;

		buf_add_str(b, text ? text : "N/A");
	}
}

/* As include/linux/gfp_types.h has had them since 4.x: combinations first. */
static const struct {
	const char *name;
	u32 bits;
} gfp[] = {
	{ "GFP_TRANSHUGE", 0x3d24ca },
	{ "GFP_TRANSHUGE_LIGHT", 0x3d20ca },
	{ "GFP_HIGHUSER", 0x100cc2 },
	{ "GFP_USER", 0x100cc0 },
	{ "GFP_KERNEL_ACCOUNT", 0x400cc0 },
	{ "GFP_KERNEL", 0xcc0 },
	{ "GFP_NOFS", 0xc40 },
	{ "GFP_ATOMIC", 0x820 },
	{ "GFP_NOIO", 0xc00 },
	{ "GFP_NOWAIT", 0x800 },
	{ "GFP_DMA", 0x1 },
	{ "__GFP_HIGHMEM", 0x2 },
	{ "GFP_DMA32", 0x4 },
	{ "__GFP_RECLAIMABLE", 0x10 },
	{ "__GFP_HIGH", 0x20 },
	{ "__GFP_IO", 0x40 },
	{ "__GFP_FS", 0x80 },
	{ "__GFP_ZERO", 0x100 },
	{ "__GFP_DIRECT_RECLAIM", 0x400 },
	{ "__GFP_KSWAPD_RECLAIM", 0x800 },
	{ "__GFP_WRITE", 0x1000 },
	{ "__GFP_NOWARN", 0x2000 },
	{ "__GFP_RETRY_MAYFAIL", 0x4000 },
	{ "__GFP_NOFAIL", 0x8000 },
	{ "__GFP_NORETRY", 0x10000 },
	{ "__GFP_MEMALLOC", 0x20000 },
	{ "__GFP_COMP", 0x40000 },
	{ "__GFP_NOMEMALLOC", 0x80000 },
	{ "__GFP_HARDWALL", 0x100000 },
	{ "__GFP_THISNODE", 0x200000 },
	{ "__GFP_ACCOUNT", 0x400000 },
};

void add_gfp_flags(u32 flags, struct buf *b)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(gfp); i++) {
		if ((flags & gfp[i].bits) != gfp[i].bits)
			continue;
		buf_printf(b, first ? "%s" : "|%s", gfp[i].name);
		first = false;
		flags &= ~gfp[i].bits;
	}
	if (flags)
		buf_printf(b, first ? "0x%x" : "|0x%x", flags);
	else if (first)
		buf_add_char(b, '0');
}
