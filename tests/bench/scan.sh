#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make bench-scan`: how long a scan of a Debian root takes beside find and grep, in one run.
#   scan.sh OUT PROSCRIBE SCAN_TOOL [ROUNDS]
# 200 stand-ins are planted, 40 of each kind, each with one indicator only; a run that misses
# one does not count. Everything is in the page cache. The root is made once, in OUT.
set -eu
out=$1 proscribe=$2 tool=$3 rounds=${4:-20}
catalog=$PWD/policy/catalog
root=$out/root
each=40

make_root() {
	[ -e "$out/root.done" ] && return
	rm -rf "$root"
	# shellcheck disable=SC2016 # the hook's shell knows its root as $1
	mmdebstrap --quiet --variant=important --include=python3,git,openssl \
		--customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' \
		bookworm "$root"
	: >"$out/root.done"
}

sign_with() { # CERTIFICATE-FILE OUT
	osslsigncode sign -h sha256 -certs "$1" -key "$out/key.pem" -in "$out/unsigned.exe" \
		-out "$2" >/dev/null
}

plant() {
	local n names stanzas=$root/var/lib/dpkg/status
	names=(kesl kesl-gui klnagent klnagent64 ksc64 ksc-web-console kess kics kwts ksvla-viis)
	[ -e "$out/planted" ] && return
	mkdir -p "$root/usr/lib/planted" "$root/usr/share/planted" "$root/opt/kaspersky/kesl" "$out/trust" \
		"$out/lists"
	echo 'const char key[] = "KL_PLUGINS_PATH"; const char *get(void) { return key; }' >"$out/m.c"
	cc -shared -fPIC -o "$out/m.so" "$out/m.c"
	openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -keyout "$out/key.pem" \
		-out "$out/trust/stand-in.pem" -addext extendedKeyUsage=codeSigning \
		-subj '/CN=stand-in/serialNumber=1027739867473' 2>/dev/null
	"$tool" pe >"$out/unsigned.exe"
	echo 'algo,digest,size,format,name,product,version,source' >"$out/lists/planted.csv"
	for n in $(seq $each); do
		cp "$out/m.so" "$root/usr/lib/planted/marker-$n"
		echo "digest $n" >"$root/usr/share/planted/digest-$n"
		printf 'sha256,%s,%s,any,digest-%s,kaspersky/kesl,,stand-in\n' \
			"$(sha256sum <"$root/usr/share/planted/digest-$n" | cut -d' ' -f1)" \
			"$(stat -c %s "$root/usr/share/planted/digest-$n")" "$n" >>"$out/lists/planted.csv"
		printf '\nPackage: %s\nStatus: install ok installed\nVersion: planted-%s\n' \
			"${names[n % ${#names[@]}]}" "$n" >>"$stanzas"
		: >"$root/opt/kaspersky/kesl/place-$n"
		sign_with "$out/trust/stand-in.pem" "$root/usr/share/planted/signer-$n"
	done
	: >"$out/planted"
}

scan=("$proscribe" scan --catalog "$catalog" --lists "$out/lists" --trust "$out/trust" --root "$root")

# Every plant by the indicator that it has, and by no other kind.
check_found() {
	"${scan[@]}" --json >"$out/found.json" || [ $? = 5 ]
	jq -e --argjson each $each '
		def ones(prefix): [.data.findings[] | select(.where | test("/" + prefix + "-[0-9]+$"))];
		{marker: [ones("marker")[] | select(.rules | any(.rule == "kaspersky/engine-loader"))],
		 digest: [ones("digest")[] | select(.digests | length > 0)],
		 place: [ones("place")[] | select(.rules | any(.rule == "kaspersky/kesl-opt"))],
		 signer: [ones("signer")[] | select(.rules | any(.rule == "kaspersky/signer-register"))],
		 package: [.data.findings[] | select(.kind == "package" and
			(.detail | test(" planted-[0-9]+$")))]}
		| map_values(length) | ., (to_entries | all(.value == $each))' "$out/found.json" >&2 ||
		{ echo 'bench-scan: a stand-in was missed: the run does not count' >&2; exit 1; }
}

figures() { # NAME COMMAND...
	local name=$1
	shift
	printf '%s %s\n' "$name" "$("$tool" time "$rounds" "$@")"
}

make_root
plant
check_found
printf '%s regular files, %s MB\n' "$(find "$root" -type f | wc -l)" \
	"$(du -sm --apparent-size "$root" | cut -f1)"
{
	figures find find "$root" -type f -printf '%s\n'
	figures grep grep -rl KL_PLUGINS_PATH "$root"
	figures scan "${scan[@]}"
} | awk '
	{ wall[$1] = $2; cpu[$1] = $3; rss[$1] = $4 }
	END {
		printf "%-28s %8s %8s %8s\n", "", "wall ms", "cpu ms", "KiB"
		for (i = 1; i <= split("find grep scan", name, " "); i++)
			printf "%-28s %8s %8s %8s\n", name[i], wall[name[i]], cpu[name[i]], rss[name[i]]
		printf "scan / find: %.2f (at most 3)\n", wall["scan"] / wall["find"]
		printf "grep / scan: %.2f (at least 3)\n", wall["grep"] / wall["scan"]
		printf "resident: %.1f MB (at most 32)\n", rss["scan"] / 1024
		if (cpu["scan"] < 1.3 * wall["scan"])
			print "another process took a core of the scan: the ratios do not count, run it again"
	}'
