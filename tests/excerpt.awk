# SPDX-License-Identifier: Apache-2.0
# What a person needs of the log of a piece that failed: the failed tests with the comments around
# them, the beginning of a sanitizer's report (its end is a map of the memory), else the last lines.

{ line[NR] = $0 }
/^not ok / && !/# *SKIP/ { mark(NR - 3, NR + 12); found = 1 }
/ERROR: [A-Za-z]*Sanitizer|runtime error:|terminate called|Assertion .* failed/ {
	if (!report) mark(NR - 1, NR + 24)
	report = found = 1
}

END {
	if (!found) mark(NR - 40, NR)
	for (i = 1; i <= NR && printed < 80; i++)
		if (i in wanted) { print line[i]; printed++ }
}

function mark(from, to) {
	for (; from <= to; from++) wanted[from] = 1
}
