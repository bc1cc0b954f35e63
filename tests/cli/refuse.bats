#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Bad input: one clear line that says what is wrong and what is near, status 1 or 2, and nothing is
# attached. Everything here is refused before root is needed, where it can be.

load helpers

# refused STATUS WORDS ARGUMENTS...
refused() {
	local expected=$1 words=$2
	shift 2
	split saker "$@"
	[ "$status" = "$expected" ] && [ -z "$out" ] && one_line "$err" &&
		[[ $err == *"$words"* ]] &&
		return
	printf 'saker %s: status %s, wanted %s and "%s"\n%s\n%s\n' "$*" "$status" "$expected" \
		"$words" "$out" "$err" >&2
	return 1
}

# pointed WORDS COLUMN ARGUMENTS...: the same with the text below and a caret under its COLUMN
pointed() {
	local words=$1 column=$2
	shift 2
	split saker "$@"
	[ "$status" = 2 ] && [ -z "$out" ] && [ "$(wc -l <<< "$err")" = 3 ] &&
		[[ ${err%%$'\n'*} == *"$words"* ]] &&
		[ "$(tail -n 1 <<< "$err")" = "$(printf '  %*s' "$column" '^')" ] && return
	printf 'saker %s: status %s, wanted "%s"\n%s\n%s\n' "$*" "$status" "$words" "$out" "$err" >&2
	return 1
}

@test "names that are none, with what is near" {
	refused 2 "did you mean 'opensnoop'" opensnop
	refused 2 'saker list' nosuchthing
	refused 2 "did you mean '--columns'" opensnoop --colums pid
	refused 2 'unknown option' opensnoop --nosuchthing
	refused 2 'unknown option' --nosuchthing
	refused 2 "did you mean '--failed'" opensnoop --faild
	refused 2 'gadgets, probes or columns' list nosuch
	refused 2 'no gadget' list columns nosuch
	refused 2 'word too many' execsnoop 5
	refused 2 'missing' opensnoop --
	refused 2 'needs a value' opensnoop --where
	refused 2 'needs a value' opensnoop --pid --failed
}

@test "values that are none" {
	refused 2 'xml' opensnoop -o xml
	refused 2 "'x' is not a duration" opensnoop --for x
	refused 2 "'-1'" opensnoop --for -1
	refused 2 'shorter than' syscount --interval 0
	refused 2 'word' syscount soon
	refused 2 'between 1 and' opensnoop --count 0
	refused 2 'not a number' opensnoop --pid abc
	refused 2 'between 1 and' opensnoop --pid 0
	refused 2 'between 1 and' opensnoop --pid 99999999999
	refused 2 'longer than' opensnoop --comm 0123456789abcdef
	refused 2 'empty' opensnoop --comm ''
	refused 2 'true or false' opensnoop --failed=perhaps
	refused 2 'not a number' profile --frequency fast
	refused 2 'needs --sort' execsnoop --top 3
}

@test "columns and orders that are none" {
	needs_root
	refused 2 "did you mean 'path'" opensnoop --columns pth
	refused 2 "no column 'nosuch'" opensnoop --columns pid,+nosuch
	refused 2 "did you mean 'count'" syscount --sort -cont
	refused 2 'no column is named' opensnoop --columns ''
}

@test "filters: the message points at what is wrong" {
	needs_root
	pointed "did you mean 'path'" 1 opensnoop --where 'pth == "x"'
	pointed 'cannot be compared with text' 8 opensnoop --where 'pid == "x"'
	pointed 'is text' 9 opensnoop --where 'path == 3'
	pointed 'missing' 7 opensnoop --where 'pid =='
	pointed "write '=='" 5 opensnoop --where 'pid = 1'
	pointed 'no meaning' 6 opensnoop --where 'path ~ "x"'
	pointed "no column 'foo'" 16 opensnoop --where 'pid == 1' --where foo
	refused 2 'empty' opensnoop --where ' '
	split saker opensnoop --where "$(printf 'pid == 1 || %.0s' {1..20000}) pid == 2"
	[ "$status" = 2 ] && [ "${#err}" -lt 2000 ] && [ -z "$out" ]
	split saker opensnoop --where $'comm == "\e[31m\xff'
	[ "$status" = 2 ] && [[ $err != *$'\e'* ]]
}

@test "what only counts cannot be filtered by what the kernel does not know" {
	needs_root
	refused 2 'counts in the kernel' syscount --where 'container.name == "x"' ||
		refused 1 'counts in the kernel' syscount --where 'container.name == "x"'
	refused 1 'regular expression' syscount --where 'comm matches "x.*"'
}

@test "scopes that are not there" {
	needs_root
	refused 2 'no cgroup' opensnoop --cgroup /no/such/cgroup
	refused 2 'no container' opensnoop --container nosuchcontainer
}

# without BTF: in a mount namespace of its own, with an empty folder over /sys/kernel/btf
without_btf() {
	unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec timeout -k 2 20 "$@"' - "$SAKER" "$@"
}

@test "no BTF: each tool works without or says so in one line" {
	needs_root
	unshare -m true || skip "mount namespaces are not allowed"
	local tool
	for tool in execsnoop opensnoop syscount biolatency profile; do
		split without_btf "$tool" --for 10ms -o none
		case $status in
		0) [ -z "$err" ] ;;
		1) one_line "$err" && [[ $err == *BTF* ]] ;;
		*) false ;;
		esac || {
			printf '%s: status %s\n%s\n' "$tool" "$status" "$err" >&2
			return 1
		}
	done
}

@test "no tracefs: each tool works without or says so in one line" {
	needs_root
	unshare -m true || skip "mount namespaces are not allowed"
	local tool
	for tool in execsnoop opensnoop; do
		split unshare -m sh -c 'mount -t tmpfs none /sys/kernel/tracing
			mount -t tmpfs none /sys/kernel/debug 2> /dev/null
			exec timeout -k 2 20 "$@"' - "$SAKER" "$tool" --for 10ms -o none
		case $status in
		0) [ -z "$err" ] ;;
		1) one_line "$err" && [[ $err == *trac* ]] ;;
		*) false ;;
		esac || {
			printf '%s: status %s\n%s\n' "$tool" "$status" "$err" >&2
			return 1
		}
	done
}
