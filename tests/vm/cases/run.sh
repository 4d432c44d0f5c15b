#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the guest: every case in observe and in enforce mode, those of the guard's life
# in enforce mode. Prints lines "result CASE MODE OUTCOME DETAIL", tab-separated; the
# outcomes are judged on the host (cases-run). Options: -n list nothing (then whatever
# expects a refusal has to fail); -k PATTERN only these cases. -p content|life one half of them:
# what is attempted with content, in both modes, or the guard's life; -q of content without what
# is attempted side by side (batch.sh) in observe mode. Other series of cases:
#   -m  without each optional capability that the kernel has, one after the other
#   -i  booted with an IMA policy that measures files
#   -l  what takes minutes
# shellcheck disable=SC2034,SC2154 # variables of the files that it sources
set -u
sabotage='' quick='' only='' series=cases prefixes='case race deny place each life last'
while getopts nmilqp:k: option; do
	case $option in
	n) sabotage=1 ;;
	q) quick=1 ;;
	p)
		series=$OPTARG
		case $series in
		content) prefixes='case race deny place each' ;;
		life) prefixes='life last' ;;
		*) exit 2 ;;
		esac
		;;
	m) series=mask prefixes='case race deny place' ;;
	i) series=ima prefixes='case race deny ima each state' ;;
	l) series=long prefixes=long ;;
	k) only=$OPTARG ;;
	*) exit 2 ;;
	esac
done
cases=$(dirname -- "$0")/cases
for part in lib batch exec load open module fileless overlay place ways record evidence own_records life policy doctor ima bounds long resolver resolver_more seen; do
	# shellcheck source=/dev/null
	. "$cases/$part.sh"
done
features() {
	proscribe status --json | sed -n '/"features": {/,/}/s/^ *"\([a-z_]*\)": true,*$/\1/p'
}

# The rows of these cases are none of this boot's.
elsewhere() {
	local prefix function
	for prefix in case race deny place each life last ima state long; do
		if in_series $prefix; then continue; fi
		for function in $(compgen -A function "${prefix}_"); do
			enter "$function"
			printf 'elsewhere\t%s\n' "$case"
		done
	done
	if [ -z "$quick" ]; then return; fi
	for prefix in case race place deny; do
		for function in $(compgen -A function "${prefix}_"); do
			enter "$function"
			printf 'elsewhere\t%s\tobserve\n' "$case"
		done
	done
}

in_series() {
	[[ " $prefixes " == *" $1 "* ]]
}

# one_by_one PREFIX
one_by_one() {
	local function
	in_series "$1" || return 0
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

batches() {
	local group
	for group in case race place ima; do
		if in_series $group; then batch $group; fi
	done
	if ! in_series deny; then return; fi
	printf 'actions: {open: deny}\n' >"$config"
	reload
	batch deny
	rm "$config"
	reload
}

# phase MODE
phase() {
	mode=$1 case=start
	start_daemon --mode "$mode" || { result broken "the daemon does not start" && return 1; }
	if [ ! -e "$lists"/local.csv ]; then
		proscribe list add "$beacon" >/dev/null || note "the beacon is not listed"
	fi
	features | sed 's/^/feature\t/'
	try attempt exec-check "$beacon"
	if [ "$status" -le 1 ]; then printf 'feature\tat_execve_check\n'; fi
	if [ -z "$quick" ] || [ "$mode" != observe ]; then batches; fi
	if [ -z "$sabotage" ]; then
		one_by_one each
		if [ "$mode" = enforce ]; then
			for group in state life long last; do one_by_one $group; done
		fi
	fi
	guard_off
	note "$mode: done $SECONDS s after the start"
}

# The capabilities that the kernel has and the daemon can do without.
optional_capabilities() {
	local name known
	known=$(proscribed --help)
	start_daemon --mode observe || return
	for name in $(features); do
		if [[ ${known##*--without} == *[\ :,]"$name"[,\ ]* ]]; then echo "$name"; fi
	done
	guard_off
}

# without NAME...: both modes without these capabilities of the kernel.
without() {
	local name
	options=()
	for name in "$@"; do options+=(--without "$name"); done
	printf 'without\t%s\n' "$*"
	phase observe
	phase enforce
	# The next round makes the same files anew.
	rm -rf "$work"/observe "$work"/enforce
}

without_each() {
	local names name
	mapfile -t names < <(optional_capabilities)
	note "optional capabilities of this kernel: ${names[*]:-none}"
	if [ ${#names[@]} = 0 ]; then printf 'nothing\tthe kernel has no optional capability\n'; fi
	for name in "${names[@]}"; do without "$name"; done
	if [ ${#names[@]} -gt 1 ]; then without "${names[@]}"; fi
}

modprobe -q -a overlay loop fuse binfmt_misc
mkdir -p "$work"
mode=none case=start
digests=$work/digests
pad "$bin"/payload "$beacon" beacon
beacon_digest=$(digest_of "$beacon")
printf 'release\t%s\n' "$(uname -r)"
elsewhere
case $series in
cases | content | ima)
	phase observe
	phase enforce
	;;
mask) without_each ;;
life | long) phase enforce ;;
esac
sed 's/^/daemon\t/' /run/proscribed.out
# the whole audit log, for the host to look at
for file in "$work"/away-*.jsonl "$logs"/audit-*.jsonl*; do if [ -e "$file" ]; then zcat -f "$file"; fi; done | gzip -1 | base64 -w 1000 | sed 's/^/log\t/'
