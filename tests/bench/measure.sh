# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Sourced by ./run: one function for each thing that is measured. Bars are the project's promises.

measure_size() {
	row 'saker, stripped, with all gadgets' 'under 3 MB' "$(stripped "$saker") MB" '' \
		"$(verdict "$(stripped "$saker") < 3")"
	row 'saker-agent, stripped' '' "$(stripped "$agent") MB" '' ''
}

stripped() {
	strip -o "$work/stripped" "$1" && calc "$(stat -c %s "$work/stripped") / 1e6"
}

# ---- start: bench_start.c says what "ready" is
measure_start() {
	local rounds=${quick:+5} i ours theirs bcc peer_exec bcc_exec reason
	rounds=${rounds:-15}
	peer_exec=$(peer execsnoop) bcc_exec=$(peer execsnoop-bpfcc)
	for ((i = 0; i < rounds; i++)); do
		"$built/bench_start" -e "$saker" execsnoop >> "$work/start.saker"
		[ -z "$peer_exec" ] || "$built/bench_start" -e "$peer_exec" >> "$work/start.peer"
		[ $i -ge 3 ] || [ -z "$bcc_exec" ] ||
			"$built/bench_start" -e "$bcc_exec" >> "$work/start.bcc"
		[ $i -ge 3 ] || "$built/bench_start" "$saker" opensnoop >> "$work/start.open"
	done
	ours=$(start_median saker 1)
	row 'execsnoop: start to first event possible' 'under 60 ms' "$ours ms" '' \
		"$(verdict "$ours < 60 && $(start_seen saker) == $rounds")"
	if [ -n "$peer_exec" ]; then
		theirs=$(start_median peer 1)
		row '  beside libbpf-tools' 'not slower' "$ours ms" "$theirs ms" \
			"$(verdict "$ours <= $theirs")"
		row '  Ctrl-C to the end' '' "$(start_median saker 2) ms" "$(start_median peer 2) ms" ''
	else
		row '  beside libbpf-tools' 'not slower' "$ours ms" '' 'skipped: not installed'
	fi
	measure_start_bcc
	row 'opensnoop: start to first event possible' '' "$(start_median open 1) ms" '' ''
	row '  Ctrl-C to the end' '' "$(start_median open 2) ms" '' ''
}

start_median() { cut -d ' ' -f "$2" "$work/start.$1" | median; }
start_seen() { awk '$4 == 1' "$work/start.$1" | wc -l; }

# BCC compiles when it starts. Where it cannot (no headers of this kernel), how long it took to find
# that out is a time that its start cannot be under.
measure_start_bcc() {
	local bcc=$bcc_exec theirs

	if [ -z "$bcc" ]; then
		row '  beside BCC' 'at least 20x faster' "$ours ms" '' 'skipped: not installed'
		return
	fi
	theirs=$(start_median bcc 1)
	if holds "$theirs > 0"; then
		row '  beside BCC' 'at least 20x faster' "$ours ms" "$theirs ms" \
			"$(verdict "$theirs >= 20 * $ours")"
		return
	fi
	reason=$(timeout 20 "$bcc" 2>&1 > /dev/null | tail -n 1 | tr -s ' ' | cut -c 1-80)
	row '  beside BCC' 'at least 20x faster' "$ours ms" '' \
		"skipped: it does not start here, and gave up after ${theirs#-} ms (${reason:-no reason})"
}

# ---- what a system call pays
measure_syscount() {
	local rounds=${quick:+3} seconds=0.6 theirs i base ours=0 peers=0
	rounds=${rounds:-7}
	theirs=$(peer syscount)
	for ((i = 0; i < rounds; i++)); do
		base=$(load getppid "$seconds" "$last_cpu" | cut -d ' ' -f 3)
		calc "$(beside getppid "$seconds" "$saker" syscount -o none) - $base" '%.1f\n' \
			>> "$work/syscount.saker"
		[ -z "$theirs" ] ||
			calc "$(beside getppid "$seconds" "$theirs") - $base" '%.1f\n' \
				>> "$work/syscount.peer"
		echo "$base" >> "$work/syscount.base"
	done
	ours=$(median < "$work/syscount.saker")
	row 'a system call without a tracer' '' "$(median < "$work/syscount.base") ns" '' ''
	if [ -z "$theirs" ]; then
		row 'syscount adds to a system call' 'not above libbpf-tools' "$ours ns" '' \
			'skipped: not installed'
		return
	fi
	peers=$(median < "$work/syscount.peer")
	row 'syscount adds to a system call' 'not above libbpf-tools' "$ours ns" "$peers ns" \
		"$(verdict "$ours <= $peers")"
}

