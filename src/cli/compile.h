/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles a BPF program from C with the machine's clang, where there is one, against the headers
 * of gadgets/include/, which this binary carries.
 */
#pragma once

#include "base/base.h"

/*
 * @text is what stands in the file @path. The object's bytes replace @ret_object's contents. clang
 * says what is wrong with the source on stderr itself.
 */
int compile_source(const char *path, const char *text, struct buf *ret_object);
