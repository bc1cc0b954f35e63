/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clang's analyzer cannot see from one file, put before each (-include) when clang-tidy runs:
 * a failure returns a negative number, so that what follows `if (err)` has its out-parameters.
 * Without this every use of a `ret_` value would be reported as garbage.
 */
#pragma once

#include "base/base.h"

static inline int analyzer_negative(int err)
{
	if (err >= 0)
		__builtin_unreachable();
	return err;
}

#define fail(err, ...) (fail(err, __VA_ARGS__), analyzer_negative(err))
#define fail_in(err, ...) (fail_in(err, __VA_ARGS__), analyzer_negative(err))
#define fail_errno(err, ...) (fail_errno(err, __VA_ARGS__), analyzer_negative(err))
/* grow() fills the pointer behind its void *. */
#define grow(array, ...)                               \
	({                                             \
		int _grown = grow(array, __VA_ARGS__); \
		if (!_grown && !*(array))              \
			__builtin_unreachable();       \
		_grown;                                \
	})
