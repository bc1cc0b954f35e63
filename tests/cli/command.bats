#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# saker TOOL -- COMMAND: only the command and its children are watched, its status is passed on, and
# nothing of it stays behind.

load helpers

setup() {
	helpers_setup
	needs_root
	needs jq
	[ -n "$(cgroup_root)" ] || skip "cgroup v2 is not mounted"
}

teardown() {
	helpers_teardown
	no_cgroup_left
}

cgroup_root() {
	awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts
}

# Those of sakers that live are in use; of all others none may be there.
no_cgroup_left() {
	local folder
	for folder in "$(cgroup_root)"/saker-*; do
		[ ! -e "$folder" ] || [ -e "/proc/${folder##*-}" ] || {
			echo "a cgroup stayed: $folder" >&2
			return 1
		}
	done
}

@test "the command's first exec and first opens are seen, and its own output is untouched" {
	split saker execsnoop -o json -- /bin/echo hello there
	[ "$status" = 0 ]
	[ "$(head -n 1 split.out)" = 'hello there' ] || [ "$(tail -n 1 split.out)" = 'hello there' ]
	grep -v '^hello' split.out > records
	json_lines records
	[ "$(field records 'length')" = 1 ]
	[ "$(field records '.[0].args | join(" ")')" = '/bin/echo hello there' ]
	split saker opensnoop -o json -- cat /etc/passwd
	grep '^{' split.out > records
	[ "$(field records 'map(select(.path | startswith("/etc/ld.so"))) | length > 0')" = true ]
	[ "$(field records 'map(select(.path == "/etc/passwd")) | length')" = 1 ]
}

@test "children and grandchildren are watched, and nobody else" {
	split saker execsnoop -o json --columns pid,args -- \
		sh -c '/bin/echo a > /dev/null; sh -c "/bin/echo b > /dev/null; :"; :'
	[ "$status" = 0 ]
	[ "$(field split.out 'map(select(.args[0] == "/bin/echo") | .args[1]) | sort | join(",")')" = a,b ]
	[ "$(field split.out 'map(.args[0]) | unique - ["/bin/echo", "sh"] | length')" = 0 ]
}

@test "the exit status is the command's: a number, 128 and the signal, 127, 126" {
	run saker execsnoop -o none -- sh -c 'exit 7'
	[ "$status" = 7 ]
	run saker syscount -o none -- sh -c 'kill -9 $$'
	[ "$status" = 137 ]
	split saker opensnoop -- ./no-such-command
	[ "$status" = 127 ] && one_line "$err" && [ -z "$out" ]
	split saker opensnoop -- no-such-command
	[ "$status" = 127 ] && one_line "$err" && [[ $err == *no-such-command* ]]
	split saker opensnoop -- /tmp
	[ "$status" = 126 ] && one_line "$err"
	: > no-x
	split saker opensnoop -- ./no-x
	[ "$status" = 126 ] && one_line "$err"
}

@test "a command is found in PATH once, without trying each folder" {
	split saker syscount -o json --where 'syscall == execve' -- true
	[ "$status" = 0 ]
	[ "$(field split.out '.[0].count')" = 1 ]
}

@test "a script without #! runs, as in a shell" {
	printf 'exit 9\n' > script
	chmod +x script
	run saker exitsnoop -o none -- ./script
	[ "$status" = 9 ]
}

@test "what the command leaves running goes on, outside of the removed cgroup" {
	run saker execsnoop -o none -- sh -c 'sleep 30 > /dev/null 2>&1 3>&- & echo $! > left; exit 5'
	[ "$status" = 5 ]
	kill -0 "$(< left)"
	[[ $(grep '^0::' "/proc/$(< left)/cgroup") != *saker-* ]]
	kill "$(< left)"
}

@test "--for ends the command and its children; one that ignores SIGTERM is killed" {
	SAKER_LIMIT=8
	split saker execsnoop -o none --for 200ms -- \
		sh -c 'echo $$ > main; sleep 100 & echo $! > child; wait'
	[ "$status" = 0 ] && [ -z "$err" ]
	not_running "$(< main)" && not_running "$(< child)"
	split saker execsnoop -o none --for 200ms -- \
		bash -c 'trap "" TERM; echo $$ > main; while :; do read -rt 1 <> <(:); done'
	[ "$status" = 0 ]
	not_running "$(< main)"
}

@test "a command that became another user is ended too" {
	needs setpriv
	chmod 777 .
	SAKER_LIMIT=8
	split saker execsnoop -o none --for 200ms -- \
		setpriv --reuid 65534 --clear-groups sh -c 'echo $$ > main; exec sleep 100'
	[ "$status" = 0 ] && [ -z "$err" ]
	not_running "$(< main)"
}

@test "Ctrl-C while the command runs: the summary, status 0, no command left" {
	start tool saker syscount -o json -- sh -c 'echo $$ > main; sleep 100; :'
	wait_until 10 test -s main
	stop tool INT
	[ "$status" = 0 ]
	json_lines tool.out
	not_running "$(< main)"
}

@test "a saker that was killed leaves a cgroup: the next one removes it" {
	start tool saker execsnoop -o none -- sh -c 'echo $$ > main; exec sleep 100'
	wait_until 10 test -s main
	# shellcheck disable=SC2154
	[ -d "$(cgroup_root)/saker-$tool_pid" ]
	stop tool KILL
	[ "$status" = 137 ]
	kill -KILL "$(< main)"
	wait_until 5 grep -q 'populated 0' "$(cgroup_root)/saker-$tool_pid/cgroup.events"
	[ -d "$(cgroup_root)/saker-$tool_pid" ]
	run saker execsnoop -o none --for 10ms
	[ "$status" = 0 ]
	[ ! -e "$(cgroup_root)/saker-$tool_pid" ]
}

@test "every tool takes a command" {
	local tool
	for tool in $("$SAKER" list | awk '{ print $1 }'); do
		split saker "$tool" -o none -- true
		[ "$status" = 0 ] && [ -z "$out$err" ] || {
			echo "$tool: status $status, $err" >&2
			return 1
		}
	done
}
