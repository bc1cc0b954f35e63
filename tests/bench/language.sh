# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: Apache-2.0
# Sourced by ./run: the tracing language beside bpftrace of the oracle's tree (`./dev oracle`), in
# turns. Without that tree the peer's columns stay empty.

# The two command lines; the oracle's is its own program in its tree, with the mounts made once.
script_tools() {
	oracle=()
	local tree
	tree=$(tools/oracle.sh tree)
	if [ -x "$tree/usr/bin/bpftrace" ] && [ -n "${SAKER_BENCH_MOUNTS:-}" ]; then
		oracle=(chroot "$tree" /usr/bin/bpftrace)
	fi
	ours=("$saker" bpftrace)
}

ms_since() { calc "($EPOCHREALTIME - $1) * 1000" '%.2f\n'; }

# peak resident kB of a process
peak_kb() { awk '/^VmHWM/ { print $2 }' "/proc/$1/status" 2> /dev/null; }

# attach OUTPUT COMMAND...: starts it and returns when everything is attached; $tool, $attach_ms
attach() {
	local output=$1 begin line

	shift
	mkfifo "$work/fifo"
	begin=$EPOCHREALTIME
	__BPFTRACE_NOTIFY_PROBES_ATTACHED=1 "$@" > "$work/fifo" 2> "$work/stderr" &
	tool=$!
	running=("$tool")
	exec 8< "$work/fifo"
	while IFS= read -r -t 20 line <&8; do
		[ "$line" != __BPFTRACE_NOTIFY_PROBES_ATTACHED ] || break
	done
	attach_ms=$(ms_since "$begin")
	attach_cpu_ms=$(calc "$(run_ns "$tool") / 1e6" '%.2f')
	attach_kb=$(peak_kb "$tool")
	cat <&8 > "$output" &
	reader=$!
	exec 8<&-
	rm -f "$work/fifo"
}

detach() {
	finish INT
	wait "$reader" 2> /dev/null
}

# script_row WHAT BAR OURS THEIRS UNIT CONDITION; THEIRS may be empty
script_row() {
	row "$1" "$2" "$3 $5" "${4:+$4 $5}" "$(if [ -n "$4" ] || [[ $6 != *theirs* ]]; then
		verdict "${6//theirs/$4}"; else echo 'skipped: no oracle (./dev oracle)'; fi)"
}

