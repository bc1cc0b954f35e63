# SPDX-License-Identifier: Apache-2.0
# Files of at most 600 lines and functions of at most 60. A function, in our style, opens with a `{`
# alone in the first column and ends with a `}` there; the lines between are counted.

FNR == 1 { finish(); file = FILENAME; open = 0; name = "" }
{ lines = FNR }
/^[a-zA-Z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
/^\{/ { open = FNR }
/^\}/ {
	if (open && FNR - open - 1 > 60)
		print file ":" open ": " name "() has " FNR - open - 1 " lines (60 at most)"
	open = 0
}
END { finish() }

function finish() {
	if (file != "" && lines > 600) print file ": " lines " lines (600 at most)"
}
