// SPDX-License-Identifier: Apache-2.0
/*
 * Calls that are wrong, by the reference's judgement, and what is said about them.
 */
#include "unit/lang/check_fixture.h"

static const struct {
	const char *script, *error;
} scripts[] = {
	{ "begin { printf(\"%d %s\\n\", 1); }",
	  "not enough arguments for format string (1 supplied, 2 expected)" },
	{ "begin { printf(\"%d\\n\", \"abc\"); }",
	  "unsupported format specifier for type 'string[4]': d" },
	{ "begin { printf(\"%d\\n\", 1, 2); }",
	  "too many arguments for format string (2 supplied, 1 expected)" },
	{ "begin { printf(\"%r\\n\", 1); }", "unsupported format specifier for type 'int8': r" },
	{ "begin { printf(\"%q\\n\", 1); }",
	  "too many arguments for format string (1 supplied, 0 expected)" },
	{ "begin { printf(comm); }", "printf() expects a string literal (string provided)" },
	{ "begin { exit(\"a\"); }", "exit() only supports int arguments (string provided)" },
	{ "begin { exit(1,2); }", "exit() takes up to one argument (2 provided)" },
	{ "begin { strftime(\"%H\", nsecs(monotonic)); }",
	  "strftime() can not take a monotonic timestamp" },
	{ "begin { print(cgroupid(\"/sys/fs/cgroup\")); exit(); }",
	  "Failed to get `cgroupid` for path: \"/sys/fs/cgroup\": it is no "
	  "cgroup of version 2" },
	{ "begin { @a = hist(1,6); }", "hist: bits 6 must be 0..5" },
	{ "begin { @a = lhist(1,10,5,1); }",
	  "lhist() min must be less than max (provided min 10 and max 5)" },
	{ "begin { @=lhist(1,0,10000,1); }",
	  "lhist() too many buckets, must be <= 1000 (would need 10000)" },
	{ "begin { @=lhist(1,0,10,20); }",
	  "lhist() step is too large for the given range (provided step 20 "
	  "for range 10)" },
	{ "begin { @=lhist(1,0,10,0); }", "lhist() step must be >= 1 (0 provided)" },
	{ "begin { @=lhist(1,-10,10,1); }",
	  "lhist: invalid min value (must be non-negative literal)" },
	{ "begin { @=hist(\"a\"); }", "hist() only supports int arguments (string provided)" },
	{ "begin { @=sum(\"a\"); }", "sum() only supports integer arguments (string[2] provided)" },
	{ "begin { @=hist(1,1); @=hist(1,2); }", "Different bits in a single hist unsupported" },
	{ "begin { @=count(1); }", "count() requires no arguments (1 provided)" },
	{ "begin { @=sum(); }", "sum() requires one argument (0 provided)" },
	{ "begin { @=tseries(1,1,1,\"foo\"); }",
	  "tseries() expects one of the following aggregation functions: "
	  "avg, max, min, sum (\"foo\" provided)" },
	{ "begin { @=tseries(1,\"1s\",0); }",
	  "tseries: invalid interval_ns value (must be non-negative "
	  "literal)" },
	{ "begin { @=tseries(1,0,5); }", "tseries() interval_ns must be >= 1 (0 provided)" },
	{ "begin { @=tseries(1,5,0); }", "tseries() num_intervals must be >= 1 (0 provided)" },
	{ "begin { $x = count(); }", "count() must be assigned directly to a map" },
	{ "begin {count();}", "count() must be assigned directly to a map" },
	{ "begin { print(count()); }", "count() must be assigned directly to a map" },
	{ "begin { str(); }", "str() requires at least one argument (0 provided)" },
	{ "begin { str((1,2)); }", "str() expects a string, integer or a pointer type as first "
				   "argument ((int8,int8) provided)" },
	{ "begin { print(str(comm,-1)); exit(); }", "str cannot use negative length (-1)" },
	{ "begin { print(str(comm,\"a\")); exit(); }",
	  "str() only supports int arguments (string provided)" },
	{ "begin { clear(1); }", "clear() expects a map argument" },
	{ "begin { clear(@a); }", "Undefined map: @a" },
	{ "begin { @a[1]=1; clear(@a[1]); }", "clear() expects a map argument" },
	{ "begin { print(@a[1],2); @a[1]=1;}", "Non-map print() only takes 1 argument, 2 found" },
	{ "begin { @a[1]=1; print(@a,\"b\"); }",
	  "print() expects a int literal (string provided)" },
	{ "begin { print(1,2); }", "Non-map print() only takes 1 argument, 2 found" },
	{ "begin { has_key(@a,1); }", "Undefined map: @a" },
	{ "begin { @a=1; $x = has_key(@a,1); }",
	  "call to has_key() expects a map with explicit keys (non-scalar "
	  "map)" },
	{ "begin { @a=1; $x = len(@a); }",
	  "call to len() expects a map with explicit keys (non-scalar map)" },
	{ "begin { @a[1]=1; $x= has_key(@a,\"x\"); }",
	  "Argument mismatch for @a: trying to access with arguments: "
	  "'string[2]' when map expects arguments: 'int8'" },
	{ "begin { @a[1]=1; $x=delete(@a); }",
	  "call to delete() with a single argument expects a map without "
	  "explicit keys (scalar map)" },
	{ "begin { @a[1,2]=1; $x=delete(@a,1); }",
	  "Argument mismatch for @a: trying to access with arguments: "
	  "'int8' when map expects arguments: '(int8,int8)'" },
	{ "begin { @a=1; $x=delete(@a,1); }",
	  "call to delete() with two arguments expects a map with explicit "
	  "keys (non-scalar map)" },
	{ "begin { print(arg0); }", "The arg0 builtin can not be used with 'begin' probes" },
	{ "begin { print(args); }", "The args builtin can not be used with 'begin' probes" },
	{ "begin { print(retval); }", "The retval builtin can not be used with 'begin' probes" },
	{ "begin { print(func); }", "The func builtin can not be used with 'begin' probes" },
	{ "begin { print(ctx); }", "The ctx builtin can not be used with 'begin' probes" },
	{ "begin { print(reg(\"ip\")); }", "The reg builtin can not be used with 'begin' probes" },
	{ "begin { print(path((uint8*)1)); }",
	  "The path function can only be used with 'fentry', 'fexit', "
	  "'iter' probes" },
	{ "begin { print(kstack(build_id)); }",
	  "'build_id' stack mode can only be used for ustack" },
	{ "begin { print(kstack(foo)); }",
	  "Error parsing stack mode: kstack: Invalid value for stack_mode: "
	  "valid values are bpftrace, raw, perf, and build_id." },
	{ "begin { print(kstack(2000)); }",
	  "kstack([int limit]): limit shouldn't exceed 1024, 2000 given" },
	{ "begin { print(kstack(perf,3,4)); }", "kstack() takes up to 2 arguments (3 provided)" },
	{ "begin { print(nsecs(foo)); }", "Invalid timestamp mode: foo" },
	{ "begin { print(pid(foo)); }",
	  "Invalid PID namespace mode: foo (expects: curr_ns or init)" },
	{ "begin { print(bswap(\"a\")); }",
	  "bswap() only supports integer arguments (string provided)" },
	{ "begin { print(pton(\"foo\")); }",
	  "pton() expects an string argument of an IPv4/IPv6 address, got "
	  "foo" },
	{ "begin { print(pton(comm)); }",
	  "pton() expects an string literal at the first argument" },
	{ "begin { print(macaddr(\"abcdef\")); }",
	  "macaddr() does not support literal string arguments" },
	{ "begin { print(strerror(\"a\")); }",
	  "strerror() only supports int arguments (string provided)" },
	{ "begin { print(strncmp(\"a\",\"b\")); }", "strncmp() requires 3 arguments (2 provided)" },
	{ "begin { print(strncmp(\"a\",\"b\",-1)); }",
	  "Builtin strncmp requires a non-negative literal" },
	{ "begin { print(strncmp(1,\"b\",1)); }",
	  "strncmp() only supports string arguments (int provided)" },
	{ "begin { print(strlen(1)); }",
	  "strlen() expects a string, an array or a pointer of char (int8 "
	  "provided)" },
	{ "begin { print(strcontains(1,\"b\")); }",
	  "strcontains() expects a string, an array or a pointer of char "
	  "(int8 provided)" },
	{ "begin { print(ksym(\"a\")); }", "ksym() expects an integer or pointer argument" },
	{ "begin { print(kaddr(1)); }", "kaddr() expects a string literal (int provided)" },
	{ "begin { print(usym(\"a\")); }", "usym() expects an integer or pointer argument" },
	{ "begin { print(buf(1)); }", "buf() expects a length argument for non-array type int" },
	{ "begin { print(buf((1,2))); }",
	  "buf() expects an integer, string, or array argument but saw "
	  "tuple" },
	{ "begin { print(buf(\"abc\",-1)); }", "buf cannot use negative length (-1)" },
	{ "begin { join(\"a\"); }",
	  "join() only supports int or pointer arguments (string provided)" },
	{ "begin { time(1); }", "time() expects a string literal (int provided)" },
	{ "begin { strftime(\"%H\", -1); }", "strftime() does not accept negative timestamps" },
	{ "begin { strftime(\"%H\", \"a\"); }",
	  "strftime() only supports int arguments (string provided)" },
	{ "begin { strftime(comm, nsecs); }",
	  "strftime() expects a string literal (string provided)" },
	{ "begin { static_assert(1 == 2, \"nope\"); }", "nope" },
	{ "begin { fail(\"a %d %s\", 1, \"x\"); }", "a 1 x" },
	{ "begin { getopt(1); }", "First argument to 'getopt' must be a string literal." },
	{ "begin { unwatch(\"a\"); }", "unwatch() only supports int arguments (string provided)" },
	{ "begin { kptr(\"a\"); }", "kptr() only supports integer or pointer arguments (string "
				    "provided)" },
	{ "begin { if (strftime(\"%Y\", nsecs) == \"a\") { } }",
	  "Type mismatch for '==': comparing timestamp with string[2]" },
	{ "begin { @=hist(true); }", "hist() only supports int arguments (bool provided)" },
	{ "begin { @=sum(true); }", "sum() only supports integer arguments (bool provided)" },
	{ "begin { exit(true); }", "exit() only supports int arguments (bool provided)" },
	{ "begin { print(bswap(true)); }",
	  "bswap() only supports integer arguments (bool provided)" },
	{ "begin { print(strerror(true)); exit(); }",
	  "strerror() only supports int arguments (bool provided)" },
};

