// SPDX-License-Identifier: Apache-2.0
/* See privilege.h. Descriptors of maps and links need no capability from 5.19 on. */
#include "cli/privilege.h"

#include "kernel/kernel.h"

#include <sys/capability.h>
#include <sys/prctl.h>

int privilege_give_away(bool keep_files)
{
	bool maps = kernel_version() < KERNEL_VERSION_CODE(5, 19, 0);
	const struct {
		cap_value_t capability;
		bool keep;
	} all[] = {
		{ CAP_DAC_READ_SEARCH, true }, { CAP_SYS_PTRACE, true },
		{ CAP_SYSLOG, true },	       { CAP_DAC_OVERRIDE, keep_files },
		{ CAP_KILL, keep_files },      { CAP_BPF, maps },
		{ CAP_PERFMON, maps },
	};
	cap_t now = cap_get_proc(), next = cap_init();
	int err = now && next ? 0 : fail(-ENOMEM, "out of memory");

	/* Only what is there can be kept: a container may have taken some. */
	for (size_t i = 0; i < ARRAY_SIZE(all) && !err; i++) {
		cap_flag_value_t has;

		if (!all[i].keep || cap_get_flag(now, all[i].capability, CAP_PERMITTED, &has) ||
		    has != CAP_SET)
			continue;
		if (cap_set_flag(next, CAP_PERMITTED, 1, &all[i].capability, CAP_SET) ||
		    cap_set_flag(next, CAP_EFFECTIVE, 1, &all[i].capability, CAP_SET))
			err = fail_errno(-errno, "cannot choose capabilities");
	}
	if (!err && (cap_set_proc(next) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))
		err = fail_errno(-errno, "cannot give capabilities away");
	cap_free(now);
	cap_free(next);
	return err;
}
