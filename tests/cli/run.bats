#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# saker run: programs of the user's own, with tags and without, as object and as source; files that
# are none; BCC's.

load helpers

setup() {
	helpers_setup
	FOLDERS=$(ls -d /tmp/saker-?????? 2> /dev/null || true)
	# Where clang and libbpf are not, only the refusals can be tested.
	HAVE_CLANG=''
	if command -v clang > /dev/null && [ -e /usr/include/bpf/bpf_helpers.h ]; then
		HAVE_CLANG=1
	fi
}

teardown() {
	helpers_teardown
	[ "$(ls -d /tmp/saker-?????? 2> /dev/null || true)" = "$FOLDERS" ]
	local folder
	for folder in /sys/kernel/tracing/instances/saker-*; do
		[ ! -e "$folder" ] || [ -e "/proc/${folder##*-}" ] || {
			echo "a tracing instance stayed: $folder" >&2
			return 1
		}
	done
}

needs_clang() {
	needs_root
	[ -n "$HAVE_CLANG" ] || skip "clang or libbpf's headers are not installed"
}

HEADERS=$'#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n'
LICENCE=$'\nchar LICENSE[] SEC("license") = "GPL";\n'
EXECVE='SEC("tracepoint/syscalls/sys_enter_execve")'

# compile NAME: NAME.bpf.c to NAME.o, as a person does it by hand
compile() {
	clang -g -O2 -target bpf -I"/usr/include/$(uname -m)-linux-gnu" -c "$1.bpf.c" -o "$1.o"
}

# shows TEXT ARGUMENTS...: a run whose command is `true` shows the line
shows() {
	local text=$1
	shift
	split saker run "$@" -- true
	[ "$status" = 0 ] && grep -qF "bpf_trace_printk: $text" split.out && return
	printf 'status %s\n%s\n%s\n' "$status" "$out" "$err" >&2
	return 1
}

