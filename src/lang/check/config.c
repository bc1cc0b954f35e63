/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: one row for each option. A script's config block and the environment
 * (BPFTRACE_NAME) set the same options in the same words; the environment wins. Old names are still
 * understood, those without a meaning any more are skipped, both with a warning.
 */
#include "lang/check/script.h"

#include <ctype.h>
#include <strings.h>

enum kind {
	KIND_NUMBER,
	KIND_BOOL,
	KIND_TEXT,
	KIND_CHOICE,
	KIND_OLD,	  /* standard: the new name; NULL: without effect */
	KIND_ENVIRONMENT, /* cannot be set by a script */
};

struct choice {
	const char *name;
	int value;
};

static const struct choice stack_modes[] = {
	{ "bpftrace", STACK_BPFTRACE },
	{ "perf", STACK_PERF },
	{ "raw", STACK_RAW },
	{ "build_id", STACK_BUILD_ID },
	{ NULL, 0 },
};
static const struct choice missing[] = {
	{ "error", MISSING_ERROR },
	{ "warn", MISSING_WARN },
	{ "ignore", MISSING_IGNORE },
	{ NULL, 0 },
};
static const struct choice caches[] = {
	{ "PER_PID", 1 }, { "PER_PROGRAM", 1 }, { "NONE", 0 },	{ "1", 1 },
	{ "0", 0 },	  { "true", 1 },	{ "false", 0 }, { NULL, 0 },
};
static const struct choice unstables[] = {
	{ "enable", UNSTABLE_ENABLE }, { "warn", UNSTABLE_WARN },
	{ "error", UNSTABLE_ERROR },   { "1", UNSTABLE_ENABLE },
	{ "0", UNSTABLE_ERROR },       { "true", UNSTABLE_ENABLE },
	{ "false", UNSTABLE_ERROR },   { NULL, 0 },
};
static const struct choice licenses[] = {
	{ "GPL", 0 },	       { "GPL v2", 0 },	      { "GPL and additional rights", 0 },
	{ "Dual BSD/GPL", 0 }, { "Dual MIT/GPL", 0 }, { "Dual MPL/GPL", 0 },
	{ NULL, 0 },
};

struct option {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *standard;
	const char *help;
	const struct choice *choices;
	const char *takes; /* KIND_CHOICE: for messages */
	u64 max;
};

#define NUMBER(n, s, limit, h)                                                       \
	{                                                                            \
#n, KIND_NUMBER, offsetof(struct config, n), s, h, NULL, NULL, limit \
	}
#define BOOLEAN(n, s, h)                                                       \
	{                                                                      \
#n, KIND_BOOL, offsetof(struct config, n), s, h, NULL, NULL, 0 \
	}
#define CHOICE(n, s, list, words, h)                                              \
	{                                                                         \
#n, KIND_CHOICE, offsetof(struct config, n), s, h, list, words, 0 \
	}
#define OLD(n, now)                                      \
	{                                                \
		n, KIND_OLD, 0, now, NULL, NULL, NULL, 0 \
	}
#define OUTSIDE(n, h)                                        \
	{                                                    \
		n, KIND_ENVIRONMENT, 0, "", h, NULL, NULL, 0 \
	}