static void wrong_calls_are_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		_cleanup_checked_ struct checked c;

		check_open(&c, scripts[i].script, NULL, 0);
		if (!c.err || !strstr(buf_str(&c.text), scripts[i].error))
			print_error("%s\n%s", scripts[i].script, buf_str(&c.text));
		assert_int_equal(c.err, -EINVAL);
		assert_non_null(strstr(buf_str(&c.text), scripts[i].error));
	}
}

static void unsafe_calls_want_to_be_allowed(void **state)
{
	static const char *const unsafe[] = {
		"begin { system(\"true\"); }",
		"interval:s:1 { signal(9); }",
		"interval:s:1 { signal_thread(\"SIGKILL\"); }",
		"interval:s:1 { $x = write_user((uint8 *)0, \"a\", 1); }",
	};

	for (size_t i = 0; i < ARRAY_SIZE(unsafe); i++) {
		_cleanup_checked_ struct checked c;

		check_open(&c, unsafe[i], NULL, 0);
		assert_non_null(strstr(buf_str(&c.text), "unsafe function"));
	}
}

TEST_GROUP(test_builtin_refuses)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_calls_are_refused),
		cmocka_unit_test(unsafe_calls_want_to_be_allowed),
	};

	return cmocka_run_group_tests_name("built-ins that are refused", tests, NULL, NULL);
}
