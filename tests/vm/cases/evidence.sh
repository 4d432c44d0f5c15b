# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# Whether the log tells every attempt, and tells it once, in enforce mode: when the daemon is
# killed over and over, and when the log cannot be written for a while.

# sum_log: what the log says since the mark. Sets told (refusals of the listed file) and folded
# (attempts with the memory file "counted"), both by their records and what these repeat, lost, and
# twice (events that have more than one record).
# shellcheck disable=SC2016
sums='
function number(name) {
	if (!match($0, "\"" name "\":[0-9]+")) return 0
	return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
}
/"type":"ring_loss"/ { lost += number("lost") }
/"type":"decision"/ {
	key = number("cpu") " " number("boot_ns")
	twice += seen[key]++ > 0
	attempts = number("repeats") ? number("repeats") : 1
	if (index($0, digest)) told += attempts
	if (index($0, "/memfd:counted")) folded += attempts
}
END { print told + 0, folded + 0, lost + 0, twice + 0 }'
sum_log() {
	read -r told folded lost twice < <(log_since | awk -v digest="$digest" "$sums")
}

# verified: the chain holds.
verified() {
	local said
	said=$(proscribe log verify 2>&1) && return
	note "$case: verify: $said"
	return 1
}

# adds_up ATTEMPTS STARTS: every attempt is told once or counted as lost. Loss is counted of all
# events: some of it may be of the canaries of so many starts, which are never told.
adds_up() {
	local more=$((told + folded + lost - $1)) others=0
	if [ "$lost" != 0 ]; then others=$((8 * $2)); fi
	[ "$twice" = 0 ] && [ $more -ge 0 ] && [ $more -le $others ]
}

# conclude_sums STARTS: the outcome of attempts of which `denied` were refused and `mapped` were not;
# status is theirs, text the figures.
conclude_sums() {
	printf 'figures\t%s\t%s\n' "$case" "$text"
	if [ "$status" != 1 ]; then
		result missed "$text"
	elif ! adds_up $((denied + mapped)) "$1"; then
		result miscounted "$text"
	elif ! verified; then
		result unverifiable "$text"
	else
		result denied "$text"
	fi
	unlist "$digest"
}

# caught_up: until the ring is empty. The beacon's own event may be lost.
caught_up() {
	local n
	for ((n = 0; n < 300; n++)); do
		attempt exec "$beacon" >/dev/null 2>&1
		nap 1
		if log_since | grep -qF "$beacon_digest"; then return; fi
	done
	note "$case: the daemon does not catch up"
}

# storm_sums KILLS: eight processes, and a daemon that is killed so often meanwhile.
storm_sums() {
	local kills=$1 n storm denied mapped
	program_static "$p"
	list_case "$p"
	log_mark
	rm -f stop
	attempt counted 8 -1 300 "$dir/stop" "$p" >counts 2>&1 &
	storm=$!
	for ((n = 0; n < kills; n++)); do
		nap "0.$((RANDOM % 9 + 1))"
		restart_daemon KILL
	done
	: >stop
	status=0
	wait $storm || status=$?
	# which writes what is counted
	restart_daemon TERM
	log_barrier
	sum_log
	denied=$(sed -n 's/^denied=\([0-9]*\).*/\1/p' counts)
	mapped=$(sed -n 's/.* mapped=\([0-9]*\).*/\1/p' counts)
	text="$(cat counts) kills=$kills told=$told folded=$folded lost=$lost twice=$twice"
	conclude_sums $((kills + 2))
}

life_log_sums_killed() {
	storm_sums 3
}

long_log_sums_killed_often() {
	storm_sums 20
}

# The log's files go to a file system of their own, with 2 MB of room, and back. The daemon is
# started anew.
log_to_own() {
	local used
	end_daemon TERM
	read -r used _ < <(du -sk "$logs")
	mkdir -p "$dir/log"
	mount -t tmpfs -o "size=$((used + 2048))k,mode=750" tmpfs "$dir/log"
	cp -a "$logs"/. "$dir/log"
	mount --bind "$dir/log" "$logs"
	start_daemon --mode "$mode"
}
log_to_root() {
	end_daemon TERM
	umount "$logs" || note "$case: the log is in use"
	cp -a "$dir/log"/. "$logs"
	umount "$dir/log" || note "$case: the log is in use"
	start_daemon --mode "$mode"
}