# ---- opensnoop under all the opens that one core can do
# An open that fails at once is the cheapest; the tool's work is that of one that succeeds.
# A second is one of the loop's own CPU time: on a busy machine it does not get all of its core.
# open_round WHO SECONDS COMMAND...: appends "EVENTS/S-DELIVERED LOST-PER-MILLE USER-NS LOOP-NS"
open_round() {
	local who=$1 seconds=$2 calls _ cpu lost

	shift 2
	begin /dev/null "$@"
	read -r calls _ cpu <<< "$(load miss "$seconds" "$last_cpu")"
	finish
	# "saker opensnoop: 12 events lost, ..." or "lost 12 events on CPU #0"
	lost=$(grep -oiE '[0-9]+ events (lost|missed)|lost [0-9]+ events' "$work/stderr" |
		grep -oE '[0-9]+' | awk '{ n += $1 } END { print n + 0 }')
	awk -v calls="$calls" -v cpu="$cpu" -v lost="$lost" -v user="$user_ms" '
		BEGIN { got = calls - lost; if (got < 1) got = 1
			printf "%.0f %.2f %.0f %.0f\n", got * 1e9 / (calls * cpu),
				lost * 1000 / calls, user * 1e6 / got, cpu }' >> "$work/open.$who"
}

open_median() { cut -d ' ' -f "$2" "$work/open.$1" | median; }

measure_opensnoop() {
	local rounds=${quick:+2} seconds=${quick:+1} theirs i
	rounds=${rounds:-5} seconds=${seconds:-3}
	theirs=$(peer opensnoop)
	for ((i = 0; i < rounds; i++)); do
		open_round saker "$seconds" "$saker" opensnoop -o json
		[ -z "$theirs" ] || open_round peer "$seconds" "$theirs"
		load miss 0.5 "$last_cpu" | awk '{ print 0, 0, 0, $3 }' >> "$work/open.base"
	done
	open_rows "$theirs"
	open_proof "$seconds"
}

open_rows() {
	local theirs=$1 ours peers=''

	[ -z "$theirs" ] || peers=$(open_median peer 1)
	ours=$(open_median saker 1)
	row 'opensnoop -o json: delivered events/s' 'at least 300000' "$ours /s" "${peers:+$peers /s}" \
		"$(verdict "$ours >= 300000")"
	row '  lost of a thousand' '' "$(open_median saker 2)" "${peers:+$(open_median peer 2)}" ''
	ours=$(open_median saker 3)
	if [ -n "$theirs" ]; then
		row '  user CPU for an event' 'below libbpf-tools' "$ours ns" "$(open_median peer 3) ns" \
			"$(verdict "$ours < $(open_median peer 3)")"
	else
		row '  user CPU for an event' 'below libbpf-tools' "$ours ns" '' 'skipped: not installed'
	fi
	row '  adds to an open' '' "$(calc "$(open_median saker 4) - $(open_median base 4)" %.0f) ns" \
		"${peers:+$(calc "$(open_median peer 4) - $(open_median base 4)" %.0f) ns}" ''
	row '  the reader could take' '' "$(calc "1e9 / $ours" %.0f) /s" '' ''
}

