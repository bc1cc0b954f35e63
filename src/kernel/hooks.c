// SPDX-License-Identifier: Apache-2.0
/*
 * Can this kernel have a program on this hook? What has a name is looked up (tracefs, the kernel's
 * BTF, kallsyms); what depends on how the kernel was built or locked down is tried once per thread
 * with a program of two instructions on bpf_fentry_test1, which nothing ever calls.
 */
#include <dirent.h>

#include "kernel/kernel_btf.h"
#include "kernel/object_internal.h"

#define TRIAL_FUNCTION "bpf_fentry_test1"

static int tiny_program(enum bpf_prog_type type, enum bpf_attach_type attach, u32 btf_id)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach,
		    .attach_btf_id = btf_id);
	int fd = bpf_prog_load(type, "saker_trial", "GPL", code, ARRAY_SIZE(code), &opts);

	return fd < 0 ? -errno : fd;
}

static int function_id(const char *name)
{
	_cleanup_(kernel_btf_putp) const struct kernel_btf *b = NULL;
	int err = kernel_btf_get(&b);

	return err ? err : kernel_btf_function(b, name);
}

static int try_fentry(void)
{
	_cleanup_close_ int fd = -1;
	_cleanup_close_ int link = -1;
	int id = function_id(TRIAL_FUNCTION);

	if (id < 0)
		return id;
	fd = tiny_program(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, id);
	if (fd < 0)
		return fd;
	link = bpf_raw_tracepoint_open(NULL, fd);
	return link < 0 ? -errno : 0;
}

static int try_lsm(void)
{
	_cleanup_buf_ struct buf list = {};
	_cleanup_close_ int fd = -1;
	int id = function_id("bpf_lsm_file_open");

	if (id < 0)
		return id;
	fd = tiny_program(BPF_PROG_TYPE_LSM, BPF_LSM_MAC, id);
	if (fd < 0)
		return fd;
	/* loaded and attached without an error, it would still never run */
	if (!read_file("/sys/kernel/security/lsm", 4096, &list) && !strstr(buf_str(&list), "bpf"))
		return -ENODEV;
	return 0;
}

static int try_kprobe(void)
{
	const char *root;
	char path[256];

	if (!access("/sys/bus/event_source/devices/kprobe/type", F_OK))
		return 0;
	root = tracefs_path();
	snprintf(path, sizeof(path), "%s/kprobe_events", root ? root : "");
	return root && !access(path, F_OK) ? 0 : -ENODEV;
}

/* An empty list of functions is EINVAL where the kernel has kprobe.multi, else EOPNOTSUPP. */
static int try_kprobe_multi(void)
{
	_cleanup_close_ int fd = tiny_program(BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, 0);
	_cleanup_close_ int link = -1;
	LIBBPF_OPTS(bpf_link_create_opts, opts);

	if (fd < 0)
		return fd;
	if (kernel_version() < KERNEL_VERSION_CODE(5, 18, 0))
		return -EOPNOTSUPP;
	link = bpf_link_create(fd, 0, BPF_TRACE_KPROBE_MULTI, &opts);
	return link < 0 && errno == EOPNOTSUPP ? -EOPNOTSUPP : 0;
}

/*
 * What a trial said stays true while the process lives; kept per thread, so that no lock is needed.
 */
static int trial(enum section_sort sort)
{
	static int (*const tries[])(void) = {
		[SECTION_FENTRY] = try_fentry,
		[SECTION_LSM] = try_lsm,
		[SECTION_KPROBE] = try_kprobe,
		[SECTION_KPROBE_MULTI] = try_kprobe_multi,
	};
	static __thread struct {
		bool done;
		int result;
	} known[ARRAY_SIZE(tries)];

	if (!known[sort].done)
		known[sort].result = tries[sort]();
	known[sort].done = true;
	return known[sort].result;
}

/* ---- names ----------------------------------------------------------------------------------- */

