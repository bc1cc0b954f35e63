/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tool needs its capabilities until its programs are attached; what it then reads was written by
 * anybody.
 */
#pragma once

#include "base/base.h"

/*
 * Gives away every capability but those for looking at other users' processes (names, stacks), for
 * good: nothing that is run from here gets more. On kernels before 5.19 those for reading maps stay
 * too; with @keep_files those by which a command can be ended and its cgroup removed. -errno with
 * the text.
 */
int privilege_give_away(bool keep_files);
