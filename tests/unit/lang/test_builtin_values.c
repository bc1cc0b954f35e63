// SPDX-License-Identifier: Apache-2.0
/*
 * Built-ins run: scripts of one `begin` in the running kernel, and what they print, which is what
 * the reference prints. Also compiled for older kernels, whose other ways must give the same.
 */
#include <linux/version.h>
#include <poll.h>

#include "lang/lang.h"
#include "unit/lang/groups.h"

static const struct {
	const char *script, *output;
} scripts[] = {
	{ "begin { @x = count(); @x = count(); @y[1] = sum(5); @y[1] = "
	  "sum(7); @z = min(3); @z = min(-1); @w = max(9); @w=max(4); @a = "
	  "avg(2); @a = avg(4); @s = stats(1); @s = stats(3); exit(); }",
	  "\n\n@a: 3\n@s: { .count = 2, .average = 2, .total = 4 }\n@w: 9\n@x: "
	  "2\n@y[1]: 12\n@z: -1\n" },
	{ "begin { @x = strstr(\"hello\",\"lo\"); @y=strstr(\"hello\",\"\"); "
	  "@z=strcontains(\"abc\",\"d\"); exit(); }",
	  "\n\n@x: 3\n@y: 0\n@z: false\n" },
	{ "begin { $s=\"hello\"; @l=strlen($s); @cap = strcap($s); exit(); }",
	  "\n\n@cap: 6\n@l: 5\n" },
	{ "begin { @bb=bswap((uint32)0x01020304); @b8=bswap((uint8)7); "
	  "@b64=bswap((uint64)1); @b16=bswap((uint16)0x102); exit(); }",
	  "\n\n@b16: 513\n@b64: 72057594037927936\n@b8: 7\n@bb: 67305985\n" },
	{ "begin { @n=ntop(2, 0x0100007f); @p=ntop(pton(\"::1\")); "
	  "@q=ntop(pton(\"1.2.3.4\")); @r=ntop(0x0100007f); exit(); }",
	  "\n\n@n: 127.0.0.1\n@p: ::1\n@q: 1.2.3.4\n@r: 127.0.0.1\n" },
	{ "begin { $m=pton(\"1:2:3::4\"); @mac=macaddr($m); exit();}",
	  "\n\n@mac: 00:01:00:02:00:03\n" },
	{ "begin { print(memcmp(\"abc\",\"abd\",3)); print(memcmp(\"a\",\"b\",1)); "
	  "print(memcmp(\"b\",\"a\",1)); print(memcmp(\"ab\",\"ab\",2)); exit(); }",
	  "-1\n-1\n1\n0\n\n\n" },
	{ "begin { print(strerror(9999)); print(strerror(-2)); "
	  "print(strerror(2)); print(strerror(0)); print(strerror(41)); "
	  "exit(); }",
	  "Unknown error\nNo such file or directory\nNo such file or "
	  "directory\nSuccess\nUnknown error\n\n\n" },
	{ "begin { print(signal_name(9)); print(signal_name(99)); "
	  "print(signal_name(34));print(signal_name(0)); "
	  "print(signal_name(64)); print(signal_name(6)); exit(); }",
	  "Killed\nN/A\nReal-time signal 0\nUnknown signal 0\nReal-time signal "
	  "30\nAborted\n\n\n" },
	{ "begin { print(syscall_name(1)); print(syscall_name(9999)); "
	  "print(syscall_name(-1)); print(syscall_name(257)); exit(); }",
	  "write\nUnknown syscall\nUnknown syscall\nopenat\n\n\n" },
	{ "begin { @[strerror(2)] = 1; if (strerror(1) == \"Operation not "
	  "permitted\") { print(\"y\"); } exit(); }",
	  "y\n\n\n@[No such file or directory]: 1\n" },
	{ "begin { @a[1]=1; if (delete(@a,3)) {} $x=delete(@a,1); print($x); "
	  "print(has_key(@a,1)); print(len(@a)); @d[1,2]=3; "
	  "$y=delete(@d[1,2]); $z=delete(@d[1,2]); print(@d); "
	  "print(($y,$z)); exit(); }",
	  "true\nfalse\n0\n(true, false)\n\n\n" },
	{ "begin { @b=3; $x = delete(@b); print($x); exit(); }", "true\n\n\n" },
	{ "begin { @a[1]=1; @a[2]=2; print(len(@a)); clear(@a); exit(); }", "2\n\n\n" },
	{ "begin { printf(\"%s\\n\", 1); exit(); }", "1\n\n\n" },
	{ "begin { printf(\"%c%p%x%u %lld %5d|%-5d|%05d|%s\\n\", 65, 16, 255, "
	  "-1, 5, 3,3,3, (1,2)); exit(); }",
	  "A0x10ff4294967295 5     3|3    |00003|(1, 2)\n\n\n" },
	{ "begin { printf(\"%.3s|%5s|%-5s|%5.2d|% "
	  "d|%+d|%#x|%X|%o|%hhd|%hx|%zu|%ju|%lu|%i|%c|%%\\n\", \"abcdef\", "
	  "\"ab\",\"ab\", 5, 5,5,255,255,8,300,70000,1,2,3,4,65); exit();}",
	  "abcdef|   ab|ab   |    5|5|+5|0xff|FF|10|44|1170|1|2|3|4|A|%\n\n\n" },
	{ "begin { printf(\"%s %r %rx %rh\\n\", "
	  "buf(\"abc\",3),buf(\"abc\",3),buf(\"abc\",3),buf(\"a\\x01c\",3)); exit();}",
	  "abc abc \\x61\\x62\\x63 61 01 63\n\n\n" },
	{ "begin { printf(\"%gr %d\\n\", 0xcc0, 1); exit();}", "GFP_KERNEL 1\n\n\n" },
	{ "begin { print(str(\"abcdef\",3)); print(str(\"abcdef\",0)); "
	  "print(str(\"abc\")); $n=2; print(str(\"abcdef\",$n)); exit(); }",
	  "abc\n\nabc\na\n\n\n" },
	{ "begin { @m[2]=(1,\"hello\"); let $v; if (find(@m, 2, $v)) { "
	  "print($v); } exit(); }",
	  "(1, hello)\n\n\n@m[2]: (1, hello)\n" },
	{ "begin { print(pton(\"1.2.3.4\")); print(pton(\"::1\")); exit(); }",
	  "[1,2,3,4]\n[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]\n\n\n" },
	{ "begin { print(buf(\"abc\", 2)); @x = buf(\"hello\", 5); exit(); }",
	  "ab\n\n\n@x: hello\n" },
	{ "begin { $n=2; print(str(\"abcdef\",$n)); exit(); }", "a\n\n\n" },
	{ "begin { @a=min(-1); @b=max((uint64)18446744073709551615); "
	  "@b=max(1); @c=sum(-5); @d=avg(-4); @e=avg((uint8)255); "
	  "@f=stats(-3); exit(); }",
	  "\n\n@a: -1\n@b: 1\n@c: -5\n@d: -4\n@e: 255\n@f: { .count = 1, .average = "
	  "-3, .total = -3 }\n" },
	{ "begin { if comptime (false) { fail(\"a\"); } print(\"ok\"); exit(); }", "ok\n\n\n" },
	{ "begin { let $x : uint8 = 5; $x = (uint8)strlen(\"abcde\"); "
	  "print($x); exit(); }",
	  "5\n\n\n" },
	{ "begin { $a = pton(\"1.2.3.4\"); if ($a[0] == 1) { print($a[3]); } "
	  "exit(); }",
	  "4\n\n\n" },
	{ "begin { @x[ntop(1)] = 1; exit(); }", "\n\n@x[1.0.0.0]: 1\n" },
	{ "begin { @x[buf(\"abc\",3)] = 1; exit(); }", "\n\n@x[abc]: 1\n" },
	{ "begin { print(str(0)); exit(); }", "0\n\n\n" },
	{ "begin { $n = \"lo\"; print(strstr(\"hello world\", $n)); $h = "
	  "\"hello\"; print(strstr($h, $n)); print(strstr($n, $h)); "
	  "print(strcontains($h, \"ell\")); print(strcontains($h, \"\")); "
	  "exit(); }",
	  "3\n3\n-2\ntrue\ntrue\n\n\n" },
	{ "begin { print(str(0x10)); print(str(5)); print(str(-5)); exit(); }", "16\n5\n-5\n\n\n" },
	{ "begin { $x = 5; print(str($x) == \"\"); exit(); }", "true\n\n\n" },
	{ "begin { print(strcontains(\"abc\", \"\")); print(strstr(\"\", \"a\")); "
	  "print(strstr(\"\", \"\")); exit(); }",
	  "true\n-2\n0\n\n\n" },
	{ "begin { @=hist(-5); @=hist(0); @=hist(1); @=hist(3); @=hist(4); "
	  "exit(); }",
	  "\n\n@:\n(..., 0)               1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n[0]        "
	  "            1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n[1]        "
	  "            1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n[2, 4)     "
	  "            1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n[4, 8)     "
	  "            1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n" },
	{ "begin { @=lhist(-5,0,10,5); @=lhist(0,0,10,5); @=lhist(9,0,10,5); "
	  "@=lhist(10,0,10,5); exit(); }",
	  "\n\n@:\n(..., 0)               1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n[0, 5)     "
	  "            1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n[5, 10)    "
	  "            1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n[10, ...)  "
	  "            1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n" },
	{ "begin { @=hist(0,2); @=hist(3,2); @=hist(4,2); @=hist(9,2); "
	  "exit(); }",
	  "\n\n@:\n[0]                    1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n[1]        "
	  "            0 |                                                   "
	  " |\n[2]                    0 |                                     "
	  "               |\n[3]                    1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n[4]        "
	  "            1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n[5]        "
	  "            0 |                                                   "
	  " |\n[6]                    0 |                                     "
	  "               |\n[7]                    0 |                       "
	  "                             |\n[8, 10)                1 "
	  "|@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n" },
};

