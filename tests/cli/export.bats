#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Scripts that export to the agent: by hand (--export) and from scripts.d. What they send is in the
# store, in the metrics and in the stream; who is killed is told of, and nothing stays.

load helpers

setup() {
	helpers_setup
	STORE=$DIR/store
	SOCKET=$DIR/run/ingest
	mkdir scripts.d
	cat > agent.yaml <<-EOF
		scripts: { folder: $DIR/scripts.d, socket: $SOCKET }
		worker: { interval: 500ms }
	EOF
}

teardown() {
	[ -z "${agent_pid:-}" ] || kill -KILL "$agent_pid" 2> /dev/null || true
	# Scripts end with their broker.
	wait_until 10 no_scripts || pkill_scripts
	helpers_teardown
}

scripts_pids() {
	pgrep -f -- "--export=$SOCKET"
}

no_scripts() {
	! scripts_pids > /dev/null
}

# Those of this test alone: the socket's path is its own.
pkill_scripts() {
	local pid
	for pid in $(scripts_pids); do kill -KILL "$pid" 2> /dev/null || true; done
}

agent() {
	needs_root
	needs curl jq
	start agent saker agent --store "$STORE" --port 0 -c agent.yaml
	wait_for_line agent.err 'gadgets run;'
	URL=$(sed -nE 's|.*(http://[^/]*)/.*|\1|p' agent.err | tail -n 1)
}

# script NAME ARGUMENTS...: in the background; its output in NAME.out and NAME.err
script() {
	local name=$1
	shift
	start "$name" saker "$@" "--export=$SOCKET"
}

stored() {
	saker query --store "$STORE" -o csv "$1" 2> /dev/null | tail -n 1
}

has_stored() {
	local n
	n=$(stored "SELECT count(*) FROM $1")
	[ "${n:-0}" -ge "${2:-1}" ] 2> /dev/null
}

# status JQ: true of /api/v1/status
status_has() {
	curl -sS --max-time 5 "$URL/api/v1/status" | jq -e "$1" > /dev/null
}

exports() {
	status_has "[.exports[] | select(.name == \"$1\")] | length == 1"
}

@test "what a script emits, prints and counts is in the store, the metrics and the stream" {
	cat > ticks.bt <<-'EOF'
		BEGIN { printf("begun %d\n", 42); }
		interval:hz:20 {
			emit("tick", (n=(uint64)7, who="me", took_ns=(uint64)1500));
			@count["a", 1] = count();
			@us = hist(100);
		}
	EOF
	agent
	script ticks run ticks.bt
	wait_until 10 exports ticks
	curl -sN --max-time 10 -G "$URL/api/v1/stream" --data-urlencode 'schema=ticks.tick' \
		> stream 3>&- &
	wait_for_line stream '"who":"me"'
	wait_until 10 has_stored "ticks_tick WHERE n = 7 AND who = 'me' AND took_ns = 1500" 5
	wait_until 10 has_stored "ticks_printf WHERE message = 'begun 42'"
	wait_until 10 has_stored "ticks_count WHERE key0 = 'a' AND key1 = 1 AND count > 0"
	wait_until 10 has_stored ticks_us
	curl -sS "$URL/metrics" > metrics
	grep -q '^saker_ticks_count_count_total{key0="a",key1="1"} [1-9]' metrics
	grep -q '^saker_ticks_us_seconds_bucket{le="0.000127"} [1-9]' metrics
	grep -q '^saker_script_records_total{script="ticks"} [1-9]' metrics
	stop ticks
	[ "$status" = 0 ]
	grep -q '^begun 42$' ticks.out
	grep -q '^@count\[a, 1\]: ' ticks.out
	lacks ticks.err 'did not reach'
	# To the last one: what it counted is what is stored.
	counted=$(sed -n 's/^@count\[a, 1\]: //p' ticks.out)
	all_stored() { [ "$(stored 'SELECT sum(count) FROM ticks_count')" = "$counted" ]; }
	wait_until 10 all_stored
	ticks_stored() { [ "$(stored 'SELECT count(*) FROM ticks_tick')" = "$counted" ]; }
	wait_until 10 ticks_stored
	stop agent TERM
	[ "$status" = 0 ]
	[ ! -e "$SOCKET" ]
	nothing_left
}

@test "without an agent it says so, and runs nothing" {
	needs_root
	split saker run -e 'BEGIN { printf("x\n"); exit(); }' "--export=$DIR/nobody"
	[ "$status" = 1 ]
	[ -z "$out" ]
	one_line "$err"
	[[ $err == *'no agent runs'* ]]
	split saker run -e 'BEGIN { exit(); }' "--export=$SOCKET"
	[ "$status" = 1 ]
	one_line "$err"
	# What has nothing to say has nothing to export.
	agent
	split saker run -e 'BEGIN { exit(); }' "--export=$SOCKET"
	[ "$status" = 1 ]
	[[ $err == *'nothing to export'* ]]
	[ "$(stat -c %a "$SOCKET")" = 600 ]
	stop agent TERM
}

@test "two scripts of one name: the second is refused, and may have another" {
	agent
	script first run -e 'interval:hz:10 { @ = count(); }'
	wait_until 10 exports script
	split saker run -e 'interval:hz:10 { @ = count(); }' "--export=$SOCKET"
	[ "$status" = 1 ]
	[[ $err == *"'script' is exported already"*'--export-name'* ]]
	script second run -e 'interval:hz:10 { @ = count(); }' --export-name other
	wait_until 10 exports other
	stop second
	stop first
	stop agent TERM
}

