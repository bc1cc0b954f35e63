// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel, security settings and capabilities, read from procfs, sysfs and securityfs. securityfs
 * is often not mounted in containers and small machines: a private instance that is in no one's
 * mount table (fsopen, 5.2) is read then.
 */
#include "kernel/capability.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "kernel/capability_mount.h"
#include "kernel/object.h"

#define SMALL_FILE 65536

bool capability_have(enum capability c)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[c / 32].effective & (1u << (c % 32));
}

void bracketed_word(const char *text, char *ret, size_t size)
{
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

	snprintf(ret, size, "%.*s", close ? (int)(close - open - 1) : 0, close ? open + 1 : "");
}

/* A small file's text without its last newline; "" when it cannot be read. */
static int read_setting(const char *path, struct buf *b)
{
	int r = read_file(path, SMALL_FILE, b);

	if (r)
		buf_clear(b);
	while (b->len && (b->data[b->len - 1] == '\n' || b->data[b->len - 1] == ' '))
		b->data[--b->len] = '\0';
	return r;
}

/* ---- kernel ------------------------------------------------------------------------------ */

static void examine_version(struct findings *f)
{
	bool enough = kernel_version() >= KERNEL_VERSION_CODE(5, 10, 0);
	_cleanup_buf_ struct buf text = { 0 };
	struct utsname u;

	if (uname(&u))
		return;
	text_add_safe(&text, u.release, strnlen(u.release, sizeof(u.release)));
	buf_add_char(&text, ' ');
	text_add_safe(&text, u.version, strnlen(u.version, sizeof(u.version)));
	buf_printf(&text, " (%s)", u.machine);
	findings_add(f, FINDING_KERNEL, enough ? FINDING_OK : FINDING_NO, "version",
		     "5.10 or newer", "older than 5.10, which Saker is made for", "%s",
		     buf_str(&text));
}

static void examine_btf(struct findings *f)
{
	static const char path[] = "/sys/kernel/btf/vmlinux";
	static const char use[] = "offsets of kernel structures";
	static const char otherwise[] =
		"gadgets that read kernel structures cannot run (CONFIG_DEBUG_INFO_BTF)";
	_cleanup_buf_ struct buf size = { 0 };
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	u16 magic = 0;

	if (fd < 0) {
		findings_add(f, FINDING_KERNEL, errno == ENOENT ? FINDING_NO : FINDING_UNKNOWN,
			     "BTF", use, otherwise, "%s: %s", path, strerror(errno));
		return;
	}
	if (read(fd, &magic, sizeof(magic)) != sizeof(magic) || magic != 0xeb9f || fstat(fd, &st)) {
		findings_add(f, FINDING_KERNEL, FINDING_NO, "BTF", use, otherwise, "%s is not BTF",
			     path);
		return;
	}
	add_size(&size, (u64)st.st_size);
	findings_add(f, FINDING_KERNEL, FINDING_OK, "BTF", use, otherwise, "readable, %s",
		     buf_str(&size));
}

static void examine_jit(struct findings *f)
{
	static const char otherwise[] =
		"programs are interpreted, several times slower; kfuncs and fentry are refused";
	_cleanup_buf_ struct buf jit = { 0 }, harden = { 0 };

	if (read_setting("/proc/sys/net/core/bpf_jit_enable", &jit)) {
		findings_add(f, FINDING_KERNEL, FINDING_UNKNOWN, "JIT", "speed", otherwise,
			     "net.core.bpf_jit_enable cannot be read");
		return;
	}
	read_setting("/proc/sys/net/core/bpf_jit_harden", &harden);
	findings_add(f, FINDING_KERNEL, *buf_str(&jit) == '0' ? FINDING_NO : FINDING_OK, "JIT",
		     "speed", otherwise, "bpf_jit_enable=%s%s%s%s", buf_str(&jit),
		     harden.len ? ", bpf_jit_harden=" : "", buf_str(&harden),
		     *buf_str(&harden) == '2' ? " (constants are blinded for root too: slower)"
					      : "");
}

