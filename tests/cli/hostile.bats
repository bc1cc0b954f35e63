#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Names, arguments and paths that somebody else chose: they must not steer a terminal, break JSON or
# CSV, or be lost.

load helpers

setup() {
	helpers_setup
	needs_root
	needs jq
	EVIL=$'e\n\e[31m\xff\xfe"\\,name'
	cp /bin/true "$EVIL"
}

@test "a table shows them as text" {
	split saker execsnoop --columns comm,args -- "./$EVIL" $'a\tb\a\x9b' ''
	[ "$status" = 0 ]
	[ "$(wc -l < split.out)" = 2 ]
	lacks split.out $'[\e\a\t]'
	grep -qF '\x1b[31m\xff\xfe"\\,name' split.out
	grep -qF '\xff' split.out
}

@test "JSON is valid UTF-8 and one line" {
	split saker execsnoop -o json -- "./$EVIL" $'a\nb\x01\xc3' ''
	json_lines split.out
	iconv -f UTF-8 -t UTF-8 split.out > /dev/null
	[ "$(field split.out 'length')" = 1 ]
	[ "$(field split.out '.[0].args | length')" = 3 ]
	[ "$(field split.out '.[0].args[1] | startswith("a\nb\u0001")')" = true ]
	[ "$(field split.out '.[0].args[2]')" = '' ]
}

@test "CSV is quoted and has its fields" {
	needs python3
	split saker execsnoop -o csv --columns comm,ret,args -- "./$EVIL" 'a,b "c"'
	lacks split.out $'\e'
	python3 - split.out <<-'EOF'
		import csv, sys
		rows = list(csv.reader(open(sys.argv[1], newline="", encoding="utf-8")))
		assert len(rows) == 2 and [len(r) for r in rows] == [3, 3], rows
		assert rows[1][1] == "0" and rows[1][2].count(",") == 2, rows
	EOF
}

@test "collapsed stacks stay one line each, the count last" {
	cat > spin.sh <<-'EOF'
		i=0
		while [ $i -lt 200000 ]; do i=$((i + 1)); done
	EOF
	cp "$(command -v bash)" $'sp;in\n\e x'
	split saker profile -o collapsed -- $'./sp;in\n\e x' spin.sh
	[ "$status" = 0 ] && [ -s split.out ]
	lacks split.out $'\e'
	[ "$(grep -cvE '^[^;].* [0-9]+$' split.out)" = 0 ]
	[ "$(grep -c '^sp;in' split.out)" = 0 ]
}

@test "paths of 4095 bytes come whole, longer ones fail as they do" {
	local long=d
	while [ ${#long} -lt 4080 ]; do long=$long/d; done
	long=$long$(printf 'e%.0s' $(seq $((4095 - ${#long}))))
	split saker opensnoop -o json --where 'path startswith "d/"' -- cat "$long"
	grep '^{' split.out > records
	[ "$(field records '.[0].path | length')" = 4095 ]
	[ "$(field records '.[0].error')" != null ]
	split saker opensnoop -o json --where 'error == ENAMETOOLONG' -- cat "$long$long"
	grep '^{' split.out > records
	json_lines records
}

@test "what is in kernel printk lines does not reach the terminal as it is" {
	command -v clang > /dev/null || skip "clang is not installed"
	[ -e /usr/include/bpf/bpf_helpers.h ] || skip "libbpf's headers are not installed"
	cat > p.bpf.c <<-'EOF'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		SEC("tracepoint/syscalls/sys_enter_execve")
		int f(void *ctx)
		{
			char name[16] = {};

			bpf_get_current_comm(name, sizeof(name));
			bpf_printk("by %s.", name);
			return 0;
		}
		char LICENSE[] SEC("license") = "GPL";
	EOF
	cp "$(command -v bash)" $'\e[31mx'
	split saker run p.bpf.c -- $'./\e[31mx' -c '/bin/true; :'
	[ "$status" = 0 ]
	grep -q 'bpf_trace_printk: by ' split.out
	lacks split.out $'\e'
}
