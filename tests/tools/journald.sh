#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the journal makes of a record: a systemd-journald of our own, in a mount namespace with
# another /run, and journalctl. Called by `make check-tools`: journald.sh PROSCRIBE. Needs root.
set -eu
out=${PSC_TOOLS_OUT:?}
if [ "${1-}" != inside ]; then
	exec unshare --mount --propagation private "$0" inside
fi

fail() {
	printf 'journald: %s\n' "$1" >&2
	exit 1
}

mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
machine=0b0f6e0a6b4e4f1e9a531f3b8e6f2a11
printf '%s\n' $machine >/run/machine-id
[ -e /etc/machine-id ] || fail 'there is no /etc/machine-id to put another one over'
mount --bind /run/machine-id /etc/machine-id
mkdir /run/log/journal/$machine
/lib/systemd/systemd-journald >"$out/journald.log" 2>&1 &
journal=$!
trap 'kill "$journal" 2>/dev/null || true' EXIT
for _ in {1..50}; do
	[ -S /run/systemd/journal/socket ] && break
	sleep 0.1
done
"$out/journald" /run/systemd/journal/socket <<'RECORD' || fail 'it cannot be sent'
{"message": "denied execution of /tmp/x", "event": {"outcome": "failure"},
 "file": {"path": "/tmp/two\nlines", "hash": {"sha256": "5a5a"}},
 "process": {"pid": 151, "name": "sh", "user": {"id": "0"}},
 "proscribe": {"type": "decision", "op": "exec", "verdict": "deny", "product": "acme/tool",
 "profiles": ["one", "two"], "clauses": ["c"], "basis": "site", "mode": "enforce"}}
RECORD
sleep 1
journalctl --directory /run/log/journal --output json SYSLOG_IDENTIFIER=proscribed \
	>"$out/journald.json" 2>>"$out/journald.log" || fail 'journalctl cannot read the journal'
jq -e 'select(.MESSAGE == "denied execution of /tmp/x" and .PRIORITY == "4"
	and .PROSCRIBE_VERDICT == "deny" and .PROSCRIBE_PATH == "/tmp/two\nlines"
	and .PROSCRIBE_PROFILE == ["one", "two"] and .PROSCRIBE_SEQUENCE == "4711"
	and .PROSCRIBE_PID == "151" and .PROSCRIBE_SHA256 == "5a5a")' "$out/journald.json" \
	>/dev/null || fail 'fields are not what they were'
journalctl --directory /run/log/journal --output cat PROSCRIBE_VERDICT=deny PROSCRIBE_PROFILE=two |
	grep -qx 'denied execution of /tmp/x' || fail 'it is not found by its fields'
printf 'journald: journalctl finds the record by its fields\n'