static void examine_statistics(struct findings *f)
{
	_cleanup_buf_ struct buf b = { 0 };
	int r = read_setting("/proc/sys/kernel/bpf_stats_enabled", &b);

	findings_add(f, FINDING_KERNEL, r ? FINDING_UNKNOWN : FINDING_OK, "run-time statistics",
		     "saker ps --cost", "the cost of programs cannot be shown", "%s",
		     r ? "kernel.bpf_stats_enabled cannot be read"
		     : *buf_str(&b) == '0'
			     ? "off; on only while somebody looks"
			     : "always on: every run of a program costs some 70 ns more");
}

/* ---- security ---------------------------------------------------------------------------- */

static void examine_securityfs(struct findings *f)
{
	_cleanup_close_ int dir = securityfs_open();
	_cleanup_buf_ struct buf b = { 0 };
	char mode[32];

	if (dir < 0 || read_file_at(dir, "lockdown", SMALL_FILE, &b)) {
		findings_add(f, FINDING_SECURITY, dir < 0 ? FINDING_UNKNOWN : FINDING_OK,
			     "lockdown", "reading kernel memory", NULL, "%s",
			     dir < 0 ? "securityfs cannot be read" : "not in this kernel");
	} else {
		bracketed_word(buf_str(&b), mode, sizeof(mode));
		findings_add(f, FINDING_SECURITY,
			     strcmp(mode, "confidentiality") ? FINDING_OK : FINDING_NO, "lockdown",
			     "reading kernel memory",
			     "programs may not read kernel memory: most gadgets are refused", "%s",
			     mode);
	}
	if (dir < 0 || read_file_at(dir, "lsm", SMALL_FILE, &b)) {
		findings_add(f, FINDING_SECURITY, FINDING_UNKNOWN, "LSMs", "denying in the kernel",
			     NULL, "securityfs cannot be read");
		return;
	}
	findings_add(f, FINDING_SECURITY,
		     word_in_list(buf_str(&b), "bpf") ? FINDING_OK : FINDING_NO, "LSMs",
		     "denying in the kernel",
		     "\"bpf\" is not among them: add it to lsm= on the kernel's command line", "%s",
		     buf_str(&b));
}

static void examine_unprivileged(struct findings *f)
{
	static const char path[] = "/proc/sys/kernel/unprivileged_bpf_disabled";
	_cleanup_buf_ struct buf b = { 0 };
	int r = read_setting(path, &b);
	char c = *buf_str(&b);

	findings_add(f, FINDING_SECURITY,
		     r		? FINDING_UNKNOWN
		     : c == '0' ? FINDING_NO
				: FINDING_OK,
		     "unprivileged BPF", "keeping other users from loading programs",
		     "any user may load socket filters (Spectre): set that sysctl to 2", "%s",
		     r		? "kernel.unprivileged_bpf_disabled cannot be read"
		     : c == '0' ? "allowed (kernel.unprivileged_bpf_disabled=0)"
		     : c == '1' ? "off until the next boot"
				: "off");
}

static void examine_perf(struct findings *f)
{
	bool perfmon = capability_have(CAPABILITY_PERFMON) || capability_have(CAPABILITY_SYS_ADMIN);
	_cleanup_buf_ struct buf b = { 0 };
	int level, r = read_setting("/proc/sys/kernel/perf_event_paranoid", &b);
	/*
	 * Debian's 3 asks for CAP_SYS_ADMIN for every perf event, also from those with CAP_PERFMON
	 */
	bool allowed;

	level = atoi(buf_str(&b));
	allowed = level <= -1 || capability_have(CAPABILITY_SYS_ADMIN) || (level <= 2 && perfmon);
	findings_add(f, FINDING_SECURITY,
		     r	       ? FINDING_UNKNOWN
		     : allowed ? FINDING_OK
			       : FINDING_NO,
		     "perf_event_paranoid", "sampling and probes by perf events",
		     level > 2 ? "perf events need CAP_SYS_ADMIN at this level"
			       : "perf events need CAP_PERFMON",
		     "%s%s", r ? "cannot be read" : buf_str(&b),
		     allowed && level > -1 ? ", which does not bind this process" : "");
}

/*
 * Whether addresses can be had is tried, not concluded: it depends on the setting and on
 * CAP_SYSLOG.
 */
