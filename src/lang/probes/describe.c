// SPDX-License-Identifier: Apache-2.0
/*
 * Arguments and types for -lv. Functions, raw tracepoints and iterators come from BTF, classic
 * tracepoints from tracefs in the kernel's own words; a struct's definition is libbpf's dump of it,
 * without what it depends on.
 */
#include "lang/probes/describe.h"

#include <bpf/btf.h>

#include "lang/probes/internal.h"

/* ---- types in C ---------------------------------------------------------------------------- */

static void add_type(const struct btf *btf, u32 id, struct buf *b, unsigned depth)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	const char *name = t ? btf__name_by_offset(btf, t->name_off) : "";

	if (!t || !id || depth > 20) {
		buf_add_str(b, "void");
		return;
	}
	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
		add_type(btf, t->type, b, depth + 1);
		buf_add_str(b, " *");
		break;
	case BTF_KIND_CONST:
		buf_add_str(b, "const ");
		add_type(btf, t->type, b, depth + 1);
		break;
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		add_type(btf, t->type, b, depth + 1);
		break;
	case BTF_KIND_STRUCT:
		buf_printf(b, "struct %s", name);
		break;
	case BTF_KIND_UNION:
		buf_printf(b, "union %s", name);
		break;
	case BTF_KIND_FWD:
		buf_printf(b, "%s %s", btf_kflag(t) ? "union" : "struct", name);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		buf_printf(b, "enum %s", name);
		break;
	case BTF_KIND_ARRAY:
		add_type(btf, btf_array(t)->type, b, depth + 1);
		buf_printf(b, "[%u]", btf_array(t)->nelems);
		break;
	case BTF_KIND_FUNC_PROTO:
		add_type(btf, t->type, b, depth + 1);
		buf_add_str(b, " ()");
		break;
	default:
		buf_add_str(b, name);
	}
}

static void add_parameters(const struct btf *btf, const struct btf_type *proto, u32 from,
			   bool numbered, struct buf *b)
{
	const struct btf_param *p = btf_params(proto);

	for (u32 i = from; i < btf_vlen(proto); i++) {
		buf_add_str(b, "    ");
		add_type(btf, p[i].type, b, 0);
		if (numbered)
			buf_printf(b, " arg%u\n", i);
		else
			buf_printf(b, " %s\n", btf__name_by_offset(btf, p[i].name_off));
	}
}

/* ---- where they are described -------------------------------------------------------------- */

void describer_free(struct describer *d)
{
	btf__free(d->module);
	btf__free(d->kernel);
}

/* The kernel's or the module's; the last module's is kept, because lists are sorted by them. */
static const struct btf *btf_for(struct describer *d, const char *module)
{
	if (!d->kernel)
		d->kernel = btf__load_vmlinux_btf();
	if (!d->kernel || !module || !*module || !strcmp(module, "vmlinux"))
		return d->kernel;
	if (strcmp(d->module_name, module) != 0) {
		btf__free(d->module);
		d->module = btf__load_module_btf(module, d->kernel);
		snprintf(d->module_name, sizeof(d->module_name), "%s", module);
	}
	return d->module;
}

/* "\tfield:char comm[16];\toffset:8;" without the common fields. */
static void describe_tracepoint(const struct attach_point *a, struct buf *b)
{
	_cleanup_buf_ struct buf format = {};
	const char *root = tracefs_path();
	char path[512], *at;

	snprintf(path, sizeof(path), "%s/events/%s/%s/format", root ? root : "", a->target,
		 a->event);
	if (read_file(path, 1 << 20, &format) || !format.data)
		return;
	at = format.data;
	while ((at = strstr(at, "field:"))) {
		size_t len;

		at += strlen("field:");
		len = strcspn(at, ";");
		if (!memmem(at, len, " common_", 8))
			buf_printf(b, "    %.*s\n", (int)len, at);
	}
}

static void describe_function(struct describer *d, const struct attach_point *a, struct buf *b)
{
	const struct btf *btf = btf_for(d, a->target);
	const struct btf_type *f, *proto;
	bool returns = is_kind(a, "fexit") || is_kind(a, "kretprobe");
	int id = btf ? btf__find_by_name_kind(btf, a->event, BTF_KIND_FUNC) : -1;

	f = id > 0 ? btf__type_by_id(btf, (u32)id) : NULL;
	proto = f ? btf__type_by_id(btf, f->type) : NULL;
	if (!proto || !btf_is_func_proto(proto))
		return;
	if (!is_kind(a, "kretprobe"))
		add_parameters(btf, proto, 0, is_kind(a, "kprobe"), b);
	if (returns && proto->type) {
		buf_add_str(b, "    ");
		add_type(btf, proto->type, b, 0);
		buf_add_str(b, " retval\n");
	}
}

static const struct btf_type *prototype(const struct btf *btf, const char *prefix, const char *name,
					u32 kind)
{
	const struct btf_type *t;
	char full[256];
	int id;

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	id = btf ? btf__find_by_name_kind(btf, full, kind) : -1;
	t = id > 0 ? btf__type_by_id(btf, (u32)id) : NULL;
	while (t && (btf_is_typedef(t) || btf_is_ptr(t) || btf_is_func(t)))
		t = btf__type_by_id(btf, t->type);
	return t && btf_is_func_proto(t) ? t : NULL;
}

