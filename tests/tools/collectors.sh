#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The configurations of docs/collectors. rsyslog runs its own: the copy is the log to the byte, also
# of a file that begins while it runs, and its chain holds. Fluent Bit and Vector are not in Debian:
# of theirs the syntax is looked at, and that they read where the log is and can read its times.
# Called by `make check-tools`: collectors.sh PROSCRIBE
set -eu
proscribe=$1
here=$(cd "$(dirname -- "$0")/../.." && pwd)
out=${PSC_TOOLS_OUT:?}/collectors
rm -rf "$out"
mkdir -p "$out/log" "$out/evidence" "$out/work"

fail() {
	printf 'collectors: %s\n' "$1" >&2
	exit 1
}

# ---- rsyslog, itself

sed -e "s,/var/log/proscribe/,$out/log/," -e "s,/srv/evidence/%\$myhostname%/,$out/evidence/," \
	"$here/docs/collectors/rsyslog.conf" >"$out/rsyslog.conf"
printf 'global(workDirectory="%s")\n' "$out/work" >>"$out/rsyslog.conf"
rsyslogd -N1 -f "$out/rsyslog.conf" >"$out/rsyslog.check" 2>&1 ||
	fail "rsyslogd has objections: $(cat "$out/rsyslog.check")"
if grep -qiE 'error|warning|not supported|unknown' "$out/rsyslog.check"; then
	fail "rsyslogd is not content: $(cat "$out/rsyslog.check")"
fi
"${PSC_TOOLS_OUT}/story" "$out/story"
rsyslogd -n -i "$out/pid" -f "$out/rsyslog.conf" >"$out/rsyslog.log" 2>&1 &
daemon=$!
trap 'kill "$daemon" 2>/dev/null || :' EXIT

# What is written piece by piece, over two files, arrives whole.
copied() { # LINES
	local n
	for ((n = 0; n < 600; n++)); do
		if [ "$(cat "$out"/evidence/*.jsonl 2>/dev/null | wc -l)" = "$1" ]; then return; fi
		sleep 0.1
	done
	fail "rsyslog copied $(cat "$out"/evidence/*.jsonl 2>/dev/null | wc -l) lines of $1"
}

story=("$out"/story/audit-*.jsonl)
lines=$(cat "${story[@]}" | wc -l)
first=$out/log/audit-20300501T080000Z.jsonl second=$out/log/audit-20300520T060000Z.jsonl
head -n 100 "${story[0]}" >"$first"
copied 100
cat "${story[@]}" | tail -n +101 | head -n 200 >>"$first"
copied 300
cat "${story[@]}" | tail -n +301 >"$second"
copied "$lines"
for file in "$first" "$second"; do
	cmp "$file" "$out/evidence/${file##*/}" || fail 'the copy is another one'
done
"$proscribe" log verify --dir "$out/evidence" >"$out/verify" ||
	fail "the copy's chain does not hold: $(cat "$out/verify")"

# ---- Fluent Bit and Vector, as far as that goes

python3 - "$here/docs/collectors" "$first" <<'PYTHON' || fail 'see above'
import datetime, json, re, sys, tomllib

directory, log = sys.argv[1:]
record = json.loads(open(log).readline())
faults = []

def need(condition, what):
    if not condition:
        faults.append(what)

# Fluent Bit's classic format: sections, and in them a key and its value
known = {"SERVICE": {"flush", "parsers_file"},
         "INPUT": {"name", "tag", "path", "path_key", "exclude_path", "read_from_head",
                   "refresh_interval", "db", "buffer_chunk_size", "buffer_max_size"},
         "FILTER": {"name", "match", "key_name", "parser", "reserve_data", "preserve_key"},
         "OUTPUT": {"name", "match", "host", "port", "tls", "index", "suppress_type_name",
                    "retry_limit"},
         "PARSER": {"name", "format", "time_key", "time_format", "time_keep"}}
values = {}
for name in "fluent-bit.conf", "parsers.conf":
    section = None
    for number, line in enumerate(open(f"{directory}/{name}"), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if re.fullmatch(r"\[[A-Z]+\]", text):
            section = text[1:-1]
            need(section in known, f"{name}:{number}: section {section}")
        else:
            parts = text.split(None, 1)
            need(len(parts) == 2 and section and parts[0].lower() in known.get(section, ()),
                 f"{name}:{number}: {text}")
            values[section, parts[0].lower()] = parts[-1]
need(values["INPUT", "path"] == "/var/log/proscribe/audit-*.jsonl", "Fluent Bit's path")
need(values["INPUT", "tag"] == values["FILTER", "match"] == values["OUTPUT", "match"], "tags")
need(values["FILTER", "parser"] == values["PARSER", "name"], "the parser's name")
# its %L is a fraction of a second
time = record[values["PARSER", "time_key"]]
datetime.datetime.strptime(time, values["PARSER", "time_format"].replace("%L", "%f"))

vector = tomllib.load(open(f"{directory}/vector.toml", "rb"))
need(vector["sources"]["proscribe"]["include"] == ["/var/log/proscribe/audit-*.jsonl"],
     "Vector's path")
ids = set(vector["sources"]) | set(vector["transforms"])
for kind in "transforms", "sinks":
    for name, part in vector[kind].items():
        need(set(part["inputs"]) <= ids, f"vector.toml: inputs of {name}")
for fault in faults:
    print("collectors:", fault, file=sys.stderr)
sys.exit(bool(faults))
PYTHON
printf 'collectors: rsyslog copied %d lines, the chain of the copy holds\n' "$lines"
