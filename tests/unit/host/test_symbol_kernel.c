// SPDX-License-Identifier: Apache-2.0
/* Names of kernel addresses, from a file of our own and from this machine's, and stacks as text. */
#include "unit/host/fixture.h"
#include "unit/host/groups.h"

static void from_a_file(void **state)
{
	struct machine *m = *state;
	struct symbol s;

	put_file(m, "/proc/kallsyms",
		 "0000000000000000 A irq_stack\n"
		 "ffffffff81000000 T first\n"
		 "ffffffff81000000 t alias\n"
		 "ffffffff81000030 T __pfx_second\n"
		 "ffffffff81000040 t second\n"
		 "ffffffff81000100 D data\n"
		 "ffffffffc0000000 t in_module\t[mod]\n"
		 "ffffffff90000000 T out_of_order\n"
		 "broken line\n");
	host_kernel_symbol(m->host, 0xffffffff81000002, &s);
	assert_string_equal(s.name, "first");
	assert_int_equal(s.offset, 2);
	assert_null(s.module);
	host_kernel_symbol(m->host, 0xffffffff81000040, &s);
	assert_string_equal(s.name, "second");
	host_kernel_symbol(m->host, 0xffffffffc0000001, &s);
	assert_string_equal(s.name, "in_module");
	assert_string_equal(s.module, "mod");
	host_kernel_symbol(m->host, 0xffffffff90000000, &s);
	assert_string_equal(s.name, "out_of_order");
	host_kernel_symbol(m->host, 0xffffffff81000108, &s); /* data is no function */
	assert_string_equal(s.name, "[kernel]");
	assert_false(s.known);
	host_kernel_symbol(m->host, 0xffffffffc8000000, &s); /* too far from any */
	assert_false(s.known);
	host_kernel_symbol(m->host, 0x1000, &s);
	assert_false(s.known);
}

static void of_several_names(void **state)
{
	struct machine *m = *state;
	struct symbol s;

	put_file(m, "/proc/kallsyms",
		 "ffffffff81000000 t __do_sys_pause\n"
		 "ffffffff81000000 T __ia32_sys_pause\n"
		 "ffffffff81000000 T __x64_sys_pause\n"
		 "ffffffff81000100 T memset\n"
		 "ffffffff81000100 T __memset\n"
		 "ffffffff81000200 t inner\n"
		 "ffffffff81000200 T __irqentry_text_end\n"
		 "ffffffff81000200 T known\n"
		 "ffffffff81000300 t last\n");
	host_kernel_symbol(m->host, 0xffffffff81000004, &s);
	assert_string_equal(s.name, "__x64_sys_pause");
	assert_int_equal(s.offset, 4);
	host_kernel_symbol(m->host, 0xffffffff81000100, &s);
	assert_string_equal(s.name, "memset");
	host_kernel_symbol(m->host, 0xffffffff81000200, &s);
	assert_string_equal(s.name, "known");
	host_kernel_symbol(m->host, 0xffffffff81000300, &s);
	assert_string_equal(s.name, "last");
}

/* kptr_restrict: every address is 0. */
static void hidden(void **state)
{
	struct machine *m = *state;
	struct symbol s;

	put_file(m, "/proc/kallsyms", "0000000000000000 T a\n0000000000000000 T b\n");
	host_kernel_symbol(m->host, 0xffffffff81000000, &s);
	assert_string_equal(s.name, "[kernel]");
	assert_false(s.known);
}

static void stacks(void **state)
{
	static const u64 addresses[] = { 0xffffffff81000010, 0xffffffff81000040, 0xffffffff81000050,
					 5 };
	struct machine *m = *state;
	_cleanup_buf_ struct buf b = {}, lines = {};

	put_file(m, "/proc/kallsyms",
		 "ffffffff81000000 T leaf\nffffffff81000020 T mid;dle\nffffffff81000040 T top\n");
	assert_int_equal(host_format_stack(m->host, 0, addresses, ARRAY_SIZE(addresses), false, &b),
			 0);
	/* 0x...40 is where mid;dle's call returns to: it is its last instruction. */
	assert_string_equal(buf_str(&b), "[kernel];top;mid:dle;leaf");
	assert_int_equal(host_format_stack_lines(m->host, 0, addresses, ARRAY_SIZE(addresses),
						 false, &lines),
			 0);
	assert_string_equal(buf_str(&lines),
			    "    leaf+0x10\n    mid;dle+0x20\n    top+0x10\n    [kernel]\n");
	buf_clear(&b);
	assert_int_equal(host_format_stack(m->host, 0, addresses, 0, false, &b), 0);
	assert_string_equal(buf_str(&b), "");
}

/* Every tenth function of this machine, compared with the file itself. */
static void this_machine(void **state UNUSED)
{
	_cleanup_(host_freep) struct host *h = host_new(NULL);
	_cleanup_file_ FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	size_t checked = 0, n = 0;
	char type, name[512], line[1024];

	if (!f)
		skip();
	while (fgets(line, sizeof(line), f)) {
		unsigned long long last = checked ? address : 0;
		struct symbol s;

		if (sscanf(line, "%llx %c %511s", &address, &type, name) != 3 || !address)
			continue;
		if (!strchr("tT", type) || strchr(line, '[') || str_starts(name, "__pfx_") ||
		    address == last || n++ % 10)
			continue;
		host_kernel_symbol(h, address, &s);
		assert_true(s.known);
		assert_int_equal(s.offset, 0);
		checked++;
	}
	if (!checked)
		skip();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int test_symbol_kernel(void)
{
	const struct CMUnitTest tests[] = { TEST(from_a_file), TEST(of_several_names), TEST(hidden),
					    TEST(stacks), TEST(this_machine) };

	return cmocka_run_group_tests_name("host/symbol_kernel", tests, NULL, NULL);
}
