#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The agent as a service: starts, stores, answers, reloads, survives, stops within two seconds.

load helpers

setup() {
	helpers_setup
	STORE=$DIR/store
}

teardown() {
	# The worker ends with its broker; nothing of a failed test may stay attached.
	[ -z "${TERMINAL:-}" ] || tmux -L "$TERMINAL" kill-server 2> /dev/null || true
	[ -z "${agent_pid:-}" ] || kill -KILL "$agent_pid" 2> /dev/null || true
	[ -z "${OPEN:-}" ] || rm -rf "$OPEN"
	[ ! -e "$DIR/mnt" ] || umount "$DIR/mnt" 2> /dev/null || true
	helpers_teardown
}

# agent ARGUMENTS...: in the background, on any free port; sets URL and WORKER
agent() {
	needs_root
	needs curl jq
	start agent saker agent --store "$STORE" --port 0 "$@"
	wait_for_line agent.err 'gadgets run;'
	URL=$(sed -nE 's|.*(http://[^/]*)/.*|\1|p' agent.err | tail -n 1)
	WORKER=$(pgrep -P "$agent_pid")
}

# Two seconds is what is promised.
stop_in_time() {
	local begin=${EPOCHREALTIME/[.,]/}
	stop agent "${1:-TERM}" 5
	[ $((${EPOCHREALTIME/[.,]/} - begin)) -lt 2000000 ] || {
		echo "it took $((${EPOCHREALTIME/[.,]/} - begin)) us" >&2
		return 1
	}
}

ask() {
	curl -sS -G --max-time 15 "$URL/api/v1/query" --data-urlencode "sql=$1"
}

# stored SQL: the one number that the store answers
stored() {
	saker query --store "$STORE" -o csv "$1" 2> /dev/null | tail -n 1
}

has_stored() {
	local n
	n=$(stored "SELECT count(*) FROM $1")
	[ "${n:-0}" -ge "${2:-1}" ] 2> /dev/null
}

gadget() {
	curl -sS --max-time 5 "$URL/api/v1/status" |
		jq -e --arg name "$1" ".gadgets[] | select(.name == \$name) | $2"
}

@test "records are on disk, asked for by hand and over HTTP, while it runs" {
	agent
	/bin/true saker-was-here
	wait_until 10 has_stored "execsnoop WHERE args LIKE '%saker-was-here%'"
	run ask "SELECT count(*) AS n FROM execsnoop WHERE args LIKE '%saker-was-here%'"
	[ "$(jq '.[0].n' <<< "$output")" -ge 1 ]
	[ "$(stat -c %a "$STORE")" = 700 ]
	stop_in_time
	[ "$status" = 0 ]
	nothing_left
}

