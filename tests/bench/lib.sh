# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What guest.sh and full.sh share: putting each column into force, and measuring it.
# Sourced in the guest, where everything beside this file is in /root/bench.

here=/root/bench
lists=/root/lists
raw=/root/samples
hook_lines=/root/hooks
sizes=/root/own-sizes.csv
million=/root/million.csv
# what the exec rows execute and map
executed=(/root/bench/target-static /bin/true /lib64/ld-linux-x86-64.so.2
	/lib/x86_64-linux-gnu/libc.so.6)
rows=(exec_static exec_dynamic open_read open_write)
samples=30
hooks='' version='' daemon='' hits=0

tell() {
	echo "# $*"
}

fail() {
	tell "bench: $*" >&2 # not into what captures our output
	exit 1
}

# Asks the daemon. While a guest with counted instructions waits for its disk, its clock
# runs ahead: the command's patience may be over at once (status 1 or 3), so it asks again.
ask() {
	local n status
	for n in $(seq 10); do
		status=0
		proscribe "$@" || status=$?
		case $status in
		1 | 3) sleep 1 ;;
		*) return $status ;;
		esac
	done
	fail "proscribe $1: the daemon does not answer"
}

status() {
	ask status --json | jq -r "$1"
}

count_digests() {
	grep -c ^sha256, "$1"
}

# ---- columns ----------------------------------------------------------------------

# Nothing of LSM is attached. The kernel frees programs some time after the last link.
wait_bare() {
	local n
	for n in $(seq 100); do
		if ! bpftool prog show | grep -q ': lsm '; then return; fi
		sleep 0.1
	done
	fail "programs are still attached"
}

guard_on() {
	local n
	rm -f $lists/*
	proscribed --mode enforce --lists $lists >>/root/daemon.log 2>&1 &
	daemon=$!
	for n in $(seq 100); do
		if proscribe status >/dev/null 2>&1; then
			shipped=$(status .data.lists.digests)
			return
		fi
		sleep 0.1
	done
	cat /root/daemon.log
	fail "proscribed does not start"
}

guard_off() {
	ask off --yes >/dev/null
	kill $daemon 2>/dev/null || :
	wait $daemon || :
	wait_bare
}

# The list $1 is in force, with as many digests as it has lines, beside the shipped ones; some
# may be in both.
use_list() {
	local count digests
	rm -f $lists/*
	cp "$1" $lists/bench.csv
	ask reload >/dev/null
	count=$(count_digests "$1") digests=$(status .data.lists.digests)
	if [ "$digests" -lt "$count" ] || [ "$digests" -gt $((count + shipped)) ]; then
		fail "$digests digests are in force with the $count of $1 and $shipped shipped ones"
	fi
}

# The floor is worth nothing if it is another set of hooks than the guard's.
learn_hooks() {
	local attached
	hooks=$(status '.data.hooks | sort | join(" ")')
	$here/floor learn $here/guard.bpf.o >$hook_lines
	attached=$(cut -d' ' -f1 $hook_lines | sort | paste -sd' ')
	[ "$hooks" = "$attached" ] ||
		fail "the guard says it has the hooks '$hooks', the kernel says '$attached'"
}

floor_on() {
	local attached
	$here/floor on <$hook_lines
	attached=$($here/floor hooks | sort | paste -sd' ')
	[ "$attached" = "$hooks" ] || fail "the floor's hooks are '$attached', the guard's '$hooks'"
}

floor_off() {
	$here/floor off
	wait_bare
}

# ---- measuring --------------------------------------------------------------------

# measure COLUMN ROUND [ROW...]: the deferred work of what came before is let pass first.
measure() {
	local column=$1 round=$2
	shift 2
	if [ $# = 0 ]; then set -- "${rows[@]}"; fi
	sleep 2
	$here/measure -d $here -n "$samples" "$@" >/root/rows
	jq -c --arg column "$column" --argjson cycle "$round" \
		'. + {column: $column, cycle: $cycle}' /root/rows >>$raw
}

# The list of this system's own sizes: programs and the file opened for reading are found
# in the cache, or the column says nothing.
measure_own_sizes() {
	local before
	use_list $sizes
	before=$(status .data.cache_hits)
	measure own-sizes "$@"
	hits=$(($(status .data.cache_hits) - before))
	[ $hits -gt "$samples" ] || fail "the list of sizes was hit $hits times only"
}

# The first seconds after boot cost up to twice as much on newer kernels.
settle() {
	local n last=0 now
	sleep 10
	for n in $(seq 30); do
		now=$($here/measure -d $here -n 10 exec_static | jq '.samples | min | floor')
		if [ $((last - now)) -lt $((now / 1000)) ] && [ "$last" != 0 ]; then
			tell "settled after $n rounds"
			return
		fi
		last=$now
	done
	tell "NOT settled after $n rounds"
}

# ---- before and after ---------------------------------------------------------------

# Sizes of what the exec rows execute and map, of up to 1000 more programs and libraries, and
# of the file that is opened for reading.
make_size_list() {
	local file
	{
		for file in "${executed[@]}"; do
			echo "0 $(stat -Lc %s "$file") elf"
		done
		echo "0 $(stat -c %s $here/data-open_read) deb"
		find /usr -type f \( -perm /111 -o -name '*.so*' \) -size +0 -printf '%s\n' |
			sort -nu | awk '{ print $1 * 7919 % 10007, $1, "elf" }' | sort -n | head -n 1000
	} | awk '!seen[$2]++ { print $2 "," $3 ",,sizes of this system,,made up" }' >/root/sizes
	# Any digests will do; the kernel's index wants them spread.
	echo algo,digest,size,format,name,product,version,source
	head -c 65536 /dev/urandom | od -An -v -tx1 -w32 | tr -d ' ' | sed 's/^/sha256,/' |
		head -n "$(wc -l </root/sizes)" | paste -d, - /root/sizes
}

# A million digests of files that do not exist, with sizes such as a Debian system's have.
draw_million() {
	$here/population draw $here/debian-sizes.csv 1000000 1 >$million
}

# Of what the rows execute, map and open: the files that have a size of that list.
sizes_in_million() {
	local file
	for file in "${executed[@]}"; do
		stat -Lc '%s %n' "$file"
	done | awk -F, 'NR == FNR { split($0, own, " "); name[own[1]] = own[2]; next }
		$3 in name { print name[$3]; delete name[$3] }' - $million | jq -Rnc '[inputs]'
}

prepare() {
	mkdir -p $lists
	: >$raw
	head -c 20480 /dev/urandom >$here/data-open_read
	head -c 20477 /dev/urandom >$here/data-open_write
	# while blocks are not allocated yet, closing a file is cheaper
	sync
	make_size_list >$sizes
	$here/measure hold "${executed[@]}" &
	guard_on
	learn_hooks
	version=$(status .data.version)
	guard_off
	tell "$(uname -r), hooks: $hooks"
	settle
}

# The table, then the document on a line that begins with "json". $1: more facts, as JSON.
report() {
	local million_count=0
	if [ -e $million ]; then million_count=$(count_digests $million); fi
	jq -s -c -f $here/report.jq --arg kernel "$PSC_LAB_KERNEL" --arg release "$(uname -r)" \
		--arg version "$version" --arg hooks "$hooks" --argjson facts "$1" \
		--argjson digests "{\"example\": $(count_digests $here/example-list.csv),
			\"own-sizes\": $(count_digests $sizes),
			\"million\": $million_count}" $raw >/root/result
	jq -r -f $here/table.jq /root/result
	echo "json $(cat /root/result)"
}