@test "a script that is killed is missed; its successor goes on" {
	agent
	script one run -e 'interval:hz:20 { emit("e", (n=1)); }'
	wait_until 10 has_stored script_e
	kill -KILL "$one_pid"
	wait_for_line agent.err 'script script .* ended without a word'
	wait_until 10 status_has '.exports == []'
	before=$(stored 'SELECT count(*) FROM script_e')
	script two run -e 'interval:hz:20 { emit("e", (n=1)); }'
	wait_until 10 has_stored script_e $((before + 3))
	stop two
	stop agent TERM
	[ "$status" = 0 ]
}

@test "an agent that is killed is waited for; what was on its way is counted" {
	agent
	script one run -e 'interval:hz:20 { emit("e", (n=1)); @ = count(); }'
	wait_until 10 has_stored script_e
	kill -KILL "$agent_pid"
	wait_until 10 not_running "$agent_pid"
	wait_for_line one.err 'the agent has gone'
	agent
	wait_until 10 exports script
	wait_for_line one.err 'the agent is there again'
	before=$(stored 'SELECT count(*) FROM script_e')
	wait_until 10 has_stored script_e $((before + 3))
	stop one
	[ "$status" = 0 ]
	# Stored and told to be lost is all there was (the agent may have been killed with a second's
	# records in its hands, which it had said it took).
	counted=$(sed -n 's/^@: //p' one.out)
	have=$(stored 'SELECT count(*) FROM script_e')
	[ "$have" -le "$counted" ]
	[ "$have" -ge $((counted - 40)) ]
	stop agent TERM
	# And with nobody there at the end, it is said how many nobody has.
	agent
	script two run -e 'interval:hz:500 { emit("e", (n=1)); }' --export-name late
	wait_until 10 has_stored late_e
	kill -KILL "$agent_pid"
	wait_for_line two.err 'the agent has gone'
	stop two
	wait_for_line two.err 'late: [0-9]+ records did not reach the agent'
	agent_pid=
}

@test "scripts.d: what is there runs, what changes is replaced, what goes ends" {
	echo 'interval:hz:20 { emit("e", (n=1)); }' > scripts.d/a.bt
	echo 'interval:hz:20 { emit("e", (n= ; }' > scripts.d/broken.bt
	agent
	wait_until 10 exports a
	wait_until 10 has_stored 'a_e WHERE n = 1'
	wait_for_line agent.err 'script broken.bt: .*ERROR'
	wait_until 10 status_has \
		'.scripts[] | select(.file == "broken.bt") | .running == false and (.error | test("ERROR"))'
	# Mended in place; moved over; new; taken away.
	echo 'interval:hz:20 { @ok = count(); }' > scripts.d/broken.bt
	wait_until 10 exports broken
	echo 'interval:hz:20 { emit("e", (n=2)); }' > new
	mv new scripts.d/a.bt
	wait_until 10 has_stored 'a_e WHERE n = 2'
	echo 'interval:hz:20 { printf("hello"); }' > scripts.d/c.bt
	wait_until 10 has_stored "c_printf WHERE message = 'hello'"
	rm scripts.d/broken.bt
	wait_for_line agent.err 'script broken.bt is gone'
	wait_until 10 status_has '[.exports[].name] | sort == ["a", "c"]'
	# Anybody's to write: it does not run as root.
	chmod o+w scripts.d/c.bt
	wait_for_line agent.err 'script c.bt does not run: it can be written to by others than root'
	wait_until 10 status_has '[.exports[].name] == ["a"]'
	# Killed: it comes back.
	pid=$(curl -sS "$URL/api/v1/status" | jq '.scripts[] | select(.file == "a.bt") | .pid')
	kill -KILL "$pid"
	wait_until 10 status_has \
		'.scripts[] | select(.file == "a.bt") | .running and .restarts == 1 and .pid != '"$pid"
	wait_until 10 exports a
	stop agent TERM 5
	[ "$status" = 0 ]
	wait_until 5 no_scripts
	nothing_left
}

@test "scripts end with their agent, however it ends" {
	echo 'interval:hz:10 { @ = count(); }' > scripts.d/a.bt
	agent
	wait_until 10 exports a
	kill -KILL "$agent_pid"
	wait_until 10 no_scripts
	agent_pid=
	# A worker that dies takes no script along.
	agent
	wait_until 10 exports a
	script_pid=$(scripts_pids)
	# The other child of the broker is the worker.
	worker=$(pgrep -P "$agent_pid" | grep -vx "$script_pid")
	kill -KILL "$worker"
	second_worker() { [ "$(grep -c 'gadgets run;' agent.err)" = 2 ]; }
	wait_until 10 second_worker
	URL=$(sed -nE 's|.*(http://[^/]*)/.*|\1|p' agent.err | tail -n 1)
	wait_until 10 exports a
	[ "$(scripts_pids)" = "$script_pid" ]
	stop agent TERM 5
	[ "$status" = 0 ]
	wait_until 5 no_scripts
}

@test "a second agent leaves the first one's scripts alone" {
	agent
	start second saker agent --store "$DIR/second" --port 0 -c agent.yaml
	wait_for_line second.err 'gadgets run;'
	grep -q 'another agent listens at' second.err
	script one run -e 'interval:hz:20 { emit("e", (n=1)); }'
	wait_until 10 has_stored script_e
	stop second TERM
	[ -S "$SOCKET" ]
	stop one
	stop agent TERM
}
