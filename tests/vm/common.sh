# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Shared by fetch-kernel, make-root and boot (sourced, never run): where things
# are kept, which mirror is used, and one way to complain.

vm=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
umask 022

die() {
	echo "lab: $*" >&2
	exit 125
}

say() {
	echo "lab: $*" >&2
}

# PSC_LAB_OUT belongs to one checkout (logs, run directories); PSC_LAB_CACHE holds
# kernels and root images and may be shared by several checkouts.
out=${PSC_LAB_OUT:-$vm/../../build/lab}
mkdir -p -- "$out"
out=$(CDPATH='' cd -- "$out" && pwd)
# shellcheck disable=SC2034 # used by the scripts that source this
cache=${PSC_LAB_CACHE:-$out}
mkdir -p -- "$cache"
cache=$(CDPATH='' cd -- "$cache" && pwd)

# The main archive: PSC_MIRROR, else the first one the machine itself uses.
mirror() {
	local url
	url=${PSC_MIRROR:-}
	if [ -z "$url" ]; then
		url=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
			/etc/apt/sources.list.d/*.sources 2>/dev/null |
			sed -n 's/#.*//; s|.*[[:space:]]\(https\{0,1\}://[^[:space:]]*/debian\)/*\([[:space:]].*\)*$|\1|p' |
			head -n 1)
	fi
	url=${url:-http://deb.debian.org/debian}
	echo "${url%/}"
}

# The security archive sits beside the main one on mirrors that carry it.
security_mirror() {
	local main
	main=$(mirror)
	case $main in
	*/debian) echo "$main-security" ;;
	*) echo http://security.debian.org/debian-security ;;
	esac
}

# sources.list for a suite with its security archive. Signatures are checked
# against the machine's Debian keyring, and nothing else.
sources() {
	local suite=$1 base=${1%-backports} opts
	opts='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg arch=amd64]'
	echo "deb $opts $(mirror) $base main"
	echo "deb $opts $(security_mirror) $base-security main"
	if [ "$suite" != "$base" ]; then
		echo "deb $opts $(mirror) $suite main"
	fi
}

# What the machine says about proxies and clocks also holds for the private
# roots; what it says about trust does not.
apt_settings() {
	apt-config dump | grep -E '^Acquire::(https?|Check-Date|Check-Valid-Until)\b' || :
	echo 'Acquire::Languages "none";'
	echo 'Acquire::Retries "3";'
	echo 'Acquire::AllowInsecureRepositories "false";'
	echo 'APT::Get::AllowUnauthenticated "false";'
}

# A short name for "these inputs": a changed script or list makes a new image
# beside the old one instead of silently using what another checkout left.
key_of() {
	cat -- "$@" | sha256sum | cut -c1-12
}
