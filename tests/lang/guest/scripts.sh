#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In a guest of tests/lang/kernels: attaches each script of /scripts, causes a bit of everything that
# they watch, presses Ctrl-C, and says how it went: "ROW NAME STATUS LINES MESSAGE".
program=$*

cause() {
	cat /proc/self/status /nosuch-file
	/bin/true
	bash -c 'kill -0 $$'
	sleep 0.01
	dd if=/dev/zero of=/tmp/some bs=4k count=4
	chown 0 /tmp/some
	stat -f /tmp/some
	sync
	(nc -l -p 4711 > /tmp/received &)
	echo x | nc -w 1 127.0.0.1 4711
	nc -w 1 127.0.0.1 9 < /dev/null
	[ ! -e /dev/vda ] || dd if=/dev/vda of=/dev/null bs=4k count=4
} > /dev/null 2>&1

for file in /scripts/*/*.bt; do
	name=${file#/scripts/}
	: > /tmp/out
	__BPFTRACE_NOTIFY_PROBES_ATTACHED=1 $program "$file" > /tmp/out 2> /tmp/err < /dev/null &
	pid=$!
	while kill -0 $pid 2> /dev/null && ! grep -q ^__BPFTRACE /tmp/out; do
		usleep 20000
	done
	if grep -q ^__BPFTRACE /tmp/out; then
		cause
		kill -INT $pid
	fi
	wait $pid
	status=$?
	lines=$(grep -vc '^$\|^__BPFTRACE' /tmp/out)
	message=$(grep 'ERROR: ' /tmp/err | head -n 1 | cut -c 1-150)
	echo "ROW ${name%.bt} $status $lines $message"
done
