#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Nothing is found in real packages of Debian that speak of the vendor (they call its programs,
# inventory them, sign against their malware, name them in data), nor on this host's /usr, which
# must be a Debian without the products, nor in a whole root made of packages, of which nothing must
# stay unread either. Called by `make check-tools`; downloads into PSC_TOOLS_OUT.
set -euo pipefail
proscribe=${1:-$PSC_TOOLS_OUT/../../proscribe}
out=${PSC_TOOLS_OUT:-${TMPDIR:-/tmp}/psc-tools}/false-positives
failed=0

# What calls or inventories scanners, scanners, signature tools, lists of names and traffic.
packages=(amavisd-new clamav clamav-daemon yara libyara9 python3-yara rspamd chkrootkit rkhunter
	lynis suricata wireshark-common libwireshark-data nmap osslsigncode binwalk publicsuffix
	fusioninventory-agent ocsinventory-agent glpi-agent exim4-daemon-heavy mailscanner)

# ARGUMENT...: exit status 0 (nil) or 1 (incomplete); what is found is shown
nothing_in() {
	local status=0
	"$proscribe" scan --catalog policy/catalog --lists "$out/none" "$@" --json >"$out/result.json" ||
		status=$?
	case $status in
	0 | 1) ;;
	*)
		printf 'false-positives: exit status %s for: %s\n' "$status" "$*" >&2
		jq -r '.data.findings[]? | "  \(.where) \(.inside // "") \([.rules[].rule] | join(" "))"' \
			"$out/result.json" >&2
		failed=1
		;;
	esac
}

mkdir -p "$out/debs" "$out/none"
cd_out=$out/debs
scanned=0
for package in "${packages[@]}"; do
	apt-cache policy "$package" 2>/dev/null | grep -E "Candidate: [^(]" >/dev/null || {
		echo "false-positives: this Debian has no $package" >&2
		continue
	}
	compgen -G "$cd_out/${package}_*.deb" >/dev/null ||
		(cd "$cd_out" && apt-get -qq -o APT::Sandbox::User=root download "$package") ||
		echo "false-positives: $package: no download" >&2
done
for deb in "$cd_out"/*.deb; do
	nothing_in --package "$deb"
	scanned=$((scanned + 1))
done
nothing_in /usr
# Kept as a tarball: make looks for its own files below PSC_TOOLS_OUT.
[ -e "$out/root.tar" ] || {
	mmdebstrap --quiet --variant=important --include=python3,git,clamav,amavisd-new,yara \
		bookworm "$out/new.tar"
	mv "$out/new.tar" "$out/root.tar"
}
root=$(mktemp -d)
trap 'rm -rf -- "$root"' EXIT
tar -C "$root" --exclude='./dev/*' -xf "$out/root.tar"
nothing_in --root "$root"
[ "$(jq -r .data.result "$out/result.json")" = nil ] || {
	echo 'false-positives: no nil statement for a whole root:' >&2
	jq -c '.data.missing // .data.gaps // .data.excluded' "$out/result.json" >&2
	failed=1
}
[ $scanned -ge 10 ] || { echo "false-positives: only $scanned packages" >&2; failed=1; }
[ $failed = 0 ] && echo "false-positives: nothing found in $scanned packages, in /usr and in a whole root"
exit $failed
