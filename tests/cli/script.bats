#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Scripts as a person runs them: bpftrace's command line and name, saker's own, and what happens
# when the plug is pulled: a full disk, a full ring, kill -9, a reader that goes away.

load helpers

SYSCALLS='tracepoint:raw_syscalls:sys_enter'

@test "a program on the command line, by all of its names" {
	needs_root
	ln -s "$SAKER" bpftrace
	for words in "saker bpftrace" "saker" "./bpftrace" "saker run"; do
		# shellcheck disable=SC2086
		split $words -e 'BEGIN { printf("hello %d\n", 6 * 7); exit(); }'
		[ "$status" = 0 ]
		[ "$out" = "hello 42" ]
		[ "$err" = "Attached 1 probe" ]
	done
	split ./bpftrace --version
	[[ $out == bpftrace\ v0.27* ]]
}

@test "a file with arguments, and several files at once" {
	needs_root
	cat > a.bt <<-'EOF'
		BEGIN { printf("%s %d\n", str($1), $2); exit(); }
	EOF
	echo 'BEGIN { @b = 1; exit(); }' > b.bt
	split saker run a.bt word 7
	[ "$status" = 0 ]
	[[ $out == 'word 7'* ]]
	split saker run b.bt b.bt
	[ "$status" = 0 ]
	[ "$(grep -c '^@b: 1$' split.out)" = 2 ]
	[ "$(grep -c '^Attached 1 probe$' split.err)" = 2 ]
}

@test "an error shows the line, what is wrong and what was meant" {
	split saker -e 'BEGIN { prntf("x"); $a = @b.c; }'
	[ "$status" = 1 ]
	[ -z "$out" ]
	grep -q "^stdin:1:9-14: ERROR:.*prntf" split.err
	grep -q "printf" split.err
	grep -q '~~~~~' split.err
	split saker run nosuch.bt
	[ "$status" = 1 ]
	grep -q 'nosuch.bt' split.err
}

@test "each stage can be looked at, the same twice" {
	for stage in ast types ir bpf; do
		split saker bpftrace -d "$stage" -e 'BEGIN { @[comm] = count(); }'
		[ "$status" = 0 ]
		[ -s split.out ]
		cp split.out first
		split saker bpftrace -d "$stage" -e 'BEGIN { @[comm] = count(); }'
		cmp first split.out
	done
	grep -q 'call bpf_get_current_comm' first
}

@test "--explain attaches nothing and says what it would" {
	split saker run --explain -e "$SYSCALLS { @[comm] = count(); }"
	[ "$status" = 0 ]
	grep -q "^probe .*raw_syscalls:sys_enter" split.out
	grep -q "^map .*@" split.out
	grep -q "instructions" split.out
	[ -z "$err" ]
}

@test "Ctrl-C prints the maps, SIGTERM too" {
	needs_root
	for signal in INT TERM; do
		start count saker -e "$SYSCALLS { @calls = count(); }
			interval:ms:20 { @ticks = count(); }"
		wait_for_line count.err 'Attached 2 probes'
		stop count "$signal"
		[ "$status" = 0 ]
		grep -q '^@calls: [1-9]' count.out
	done
}

@test "what is lost is counted to the event" {
	needs_root
	cat > flood.bt <<-'EOF'
		tracepoint:syscalls:sys_enter_getppid { @all = count(); printf("line\n"); }
	EOF
	BPFTRACE_PERF_RB_PAGES=1 start flood saker run flood.bt
	wait_for_line flood.err 'Attached'
	perl -e 'syscall(110) for 1 .. 200000' 2> /dev/null || skip "no perl to make system calls with"
	stop flood
	written=$(grep -c '^line$' flood.out)
	lost=$(sed -n 's/^WARNING: Total lost event count: //p' flood.err)
	all=$(sed -n 's/^@all: //p' flood.out)
	[ $((written + ${lost:-0})) = "$all" ]
}

@test "a full map is said, with the place in the script" {
	needs_root
	split saker -e 'config = { max_map_keys = 2 } BEGIN { @[1] = 1; @[2] = 1; @[3] = 1; exit(); }'
	[ "$status" = 0 ]
	grep -q 'Map full' split.err
	grep -q '^begin: 1 new keys found a full map$' split.err
}

@test "a full disk and a reader that goes away end it" {
	needs_root
	status=0
	timeout 10 "$SAKER" -e 'interval:ms:5 { printf("x\n"); }' > /dev/full 2> full.err || status=$?
	[ "$status" = 1 ]
	grep -q 'No space left' full.err
	timeout 10 "$SAKER" -e 'interval:ms:5 { printf("x\n"); }' 2> /dev/null | head -n 1
	[ "${PIPESTATUS[0]}" != 124 ]
}

@test "kill -9 leaves no program behind" {
	needs_root
	programs() { saker ps -o json | grep -c tracepoint_sys_; }
	before=$(programs || true)
	start victim saker -e "$SYSCALLS { @[comm] = count(); }"
	wait_for_line victim.err 'Attached'
	[ "$(programs)" = $((before + 1)) ]
	stop victim KILL || true
	gone() { [ "$(programs)" = "$before" ]; }
	wait_until 10 gone
}

@test "the command of -c begins when all is attached, and its end is the end" {
	needs_root
	split saker bpftrace -c '/bin/true' -e 'tracepoint:sched:sched_process_exec /pid == cpid/ {
		printf("%s\n", comm); }'
	[ "$status" = 0 ]
	[[ $out == true* ]]
	split saker -e 'BEGIN { }' -c /nosuch
	[ "$status" = 1 ]
	grep -q nosuch split.err
}

@test "text of others does not steer a terminal" {
	needs_root
	needs script
	cp /bin/true $'e\e[31mvil'
	echo 'tracepoint:sched:sched_process_exec /pid == cpid/ { printf("%s ", comm); }' > comm.bt
	printf '%s run comm.bt -c ./e\033[31mvil\n' "$SAKER" > run.sh
	# script(1) gives the tracer a terminal; its own heading has the command in it
	script -qec "sh run.sh" typescript < /dev/null > /dev/null || true
	grep -qF 'e\x1b[31mvil' typescript
	lacks typescript $'\e\[31m'
}

@test "JSON is one object a line" {
	needs_root
	needs jq
	split saker bpftrace -f json -e 'BEGIN { printf("a \"b\"\n"); @[1, "x"] = hist(5); @s = stats(3);
		print((1, "y")); exit(); }'
	[ "$status" = 0 ]
	json_lines split.out
	[ "$(field split.out '[.[].type] | join(" ")')" = 'attached_probes printf value hist stats' ]
}
