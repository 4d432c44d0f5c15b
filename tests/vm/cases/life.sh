# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# Cases of the guard's life, in enforce mode: what becomes of it when its daemon dies,
# stops, starts again, reads other lists or cannot keep up. One after the other.

# list_case FILE: lists it as what this case is about; sets digest.
list_case() {
	list "$1"
	digest=${said##*sha256:} digest=${digest%% *}
	echo "$digest $case" >"$digests"
}

# guarded COMMAND...: after the command the listed program must be refused, the unlisted
# one must run, and the record must be there once a daemon runs.
guarded() {
	program "$p"
	program "$dir/clean" clean
	try attempt exec "$p"
	[ "$status" = 0 ] || { result broken-control "$text" && return; }
	list_case "$p"
	log_mark
	"$@"
	attempt exec "$dir/clean" >/dev/null || { result overblocked "unlisted program" && return; }
	try attempt exec "$p"
	kill -CONT "$daemon" 2>/dev/null || start_daemon --mode "$mode"
	evidence "$digests"
	conclude exec missed
	unlist "$digest"
}

life_daemon_killed() {
	guarded end_daemon KILL
}

life_daemon_terminated() {
	guarded end_daemon TERM
}

life_daemon_stopped() {
	guarded kill -STOP "$daemon"
}

life_daemon_restarted() {
	guarded restart_daemon TERM
}

# A second daemon is refused and does no harm to the first.
life_daemon_second() {
	guarded act_daemon_second
}
act_daemon_second() {
	if proscribed --mode observe >second 2>&1; then note "$case: it was not refused"; fi
	grep -q 'another proscribed' second || note "$case: it said: $(cat second)"
}

# storm COMMAND...: executions of a listed and an unlisted program while it runs.
storm() {
	local storm
	program_static "$p"
	program_static "$dir/clean" clean
	list_case "$p"
	attempt exec-storm "$dir/stop" "$p" "$dir/clean" >counts 2>&1 &
	storm=$!
	nap 0.3
	"$@"
	: >stop
	status=0
	wait $storm || status=$?
	text=$(cat counts)
	case $status in
	0) result missed "$text" ;;
	1) result denied "$text" ;;
	*) result overblocked "$text" ;;
	esac
	unlist "$digest"
}

# The counter has to see a gap when there is one.
life_storm_without_guard() {
	storm act_storm_without_guard
}
act_storm_without_guard() {
	guard_off
	nap 0.5
	start_daemon --mode "$mode"
}

life_storm_killed() {
	storm act_storm_killed
}
act_storm_killed() {
	local n
	for n in 1 2 3 4; do restart_daemon KILL; done
}

life_storm_terminated() {
	storm act_storm_terminated
}
act_storm_terminated() {
	local n
	for n in 1 2; do restart_daemon TERM; done
}

life_storm_stopped() {
	storm act_storm_stopped
}
act_storm_stopped() {
	local n
	for n in 1 2; do
		kill -STOP "$daemon"
		nap 1
		kill -CONT "$daemon"
		nap 0.2
	done
}

life_storm_list_swaps() {
	program "$dir/other" other
	storm act_storm_list_swaps
}
act_storm_list_swaps() {
	local n header=algo,digest,size,format,name,product,version,source other
	other=$(digest_of other)
	for n in 1 2 3 4 5 6; do
		printf '%s\n' $header "sha256,$other,$padded,elf,other,,," >"$lists"/other.csv
		reload
		rm "$lists"/other.csv
		reload
	done
}

# A refusal may only bear a generation in which the content was listed.
life_list_swap_generations() {
	local n storm generation good=' ' bad=' ' seen=0
	program_static "$p"
	log_mark
	(until [ -e stop ]; do attempt exec "$p"; done) >/dev/null 2>&1 &
	storm=$!
	for n in 1 2 3 4 5; do
		list_case "$p"
		good+="$(number generation "$(proscribe status --json)") "
		unlist "$digest"
	done
	: >stop
	wait $storm
	log_barrier
	while read -r generation; do
		seen=$((seen + 1))
		if [[ $good != *" $generation "* ]]; then bad+="$generation "; fi
	done < <(log_since | grep -F "$digest" | grep -o '"generation":[0-9]*' | cut -d: -f2)
	text="$seen refusals, listed in generations $good"
	if [ "$bad" != ' ' ]; then
		result inconsistent "$text, others: $bad"
	elif [ $seen = 0 ]; then
		result missed "no refusal was recorded"
	else
		result denied "$text"
	fi
}

