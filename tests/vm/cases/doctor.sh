# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# What `proscribe doctor` finds: a guard that refuses, in both modes (each_), and in enforce
# mode the states in which it must not call the guard sound (life_, last_).

# doctor: sets status, text (JSON) and steps: lines "NAME<tab>RESULT: FOUND".
doctor() {
	try proscribe doctor --json
	steps=$(jq -r '.data | (.checks[], .proof.steps[]) | .name + "\t" + .result + ": " + .found' \
		<<<"$text")
}

# Files and lists of a doctor that are still there, one a line.
doctor_leftovers() {
	compgen -G "$lists/doctor*"
	compgen -G '/var/lib/proscribe/proscribe-doctor.*'
	compgen -G '/var/tmp/proscribe-doctor.*'
}

# step NAME: what the doctor found there, the last of that name.
step() {
	local name rest found=''
	while IFS=$'\t' read -r name rest; do
		if [ "$name" = "$1" ]; then found=$rest; fi
	done <<<"$steps"
	echo "$found"
}

# The proof is sound, the log has it, nothing is left. The outcome is denied or recorded.
each_doctor_proof() {
	local outcome=recorded program=ran library=mapped verdict=would_deny records left
	if [ "$mode" = enforce ]; then
		outcome=denied program=refused library=refused verdict=deny
	fi
	log_mark
	doctor
	log_barrier
	records=$(log_since | grep -F "proscribe doctor's own proof" |
		grep -cE "(program|script|library)\".*\"$verdict\"|\"$verdict\".*(program|script|library)\"")
	left=$(doctor_leftovers)
	if [ "$status" != 0 ]; then
		result unsound "status $status: $text"
	elif [[ $(step program) != "ok: $program"* || $(step script) != "ok: $program"* ||
		$(step library) != "ok: $library"* || $(step after) != ok:* ]]; then
		result missed "$text"
	elif [ "$records" -lt 3 ]; then
		result unlogged "$records records of $verdict"
	elif [ -n "$left" ]; then
		result leftover "$left"
	else
		result $outcome "$records records"
	fi
}

# must_fail STEP PATTERN: status 1, the row says so, nothing is left.
must_fail() {
	local left found
	left=$(doctor_leftovers)
	found=$(step "$1")
	if [ "$status" != 1 ]; then
		result accepted "status $status: $text"
	elif [[ $found != fail:*$2* ]]; then
		result unexplained "$1 is '$found', not about $2"
	elif [ -n "$left" ]; then
		result leftover "$left"
	else
		result refused "$1 $found"
	fi
}

life_doctor_without_daemon() {
	end_daemon TERM
	doctor
	start_daemon --mode "$mode"
	must_fail proof 'the daemon is not reachable'
}

life_doctor_without_pin() {
	local pins=/sys/fs/bpf/proscribe
	# The link is gone with its pin; the daemon does not know.
	rm $pins/psc_mmap_file
	doctor
	guard_off
	start_daemon --mode "$mode"
	if [[ $(step library) != fail:* ]]; then
		result missed "no guard on mappings, but the proof says $(step library)"
	else
		must_fail pins psc_mmap_file
	fi
}

# doctor_ended SIGNAL: once its list is there.
doctor_ended() {
	local pid n
	proscribe doctor >"$dir/said" 2>&1 &
	pid=$!
	for ((n = 0; n < 20000; n++)); do
		if [ -e "$lists/doctor.csv" ]; then break; fi
		nap 0.001
	done
	kill "-$1" $pid
	status=0
	wait $pid 2>/dev/null || status=$?
	text=$(cat said)
}

life_doctor_interrupted() {
	local left
	doctor_ended TERM
	left=$(doctor_leftovers)
	if [ "$status" != 143 ]; then
		result accepted "status $status: $text"
	elif [ -n "$left" ]; then
		result leftover "$left"
	elif [[ $text != *'put back'* ]]; then
		result unexplained "$text"
	else
		result refused "$text"
	fi
}

# What a killed doctor left the next one takes away, and proves.
life_doctor_killed() {
	doctor_ended KILL
	if [ ! -e "$lists/doctor.csv" ]; then note "$case: it left no list behind"; fi
	rm -rf /var/lib/proscribe/proscribe-doctor.* /var/tmp/proscribe-doctor.*
	doctor
	if [[ $(step leftover) != ok:* ]]; then
		result unexplained "$text"
	elif [ -n "$(doctor_leftovers)" ]; then
		result leftover "$(doctor_leftovers)"
	elif [[ $(step program) != 'ok: refused'* ]]; then
		result missed "$text"
	else
		result denied "$(step leftover)"
	fi
}

# The programs stay attached and pinned, and are never called: only the proof can tell.
last_doctor_without_ftrace() {
	if ! echo 0 2>/dev/null >/proc/sys/kernel/ftrace_enabled; then
		note "$case: ftrace cannot be switched off here"
		return
	fi
	printf 'feature\tftrace_switch\n'
	doctor
	echo 1 >/proc/sys/kernel/ftrace_enabled
	if [[ $(step script) != fail:*'NOT REFUSED'* || $(step library) != fail:*'NOT REFUSED'* ]]; then
		result missed "the proof says: $(step script), $(step library)"
	elif [[ $(step ftrace) != fail:* ]]; then
		result unexplained "ftrace is $(step ftrace)"
	else
		must_fail program 'NOT REFUSED'
	fi
}