static int classic_available(const struct section *s)
{
	const char *slash = strchr(s->target, '/');
	char category[128];

	if (!slash)
		return fail(-EINVAL, "'%s/%s' is not CATEGORY/NAME of a tracepoint", s->prefix,
			    s->target);
	if (!tracefs_path())
		return -ENOENT;
	snprintf(category, sizeof(category), "%.*s", (int)(slash - s->target), s->target);
	if (tracepoint_exists(category, slash + 1))
		return 0;
	if (errno == EACCES)
		return fail(-EACCES, "%s is not open to this user; run it as root", tracefs_path());
	return fail(-ENOENT, "tracepoint %s:%s does not exist on this kernel", category, slash + 1);
}

/*
 * A module's tracepoint is not in the kernel's own BTF, but tracefs lists it, under whatever
 * category.
 */
static bool in_any_category(const char *name)
{
	const char *root = tracefs_path();
	struct dirent *entry;
	bool found = false;
	char path[256];
	DIR *dir;

	if (!root)
		return false;
	snprintf(path, sizeof(path), "%s/events", root);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' && tracepoint_exists(entry->d_name, name);
	if (dir)
		closedir(dir);
	return found;
}

static int raw_available(const struct section *s)
{
	int id = kernel_tracepoint_btf_id(s->target);

	if (id >= 0 || in_any_category(s->target))
		return 0;
	return fail(-ENOENT, "tracepoint %s does not exist on this kernel", s->target);
}

static int tp_btf_available(const struct section *s)
{
	int err = kernel_btf_hold();

	if (err)
		return err;
	err = raw_available(s);
	kernel_btf_release();
	return err;
}

/* "ffffffff81000000 T name [module]" */
static bool in_kallsyms(const char *name)
{
	_cleanup_file_ FILE *f = fopen("/proc/kallsyms", "re");
	char line[600], symbol[512], type;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %c %511s", &type, symbol) == 2 && (type | 32) == 't' &&
		    !strcmp(symbol, name))
			return true;
	return false;
}

static int kprobe_available(const struct section *s)
{
	char name[256];

	if (trial(SECTION_KPROBE))
		return fail(-EOPNOTSUPP, "kprobes are not built into this kernel");
	if (s->sort == SECTION_KPROBE_MULTI && trial(SECTION_KPROBE_MULTI))
		return fail(-EOPNOTSUPP,
			    "this kernel cannot attach to many functions at once "
			    "(kprobe.multi, %s)",
			    strerror(-trial(SECTION_KPROBE_MULTI)));
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(s->target, "+"), s->target);
	if (s->sort != SECTION_KPROBE || !*name || function_id(name) >= 0 || in_kallsyms(name))
		return 0;
	return fail(-ENOENT, "function %s does not exist on this kernel", name);
}

static int lsm_available(const struct section *s)
{
	int err = trial(SECTION_LSM);

	if (err == -ENODEV)
		return fail(-EOPNOTSUPP, "'bpf' is not among this kernel's security modules "
					 "(boot with lsm=...,bpf)");
	if (err)
		return fail(-EOPNOTSUPP, "LSM programs are refused here (%s)",
			    strerrorname_np(-err));
	err = section_btf_id(s);
	return err < 0 ? err : 0;
}

static int fentry_available(const struct section *s)
{
	int err = trial(SECTION_FENTRY);

	if (err)
		return fail(-EOPNOTSUPP, "%s programs are refused here (%s)", s->prefix,
			    strerrorname_np(-err));
	err = *s->target ? section_btf_id(s) : 0;
	return err < 0 ? err : 0;
}

int program_available(const struct bpf_program *p)
{
	struct section s = section_of(p);
	int id;

	switch (s.sort) {
	case SECTION_CLASSIC:
		return *s.target ? classic_available(&s) : 0;
	case SECTION_RAW:
		return *s.target ? raw_available(&s) : 0;
	case SECTION_TP_BTF:
		return *s.target ? tp_btf_available(&s) : 0;
	case SECTION_FENTRY:
		return fentry_available(&s);
	case SECTION_LSM:
		return lsm_available(&s);
	case SECTION_ITER:
		id = *s.target ? section_btf_id(&s) : 0;
		return id < 0 ? id : 0;
	case SECTION_KPROBE:
	case SECTION_KSYSCALL:
	case SECTION_KPROBE_MULTI:
		return kprobe_available(&s);
	case SECTION_UPROBE:
	case SECTION_PERF_EVENT:
	case SECTION_OTHER:
		break;
	}
	return 0; /* nothing to look up: the load will tell */
}
