// SPDX-License-Identifier: Apache-2.0
/* Runs every group of tests of this folder; groups.h says how a file makes itself known. */
#include "unit/lang/groups.h"

#include <locale.h>
#include <time.h>

extern const test_group __start_test_groups[], __stop_test_groups[];

int main(void)
{
	int failed = 0;

	setlocale(LC_CTYPE, "C.UTF-8");
	setenv("TZ", "UTC", 1);
	tzset();
	for (const test_group *g = __start_test_groups; g < __stop_test_groups; g++)
		failed += (*g)();
	return failed != 0;
}