measure_script_start() {
	local rounds=${quick:+5} i begin
	rounds=${rounds:-15}
	script_tools
	for ((i = 0; i < rounds; i++)); do
		begin=$EPOCHREALTIME
		"${ours[@]}" -e 'BEGIN { exit(); }' > /dev/null 2>&1
		ms_since "$begin" >> "$work/exit.ours"
		[ ${#oracle[@]} = 0 ] || [ $i -ge 7 ] && continue
		begin=$EPOCHREALTIME
		"${oracle[@]}" -e 'BEGIN { exit(); }' > /dev/null 2>&1
		ms_since "$begin" >> "$work/exit.theirs"
	done
	local a b=
	a=$(median < "$work/exit.ours")
	[ ! -e "$work/exit.theirs" ] || b=$(median < "$work/exit.theirs")
	script_row 'BEGIN { exit(); }, start to end' 'under 12 ms' "$a" "$b" ms "$a < 12"
	[ -z "$b" ] || script_row '  beside bpftrace' 'at least 25x faster' "$a" "$b" ms "theirs >= 25 * $a"
}

measure_script_attach() {
	local rounds=${quick:+3} i who program='tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'
	rounds=${rounds:-9}
	script_tools
	for ((i = 0; i < rounds; i++)); do
		for who in ours oracle; do
			local -n command=$who
			[ ${#command[@]} = 0 ] && continue
			attach /dev/null "${command[@]}" -e "$program"
			echo "$attach_ms $attach_cpu_ms $attach_kb" >> "$work/attach.$who"
			detach
		done
	done
	attach_rows
}

column_median() { [ ! -e "$1" ] || cut -d ' ' -f "$2" "$1" | median; }

attach_rows() {
	local a b
	a=$(column_median "$work/attach.ours" 1) b=$(column_median "$work/attach.oracle" 1)
	script_row 'count of system calls by comm, to attached' 'under 15 ms' "$a" "$b" ms "$a < 15"
	a=$(column_median "$work/attach.ours" 2) b=$(column_median "$work/attach.oracle" 2)
	script_row '  CPU time until then' 'under 10 ms' "$a" "$b" ms "$a < 10"
	a=$(calc "$(column_median "$work/attach.ours" 3) / 1024")
	b=$(column_median "$work/attach.oracle" 3)
	[ -z "$b" ] || b=$(calc "$b / 1024")
	script_row '  peak resident memory' 'under 8 MB' "$a" "$b" MB "$a < 8"
}

# What a system call pays: CPU ns a call with the tool less without it.
script_cost() {
	local name=$1 program=$2 bar=$3 share=$4 rounds=${quick:+3} i who base

	rounds=${rounds:-7}
	script_tools
	for ((i = 0; i < rounds; i++)); do
		base=$(load getppid 0.5 "$last_cpu" | cut -d ' ' -f 3)
		for who in ours oracle; do
			local -n command=$who
			[ ${#command[@]} = 0 ] && continue
			attach /dev/null "${command[@]}" -e "$program"
			calc "$(load getppid 0.5 "$last_cpu" | cut -d ' ' -f 3) - $base" '%.1f\n' \
				>> "$work/cost.$name.$who"
			detach
		done
	done
	local a b
	a=$(column_median "$work/cost.$name.ours" 1) b=$(column_median "$work/cost.$name.oracle" 1)
	script_row "$program" "$bar" "$a" "$b" ns "$a <= $share * theirs"
}

measure_script_count() {
	script_cost count 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }' \
		'at most 80 % of bpftrace' 0.8
}

measure_script_filter() {
	script_cost filter 'tracepoint:raw_syscalls:sys_enter { if (pid == 1) { @ = 1 } }' \
		'at most 90 % of bpftrace' 0.9
}

# Lines a second of a script under a load, and whether lines + lost = calls.
# script_lines NAME LOAD SECONDS PROGRAM WHO COMMAND...
script_lines() {
	local name=$1 call=$2 seconds=$3 program=$4 who=$5 calls wall lines lost

	shift 5
	attach "$work/lines" "$@" -e "$program"
	read -r calls wall _ <<< "$(load "$call" "$seconds" "$last_cpu")"
	detach
	# without the files that its start opened: its library, and the list of libraries
	lines=$(grep -cE ' bench_load( /-?)?$' "$work/lines")
	lost=$(cat "$work/stderr" "$work/lines" |
		sed -n 's/.*Total lost event count: \([0-9]*\)$/\1/p' | tail -n 1)
	awk -v lines="$lines" -v calls="$calls" -v wall="$wall" -v lost="${lost:-0}" 'BEGIN {
		printf "%.0f %d %.0f %d\n", lines * 1e9 / (calls * wall), lost,
			calls, lines + lost }' >> "$work/lines.$name.$who"
}

script_output() {
	local name=$1 what=$2 bar=$3 times=$4 call=$5 program=$6 rounds=${quick:+2} i who a b whole
	rounds=${rounds:-5}
	script_tools
	for ((i = 0; i < rounds; i++)); do
		for who in ours oracle; do
			local -n command=$who
			[ ${#command[@]} = 0 ] ||
				script_lines "$name" "$call" 1.5 "$program" "$who" "${command[@]}"
		done
	done
	a=$(column_median "$work/lines.$name.ours" 1) b=$(column_median "$work/lines.$name.oracle" 1)
	script_row "$what" "$bar" "$a" "$b" lines/s "$a >= $times * theirs"
	whole=$(awk '$3 == $4 { n++ } END { print n + 0 }' "$work/lines.$name.ours")
	row '  lines + lost = events, exactly' 'in every run' "$whole of $rounds runs" '' \
		"$(verdict "$whole == $rounds")"
}

measure_script_printf() {
	script_output printf 'printf a line per system call' 'at least 3x bpftrace' 3 getppid \
		'tracepoint:raw_syscalls:sys_enter /comm == "bench_load" && args.id == 110/ {
			printf("%d %s\n", pid, comm); }'
}

# An open that fails at once: the cheapest, so that the tracer is what is measured.
measure_script_open() {
	script_output open 'printf pid, comm and file per openat' 'at least 2x bpftrace' 2 miss \
		'tracepoint:syscalls:sys_enter_openat /comm == "bench_load"/ {
			printf("%d %s %s\n", pid, comm, str(args.filename)); }'
}

measure_script_wildcard() {
	local rounds=${quick:+3} i who begin a b
	local program='tracepoint:syscalls:sys_enter_*,tracepoint:syscalls:sys_exit_*t* { @[probe] = count(); }'
	rounds=${rounds:-5}
	script_tools
	for ((i = 0; i < rounds; i++)); do
		for who in ours oracle; do
			local -n command=$who
			[ ${#command[@]} = 0 ] && continue
			begin=$EPOCHREALTIME
			"${command[@]}" --mode codegen -e "$program" > /dev/null 2>> "$work/wildcard.err"
			ms_since "$begin" >> "$work/wildcard.$who"
		done
	done
	a=$(column_median "$work/wildcard.ours" 1) b=$(column_median "$work/wildcard.oracle" 1)
	script_row '600 probes by wildcard, compiled' 'under 150 ms' "$a" "$b" ms "$a < 150"
}