static void examine_kallsyms(struct findings *f)
{
	_cleanup_file_ FILE *file = fopen("/proc/kallsyms", "re");
	_cleanup_buf_ struct buf b = { 0 };
	unsigned long long address = 0;
	char line[512];

	read_setting("/proc/sys/kernel/kptr_restrict", &b);
	/* the first symbols of x86 are per-CPU offsets, which are small or zero */
	for (int i = 0; file && !address && i < 2000 && fgets(line, sizeof(line), file); i++)
		if (sscanf(line, "%llx", &address) != 1)
			break;
	findings_add(f, FINDING_SECURITY, address ? FINDING_OK : FINDING_NO, "kernel symbols",
		     "function names in kernel stacks", "kernel stacks are shown as addresses",
		     "%s, kptr_restrict=%s",
		     !file     ? "not readable"
		     : address ? "readable"
			       : "hidden",
		     buf_str(&b));
}

static void examine_memlock(struct findings *f)
{
	static const char otherwise[] =
		"maps are refused above the limit: raise it (ulimit -l unlimited)";
	bool charged = kernel_version() >= KERNEL_VERSION_CODE(5, 11, 0);
	_cleanup_buf_ struct buf size = { 0 };
	struct rlimit limit;
	bool enough;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	enough = charged || limit.rlim_cur == RLIM_INFINITY ||
		 capability_have(CAPABILITY_SYS_RESOURCE);
	if (limit.rlim_cur == RLIM_INFINITY)
		buf_add_str(&size, "unlimited");
	else
		add_size(&size, limit.rlim_cur);
	findings_add(f, FINDING_SECURITY, enough ? FINDING_OK : FINDING_NO, "memlock",
		     "memory of maps", otherwise, "%s%s", buf_str(&size),
		     charged ? "; does not matter here: memory is charged to the cgroup"
		     : limit.rlim_cur == RLIM_INFINITY ? ""
		     : enough			       ? "; can be raised by this process"
						       : "; counts on this kernel (before 5.11)");
}

/* ---- capabilities ------------------------------------------------------------------------ */

static void examine_capabilities(struct findings *f)
{
	static const struct {
		enum capability number;
		const char *name, *use, *otherwise;
	} list[] = {
		{ CAPABILITY_BPF, "CAP_BPF", "loading programs and making maps", "nothing runs" },
		{ CAPABILITY_PERFMON, "CAP_PERFMON", "tracing programs, kernel memory, perf events",
		  "no gadget runs" },
		{ CAPABILITY_NET_ADMIN, "CAP_NET_ADMIN", "XDP, tc and cgroup programs",
		  "no network policy" },
		{ CAPABILITY_SYS_ADMIN, "CAP_SYS_ADMIN",
		  "other people's programs by id, perf events where perf_event_paranoid is 3",
		  "ps shows nothing" },
		{ CAPABILITY_SYS_RESOURCE, "CAP_SYS_RESOURCE",
		  "raising the memlock limit, which counts before 5.11",
		  "does not matter from 5.11 on" },
		{ CAPABILITY_SYS_PTRACE, "CAP_SYS_PTRACE", "/proc/PID of other users",
		  "binaries, stacks and BPF programs of other users have no names" },
		{ CAPABILITY_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH",
		  "tracefs, binaries and cgroups that others may not read",
		  "no classic tracepoints" },
		{ CAPABILITY_SYSLOG, "CAP_SYSLOG", "kernel addresses", "kernel stacks lack names" },
		{ CAPABILITY_KILL, "CAP_KILL", "signals as actions",
		  "signals reach own processes only" },
	};
	bool all = capability_have(CAPABILITY_SYS_ADMIN);

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		bool have = capability_have(list[i].number);
		/* before 5.8 CAP_SYS_ADMIN was both, and it still is taken for both */
		bool implied = all && (list[i].number == CAPABILITY_BPF ||
				       list[i].number == CAPABILITY_PERFMON);

		findings_add(f, FINDING_CAPABILITY, have || implied ? FINDING_OK : FINDING_NO,
			     list[i].name, list[i].use, list[i].otherwise, "%s",
			     have      ? ""
			     : implied ? "by CAP_SYS_ADMIN"
				       : "missing");
	}
}

int capability_examine(struct findings *f)
{
	examine_version(f);
	examine_btf(f);
	examine_jit(f);
	examine_statistics(f);
	examine_securityfs(f);
	examine_unprivileged(f);
	examine_perf(f);
	examine_kallsyms(f);
	examine_memlock(f);
	examine_mounts(f);
	examine_capabilities(f);
	return f->error;
}
