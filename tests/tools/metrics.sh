#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What Prometheus makes of the metrics: promtool's lint, and node_exporter's textfile collector.
# Called by `make check-tools`: metrics.sh PROSCRIBE
set -eu
out=${PSC_TOOLS_OUT:?}
mkdir -p "$out/textfile"
file=$out/textfile/proscribe.prom

fail() {
	printf 'metrics: %s\n' "$1" >&2
	exit 1
}

"$out/metrics" >"$file" <<'STATUS'
{"version": "0.1.0", "kernel": "6.1 \"odd\" \\ one", "mode": "enforce", "guard": "on",
 "generation": 7, "lists": {"digests": 2274},
 "counters": {"exec": {"allow": 5, "record": 0, "deny": 2, "would_deny": 0}},
 "unverified": {"load": {"busy": 3}}, "events": {"emitted": 9, "dropped": 4, "written": 11},
 "digested": {"files": 1, "bytes": 4711}, "log_chain": {"sequence": 12, "signed": 10},
 "resolver": {"latency": {"files": 300, "p50_ms": 120.5, "p99_ms": 2500.0}},
 "warnings": [{"id": "events_dropped"}, {"id": "events_dropped"}],
 "sinks": [{"name": "status", "lost": 0}, {"name": "metrics", "lost": 1}]}
STATUS
promtool check metrics <"$file" || fail 'promtool has objections'

port=19917
prometheus-node-exporter --web.listen-address=127.0.0.1:$port --collector.disable-defaults \
	--collector.textfile --collector.textfile.directory="$out/textfile" \
	>"$out/node-exporter.log" 2>&1 &
exporter=$!
trap 'kill "$exporter" 2>/dev/null || true' EXIT
for _ in {1..50}; do
	{ exec 3<>/dev/tcp/127.0.0.1/$port; } 2>/dev/null && break
	sleep 0.1
done
printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
page=$(cat <&3)
grep -qx 'proscribe_decisions_total{op="exec",verdict="deny"} 2' <<<"$page" ||
	fail 'the collector does not have the decisions'
grep -qx 'node_textfile_scrape_error 0' <<<"$page" || fail 'the collector could not read the file'
printf 'metrics: promtool and node_exporter read %d series\n' \
	"$(grep -c '^proscribe_' <<<"$page")"
