# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Sourced by ./dev: sees which packages a job needs on this distribution, says which are missing,
# asks, installs. What was found complete is remembered in build/setup/JOB, keyed by a hash of the
# list, so that it is looked at once.

os_release=${SAKER_OS_RELEASE:-/etc/os-release}

# The column of tools/packages for this distribution, and its name for people.
distribution() {
	local ID='' ID_LIKE='' VERSION_ID='' PRETTY_NAME=''
	# shellcheck source=/dev/null
	[ ! -r "$os_release" ] || . "$os_release"
	distribution_name=${PRETTY_NAME:-this system}
	case " $ID $ID_LIKE " in
	*" debian "* | *" ubuntu "*) column=3 installer='apt-get install' ;;
	*" fedora "* | *" rhel "*) column=4 installer='dnf install' ;;
	*" arch "*) column=5 installer='pacman -S' ;;
	*suse*) column=6 installer='zypper install' ;;
	*) column=3 installer='' ;;
	esac
	case $ID:$VERSION_ID in
	debian:[1-9] | debian:1[01] | ubuntu:1?.* | ubuntu:2[0-3].*)
		say "$distribution_name is older than what Saker is tested on (Debian 12, Ubuntu 24.04)"
		;;
	esac
}

# rows JOB: "PROBE PACKAGE" of what the job needs here
rows() {
	awk -v job="$1" -v column="$column" '
		/^#/ { next }
		$1 == "build" || ("," $1 ",") ~ ("," job ",") { if ($column != "-") print $2, $column }
	' "$root/tools/packages" | sort -u -k 2,2
}

peers() {
	awk -v column="$column" '$1 == "peer" && $column != "-" { print $2, $column }' \
		"$root/tools/packages"
}

# missing: of the rows on stdin, the packages that are not there
missing() {
	local probe package rows
	rows=$(cat)
	[ -n "$rows" ] || return 0
	if [ "$installer" = 'apt-get install' ] && command -v dpkg-query > /dev/null; then
		# Two lists, and what stands only in the first.
		{
			cut -d ' ' -f 2 <<< "$rows"
			# shellcheck disable=SC2046
			dpkg-query -W -f '${db:Status-Status} ${Package}\n' $(cut -d ' ' -f 2 <<< "$rows") \
				2> /dev/null | sed -n 's/^installed //p' | sort -u | sed 'p'
		} | sort | uniq -c | awk '$1 == 1 { print $2 }'
		return
	fi
	while read -r probe package; do
		case $probe in
		-) continue ;;
		'<'*) ${CC:-cc} -E -xc - <<< "#include $probe" > /dev/null 2>&1 && continue ;;
		*) command -v "$probe" > /dev/null && continue ;;
		esac
		echo "$package"
	done <<< "$rows" | sort -u
}

# May we? --yes and CI=true say so; a person is asked; anything else means no.
consent() {
	local answer
	[ -z "$yes" ] || return 0
	[ -t 0 ] && [ -t 2 ] || return 1
	printf 'Install them with apt-get? [y/N] ' >&2
	read -r answer
	case $answer in [yY] | [yY][eE][sS]) return 0 ;; esac
	return 1
}

install_packages() {
	local sudo=''
	if [ "$(id -u)" != 0 ]; then
		command -v sudo > /dev/null || die "not root and no sudo; as root: apt-get install $*"
		sudo=sudo
	fi
	say "reading the package lists (apt-get update)"
	$sudo apt-get update -q >&2 || say "apt-get update failed; trying with the lists that are there"
	say "installing: $*"
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

# Everything a job needs, or one clear line and exit 1.
setup() {
	local job=$1 stamp=build/setup/$1 wanted lack
	# In short: nothing of this runs again until the list or the distribution changes.
	wanted=$(cat "$os_release" tools/packages 2> /dev/null | sha256sum)
	[ ! -r "$stamp" ] || [ "$(< "$stamp")" != "$wanted" ] || return 0
	distribution
	mapfile -t lack < <(rows "$job" | missing)
	if [ ${#lack[@]} -gt 0 ]; then
		if [ "$installer" != 'apt-get install' ]; then
			die "missing on $distribution_name: sudo ${installer:-install (names of Debian)}" \
				"${lack[*]}"
		fi
		if [ -z "$yes" ] && [ ! -t 0 ]; then
			die "missing packages: ${lack[*]} (--yes installs them with apt-get)"
		fi
		say "packages of $distribution_name that are missing for '$job':" "  ${lack[*]}"
		consent || die "nothing was installed; by hand: apt-get install ${lack[*]}"
		install_packages "${lack[@]}" || die "apt-get could not install: ${lack[*]}"
	fi
	mkdir -p build/setup
	echo "$wanted" > "$stamp"
}

# The tools that ./dev bench compares with: asked for once, never needed.
setup_peers() {
	local stamp=build/setup/peers lack
	[ ! -e "$stamp" ] || return 0
	distribution
	mapfile -t lack < <(peers | missing)
	if [ ${#lack[@]} -gt 0 ] && [ "$installer" = 'apt-get install' ]; then
		say "tools to compare with that are not installed (optional):" "  ${lack[*]}"
		if consent; then
			install_packages "${lack[@]}" || say "not installed: those comparisons are skipped"
		fi
	fi
	mkdir -p build/setup
	: > "$stamp"
}
