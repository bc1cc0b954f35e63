#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The words besides the tools: list, check, ps, completion, man, help, version; and every tool once
# in every format.

load helpers

gadgets() {
	"$SAKER" list | awk '{ print $1 }'
}

@test "list: every gadget of the tree, with a summary; columns; probes" {
	needs jq
	[ "$(gadgets)" = "$(basename -s .bpf.c "$ROOT"/gadgets/*.bpf.c | sort)" ]
	split saker list
	[ "$(awk 'NF < 3' split.out | wc -l)" = 0 ]
	split saker list -o json
	json_lines split.out
	[ "$(field split.out 'map(select(.name == "opensnoop"))[0].schemas[0].name')" = opensnoop ]
	split saker list columns opensnoop
	grep -qE '^ +path +path +[a-z]' split.out
	grep -qE '^ +container.name ' split.out
	split saker list columns syscount
	grep -qE '^ +error +errno ' split.out
	split saker list columns opensnoop -o json
	json_lines split.out
	needs_root
	split saker list probes 'sched:sched_process_e*'
	grep -qx 'tracepoint:sched:sched_process_exec' split.out
	lacks split.out -v '^tracepoint:sched:sched_process_e'
}

@test "help, version: on stdout, status 0, within 80 columns, without root" {
	local words
	for words in --help help -h --version version 'list --help' 'check --help' 'ps --help' \
		'run --help' 'completion --help' 'man --help' 'help opensnoop'; do
		# shellcheck disable=SC2086
		split saker $words
		[ "$status" = 0 ] && [ -n "$out" ] && [ -z "$err" ] || {
			echo "saker $words: status $status: $err" >&2
			return 1
		}
		[ "$(awk 'length($0) > 80' split.out | wc -l)" = 0 ]
	done
	for words in $(gadgets); do
		split saker "$words" --help
		[ "$status" = 0 ] && grep -q '^usage: saker ' split.out &&
			grep -q -- --where split.out
	done
}

@test "completion scripts are correct in their shells" {
	split saker completion bash
	[ "$status" = 0 ]
	bash -n split.out
	run bash -c 'source split.out; COMP_WORDS=(saker opens); COMP_CWORD=1; COMP_LINE="saker opens"
		COMP_POINT=11; "$(complete -p saker | sed "s/.*-F \([^ ]*\).*/\1/")" saker opens saker
		printf "%s\n" "${COMPREPLY[@]}"'
	[[ $output == *opensnoop* ]]
	split saker completion zsh
	[ "$status" = 0 ] && [ -s split.out ]
	! command -v zsh > /dev/null || zsh -n split.out
	split saker completion tcsh
	[ "$status" = 2 ] && one_line "$err"
}

@test "manual pages: no warnings, and the tool's own options in them" {
	local name
	for name in '' $(gadgets); do
		# shellcheck disable=SC2086
		split saker man $name
		[ "$status" = 0 ] && [ -s split.out ]
		! command -v groff > /dev/null || {
			groff -man -Tutf8 -ww split.out > shown 2> warnings
			[ ! -s warnings ] && [ -s shown ]
		}
	done
	split saker man opensnoop
	grep -q 'failed' split.out
	split saker man nosuch
	[ "$status" = 2 ] && one_line "$err"
}

@test "check: JSON for a gate, a status of 0, 1 or 2" {
	needs_root
	needs jq
	split saker check
	[ "$status" -le 1 ]
	grep -q opensnoop split.out
	split saker check -o json
	[ "$status" -le 1 ]
	jq -e . split.out > /dev/null
	[ "$(jq -c '[.. | objects | select(has("opensnoop"))] | length > 0' split.out)" = true ]
}

@test "ps shows a running tool with its programs; nothing is left when it is killed" {
	needs_root
	needs jq
	start tool saker opensnoop -o none
	# shellcheck disable=SC2154
	wait_until 10 owned "$tool_pid"
	split saker ps
	grep -q openat_leave split.out
	stop tool KILL
	wait_until 10 disowned "$tool_pid"
	nothing_pinned
	split saker ps 999999999
	[ "$status" != 0 ] && one_line "$err"
}

owned() {
	"$SAKER" ps -o json |
		jq -es --argjson pid "$1" '[.. | numbers | select(. == $pid)] | length > 0' > /dev/null
}

disowned() {
	! owned "$1"
}

nothing_pinned() {
	[ -z "$(find /sys/fs/bpf -maxdepth 2 -name 'saker*' 2> /dev/null)" ]
}

@test "every tool in every format ends with 0 and is whole" {
	needs_root
	needs jq
	local tool format
	for tool in $(gadgets); do
		for format in table wide json csv none; do
			split saker "$tool" -o "$format" --for 20ms
			[ "$status" = 0 ] && ! grep -qv 'lost\|missed' split.err || {
				echo "$tool -o $format: status $status: $err" >&2
				return 1
			}
			case $format in
			json) [ ! -s split.out ] || json_lines split.out ;;
			none) [ ! -s split.out ] ;;
			esac
			lacks split.out $'\e'
		done
	done
}
