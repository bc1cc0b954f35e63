#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How it behaves at a terminal, in a pipe, and when it is told to stop.

load helpers

setup() {
	helpers_setup
	needs_root
}

# provoke FILE PATTERN COMMAND...: does it until its line is there
provoke() {
	local file=$1 pattern=$2
	shift 2
	wait_until 10 provoked "$file" "$pattern" "$@" && return
	echo "no line '$pattern' in $file; it has:" >&2
	tail -n 5 "$file" >&2
	return 1
}

provoked() {
	"${@:3}"
	has_line "$1" "$2"
}

@test "Ctrl-C and SIGTERM: summaries are printed, status 0, nothing on stderr" {
	local signal
	for signal in INT TERM HUP; do
		start tool saker opensnoop --summary --where 'comm == "cat"'
		provoke tool.out 'cat .*passwd' cat /etc/passwd > /dev/null
		stop tool "$signal"
		[ "$status" = 0 ]
		grep -qE 'OPENS +FAILURES' tool.out
		[ ! -s tool.err ]
	done
}

@test "| head ends it at once, quietly, with 0, even if nothing happens any more" {
	SAKER_LIMIT=5
	run bash -c '"$1" oomkill 2> err | head -n 1; echo "${PIPESTATUS[0]}"' - "$SAKER"
	[ "${lines[1]}" = 0 ] && [ ! -s err ]
	run bash -c 'timeout 5 "$1" opensnoop 2> err | true; echo "${PIPESTATUS[0]}"' - "$SAKER"
	[ "$output" = 0 ] && [ ! -s err ]
	run bash -c 'timeout 5 "$1" syscount --interval 100ms 2> err | head -n 1 > /dev/null
		echo "${PIPESTATUS[0]}"' - "$SAKER"
	[ "$output" = 0 ] && [ ! -s err ]
}

@test "a line is in the pipe soon after the event" {
	mkfifo pipe
	start tool saker execsnoop -o json --where 'comm == "true"'
	provoke tool.out true /bin/true
	stop tool
	start tool bash -c 'exec "$1" execsnoop -o json --where "comm == \"true\"" > pipe' - "$SAKER"
	exec 9< pipe
	local line before after
	until read -rt 0.05 -u 9 line; do /bin/true; done
	# what was provoked before the first line came
	while read -rt 0.3 -u 9 line; do :; done
	before=${EPOCHREALTIME/[.,]/}
	/bin/true
	read -rt 5 -u 9 line
	after=${EPOCHREALTIME/[.,]/}
	exec 9<&-
	# 200 ms, and room for a machine that has other things to do
	[ $((after - before)) -lt 600000 ]
}

@test "pipes get no escape sequences; JSON and CSV are whole" {
	needs jq
	needs python3
	split saker opensnoop -o json -- cat /etc/passwd /nosuch
	grep '^{' split.out > records
	json_lines records
	split saker opensnoop -o csv --columns pid,comm,error,path -- sh -c ': < /etc/passwd'
	python3 - split.out <<-'EOF'
		import csv, sys
		rows = list(csv.reader(open(sys.argv[1], newline="")))
		assert rows[0] == ["pid", "comm", "error", "path"], rows[0]
		assert len(rows) > 1 and all(len(r) == 4 for r in rows)
	EOF
	split saker syscount -- true
	lacks split.out $'\e'
}

@test "the table fits the terminal; colours only there, and not with NO_COLOR" {
	needs script
	local tool
	for tool in execsnoop opensnoop syscount; do
		script -qec "stty cols 80; '$SAKER' $tool -- sh -c ': < /etc/passwd'" typescript > shown < /dev/null
		sed 's/\x1b\[[0-9;]*[A-Za-z]//g; s/\r$//' shown > plain
		[ -s plain ]
		[ "$(awk '{ if (length($0) > most) most = length($0) } END { print most + 0 }' plain)" -le 80 ]
	done
	NO_COLOR=1 script -qec "'$SAKER' opensnoop -- true" typescript > shown < /dev/null
	lacks shown $'\e\\['
}

@test "-o none is silent; --no-header; --columns; wide has more" {
	split saker opensnoop -o none -- true
	[ "$status" = 0 ] && [ -z "$out$err" ]
	split saker opensnoop --no-header --columns comm -- true
	[ "$(sort -u split.out)" = true ]
	split saker opensnoop --columns +uid,-fd -- true
	[[ ${out%%$'\n'*} == *UID* ]] && [[ ${out%%$'\n'*} != *FD* ]]
	split saker opensnoop -o wide -- true
	[ "$status" = 0 ] && [ -n "$out" ]
	split saker opensnoop -o collapsed -- true
	[ "$status" = 2 ] && one_line "$err"
}

