// SPDX-License-Identifier: Apache-2.0
/*
 * ELF section names, and the handlers that keep libbpf from parsing the whole kernel BTF.
 */
#include "kernel/kernel_btf.h"
#include "kernel/sections.h"

static const struct known_section {
	const char *prefix;
	enum section_sort sort;
	/* for sections with a handler of ours: what the program becomes at load */
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	bool sleepable;
	const char *btf_prefix;
} known[] = {
	{ "tp_btf", SECTION_TP_BTF, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, false, "btf_trace_" },
	{ "fentry", SECTION_FENTRY, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, false, "" },
	{ "fentry.s", SECTION_FENTRY, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, true, "" },
	{ "fexit", SECTION_FENTRY, BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, false, "" },
	{ "fexit.s", SECTION_FENTRY, BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, true, "" },
	{ "lsm", SECTION_LSM, BPF_PROG_TYPE_LSM, BPF_LSM_MAC, false, "bpf_lsm_" },
	{ "lsm.s", SECTION_LSM, BPF_PROG_TYPE_LSM, BPF_LSM_MAC, true, "bpf_lsm_" },
	{ "iter", SECTION_ITER, BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, false, "bpf_iter_" },
	{ "iter.s", SECTION_ITER, BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, true, "bpf_iter_" },
	{ .prefix = "tp", .sort = SECTION_CLASSIC },
	{ .prefix = "tracepoint", .sort = SECTION_CLASSIC },
	{ .prefix = "raw_tp", .sort = SECTION_RAW },
	{ .prefix = "raw_tracepoint", .sort = SECTION_RAW },
	{ .prefix = "kprobe", .sort = SECTION_KPROBE },
	{ .prefix = "kretprobe", .sort = SECTION_KPROBE },
	{ .prefix = "ksyscall", .sort = SECTION_KSYSCALL },
	{ .prefix = "kretsyscall", .sort = SECTION_KSYSCALL },
	{ .prefix = "kprobe.multi", .sort = SECTION_KPROBE_MULTI },
	{ .prefix = "kretprobe.multi", .sort = SECTION_KPROBE_MULTI },
	{ .prefix = "uprobe", .sort = SECTION_UPROBE },
	{ .prefix = "uprobe.s", .sort = SECTION_UPROBE },
	{ .prefix = "uretprobe", .sort = SECTION_UPROBE },
	{ .prefix = "uretprobe.s", .sort = SECTION_UPROBE },
	{ .prefix = "usdt", .sort = SECTION_UPROBE },
	{ .prefix = "perf_event", .sort = SECTION_PERF_EVENT },
};

static const struct known_section *find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].prefix) == len && !memcmp(known[i].prefix, name, len))
			return &known[i];
	return NULL;
}

struct section section_of(const struct bpf_program *p)
{
	const char *name = bpf_program__section_name(p);
	const char *slash = strchr(name, '/');
	const struct known_section *k = find(name, slash ? (size_t)(slash - name) : strlen(name));

	return (struct section){
		.sort = k ? k->sort : SECTION_OTHER,
		.prefix = k ? k->prefix : name,
		.target = slash ? slash + 1 : "",
	};
}

bool section_has_btf_id(enum section_sort sort)
{
	return sort == SECTION_TP_BTF || sort == SECTION_FENTRY || sort == SECTION_LSM ||
	       sort == SECTION_ITER;
}

int section_btf_id(const struct section *s)
{
	_cleanup_(kernel_btf_putp) const struct kernel_btf *b = NULL;
	const struct known_section *k = find(s->prefix, strlen(s->prefix));
	char name[256];
	int err = kernel_btf_get(&b);

	if (err)
		return err;
	snprintf(name, sizeof(name), "%s%s", k->btf_prefix, s->target);
	err = s->sort == SECTION_TP_BTF ? kernel_btf_typedef(b, name)
					: kernel_btf_function(b, name);
	if (err >= 0)
		return err;
	return fail(err, "%s %s does not exist on this kernel",
		    s->sort == SECTION_TP_BTF ? "tracepoint"
		    : s->sort == SECTION_LSM  ? "security hook"
		    : s->sort == SECTION_ITER ? "iterator"
					      : "function",
		    s->target);
}

/* Called by libbpf for each program with one of our sections, right before it is loaded. */
static int prepare(struct bpf_program *p, struct bpf_prog_load_opts *opts, long cookie)
{
	const struct known_section *k = &known[cookie];
	int err;

	if (!opts->attach_btf_id && !opts->attach_prog_fd) {
		struct section s = section_of(p);
		int id = section_btf_id(&s);

		if (id < 0)
			return id;
		opts->attach_btf_id = id;
	}
	opts->expected_attach_type = k->attach;
	if (k->sleepable)
		opts->prog_flags |= BPF_F_SLEEPABLE;
	err = bpf_program__set_type(p, k->type);
	return err < 0 ? err : 0;
}

int sections_register(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(known) && known[i].type; i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .cookie = i,
			    .prog_prepare_load_fn = prepare);
		char name[32];
		int err;

		snprintf(name, sizeof(name), "%s+", known[i].prefix);
		err = libbpf_register_prog_handler(name, BPF_PROG_TYPE_RAW_TRACEPOINT,
						   known[i].attach, &opts);
		if (err < 0)
			return fail_errno(err, "libbpf refuses the section handler %s", name);
	}
	return 0;
}
