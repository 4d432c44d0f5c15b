# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# What the audit log tells beside decisions: changes, scans, hands on the guard and on the log. In
# enforce mode, one after the other: life_ in every series, long_ among what takes minutes, because
# the daemon looks every five seconds and is started anew again and again.

# records_of TYPE: those since the mark, whole.
records_of() {
	log_since | grep -F "\"type\":\"$1\""
}

# until_record TYPE PATTERN: waits for one that the pattern (jq, of .proscribe) holds of; sets record.
until_record() {
	local n
	for ((n = 0; n < 600; n++)); do
		record=$(records_of "$1" | jq -c "select(.proscribe | $2)" | tail -n 1)
		if [ -n "$record" ]; then return 0; fi
		nap 0.1
	done
	record="no record of type $1: $2"
	return 1
}

# told TYPE PATTERN: the outcome.
told() {
	if until_record "$1" "$2"; then
		result recorded "$(jq -r .message <<<"$record")"
	else
		result missed "$record"
	fi
}

# Lists, configuration and mode with digests before and after, and who asked.
life_log_changes() {
	local list=$lists/changes.csv before after missing=''
	printf '%s\nsha256,%064d,77,elf,one,,,\n' "$header" 1 >"$list"
	reload
	before=$(digest_of "$list")
	log_mark
	printf 'sha256,%064d,78,elf,two,,,\n' 2 >>"$list"
	after=$(digest_of "$list")
	printf 'hash_limit: 1048576\n' >"$config"
	reload
	until_record list ".id == \"$list\" and .change == \"changed\" and
		.digest_before == \"$before\" and .digest_after == \"$after\" and
		(.requester | startswith(\"uid 0, \"))" || missing="$record"
	until_record configuration ".change == \"added\" and
		.digest_after == \"$(digest_of "$config")\"" || missing="$missing$record"
	rm "$list" "$config"
	reload
	until_record list ".id == \"$list\" and .change == \"removed\"" || missing="$missing$record"
	until_record configuration '.change == "removed"' || missing="$missing$record"
	if [ -z "$missing" ]; then result recorded; else result missed "$missing"; fi
}

# A file that was changed and not read is a warning until it is.
long_log_outdated() {
	local said before
	printf '%s\n' "$header" >"$lists"/outdated.csv
	said=$(proscribe status --json | jq -r '.data.warnings[] | select(.id == "policy_outdated").message')
	reload
	before=$said
	said=$(proscribe status --json | jq -r '.data.warnings[] | select(.id == "policy_outdated").message')
	rm "$lists"/outdated.csv
	reload
	if [[ $before == *outdated.csv* && -z $said ]]; then
		result recorded "$before"
	else
		result missed "before the reload: $before; after: $said"
	fi
}

# The daemon is told of a scan; with --no-record it is not.
life_log_scan() {
	local sequence
	log_mark
	try proscribe scan --json --no-record "$dir"
	if [ "$(jq -r .data.recorded <<<"$text")" != false ]; then result missed "$text" && return; fi
	try proscribe scan --json "$dir"
	sequence=$(jq -r .data.sequence <<<"$text")
	if ! until_record scan ".scan.result == \"nil\" and .scan.scope[0].path == \"$dir\""; then
		result missed "$record; $text"
	elif [ "$(records_of scan | wc -l)" != 1 ]; then
		result missed "more than one record"
	elif [ "$(jq .chain.sequence <<<"$record")" != "$sequence" ]; then
		result missed "the record is $(jq .chain.sequence <<<"$record"), not $sequence"
	else
		result recorded "$(jq -r .message <<<"$record")"
	fi
}

# Once a product, however often it is tried, over restarts of the daemon.
long_log_first_seen() {
	program "$p"
	log_mark
	list "$p" --product "lab/first seen"
	attempt exec "$p" >/dev/null 2>&1
	until_record first_seen '.product == "lab/first seen"' || { result missed "$record" && return; }
	restart_daemon KILL
	attempt exec "$p" >/dev/null 2>&1
	log_barrier
	if [ "$(records_of first_seen | grep -cF '"product":"lab/first seen"')" != 1 ]; then
		result missed "more than one record"
	elif [ "$(jq -r '.proscribe | .path + " " + .how' <<<"$record")" != "$p attempt" ]; then
		result missed "$record"
	else
		result recorded "$(jq -r .message <<<"$record")"
	fi
	unlist "$p"
}

newest_log() {
	local files=("$logs"/audit-*.jsonl)
	echo "${files[-1]}"
}

long_log_removed() {
	log_mark
	# away from its name; run.sh has a look at it at the end
	mv "$(newest_log)" "$work/away-${mode}.jsonl"
	told tamper '.what == "log_removed"'
}

# Whole lines, so that the rest of the cases can read it.
long_log_cut() {
	local file size
	log_mark
	file=$(newest_log)
	size=$(stat -c %s "$file")
	truncate -s $((size - $(tail -n 1 "$file" | wc -c))) "$file"
	marks+=(["$file"]=0)
	told tamper '.what == "log_cut"'
}

long_log_edited() {
	local file
	log_mark
	file=$(newest_log)
	# the same byte again: what was written is what counts
	dd if="$file" of="$file" bs=1 count=1 conv=notrunc 2>/dev/null
	told tamper '.what == "log_altered"'
}

# One program's pin: what it guarded is open, and everybody is told.
long_log_pin_removed() {
	log_mark
	rm /sys/fs/bpf/proscribe/psc_kernel_load_data
	if ! until_record tamper '.what == "pins" and .guard == "on" and
		.missing == ["psc_kernel_load_data"]'; then
		result missed "$record"
	elif ! proscribe status --json | jq -e '.data.warnings[] | select(.id == "guard_incomplete")' \
		>/dev/null; then
		result missed "status does not warn"
	else
		result recorded "$(jq -r .message <<<"$record")"
	fi
	guard_off
	start_daemon --mode "$mode"
}

# All of them, while no daemon looks: the next one tells since when.
long_log_pins_removed_unseen() {
	log_mark
	end_daemon KILL
	rm -r /sys/fs/bpf/proscribe
	start_daemon --mode "$mode"
	told guard_off '.reason == "lost"'
}

# And while it looks.
long_log_pins_removed() {
	log_mark
	rm -r /sys/fs/bpf/proscribe
	if ! until_record tamper '.what == "pins" and .guard != "on"'; then
		result missed "$record"
	else
		result recorded "$(jq -r .message <<<"$record")"
	fi
	end_daemon TERM
	start_daemon --mode "$mode"
}

long_log_off_told() {
	log_mark
	guard_off
	start_daemon --mode "$mode"
	told guard_off '.reason == "off" and (.requester | startswith("uid 0, "))'
}

# labelled CGROUP ID: a container as runc makes it, with one program, which is listed. What the
# runtimes differ in is the control group that they ask for.
labelled() {
	mkdir -p bundle/rootfs
	[ -e bundle/rootfs/payload ] || program_static "$dir/bundle/rootfs/payload"
	jq -n --arg group "$1" '{ociVersion: "1.0.2", root: {path: "rootfs"}, hostname: "c",
		process: {cwd: "/", args: ["/payload"], env: ["PATH=/"], user: {uid: 0, gid: 0},
			noNewPrivileges: true},
		mounts: [{destination: "/proc", type: "proc", source: "proc"}],
		linux: {cgroupsPath: $group,
			namespaces: [{type: "pid"}, {type: "mount"}, {type: "ipc"}, {type: "uts"}]}}' \
		>bundle/config.json
	runc --root "$dir/state" run --bundle bundle "lab-$2" </dev/null
}

# Id and runtime by the names that docker, podman, CRI-O and containerd give control groups.
long_log_container() {
	local id=0 group runtime wanted='' got pod listed=''
	while read -r runtime group; do
		id=$((id + 1))
		try labelled "${group/ID/$(printf '%064x' $id)}" $id
		if [ -z "$listed" ]; then
			# it ran once, before it was listed
			if [ "$status" != 0 ]; then result broken-control "$text" && return; fi
			list bundle/rootfs/payload
			listed=1
			log_mark
			try labelled "${group/ID/$(printf '%064x' $id)}" $id
		fi
		wanted="$wanted$(printf '%064x' $id) $runtime;"
	done <<-'EOF'
		docker /docker/ID
		podman /machine.slice/libpod-ID.scope
		cri-o /kubepods.slice/kubepods-pod0b0f6e0a_6b4e_4f1e_9a53_1f3b8e6f2a11.slice/crio-ID.scope
		containerd /kubepods.slice/kubepods-pod0b0f6e0a_6b4e_4f1e_9a53_1f3b8e6f2a11.slice/cri-containerd-ID.scope
	EOF
	log_barrier
	got=$(records_of decision | jq -r 'select(.file.name == "payload" and
		.proscribe.verdict == "deny" and .proscribe.op == "exec").container |
		.id + " " + .runtime' | uniq | tr '\n' ';')
	pod=$(records_of decision | jq -r '.orchestrator.resource.id // empty' | sort -u)
	unlist bundle/rootfs/payload
	if [ "$got" != "$wanted" ]; then
		result missed "$got instead of $wanted; $text"
	elif [ "$pod" != 0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11 ]; then
		result missed "pod $pod"
	else
		result recorded "$got"
	fi
}
