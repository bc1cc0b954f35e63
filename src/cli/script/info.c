// SPDX-License-Identifier: Apache-2.0
/*
 * --info: bpftrace's feature lines, answered for what Saker can do on this kernel by whatever
 * means.
 */
#include "cli/script/script.h"

#include <sys/utsname.h>

#ifndef SAKER_VERSION
#define SAKER_VERSION "0.1"
#endif

/* One line of a feature: its finding (kernel/features.h), or the kernel that brought it. */
static const struct feature {
	const char *name;
	enum finding_group group;
	const char *finding; /* NULL: by version */
	unsigned major, minor;
} helpers[] = {
	{ "dpath", FINDING_PROGRAM, "fentry", 0, 0 },
	{ "get_tai_ns", FINDING_HELPER, NULL, 6, 1 },
	{ "get_func_ip", FINDING_HELPER, NULL, 5, 15 },
	{ "lookup_percpu_elem", FINDING_HELPER, NULL, 5, 19 },
	{ "loop", FINDING_HELPER, NULL, 5, 17 },
}, probes[] = {
	{ "kprobe_multi", FINDING_PROGRAM, "kprobe.multi", 0, 0 },
	{ "uprobe_multi", FINDING_PROGRAM, NULL, 6, 6 },
	{ "kprobe_session", FINDING_PROGRAM, "kprobe.session", 0, 0 },
	{ "iter", FINDING_PROGRAM, NULL, 5, 8 },
};

static bool has(const struct findings *all, const struct feature *f)
{
	const struct finding *found;

	if (!f->finding)
		return kernel_version() >= KERNEL_VERSION_CODE(f->major, f->minor, 0);
	found = findings_find(all, f->group, f->finding);
	return found && found->state == FINDING_OK;
}

static void print_features(FILE *out, const struct findings *all, const struct feature *list,
			   size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "  %s: %-*s", list[i].name, 29 - (int)strlen(list[i].name),
			has(all, &list[i]) ? "yes" : "no");
		if (i % 2 || i + 1 == count)
			fputc('\n', out);
	}
}

void script_info(FILE *out)
{
	_cleanup_findings_ struct findings all = {};
	struct utsname u;
	bool modules = !access("/sys/kernel/btf", R_OK);

	uname(&u);
	features_probe(&all);
	fprintf(out, "System\n  OS: %s %s %s\n  Arch: %s\n\n", u.sysname, u.release, u.version,
		u.machine);
	fprintf(out, "Build\n  version: saker %s\n  LLVM: none (compiles by itself)\n\n",
		SAKER_VERSION);
	fprintf(out, "Kernel helpers\n");
	print_features(out, &all, helpers, ARRAY_SIZE(helpers));
	fprintf(out,
		"\nKernel features\n  Instruction limit: %d       btf: %-25s\n"
		"  module btf: %s\n\nProbe types\n",
		CODE_MAX, access("/sys/kernel/btf/vmlinux", R_OK) ? "no" : "yes",
		modules ? "yes" : "no");
	print_features(out, &all, probes, ARRAY_SIZE(probes));
	fputc('\n', out);
}
