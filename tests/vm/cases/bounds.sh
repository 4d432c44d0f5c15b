# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Cases of the guard's limits: bytes that are digested at once, the largest file that is
# digested, lists that do not fit. One after the other; each_ in both modes, life_ in
# enforce mode.

header=algo,digest,size,format,name,product,version,source
limit=$((1 << 20))

# counter OP REASON
counter() {
	proscribe status --json | jq ".data.unverified.$1.$2 // 0"
}

# bounded SIZE: files of that size, with other content, are listed; the smallest limit.
bounded() {
	printf '%s\n' $header "sha256,$(printf '%064d' 7),$1,elf,$case,,," >"$lists"/bounds.csv
	printf 'hash_limit: %s\n' $limit >"$config"
	echo "- -" >"$digests"
	reload
	log_mark
}

unbounded() {
	rm "$lists"/bounds.csv "$config"
	reload
}

# Files that nobody has seen are digested by as many processes at once; four of the
# largest size may be. What is over the bound must be refused, counted and recorded, and
# nothing waits for it: once the others are done it runs.
each_bounds_busy() {
	local n files=() before after denied=0 word=recorded
	for ((n = 0; n < 12; n++)); do
		attempt pad "$bin"/payload-static "$dir/$n" "$limit" "$mode $n"
		files+=("$dir/$n")
	done
	bounded "$limit"
	before=$(counter exec busy)
	try attempt exec-at-once "${files[@]}"
	after=$(counter exec busy)
	evidence "$digests"
	[[ $text =~ denied=([0-9]+) ]] && denied=${BASH_REMATCH[1]}
	text="busy=$((after - before)) $text"
	if [ "$mode" = enforce ]; then word=denied; fi
	if [ $((after - before)) = 0 ]; then
		result missed "$text"
	elif [ "$mode" = enforce ] && [ "$denied" != $((after - before)) ]; then
		result miscounted "$text"
	elif [[ ${records[$case exec]:-} != *'unverified: busy' ]]; then
		result unlogged "${records[$case exec]:-none}; $text"
	elif ! attempt exec-at-once "$dir"/11 >/dev/null 2>&1; then
		result stuck "still refused when nothing is digested any more"
	elif [ $word = denied ]; then
		result denied "$text"
	else
		result unverified:busy "${records[$case exec]}; $text"
	fi
	unbounded
}

# Large files, more than may be digested at once, leave room for a small one.
each_bounds_large_files() {
	local n waiting='' during=0 before after elsewhere=0 large=$((limit << 6))
	attempt pad "$bin"/payload-static "$p" "$limit" "$mode small"
	for n in 1 2 3 4 5 6; do
		attempt pad "$bin"/payload-static "$dir/$n" "$padded" "$mode $n"
		attempt truncate "$dir/$n" "$large"
	done
	bounded "$limit"
	printf 'sha256,%s,%s,elf,%s,,,\n' "$(printf '%064d' 8)" "$large" "$case" >>"$lists"/bounds.csv
	printf 'hash_limit: %s\n' "$large" >"$config"
	reload
	before="$(counter load busy) $(counter exec busy)"
	for n in 1 2 3 4 5 6; do
		attempt map "$dir/$n" >/dev/null 2>&1 &
		waiting+=" $!"
	done
	nap 1
	attempt exec-at-once "$p" >/dev/null 2>&1 || elsewhere=$?
	for n in $waiting; do kill -0 "$n" 2>/dev/null && during=$((during + 1)); done
	# shellcheck disable=SC2086 # numbers
	wait $waiting
	after="$(counter load busy) $(counter exec busy)"
	text="busy (load exec) before=$before after=$after, $during digests under way, small=$elsewhere"
	if [ "${before% *}" = "${after% *}" ] || [ $during -lt 2 ]; then
		result broken-control "$text"
	elif [ $elsewhere != 0 ] || [ "${before#* }" != "${after#* }" ]; then
		result failed "$text"
	else
		result allowed "$text"
	fi
	unbounded
}