# More refusals than the ring holds while nobody reads it: each must stand, and the log
# must tell exactly how many of them it does not tell.
life_ring_full() {
	local count=4200 before after emitted dropped written gap lost n
	# Each CPU counts for itself.
	taskset -p -c 0 $$ >/dev/null
	program_static "$p"
	list_case "$p"
	log_mark
	log_barrier
	before=$(proscribe status --json)
	log_mark
	kill -STOP "$daemon"
	try attempt exec-many $count "$p"
	kill -CONT "$daemon"
	# The daemon tells the loss on its next tick, with the ring empty again.
	for ((n = 0; n < 300; n++)); do
		lost=$(log_since | sed -n 's/.*"lost":\([0-9]*\).*/\1/p')
		if [ -n "$lost" ]; then break; fi
		nap 0.2
	done
	log_barrier
	after=$(proscribe status --json)
	emitted=$(($(number emitted "$after") - $(number emitted "$before")))
	dropped=$(($(number dropped "$after") - $(number dropped "$before")))
	written=$(log_since | grep -F "$digest" | jq -s 'map(.proscribe.repeats // 1) | add')
	gap=$(log_since | grep -F -e "$digest" -e "$beacon_digest" | jq -r \
		'"\(.event.sequence) \(.proscribe.repeats // 1)"' | sort -n | awk '
			NR == 1 { low = $1 }
			{ told += $2 }
			END { print $1 - low + 1 - told }')
	text="$text emitted=$emitted dropped=$dropped written=$written gap=$gap lost=$lost"
	# The beacon of the barrier is one more that was emitted.
	if [ "$status" != 1 ]; then
		result missed "$text"
	elif [ $((emitted + dropped)) != $((count + 1)) ] || [ $dropped = 0 ] ||
		[ "$written" != $((emitted - 1)) ] || [ "$gap" != $dropped ] ||
		[ "$lost" != $dropped ]; then
		result miscounted "$text"
	else
		result denied "$text"
	fi
	unlist "$digest"
	taskset -p ffff $$ >/dev/null
}

# refused STATUS PATTERN COMMAND...: how it has to end and what it has to say; what was in
# force stays in force.
refused() {
	local expected=$1 pattern=$2
	shift 2
	try "$@"
	if [ "$status" != "$expected" ]; then
		result accepted "status $status instead of $expected: $text"
	elif ! grep -qE "$pattern" <<<"$text"; then
		result unexplained "says no '$pattern': $text"
	elif attempt exec "$beacon" >/dev/null 2>&1; then
		result lapsed "what was listed before runs now: $text"
	else
		result refused "$text"
	fi
}

life_reload_broken_list() {
	printf '%s\n' 'algo,digest,size,format,name,product,version,source' \
		'sha256,abcxyz,1,elf,a,b,c,d' >"$lists"/broken.csv
	refused 4 'broken\.csv:2' proscribe reload
	rm "$lists"/broken.csv
	reload
}

life_reload_broken_config() {
	printf 'mode: enforce\nmoode: observe\n' >"$config"
	refused 4 'proscribe\.yaml:2:1' proscribe reload
	rm "$config"
	reload
}

# With nothing to restore and no guard whose policy could be held.
life_start_broken_config() {
	guard_off
	rm -f /var/lib/proscribe/active.bin
	printf 'mode: enforce\nactions: {exec: maybe}\n' >"$config"
	try proscribed
	if [ "$status" != 1 ]; then
		result accepted "status $status instead of 1: $text"
	elif [[ $text != *proscribe.yaml:2:* || -e /sys/fs/bpf/proscribe ]]; then
		result unexplained "$text"
	else
		result refused "$text"
	fi
	rm "$config"
	start_daemon --mode "$mode"
}

life_guard_off_and_on() {
	local n
	program "$p"
	list_case "$p"
	try attempt exec "$p"
	[ "$status" = 1 ] || { result broken-control "$text" && return; }
	guard_off
	# The kernel drops the programs a little later.
	for ((n = 0; n < 100; n++)); do
		try attempt exec "$p"
		if [ "$status" = 0 ]; then break; fi
		nap 0.1
	done
	[ "$status" = 0 ] || { result stuck "still refused after the guard is off" && return; }
	start_daemon --mode "$mode"
	log_mark
	try attempt exec "$p"
	evidence "$digests"
	conclude exec missed
	unlist "$digest"
}

pins=/sys/fs/bpf/proscribe

# also_pin DIRECTORY: pins the guard's programs there as well.
also_pin() {
	mkdir "$1" && ln "$pins"/psc_* "$1"/
}

# gone [TENTHS]: the listed program runs within that time.
gone() {
	local n
	for ((n = 0; n < ${1:-100}; n++)); do
		try attempt exec "$p"
		if [ "$status" = 0 ]; then return 0; fi
		nap 0.1
	done
	return 1
}

# off_left_over COMMAND...: COMMAND takes the guard off, with what a daemon left that was
# killed before it had pinned everything.
off_left_over() {
	program "$p"
	list_case "$p"
	also_pin "$pins"-new
	"$@"
	if ! gone; then
		result stuck "still refused after the guard is off"
	elif [ -e "$pins" ] || [ -e "$pins"-new ]; then
		result leftover "$(ls -d "$pins"*)"
	else
		result allowed
	fi
	start_daemon --mode "$mode"
	unlist "$digest"
}

life_off_left_over() {
	off_left_over guard_off
}

life_off_left_over_without_daemon() {
	off_left_over act_off_without_daemon
}
act_off_without_daemon() {
	end_daemon KILL
	proscribe off --yes >/dev/null || note "off failed"
}

# Somebody else holds the programs: off says that the guard still refuses, the status too,
# until it is let go.
life_off_held_elsewhere() {
	local said log
	program "$p"
	list_case "$p"
	also_pin /sys/fs/bpf/elsewhere
	log_mark
	try proscribe off --yes
	said=$status:$text
	try attempt exec "$p"
	if [[ $said != 1:*'still has the guard'* ]]; then
		result untrue "off ended with $said"
	elif [ "$status" != 1 ]; then
		result broken-control "not refused though its programs are held: $text"
	elif [[ $(proscribe status --json) != *'"guard": "unpinned"'* ]]; then
		result untrue "$(proscribe status)"
	else
		rm -r /sys/fs/bpf/elsewhere
		if gone 150 && wait "$daemon"; then
			log=$(log_since | grep -c '"type":"off"')
			if [ "$log" = 2 ]; then result allowed; else result unrecorded "$(log_since)"; fi
		else
			result stuck "$text"
		fi
	fi
	rm -rf /sys/fs/bpf/elsewhere
	kill -0 "$daemon" 2>/dev/null || start_daemon --mode "$mode"
	unlist "$digest"
}

# Programs attach and are never called then. The last case of a boot: kernels do not
# always get over it. The wait is for the kernel to be done with dropping the programs.
last_start_without_ftrace() {
	guard_off
	nap 3
	if echo 0 >/proc/sys/kernel/ftrace_enabled; then
		printf 'feature\tftrace_switch\n'
		try proscribed --mode enforce
		echo 1 >/proc/sys/kernel/ftrace_enabled
		if [ "$status" = 0 ]; then
			result accepted "$text"
		elif [[ $text != *ftrace_enabled* ]]; then
			result unexplained "$text"
		elif [ -e /sys/fs/bpf/proscribe ]; then
			result leftover "the guard's pins are there: $text"
		else
			result refused "$text"
		fi
	fi
	start_daemon --mode "$mode"
}