@test "--sort, --top, --count, --for, interval and count as words" {
	needs jq
	split saker syscount -o json --sort count:asc --top 3 -- true
	[ "$(field split.out 'length')" = 3 ]
	[ "$(field split.out 'map(.count) == (map(.count) | sort)')" = true ]
	split saker syscount -o json --top 2 -- true
	[ "$(field split.out '.[0].count >= .[1].count')" = true ]
	split saker syscount -P --columns pid,count --sort pid:asc -o json -- true
	[ "$status" = 0 ]
	[ "$(field split.out '.[0] | keys | join(",")')" = count,pid ]
	split saker syscount -P -- true
	[ -n "${out%%$'\n'*}" ]
	split saker syscount -T 2 -o json -- true
	[ "$(field split.out 'length')" = 2 ]
	split saker opensnoop -o json --count 2 --where 'comm == "cat"' -- sh -c \
		'while :; do cat /dev/null; done'
	[ "$status" = 0 ]
	[ "$(field split.out 'length')" = 2 ]
	split saker syscount -o json 0.1 2
	[ "$status" = 0 ]
	[ "$(field split.out 'map(.time) | length > 2')" = true ]
	split saker opensnoop -o json --sort -path --top 1 -- cat /etc/passwd
	grep '^{' split.out > records
	[ "$(wc -l < records)" = 1 ]
	split saker profile 0.2 -o collapsed
	[ "$status" = 0 ]
	lacks split.out '^[^ ]*$'
}

@test "the flags that people bring from BCC" {
	needs jq
	split saker opensnoop -x -o json -- cat /nosuch
	[ "$(field split.out 'map(.error) | index(null)')" = null ]
	split saker opensnoop -n cat -o json -- sh -c 'cat /etc/passwd > /dev/null; :'
	[ "$(field split.out 'map(.comm) | unique | join(",")')" = cat ]
	split saker opensnoop -u 0 -T -U -- true
	[[ ${out%%$'\n'*} == *TIME* && ${out%%$'\n'*} == *UID* ]]
	split saker opensnoop -f O_CREAT -o json -- sh -c ': > made; : < made'
	[ "$(field split.out 'map(.path) | join(",")')" = made ]
	split saker execsnoop -x -o json -- sh -c 'exec /nosuch 2> /dev/null'
	[ "$(field split.out 'map(select(.error == "ENOENT")) | length > 0')" = true ]
	split saker killsnoop -s TERM -o json -- sh -c 'kill -0 $$; sh -c "kill -TERM \$PPID"; :'
	[ "$(field split.out 'map(.signal) | unique | join(",")')" = SIGTERM ]
	split saker exitsnoop -x -o json -- sh -c 'sh -c "exit 3"; sh -c :; :'
	[ "$(field split.out 'map(.code) | join(",")')" = 3 ]
	split saker syscount -e ENOENT -o json -- cat /nosuch
	[ "$(field split.out 'map(.syscall) | index("openat") != null')" = true ]
}

@test "--pid of several, --comm" {
	needs jq
	bash -c 'while read -r; do cat /etc/hostname > /dev/null; : < /etc/passwd; done' < <(
		while :; do echo; read -rt 0.05 <> <(:) || :; done
	) 3>&- &
	local one=$!
	STARTED+=(one) one_pid=$one
	split saker opensnoop --pid "$one,1" --pid 2 --count 3 -o json
	[ "$status" = 0 ]
	[ "$(field split.out "map(.pid) - [$one, 1, 2] | length")" = 0 ]
	split saker opensnoop --comm cat --comm nosuch --count 3 -o json
	[ "$(field split.out 'map(.comm) | unique | join(",")')" = cat ]
	kill "$one"
}

stopped() {
	grep -q '^State:.T' "/proc/$1/status"
}

@test "a full ring: what came and what was lost is what was sent, and it is said" {
	needs jq
	local name lost seen
	name=/$(printf 'n%.0s' {1..200})
	name=$name$name$name$name
	start tool saker opensnoop -o json --columns path --where 'path startswith "/nnnnnnnn"'
	provoke tool.out nnn bash -c ": < $name" 2> /dev/null
	# shellcheck disable=SC2154
	kill -STOP "$tool_pid"
	wait_until 5 stopped "$tool_pid"
	seen=$(wc -l < tool.out)
	bash -c 'for ((i = 0; i < 4000; i++)); do : < "$0"; done; :' "$name" 2> /dev/null
	kill -CONT "$tool_pid"
	stop tool
	[ "$status" = 0 ]
	one_line "$(< tool.err)"
	lost=$(sed -n 's/.*: \([0-9]*\) events lost.*/\1/p' tool.err)
	[ "$lost" -gt 0 ]
	# The stop may have come while some of the provoked ones were on their way.
	[ $(($(wc -l < tool.out) + lost - seen)) -ge 4000 ]
	[ $(($(wc -l < tool.out) + lost - seen)) -le 4010 ]
}
