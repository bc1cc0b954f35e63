# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# For the command-line tests: `load helpers` stands first in each .bats file. Tests never sleep for
# something to happen: they wait for it with a deadline (wait_until, wait_for_line).
#
#   saker ARGUMENTS...      the built program, ended after $SAKER_LIMIT seconds (20)
#   run saker ...           bats' run: $status, $output (stdout and stderr together)
#   split saker ...         like run, but $out and $err apart
#   start NAME saker ...    in the background: $NAME_pid, its output in $DIR/NAME.out and NAME.err
#   stop NAME [SIGNAL]      ends it (INT) and waits; $status
#   wait_until SECONDS COMMAND...      until COMMAND succeeds
#   wait_for_line FILE PATTERN [SECONDS]; lacks FILE PATTERN (bats does not see a failed `! grep`)
#   one_line TEXT, json_lines FILE, field FILE JQ-EXPRESSION

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SAKER=${SAKER:-$ROOT/build/saker}
SAKER_LIMIT=${SAKER_LIMIT:-20}
# The answers are the same whoever asks.
export LC_ALL=C.UTF-8 TZ=UTC TERM=dumb
unset NO_COLOR COLUMNS CDPATH

saker() {
	timeout -k 2 "$SAKER_LIMIT" "$SAKER" "$@"
}

# Its own folder for each test, gone at its end; whatever was started is ended. A file with a setup
# or teardown of its own calls these.
setup() { helpers_setup; }
teardown() { helpers_teardown; }

helpers_setup() {
	DIR=$(mktemp -d "${BATS_TEST_TMPDIR:-/tmp}/saker.XXXXXX")
	STARTED=()
	cd "$DIR" || return 1
}

helpers_teardown() {
	local name pid
	for name in "${STARTED[@]}"; do
		pid=${name}_pid
		[ -z "${!pid:-}" ] || kill -KILL "${!pid}" 2> /dev/null || true
	done
	cd / || return 1
	rm -rf "$DIR"
}

needs_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

needs() {
	local program
	for program; do
		command -v "$program" > /dev/null || skip "$program is not installed"
	done
}

# stdout and stderr apart, for what must be on one of them
split() {
	status=0
	"$@" > "$DIR/split.out" 2> "$DIR/split.err" || status=$?
	# shellcheck disable=SC2034
	out=$(< "$DIR/split.out") err=$(< "$DIR/split.err")
}

# start NAME COMMAND...: `saker` stands for the program itself, so that signals reach it and no
# shell or timeout between. Bats waits for who holds descriptor 3: closed.
start() {
	local name=$1
	shift
	[ "$1" != saker ] || set -- "$SAKER" "${@:2}"
	"$@" > "$DIR/$name.out" 2> "$DIR/$name.err" 3>&- < /dev/null &
	printf -v "${name}_pid" '%s' $!
	STARTED+=("$name")
}

# stop NAME [SIGNAL] [SECONDS]
stop() {
	local pid=${1}_pid
	pid=${!pid}
	status=0
	kill -"${2:-INT}" "$pid" 2> /dev/null || true
	wait_until "${3:-10}" not_running "$pid" || {
		echo "$1 did not end in ${3:-10} s after SIG${2:-INT}" >&2
		kill -KILL "$pid"
		return 1
	}
	# shellcheck disable=SC2034
	wait "$pid" || status=$?
}

# A zombie has ended: its parent, this shell, has only not waited yet.
not_running() {
	local state
	state=$(sed -n 's/^State:[[:blank:]]*\(.\).*/\1/p' "/proc/$1/status" 2> /dev/null) || true
	[ -z "$state" ] || [ "$state" = Z ]
}

wait_until() {
	local deadline=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$deadline" ] || return 1
		read -rt 0.02 <> <(:) || true
	done
}

has_line() {
	grep -qE -- "$2" "$1" 2> /dev/null
}

# `! grep` would not fail a test: bats sees no failure in what stands behind a "!".
lacks() {
	has_line "$1" "$2" || return 0
	echo "there is a line '$2' in $1" >&2
	return 1
}

# Says what was there instead when it does not come.
wait_for_line() {
	wait_until "${3:-10}" has_line "$1" "$2" && return
	echo "no line '$2' in $1 within ${3:-10} s; it has:" >&2
	tail -n 20 "$1" >&2
	return 1
}

# The form of every refusal: one line, not empty, no escape sequences.
one_line() {
	[ -n "$1" ] && [ "$(wc -l <<< "$1")" = 1 ] && [[ $1 != *$'\e'* ]] && return
	printf 'not one plain line:\n%q\n' "$1" >&2
	return 1
}

# Every line is one JSON object; the file has at least one.
json_lines() {
	[ -s "$1" ] && jq -es 'all(type == "object")' < "$1" > /dev/null &&
		[ "$(jq -c . < "$1" | wc -l)" = "$(wc -l < "$1")" ] && return
	echo "not one JSON object a line: $1" >&2
	head -n 5 "$1" >&2
	return 1
}

# field FILE EXPRESSION: jq over all objects of a file of JSON lines
field() {
	jq -rs "$2" < "$1"
}

# Every program on the machine that is Saker's by its owner's name: none may stay behind.
nothing_left() {
	[ -z "$(find /sys/fs/bpf -maxdepth 2 -name 'saker*' 2> /dev/null)" ] || {
		echo "pinned: $(find /sys/fs/bpf -maxdepth 2 -name 'saker*')" >&2
		return 1
	}
	[ -z "$(find /sys/fs/cgroup -maxdepth 3 -name 'saker-*' 2> /dev/null)" ] || {
		echo "a cgroup stayed: $(find /sys/fs/cgroup -maxdepth 3 -name 'saker-*')" >&2
		return 1
	}
}
