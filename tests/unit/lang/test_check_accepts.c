// SPDX-License-Identifier: Apache-2.0
/*
 * Scripts that are right, by the reference's judgement: each was run with --dry-run there. What the
 * checker takes, the lowering must be able to translate.
 */
#include "unit/lang/check_fixture.h"

static const char *const scripts[] = {
	"BEGIN { @x = 1; @x = 300; }",
	"BEGIN { $a = 1; $a = 300; }",
	"BEGIN { $a = 1; $a = 128; print($a) }",
	"BEGIN { $a = 255; $b = 256; $c = 65536; $d = 4294967296; $e = "
	"0xffffffffffffffff; $f = -1; $g = -129; print(($a,$b,$c,$d,$e,$f,$g)) "
	"}",
	"BEGIN { $a = (int8)1; $b = (uint16)2; $c = $a + $b; $d = $a + $a; $e "
	"= $b * $b; $f = $b - $b; $g = $b / $b; $h = $a / $b; $i = $a == $b; "
	"print(($c,$d,$e,$f,$g,$h,$i)) }",
	"BEGIN { $a = (int8)1; $b = (uint64)2; $c = $a + $b; $d = $a < $b; $e "
	"= $a << $b; $f = -$a; $g = ~$a; $h = !$a; $i = -$b; $j = ~$b; "
	"print($c) }",
	"BEGIN { $a = 1; $a++; $b = $a--; $c = ++$a; @x++; $d = @x++; @y += 5; "
	"@z -= 5; @w |= 1; $e = @y + @z; }",
	"BEGIN { $a = true; $b = $a && 1; $c = $a || 0; $d = $a ? 1 : 2; $e = "
	"$a ? 1 : 300; $f = $a == true; $g = $a + 1;}",
	"BEGIN { $s = \"abc\"; $s = \"abcdefg\"; @s = \"a\"; @s = "
	"\"abcdefghi\"; $c = comm; @c = comm; $c = \"abc\"; }",
	"BEGIN { @a[1] = 1; @b[1,2] = 1; @c[\"abc\"] = 1; @c[\"abcdef\"] = 2; "
	"@d[pid] = 1; @d[1] = 3; }",
	"BEGIN { for ($i : 0..5) { print($i); } }",
	"BEGIN { @a[1] = 2; for ($kv : @a) { print($kv.0); @b[$kv.0] = $kv.1; "
	"print($kv); } }",
	"BEGIN { @a[1,\"ab\"] = (1,2); for ($kv : @a) { print($kv.0.1); "
	"print($kv.1.0) } }",
	"BEGIN { $a = $1; $b = str($1); $c = $#; }",
	"BEGIN { $a = (int32)1; $b = $a; $b = (int64)2; }",
	"BEGIN { let $a: int32 = 1; $a = 5; let $b: string[16] = \"abc\"; let "
	"$c: uint8; $c = 3; let $d; $d = 4; }",
	"BEGIN { $a = (uint8)1; $a = -1; }",
	"BEGIN { $a = pid; $a = 1; $b = 1; $b = pid; $c = pid; $c = nsecs; $d "
	"= pid; $d = (int8)1; }",
	"BEGIN { $a = pid; $a = -1; }",
	"BEGIN { $a = nsecs; $a = -1; }",
	"BEGIN { $a = nsecs; $a = (int64)1; }",
	"BEGIN { @a = nsecs; @a = (int64)1; }",
	"BEGIN { @a = (int64)1; @a = nsecs; }",
	"BEGIN { @a = pid; @a = -1; }",
	"BEGIN { @a[1] = 1; @a[nsecs] = 1; @a[-1] = 1; }",
	"BEGIN { @a[(uint32)1] = 1; @a[(int32)-1] = 1; }",
	"BEGIN { @b = @a; }",
	"BEGIN { printf(\"%d\", @a); @a = 1; }",
	"BEGIN { $x = 1; if (1) { $x = 2; } print($x); }",
	"BEGIN { let $x; }",
	"BEGIN { \"a\" + 1; }",
	"BEGIN { $x = \"a\" + \"b\"; }",
	"BEGIN { 1; }",
	"BEGIN { 1 + 2; }",
	"BEGIN { pid; }",
	"BEGIN { $x = 1; $x; }",
	"BEGIN { strlen(\"a\"); }",
	"BEGIN { nsecs(); }",
	"BEGIN { return 1; }",
	"BEGIN { return; print(1); }",
	"BEGIN { while (1) { break; print(1); } }",
	"BEGIN { unroll(100) { print(1); } }",
	"BEGIN { $t = curtask; $x = $t->pid; $y = $t->comm; $z = $t->mm->pgd; "
	"$w = $t.pid; $v = $t->se; $u = $t->se.load.weight; }",
	"BEGIN { $t = curtask; $x = *$t; $y = $x.pid; $z = $t[1].pid; @s = "
	"*$t; }",
	"BEGIN { $x = 1; $y = *$x; }",
	"BEGIN { $x = (uint64)1; $y = *$x; }",
	"BEGIN { $t = (a=1,b=\"x\"); $y = $t.a; $z = $t.b; print($t); @r = $t; "
	"@k[$t] = 1;}",
	"BEGIN { $t = (a=1,b=2); $t = (b=1,a=2); }",
	"BEGIN { $x = \"a\" < \"b\"; }",
	"BEGIN { $x = (int8[4])1; }",
	"BEGIN { $x = (int8[4])(int32)1; $y = (int32)$x; $z = $x[0]; $w = $x "
	"== $x; }",
	"BEGIN { $x = (int8[8])1; $y = (uint8[2])(uint16)1; $z = "
	"(int8[])\"abc\"; $w = (int8[4])\"abc\"; }",
	"BEGIN { $x = (int8[])(int32)1; }",
	"BEGIN { $x = (bool)1; $y = (bool)\"a\"; $z = (int8)true; $w = "
	"(uint64)false; $q = (bool)pid; }",
	"BEGIN { $x = (uint64)curtask; $y = (int8)curtask; $z = (uint64*)1; $w "
	"= (void*)1; $v = *$z; }",
	"BEGIN { $x = (enum pid_type)1; $y = PIDTYPE_PID; $z = "
	"(uint32)PIDTYPE_TGID; print($x); $x = PIDTYPE_PID; }",
	"BEGIN { $x = PIDTYPE_PID + 1; $y = PIDTYPE_PID == 1; $z = PIDTYPE_PID "
	"== PIDTYPE_TGID; $w = 1; $w = PIDTYPE_PID; }",
	"BEGIN { $p = (int32*)1; $q = (int64*)1; $y = $p == $q; }",
	"BEGIN { $p = (int32*)1; $p = (int64*)1; }",
	"BEGIN { $x = sizeof(int32); $y = sizeof($x); $z = sizeof(struct "
	"task_struct); $w = offsetof(struct task_struct, pid); $v = "
	"offsetof(struct task_struct, se.load.weight); $u = sizeof(\"abc\"); }",
	"BEGIN { $x = { let $y = 1; $y + 1 }; $z = { 5 }; }",
	"BEGIN { if comptime (1 == 2) { foo(); } else { print(1); } }",
	"BEGIN { $y = pid ? 1 : nsecs; $z = pid ? (int8)1 : (uint8)2; $w = pid "
	"? -1 : (uint64)1; }",
	"BEGIN { pid ? print(1) : print(2); }",
	"BEGIN { @x = 1; clear(@x); }",
	"BEGIN { @x = 1; zero(@x); }",
	"BEGIN { for ($i : 0..pid) { } for ($j : 5..1) {} for ($k : nsecs..10) "
	"{} }",
	"BEGIN { for ($i : 0..5) { $i = 3; } }",
	"BEGIN { for ($i : 0..5) { for ($j : 0..$i) { if ($j == 3) { break; } "
	"if ($j == 2) { continue; } if ($i == 4) { return; } } } }",
	"BEGIN { @x[1] = avg(1); for ($kv : @x) { print($kv); $a = $kv.1; } }",
	"BEGIN { $b = 1; $c = $b; $c = pid; $d = $b + 1; $e = pid; $e = $b; }",
	"BEGIN { $b = (uint8)1; $b = 300; $c = (uint8)1; $c = 200; $d = "
	"(int8)1; $d = 200; $e = (uint64)1; $e = 5; $f = (uint64)1; $f = -5;}",
	"BEGIN { $a = 0xffffffffffffffff; $a = 1; $b = 1; $b = "
	"0xffffffffffffffff; }",
	"BEGIN { $a = 1; $a = (int8)1; $a = pid; $b = pid; $b = 1; $b = "
	"(uint64)4; $b = -1; }",
	"BEGIN { @t[pid, 1] = 1; @t[1, pid] = 2; @u[1,\"abc\"] = 1; "
	"@u[300,\"abcdef\"] = (int64)2; @v[(1,2)] = 1; @v[1,300] = 2; }",
	"BEGIN { $t = (1, pid); $t = (pid, 1); $u = (1, (2, 3)); $u = (1, "
	"(300, -1)); }",
	"BEGIN { $t = (pid, 1); $t = (-1, 1); }",
	"BEGIN { $a = nsecs - nsecs; $b = pid - 1; $c = nsecs * 2; $d = nsecs "
	"/ 2; $e = nsecs % 3; $f = nsecs & 1; $g = pid | 1; $h = pid << 2; $i "
	"= pid >> 1; $j = nsecs + -1; $k = nsecs - 1; }",
	"BEGIN { $a = (int32)5; $b = $a / 2; $c = $a % 2; $d = $a & 1; $e = $a "
	">> 1; $f = $a << (uint64)1; $g = $a < 5; $h = $a < pid; $i = pid < "
	"-1; $j = nsecs > -1; $k = nsecs == -1; }",
	"BEGIN { $a = 5; $b = $a < 300; $c = $a == (uint8)5; $d = (uint8)1 < "
	"(uint16)2; $e = $a && $a; $f = -$a; $g = -(uint32)1; $h = !pid; $i = "
	"~pid; $j = -pid; }",
	"BEGIN { $a = true + true; $b = true == 1; }",
	"BEGIN { $a = pid / 0; $b = pid % 0; }",
	"BEGIN { $a = 0x7fffffffffffffff + 1; $b = 0x7fffffffffffffff * 2; $c "
	"= -0x7fffffffffffffff - 1; $d = 9223372036854775808; $e = "
	"-9223372036854775808; }",
	"BEGIN { $a = -5 / 2; $b = -5 % 3; $c = 5 - 10; $d = 0 - 1; $e = ~0; "
	"$f = ~5; $g = !5; $h = -(5); $i = - -5; $j = 1 && 0; $k = 1 || 0; $l "
	"= 1 ? 2 : 300; $m = 0 ? \"a\" : 3;}",
	"BEGIN { $a = 5 & -1; $b = 5 | 2; $c = 5 ^ 1; $d = -1 >> 1; $e = -1 & "
	"0xff; $f = 3 > 2; $g = 3 < -2; $h = 0xffffffffffffffff > 1; $i = "
	"0xffffffffffffffff / 2; $j = 0xffffffffffffffff & 1;}",
	"BEGIN { $a = 1000000 * 1000000; $b = 10ms; $c = 1e3; $d = 5s; $e = "
	"10ms + 1; $f = (uint8)1 + 1; $g = (uint8)300; $h = (int8)200; $i = "
	"(uint8)-1;}",
	"BEGIN { $a = sizeof(int8) + 1; $b = PIDTYPE_PID + 1; $c = "
	"PIDTYPE_TGID == 1; $d = true && true; $e = (1,2) == (1,2); $f = "
	"\"abc\"[0]; $g = (1,2).0; $h = (1,\"a\").1;}",
	"BEGIN { $x = nsecs; $x++; $y = pid; $y--; $z = (int8)1; ++$z; $w = "
	"(uint8)1; $w++; $v = (uint32)1; $v += 1; $u = (uint32)1; $u -= 1; $t "
	"= (uint64)1; $t += 1; $s = (uint64)1; $s -= 1; $r = (uint64)1; $r--; }",
	"BEGIN { let $x: uint8 = 1; $x++; let $y: uint8 = 2; $y += 1; let $z: "
	"int64 = 2; $z = nsecs;}",
	"BEGIN { let $x: uint8 = 1; $x = pid; }",
	"BEGIN { let $x: uint64 = 1; $x = pid; }",
	"BEGIN { let $x: int16 = 1; $x = (int8)1; $x = (uint8)1; }",
	"BEGIN { let $x: int16 = 1; $x = (uint16)1; }",
	"BEGIN { let $x: string = \"abc\"; $x = \"abcd\"; }",
	"BEGIN { let $x: struct task_struct * = curtask; $y = $x->pid; }",
	"BEGIN { let $x: struct task_struct * ; $x = (struct mm_struct*)0; }",
	"BEGIN { let $x: task_struct; }",
	"BEGIN { let $x: void *; }",
	"BEGIN { let $x: enum pid_type = PIDTYPE_PID; }",
	"BEGIN { @x++; @x = nsecs; @y = nsecs; @y++; @z = pid; @z++; @w = pid; "
	"@w += 1; @v += nsecs; @u -= nsecs; @t |= pid; @s = (uint64)5; @s += "
	"1;}",
	"BEGIN { @x[1]++; @x[pid]--; @y[comm] += 2; @z[1, comm] = @y[\"abc\"]; "
	"}",
	"BEGIN { $x = @y; @y = 5; $z = @q + 1; @q = pid; }",
	"BEGIN { @s += 1; @s = (uint64)5; @t += nsecs; @t = nsecs; @u = nsecs; "
	"@u += 1; }",
	"BEGIN { let $x: uint8 = 200; $x = 255; }",
	"BEGIN { @s = sum(5); @s = sum(pid); $a = @s + 1; @r = sum(pid); $b = "
	"@r + 1; @q = sum(pid); @q = sum(-1); $c = @q + 1; $d = @q == @r; }",
	"BEGIN { $a = pid ? 1 : 2; $b = pid; $b = $a; @m = 1; $c = pid; $c = "
	"@m; $d = (1,2).0; $e = pid; $e = $d; $t = (1,2); $f = pid; $f = $t.0; "
	"for ($i : 0..5) { $g = pid; $g = $i; } }",
	"BEGIN { $b = -1; $c = $b; $c = pid; $d = 1; $d = -1; $d = pid; }",
	"BEGIN { @c = count(); $a = @c && 1; }",
	"BEGIN { $a = curtask == true; }",
	"BEGIN { $a = true & true; $x = true; $b = $x & $x; $c = $x + $x; $d = "
	"$x < $x; $e = $x == 1; $f = $x + pid; $g = $x == pid; }",
	"BEGIN { $a = kstack == kstack; }",
	"BEGIN { $a = *curtask == *curtask; }",
	"BEGIN { $a = curtask->comm == \"abc\"; $b = curtask->comm[0]; $c = "
	"curtask->pid == 1; $d = curtask->cpus_mask.bits[0]; }",
	"BEGIN { $t = (1,(2,3)); $x = $t.1.0; $y = $t[0]; $z = $t[1][0]; }",
	"BEGIN { @x[1,2] = 1; $t = (1,2); @x[$t] = 3; @y[$t] = 1; @y[1,2] = 3; "
	"@z[(1,2),3] = 1; }",
	"BEGIN { @x[curtask] = 1; @y[kstack] = 1; @z[comm, kstack] = 2; "
	"@w[ntop(1)] = 1; @v[*curtask] = 1; }",
	"BEGIN { @c = count(); @x[@c] = 1; }",
	"BEGIN { @c = count(); @x = (1, @c); $t = (1, @c); }",
	"BEGIN { @m[1] = 2; $w = &@m; }",
	"BEGIN { @p = (int32*)1; @p++; $p = @p; $q = &$p; }",
	"BEGIN { @ = 1; @ = @ + 1; print(@); }",
	"BEGIN { _ = 1; _ = pid; _ = print(1); }",
	"let @a = hash(10); BEGIN { @a = 1; }",
	"let @a = hash(10); BEGIN { @a[1] = 1; }",
	"let @a = percpuhash(10); BEGIN { @a[1] = count(); }",
	"let @a = hash(10); BEGIN { }",
	"let @a = hash(10); let @a = hash(11); BEGIN { @a[1] = 1;}",
	"BEGIN { $x = comm; $y = (uint8[16])$x; }",
	"BEGIN { $x = comm; $y = (int16[8])$x; }",
	"BEGIN { $x = (bool)curtask; $y = (bool)comm; }",
	"BEGIN { $x = (int32*)true; }",
	"BEGIN { $x = (struct task_struct *)comm; }",
	"BEGIN { @h = count(); $x = (int8)@h; $y = (uint64)@h; $z = (bool)@h; }",
	"BEGIN { $x = (int64)(int8)-1; $y = (uint8)pid; $z = (int32*)(int64)5; "
	"$w = (int32*)$z; }",
	"BEGIN { $x = *curtask; $y = $x->pid; }",
	"BEGIN { $q = *curtask; $p = &$q; $r = &$p; $y = $r->pid; }",
	"BEGIN { $a = 5; $b = $a / 2; $c = pid % 3; $d = $b / 2; }",
	"BEGIN { return; print(1); print(2); }",
	"BEGIN { exit(); print(1); }",
	"BEGIN { if (1) { return; } else { return; } print(1); }",
	"BEGIN { return pid; }",
	"BEGIN { for ($i : 0..3) { return 1; } }",
	"BEGIN { while (pid) { return 1; } }",
	"BEGIN { @a[1] = 1; for ($kv : @a) { return 1; } }",
	"BEGIN { @a[1] = 1; for ($kv : @a) { @a[2] = 1; delete(@a, $kv.0); "
	"clear(@a); } }",
	"BEGIN { $a = 1; @a[1] = 1; for ($kv : @a) { $a += $kv.1; $b = 1; } "
	"print($a); }",
	"BEGIN { $a = 1; for ($i : 0..$a) { $a++; $i++; } }",
	"BEGIN { $a = -1; for ($i : $a..2) { } }",
	"BEGIN { printf(\"%d\", @a); }",
	"BEGIN { $a = @b; print($a); }",
	"BEGIN { @x = @y + 1; }",
	"BEGIN { if (@x) { } }",
	"BEGIN { @x[@y] = 1; }",
	"BEGIN { @x[1]; }",
	"BEGIN { @x; }",
	"BEGIN { print((1, @x)); }",
	"BEGIN { $x = @a; } END { @a = 1; }",
	"BEGIN / 1 / { } END / pid == 1 / { } interval:s:1 / comm == \"a\" / { "
	"}",
	"BEGIN / \"a\" / { }",
	"BEGIN / curtask / { }",
	"BEGIN / @x / { @x = 1; }",
	"BEGIN / $1 == 0 / { }",
	"BEGIN { print(1 + \"abc\"); exit(); }",
	"BEGIN { $a = 5; $b = { $a = 6; $a }; }",
	"BEGIN { $a = (pid == 1) + 1; }",
	"BEGIN { @a[1] = 1; @a[1] += 1; @b += @a[1]; @a[@b] = 3; }",
	"BEGIN { $x = curtask; $y = $x->mm->owner->comm; $z = "
	"$x->real_parent->pid; $w = $x->mm.pgd; }",
	"BEGIN { $x = curtask->se.avg.load_avg; $y = curtask->comm; $y = "
	"\"abc\"; @c[curtask->comm] = 1; @c[\"x\"] = 2; }",
	"struct foo { int a; char b[8]; struct { int c; } d; int e:3; }; BEGIN "
	"{ $x = (struct foo *)0; $y = $x->a; $z = $x->b; $w = $x->d.c; $v = "
	"$x->e; @a[$x->a] = $x->b; @s = *$x; }",
	"#define FOO 5",
	"#define BAR (1 << 3)",
	"enum e { A = 1, B = 200 }; BEGIN { $x = A; $y = B + 1; @z = B; @z = "
	"A; print((A, B)); $w = (enum e)1; printf(\"%d %s\", A, B); }",
	"union u { int a; char b; }; BEGIN { $x = (union u *)0; $y = $x->a; $z "
	"= $x->b; }",
	"BEGIN { $x = (struct task_struct *)0; $y = sizeof($x); $z = "
	"sizeof(*$x); $w = offsetof(*$x, pid); }",
	"BEGIN { $x = sizeof(int8[4]); $y = sizeof(int8*); $z = "
	"sizeof(string[5]); $w = sizeof(string); }",
	"BEGIN { let $x: string[0] = \"\"; }",
	"BEGIN { let $x: buffer[5]; }",
	"BEGIN { let $x: inet; }",
	"BEGIN { @a[\"a\"] = 1; @a[comm] = 2; @a[curtask->comm] = 3; }",
	"BEGIN { $x = true ? (1,\"a\") : (300,\"abc\"); $y = pid ? (1,\"a\") : "
	"(pid,\"abc\"); }",
	"BEGIN { @c = count(); $x = pid ? @c : 1; }",
	"BEGIN { @a = 1; @b = 2; $x = @a + @b; $y = @a && @b; $z = @a == @b; "
	"@c = @a; }",
	"BEGIN { $a = 1; { let $b = $a; { let $c = $b; $a = $c; } } $b = 5; }",
	"BEGIN { if (pid) { $b = 1; } else { $b = \"a\"; } $b = (1,2); }",
	"BEGIN { for ($i : 0..2) { $x = $i; } $x = \"a\"; for ($i : 0..3) { } "
	"for ($j : 0..2) { for ($i : 0..3) { } } }",
	"BEGIN { unroll(2) { let $x = 1; } }",
	"BEGIN { @a = 5; $p = &@a; $b = *$p + 1; @q = $p; }",
	"BEGIN { $x = \"abc\"; $p = &$x; $y = *$p; $z = $p[0]; }",
	"BEGIN { $x = nsecs; $y = (uint8)$x == 5; $z = (int32)$x < pid; $w = "
	"(uint64)-1 > 5; }",
	"BEGIN { $x = (int16)5 & (int32)3; $y = (uint8)5 | 0xff; $z = 5 ^ pid; "
	"$w = ~(uint8)1; }",
	"BEGIN { $x = 5 << pid; $y = pid >> 33; $z = 1 << 40; $w = pid << 70; }",
	"BEGIN { $x = 5 % -3; $y = -5 / -2; $z = 0 / 5; $w = "
	"-9223372036854775808 / -1; }",
	"BEGIN { $x = - (uint8)5; $y = -pid; $z = -nsecs; $w = -(int64)5; "
	"print(-$x); }",
	"BEGIN { return @x; }",
	"BEGIN { exit(); $x = 1; } END { exit(1); }",
	"BEGIN { if (pid == 1) { exit(); } else { return; } $x = 1; print($x); "
	"}",
	"BEGIN { print(@x[1]); @x[1] = count(); }",
	"END { print(@x); } BEGIN { @x = 1; }",
	"BEGIN { $x = @x[comm]; @x[comm] = sum(5); $y = @x[\"a\"] / 2; $z = $x "
	"> 5; }",
	"BEGIN { let $a; $a = 1; let $b = $a + 1; $c = $b; }",
	"BEGIN { let $a: int64; print($a); }",
	"BEGIN { let $a: int64; $b = $a + 1; $a = 2; }",
	"BEGIN { $a = 1; $a = 2; $a; }",
	"BEGIN { $x = $1; }",
	"BEGIN { $x = $1 + \"a\"; }",
	"BEGIN { $x = str($1) == \"a\"; if ($# > 1) { } }",
	"BEGIN { @x[1] = count(); for ($kv : @x) { @y[$kv.0] = (int64)$kv.1; "
	"$z = $kv.1; @w = $z; } }",
	"tracepoint:syscalls:sys_enter_openat,tracepoint:syscalls:sys_enter_open "
	"{ @[str(args.filename)] = count(); }",
	"BEGIN,END { @x = 1; $a = 2; } interval:s:1 { $a = \"x\"; @y = @x; }",
	"tracepoint:raw_syscalls:sys_enter /args.id == 5/ { @ = count(); }",
	"tracepoint:raw_syscalls:sys_enter /pid == 5/ { @ = count(); }",
	"tracepoint:net:netif_rx { print(args.name); print(args.skbaddr); $x = "
	"(struct sk_buff *)args.skbaddr; print($x->len); }",
	"BEGIN { $x = comptime (sizeof(uint64) == 8); if comptime "
	"(sizeof(uint64) == 4) { $y = nosuch; } else { $y = 1; } }",
	"BEGIN { if comptime (probetype == \"begin\") { print(1); } }",
	"BEGIN { if comptime ($1 == 5) { print(1); } }",
	"BEGIN { if comptime false { print(1); } else if (pid) { print(2); } }",
	"BEGIN { if (comptime (1 + 1) == 2) { } }",
	"BEGIN { $x = comptime { 5 }; }",
	"BEGIN { @a[{ let $x = 1; $x }] = 1; }",
	"BEGIN { $x = (1, 2, 3, \"a\", (1, 2)); $y = $x.4.1; @z[$x] = $x; for "
	"($kv : @z) { print($kv.0.4.0); } }",
	"BEGIN { $x = (a=1, b=(c=2, d=\"x\")); print($x.b.c); @r = $x; @k[$x] "
	"= 1; $y = $x.b; $y = (d=\"y\", c=3); print(@r.b.d); }",
	"BEGIN { $x = (pid, 1) == (1, pid); $y = (pid, comm) != (1, \"a\"); }",
	"BEGIN { @a[curtask->cpus_mask.bits] = 1; $x = curtask->cpus_mask; @b "
	"= $x; $y = @b.bits[0]; }",
	"BEGIN { $x = \"abc\"; $x = \"abcdef\"; if comptime (sizeof($x) == 7) "
	"{ $y = 1; } else { nosuch(); } }",
	"BEGIN { if comptime (sizeof(pid) == 4) { @a = 1; } else { @a = \"x\"; "
	"} print(@a + 1); }",
	"BEGIN { } test:foo { print(1); }",
	"tracepoint:syscalls:sys_enter_openat { $x = args; print($x.dfd); @a = "
	"args; }",
	"tracepoint:sched:sched_switch { $x = args.prev_comm; $y = "
	"args.prev_pid; @[args.next_comm] = count(); if (args.prev_comm == "
	"\"a\") {} }",
};

static void what_is_right_is_accepted(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		_cleanup_checked_ struct checked c;

		check_open(&c, scripts[i], NULL, 0);
		if (c.err || c.diagnostics.errors)
			fail_msg("%s\n%s", scripts[i], buf_str(&c.text));
	}
}

TEST_GROUP(test_check_accepts)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_right_is_accepted),
	};

	return cmocka_run_group_tests_name("check accepts", tests, NULL, NULL);
}
