#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the guest, in each boot of a machine that is killed over and over (cases-killed):
#   killed.sh storm    says what the log has, starts the daemon, which goes on with the log, and
#                      tells the host how far the log is on the disk while attempts are refused
#   killed.sh end      the same without attempts
# Prints the lines of lib.sh, and "found N", "synced N".
# shellcheck disable=SC2034,SC2154 # variables of the files that it sources
set -u
# shellcheck source=/dev/null
. "$(dirname -- "$0")/cases/lib.sh"
mode=enforce case=killed-storm p=$work/listed
mkdir -p "$work"

# The last line may be torn: the daemon cuts it off.
lines() {
	local file
	for file in "$logs"/audit-*.jsonl*; do
		if [ -e "$file" ]; then zcat -f "$file"; fi
	done | grep -a '^{"chain":.*}$'
}
sequence_of_last() {
	lines | tail -n 1 | sed 's/^{"chain":{"sequence":\([0-9]*\).*/\1/'
}

printf 'found\t%s\n' "$(sequence_of_last)"
[ -e "$p" ] || program_static "$p"
start_daemon --mode enforce || { result broken "the daemon does not start" && exit 1; }
proscribe list add "$p" >/dev/null 2>&1 || :
case=killed-verify
if said=$(proscribe log verify 2>&1); then result ok; else result wrong "$said"; fi
# no event has two records
twice=$(lines | sed -n 's/.*"id":"\([-0-9a-f]*\)"}},"event":.*"cpu":\([0-9]*\).*"boot_ns":\([0-9]*\).*/\1 \2 \3/p' |
	sort | uniq -d | wc -l)
case=killed-once
if [ "$twice" = 0 ]; then result ok; else result wrong "$twice events have two records"; fi
[ "$1" = storm ] || exit 0
attempt counted 4 -1 20 "$work/stop" "$p" >/dev/null 2>&1 &
# The daemon answers between two groups: what it has is on the disk.
for ((n = 0; n < 1000; n++)); do
	printf 'synced\t%s\n' "$(number sequence "$(proscribe status --json)")"
	nap 0.1
done