# Counted at the other end of a pipe: what arrived and what was said to be lost are all that were.
open_proof() {
	local calls arrived lost

	begin "$work/events" "$saker" opensnoop -o json --comm bench_load --columns comm,path
	calls=$(load miss 0.3 "$last_cpu" | cut -d ' ' -f 1)
	finish
	arrived=$(grep -c '"path":"/-"' "$work/events")
	lost=$(grep -oE '[0-9]+ events (lost|missed)' "$work/stderr" |
		awk '{ n += $1 } END { print n + 0 }')
	rm -f "$work/events"
	row '  arrived and lost, of all that were sent' 'all' "$((arrived + lost))" "$calls" \
		"$(verdict "$arrived + $lost == $calls")"
}

# ---- what an open pays where the filter lets nothing through
measure_filter() {
	local rounds=${quick:+2} i name base
	local -A where=([none]='' [number]='pid == 4294967295' [name]='comm == "nobody"'
		[path]='path startswith "/nothing/"')
	rounds=${rounds:-5}
	for ((i = 0; i < rounds; i++)); do
		base=$(load miss 0.3 "$last_cpu" | cut -d ' ' -f 3)
		for name in none number name path; do
			calc "$(beside miss 0.4 "$saker" opensnoop -o none \
				${where[$name]:+--where "${where[$name]}"}) - $base" '%.1f\n' \
				>> "$work/filter.$name"
		done
	done
	base=$(median < "$work/filter.none")
	row 'opensnoop adds to an open, no filter' '' "$base ns" '' ''
	for name in number name path; do
		row "  --where '${where[$name]}'" '' "$(median < "$work/filter.$name") ns" '' ''
	done
}

# ---- memory, busy
# watch_memory SECONDS FILE PID...: samples the sum of the processes, "OWN MAPS" a line
watch_memory() {
	local end=$((SECONDS + $1)) file=$2 pid

	shift 2
	while [ $SECONDS -lt "$end" ]; do
		for pid; do resident "$pid"; done |
			awk '{ own += $1; maps += $2 } END { print own, maps }' >> "$file"
		sleep 0.2
	done
}

# report_memory WHAT MB FILE: the largest that was seen; growth from the middle third to the last:
# in the first one caches fill up to their bounds.
report_memory() {
	local what=$1 bar=$2 file=$3 most maps growth

	most=$(calc "$(cut -d ' ' -f 1 "$file" | largest) / 1000")
	maps=$(calc "$(cut -d ' ' -f 2 "$file" | largest) / 1000")
	growth=$(awk '{ v[NR] = $1 } END { n = int(NR / 3); if (n < 1) n = 1
		for (i = 1; i <= n; i++) { a += v[NR - 2 * n + i]; b += v[NR - n + i] }
		printf "%.0f", (b - a) / n }' "$file")
	row "$what: memory" "under $bar MB" "$most MB" '' "$(verdict "$most < $bar")"
	row '  growth from the middle third to the last' "${soak:+under 256 kB}" "$growth kB" '' \
		"${soak:+$(verdict "$growth < 256")}"
	row '  pages of BPF maps' '' "$maps MB" '' ''
}

measure_memory() {
	local seconds=${quick:+2} name mix
	seconds=${seconds:-7}
	[ -z "$soak" ] || seconds=600
	for name in execsnoop opensnoop profile; do
		[ -z "$soak" ] || [ "$name" = opensnoop ] || continue
		begin /dev/null "$saker" "$name" -o json --interval 1
		load mix $((seconds + 1)) "$last_cpu" > /dev/null &
		mix=$!
		running+=("$mix")
		watch_memory "$seconds" "$work/memory.$name" "$tool"
		finish
		wait "$mix"
		report_memory "$name" 12 "$work/memory.$name"
	done
}

# The agent and its processes
agent_begin() {
	begin /dev/null "$agent" agent --store "$work/store" --port 0 --no-summary
	mapfile -t agents < <(echo "$tool"; tr ' ' '\n' < "/proc/$tool/task/$tool/children" |
		grep .)
}

measure_agent() {
	local seconds=${quick:+5} mix
	seconds=${seconds:-20}
	[ -z "$soak" ] || seconds=600
	agent_begin
	load mix $((seconds + 1)) "$last_cpu" > /dev/null &
	mix=$!
	running+=("$mix")
	watch_memory "$seconds" "$work/memory.agent" "${agents[@]}"
	wait "$mix"
	finish
	report_memory 'agent, default gadgets, busy' 40 "$work/memory.agent"
}

