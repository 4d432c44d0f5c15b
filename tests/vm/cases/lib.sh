# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the case scripts share; runs in the guest. Emulated programs start slowly, so what
# happens once a case is done by the shell itself.

bin=/usr/local/bin
work=/root/work
logs=/var/log/proscribe
lists=/etc/proscribe/lists.d
config=/etc/proscribe/proscribe.yaml
# Every program and library is padded to this size, so that the size filter never
# answers for the digest. The beacon keeps the size listed all the time.
padded=20480
beacon=$work/beacon

# nap SECONDS: sleeps without starting a program.
exec {nap_fd}<> <(:)
nap() {
	read -r -t "$1" -u "$nap_fd" _ || :
}

# result OUTCOME DETAIL: the line that the host reads.
result() {
	local detail=${2:-}
	detail=${detail//[$'\t\r\n']/ }
	printf 'result\t%s\t%s\t%s\t%s\n' "$case" "$mode" "$1" "${detail:0:300}"
}

note() {
	printf 'note\t%s\n' "$*"
}

# ---- files ---------------------------------------------------------------------------

# pad SOURCE FILE TAG: an executable copy whose content, and only that, depends on TAG.
pad() {
	attempt pad "$1" "$2" $padded "$3" || note "$case: cannot make $2"
}

program() {
	pad $bin/payload "$1" "$mode $1 ${2:-}"
}

program_static() {
	pad $bin/payload-static "$1" "$mode $1 ${2:-}"
}

library() {
	pad $bin/libpayload.so "$1" "$mode $1 ${2:-}"
}

script() {
	printf '#!/bin/sh\n# %s\necho payload ran\n' "$mode $1" >"$1"
	chmod 755 "$1"
}

digest_of() {
	local line
	line=$(sha256sum <"$1")
	echo "${line%% *}"
}

# overlay LOWER: mounts it with a fresh upper layer on $dir/merged.
overlay() {
	mkdir -p "$dir/upper" "$dir/work" "$dir/merged"
	mount -t overlay overlay \
		-o "lowerdir=$1,upperdir=$dir/upper,workdir=$dir/work" "$dir/merged"
}

# ---- the daemon ------------------------------------------------------------------------

# What every daemon of a round is started with.
options=()

# start_daemon [OPTION...]: ready when it returns 0. Asking before there is a socket would cost
# as much as the start itself.
start_daemon() {
	: >/run/started
	proscribed "${options[@]}" "$@" >>/run/proscribed.out 2>&1 &
	daemon=$!
	while [ ! /run/proscribe/control.sock -nt /run/started ] ||
		! proscribe status >/dev/null 2>&1; do
		if ! kill -0 $daemon 2>/dev/null; then
			note "proscribed $* ended: $(tail -n 5 /run/proscribed.out)"
			return 1
		fi
		nap 0.1
	done
}

# end_daemon SIGNAL
end_daemon() {
	kill "-$1" "$daemon"
	wait "$daemon" 2>/dev/null
}

restart_daemon() {
	end_daemon "$1"
	start_daemon --mode "$mode"
}

guard_off() {
	proscribe off --yes >/dev/null || note "off failed"
	wait "$daemon"
}

# number NAME TEXT: the value of a number in JSON.
number() {
	[[ $2 =~ \"$1\":\ ?([0-9]+) ]]
	echo "${BASH_REMATCH[1]:-}"
}

reload() {
	proscribe reload >/dev/null || note "${case:-}: reload failed"
}

# list FILE [OPTION...], unlist FILE|DIGEST
list() {
	said=$(proscribe list add "$@" 2>&1) || note "$case: list add: $said"
}

unlist() {
	said=$(proscribe list remove "$1" 2>&1) || note "$case: list remove: $said"
}

# ---- evidence --------------------------------------------------------------------------

# How long each file of the log is; one that is compressed meanwhile takes nothing new along.
declare -A marks
log_mark() {
	local file
	marks=()
	for file in "$logs"/audit-*.jsonl; do marks[$file]=$(stat -c %s "$file"); done
}

# The daemon signs once a minute, whatever a case does.
log_since() {
	local file
	for file in "$logs"/audit-*.jsonl; do
		[ -e "$file" ] || continue
		tail -c +$((${marks[$file]:-0} + 1)) "$file"
	done | grep -vE '"type":"(checkpoint|heartbeat)"'
}

# Events keep their order: when the beacon's is in the log, so is all that came before.
log_barrier() {
	local n
	attempt exec $beacon >/dev/null 2>&1
	for ((n = 0; n < 100; n++)); do
		if log_since | grep -qF "$beacon_digest"; then return 0; fi
		nap 0.1
	done
	note "${case:-}: the beacon's record did not come within 10 s"
	return 1
}

# Reads records and prints the strictest of each file and operation: CASE OP RANK VERDICT
# SOURCE GENERATION REASON. The file's case is known by its digest ($1: lines DIGEST CASE),
# its directory or its name.
# shellcheck disable=SC2016
summarize='
function field(name) {
	if (!match($0, "\"" name "\":\"[^\"]*\"")) return "none"
	return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
}
function case_of(path) {
	if (path == "none") return field("name")
	if (field("sha256") in digests) return digests[field("sha256")]
	if (match(path, /work\/[a-z]*\/[^\/]*\//)) {
		path = substr(path, RSTART, RLENGTH - 1)
	} else {
		sub(/\.bin$/, "", path)
	}
	sub(/.*\//, "", path)
	return path
}
NR == FNR { digests[$1] = $2; next }
field("type") == "decision" {
	key = case_of(field("path")) " " field("op")
	reason = field("reason")
	rank = ranks[field("verdict")] + (reason == "listed")
	if (rank <= best[key] + 0) next
	match($0, /"generation":[0-9]+/)
	number = substr($0, RSTART, RLENGTH)
	best[key] = rank
	text[key] = rank " " field("verdict") " " field("source") " " \
		substr(number, 14) " " reason
}
BEGIN { ranks["deny"] = 8; ranks["would_deny"] = 6; ranks["record"] = 2 }
END { for (key in text) print key, text[key] }'

# evidence FILE: waits for all records since the mark and fills records[CASE OP] with
# "VERDICT SOURCE GENERATION REASON". FILE: lines DIGEST CASE.
declare -A records
evidence() {
	local name op rank rest
	records=()
	log_barrier
	while read -r name op rank rest; do
		records[$name $op]=$rest
	done < <(log_since | awk "$summarize" "$1" -)
}

# ---- steps ------------------------------------------------------------------------------

# try COMMAND...: sets status and text.
try() {
	status=0
	text=$("$@" 2>&1) || status=$?
}

# conclude OP NOTHING: prints the outcome of the attempt from status, text and records;
# NOTHING is the word for "allowed, and no record".
conclude() {
	local record=${records[$case $1]:-none none 0 none} verdict reason detail
	read -r verdict _ _ reason <<<"$record"
	detail="$record; $text"
	case $status,$verdict,$reason in
	0,none,*) result "$2" "$detail" ;;
	0,*,unverified:*) result "unverified:${reason#unverified: }" "$detail" ;;
	0,*,listed) result recorded "$detail" ;;
	0,*) result misrecorded "$detail" ;;
	1,deny,*) result denied "$detail" ;;
	1,*) result unlogged "refused, but the log says: $detail" ;;
	2,*) result untried "$detail" ;;
	*) result failed "$detail" ;;
	esac
}

# enter FUNCTION: the case of that name, with its directory and its main file.
enter() {
	case=${1#*_} case=${case//_/-}
	dir=$work/$mode/$case
	p=$dir/$case.bin
}

wanted() {
	local name=${1#*_}
	# The argument is a pattern.
	# shellcheck disable=SC2053
	[ -z "$only" ] || [[ ${name//_/-} == $only ]]
}
