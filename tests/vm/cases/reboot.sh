#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the guest, once after each boot: what policy and evidence are worth over a reboot.
#   reboot.sh life      a phase, an exemption, the trusted time and the log over three boots
#   reboot.sh commerce  the hardware clock says half an hour before the date of an order
#   reboot.sh 2040      the hardware clock is broken
# Prints the lines of lib.sh; ends with status 86 to be booted again.
# shellcheck disable=SC2034,SC2086,SC2154 # variables of the files that it sources
set -u
cases=$(dirname -- "$0")/cases
for part in lib policy; do
	# shellcheck source=/dev/null
	. "$cases/$part.sh"
done
mode=enforce
digests=$work/digests
# on the disk, which the boots share
stage_file=$work/stage

# expect STATUS NAME TEXT: the outcome of an execution of $p by the status.
expect() {
	try attempt exec "$p"
	if [ "$status" = "$1" ]; then
		case=$2 result ok "$text"
	else
		case=$2 result wrong "status $status instead of $1: $3; $text"
	fi
}

guard_is_off() {
	case=$1
	if [ -e /sys/fs/bpf/proscribe ]; then result wrong "pins before the start"; else result ok; fi
}

# 1: a phase that begins in the next boot, and an exemption that ends in it
life_first() {
	mkdir -p "$dir" && cd "$dir" || exit 1
	start_daemon --mode enforce || exit 1
	under_policy 2035-01-01T00:00:00Z
	proscribe clock accept >/dev/null
	expect 0 reboot-before "before the phase"
	echo $((EPOCHSECONDS + 45)) >"$work/begins"
	lab_profile "$(instant_at "$(cat "$work/begins")")"
	reload
	expect 0 reboot-phase-not-yet "the phase begins in the next boot"
	proscribe status --json >"$work/status"
}

# 2: nothing is refused before the start; then the phase begins as it was to
life_second() {
	cd "$dir" || exit 1
	guard_is_off reboot-no-guard-yet
	expect 0 reboot-nobody-guards "no daemon has started"
	start_daemon --mode enforce || exit 1
	wait_until "$(cat "$work/begins")"
	expect 1 reboot-phase "the phase has begun"
	case=reboot-gap-recorded
	if grep -hc '"type":"start"' $logs/audit-*.jsonl | grep -qx 2; then result ok; else result wrong "start records"; fi
	proscribe clock accept >/dev/null
	sync
	# a machine whose battery fails between the two boots
	date -u -s "@$(($(cat "$work/begins") - 86400))" >/dev/null
	busybox hwclock -w -u || note "the hardware clock cannot be set"
}

# 3: the hardware clock is a day back, and the sources of the policy are damaged
life_third() {
	cd "$dir" || exit 1
	case=reboot-clock-is-back
	if [ "$EPOCHSECONDS" -lt "$(cat "$work/begins")" ]; then result ok; else result wrong "the clock did not go back"; fi
	start_daemon --mode enforce || exit 1
	expect 1 reboot-rolled-back "what is known to have passed stays passed"
	guard_off
	rm -rf /sys/fs/bpf/proscribe
	printf 'actions: {exec: maybe}\n' >"$config"
}

# 4: only active.bin is left to decide by
life_fourth() {
	cd "$dir" || exit 1
	start_daemon --mode enforce || exit 1
	expect 1 reboot-restored "the policy in force last is restored"
	case=reboot-restored-said
	try proscribe status
	if [[ $text == *proscribe.yaml:1:* ]]; then result ok; else result wrong "$text"; fi
	guard_off
}

commerce_first() {
	# The order's own date is over: before its own release nothing believes any clock.
	begins=1916884800 id=us-commerce-icts-2021-002
	mkdir -p "$dir" && cd "$dir" || exit 1
	case=reboot-commerce-clock
	if [ "$EPOCHSECONDS" -lt $((begins - 5)) ]; then result ok; else result wrong "the clock says $EPOCHSECONDS"; fi
	program "$p"
	lab_catalog "$p" program
	sed -i 's|lab/tool/program|kaspersky/kesl/updater|' "$vendor"/tool.csv
	printf '%s\n' 'decision: DE-lab' 'reason: test' 'by: lab' 'document: lab' \
		'until: 2032-01-01T00:00:00Z' 'products: [kaspersky/kesl]' >"$objects"/DE-lab.yaml
	chmod 640 "$objects"/DE-lab.yaml
	sed 's/2024-09-29T04:00:00Z/2030-09-29T04:00:00Z/' /usr/share/proscribe/profiles/$id.yaml \
		>"$profiles"/$id.yaml
	start_daemon --mode enforce || exit 1
	expect 0 reboot-commerce-before "before the order's date"
	kill -KILL "$daemon"
	# However long all that took, the last seconds pass.
	if [ "$EPOCHSECONDS" -lt $((begins - 10)) ]; then date -u -s "@$((begins - 10))" >/dev/null; fi
	wait_until "$begins"
	expect 1 reboot-commerce-after "the order's date has come, and no daemon runs"
}

2040_first() {
	mkdir -p "$dir" && cd "$dir" || exit 1
	start_daemon --mode enforce || exit 1
	under_policy 2035-01-01T00:00:00Z
	expect 1 reboot-2040-believed "a broken clock is followed as long as nobody says otherwise"
	date -u -s 2026-12-01 >/dev/null
	nap 0.5
	proscribe clock accept >/dev/null
	expect 0 reboot-2040-corrected "the clock is corrected: nothing stays locked in the future"
	busybox hwclock -w -u || note "the hardware clock cannot be set"
}

2040_second() {
	cd "$dir" || exit 1
	start_daemon --mode enforce || exit 1
	expect 0 reboot-2040-after "nor after a reboot"
}

mkdir -p "$work"
stage=$(cat "$stage_file" 2>/dev/null || echo 0)
stages=(first second third fourth)
enter "life_reboot_$1"
case $1 in
life) count=4 ;;
commerce) count=1 ;;
2040) count=2 ;;
*) exit 2 ;;
esac
"$1_${stages[stage]}"
stage=$((stage + 1))
echo "$stage" >"$stage_file"
sync
[ "$stage" -ge "$count" ] || exit 86
