// SPDX-License-Identifier: Apache-2.0
/* Unit tests of base. The status is the number of failed tests, as cmocka counts them. */
#include "unit/base/base_tests.h"

#include <locale.h>
#include <time.h>

int main(void)
{
	/* wcwidth() knows characters only in a UTF-8 locale; local times are tested in one zone. */
	setlocale(LC_CTYPE, "C.UTF-8");
	setenv("TZ", "UTC", 1);
	tzset();
	return run_error_tests() + run_buf_tests() + run_text_tests() + run_units_tests();
}
