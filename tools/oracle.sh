#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The oracle: Debian sid's bpftrace in a tree of its own, with which the language is compared.
#   oracle.sh make             makes the tree if it is not there (debootstrap; as root)
#   oracle.sh tree             prints where it is: $SAKER_ORACLE, or one in the cache
#   oracle.sh bpftrace [ARGS]  runs it. The tree sees this machine's /proc, /sys, /dev and /tmp and
#                              keeps the current directory if that is below /tmp.
#   oracle.sh run COMMAND      runs another command in the tree in the same way
#   oracle.sh keep COMMAND     runs COMMAND while another one of it sleeps in the background: it finds
#                              the kernel's own types, and so raw tracepoints, only while some
#                              program with types of its own is loaded
# All mounts are made in a mount namespace of their own and go with the process, however it ends.
set -euo pipefail

self=$(readlink -f "$0")
tree=${SAKER_ORACLE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/saker/oracle}

die() {
	echo "oracle: $*" >&2
	exit 1
}

make_tree() {
	local mirror new
	[ ! -x "$tree/usr/bin/bpftrace" ] || return 0
	[ -z "${SAKER_ORACLE:-}" ] || die "no bpftrace in $tree, which SAKER_ORACLE names"
	[ "$(id -u)" = 0 ] || die "needs root to make a tree with debootstrap"
	command -v debootstrap > /dev/null || die "debootstrap is not installed"
	mirror=$("${self%/tools/*}/tests/vm/mirror.sh")
	mkdir -p "${tree%/*}"
	new=$(mktemp -d "$tree.XXXXXX")
	echo "oracle: making a tree of Debian sid with bpftrace, once; about 700 MB" >&2
	if ! debootstrap --variant=minbase --include=bpftrace,openssl,libreadline8t64 sid "$new" "$mirror" \
		> "$tree.log" 2>&1; then
		tail -n 3 "$tree.log" >&2
		rm -rf --one-file-system "$new"
		die "debootstrap failed; its log is $tree.log"
	fi
	rm -f "$new"/var/cache/apt/archives/*.deb
	chmod 755 "$new"
	mv "$new" "$tree"
}

# Inside the namespace. A tree that somebody has mounted these in already takes them once more.
inside() {
	mount -t proc proc "$tree/proc"
	mount --rbind /sys "$tree/sys"
	mount --rbind /dev "$tree/dev"
	mount --rbind /tmp "$tree/tmp"
	[ -e "$tree/sys/kernel/tracing/events" ] || mount -t tracefs tracefs "$tree/sys/kernel/tracing"
	# shellcheck disable=SC2016
	exec chroot "$tree" /bin/sh -c 'cd "$0" 2> /dev/null || cd /; exec "$@"' "$PWD" "$@"
}

keep() {
	local status=0
	coproc keeper { __BPFTRACE_NOTIFY_PROBES_ATTACHED=1 exec "$self" bpftrace -e 'interval:s:3600 { }' \
		2> /dev/null < /dev/null; }
	IFS= read -r -t 20 <&"${keeper[0]}" || die "the second one did not start"
	# shellcheck disable=SC2064,SC2154
	trap "kill $keeper_PID 2> /dev/null || true" EXIT
	"$@" || status=$?
	exit "$status"
}

case ${1:-} in
make) make_tree ;;
tree) echo "$tree" ;;
bpftrace)
	shift
	[ -x "$tree/usr/bin/bpftrace" ] || die "no tree in $tree; ./dev oracle makes it"
	exec unshare --mount --propagation private "$self" inside /usr/bin/bpftrace "$@"
	;;
run)
	shift
	exec unshare --mount --propagation private "$self" inside "$@"
	;;
keep)
	shift
	keep "$@"
	;;
inside)
	shift
	inside "$@"
	;;
*)
	sed -n '4,14s/^# \{0,1\}//p' "$self"
	exit 2
	;;
esac