# What its processes take, and apart from that what its BPF programs take of everyone's time; those
# depend on what else the machine does.
measure_idle() {
	local seconds=${quick:+5} before after programs stop others verdict
	seconds=${seconds:-20}
	agent_begin
	before=$(run_ns "${agents[@]}") others=$(busy_ticks)
	sleep "$seconds"
	after=$(run_ns "${agents[@]}") others=$(($(busy_ticks) - others))
	programs=$("$saker" ps --cost --for 2s -o json 2> /dev/null | program_share)
	stop=${EPOCHREALTIME/./}
	finish TERM
	stop=$((${EPOCHREALTIME/./} - stop))
	after=$(calc "($after - $before) / 1e7 / $seconds" %.3f)
	# What others do is work for it: with much of that, this was not idle.
	others=$(calc "$others * 100 / $(getconf CLK_TCK) / $seconds" %.0f)
	verdict=$(verdict "$after < 0.5")
	[ "$verdict" = pass ] || [ "$others" -lt 10 ] ||
		verdict="skipped: not idle, others used $others % of a core meanwhile"
	row 'agent idle, default gadgets attached' 'under 0.5 % of a core' "$after %" '' "$verdict"
	row '  its programs, in what others do' '' "${programs:-?} %" '' ''
	row '  SIGTERM to the end' 'under 2 s' "$((stop / 1000)) ms" '' "$(verdict "$stop < 2000000")"
	rm -rf "$work/store"
}

# Ticks that all CPUs were busy
busy_ticks() {
	awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 }' /proc/stat
}

# Percent of a core that the programs take which the agent holds, less what the counting of it takes
program_share() {
	grep -E "\"pid\":($(IFS='|'; echo "${agents[*]}"))[,}]" | sed 's/.*"cost":{//' |
		tr -c '0-9\n' ' ' |
		awk '{ n += $3 - $2 * $4; elapsed = $1 }
			END { if (elapsed) printf "%.3f", (n > 0 ? n : 0) * 100 / elapsed }'
}

# ---- the store
measure_store() {
	local records=${quick:+200000} line rate
	records=${records:-1000000}
	"$built/bench_store" "$records" "$work/store" > "$work/store.out" 2> "$work/stderr" || {
		row 'store ingest' '' '' '' 'FALLS SHORT'
		return
	}
	rate=$(sed -n 's/^store ingest: \([0-9]*\) records.*/\1/p' "$work/store.out")
	row 'store ingest, records/s of a core' 'at least 300000' "$rate /s" '' \
		"$(verdict "$rate >= 300000")"
	row '  on disk, of a record' '' \
		"$(sed -n 's/^store size: \([0-9.]*\) .*/\1/p' "$work/store.out") bytes" '' ''
	while IFS= read -r line; do
		row "  ${line#*rows: }" '' "$(grep -oE '[0-9]+ ms' <<< "$line")" '' ''
	done < <(sed -n "s/^store query: //p" "$work/store.out" | sed 's/ FROM opensnoop//' |
		cut -c 1-110)
	rm -rf "$work/store"
}

# ---- stacks in the form that FlameGraph's tools take: frames with semicolons, a space, a count
measure_stacks() {
	local lines wrong busy samples

	load getppid 3 "$last_cpu" > /dev/null &
	busy=$!
	running=("$busy")
	"$saker" profile --for 2s -o collapsed > "$work/stacks" 2> /dev/null
	wait "$busy"
	running=()
	lines=$(wc -l < "$work/stacks")
	wrong=$(grep -vcE '^[^; ][^;]*(;[^;]+)* [1-9][0-9]*$' "$work/stacks")
	samples=$(awk '/bench_load/ { n += $NF } END { print n + 0 }' "$work/stacks")
	row 'profile -o collapsed: lines FlameGraph refuses' 'none of some' "$wrong of $lines" '' \
		"$(verdict "$wrong == 0 && $lines > 0")"
	row '  samples of 2 s at 99 Hz in the load' '' "$samples" '' ''
}
