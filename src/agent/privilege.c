// SPDX-License-Identifier: Apache-2.0
/*
 * The worker gives everything away: user, groups, capabilities, the right to gain any
 * (no_new_privs), and the system calls that it has no use for. What it parses came from the
 * network and from other users' processes.
 */
#include "agent/worker.h"

#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/prctl.h>

/* From /etc/passwd itself: no NSS in a static program, and none of its services in a daemon. */
int privileges_user(const char *user, uid_t *ret_uid, gid_t *ret_gid)
{
	_cleanup_buf_ struct buf text = {};
	char *next, *line;
	int err = read_file("/etc/passwd", 4 << 20, &text);

	if (err)
		return err;
	next = text.data;
	while (next && (line = strsep(&next, "\n"))) {
		char *name = strsep(&line, ":");
		u64 uid, gid;

		strsep(&line, ":");
		if (!line || strcmp(name, user))
			continue;
		if (parse_u64(strsep(&line, ":"), &uid) || !line ||
		    parse_u64(strsep(&line, ":"), &gid))
			break;
		*ret_uid = (uid_t)uid;
		*ret_gid = (gid_t)gid;
		return 0;
	}
	return fail(-ENOENT, "there is no user '%s'", user);
}

static int drop_capabilities(bool keep_bpf)
{
	static const cap_value_t bpf[] = { CAP_BPF, CAP_PERFMON };
	cap_t caps = cap_init();
	int err = 0;

	if (!caps)
		return fail(-ENOMEM, "out of memory");
	if (keep_bpf && (cap_set_flag(caps, CAP_PERMITTED, 2, bpf, CAP_SET) ||
			 cap_set_flag(caps, CAP_EFFECTIVE, 2, bpf, CAP_SET)))
		err = fail_errno(-errno, "cannot choose capabilities");
	if (!err && cap_set_proc(caps))
		err = fail_errno(-errno, "cannot drop capabilities");
	cap_free(caps);
	return err;
}

/*
 * Reading maps needs bpf(2), threads need clone(2); loading programs and new name spaces nobody
 * needs. The arguments of clone3() cannot be looked at: libc does without it when it is not there.
 */
static int forbid_by_argument(scmp_filter_ctx filter)
{
	int err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				       SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(bpf), 1,
				       SCMP_A0(SCMP_CMP_EQ, BPF_PROG_LOAD));
	return err;
}

/* What a parser that was taken over would want: other programs, other processes, the kernel. */
static int forbid_system_calls(void)
{
	static const int forbidden[] = {
		SCMP_SYS(execve),
		SCMP_SYS(execveat),
		SCMP_SYS(ptrace),
		SCMP_SYS(process_vm_readv),
		SCMP_SYS(process_vm_writev),
		SCMP_SYS(mount),
		SCMP_SYS(umount2),
		SCMP_SYS(pivot_root),
		SCMP_SYS(init_module),
		SCMP_SYS(finit_module),
		SCMP_SYS(delete_module),
		SCMP_SYS(kexec_load),
		SCMP_SYS(kexec_file_load),
		SCMP_SYS(reboot),
		SCMP_SYS(swapon),
		SCMP_SYS(setns),
		SCMP_SYS(unshare),
		SCMP_SYS(add_key),
		SCMP_SYS(request_key),
		SCMP_SYS(keyctl),
		SCMP_SYS(perf_event_open),
		SCMP_SYS(userfaultfd),
		SCMP_SYS(io_uring_setup),
		SCMP_SYS(chroot),
		SCMP_SYS(kill),
		SCMP_SYS(tkill),
		SCMP_SYS(pidfd_send_signal),
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err = filter ? 0 : -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(forbidden) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0);
	if (!err)
		err = forbid_by_argument(filter);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err ? fail_errno(err, "cannot restrict system calls") : 0;
}

int privileges_drop(const char *user, bool keep_bpf)
{
	uid_t uid = 0;
	gid_t gid = 0;
	bool known = !privileges_user(user, &uid, &gid);
	int err = 0;

	if (!known)
		log_info("there is no user '%s': the worker stays root, without capabilities",
			 user);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail_errno(-errno, "cannot set no_new_privs");
	/* Across setuid() only with this flag; the sets are cut down right after. */
	if (keep_bpf)
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	if (known && (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)))
		return fail_errno(-errno, "cannot become the user '%s'", user);
	err = drop_capabilities(keep_bpf);
	if (!err)
		err = forbid_system_calls();
	/* setuid() made us undumpable; /proc/self must stay readable for our own figures. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return err;
}
