#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# syscalls.sh CC: the system calls of this architecture as rows `[number] = "name",`, from the
# kernel's headers.
echo '#include <sys/syscall.h>' | "$1" -E -dM - |
	sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/[\2] = "\1",/p' | sort
