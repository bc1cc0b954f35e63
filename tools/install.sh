#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# install.sh PREFIX: puts what is built into DESTDIR/PREFIX: the two programs stripped, the systemd
# unit and its user, and the man page and shell completions, which the program writes itself.
set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")/.."
prefix=$1
case $prefix in
/*) ;;
*)
	echo "install: the prefix '$prefix' must begin with /" >&2
	exit 2
	;;
esac
into=${DESTDIR:-}$prefix
sudo=()
place=$into
while [ ! -e "$place" ]; do place=$(dirname "$place"); done
if [ ! -w "$place" ]; then
	command -v sudo > /dev/null || {
		echo "install: cannot write to $place" >&2
		exit 1
	}
	sudo=(sudo)
fi

# put MODE SOURCE DESTINATION
put() {
	"${sudo[@]}" install -D -m "$1" "$2" "$3"
	echo "$3"
}

# generated DESTINATION ARGUMENTS...: what saker writes for itself
generated() {
	local destination=$1 file
	shift
	file=build/install/$(basename "$destination")
	mkdir -p build/install
	if build/saker "$@" > "$file" 2> /dev/null && [ -s "$file" ]; then
		put 644 "$file" "$destination"
	else
		echo "install: 'saker $*' gives nothing: not installed" >&2
	fi
}

put 755 build/stripped/saker "$into/bin/saker"
put 755 build/stripped/saker-agent "$into/bin/saker-agent"
mkdir -p build/install
sed "s|@PREFIX@|$prefix|" packaging/saker.service > build/install/saker.service
put 644 build/install/saker.service "$into/lib/systemd/system/saker.service"
put 644 packaging/saker.sysusers "$into/lib/sysusers.d/saker.conf"
generated "$into/share/man/man1/saker.1" man
for gadget in gadgets/*.bpf.c; do
	gadget=$(basename "$gadget" .bpf.c)
	generated "$into/share/man/man1/saker-$gadget.1" man "$gadget"
done
generated "$into/share/bash-completion/completions/saker" completion bash
generated "$into/share/zsh/site-functions/_saker" completion zsh
if [ -z "${DESTDIR:-}" ] && [ -d /run/systemd/system ]; then
	echo "to start the agent: systemd-sysusers && systemctl daemon-reload && systemctl enable --now saker"
fi