# log_fails yes|no: waits until the daemon says so.
log_fails() {
	local n said
	for ((n = 0; n < 300; n++)); do
		if [[ $(proscribe status --json) == *log_failing* ]]; then said=yes; else said=no; fi
		if [ $said = "$1" ]; then return; fi
		nap 0.2
	done
	note "$case: does the log fail? It should: $1"
}

# remount OPTION: as soon as nobody has a file open there.
remount() {
	local n
	for ((n = 0; n < 100; n++)); do
		if mount -o "remount,$1" "$dir/log" 2>/dev/null; then return; fi
		nap 0.1
	done
	note "$case: remount,$1 fails"
}

# attempts PROCESSES ROUNDS: adds to denied and mapped.
attempts() {
	try attempt counted "$1" "$2" 0 "$dir/stop" "$p"
	[ "$status" = 1 ] || note "$case: $text"
	[[ $text =~ denied=([0-9]+)\ mapped=([0-9]+) ]]
	denied=$((denied + BASH_REMATCH[1])) mapped=$((mapped + BASH_REMATCH[2]))
}

# unwritable ROUNDS: attempts while the log has no room, and while it is read-only; all of them
# are told when it is back, or counted as lost.
unwritable() {
	local denied=0 mapped=0 ro
	log_to_own
	program_static "$p"
	list_case "$p"
	log_mark
	attempts 1 3
	dd if=/dev/zero of="$dir/log/filler" bs=512 2>/dev/null
	attempts 2 20
	log_fails yes
	remount ro
	attempts 2 "$1"
	nap 6
	ro=$(sum_log && echo "$told")
	remount rw
	rm "$dir/log/filler"
	log_fails no
	attempts 1 2
	# which writes what is counted
	restart_daemon TERM
	log_barrier
	sum_log
	text="denied=$denied mapped=$mapped told=$told folded=$folded lost=$lost twice=$twice before=$ro"
	printf 'figures\t%s\t%s\n' "$case" "$text"
	if ! adds_up $((denied + mapped)) 2; then
		result miscounted "$text"
	elif [ "$ro" -ge "$told" ]; then
		result broken-control "the log was never in need: $text"
	elif ! verified; then
		result unverifiable "$text"
	else
		result denied "$text"
	fi
	unlist "$digest"
	log_to_root
}

life_log_unwritable() {
	unwritable 30
}

# More than the ring holds.
long_log_unwritable_overflow() {
	unwritable 2500
}

# A million attempts as fast as they come; the daemon must not grow beyond 16 MiB.
long_log_burst() {
	local rest denied mapped hwm peak
	program_static "$p"
	list_case "$p"
	restart_daemon TERM
	log_mark
	try attempt counted 8 14000 0 "$dir/stop" "$p"
	rest=$text
	[[ $text =~ denied=([0-9]+)\ mapped=([0-9]+) ]]
	denied=${BASH_REMATCH[1]} mapped=${BASH_REMATCH[2]}
	caught_up
	hwm=$(sed -n 's/^\(VmHWM\|Rss[A-Za-z]*\):[ \t]*\([0-9]*\) kB/\1=\2/p' "/proc/$daemon/status")
	restart_daemon TERM
	log_barrier
	sum_log
	text="$rest told=$told folded=$folded lost=$lost twice=$twice ${hwm//$'\n'/ }"
	[[ $hwm =~ VmHWM=([0-9]+) ]] && peak=${BASH_REMATCH[1]}
	if [ "${peak:-16385}" -gt 16384 ]; then
		result grown "$text"
		unlist "$digest"
	else
		conclude_sums 2
	fi
}