/* Names of arguments stand only with the functions that the tracepoint calls, if BTF has them. */
static void describe_raw(struct describer *d, const struct attach_point *a, struct buf *b)
{
	const struct btf *btf = btf_for(d, a->target);
	const struct btf_type *t = prototype(btf, "__probestub_", a->event, BTF_KIND_FUNC);

	if (!t)
		t = prototype(btf, "__bpf_trace_", a->event, BTF_KIND_FUNC);
	if (!t)
		t = prototype(btf, "__traceiter_", a->event, BTF_KIND_FUNC);
	if (!t)
		t = prototype(btf, "btf_trace_", a->event, BTF_KIND_TYPEDEF);
	if (t)
		add_parameters(btf, t, 1, false, b);
}

static void describe_iterator(struct describer *d, const struct attach_point *a, struct buf *b)
{
	const struct btf *btf = btf_for(d, NULL);
	const struct btf_type *t;
	char name[256];
	int id;

	snprintf(name, sizeof(name), "bpf_iter__%s", a->event);
	id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT) : -1;
	t = id > 0 ? btf__type_by_id(btf, (u32)id) : NULL;
	/* each member is a union that pads a pointer to 64 bits; the first is `meta` */
	for (u32 i = 1; t && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const struct btf_type *inner = btf__type_by_id(btf, m->type);

		if (inner && btf_is_union(inner) && btf_vlen(inner))
			m = btf_members(inner);
		buf_add_str(b, "    ");
		add_type(btf, m->type, b, 0);
		buf_printf(b, " %s\n", btf__name_by_offset(btf, m->name_off));
	}
}

void describe_point(struct describer *d, const struct attach_point *a, struct buf *b)
{
	switch (a->provider->context) {
	case CONTEXT_TRACEPOINT:
		describe_tracepoint(a, b);
		break;
	case CONTEXT_RAW_ARGUMENTS:
		describe_raw(d, a, b);
		break;
	case CONTEXT_ITERATOR:
		describe_iterator(d, a, b);
		break;
	case CONTEXT_REGISTERS:
		if (is_kind(a, "kprobe") || is_kind(a, "kretprobe"))
			describe_function(d, a, b);
		else if (is_kind(a, "uprobe") && a->event && d->world)
			type_print_user_parameters(d->world, a->file ?: a->target, a->event, b);
		break;
	case CONTEXT_BTF_ARGUMENTS:
		if (!a->space)
			describe_function(d, a, b);
		break;
	case CONTEXT_NONE:
	case CONTEXT_PERF_EVENT:
		break;
	}
}

/* ---- types --------------------------------------------------------------------------------- */

static void take_dump(void *context, const char *format, va_list arguments)
{
	buf_vprintf(context, format, arguments);
}

/* The dump ends with what was asked for; before it stands what that depends on. */
static void dump_type(const struct btf *btf, u32 id, const char *title, struct buf *b)
{
	LIBBPF_OPTS(btf_dump_opts, opts);
	_cleanup_buf_ struct buf text = {};
	struct btf_dump *dump = btf_dump__new(btf, take_dump, &text, &opts);
	const char *at = NULL, *next;
	char head[256];

	if (!dump)
		return;
	snprintf(head, sizeof(head), "%s {\n", title);
	btf_dump__dump_type(dump, id);
	for (next = buf_str(&text); (next = strstr(next, head)); next++)
		if (next == buf_str(&text) || next[-1] == '\n')
			at = next;
	if (at) {
		buf_add_str(b, "vmlinux: ");
		buf_add_str(b, at);
	}
	btf_dump__free(dump);
}

static const char *keyword(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		return "struct";
	case BTF_KIND_UNION:
		return "union";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return "enum";
	}
	return NULL;
}

struct found_type {
	char *title;
	u32 id;
};

static int by_title(const void *x, const void *y)
{
	return strcmp(((const struct found_type *)x)->title, ((const struct found_type *)y)->title);
}

static int find_types(const struct btf *btf, const char *pattern, struct found_type **ret,
		      size_t *ret_count)
{
	size_t count = 0, capacity = 0;
	struct found_type *found = NULL;

	for (u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, t->name_off);
		char title[300];

		if (!keyword(t) || !*name)
			continue;
		snprintf(title, sizeof(title), "%s %s", keyword(t), name);
		if (!matches(pattern, title))
			continue;
		if (grow(&found, &capacity, count + 1, sizeof(*found)))
			break;
		found[count].id = id;
		found[count].title = strdup(title);
		count += found[count].title != NULL;
	}
	if (count)
		qsort(found, count, sizeof(*found), by_title);
	*ret = found;
	*ret_count = count;
	return 0;
}

int describe_types(const char *pattern, bool verbose, struct buf *b)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct found_type *found;
	size_t count;

	if (!btf)
		return fail_errno(-errno, "the kernel's BTF");
	find_types(btf, pattern, &found, &count);
	for (size_t i = 0; i < count; i++) {
		if (!i || strcmp(found[i].title, found[i - 1].title) != 0) {
			if (verbose)
				dump_type(btf, found[i].id, found[i].title, b);
			else
				buf_printf(b, "%s\n", found[i].title);
		}
	}
	for (size_t i = 0; i < count; i++)
		free(found[i].title);
	free(found);
	btf__free(btf);
	return b->error;
}
