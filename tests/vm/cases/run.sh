#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the guest: every case in observe and in enforce mode, those of the guard's life
# in enforce mode. Prints lines "result CASE MODE OUTCOME DETAIL", tab-separated; the
# outcomes are judged on the host (cases-run). Options: -n list nothing (then whatever
# expects a refusal has to fail); -k PATTERN only these cases.
# shellcheck disable=SC2034,SC2154 # variables of the files that it sources
set -u
sabotage='' only=''
while getopts nk: option; do
	case $option in
	n) sabotage=1 ;;
	k) only=$OPTARG ;;
	*) exit 2 ;;
	esac
done
cases=$(dirname -- "$0")/cases
for part in lib batch exec load open module life doctor; do
	# shellcheck source=/dev/null
	. "$cases/$part.sh"
done
features() {
	proscribe status --json | sed -n 's/^ *"\([a-z_]*\)": true,*$/\1/p' |
		grep -vxE 'passed|hash_all'
}

# one_by_one PREFIX
one_by_one() {
	local function
	for function in $(compgen -A function "$1_"); do
		wanted "$function" || continue
		enter "$function"
		mkdir -p "$dir"
		cd "$dir" || continue
		"$function"
		cd /
		note "$case: done $SECONDS s after the start"
	done
}

# phase MODE
phase() {
	mode=$1 case=start
	start_daemon --mode "$mode" || { result broken "the daemon does not start" && return 1; }
	if [ "$mode" = observe ]; then
		proscribe list add "$beacon" >/dev/null || note "the beacon is not listed"
		features | sed 's/^/feature\t/'
	fi
	batch case
	batch race
	printf 'actions: {open: deny}\n' >"$config"
	reload
	batch deny
	rm "$config"
	reload
	if [ -z "$sabotage" ]; then
		one_by_one each
		if [ "$mode" = enforce ]; then
			one_by_one life
			one_by_one last
		fi
	fi
	guard_off
	note "$mode: done $SECONDS s after the start"
}

modprobe -q -a overlay loop fuse binfmt_misc
mkdir -p "$work"
mode=none case=start
digests=$work/digests
pad "$bin"/payload "$beacon" beacon
beacon_digest=$(digest_of "$beacon")
phase observe
phase enforce
sed 's/^/daemon\t/' /run/proscribed.out
