// SPDX-License-Identifier: Apache-2.0
/* The server's unit tests. */
#include "groups.h"

#include <signal.h>

int main(void)
{
	int failed;

	signal(SIGPIPE, SIG_IGN);
	failed = run_http_tests();
	failed += run_stream_tests();
	return failed != 0;
}
