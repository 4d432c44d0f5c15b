#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in a guest whose kernel was started without bpf in its LSM list: programs would
# attach there and never be called. The daemon has to refuse, with the remedy.
set -u
status=0
text=$(proscribed --mode enforce 2>&1) || status=$?
printf '%s\n' "$text"
if grep -qw bpf /sys/kernel/security/lsm; then
	echo "FAIL bpf is among the active modules, nothing is shown"
elif [ $status = 0 ]; then
	echo "FAIL proscribed started"
elif [[ $text != *lsm=*bpf* ]]; then
	echo "FAIL it names no remedy (lsm=...,bpf)"
elif [ -e /sys/fs/bpf/proscribe ]; then
	echo "FAIL it left its pins behind"
else
	echo "ok   refused, with the remedy"
	exit 0
fi
exit 1
