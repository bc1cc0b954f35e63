#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The test driver's own arithmetic: nothing that went wrong may count as passed.

load helpers

# count STATUS: the TAP on stdin, counted
count() {
	awk -v status="$1" -f "$ROOT/tests/tap.awk"
}

@test "passed, failed, skipped" {
	run count 1 <<-'EOF'
		1..4
		ok 1 - a
		not ok 2 - b
		# details
		ok 3 c # skip no root
		ok 4 - d
	EOF
	[ "${lines[0]}" = '2 1 1' ]
	[ "${lines[1]}" = 'failed: b' ]
	[ "${lines[2]}" = 'skipped: c (no root)' ]
}

@test "cmocka's skip is no failure, and its reason the comment before" {
	run count 0 <<-'EOF'
		1..2
		ok 1 - a
		# no BTF here
		not ok 2 # SKIP b
		# ok - group
	EOF
	[ "${lines[0]}" = '1 0 1' ]
	[ "${lines[1]}" = 'skipped: b (no BTF here)' ]
}

@test "several plans are added up, and lost tests are a failure" {
	run count 0 <<< $'1..1\nok 1 - a\n1..2\nok 1 - b\nok 2 - c'
	[ "${lines[0]}" = '3 0 0' ]
	run count 0 <<< $'1..3\nok 1 - a'
	[ "${lines[0]}" = '1 1 0' ]
	[[ ${lines[1]} == *'2 of 3'* ]]
}

@test "dying, hanging and doing nothing are failures" {
	run count 134 <<< $'1..2\nok 1 - a'
	[ "${lines[0]}" = '1 1 0' ]
	[[ ${lines[1]} == *'exit status 134'* ]]
	run count 124 <<< $'1..2\nok 1 - a'
	[ "${lines[0]}" = '1 1 0' ]
	[[ ${lines[1]} == *'in time'* ]]
	run count 0 <<< 'hello'
	[ "${lines[0]}" = '0 1 0' ]
	run count 0 < /dev/null
	[ "${lines[0]}" = '0 1 0' ]
}

@test "status 77 without a test is a skip with its reason; with one it is not" {
	run count 77 <<< 'vm: qemu-system-x86_64 is not installed'
	[ "${lines[0]}" = '0 0 1' ]
	[ "${lines[1]}" = 'skipped: vm: qemu-system-x86_64 is not installed' ]
	run count 77 <<< 'ok 1 - a'
	[ "${lines[0]}" = '1 1 0' ]
	run count 0 <<< '1..0 # SKIP nothing to do'
	[ "${lines[0]}" = '0 0 1' ]
}

@test "the driver fails on one failure and ends with the sum alone on the last line" {
	mkdir -p tree/tests/unit/one tree/build/san/tests tree/bin
	cp "$ROOT"/tests/run "$ROOT"/tests/*.awk tree/tests/
	printf '#!/bin/sh\n' > tree/bin/make
	printf '#!/bin/sh\necho 1..2; echo ok 1 - a; echo ok 2 - b\n' > tree/build/san/tests/unit_one
	chmod +x tree/bin/make tree/build/san/tests/unit_one
	PATH=$DIR/tree/bin:$PATH split tree/tests/run unit
	[ "$status" = 0 ]
	[ "$(tail -n 1 split.out)" = '2 passed, 0 failed, 0 skipped' ]
	printf '#!/bin/sh\necho 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1\n' \
		> tree/build/san/tests/unit_one
	PATH=$DIR/tree/bin:$PATH split tree/tests/run unit
	[ "$status" = 1 ]
	[ "$(tail -n 1 split.out)" = '1 passed, 1 failed, 0 skipped' ]
	rm tree/build/san/tests/unit_one
	PATH=$DIR/tree/bin:$PATH split tree/tests/run unit
	[ "$status" = 1 ]
	[ "$(tail -n 1 split.out)" = '0 passed, 0 failed, 0 skipped' ]
}
