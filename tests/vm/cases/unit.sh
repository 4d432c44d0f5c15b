#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the guest, as a unit beside proscribed.service, which systemd has started as it is
# shipped: what the service's restrictions leave the daemon to do. Prints the lines of lib.sh.
# shellcheck disable=SC2034,SC2086,SC2154 # variables of the files that it sources
set -u
cases=$(dirname -- "$0")/cases
for part in lib policy resolver resolver_more; do
	# shellcheck source=/dev/null
	. "$cases/$part.sh"
done
mode=enforce digests=$work/digests head=$'mode: enforce\n'
unit=/run/systemd/system/lab-standin.service

# property UNIT NAME
property() {
	systemctl show --property="$2" --value "$1"
}

# until_property UNIT NAME VALUE...: within a minute.
until_property() {
	local n value
	for ((n = 0; n < 300; n++)); do
		value=$(property "$1" "$2")
		if [[ " ${*:3} " == *" $value "* ]]; then return; fi
		nap 0.2
	done
	note "$case: $1 is $value: $(systemctl status --no-pager "$1" 2>&1 | tail -n 5 | tr '\n' ' ')"
	return 1
}

# It was started during the boot, before the script.
unit_boot() {
	local said
	try proscribe status
	said=$(journalctl --no-pager -q -u proscribed -o cat -p warning)
	if [ "$(property proscribed ActiveState)" != active ]; then
		result wrong "$(systemctl status --no-pager proscribed 2>&1 | tail -n 5)"
	elif [ "$status" != 0 ]; then
		result wrong "$text"
	elif [ "$(property proscribed NRestarts)" != 0 ]; then
		result wrong "it was started more than once"
	elif [ -n "$said" ]; then
		result wrong "systemd complains: $said"
	else
		result ok
	fi
}

# After it everything that was to be refused is.
unit_refuses() {
	standin_program $standin/bin/tool || return
	log_mark
	standin_catalog "$(place_rule)"
	found_digest "$digest" && refused_files $standin/bin/tool
	standin_gone
}

# A unit's program runs before it is known: ended with its unit, which its Restart= does not bring
# back, and whoever starts the unit is refused by the kernel. There is no fight.
unit_late_service() {
	local ends
	mkdir -p $standin
	cp /bin/busybox $standin/sleep
	printf '%s' "$case" >>$standin/sleep
	digest=$(digest_of $standin/sleep)
	printf '%s\n' '[Unit]' 'StartLimitIntervalSec=60' 'StartLimitBurst=3' '[Service]' \
		"ExecStart=$standin/sleep 1000" 'Restart=always' 'RestartSec=0' >$unit
	systemctl daemon-reload
	systemctl start lab-standin
	until_property lab-standin ActiveState active || { result broken-control "it does not run" && return; }
	log_mark
	standin_catalog "$(place_rule)"
	if ! until_property lab-standin ActiveState inactive failed; then
		result missed "it still runs"
	elif [ "$(property lab-standin ActiveState)/$(property lab-standin NRestarts)" != inactive/0 ]; then
		result fought "it was started anew: $(property lab-standin NRestarts)"
	elif ! late_record '"outcome":"ended"' || [[ $text != *lab-standin.service* ]]; then
		result unlogged "$text"
	else
		systemctl start lab-standin
		until_property lab-standin ActiveState failed
		ends=$(log_since | grep -F '"type":"late"' | grep -cF '"outcome":"ended"')
		text="$(property lab-standin Result) after $(property lab-standin NRestarts) starts, ended $ends"
		if [ "$(property lab-standin ExecMainCode)/$(property lab-standin ExecMainStatus)" != 1/203 ]; then
			result missed "started again: $text"
		elif [ "$ends" != 1 ]; then
			result fought "$text"
		else
			result ok "$text"
		fi
	fi
	systemctl stop lab-standin
	rm -f $unit
	systemctl daemon-reload
	standin_gone
}

# The worker that reads content gives up its rights inside of what the service leaves.
unit_marker() {
	life_resolver_marker
}

# rpm's database is copied to be read, where the service may write.
unit_rpm_package() {
	life_resolver_rpm_package
	text=$(find /dev/shm /tmp -name 'proscribe-rpm-*')
	[ -z "$text" ] || case=unit-rpm-leftovers result wrong "$text"
}

# The guard outlives the service; a restart takes it over.
unit_restart() {
	standin_program $standin/bin/tool || return
	standin_catalog "$(place_rule)"
	found_digest "$digest"
	systemctl stop proscribed
	try attempt exec $standin/bin/tool
	if [ "$status" != 1 ]; then
		result missed "without the service: status $status; $text"
		systemctl start proscribed
	elif ! systemctl start proscribed; then
		result wrong "it does not start again"
	else
		refused_files $standin/bin/tool
	fi
	standin_gone
}

mkdir -p "$work"
pad "$bin"/payload "$beacon" beacon
beacon_digest=$(digest_of "$beacon")
list "$beacon"
for function in boot refuses late_service marker rpm_package restart; do
	enter "life_unit_$function"
	mkdir -p "$dir"
	cd "$dir" || continue
	"unit_$function"
	cd /
	note "$case: done $SECONDS s after the start"
done
journalctl --no-pager -q -u proscribed -o cat 2>/dev/null | sed 's/^/daemon\t/'
for file in "$logs"/audit-*.jsonl*; do zcat -f "$file"; done | gzip -1 | base64 -w 1000 | sed 's/^/log\t/'
proscribe off --yes >/dev/null
