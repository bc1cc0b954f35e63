# SPDX-License-Identifier: Apache-2.0
# Counts the TAP of one piece of the tests (bats, cmocka, our own) and says what failed and what was
# skipped and why. -v status=EXIT STATUS: a piece that dies, hangs or loses tests has failed too.
# Prints "PASSED FAILED SKIPPED", then lines "failed: ..." and "skipped: ...".

function note(text) { notes = notes text "\n" }

/^1\.\.[0-9]+/ {
	split($1, range, /\.\./)
	plan += range[2]
	if (range[2] == 0 && match(tolower($0), /# *skip/)) {
		skipped++
		note("skipped: " substr($0, RSTART + RLENGTH + 1))
	}
}

/^(not )?ok / {
	seen++
	name = $0
	sub(/^(not )?ok *[0-9]* *(- )?/, "", name)
	if (match(tolower(name), /# *skip/)) {
		skipped++
		reason = substr(name, RSTART + RLENGTH + 1)
		name = substr(name, 1, RSTART - 1)
		# cmocka 1.1.5 has no room for a reason: it is the comment before.
		if (name == "") { name = reason " "; reason = previous }
		note("skipped: " name "(" (reason == "" ? "no reason given" : reason) ")")
	} else if (/^not/) {
		failed++
		note("failed: " name)
	} else {
		passed++
	}
}

{ previous = /^# / ? substr($0, 3) : "" }
/^(vm|skip|clean): / { last = $0 }

END {
	if (status == 124 || status == 137) {
		failed++
		note("failed: it did not end in time")
	} else if (status == 77 && !seen) {
		skipped++
		note("skipped: " last)
	} else if (status != 0 && !failed) {
		failed++
		note("failed: exit status " status " and no failed test: it died")
	} else if (!failed && seen < plan) {
		failed++
		note("failed: " plan - seen " of " plan " tests did not run")
	} else if (!seen && !skipped) {
		failed++
		note("failed: it ran no test")
	}
	printf "%d %d %d\n%s", passed, failed, skipped, notes
}
