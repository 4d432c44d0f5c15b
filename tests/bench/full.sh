#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make bench-full` in the guest: what takes too long for `make bench`. See guest.sh.
#   full.sh [ROUNDS [SAMPLES]]
# Adds the first execution of a file, the guard with a thousand and with a million digests,
# and on the oldest kernel fapolicyd with one denied digest.
set -eu
# shellcheck source=lib.sh
. /root/bench/lib.sh

rounds=${1:-4}
samples=${2:-30}
copies=8
reload=0 fapolicyd=''

# Fresh copies, of which nothing is cached but the pages; the big ones end in a hole.
make_copies() {
	local n
	rm -rf $here/first $here/first-big
	mkdir $here/first $here/first-big
	for n in $(seq 0 $((copies - 1))); do
		cp $here/target-static $here/first/"$n"
		truncate -s +13 $here/first/"$n"
		cp $here/target-static $here/first-big/"$n"
		truncate -s 104857613 $here/first-big/"$n"
	done
	sync
}

# All rows of one column.
measure_all() {
	make_copies
	measure "$@"
	samples=$copies measure "$@" exec_first exec_first_big
}

measure_lengths() {
	local begin
	use_list /root/thousand.csv
	measure thousand "$1" exec_static
	begin=$(cut -d' ' -f1 /proc/uptime)
	use_list $million
	reload=$(awk -v begin="$begin" '{ print $1 - begin }' /proc/uptime)
	measure_all million "$1"
}

fapolicyd_on() {
	local n
	cat >/etc/fapolicyd/fapolicyd.conf <<-EOF
		permissive = 0
		uid = fapolicyd
		gid = fapolicyd
		trust = file
		integrity = none
		watch_fs = ext4,tmpfs
	EOF
	rm -f /etc/fapolicyd/rules.d/*
	install -d -o fapolicyd -g fapolicyd /run/fapolicyd /var/lib/fapolicyd
	cat >/etc/fapolicyd/compiled.rules <<-EOF
		deny perm=execute all : sha256hash=$(sha256sum </usr/bin/factor | cut -d' ' -f1)
		allow perm=any all : all
	EOF
	fapolicyd --debug-deny >/root/fapolicyd.log 2>&1 &
	fapolicyd=$!
	for n in $(seq 100); do
		# it denies what it shall deny: it is at work
		if ! /usr/bin/factor 1 >/dev/null 2>&1; then return; fi
		sleep 0.2
	done
	tail -n 20 /root/fapolicyd.log
	fail "fapolicyd does not deny anything"
}

fapolicyd_off() {
	kill $fapolicyd
	wait $fapolicyd || :
}

prepare
draw_million
$here/population draw $here/debian-sizes.csv 1000 2 >/root/thousand.csv
for round in $(seq "$rounds"); do
	measure_all bare "$round"
	floor_on
	measure_all floor "$round"
	floor_off
	if [ "$PSC_LAB_KERNEL" = 6.1 ]; then
		fapolicyd_on
		measure_all fapolicyd "$round"
		fapolicyd_off
	fi
	guard_on
	measure_all empty "$round"
	use_list $here/example-list.csv
	measure_all example "$round"
	measure_own_sizes "$round"
	measure_lengths "$round"
	guard_off
	tell "round $round of $rounds is done"
done
measure_all bare $((rounds + 1))
# by length of the list: a row of its own
sed -i '/"column":"thousand"/s/"row":"exec_static"/"row":"exec_million"/' $raw
sed -n '/"column":"million"/s/"row":"exec_static"/"row":"exec_million"/p' $raw >/root/by-length
cat /root/by-length >>$raw
report "{\"cache_hits\": $hits, \"reload_million_seconds\": $reload,
	\"million_lists_size_of\": $(sizes_in_million)}"