# take_off: ends the daemon, has so many refused, takes the guard off. Sets waiting, the number of
# events that the command says nobody has read, and why: "kept" or "lost".
take_off() {
	end_daemon TERM
	try attempt exec-many "$1" "$p"
	[ "$status" = 1 ] || note "$case: $text"
	try proscribe off --yes
	waiting=$(sed -n 's/.* \([0-9]*\) events that no daemon has read .*/\1/p' <<<"$text")
	[[ $text == *'stay in the kernel'* ]] && why=kept || why=lost
}

# unread COUNT [COMMAND...]: COUNT refusals while no daemon runs, the guard is taken off, and after
# the command a daemon comes: each is told, or counted as lost.
unread() {
	local count=$1 waiting why status
	shift
	log_mark
	take_off "$count"
	text="waiting=$waiting $why; $text"
	"$@"
	start_daemon --mode "$mode"
	log_barrier
	sum_log
	text="told=$told lost=$lost twice=$twice; $text"
	printf 'figures\t%s\t%s\n' "$case" "$text"
	[ "$waiting" = "$count" ] && [ $((told + lost)) = "$count" ] && [ "$twice" = 0 ] || return 1
	if [ -e "$pins-left" ] || [ -e /var/lib/proscribe/unread ]; then
		text="left over: $text"
	elif ! until_record guard_off '.reason == "off" and (.requester | startswith("uid 0, "))'; then
		text="$record; $text"
	elif ! verified; then
		text="unverifiable; $text"
	else
		return 0
	fi
	return 1
}

# What waits is in the log afterwards; then of what is thrown away the number is.
life_off_unread() {
	program_static "$p"
	list_case "$p"
	if ! unread 7 true || [ "$told" != 7 ]; then
		result miscounted "of what was kept $text"
	elif ! unread 5 rm -r "$pins-left" || [ "$lost" != 5 ]; then
		result miscounted "of what was lost $text"
	else
		result denied "$text"
	fi
	unlist "$digest"
}

# More than the ring holds: what it had no room for is counted with what waits.
long_off_unread_overflow() {
	program_static "$p"
	list_case "$p"
	if ! unread 4200 true || [ "$lost" -lt 100 ] || [ "$told" -lt 1000 ]; then
		result miscounted "$text"
	else
		result denied "$text"
	fi
	unlist "$digest"
}

# The daemon takes the guard off while the log has no room: what it could not write waits for the next.
long_off_unread_unwritable() {
	local denied=0 mapped=0
	log_to_own
	program_static "$p"
	list_case "$p"
	log_mark
	dd if=/dev/zero of="$dir/log/filler" bs=512 2>/dev/null
	attempts 2 20
	log_fails yes
	attempts 2 20
	guard_off
	rm "$dir/log/filler"
	start_daemon --mode "$mode"
	# which writes what is counted
	restart_daemon TERM
	log_barrier
	sum_log
	status=1 text="denied=$denied mapped=$mapped told=$told folded=$folded lost=$lost twice=$twice"
	if [ -e "$pins-left" ]; then text="left over: $text" status=0; fi
	conclude_sums 2
	log_to_root
}

# A capability that the guard must not use makes no second attempt of one.
long_exec_counted_once() {
	local before after n
	program_static "$p"
	list_case "$p"
	for n in used --without; do
		guard_off
		if [ $n = used ]; then start_daemon --mode observe; fi
		if [ $n != used ]; then start_daemon --mode observe --without execve_check; fi
		log_mark
		for ((before = 0; before < 3; before++)); do attempt exec "$p" >/dev/null 2>&1; done
		log_barrier
		after=$(log_since | grep -F "$digest" | grep -c '"op":"exec"')
		text="$n: $after records of 3 executions"
		if [ "$after" != 3 ]; then break; fi
	done
	# in observe mode, so that nothing but the count tells the two apart
	if [ "$after" = 3 ]; then result recorded "$text"; else result miscounted "$text"; fi
	guard_off
	start_daemon --mode "$mode"
	unlist "$digest"
}
