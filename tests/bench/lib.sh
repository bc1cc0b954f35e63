# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: Apache-2.0
# Sourced by ./run: numbers, lines of the report, programs that run beside a load.

# ---- numbers
# median and spread of the numbers on stdin
median() {
	sort -g | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

largest() { sort -g | tail -n 1; }

# calc EXPRESSION [FORMAT]
calc() { awk "BEGIN { printf \"${2:-%.2f}\", $1 }"; }

holds() { awk "BEGIN { exit !($1) }"; }

# ---- the report
heading() {
	[ "$format" = json ] && return
	printf '%s, %s CPUs, load %s, BPF programs already loaded: %s\n\n' "$(uname -sr)" \
		"$(nproc)" "$(cut -d ' ' -f 1 /proc/loadavg)" "$("$saker" ps -o json | wc -l)"
	printf '%-44s %-24s %14s %14s  %s\n' WHAT BAR MEASURED PEER VERDICT
}

footing() {
	[ "$format" = json ] && return
	if [ "$short" = 0 ]; then
		printf '\nevery bar is met\n'
	else
		printf '\n%s fall short\n' "$short"
	fi
}

quoted() {
	local text=${1//\\/\\\\}

	printf '"%s"' "${text//\"/\\\"}"
}

# row WHAT BAR MEASURED PEER VERDICT: numbers with their unit; the verdict is pass, FALLS SHORT, a
# "skipped: reason", or nothing where there is no bar. The ratio is how many times better than the
# peer: more of what is counted a second, less of anything else.
row() {
	local what=$1 bar=$2 measured=$3 peer=$4 verdict=$5 ratio=null a=${3%% *} b=${4%% *}

	[ "$verdict" != 'FALLS SHORT' ] || short=$((short + 1))
	if [[ $a$b =~ ^[0-9.]+$ && -n $a && -n $b ]] && holds "$a > 0 && $b > 0"; then
		case $measured in
		*/s) ratio=$(calc "$a / $b") ;;
		*' '*) ratio=$(calc "$b / $a") ;;
		esac
	fi
	if [ "$format" = json ]; then
		printf '{"what":%s,"bar":%s,"measured":%s,"peer":%s,"times_better":%s,"verdict":%s}\n' \
			"$(quoted "$what")" "$(quoted "$bar")" "$(quoted "$measured")" \
			"$(quoted "$peer")" "$ratio" "$(quoted "$verdict")"
		return
	fi
	[ "$ratio" = null ] || verdict="$verdict${verdict:+, }${ratio} times better"
	printf '%-44s %-24s %14s %14s  %s\n' "$what" "$bar" "$measured" "$peer" "$verdict"
}

# verdict CONDITION
verdict() { if holds "$1"; then echo pass; else echo 'FALLS SHORT'; fi; }

# ---- programs
# The peer's path, or false: only what the distribution's package has, not what else has its name.
peer() {
	local path=/usr/sbin/$1

	[ -x "$path" ] && echo "$path"
}

# begin OUTPUT COMMAND...: runs it, and returns when it waits for events; $tool is its process id.
# Its stderr is in $work/stderr.
begin() {
	local output=$1

	shift
	"$@" > "$output" 2> "$work/stderr" &
	tool=$!
	running=("$tool")
	"$built/bench_start" -p "$tool"
}

# finish [SIGNAL]: ends it, as Ctrl-C does; $user_ms and $system_ms are its CPU time.
# shellcheck disable=SC2120
finish() {
	local user_before system_before

	children_ms
	user_before=$user_ms system_before=$system_ms
	kill -"${1:-INT}" "$tool" 2> /dev/null
	wait "$tool"
	children_ms
	user_ms=$((user_ms - user_before)) system_ms=$((system_ms - system_before))
	running=()
}

# Sets $user_ms and $system_ms to the times of all children that were waited for: times writes
# them as "0m1.234s 0m0.056s" in its second line.
children_ms() {
	times > "$work/times"
	read -r user_ms system_ms <<< "$(awk -F '[ms ]+' 'NR == 2 {
		printf "%.0f %.0f", $1 * 60000 + $2 * 1000, $3 * 60000 + $4 * 1000 }' "$work/times")"
}

load() { "$built/bench_load" "$@"; }
last_cpu=$(($(nproc) - 1))

# beside LOAD SECONDS TOOL...: CPU ns a call of the load while the tool runs
beside() {
	local call=$1 seconds=$2

	shift 2
	begin /dev/null "$@" || return 1
	load "$call" "$seconds" "$last_cpu" | cut -d ' ' -f 3
	finish INT
}

# Resident kB of a process without the pages of BPF maps, and those: "12345 1024". The pages of the
# program file and of libraries count in full, though others share them.
resident() {
	awk '/^[0-9a-f]+-/ { map = /anon_inode:bpf-map/ }
		/^Rss:/ { if (map) maps += $2; else own += $2 }
		END { print own + 0, maps + 0 }' "/proc/$1/smaps" 2> /dev/null
}

# CPU time of processes in ns, to the nanosecond
run_ns() {
	local pid

	for pid; do
		cat /proc/"$pid"/task/*/schedstat 2> /dev/null
	done | awk '{ n += $1 } END { printf "%.0f", n }'
}