# A FUSE server that never answers holds as many bytes as may be digested at once, of its
# own kind: more of it is busy, and a file on a disk runs all the same.
each_bounds_hanging_server() {
	local n server waiting='' held='' elsewhere text
	mkdir mounted
	for n in 0 1; do attempt pad "$bin"/payload-static "$dir/$n" "$limit" "$mode $n"; done
	bounded "$limit"
	attempt fuse-hanging mounted "$limit" &
	server=$!
	while [ ! -e mounted/f0 ]; do nap 0.1; done
	for ((n = 0; n < 6; n++)); do
		attempt map "$dir/mounted/f$n" >/dev/null 2>&1 &
		waiting+=" $!"
	done
	nap 1
	held=$(proscribe status --json | jq .data.unverified.load.busy)
	elsewhere=0
	attempt exec-at-once "$dir/0" >/dev/null 2>&1 || elsewhere=$?
	kill -KILL "$server"
	umount -l mounted
	# shellcheck disable=SC2086 # numbers
	wait "$server" $waiting 2>/dev/null
	evidence "$digests"
	text="busy=$held elsewhere=$elsewhere; ${records[$case load]:-none}"
	if [ "${held:-null}" = null ] || [ "$held" = 0 ]; then
		result broken-control "the server holds nothing: $text"
	elif [ $elsewhere != 0 ]; then
		result failed "$text"
	else
		result allowed "$text"
	fi
	unbounded
}

# A hole of a gigabyte would be read, and fill the memory. With an IMA policy IMA itself
# reads it, for a minute.
each_bounds_too_large() {
	local before after started took size=$((1 << 30))
	if [ "$series" = ima ]; then size=$((1 << 23)); fi
	attempt pad "$bin"/payload-static "$p" "$padded" "$mode large"
	attempt truncate "$p" "$size"
	bounded "$size"
	before=$(proscribe status --json | jq .data.digested.bytes)
	started=${EPOCHREALTIME/./}
	try attempt exec "$p"
	took=$(((${EPOCHREALTIME/./} - started) / 1000))
	after=$(proscribe status --json | jq .data.digested.bytes)
	evidence "$digests"
	text="$took ms, $((after - before)) bytes digested; $text"
	# The log's beacon and nothing else may have been digested meanwhile.
	if [ $((after - before)) -ge $limit ]; then
		result digested "$text"
	elif [ $took -gt 20000 ]; then
		result slow "$text"
	else
		conclude exec missed
	fi
	unbounded
}

# not_fitting PATTERN: the list that stands in crowd.csv is refused, the old one stays.
not_fitting() {
	refused 4 "$1" proscribe reload
	rm "$lists"/crowd.csv
	reload
}

# The kernel searches sixteen digests that begin alike, not more.
life_reload_crowded_list() {
	local n
	echo "$header" >"$lists"/crowd.csv
	for ((n = 0; n < 17; n++)); do
		printf 'sha256,abcde%059d,%d,elf,crowd,,,\n' "$n" "$padded"
	done >>"$lists"/crowd.csv
	not_fitting 'begin with the same 20 bits \(abcde\)'
}

life_reload_too_many_products() {
	local n
	echo "$header" >"$lists"/crowd.csv
	for ((n = 0; n < 4095; n++)); do
		printf 'sha256,%08x%056d,%d,elf,crowd,product %d,,\n' $((n << 16)) "$n" "$padded" "$n"
	done >>"$lists"/crowd.csv
	not_fitting 'different products'
}

# Three million are the most; the file has one more.
long_reload_too_many_digests() {
	awk -v header=$header 'BEGIN {
		print header
		for (n = 0; n <= 3000000; n++)
			printf "sha256,%06x%058d,20480,elf,,,,\n", (n * 5) % 16777216, n
	}' >"$lists"/crowd.csv
	not_fitting 'listed digests: the kernel takes 2999999'
}

# An unprivileged user may be refused as fast as the kernel can: the daemon, which writes
# a record of each, still has to take new lists.
long_list_add_under_storm() {
	local n flood='' started took
	program "$p"
	program_static "$dir/refused" refused
	list "$dir/refused"
	for n in 1 2; do
		attempt exec-many 10000000 "$dir/refused" >/dev/null 2>&1 &
		flood+=" $!"
	done
	nap 2
	started=${EPOCHREALTIME/./}
	said=$(timeout -s KILL 90 proscribe list add "$p" 2>&1)
	took=$(((${EPOCHREALTIME/./} - started) / 1000))
	try attempt exec "$p"
	# shellcheck disable=SC2086 # two numbers
	kill -KILL $flood
	text="list add took $took ms under the storm; $text"
	case $status in
	0) result missed "$text" ;;
	1) result denied "$text" ;;
	*) result failed "$text" ;;
	esac
	unlist "$dir/refused"
	unlist "$p"
}
