#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make bench-scale` in the guest: what a million digests cost beside the time of an
# execution. Sizes are drawn from debian-sizes.csv.
#   scale.sh          all of the following, with counted instructions
#   scale.sh rate     how much of this system has a listed size, and what digesting it costs
#   scale.sh load     what loading costs
#   scale.sh gap      the largest gap between executions: alone for a guest with two processors,
#                     where times of one boot can only be compared with each other
# Prints lines to read and one line "json {...}".
set -eu
# shellcheck source=lib.sh
. /root/bench/lib.sh

what=${1:-all}
swaps=20 reloads=2 # a reload of a million digests takes seconds
if [ "$what" = gap ]; then reloads=5; fi
other=/root/other.csv shuffled=/root/shuffled.csv exchange=''
appended=/root/appended.csv
# all of the root but what belongs to this measurement; /bin and others lead into /usr
system=(/boot /etc /home /opt /usr /var)

# now: guest seconds since boot
now() {
	cut -d' ' -f1 /proc/uptime
}

since() {
	awk -v begin="$1" '{ print $1 - begin }' /proc/uptime
}

# use FILE: the list in force, by another name of the same file.
use() {
	ln -f "$1" $lists/bench.csv
	ask reload >/dev/null
}

# ---- how much of the system is digested ------------------------------------------------

digested() {
	status .data.digested
}

# map_system: every ELF file and script is mapped for execution; what the kernel counted.
map_system() {
	local before begin
	before=$(digested)
	begin=$(now)
	$here/population map "${system[@]}" >/root/mapped
	jq -c --argjson before "$before" --argjson after "$(digested)" \
		--argjson seconds "$(since "$begin")" \
		'{mapped: ., seconds: $seconds, digested_files: ($after.files - $before.files),
		  digested_bytes: ($after.bytes - $before.bytes)}' /root/mapped
}

pass_rate() {
	local rate empty first again
	# what is measured is digesting, not reading
	find "${system[@]}" -xdev -type f -exec cat {} + >/dev/null
	empty=$(map_system)
	use $million
	first=$(map_system)
	again=$(map_system)
	rate=$($here/population rate $million "${system[@]}")
	jq -nc --argjson rate "$rate" --argjson empty "$empty" --argjson first "$first" \
		--argjson again "$again" \
		'{offline: $rate, empty_list: $empty, first: $first, again: $again}' >/root/pass-rate
	jq -r '
		def share($a; $b): "\($a) of \($b) (\($a * 1000 / $b | round / 10) %)";
		.offline as $o | .first as $f |
		"a million digests have \($o.sizes) sizes; of this system:",
		(["elf", "script"][] as $kind | $o[$kind] |
			"  \($kind): \(share(.size_listed.files; .all.files)) files have a listed size, "
			+ "\(share(.size_listed.bytes; .all.bytes)) bytes; "
			+ "\(.filter_only.files) files, \(.filter_only.bytes) bytes pass the filter only"),
		"  digested in the kernel when all are mapped: \(share($f.digested_files; $f.mapped.files)) files, "
		+ "\(share($f.digested_bytes; $f.mapped.bytes)) bytes; again: \(.again.digested_files) files",
		"  guest seconds: \(.empty_list.seconds) with an empty list, \($f.seconds), again \(.again.seconds)"
	' /root/pass-rate
}

# ---- the largest gap between executions -------------------------------------------------

# watch_gap NAME COMMAND...: executes all the time while the command runs.
watch_gap() {
	local name=$1 watcher
	shift
	sleep 2
	rm -f /root/gap-end
	$here/gap watch $here/target-static /root/gap-end >/root/gap.json &
	watcher=$!
	sleep 1
	"$@"
	touch /root/gap-end
	wait $watcher
	jq -c --arg name "$name" '{($name): .}' /root/gap.json >>/root/gaps
	jq -r --arg name "$name" '"  \($name): \(.execs) executions, median \(.median / 1000 | round) us, "
		+ "99 % \(.p99 / 1000 | round), 99.9 % \(.p999 / 1000 | round), "
		+ "largest \(.largest | map(. / 1000 | round | tostring) | join(" "))"' /root/gap.json
}

exchange_start() {
	local n
	mkfifo /root/go
	: >/root/exchanges
	exec 7<>/root/go
	$here/load swap $swaps $million $other </root/go >/root/exchanges &
	exchange=$!
	for n in $(seq 300); do
		if grep -q ready /root/exchanges; then return; fi
		sleep 1
	done
	fail "the lists are not compiled"
}

exchange_all() {
	echo >&7
	wait $exchange
}

