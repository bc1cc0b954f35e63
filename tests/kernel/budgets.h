/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the table in budget.c: the most that `kernel_matrix budgets` printed on each kernel. */
{ "biolatency", 696 }, { "biosnoop", 439 }, { "dnssnoop", 24915 }, { "execsnoop", 307 },
	{ "exitsnoop", 290 }, { "killsnoop", 1095 }, { "mountsnoop", 1276 }, { "oomkill", 289 },
	{ "opensnoop", 860 }, { "profile", 23628 }, { "runqlat", 581 }, { "syscount", 55 },
	{ "tcpconnect", 266 }, { "tcplife", 670 }, { "tcptop", 815 },
