#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whether the tools themselves take what `proscribe list export` prints: ClamAV finds a listed
# file by our database alone and no other file, sha256sum --check knows it again, fapolicyd reads
# all rules, of the shipped catalog too, and refuses a broken one. Called by `make check-tools`:
# exports PROSCRIBE. Needs root for a mount namespace of its own.
set -eu
program=$(realpath -- "$1")
root=$(cd -- "$(dirname -- "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo 'exports: must be root' >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
mkdir "$work/lists" "$work/files" "$work/none"
printf 'listed with its size\n' >"$work/files/sized"
printf 'listed without a size\n' >"$work/files/sizeless"
printf 'not listed\n' >"$work/files/free"
failed=0

complain() {
	echo "FAIL  exports: $1"
	failed=1
}

export_as() { # FORM FILE [OPTION...]
	local form=$1 file=$2
	shift 2
	PSC_CONTROL_SOCKET=$work/no-socket "$program" list export --format "$form" -o "$file" \
		--lists "$work/lists" "$@" 2>"$work/note" || complain "list export --format $form"
}

entry() { # FILE SIZE
	printf 'sha256,%s,%s,any,%s,acme/tool,1.0,s\n' \
		"$(sha256sum "$work/files/$1" | cut -d' ' -f1)" "$2" "$1"
}

{
	echo algo,digest,size,format,name,product,version,source
	entry sized "$(stat -c %s "$work/files/sized")"
	entry sizeless ''
} >"$work/lists/a.csv"

clamav() {
	local found
	export_as clamav "$work/a.hsb" --site
	found=$(clamscan --no-summary --infected -d "$work/a.hsb" "$work/files" |
		sed 's|.*/||' | LC_ALL=C sort) || :
	[ "$found" = 'sized: Proscribe.acme.tool.1.0.UNOFFICIAL FOUND
sizeless: Proscribe.acme.tool.1.0.UNOFFICIAL FOUND' ] || complain "clamscan found: $found"
	export_as clamav "$work/all.hsb" --catalog "$root/policy/catalog"
	clamscan -d "$work/all.hsb" "$work/files/free" >"$work/summary" ||
		complain "clamscan with the catalog: $(cat "$work/summary")"
	grep -qx "Known viruses: $(wc -l <"$work/all.hsb")" "$work/summary" ||
		complain "clamscan has not taken all lines: $(cat "$work/summary")"
}

sums() {
	export_as sha256sum "$work/sums" --site
	(cd -- "$work/files" && sha256sum --check --strict --quiet "$work/sums") ||
		complain 'sha256sum --check'
}

# The daemon reads its rules before all else; without the capability to change its user it ends
# there, so that it never gets to guard this machine.
fapolicyd_reads() { # FILE: what it says
	local etc=$work/etc
	rm -rf -- "$etc" && cp -a /etc/fapolicyd "$etc"
	rm -f -- "$etc"/rules.d/* "$etc/fapolicyd.rules"
	cp -- "$1" "$etc/compiled.rules"
	sed -i 's/^trust *=.*/trust = file/; s/^integrity *=.*/integrity = none/' \
		"$etc/fapolicyd.conf"
	# shellcheck disable=SC2016 # expanded by the inner shell
	ETC=$etc unshare -m sh -c 'mount --bind "$ETC" /etc/fapolicyd && mount -t tmpfs none /run &&
		mkdir /run/fapolicyd && exec timeout 60 setpriv --bounding-set -all \
		fapolicyd --debug --permissive' 2>&1 || :
}

fapolicyd_takes() { # FILE
	local said
	said=$(fapolicyd_reads "$1")
	grep -qx "Loaded $(wc -l <"$1") rules" <<<"$said" ||
		complain "fapolicyd on $(basename -- "$1"): $(tail -n 3 <<<"$said")"
}

fapolicyd_rules() {
	export_as fapolicyd "$work/site.rules" --site
	[ "$(wc -l <"$work/site.rules")" = 3 ] || complain 'not a rule for each digest'
	fapolicyd_takes "$work/site.rules"
	export_as fapolicyd "$work/all.rules" --catalog "$root/policy/catalog"
	fapolicyd_takes "$work/all.rules"
	sed 's/sha256hash/sha256sum/' "$work/site.rules" >"$work/broken.rules"
	if fapolicyd_reads "$work/broken.rules" | grep -q '^Loaded'; then
		complain 'fapolicyd takes rules that are broken: is this check still right?'
	fi
}

clamav
sums
fapolicyd_rules
[ "$failed" = 0 ] || exit 1
echo 'ok    exports: clamscan, sha256sum and fapolicyd take what list export prints'