reload_all() {
	local n
	for n in $(seq "$reloads"); do
		if [ $((n % 2)) = 1 ]; then use $other; else use $million; fi
	done
}

# quiet: nothing else goes on. busy: a process computes; what that does to others is no matter
# of the guard. exchanging: lists that are compiled already are put into the kernel.
# reloading: `proscribe reload`, most of which is computing.
measure_gaps() {
	local before
	: >/root/gaps
	$here/population draw $here/debian-sizes.csv 1000000 2 >$other
	echo "gaps between executions:"
	before=$(status .data.generation)
	use $million
	watch_gap quiet sleep 5
	watch_gap busy $here/gap spin 5
	exchange_start
	watch_gap exchanging exchange_all
	watch_gap reloading reload_all
	[ "$(status .data.generation)" = $((before + 1 + swaps + reloads)) ] ||
		fail "the lists were not exchanged"
	jq -c --argjson reloads "$reloads" 'select(type == "object") | . + {reloads: $reloads}' \
		<(sed 1d /root/exchanges) >/root/exchanged
	jq -r '"  one exchange: \(.shortest / 1000 | round) to \(.longest / 1000 | round) us"' \
		/root/exchanged
	jq -sc 'add' /root/gaps /root/exchanged >/root/gaps.json
}

# ---- loading ------------------------------------------------------------------------------

# reload_seconds FILE: guest seconds of `proscribe reload`.
reload_seconds() {
	local begin
	begin=$(now)
	use "$1"
	since "$begin"
}

measure_load() {
	local sorted shuffle resident extra
	rm -f $other
	$here/population draw $here/debian-sizes.csv 1000000 1 shuffled >$shuffled
	extra=$($here/population draw $here/debian-sizes.csv 1 2 | sed 1d)
	sorted=$(reload_seconds $million)
	shuffle=$(reload_seconds $shuffled)
	resident=$(awk '/^Vm(RSS|HWM):/ { print $2 * 1024 }' /proc/$daemon/status | jq -sc .)
	guard_off
	# one more digest, as from a second file: it is no longer sorted
	{ cat $million && echo "$extra"; } >$appended
	$here/load $million $appended $shuffled >/root/load
	jq -sc --argjson sorted "$sorted" --argjson shuffled "$shuffle" --argjson resident "$resident" \
		'{sorted: .[0], appended: .[1], shuffled: .[2], reload_seconds: {sorted: $sorted, shuffled: $shuffled},
		  daemon: {peak_bytes: $resident[0], bytes: $resident[1]}}' /root/load >/root/load.json
	jq -r '
		def m: . / 100000 | round / 10 | "\(.) M";
		"loading, in instructions:",
		(to_entries[] | select(.value.digests?) | .value as $v |
			"  \(.key): parse \($v.parse | m), index \($v.index | m), compile \($v.compile | m), "
			+ "into the kernel \($v.activate | m); hash map: create \($v.hash_create | m), "
			+ "batch update \($v.hash_fill | m): \($v.activate * 1000 / $v.hash_fill | round / 1000) of it; "
			+ "\($v.bytes_a_digest) bytes a digest"),
		"  proscribe reload: \(.reload_seconds.sorted) s sorted, \(.reload_seconds.shuffled) s shuffled; "
		+ "the daemon holds \(.daemon.bytes / 1048576 | round) MiB, \(.daemon.peak_bytes / 1048576 | round) at most"
	' /root/load.json
}

# -----------------------------------------------------------------------------------------

wanted() {
	[ "$what" = all ] || [ "$what" = "$1" ]
}

mkdir -p $lists
draw_million
tell "the list is drawn"
for file in pass-rate gaps.json load.json; do echo null >/root/$file; done
guard_on
version=$(status .data.version)
echo "Linux $(uname -r), $(nproc) processors, counted instructions: $PSC_LAB_ICOUNT"
if [ "$PSC_LAB_ICOUNT" = 1 ]; then settle; fi
if wanted rate; then pass_rate; fi
if wanted gap; then measure_gaps; fi
if wanted load; then measure_load; fi
echo "json $(jq -nc --arg kernel "$PSC_LAB_KERNEL" --arg release "$(uname -r)" \
	--arg version "$version" --argjson smp "$PSC_LAB_SMP" --argjson icount "$PSC_LAB_ICOUNT" \
	--slurpfile rate /root/pass-rate --slurpfile gaps /root/gaps.json \
	--slurpfile load /root/load.json \
	'{schema: "proscribe-bench-scale/1", kernel: $kernel, release: $release, version: $version,
	  processors: $smp, counted: ($icount == 1), pass_rate: $rate[0], gaps: $gaps[0],
	  load: $load[0]}')"