@test "the classic examples run as they are printed" {
	needs_clang
	# shellcheck disable=SC2016
	echo "$EXECVE int f(void *ctx) { bpf_trace_printk(\"execve called\"); return 0; }" > bare.c
	shows 'execve called' bare.c
	[[ $err == *licence* ]]
	echo "$HEADERS$EXECVE
int f(void *ctx) { bpf_trace_printk(\"execve called\"); return 0; }$LICENCE" > one.bpf.c
	shows 'execve called' ./one.bpf.c
	echo "$HEADERS$EXECVE
int f(void *ctx)
{
	char text[] = \"sized %d\";

	bpf_trace_printk(text, sizeof(text), 5);
	bpf_printk(\"also %d\", 6);
	return 0;
}$LICENCE" > sized.bpf.c
	shows 'sized 5' ./sized.bpf.c
	grep -qF 'also 6' split.out
	compile sized
	shows 'sized 5' ./sized.o
	cat > old.bpf.c <<-'EOF'
		#include <linux/bpf.h>
		#define SEC(NAME) __attribute__((section(NAME), used))
		static int (*bpf_trace_printk)(const char *fmt, int fmt_size, ...) =
			(void *)BPF_FUNC_trace_printk;
		SEC("tracepoint/syscalls/sys_enter_execve")
		int bpf_prog(void *ctx)
		{
			char msg[] = "Hello, BPF World!";
			bpf_trace_printk(msg, sizeof(msg));
			return 0;
		}
		char _license[] SEC("license") = "GPL";
	EOF
	shows 'Hello, BPF World!' ./old.bpf.c
	compile old
	shows 'Hello, BPF World!' ./old.o
	sed 's/#define SEC.*/#include "bpf_helpers.h"/; /^static/d; /BPF_FUNC/d' old.bpf.c > book.c
	shows 'Hello, BPF World!' book.c
}

@test "maps are dumped at the end: table, JSON, CSV" {
	needs_clang
	needs jq
	echo "$HEADERS
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32);
	 __type(value, __u64); } calls SEC(\".maps\");
$EXECVE
int f(void *ctx)
{
	__u32 key = 7;
	__u64 one = 1;

	bpf_printk(\"quote \\\" here\");
	bpf_map_update_elem(&calls, &key, &one, BPF_NOEXIST);
	return 0;
}$LICENCE" > maps.bpf.c
	compile maps
	split saker run ./maps.o -- true
	[ "$status" = 0 ]
	grep -qx 'map calls' split.out
	grep -qE '^ *7 +1$' split.out
	split saker run ./maps.o -o json -- true
	json_lines split.out
	[ "$(field split.out 'map(select(.map == "calls")) | .[0] | "\(.key) \(.count)"')" = '7 1' ]
	[ "$(field split.out 'map(select(.printk)) | .[0].printk | endswith("quote \" here")')" = true ]
	split saker run ./maps.o -o none -- true
	[ "$status" = 0 ] && [ -z "$out" ]
	split saker run ./maps.o --help
	[ "$status" = 0 ] && [ -n "$out" ] && [ -z "$err" ]
	split saker run ./maps.o --where 'pid == 1'
	[ "$status" = 2 ] && one_line "$err" && [[ $err == *--where* ]]
}

@test "printk lines of others are not taken away, and the instance goes, also on SIGTERM" {
	needs_clang
	[ -d /sys/kernel/tracing/instances ] || skip "tracefs is not mounted"
	echo "$HEADERS$EXECVE int f(void *ctx) { bpf_printk(\"for all\"); return 0; }$LICENCE" > p.bpf.c
	compile p
	start one saker run ./p.o
	start two saker run ./p.o
	wait_for_line one.err attached
	wait_for_line two.err attached
	/bin/true
	wait_for_line one.out 'for all'
	wait_for_line two.out 'for all'
	# shellcheck disable=SC2154
	[ -d "/sys/kernel/tracing/instances/saker-$one_pid" ]
	stop one TERM
	[ "$status" = 0 ]
	[ ! -e "/sys/kernel/tracing/instances/saker-$one_pid" ]
	stop two KILL
	# shellcheck disable=SC2154
	[ -d "/sys/kernel/tracing/instances/saker-$two_pid" ]
	run saker run ./p.o --for 10ms
	[ ! -e "/sys/kernel/tracing/instances/saker-$two_pid" ]
}

@test "the gadget of docs/writing-a-gadget.md runs as it is printed" {
	needs_clang
	needs jq
	awk '/^```c$/ { on = !done; next } /^```$/ { done = done || on; on = 0 } on' \
		"$ROOT/docs/writing-a-gadget.md" > renamesnoop.bpf.c
	grep -q GADGET renamesnoop.bpf.c
	split saker run ./renamesnoop.bpf.c --help
	[ "$status" = 0 ] && [ -z "$err" ]
	grep -q -- '--failed' split.out
	grep -q 'the new name' split.out
	: > before
	split saker run ./renamesnoop.bpf.c -- mv before after
	[ "$status" = 0 ] && [ -z "$err" ]
	grep -qE '^ *PID +COMM' split.out
	grep -qE 'mv .*before +after$' split.out
	split saker run ./renamesnoop.bpf.c -o json -- mv after again
	json_lines split.out
	[ "$(field split.out '.[0] | "\(.comm) \(.from) \(.to) \(.error)"')" = 'mv after again null' ]
	split saker run ./renamesnoop.bpf.c -o json --where 'to endswith ".x"' -- \
		sh -c 'mv again b.x; mv b.x again'
	[ "$(field split.out 'length')" = 1 ]
	split saker run ./renamesnoop.bpf.c -x -o json -- sh -c 'mv again b; mv b/ c 2> /dev/null; :'
	[ "$(field split.out 'map(select(.error == null)) | length')" = 0 ]
	[ "$(field split.out 'length > 0')" = true ]
	split saker run ./renamesnoop.bpf.c --explain --for 10ms --where 'pid == 1' -o none
	[[ $err == *'filter in the kernel: pid == 1'* ]]
	split saker run ./renamesnoop.bpf.c --columns nosuch
	[ "$status" = 2 ] && one_line "$err"
}

# refused FILE STATUS WORDS: one clear line
refused() {
	split saker run "$1" --for 100ms
	[ "$status" = "$2" ] && [ -z "$out" ] && one_line "$err" && [[ $err == *$3* ]] && return
	printf '%s: status %s\n%s\n%s\n' "$1" "$status" "$out" "$err" >&2
	return 1
}

@test "files that are no programs: one clear line" {
	needs_root
	cp /bin/true elf.o
	: > empty.o
	printf 'hello\n' > text.o
	printf 'hello\n' > text.txt
	printf '\177ELF' > four.o
	truncate -s 20000000 big.o
	mkfifo fifo.o
	refused ./elf.o 2 elf
	refused ./empty.o 2 empty.o
	refused ./text.o 2 'neither'
	refused ./text.txt 2 'neither'
	refused ./four.o 2 four
	refused ./big.o 2 'larger than'
	refused ./fifo.o 2 'not a file'
	refused . 2 'not a file'
	refused ./nosuch.o 2 'No such file'
	refused nosuch.o 2 'nosuch.o'
	refused nosuch 2 'no gadget'
	[ -n "$HAVE_CLANG" ] || return 0
	echo "$HEADERS$EXECVE int f(void *ctx) { return 0; }$LICENCE" > p.bpf.c
	compile p
	head -c 700 p.o > cut.o
	refused ./cut.o 2 cut
	clang -O2 -target bpf -I"/usr/include/$(uname -m)-linux-gnu" -c p.bpf.c -o nobtf.o
	refused ./nobtf.o 2 BTF
}

@test "programs that the kernel or libbpf refuses: one clear line" {
	needs_clang
	echo "$HEADERS
struct bpf_map_def { unsigned int type, key_size, value_size, max_entries, map_flags; };
struct bpf_map_def SEC(\"maps\") m = { BPF_MAP_TYPE_HASH, 4, 8, 16, 0 };
$EXECVE int f(void *ctx) { int k = 1; bpf_map_delete_elem(&m, &k); return 0; }$LICENCE" > old.bpf.c
	refused ./old.bpf.c 1 'legacy map definitions'
	echo "$HEADERS SEC(\"foo/bar\") int f(void *ctx) { return 0; }$LICENCE" > section.bpf.c
	refused ./section.bpf.c 1 "foo/bar"
	echo "$HEADERS SEC(\"tracepoint/syscalls/sys_enter_nosuch\") int f(void *ctx) { return 0; }$LICENCE" \
		> hook.bpf.c
	refused ./hook.bpf.c 1 'sys_enter_nosuch does not exist'
	echo "$HEADERS$EXECVE int f(long *ctx) { return *(int *)ctx[1]; }$LICENCE" > bad.bpf.c
	refused ./bad.bpf.c 1 'bad.bpf.c:3'
	echo "int x = ;" > syntax.bpf.c
	split saker run ./syntax.bpf.c
	[ "$status" = 1 ] && [[ $err == *'clang refused it'* ]]
	echo "$HEADERS$EXECVE int f(void *c) { return 0; }$LICENCE" > p.bpf.c
	PATH=/nonexistent split "$SAKER" run ./p.bpf.c
	[ "$status" = 1 ] && one_line "$err" && [[ $err == *clang* ]]
}

@test "BCC's programs are refused with the command that does their job" {
	printf '#!/usr/bin/python3\nfrom bcc import BPF\n' > opensnoop-bpfcc
	cp opensnoop-bpfcc execsnoop.py
	cp opensnoop-bpfcc mytool.py
	refused ./opensnoop-bpfcc 2 'saker opensnoop'
	refused ./execsnoop.py 2 'saker execsnoop'
	refused ./mytool.py 2 'saker list'
	split saker opensnoop-bpfcc
	[ "$status" = 2 ] && one_line "$err" && [[ $err == *"'opensnoop'"* ]]
}

@test "a user who is not root is told so" {
	needs_root
	needs setpriv
	chmod 755 .
	cp "$SAKER" saker-copy
	split setpriv --reuid 65534 --clear-groups ./saker-copy opensnoop
	[ "$status" = 1 ] && one_line "$err" && [[ $err == *root* ]]
	[ -n "$HAVE_CLANG" ] || return 0
	echo "$HEADERS$EXECVE int f(void *ctx) { return 0; }$LICENCE" > p.bpf.c
	compile p
	split setpriv --reuid 65534 --clear-groups ./saker-copy run ./p.o
	[ "$status" = 1 ] && one_line "$err" && [[ $err == *root* ]]
	chmod 0 p.o
	split setpriv --reuid 65534 --clear-groups ./saker-copy run ./p.o
	[ "$status" = 2 ] && one_line "$err" && [[ $err == *denied* ]]
}
