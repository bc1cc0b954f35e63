#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Prints the Debian mirror that this machine already uses, so that no host name has to stand in the
# project. Reads both forms of apt's sources (one line, deb822) rather than `apt-get indextargets`,
# which knows nothing before the first update. On another distribution SAKER_DEBIAN_MIRROR names one.
set -euo pipefail

if [ -n "${SAKER_DEBIAN_MIRROR:-}" ]; then
	echo "$SAKER_DEBIAN_MIRROR"
	exit
fi
# shellcheck source=/dev/null
. "${SAKER_OS_RELEASE:-/etc/os-release}"
sources=${SAKER_APT_SOURCES:-/etc/apt}
if [ "${ID:-}" != debian ]; then
	echo "no Debian mirror among this machine's apt sources (SAKER_DEBIAN_MIRROR=URL names one)" >&2
	exit 1
fi

# "URI SUITE" of every binary source that is not switched off
one_line() {
	cat "$sources"/sources.list "$sources"/sources.list.d/*.list 2>/dev/null |
		sed -nE 's/^deb[[:blank:]]+(\[[^]]*\][[:blank:]]+)?([^[:blank:]]+)[[:blank:]]+([^[:blank:]]+).*/\2 \3/p'
}

deb822() {
	local file
	for file in "$sources"/sources.list.d/*.sources; do
		[ -e "$file" ] || continue
		sed '/^#/d' "$file"
		echo
	done | awk '
		function flush(  i, j, n, m, u, s) {
			n = split(uris, u); m = split(suites, s)
			for (i = 1; i <= n && types ~ /(^| )deb( |$)/ && enabled !~ /^no/; i++)
				for (j = 1; j <= m; j++) print u[i], s[j]
			types = uris = suites = enabled = ""
		}
		NF == 0 { flush(); next }
		/^[^ \t]/ { key = tolower($1); sub(/^[^:]*:[ \t]*/, "") }
		key == "types:" { types = types " " $0 }
		key == "uris:" { uris = uris " " $0 }
		key == "suites:" { suites = suites " " $0 }
		key == "enabled:" { enabled = tolower($1) }
		END { flush() }'
}

# The release's own suite tells the archive from the security archive and from other people's.
uri=$({ one_line; deb822; } | awk -v code="${VERSION_CODENAME:-stable}" '
	$1 ~ /^(https?|file|ftp|mirror\+file):/ && ($2 == code || $2 ~ /^(stable|testing|unstable|sid)$/) {
		print $1; exit }')
case $uri in
mirror+file:*) uri=$(awk '!/^#/ && NF { print $1; exit }' "${uri#mirror+file:}") ;;
'')
	echo "no Debian mirror among this machine's apt sources (SAKER_DEBIAN_MIRROR=URL names one)" >&2
	exit 1
	;;
esac
echo "${uri%/}"