static const struct option options[] = {
	NUMBER(max_map_keys, "4096", 1 << 30, "keys that a map holds at most"),
	NUMBER(max_strlen, "1024", 1 << 20, "bytes of a string that str() reads at most"),
	NUMBER(max_probes, "1024", 1 << 20, "probes that a script attaches at most"),
	NUMBER(max_bpf_progs, "1024", 1 << 20, "programs that a script loads at most"),
	NUMBER(max_cat_bytes, "10240", 1 << 30, "bytes of a file that cat() prints at most"),
	NUMBER(on_stack_limit, "32", 1 << 20,
	       "bytes of a value that lies on the stack, not in a map"),
	NUMBER(perf_rb_pages, "0", 1 << 20, "pages of the ring buffer; 0: chosen by memory"),
	NUMBER(log_size, "1000000", UINT32_MAX >> 2, "bytes of the verifier's log"),
	{ "str_trunc_trailer", KIND_TEXT, offsetof(struct config, str_trunc_trailer), "..",
	  "what stands behind a string that was cut", NULL, NULL, 0 },
	{ "license", KIND_TEXT, offsetof(struct config, license), "GPL",
	  "the licence that programs are loaded with", licenses, NULL, 0 },
	CHOICE(stack_mode, "bpftrace", stack_modes, "bpftrace, raw, perf, and build_id",
	       "how stacks are printed"),
	CHOICE(missing_probes, "error", missing, "ignore, warn, and error",
	       "what a probe that does not exist is"),
	CHOICE(cache_user_symbols, "PER_PROGRAM", caches, "PER_PID, PER_PROGRAM, and NONE",
	       "whether symbols of programs are kept"),
	BOOLEAN(cpp_demangle, "true", "show C++ names as they were written"),
	BOOLEAN(lazy_symbolication, "false",
		"look for names of user addresses when they are printed"),
	BOOLEAN(print_maps_on_exit, "true", "print all maps at the end"),
	BOOLEAN(show_debug_info, "true", "source files and lines in stacks"),
	CHOICE(unstable_tseries, "warn", unstables, "enable, warn, and error", "tseries()"),
	CHOICE(unstable_dw_ustack, "warn", unstables, "enable, warn, and error", "dw_ustack"),
	CHOICE(unstable_typeinfo, "error", unstables, "enable, warn, and error", "typeinfo()"),
	OLD("strlen", "max_strlen"),
	OLD("map_keys_max", "max_map_keys"),
	OLD("cat_bytes_max", "max_cat_bytes"),
	OLD("no_cpp_demangle", NULL),
	OLD("unstable_import", NULL),
	OLD("unstable_macro", NULL),
	OLD("unstable_map_decl", NULL),
	OLD("symbol_source", NULL),
	OLD("max_type_res_iterations", NULL),
	OLD("use_blazesym", NULL),
	OUTSIDE("btf", "kernel types from this file"),
	OUTSIDE("color", "colours: auto, always, never"),
	OUTSIDE("kernel_build", "folder of a built kernel"),
	OUTSIDE("kernel_source", "folder of the kernel's sources"),
	OUTSIDE("vmlinux", "the kernel's image with symbols"),
};

static const char *takes(const struct option *o)
{
	return str_starts(o->name, "unstable_") ? "unstable config" : o->name;
}

/* "BPFTRACE_MAX_STRLEN" and "max_strlen" are one. */
static const struct option *option_find(const char *name)
{
	if (!strncasecmp(name, "bpftrace_", 9))
		name += 9;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!strcasecmp(options[i].name, name))
			return &options[i];
	}
	return NULL;
}

static const struct choice *choice_find(const struct choice *list, const char *value)
{
	for (; list->name; list++) {
		if (!strcmp(list->name, value))
			return list;
	}
	return NULL;
}

static int set_number(void *field, const struct option *o, struct diagnostics *d, struct span at,
		      const char *value)
{
	u64 n;

	if (parse_u64(value, &n))
		return diagnose(d, at, "%s: expecting a number, got %s", o->name, value);
	if (n > o->max)
		return diagnose(d, at, "%s: %s is above the limit of %llu", o->name, value,
				(unsigned long long)o->max);
	*(u64 *)field = n;
	return 0;
}

static int set_bool(void *field, const struct option *o, struct diagnostics *d, struct span at,
		    const char *value)
{
	bool yes = !strcmp(value, "true") || !strcmp(value, "1");

	if (!yes && strcmp(value, "false") && strcmp(value, "0"))
		return diagnose(d, at,
				"%s: Invalid bool value: valid values are true, false, 1 or 0.",
				o->name);
	*(bool *)field = yes;
	return 0;
}

static int set_choice(void *field, const struct option *o, struct diagnostics *d, struct span at,
		      const char *value)
{
	const struct choice *c = choice_find(o->choices, value);

	if (!c)
		return diagnose(d, at, "%s: Invalid value for %s: valid values are %s.", o->name,
				takes(o), o->takes);
	if (o->choices == caches)
		*(bool *)field = c->value;
	else
		*(int *)field = c->value;
	return 0;
}

static int set_text(void *field, const struct option *o, struct diagnostics *d, struct span at,
		    const char *value)
{
	if (o->choices && !choice_find(o->choices, value))
		return diagnose(d, at,
				"Invalid value for %s. Found: %s. Valid values: Dual MIT/GPL, Dual "
				"BSD/GPL, Dual MPL/GPL, GPL and additional rights, GPL v2, GPL.",
				o->name, value);
	if (strlen(value) > 64)
		return diagnose(d, at, "%s: at most 64 bytes", o->name);
	*(const char **)field = arena_strndup(d->arena, value, strlen(value));
	return 0;
}

