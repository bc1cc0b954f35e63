#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --cgroup, --container and filters: who is seen, and where it is decided.

load helpers

setup() {
	helpers_setup
	needs_root
	needs jq
	TOP=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/scopes-test-$$
	[ "${TOP%/*}" != '' ] || skip "cgroup v2 is not mounted"
	ID=$(printf 'abcd%.0s' {1..16})
	ID2=$(printf 'dcba%.0s' {1..16})
	POD=kubepods-besteffort-pod01234567_89ab_cdef_0123_456789abcdef.slice
	mkdir -p "$TOP/child" "$TOP/docker-$ID.scope" "$TOP/$POD/cri-containerd-$ID2.scope"
}

teardown() {
	helpers_teardown
	rmdir "$TOP/child" "$TOP/docker-$ID.scope" "$TOP/$POD/cri-containerd-$ID2.scope" "$TOP/$POD" "$TOP"
}

# inside FOLDER COMMAND...: the exec is in the cgroup
inside() {
	sh -c 'echo 0 > "$0/cgroup.procs" && exec "$@"' "$@"
}

# watched ARGUMENTS... -- a marker in each cgroup and one outside; $seen is which came
watched() {
	start tool saker execsnoop -o json "$@"
	wait_until 10 all_markers
	stop tool
	[ "$status" = 0 ]
	seen=$(field tool.out 'map(select(.args[0] == "/bin/echo") | .args[1]) | unique | join(" ")')
}

# Every folder, then one more round whose end is seen when the last marker of the scope is there.
all_markers() {
	inside "$TOP" /bin/echo top > /dev/null
	inside "$TOP/child" /bin/echo child > /dev/null
	inside "$TOP/docker-$ID.scope" /bin/echo docker > /dev/null
	inside "$TOP/$POD/cri-containerd-$ID2.scope" /bin/echo cri > /dev/null
	/bin/echo outside > /dev/null
	[ "$(grep -c '"/bin/echo"' tool.out)" -ge 5 ]
}

@test "--cgroup has what is below it, by path and by name, and nothing else" {
	watched --cgroup "$TOP"
	[ "$seen" = 'child cri docker top' ]
	watched --cgroup "/${TOP##*/}/child"
	[ "$seen" = child ]
}

@test "--container by the start of its id; its columns" {
	watched --container "${ID:0:12}"
	[ "$seen" = docker ]
	watched --columns args,container.id,container.runtime,pod.uid --cgroup "$TOP"
	field tool.out 'map(select(.args[1] == "docker"))[0]
		| "\(.["container.id"]) \(.["container.runtime"])"' > said
	[ "$(cat said)" = "${ID:0:12} docker" ]
	[[ $(field tool.out 'map(select(.args[1] == "cri"))[0] | .["container.runtime"]') == containerd ]]
	[ "$(field tool.out 'map(select(.args[1] == "cri"))[0] | .["pod.uid"]')" = \
		01234567-89ab-cdef-0123-456789abcdef ]
}

@test "container.id in a filter is decided in user space, and --explain says so" {
	watched --where "container.id == \"${ID2:0:12}\"" --explain
	[ "$seen" = cri ]
	grep -q 'filter in user space: container.id' tool.err
	split saker opensnoop --explain --for 10ms -o none \
		--where 'pid == 1 && container.name == "x" && path matches "^/e"' --where 'fd > 2'
	[ "$status" = 0 ]
	grep -qE 'in the kernel: .*pid == 1.*fd > 2' split.err
	grep -qE 'in user space: .*container.name == "x".*matches' split.err
	split saker opensnoop --explain --for 10ms -o none
	[ "$err" = 'filter: none' ]
}

@test "the same filter gives the same records in the kernel and in user space" {
	cat > loop <<-'EOF'
		cat /etc/passwd /etc/hostname /nosuch > /dev/null 2>&1
		: < /etc/passwd
	EOF
	local filter
	for filter in 'path == "/etc/passwd"' 'path startswith "/etc/" && comm != "cat"' \
		'path endswith "wd"' 'path contains "tc/ho"' 'error == ENOENT && path == "/nosuch"' \
		'!(fd >= 0) && path startswith "/no"' 'comm in ("cat", "x") && path == "/etc/hostname"'; do
		split saker opensnoop -o json --columns comm,path,error --where "$filter" -- sh loop
		[ -s split.out ] || { echo "nothing: $filter" >&2; return 1; }
		sort split.out > kernel
		split saker opensnoop -o json --columns comm,path,error \
			--where "($filter) && comm matches \".\"" -- sh loop
		sort split.out > user
		cmp kernel user
	done
}
