/* SPDX-License-Identifier: Apache-2.0 */
/* kernel: all that calls bpf(2). The folder's one public header. */
#pragma once

#include "kernel/capability.h"
#include "kernel/features.h"
#include "kernel/hook.h"
#include "kernel/inventory.h"
#include "kernel/kernel_btf.h"
#include "kernel/object.h"
#include "kernel/printk.h"
#include "kernel/program.h"
#include "kernel/ring.h"
