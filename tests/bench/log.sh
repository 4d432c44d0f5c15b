#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make bench-log`: what the audit log costs, beside the journal and openssl, in one run.
#   log.sh OUT PROSCRIBE LOG_TOOL RECORDS READ-RECORDS
# RECORDS are written, exported and verified, READ-RECORDS (16 GB for 10 million, 1.2 GB on the
# disk) are made once, in OUT, and read. Times are of the processor.
set -eu
out=$1 proscribe=$2 tool=$3 records=$4 read_records=$5
remote=/lib/systemd/systemd-journal-remote

# run COMMAND...: sets ms and kib.
run() {
	read -r ms kib < <("$tool" run "$@")
}

ratio() { # WHAT A B GOAL
	awk -v what="$1" -v a="$2" -v b="$3" -v goal="$4" \
		'BEGIN { printf "%-44s %8.2f   to reach: %s\n", what, a / b, goal }'
}

rm -rf "$out/log" "$out/journal"
mkdir -p "$out/log" "$out/journal"
ns=$("$tool" write "$out/log" "$records")
echo "written: $ns ns a record, of $(($(cat "$out"/log/audit-* | wc -c) / records)) bytes"
"$tool" export "$records" >"$out/export"
run "$remote" --output="$out/journal/bench.journal" "$out/export"
journal_ns=$((ms * 1000000 / records))
echo "journal: $journal_ns ns a record, of $(($(cat "$out"/journal/* | wc -c) / records)) bytes"
ratio 'written / journal' "$ns" "$journal_ns" '<= 0.2'

run "$proscribe" log verify --dir "$out/log"
verify=$ms
echo "verify:  $verify ms, $kib KiB"
run openssl dgst -sha256 "$out"/log/audit-*
echo "openssl: $ms ms"
ratio 'speed of verify / openssl' "$ms" "$verify" '>= 0.5'

if [ ! -e "$out/read-$read_records" ]; then
	rm -rf "$out"/read*
	mkdir "$out/read"
	"$tool" generate "$out/read" "$read_records" 30 64
	: >"$out/read-$read_records"
fi
newest=$("$proscribe" log stats --dir "$out/read" --json --since 7d | jq -r .data.last)
since=$(date -u -d "$newest - 1 hour" +%FT%TZ)
run "$proscribe" log --dir "$out/read" --since "$since"
echo "the last hour of $read_records records: $ms ms, $kib KiB   to reach: < 1000 ms"
