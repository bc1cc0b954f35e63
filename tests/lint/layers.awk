# SPDX-License-Identifier: Apache-2.0
# The house has floors: a file includes the headers of its own folder, and of a folder below only the
# public one, FOLDER/FOLDER.h. Prints every include that breaks this.

BEGIN {
	count = split("base code kernel event host lang store modules serve agent cli", order)
	for (i = 1; i <= count; i++) floor[order[i]] = i
}

FNR == 1 {
	own = FILENAME
	sub(/^src\//, "", own)
	sub(/\/.*/, "", own)
	if (!(own in floor)) print FILENAME ": the folder '" own "' is not in the house's order"
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
	}
}
