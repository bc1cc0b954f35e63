#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ./dev on machines that are not this one: a copy of it, a false os-release and false package tools.

load helpers

setup() {
	helpers_setup
	mkdir -p tree bin
	cp -r "$ROOT/dev" "$ROOT/tools" tree/
	printf '#!/bin/sh\necho "make $*" >> "%s/log"\n' "$DIR" > bin/make
	printf '#!/bin/sh\necho "apt-get $*" >> "%s/log"\n' "$DIR" > bin/apt-get
	printf '#!/bin/sh\nexit 1\n' > bin/dpkg-query
	printf '#!/bin/sh\n[ "$1" = -u ] && echo 0 || exec /usr/bin/id "$@"\n' > bin/id
	chmod +x bin/*
	PATH=$DIR/bin:$PATH
	unset CI
	machine debian 12 'Debian GNU/Linux 12 (bookworm)'
}

machine() {
	printf 'ID=%s\nVERSION_ID=%s\nPRETTY_NAME="%s"\n' "$1" "$2" "$3" > os-release
	export SAKER_OS_RELEASE=$DIR/os-release
}

installed() {
	printf '#!/bin/sh\nshift 3\nfor p; do echo "installed $p"; done\n' > bin/dpkg-query
}

@test "no command, help and an unknown command" {
	split tree/dev
	[ "$status" = 0 ]
	[[ $out == 'usage: ./dev COMMAND'* ]]
	split tree/dev nonsense
	[ "$status" = 2 ]
	[ -z "$out" ]
}

@test "missing packages, no terminal and no --yes: one line, nothing done" {
	split tree/dev build
	[ "$status" = 1 ]
	one_line "$err"
	[[ $err == *'libbpf-dev'*'--yes'* ]]
	[ ! -e log ]
}

@test "--yes installs and builds; what is needed differs by job" {
	split tree/dev build --yes
	[ "$status" = 0 ]
	grep -q 'apt-get install -y .*clang.*libbpf-dev' log
	grep -q '^make .* all' log
	lacks log qemu
	rm log
	split tree/dev vm --yes 6.1 -- true
	grep -q 'apt-get install -y .*qemu-system-x86' log
}

@test "CI=true is as good as --yes" {
	CI=true split tree/dev build
	[ "$status" = 0 ]
	grep -q 'apt-get install' log
}

@test "a second run does no set-up again" {
	installed
	split tree/dev build
	[ "$status" = 0 ]
	rm bin/dpkg-query
	printf '#!/bin/sh\necho asked >> "%s/log"\nexit 1\n' "$DIR" > bin/dpkg-query
	chmod +x bin/dpkg-query
	split tree/dev build
	[ "$status" = 0 ]
	lacks log asked
	lacks log apt-get
	# ... until the list changes
	echo 'build - libnew-dev libnew-devel libnew libnew' >> tree/tools/packages
	split tree/dev build
	[ "$status" = 1 ]
	grep -q asked log
}

@test "other distributions: their own names, and nothing is run" {
	export CC=false
	machine fedora 42 'Fedora Linux 42'
	split tree/dev build --yes
	[ "$status" = 1 ]
	one_line "$err"
	[[ $err == *'Fedora Linux 42'*'dnf install'*'libbpf-devel'* ]]
	machine arch '' 'Arch Linux'
	split tree/dev build --yes
	[[ $err == *'pacman -S'*'jansson'* ]]
	machine opensuse-tumbleweed 2026 'openSUSE Tumbleweed'
	split tree/dev build --yes
	[[ $err == *'zypper install'*'libjansson-devel'* ]]
	[ ! -e log ]
}

@test "other distributions that have everything just build" {
	export CC=true
	machine fedora 42 'Fedora Linux 42'
	for p in gcc clang; do printf '#!/bin/sh\n' > "bin/$p"; done
	chmod +x bin/*
	split tree/dev build
	[ "$status" = 0 ]
	grep -q '^make' log
}

@test "saker's own arguments reach it untouched" {
	installed
	mkdir -p tree/build
	printf '#!/bin/sh\nprintf "<%%s>" "$@"\n' > tree/build/saker
	chmod +x tree/build/saker
	split tree/dev run execsnoop --where 'a == "b c"' --yes -- ls '*'
	[ "$status" = 0 ]
	[ "$out" = '<execsnoop><--where><a == "b c"><--yes><--><ls><*>' ]
}

@test "a build that fails says so and looks at the packages again next time" {
	installed
	printf '#!/bin/sh\nexit 2\n' > bin/make
	split tree/dev build
	[ "$status" = 1 ]
	[[ $err == *'the build failed'* ]]
	[ ! -e tree/build/setup/build ]
}

@test "the mirror is found in both forms of apt's sources" {
	mkdir -p apt/sources.list.d
	export SAKER_APT_SOURCES=$DIR/apt
	echo 'VERSION_CODENAME=bookworm' >> os-release
	cat > apt/sources.list <<-'EOF'
		# deb http://commented.example/debian bookworm main
		deb http://security.example/debian-security bookworm-security main
		deb [arch=amd64 signed-by=/x.gpg] http://one.example/debian/ bookworm main
	EOF
	split "$ROOT/tests/vm/mirror.sh"
	[ "$out" = http://one.example/debian ]
	rm apt/sources.list
	cat > apt/sources.list.d/a.sources <<-'EOF'
		Enabled: no
		Types: deb
		URIs: http://off.example/debian
		Suites: bookworm

		Types: deb deb-src
		# URIs: http://commented.example
		URIs: http://two.example/debian
		Suites: bookworm bookworm-updates
	EOF
	split "$ROOT/tests/vm/mirror.sh"
	[ "$out" = http://two.example/debian ]
	machine ubuntu 24.04 'Ubuntu 24.04'
	split "$ROOT/tests/vm/mirror.sh"
	[ "$status" = 1 ]
	one_line "$err"
	SAKER_DEBIAN_MIRROR=http://three.example split "$ROOT/tests/vm/mirror.sh"
	[ "$out" = http://three.example ]
}

@test "who is not root: sudo for apt-get and for saker, none for help" {
	mkdir -p tree/build
	printf '#!/bin/sh\necho "saker $*"\n' > tree/build/saker
	printf '#!/bin/sh\n[ "$1" = -u ] && echo 1000 || exec /usr/bin/id "$@"\n' > bin/id
	printf '#!/bin/sh\necho "sudo $*" >> "%s/log"\n[ "$1" = -- ] && shift\nexec "$@"\n' "$DIR" \
		> bin/sudo
	chmod +x tree/build/saker bin/sudo
	split tree/dev run --yes opensnoop -x
	[ "$status" = 0 ]
	grep -q 'sudo apt-get update' log
	grep -q 'sudo env DEBIAN_FRONTEND=noninteractive apt-get install' log
	grep -q 'sudo -- env build/saker opensnoop -x' log
	[ "$out" = 'saker opensnoop -x' ]
	rm log
	installed
	split tree/dev run opensnoop --help
	lacks log sudo
	split tree/dev run list
	lacks log sudo
	split tree/dev run -- ls --help
	grep -q 'sudo -- env build/saker -- ls --help' log
}

@test "a terminal is asked, and no is no" {
	needs script
	echo n | script -qec 'tree/dev build' /dev/null > said || status=$?
	[ "${status:-0}" = 1 ]
	grep -q '\[y/N\]' said
	[ ! -e log ]
	echo y | script -qec 'tree/dev build' /dev/null > said
	grep -q 'apt-get install' log
}