@test "metrics are what Prometheus takes, and count what was delivered" {
	agent
	/bin/true
	wait_until 10 gadget execsnoop '.records > 0' > /dev/null
	curl -sS "$URL/metrics" > metrics
	run awk '
		/^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* ./ { next }
		/^# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge|histogram)$/ {
			if ($3 in type) print "twice: " $0
			type[$3] = $4
			next
		}
		{
			name = $0; sub(/[{ ].*/, "", name)
			rest = substr($0, length(name) + 1)
			base = name; sub(/_(bucket|count)$/, "", base)
			if (!(name in type) && type[base] != "histogram") print "no TYPE: " $0
			gsub(/[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\[\\"n])*"/, "L", rest)
			if (rest !~ /^(\{L(,L)*\})? [-+0-9.eE]+$/) print "not a sample: " $0
			key = $0; sub(/ [^ ]*$/, "", key)
			if (seen[key]++) print "twice: " key
		}' metrics
	[ -z "$output" ]
	grep -qE '^saker_lost_ring_total\{gadget="opensnoop"\} [0-9]+$' metrics
	grep -qE '^saker_resident_bytes\{process="broker"\} [1-9]' metrics
	stop_in_time
}

@test "Ctrl-C ends it as well" {
	agent
	stop_in_time INT
	[ "$status" = 0 ]
}

@test "a query that runs and a stream that nobody reads do not hold it up" {
	agent
	curl -sN "$URL/api/v1/stream" > stream 3>&- &
	ask 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n' \
		> query 3>&- &
	wait_for_line stream '^event: '
	stop_in_time
	[ "$status" = 0 ]
}

@test "a worker that hangs is killed, in time" {
	agent
	kill -STOP "$WORKER"
	stop_in_time
	[ "$status" = 1 ]
	wait_for_line agent.err 'does not end and is killed'
	wait_until 2 not_running "$WORKER"
}

@test "a worker that is killed has a successor; at most the last second is lost" {
	agent
	/bin/true before-the-kill
	wait_until 10 has_stored "execsnoop WHERE args LIKE '%before-the-kill%'"
	kill -KILL "$WORKER"
	wait_for_line agent.err 'the worker is started again'
	second_worker() { [ "$(grep -c 'gadgets run;' agent.err)" = 2 ]; }
	wait_until 10 second_worker
	/bin/true after-the-kill
	wait_until 10 has_stored "execsnoop WHERE args LIKE '%after-the-kill%'"
	has_stored "execsnoop WHERE args LIKE '%before-the-kill%'"
	URL=$(sed -nE 's|.*(http://[^/]*)/.*|\1|p' agent.err | tail -n 1)
	[ "$(curl -sS "$URL/api/v1/status" | jq .worker_restarts)" = 1 ]
	stop_in_time
	[ "$status" = 0 ]
}

@test "a broker that is killed takes its worker along" {
	agent
	kill -KILL "$agent_pid"
	wait_until 10 not_running "$WORKER"
	grep -q 'the broker has gone' agent.err
	agent_pid=
	nothing_left
}

@test "a change of the file is applied, and what is the same goes on" {
	cat > agent.yaml <<-'EOF'
		gadgets:
		  killsnoop: { enabled: true }
	EOF
	agent -c agent.yaml
	has_killsnoop() { gadget killsnoop .running > /dev/null 2>&1; }
	has_killsnoop
	before=$(gadget execsnoop .records)
	printf 'gadgets:\n  killsnoop: { enabled: false }\n' > new.yaml
	mv new.yaml agent.yaml
	wait_for_line agent.err 'was read again: 10 gadgets run'
	run has_killsnoop
	[ "$status" != 0 ]
	[ "$(gadget execsnoop .records)" -ge "$before" ]
	# In place, with a mistake: the place is said, and nothing changes.
	printf 'gadgets:\n  killsnoop: { enabled: perhaps }\n' > agent.yaml
	wait_for_line agent.err 'agent.yaml:2:25: true or false is needed; the running conf'
	printf 'gadgets:\n  opensnoop:\n    where: "pid == \\"x\\""\n' > agent.yaml
	wait_for_line agent.err 'agent.yaml:3:12: '
	[ "$(curl -sS "$URL/api/v1/status" | jq '.gadgets | length')" = 10 ]
	# SIGHUP; --store and --port are still stronger than the file
	printf 'store: { path: /nonexistent/elsewhere }\n' > agent.yaml
	wait_for_line agent.err 'was read again: 11 gadgets run'
	kill -HUP "$agent_pid"
	twice() { [ "$(grep -c 'was read again: 11' agent.err)" = 2 ]; }
	wait_until 5 twice
	lacks agent.err 'store.path'
	stop_in_time
	[ "$status" = 0 ]
}

@test "secrets are masked from the moment the configuration says so" {
	printf 'store: { mask_secrets: false, columns: [] }\n' > agent.yaml
	agent -c agent.yaml
	/bin/true --password=first-secret
	wait_until 10 has_stored "execsnoop WHERE args LIKE '%first-secret%'"
	printf 'store: { mask_secrets: true, columns: [user] }\n' > agent.yaml
	wait_for_line agent.err 'was read again'
	/bin/true --password=second-secret
	wait_until 10 has_stored "execsnoop WHERE args LIKE '%--password=***%' AND user = 'root'"
	[ "$(stored "SELECT count(*) FROM execsnoop WHERE args LIKE '%second-secret%'")" = 0 ]
	stop_in_time
}

@test "records that are beyond the budget or filtered are counted" {
	printf 'gadgets:\n  opensnoop: { budget: 1, where: "comm == \\"true\\"" }\n' > agent.yaml
	agent -c agent.yaml
	for _ in {1..20}; do /bin/true; done
	wait_until 10 gadget opensnoop '.not_stored_budget > 0' > /dev/null
	stop_in_time
}

@test "the worker has no capabilities, and may be another user" {
	needs_root
	printf 'worker: { user: nobody }\n' > agent.yaml
	chmod 600 agent.yaml
	OPEN=$(mktemp -d /tmp/saker-agent.XXXXXX) # bats' own folders are closed to others
	chmod 755 "$OPEN"
	STORE=$OPEN/store
	agent -c agent.yaml
	[ "$(stat -c %U "$STORE")" = nobody ]
	[ "$(stat -c %U "/proc/$WORKER")" = nobody ]
	# Kernels before 5.19 read no map without CAP_BPF.
	[ "$(sed -n 's/^CapEff:[[:space:]]*0*//p' "/proc/$WORKER/status")" = '' ] ||
		[ "$(uname -r | cut -d. -f1)" = 5 ]
	[ "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$WORKER/status")" = 1 ]
	/bin/true seen-by-nobody
	wait_until 10 has_stored "execsnoop WHERE args LIKE '%seen-by-nobody%'"
	# Only root can read the file: the broker opens it.
	printf 'worker: { user: nobody }\ngadgets: { oomkill: { enabled: false } }\n' > agent.yaml
	wait_for_line agent.err 'was read again: 10 gadgets run'
	curl -sN --max-time 5 -G "$URL/api/v1/stream" --data-urlencode 'schema=execsnoop' \
		--data-urlencode 'where=process.exe endswith "/true"' > stream 3>&- &
	wait_for_line stream saker
	again() { /bin/true && has_line stream '"comm":"true"'; }
	wait_until 5 again
	stop_in_time
	[ "$status" = 0 ]
	# The same store as root: refused, with what to do.
	printf 'worker: { user: root }\n' > agent.yaml
	split saker agent --store "$STORE" --port 0 -c agent.yaml
	[ "$status" = 1 ]
	one_line "$err"
	[[ $err == *'chown -R root'* ]]
}

@test "a full disk and a damaged partition do not stop it" {
	needs_root
	needs curl jq mount
	mkdir mnt
	mount -t tmpfs -o size=2m saker-test mnt || skip 'tmpfs cannot be mounted'
	STORE=$DIR/mnt/store
	printf 'store: { max_size: 0 }\n' > agent.yaml
	agent -c agent.yaml
	/bin/true
	wait_until 10 has_stored execsnoop
	dd if=/dev/zero of=mnt/ballast bs=64k 2> /dev/null || true
	failing() {
		curl -sS "$URL/api/v1/status" |
			jq -e '.store.disk_full or .store.write_failing' > /dev/null
	}
	opens() { for _ in {1..50}; do /bin/true; done; failing; }
	wait_until 20 opens
	wait_for_line agent.err 'store: '
	rm mnt/ballast
	works() { /bin/true there-is-room && ! failing; }
	wait_until 20 works
	wait_until 10 has_stored "execsnoop WHERE args LIKE '%there-is-room%'"
	stop_in_time
	[ "$status" = 0 ]
	part=$(find mnt/store -name '*.db' -o -name '*.sqlite' | head -n 1)
	[ -n "$part" ]
	dd if=/dev/urandom of="$part" bs=1k count=16 conv=notrunc 2> /dev/null
	agent -c agent.yaml
	/bin/true after-the-damage
	wait_until 10 has_stored "execsnoop WHERE args LIKE '%after-the-damage%'"
	stop_in_time
	[ "$status" = 0 ]
	grep -qE 'store: ' agent.err
}

@test "--print-config is a configuration, and says where one is wrong" {
	split saker agent --print-config
	[ "$status" = 0 ]
	cp split.out printed.yaml
	split saker agent -c printed.yaml --print-config
	cmp printed.yaml split.out
	split saker agent -c printed.yaml --check-config
	[ "$status" = 0 ]
	sed 's/max_age:/max_aeg:/' printed.yaml > wrong.yaml
	split saker agent -c wrong.yaml --check-config
	[ "$status" = 2 ]
	one_line "$err"
	[[ $err == *"wrong.yaml:"*":3: unknown setting 'store.max_aeg' (did you mean 'max_age'?)" ]]
	split saker agent -c missing.yaml
	[ "$status" = 2 ]
	one_line "$err"
	split saker agent --prot 3
	[ "$status" = 2 ]
	split saker agent --port 99999 --check-config
	[ "$status" = 2 ]
	one_line "$err"
}

@test "a port that is taken and a store that cannot be made are said, and nothing stays" {
	agent
	STORE=$DIR/other split saker agent --store "$DIR/other" --port "${URL##*:}"
	[ "$status" = 1 ]
	[[ $err == *'cannot listen on 127.0.0.1 port'* ]]
	split saker agent --store "$DIR/no/such/folder" --port 0
	[ "$status" = 1 ]
	one_line "$err"
	stop_in_time
}

@test "on a terminal it shows a summary and gives the terminal back, also when it is killed" {
	needs_root
	needs tmux
	TERMINAL=saker-$$
	terminal() { tmux -L "$TERMINAL" "$@"; }
	screen_has() { terminal capture-pane -p | grep -q -- "$1"; }
	terminal new-session -d -x 80 -y 24 \
		"echo before; $SAKER agent --store $STORE --port 0; echo status \$?; cat"
	wait_until 10 screen_has 'gadgets '
	screen_has 'quiet  '
	[ "$(terminal display -p '#{alternate_on}')" = 1 ]
	terminal send-keys C-c
	wait_until 5 screen_has 'status 0'
	screen_has 'records are in'
	[ "$(terminal display -p '#{alternate_on}')" = 0 ]
	terminal respawn-pane -k "$SAKER agent --store $STORE --port 0; echo status \$?; cat"
	wait_until 10 screen_has 'gadgets '
	kill -KILL "$(pgrep -P "$(terminal display -p '#{pane_pid}')")"
	given_back() { [ "$(terminal display -p '#{alternate_on}')" = 0 ]; }
	wait_until 10 given_back
	wait_until 5 screen_has 'status 137'
	terminal kill-server
}
