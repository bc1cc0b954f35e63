# SPDX-License-Identifier: Apache-2.0
# The house has floors: a file includes the headers of its own folder, and of a folder below only the
# public one, FOLDER/FOLDER.h. The compiler, lang, has floors of its own: a file of lang/FOLDER uses
# any header of the folders below it there, and the files of lang itself stand above them all.
# Prints every include that breaks this.

BEGIN {
	count = split("base code kernel event host lang store modules serve agent cli", order)
	for (i = 1; i <= count; i++) floor[order[i]] = i
	rooms = split("syntax types probes check lower builtins run", order)
	for (i = 1; i <= rooms; i++) room["lang/" order[i]] = i
	room["lang"] = rooms + 1
}

# src/lang/syntax/lexer.c and lang/syntax/lexer.h -> lang/syntax
function folder(path) {
	sub(/^src\//, "", path)
	sub(/\/[^\/]*$/, "", path)
	return path
}

FNR == 1 {
	own = FILENAME
	sub(/^src\//, "", own)
	sub(/\/.*/, "", own)
	if (!(own in floor)) print FILENAME ": the folder '" own "' is not in the house's order"
	if (own == "lang" && !(folder(FILENAME) in room))
		print FILENAME ": the folder '" folder(FILENAME) "' is not in lang's order"
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	path = $0
	sub(/^[^"]*"/, "", path)
	sub(/".*/, "", path)
	other = path
	if (path == "syscall_names.h") next # made by the build
	if (!sub(/\/.*/, "", other)) {
		print FILENAME ":" FNR ": \"" path "\": write it as \"FOLDER/FILE.h\""
	} else if (!(other in floor)) {
		print FILENAME ":" FNR ": \"" path "\" is in no folder of src"
	} else if (floor[other] > floor[own]) {
		print FILENAME ":" FNR ": " own " is below " other " and may not use it"
	} else if (other != own && path != other "/" other ".h") {
		print FILENAME ":" FNR ": \"" path "\" is private to " other "; include \"" other "/" other ".h\""
	} else if (own == "lang" && path != "lang/lang.h" && room[folder(path)] > room[folder(FILENAME)]) {
		print FILENAME ":" FNR ": " folder(FILENAME) " is below " folder(path) " and may not use it"
	}
}