static int set(struct config *c, const struct option *o, struct diagnostics *d, struct span at,
	       const char *value)
{
	void *field = (char *)c + o->offset;

	switch (o->kind) {
	case KIND_NUMBER:
		return set_number(field, o, d, at, value);
	case KIND_BOOL:
		return set_bool(field, o, d, at, value);
	case KIND_CHOICE:
		return set_choice(field, o, d, at, value);
	case KIND_TEXT:
		return set_text(field, o, d, at, value);
	default:
		return 0;
	}
}

static void set_defaults(struct config *c, struct diagnostics *d)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (options[i].kind < KIND_OLD)
			set(c, &options[i], d, (struct span){}, options[i].standard);
	}
}

static int unknown(const struct config_entry *e, struct diagnostics *d)
{
	const char *names[ARRAY_SIZE(options)];
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		names[i] = options[i].name;
	diagnose(d, e->span, "%s: not a known configuration option", e->name);
	near = suggest(e->name, names, ARRAY_SIZE(names));
	if (near)
		diagnose_hint(d, "did you mean '%s'?", near);
	return -EINVAL;
}

/* As text, so that there is one reader for scripts and the environment. */
static const char *value_text(const struct option *o, const struct node *n, char *buf, size_t size)
{
	switch (n->kind) {
	case NODE_STRING:
		return n->string.bytes;
	case NODE_IDENTIFIER:
		return n->identifier.name;
	case NODE_BOOL:
		if (o->kind == KIND_NUMBER)
			return n->boolean ? "1" : "0";
		return n->boolean ? "true" : "false";
	case NODE_INTEGER:
		/* Any number but 0 is true in a script; in the environment only 1 is. */
		if (o->kind == KIND_BOOL)
			return n->integer.value ? "1" : "0";
		snprintf(buf, size, "%llu", (unsigned long long)n->integer.value);
		return buf;
	default:
		return "";
	}
}

static int set_entry(struct config *c, const struct config_entry *e, struct diagnostics *d)
{
	const struct option *o = option_find(e->name);
	char buf[32];

	if (!o)
		return unknown(e, d);
	if (o->kind == KIND_ENVIRONMENT)
		return diagnose(d, e->span, "%s: can only be set as an environment variable",
				o->name);
	if (o->kind == KIND_OLD && !o->standard) {
		diagnose_warning(d, e->span, "%s is deprecated and has no effect", o->name);
		return 0;
	}
	if (o->kind == KIND_OLD) {
		diagnose_warning(d, e->span, "%s has been renamed, please use %s", o->name,
				 o->standard);
		o = option_find(o->standard);
	}
	return set(c, o, d, e->span, value_text(o, e->value, buf, sizeof(buf)));
}

/* "BPFTRACE_MAX_STRLEN=64"; what is not ours or not known is nobody's error. */
static int set_variable(struct config *c, const char *variable, struct diagnostics *d)
{
	const char *equals = strchr(variable, '=');
	const struct option *o;
	char name[64];

	if (!equals || strncmp(variable, "BPFTRACE_", 9) ||
	    (size_t)(equals - variable) >= sizeof(name))
		return 0;
	memcpy(name, variable, (size_t)(equals - variable));
	name[equals - variable] = '\0';
	for (const char *p = name; *p; p++) {
		if (islower((unsigned char)*p))
			return 0;
	}
	o = option_find(name);
	if (o && o->kind == KIND_OLD && o->standard)
		o = option_find(o->standard);
	return o ? set(c, o, d, (struct span){}, equals + 1) : 0;
}

int script_config_read(struct config *c, const struct config_entry *entries,
		       const char *const *environment, struct diagnostics *d, bool *ret_environment)
{
	int err = 0;

	set_defaults(c, d);
	for (; entries; entries = entries->next) {
		if (set_entry(c, entries, d) < 0)
			err = -EINVAL;
	}
	for (; environment && *environment; environment++) {
		if (set_variable(c, *environment, d) < 0) {
			*ret_environment = true;
			err = -EINVAL;
		}
	}
	/* Where a value lies changes no result; all of them must fit 512 bytes together. */
	c->on_stack_limit = MIN(c->on_stack_limit, 256U);
	return err;
}

void config_list(void (*fn)(void *context, const char *name, const char *standard,
			    const char *help),
		 void *context)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (options[i].kind != KIND_OLD)
			fn(context, options[i].name, options[i].standard, options[i].help);
	}
}