/* What the script prints up to its end; false: programs cannot be loaded here. */
static bool run_script(const char *text, u32 kernel, struct buf *ret)
{
	static const char *const nothing[] = { NULL };
	struct lang_options o = { .name = "stdin" };
	struct host_options h = { 0 };
	struct compilation *c = NULL;
	struct host *host = host_new(&h);
	struct run *r = NULL;
	int err;

	o.script.environment = nothing;
	o.script.kernel = kernel;
	err = lang_compile(text, strlen(text), &o, &c);
	if (err < 0) {
		diagnostics_print(&c->diagnostics, false, false, ret);
		print_error("%s\n%s", text, buf_str(ret));
	}
	assert_int_equal(err, 0);
	err = run_load(c->script, host, &r);
	if (err == -EPERM || err == -EACCES) {
		run_free(r);
		compilation_free(c);
		host_free(host);
		return false;
	}
	if (err < 0)
		print_error("%s\n%s\n", text, error_text());
	assert_int_equal(err, 0);
	assert_int_equal(run_attach(r), 0);
	while (!r->exiting) {
		struct pollfd p = { .fd = run_poll_fd(r), .events = POLLIN };

		assert_true(run_consume(r) >= 0);
		if (!r->exiting && poll(&p, 1, 10000) != 1)
			fail_msg("%s does not end", text);
	}
	run_detach(r);
	assert_int_equal(run_end(r), 0);
	buf_add(ret, buf_str(&r->out.text), r->out.text.len);
	run_free(r);
	compilation_free(c);
	host_free(host);
	return true;
}

static void check_all(u32 kernel)
{
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		_cleanup_buf_ struct buf b = { 0 };

		if (!run_script(scripts[i].script, kernel, &b))
			skip();
		if (strcmp(buf_str(&b), scripts[i].output))
			print_error("%s\n", scripts[i].script);
		assert_string_equal(buf_str(&b), scripts[i].output);
	}
}

static void values_are_the_references(void **state)
{
	check_all(0);
}

/* Searching has a way of its own for each. */
static void kernels_agree(void **state)
{
	static const u32 kernels[] = { KERNEL_VERSION(6, 12, 0), KERNEL_VERSION(5, 15, 0) };

	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
		check_all(kernels[i]);
}

TEST_GROUP(test_builtin_values)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_the_references),
		cmocka_unit_test(kernels_agree),
	};

	return cmocka_run_group_tests_name("built-ins' values", tests, NULL, NULL);
}
