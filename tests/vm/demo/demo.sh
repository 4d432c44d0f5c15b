#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The guard at work, as a transcript: runs in the guest (make demo). Commands are shown and
# run as they stand; what they print is what they printed. The script only holds it against
# what it promises, and ends with status 1 where that did not happen.
set -u
bin=/usr/local/bin
failures=0 refusals=0

say() {
	printf '\n# %s\n' "$*"
}

# show COMMAND...: prints and runs one line; sets status and output.
show() {
	printf '$ %s\n' "$*"
	output=$(bash -c "$*" 2>&1)
	status=$?
	[ -z "$output" ] || printf '%s\n' "$output"
}

fail() {
	printf '!!! %s\n' "$*"
	failures=$((failures + 1))
}

runs() {
	show "$@"
	[ $status = 0 ] || fail "this should have run (status $status)"
}

refused() {
	show "$@"
	refusals=$((refusals + 1))
	if [ $status = 0 ]; then
		fail "this should have been refused"
	elif [[ $output != *'Operation not permitted'* && $output != *'failed to map segment'* ]]; then
		fail "this was to be refused with EPERM (status $status)"
	fi
}

ready() {
	local n
	for ((n = 0; n < 300; n++)); do
		if proscribe status >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	fail "proscribed does not become ready: $(cat /run/proscribed.out)"
}

start() {
	printf '$ proscribed --mode enforce &\n'
	proscribed --mode enforce >/run/proscribed.out 2>&1 &
	daemon=$!
	ready
	cat /run/proscribed.out
}

modprobe -q overlay
mkdir -p /root/demo && cd /root/demo || exit 1
cp $bin/payload agent
cp $bin/libpayload.so plugin.so
cp $bin/payload-dlopen loader
printf '#!/bin/sh\necho "the script ran"\n' >collect.sh
chmod 755 collect.sh

say "Kernel $(uname -r), with a guard that refuses what is listed; nothing is yet."
start
runs ./agent

say "The program gets listed, by its content."
runs 'proscribe list add ./agent --product "Example Agent" --source "site policy 7"'
refused ./agent

say "Another name, another file system, another way to start it."
show cp agent innocent
refused ./innocent
show 'ln -s agent link; cp agent /dev/shm/a'
refused ./link
refused /dev/shm/a
refused /lib64/ld-linux-x86-64.so.2 ./agent

say "A script; a library."
runs ./collect.sh
runs proscribe list add ./collect.sh
refused ./collect.sh
runs ./loader ./plugin.so
runs proscribe list add ./plugin.so
refused ./loader ./plugin.so

say "As a container does: copied into an overlay."
mkdir lower upper work merged
show mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
show cp agent merged/tool
refused ./merged/tool

say "Everything else runs. A changed copy is other content, which the list does not name."
show 'cp agent other; echo >>other'
runs ./other

say "The daemon is killed: the guard is in the kernel and stays."
show "kill -9 $daemon"
wait $daemon 2>/dev/null
show proscribe status
refused ./agent
runs ./other
say "Started again, it takes the guard over and writes what happened meanwhile."
start
sleep 0.5

say "The evidence."
show proscribe log
logged=$(proscribe log --json | grep -c '"verdict": *"deny"')
[ "$logged" = $refusals ] || fail "$refusals refusals, $logged records of them"
runs proscribe status

if [ $failures = 0 ]; then
	say "$refusals refusals, $logged records of them; all as promised."
	exit 0
fi
say "$failures promises were not kept."
exit 1
