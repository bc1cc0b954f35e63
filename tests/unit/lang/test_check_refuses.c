// SPDX-License-Identifier: Apache-2.0
/*
 * Scripts that are wrong, by the reference's judgement, and what is said about them. The words are
 * its words where they are good.
 */
#include "unit/lang/check_fixture.h"

static const struct {
	const char *script, *error;
} scripts[] = {
	{ "BEGIN { $t = (1, \"abc\"); $t = (300, \"abcdef\"); @t = $t; "
	  "@t[1,\"a\"] = 2; @t2[(1,2)] = 1; @t2[300,4] = 1; }",
	  "@t used as a map with an explicit key (non-scalar map), previously "
	  "used without an explicit key (scalar map)" },
	{ "BEGIN { $a = pid; $b = tid; $c = nsecs; $d = comm; $e = cpu; $f = "
	  "curtask; $g = uid; $h = elapsed; $i = rand; $j = cgroup; $k = ncpus; "
	  "$l = probe; $m = ctx; }",
	  "The ctx builtin can not be used with 'begin' probes" },
	{ "BEGIN { let $a: int8 = 300; }",
	  "Type mismatch for $a: trying to assign value of type 'int16' when "
	  "variable already has a type 'int8'" },
	{ "BEGIN { $x = 1 + 2 * 3; $y = -5 / 2; $z = 7 % 3; $w = 1 << 10; $v = "
	  "(1 == 1); $u = 5 > 3 ? 10 : 20; $q = \"a\" == \"b\"; $t = "
	  "0x7fffffffffffffff + 1; $s = -1 >> 1; $r = 18446744073709551615 + 1; "
	  "print($t) }",
	  "unable to fold literals due to overflow or underflow" },
	{ "BEGIN { $a = 1; $a = \"s\"; }",
	  "Type mismatch for $a: trying to assign value of type 'string[2]' when "
	  "variable already has a type 'int8'" },
	{ "BEGIN { @a = 1; @a = \"s\"; }",
	  "Type mismatch for @a: trying to assign value of type 'string[2]' when "
	  "map already has a type 'int8'" },
	{ "BEGIN { $a = true; $a = 1; }",
	  "Type mismatch for $a: trying to assign value of type 'int8' when "
	  "variable already has a type 'bool'" },
	{ "BEGIN { $a = 1; $a = true; }",
	  "Type mismatch for $a: trying to assign value of type 'bool' when "
	  "variable already has a type 'int8'" },
	{ "BEGIN { $a = curtask; $a = 1; }",
	  "Type mismatch for $a: trying to assign value of type 'int8' when "
	  "variable already has a type 'struct task_struct *'" },
	{ "BEGIN { $a = 1; $a = curtask; }",
	  "Type mismatch for $a: trying to assign value of type 'struct "
	  "task_struct *' when variable already has a type 'int8'" },
	{ "BEGIN { @a = curtask; @a = 0; }",
	  "Type mismatch for @a: trying to assign value of type 'int8' when map "
	  "already has a type 'struct task_struct *'" },
	{ "BEGIN { @a[1] = 1; @a[\"s\"] = 1; }",
	  "Argument mismatch for @a: trying to access with arguments: "
	  "'string[2]' when map expects arguments: 'int8'" },
	{ "BEGIN { @a[1] = 1; @a[1,2] = 1; }",
	  "Argument mismatch for @a: trying to access with arguments: "
	  "'(int8,int8)' when map expects arguments: 'int8'" },
	{ "BEGIN { @a[1] = 1; print(@a[\"x\"]); }",
	  "Argument mismatch for @a: trying to access with arguments: "
	  "'string[2]' when map expects arguments: 'int8'" },
	{ "BEGIN { print(@a); }", "Undefined map: @a" },
	{ "BEGIN { print($x); }", "Undefined or undeclared variable: $x" },
	{ "BEGIN { $x = $y + 1; @a = @b + 1; }", "Undefined or undeclared variable: $y" },
	{ "BEGIN { @a = count(); @a = 1; }",
	  "Type mismatch for @a: trying to assign value of type 'int8' when map "
	  "already has a type 'count_t'" },
	{ "BEGIN { @a = 1; @a = count(); }",
	  "Type mismatch for @a: trying to assign value of type 'count_t' when "
	  "map already has a type 'int8'" },
	{ "BEGIN { @a = count(); @a = sum(1); }",
	  "Type mismatch for @a: trying to assign value of type 'sum_t' when map "
	  "already has a type 'count_t'" },
	{ "BEGIN { $a = count(); }", "count() must be assigned directly to a map" },
	{ "BEGIN { count(); }", "count() must be assigned directly to a map" },
	{ "BEGIN { @a += count(); }", "count() must be assigned directly to a map" },
	{ "BEGIN { @a = count(); @a++; }",
	  "Type mismatch for @a: trying to assign value of type 'int64' when map "
	  "already has a type 'count_t'" },
	{ "BEGIN { @a = count(); $b = @a; @c = @a; }",
	  "Map value 'count_t' cannot be assigned from one map to another. The "
	  "function that returns this type must be called directly e.g. `@c = "
	  "count();`." },
	{ "BEGIN { @a = hist(1); $b = @a; }",
	  "Value 'hist_t' cannot be assigned to a scratch variable." },
	{ "BEGIN { @a = stats(1); $b = @a; }",
	  "Value 'stats_t' cannot be assigned to a scratch variable." },
	{ "BEGIN { @a = hist(1); @b = @a; }",
	  "Map value 'hist_t' cannot be assigned from one map to another. The "
	  "function that returns this type must be called directly e.g. `@b = "
	  "hist(retval);`." },
	{ "BEGIN { @a = count(); if (@a == 1) { } if (@a) { } $b = @a ? 1 : 2; "
	  "printf(\"%d\", @a); }",
	  "Invalid condition: count_t" },
	{ "BEGIN { @a = hist(1); if (@a) {} }", "Invalid condition: hist_t" },
	{ "BEGIN { if (1) { $x = 1; } print($x); }", "Undefined or undeclared variable: $x" },
	{ "BEGIN { if (1) { let $x = 1; } print($x); }", "Undefined or undeclared variable: $x" },
	{ "BEGIN { $x = 1; if (1) { let $x = 1; } }", "This is the initial assignment." },
	{ "BEGIN { let $x = 1; let $x = 2; }", "This is the initial declaration." },
	{ "BEGIN { $x = 1; let $x = 2; }", "This is the initial assignment." },
	{ "BEGIN { let $x; print($x); }", "Could not resolve the type of this variable" },
	{ "BEGIN { $x = 1; { $y = 2; } print($y); }", "Undefined or undeclared variable: $y" },
	{ "BEGIN { $x++; }", "Undefined or undeclared variable: $x" },
	{ "BEGIN { $x += 1; }", "Undefined or undeclared variable: $x" },
	{ "BEGIN { $x = 1; $x += \"a\"; }", "left (int8)" },
	{ "BEGIN { foo(); }", "Unknown function: 'foo'" },
	{ "BEGIN { prntf(\"x\"); }", "Unknown function: 'prntf'" },
	{ "BEGIN { $x = pidd; }", "Unknown identifier: 'pidd'" },
	{ "BEGIN { $x = foo; }", "Unknown identifier: 'foo'" },
	{ "BEGIN { printf(); }", "printf() requires at least one argument (0 provided)" },
	{ "BEGIN { printf(1); }", "printf() expects a string literal (int provided)" },
	{ "BEGIN { printf(\"%d\"); }",
	  "not enough arguments for format string (0 supplied, 1 expected)" },
	{ "BEGIN { printf(\"%d\", \"a\"); }",
	  "unsupported format specifier for type 'string[2]': d" },
	{ "BEGIN { break; }", "'break' statement is not allowed in a probe" },
	{ "BEGIN { continue; }", "'continue' statement is not allowed in a probe" },
	{ "BEGIN { unroll(0) { } }", "unroll minimum value is 1" },
	{ "BEGIN { unroll(101) { } }", "unroll maximum value is 100" },
	{ "BEGIN { unroll(pid) { } }", "invalid unroll value" },
	{ "BEGIN { $a = 3; unroll($a) { } }", "invalid unroll value" },
	{ "BEGIN { unroll($1) { print(1);} }", "unroll minimum value is 1" },
	{ "BEGIN { unroll(\"a\") { } }", "invalid unroll value" },
	{ "BEGIN { $a = 1; $p = &$a; $v = *$p; print(*$p); $q = $p + 1; $r = "
	  "$p[0]; $s = $p - $p; }",
	  "The - operator can not be used on expressions of types int8 *, int8 *" },
	{ "BEGIN { $t = (struct task_struct *)1; $x = $t->nosuch; }",
	  "Struct/union of type 'struct task_struct' does not contain a field "
	  "named 'nosuch'" },
	{ "BEGIN { $t = (struct task_struct *)1; $x = $t->pidd; }",
	  "Struct/union of type 'struct task_struct' does not contain a field "
	  "named 'pidd'" },
	{ "BEGIN { $t = (struct nosuch *)1; }", "Cannot resolve unknown type \"struct nosuch\"" },
	{ "BEGIN { $t = (nosuch)1; }", "Cannot resolve unknown type \"nosuch\"" },
	{ "BEGIN { $x = 1; $x.foo; }", "Can not access field 'foo' on expression of type 'int8'" },
	{ "BEGIN { $x = 1; $y = $x.foo; }",
	  "Can not access field 'foo' on expression of type 'int8'" },
	{ "BEGIN { $x = 1; $y = $x->foo; }",
	  "Can not access field 'foo' on expression of type 'int8'" },
	{ "BEGIN { $x = 1; $y = $x[0]; }",
	  "The array index operator [] can only be used on arrays, pointers, and "
	  "tuples, found int8." },
	{ "BEGIN { $t = (1,2); $y = $t.2; }",
	  "Invalid tuple index: 2. Found 2 elements in tuple." },
	{ "BEGIN { $t = (1,2); $y = $t.x; }",
	  "Can not access field 'x' on expression of type '(int8,int8)'" },
	{ "BEGIN { $t = (a=1,b=\"x\"); $y = $t.c; }", "Record does not contain a field named 'c'" },
	{ "BEGIN { $t = (a=1,b=2); $t = (1,2); }",
	  "Type mismatch for $t: trying to assign value of type '(int8,int8)' "
	  "when variable already has a type 'record { .a = int8, .b = int8 }'" },
	{ "BEGIN { $t = (1,2); $u = (1,2); $x = $t == $u; $y = $t < $u; }",
	  "The < operator can not be used on expressions of types (int8,int8), "
	  "(int8,int8)" },
	{ "BEGIN { $t = (1,2); $u = (1,\"a\"); $x = $t == $u; }",
	  "Type mismatch for '==': comparing (int8,int8) with (int8,string[2])" },
	{ "BEGIN { $t = (1,2); $x = $t == 1; }",
	  "Type mismatch for '==': comparing (int8,int8) with int8" },
	{ "BEGIN { $x = \"a\" == 1; }", "Type mismatch for '==': comparing string[2] with int8" },
	{ "BEGIN { $x = \"abc\"; $y = \"abcdef\"; $z = $x == $y; $w = $x != "
	  "\"abc\"; $v = comm == \"sh\"; if ($x) {} $u = !$x; $q = $x && $y; $r "
	  "= $x ? 1 : 2; }",
	  "The ! operator can not be used on expressions of type 'string[4]'" },
	{ "BEGIN { $x = (int32)\"abc\"; }", "Cannot cast from \"string[4]\" to \"int32\"" },
	{ "BEGIN { $x = (string[16])\"abc\"; $y = (string)\"abc\"; $z = "
	  "(string[2])\"abc\"; }",
	  "Cannot cast from \"string[4]\" to \"string\"" },
	{ "BEGIN { $x = (struct task_struct)1; }",
	  "Cannot cast from \"int8\" to \"struct task_struct\"" },
	{ "BEGIN { $x = (uint8*)\"abc\"; $y = (uint64)comm; }",
	  "Cannot cast from \"string[16]\" to \"uint64\"" },
	{ "BEGIN { $p = (int32*)1; $q = $p + 1; $r = 1 + $p; $s = $p - 1; $t = "
	  "$p - $q; $u = $p == $q; $v = $p == 0; $w = $p < $q; $x = !$p; $p++; "
	  "$p += 4; $y = $p & 1; }",
	  "The - operator can not be used on expressions of types int32 *, int32 "
	  "*" },
	{ "BEGIN { $p = (int32*)1; $y = $p * 2; }",
	  "The * operator can not be used on expressions of types int32 *, int8" },
	{ "BEGIN { $p = (int32*)1; $q = (int64*)1; $y = $p - $q; }",
	  "The - operator can not be used on expressions of types int32 *, int64 "
	  "*" },
	{ "BEGIN { $x = 1; let $y: typeof($x) = 2; $z = (typeof($y))3; "
	  "print(typeinfo($x)); $a = typeinfo($x); }",
	  "typeinfo feature is not enabled by default. To enable this unstable "
	  "feature, set the config flag to enable. unstable_typeinfo=enable" },
	{ "BEGIN { $x = typeinfo(1).full_type; print(typeinfo(\"abc\")); if "
	  "comptime (typeinfo(1).base_type == \"int\") { print(1); } }",
	  "typeinfo feature is not enabled by default. To enable this unstable "
	  "feature, set the config flag to enable. unstable_typeinfo=enable" },
	{ "BEGIN { $x = comptime 1 + 2; $y = comptime (pid); }",
	  "Unable to resolve comptime expression" },
	{ "BEGIN { if comptime (pid == 2) { print(2); } else { print(1); } }",
	  "Unable to resolve comptime expression" },
	{ "BEGIN { $x = pid ? \"a\" : \"bcd\"; $y = pid ? 1 : \"a\"; }",
	  "Branches must return the same type or compatible types: have 'int8' "
	  "and 'string[2]'" },
	{ "BEGIN { $y = pid ? (1,2) : (300,4); $z = pid ? true : 1; }",
	  "Branches must return the same type or compatible types: have 'bool' "
	  "and 'int8'" },
	{ "BEGIN { $z = pid ? print(1) : print(2); }",
	  "Value 'void' cannot be assigned to a scratch variable." },
	{ "BEGIN { @x[1] = 1; delete(@x[1]); delete(@x, 1); delete(@x); "
	  "clear(@x); zero(@x); $a = len(@x); $b = has_key(@x, 1); $c = "
	  "has_key(@x, \"a\"); }",
	  "Argument mismatch for @x: trying to access with arguments: "
	  "'string[2]' when map expects arguments: 'int8'" },
	{ "BEGIN { @x = 1; delete(@x); $a = len(@x); }",
	  "call to len() expects a map with explicit keys (non-scalar map)" },
	{ "BEGIN { @x = 1; $a = has_key(@x, 1); }",
	  "call to has_key() expects a map with explicit keys (non-scalar map)" },
	{ "BEGIN { @x = 1; for ($kv : @x) { } }",
	  "@x has no explicit keys (scalar map), and cannot be used for iteration" },
	{ "BEGIN { for ($kv : @x) { } }", "Undefined map: @x" },
	{ "BEGIN { for ($i : \"a\"..5) { } }",
	  "Loop range requires an integer for the start value" },
	{ "BEGIN { $i = 1; for ($i : 0..5) { } }", "This is the initial assignment." },
	{ "BEGIN { while ($x < 5) { $x++; } }", "Undefined or undeclared variable: $x" },
	{ "BEGIN { @x = hist(5); for ($kv : @x) { } }",
	  "@x has no explicit keys (scalar map), and cannot be used for iteration" },
	{ "BEGIN { @x[1] = hist(5); for ($kv : @x) { print($kv); } }",
	  "Loop expression does not support type: hist_t" },
	{ "BEGIN { @x[1] = count(); for ($kv : @x) { print($kv.1); $a = $kv.1 + "
	  "1; @y[$kv.0] = $kv.1; } }",
	  "Map value 'count_t' cannot be assigned from one map to another. The "
	  "function that returns this type must be called directly e.g. `@y = "
	  "count();`." },
	{ "BEGIN { $a = 0xffffffffffffffff; $a = -1; }",
	  "Type mismatch for $a: trying to assign value of type 'int8' when "
	  "variable already has a type 'uint64'" },
	{ "BEGIN { $a = true < false; $b = -true; $c = !true; $d = ~true; }",
	  "The - operator can not be used on expressions of type 'bool'" },
	{ "BEGIN { $a = \"abc\" + 1; $b = 1 + \"abc\"; $c = \"abc\" == \"abc\"; "
	  "$d = \"abc\" != \"x\"; $e = \"abc\" > \"abd\"; $f = \"a\" && 1; $g = "
	  "!\"a\"; }",
	  "The ! operator can not be used on expressions of type 'string[2]'" },
	{ "BEGIN { $a = \"a\" - \"b\"; }", "illegal literal operation with strings" },
	{ "BEGIN { $a = 1 / 0; }", "unable to fold literals due to overflow or underflow" },
	{ "BEGIN { $a = 1 % 0; }", "unable to fold literals due to overflow or underflow" },
	{ "BEGIN { $a = 1 << 64; $b = 1 << 63; $c = 1 << -1; }",
	  "unable to fold literals due to overflow or underflow" },
	{ "BEGIN { $a = -9223372036854775807 - 2; }",
	  "unable to fold literals due to overflow or underflow" },
	{ "BEGIN { $a = comm; $b = $a[0]; $c = $a + 1; }",
	  "Type mismatch for '+': comparing string[16] with int8" },
	{ "BEGIN { $a = $a + 1; }", "Undefined or undeclared variable: $a" },
	{ "BEGIN { let $x: uint8 = 1; $x = 256; }",
	  "Type mismatch for $x: trying to assign value of type 'int16' when "
	  "variable already has a type 'uint8'" },
	{ "BEGIN { let $x: uint16; $x = -1; }",
	  "Type mismatch for $x: trying to assign value of type 'int8' when "
	  "variable already has a type 'uint16'" },
	{ "BEGIN { let $x: string[4] = \"abc\"; $x = \"abcd\"; }",
	  "Type mismatch for $x: trying to assign value of type 'string[5]' when "
	  "variable already has a type 'string[4]'" },
	{ "BEGIN { let $x: bool = 1; }",
	  "Type mismatch for $x: trying to assign value of type 'int8' when "
	  "variable already has a type 'bool'" },
	{ "BEGIN { let $x: bool = true; let $y: int32* = 0; }",
	  "Type mismatch for $y: trying to assign value of type 'int8' when "
	  "variable already has a type 'int32 *'" },
	{ "BEGIN { let $x: struct nosuch; }", "Cannot resolve unknown type \"struct nosuch\"" },
	{ "BEGIN { let $x: void; }", "Invalid variable declaration type: void" },
	{ "BEGIN { let $x: count_t; }", "Invalid variable declaration type: count_t" },
	{ "BEGIN { let $x: enum pid_type = 1; }",
	  "Type mismatch for $x: trying to assign value of type 'int8' when "
	  "variable already has a type 'enum pid_type'" },
	{ "BEGIN { @x++; @x = \"a\"; }",
	  "Type mismatch for @x: trying to assign value of type 'string[2]' when "
	  "map already has a type 'int64'" },
	{ "BEGIN { $p = (int64*)1; $p = (int32*)1; $q = (int8*)1; $q = (struct "
	  "task_struct *)2; $r = (void*)1; $r = (int32*)1; $s = (int32*)1; $s = "
	  "(void*)1; }",
	  "Type mismatch for $q: trying to assign value of type 'struct "
	  "task_struct *' when variable already has a type 'int8 *'" },
	{ "BEGIN { $a = (int8[4])1; $a = (int8[8])2; }",
	  "Type mismatch for $a: trying to assign value of type 'int8[8]' when "
	  "variable already has a type 'int8[4]'" },
	{ "BEGIN { @x = kstack; @x = kstack(3); }",
	  "Type mismatch for @x: trying to assign value of type "
	  "'kstack_bpftrace_3' when map already has a type 'kstack_bpftrace_127'" },
	{ "BEGIN { @x = kstack; @x = ustack; }",
	  "Type mismatch for @x: trying to assign value of type "
	  "'ustack_bpftrace_127' when map already has a type "
	  "'kstack_bpftrace_127'" },
	{ "BEGIN { $a = kstack; $b = kstack(3); print($a); $b = $a; }",
	  "Type mismatch for $b: trying to assign value of type "
	  "'kstack_bpftrace_127' when variable already has a type "
	  "'kstack_bpftrace_3'" },
	{ "BEGIN { @h = hist(5,1); @h = hist(5,2); }",
	  "Different bits in a single hist unsupported" },
	{ "BEGIN { @h = lhist(5,0,10,1); @h = lhist(5,0,100,1); }",
	  "Different lhist bounds in a single map unsupported" },
	{ "BEGIN { @h = lhist(5,0,10,1); @h = hist(5); }",
	  "Type mismatch for @h: trying to assign value of type 'hist_t' when "
	  "map already has a type 'lhist_t'" },
	{ "BEGIN { if (kstack) { } if (curtask) { } if ((1,2)) { } }",
	  "Invalid condition: kstack_bpftrace_127" },
	{ "BEGIN { if (comm) { } if (PIDTYPE_PID) { } if (*curtask) { } }",
	  "Invalid condition: string" },
	{ "BEGIN { $a = curtask && 1; $b = comm && 1; $c = (1,2) && 1; }",
	  "Type mismatch for '&&': comparing string[16] with int8" },
	{ "BEGIN { $a = kstack && 1; }",
	  "Type mismatch for '&&': comparing kstack_bpftrace_127 with int8" },
	{ "BEGIN { @c = count(); $a = -@c; $b = ~@c; $c = !@c; }",
	  "The - operator can not be used on expressions of type 'count_t'" },
	{ "BEGIN { $a = (int8[4])1; $b = (int8[8])1; $c = $a == $b; }",
	  "Only arrays of same size support comparison operators." },
	{ "BEGIN { $a = (int8[4])1; $b = $a + 1; }",
	  "Type mismatch for '+': comparing int8[4] with int8" },
	{ "BEGIN { $a = (int8[4])1; $b = $a[4]; }",
	  "the index 4 is out of bounds for array of size 4" },
	{ "BEGIN { $a = (int8[4])1; $b = $a[-1]; }",
	  "The array index operator [] only accepts non-negative integer "
	  "indices. Got: int8" },
	{ "BEGIN { $a = (int8[4])1; $b = $a[pid]; $c = $a[\"x\"]; }",
	  "The array index operator [] only accepts non-negative integer "
	  "indices. Got: string[2]" },
	{ "BEGIN { $a = \"abc\" == comm; $b = comm < \"a\"; $c = comm == "
	  "curtask->comm; $d = comm == 1; }",
	  "The < operator can not be used on expressions of types string[16], "
	  "string[2]" },
	{ "BEGIN { $t = (1,2); $x = $t[2]; }",
	  "Invalid tuple index: 2. Found 2 elements in tuple." },
	{ "BEGIN { $t = (1,2); $x = $t[pid]; }",
	  "Array-style access for tuples only valid for integer literals" },
	{ "BEGIN { $t = (1,); $u = (); $v = (1); $w = ((1,2),); print(($t)); "
	  "@a[()] = 1; }",
	  "a tuple without members has no type" },
	{ "BEGIN { @x[count()] = 1; }", "count() must be assigned directly to a map" },
	{ "BEGIN { @c[1] = count(); @x[1] = @c[1]; }",
	  "Map value 'count_t' cannot be assigned from one map to another. The "
	  "function that returns this type must be called directly e.g. `@x = "
	  "count();`." },
	{ "BEGIN { @h = hist(1); $t = (1, @h); }", "Map type hist_t cannot exist inside a tuple." },
	{ "BEGIN { @x = print(1); }", "Value 'void' cannot be assigned to a map." },
	{ "BEGIN { $x = print(1); }", "Value 'void' cannot be assigned to a scratch variable." },
	{ "BEGIN { @x[print(1)] = 1; }", "Value 'void' cannot be used as a map key." },
	{ "BEGIN { 1 + print(1); }", "Type mismatch for '+': comparing int8 with void" },
	{ "BEGIN { if (print(1)) { } }", "Invalid condition: void" },
	{ "BEGIN { $x = *1; $y = *\"a\"; }",
	  "The * operator can not be used on expressions of type 'string[2]'" },
	{ "BEGIN { $x = *comm; }",
	  "The * operator can not be used on expressions of type 'string[16]'" },
	{ "BEGIN { $x = (1, 2); $p = &$x; $y = $p.0; $z = (*$p).1; }",
	  "Can not access index '0' on expression of type '(int8,int8) *'" },
	{ "BEGIN { $s = \"a\"; $s++; }",
	  "Type mismatch for $s: trying to assign value of type 'int64' when "
	  "variable already has a type 'string[2]'" },
	{ "BEGIN { $t = (1,2); $t++; }",
	  "Type mismatch for $t: trying to assign value of type 'int64' when "
	  "variable already has a type '(int8,int8)'" },
	{ "BEGIN { @s = \"a\"; @s++; }",
	  "Type mismatch for @s: trying to assign value of type 'int64' when map "
	  "already has a type 'string[2]'" },
	{ "BEGIN { $b = true; $b++; }",
	  "Type mismatch for $b: trying to assign value of type 'int64' when "
	  "variable already has a type 'bool'" },
	{ "BEGIN { $b = kstack; $b++; }",
	  "Type mismatch for $b: trying to assign value of type 'int64' when "
	  "variable already has a type 'kstack_bpftrace_127'" },
	{ "let @a = percpuhash(10); BEGIN { @a[1] = 1; }",
	  "Incompatible map types. Type from declaration: percpuhash. Type from "
	  "value/key type: hash" },
	{ "let @a = hash(10); BEGIN { @a[1] = count(); }",
	  "Incompatible map types. Type from declaration: hash. Type from "
	  "value/key type: percpuhash" },
	{ "let @a = lruhash(10); BEGIN { @a[1] = count(); }",
	  "Incompatible map types. Type from declaration: lruhash. Type from "
	  "value/key type: percpuhash" },
	{ "let @a = foo(10); BEGIN { @a[1] = count(); }", "Invalid bpf map type: foo" },
	{ "let @a = hash(0); BEGIN { @a[1] = 1; }",
	  "the size of a map is between 1 and 2147483647" },
	{ "let @a = percpuarray(10); BEGIN { @a[1] = 1; }", "Invalid bpf map type: percpuarray" },
	{ "BEGIN { $x = (int8[2])(int32)1; }", "Cannot cast from \"int32\" to \"int8[2]\"" },
	{ "BEGIN { $x = (int16[2])(int32)1; $y = (int32)$x; $z = (int64)$x; }",
	  "Cannot cast from \"int16[2]\" to \"int64\"" },
	{ "BEGIN { $x = (int16[2])(int32)1; $z = (int16)$x; }",
	  "Cannot cast from \"int16[2]\" to \"int16\"" },
	{ "BEGIN { $x = (int8[4])1; $z = (uint8[4])$x; }",
	  "Cannot cast from \"int8[4]\" to \"uint8[4]\"" },
	{ "BEGIN { $x = (int8[4])1; $z = (string)$x; }",
	  "Cannot cast from \"int8[4]\" to \"string\"" },
	{ "BEGIN { $x = (int8[4])1; $z = (string[4])$x; }",
	  "Cannot cast from \"int8[4]\" to \"string[4]\"" },
	{ "BEGIN { $x = (int8[4])1; $z = (string[5])$x; }",
	  "Cannot cast from \"int8[4]\" to \"string[5]\"" },
	{ "BEGIN { $x = comm; $y = (int8[4])$x; }",
	  "Cannot cast from \"string[16]\" to \"int8[4]\"" },
	{ "BEGIN { $x = (uint64)ksym(1); }", "Cannot cast from \"ksym_t\" to \"uint64\"" },
	{ "BEGIN { $x = (uint64)kstack; }",
	  "Cannot cast from \"kstack_bpftrace_127\" to \"uint64\"" },
	{ "BEGIN { $x = (uint64)ntop(1); }", "Cannot cast from \"inet[24]\" to \"uint64\"" },
	{ "BEGIN { $x = (uint64)(1,2); }", "Cannot cast from \"(int8,int8)\" to \"uint64\"" },
	{ "BEGIN { $x = (struct task_struct)*curtask; }",
	  "Cannot cast from \"struct task_struct\" to \"struct task_struct\"" },
	{ "BEGIN { $x = (string[20])comm; $y = (string[10])comm; }",
	  "Cannot cast from \"string[16]\" to \"string[10]\"" },
	{ "BEGIN { @h = hist(1); $x = (int64)@h; }", "Cannot cast from \"hist_t\" to \"int64\"" },
	{ "BEGIN { @h = stats(1); $x = (int64)@h; }", "Cannot cast from \"stats_t\" to \"int64\"" },
	{ "BEGIN { $x = (void)1; }", "Cannot cast from \"int8\" to \"void\"" },
	{ "BEGIN { $x = (int32)print(1); }", "Cannot cast from \"void\" to \"int32\"" },
	{ "BEGIN { $x = (count_t)1; }", "Cannot cast from \"int8\" to \"count_t\"" },
	{ "BEGIN { $a = (int32)-1; $x = (int8[4])1; $y = $x[$a]; $z = "
	  "$x[(int64)2]; }",
	  "The array index operator [] only accepts non-negative integer "
	  "indices. Got: int32" },
	{ "BEGIN { $p = (int32*)1; $y = $p[-1]; }",
	  "The array index operator [] only accepts non-negative integer "
	  "indices. Got: int8" },
	{ "BEGIN { $p = (int32*)1; $a = (int32)1; $y = $p[$a]; }",
	  "The array index operator [] only accepts non-negative integer "
	  "indices. Got: int32" },
	{ "BEGIN { $s = \"abc\"; $y = $s[3]; $z = $s[10]; }",
	  "the index 10 is out of bounds for array of size 4" },
	{ "BEGIN { $s = \"abc\"; $y = $s[4]; }",
	  "the index 4 is out of bounds for array of size 4" },
	{ "BEGIN { $p = &$q; $q = 1; }", "Undefined or undeclared variable: $q" },
	{ "BEGIN { unroll(3) { break; } }", "'break' statement is not allowed in a probe" },
	{ "BEGIN { unroll(3) { continue; print(1); } }",
	  "'continue' statement is not allowed in a probe" },
	{ "BEGIN { return \"a\"; }", "Probe return values can only be integers. Found string[2]" },
	{ "BEGIN { return (1,2); }",
	  "Probe return values can only be integers. Found (int8,int8)" },
	{ "BEGIN { @a[1] = stats(1); for ($kv : @a) { } }",
	  "Loop expression does not support type: stats_t" },
	{ "BEGIN { @a[1] = 1; for ($kv : @a) { $kv = 1; } }",
	  "Type mismatch for $kv: trying to assign value of type 'int8' when "
	  "variable already has a type '(int8,int8)'" },
	{ "BEGIN { for ($i : 0..true) { } }", "Loop range requires an integer for the end value" },
	{ "BEGIN { for ($i : 0..(1,2)) { } }", "Loop range requires an integer for the end value" },
	{ "BEGIN { @x[$y] = 1; }", "Undefined or undeclared variable: $y" },
	{ "BEGIN { delete(@x, 1); }", "Undefined map: @x" },
	{ "BEGIN { clear(@x); }", "Undefined map: @x" },
	{ "BEGIN { $a = len(@x); }", "Undefined map: @x" },
	{ "BEGIN { $x = \"a\"; } END { print($x); }", "Undefined or undeclared variable: $x" },
	{ "BEGIN / comm / { }", "Invalid condition: string" },
	{ "BEGIN / (1,2) / { }", "Invalid condition: (int8,int8)" },
	{ "BEGIN / $x / { $x = 1; }", "Undefined or undeclared variable: $x" },
	{ "BEGIN { print(()); }", "a tuple without members has no type" },
	{ "BEGIN { print((1,())); }", "a tuple without members has no type" },
	{ "BEGIN { $a = pid; $a += \"x\"; }", "left (uint32)" },
	{ "BEGIN { @a = \"x\"; @a += 1; }", "left (string[2])" },
	{ "BEGIN { $x = 1; $x = $x == 1; }",
	  "Type mismatch for $x: trying to assign value of type 'bool' when "
	  "variable already has a type 'int8'" },
	{ "BEGIN { $x = 1; if ($x == \"a\") { } }",
	  "Type mismatch for '==': comparing int8 with string[2]" },
	{ "struct foo { int a; char b[8]; struct { int c; } d; int e:3; }; BEGIN "
	  "{ $x = (struct foo *)0; $y = $x->a; $z = $x->b; $w = $x->d.c; $v = "
	  "$x->e; $u = $x->nosuch; }",
	  "Struct/union of type 'struct foo' does not contain a field named "
	  "'nosuch'" },
	{ "struct foo { struct foo *next; int v[4]; }; BEGIN { $x = (struct foo "
	  "*)0; $y = $x->next->next->v[2]; $z = $x->v; $w = $z[3]; $q = "
	  "$x->v[4]; }",
	  "the index 4 is out of bounds for array of size 4" },
	{ "BEGIN { $x = offsetof(struct task_struct, nosuch); }",
	  "'struct task_struct' has no field named 'nosuch'" },
	{ "BEGIN { $x = offsetof(struct nosuch, a); }",
	  "Cannot resolve unknown type \"struct nosuch\"" },
	{ "BEGIN { $x = sizeof(struct nosuch); }",
	  "Cannot resolve unknown type \"struct nosuch\"" },
	{ "BEGIN { $x = sizeof(nosuch); }", "Cannot resolve unknown type \"nosuch\"" },
	{ "BEGIN { $x = sizeof($y); }", "Undefined or undeclared variable: $y" },
	{ "BEGIN { let $x: string[5000] = \"abc\"; }",
	  "String type is too long (over 1024 bytes): string[5000]" },
	{ "BEGIN { let $x: int8[] = \"abc\"; }",
	  "Type mismatch for $x: trying to assign value of type 'string[4]' when "
	  "variable already has a type 'int8[0]'" },
	{ "BEGIN { let $x: string[4] = comm; }",
	  "Type mismatch for $x: trying to assign value of type 'string[16]' "
	  "when variable already has a type 'string[4]'" },
	{ "BEGIN { @a[1,comm,(2,\"b\")] = 1; @a[pid,\"x\",(3,\"bcd\")] = 2; "
	  "@a[1,2,3] = 1; }",
	  "Argument mismatch for @a: trying to access with arguments: "
	  "'(int8,int8,int8)' when map expects arguments: "
	  "'(uint32,string[16],(int8,string[4]))'" },
	{ "BEGIN { @a[1] = (1,\"a\"); @a[2] = (pid, comm); @a[3] = 1; }",
	  "Type mismatch for @a: trying to assign value of type 'int8' when map "
	  "already has a type '(uint32,string[16])'" },
	{ "BEGIN { $x = pid ?: 5; $y = comm ?: \"a\"; }", "Invalid condition: string" },
	{ "BEGIN { $x = pid ? (a=1) : (a=300); $y = pid ? (a=1) : (b=1); }",
	  "Branches must return the same type or compatible types: have 'record "
	  "{ .a = int8 }' and 'record { .b = int8 }'" },
	{ "BEGIN { $x = pid ? curtask : 0; }",
	  "Branches must return the same type or compatible types: have 'struct "
	  "task_struct *' and 'int8'" },
	{ "BEGIN { $x = pid ? kstack : kstack(3); }",
	  "Branches must return the same type or compatible types: have "
	  "'kstack_bpftrace_127' and 'kstack_bpftrace_3'" },
	{ "BEGIN { @h = hist(1); $x = pid ? @h : @h; }",
	  "Value 'hist_t' cannot be assigned to a scratch variable." },
	{ "BEGIN { for ($i : 0..2) { for ($i : 0..3) { } } }", "This is the loop variable." },
	{ "BEGIN { for ($i : 0..2) { let $i = 1; } }", "This is the loop variable." },
	{ "BEGIN { unroll(2) { $x = 1; } print($x); }", "Undefined or undeclared variable: $x" },
	{ "BEGIN { $a = 1; $p = &$a; $p = &$p; }",
	  "Type mismatch for $p: trying to assign value of type 'int8 * *' when "
	  "variable already has a type 'int8 *'" },
	{ "BEGIN { $a = &$b; }", "Undefined or undeclared variable: $b" },
	{ "BEGIN { $x = 1 == 1.5; }", "Can not access index '5' on expression of type 'int8'" },
	{ "BEGIN { return true; }", "Probe return values can only be integers. Found bool" },
	{ "BEGIN { return comm; }", "Probe return values can only be integers. Found string[16]" },
	{ "BEGIN { @c = count(); return @c; }",
	  "Probe return values can only be integers. Found count_t" },
	{ "BEGIN { @x = 1; @x[1] = 2; }",
	  "@x used as a map with an explicit key (non-scalar map), previously "
	  "used without an explicit key (scalar map)" },
	{ "BEGIN { @x[1] = 2; @x = 1; }",
	  "@x used as a map without an explicit key (scalar map), previously "
	  "used with an explicit key (non-scalar map)" },
	{ "BEGIN { @x[1] = 2; print(@x); clear(@x); print(@x[1]); delete(@x[2]); "
	  "$y = @x; }",
	  "@x used as a map without an explicit key (scalar map), previously "
	  "used with an explicit key (non-scalar map)" },
	{ "BEGIN { @x[comm] = count(); @y[comm] = @x[comm]; }",
	  "Map value 'count_t' cannot be assigned from one map to another. The "
	  "function that returns this type must be called directly e.g. `@y = "
	  "count();`." },
	{ "BEGIN { let $a; $a = 1; $a = \"b\"; }",
	  "Type mismatch for $a: trying to assign value of type 'string[2]' when "
	  "variable already has a type 'int8'" },
	{ "BEGIN { nosuch; }", "Unknown identifier: 'nosuch'" },
	{ "BEGIN { $x = nosuch(1).foo; }", "Unknown function: 'nosuch'" },
	{ "BEGIN { $x = PIDTYPE_PIDD; }", "Unknown identifier: 'PIDTYPE_PIDD'" },
	{ "BEGIN { $x = AF_INET; $y = SIGKILL; $z = EINVAL; }", "Unknown identifier: 'AF_INET'" },
	{ "tracepoint:syscalls:sys_enter_openat,tracepoint:syscalls:sys_enter_read "
	  "{ @[str(args.filename)] = count(); }",
	  "Struct/union of type 'struct tracepoint:syscalls:sys_enter_read_args' "
	  "does not contain a field named 'filename'" },
	{ "tracepoint:sched:sched_s* { @[args.comm] = count(); }",
	  "Struct/union of type 'struct "
	  "tracepoint:sched:sched_skip_vma_numa_args' does not contain a field "
	  "named 'comm'" },
	{ "tracepoint:raw_syscalls:sys_enter { @[args.id] = count(); $a = "
	  "args.args[0]; $b = args.args[6]; }",
	  "the index 6 is out of bounds for array of size 6" },
	{ "BEGIN { $a = 1; if comptime ($a == 1) { } }", "Unable to resolve comptime expression" },
	{ "BEGIN { $x = { print(1); 5 }; $y = { print(1); }; }",
	  "Value 'void' cannot be assigned to a scratch variable." },
	{ "BEGIN { $x = (a=1, a=2); }", "Duplicate record field: a" },
	{ "BEGIN { $x = (a=1, b=2) == (a=1, b=2); $y = (a=pid) == (b=pid); }",
	  "Type mismatch for '==': comparing record { .a = uint32 } with record "
	  "{ .b = uint32 }" },
	{ "BEGIN { $x = ((1, 2), 3) == ((1, 2), 3); $y = (pid, (1, 2)) == (pid, "
	  "1); }",
	  "Type mismatch for '==': comparing (uint32,(int8,int8)) with "
	  "(uint32,int8)" },
	{ "BEGIN { $x = (int8[4])1; $y = (int8[4])2; @a[$x] = $y; $z = $x != $y; "
	  "@b = $x; $w = @b[0]; }",
	  "@b used as a map with an explicit key (non-scalar map), previously "
	  "used without an explicit key (scalar map)" },
	{ "tracepoint:nosuch:foo { print(1); }", "No matches for tracepoint nosuch:foo." },
	{ "BEGIN { exit(1,2); }", "exit() takes up to one argument (2 provided)" },
	{ "BEGIN { exit(\"a\"); }", "exit() only supports int arguments (string provided)" },
	{ "BEGIN { str(); }", "str() requires at least one argument (0 provided)" },
	{ "BEGIN { @ = count(1); }", "count() requires no arguments (1 provided)" },
	{ "BEGIN { @ = hist(); }", "hist() requires at least one argument (0 provided)" },
	{ "BEGIN { system(\"ls\"); }", "system() is an unsafe function being used in safe mode" },
	{ "BEGIN { strftime(\"a\"); }", "strftime() requires 2 arguments (1 provided)" },
	{ "BEGIN { $x = kstack(1,2,3); }", "kstack() takes up to 2 arguments (3 provided)" },
	{ "BEGIN { print(); }", "print() requires at least one argument (0 provided)" },
	{ "BEGIN { print(1,2,3,4); }", "print() takes up to 3 arguments (4 provided)" },
	{ "BEGIN { signal(\"KILL\"); }", "signal() is an unsafe function being used in safe mode" },
	{ "interval:s:1 { $x = retval; }",
	  "The retval builtin can not be used with 'interval' probes" },
};

static void what_is_wrong_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		_cleanup_checked_ struct checked c;

		check_open(&c, scripts[i].script, NULL, 0);
		if (!c.err || !strstr(buf_str(&c.text), scripts[i].error))
			fail_msg("%s\nexpected: %s\ngot: %s", scripts[i].script, scripts[i].error,
				 buf_str(&c.text));
	}
}

TEST_GROUP(test_check_refuses)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_refused),
	};

	return cmocka_run_group_tests_name("check refuses", tests, NULL, NULL);
}
