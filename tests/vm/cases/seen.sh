# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# What observe mode tells of code that is not listed, what is made of it later, and the way from
# observe to enforce mode. each_ in both modes: enforce mode tells nothing.

# seen_of FILE: the records since the mark that say it was seen executed.
seen_of() {
	log_since | grep -F '"type":"seen"' | grep -F '"op":"exec"' | grep -F "\"path\":\"$1\""
}

# attempts_of FILE: "1 2 4", as the kernel counted.
attempts_of() {
	local line numbers=()
	while read -r line; do
		[[ $line =~ \"attempts\":([0-9]+) ]] && numbers+=("${BASH_REMATCH[1]}")
	done < <(seen_of "$1")
	echo "${numbers[*]}"
}

# begin: from here on, for the log's reader and for a replay of this case's records alone.
begin() {
	log_mark
	since=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
}

# seen_program FILE TAG [SIZE]: of a size that nothing listed has, unless it is said.
seen_program() {
	attempt pad "$bin"/payload "$1" "${3:-21505}" "$mode $2" || note "$case: cannot make $1"
}

# seen_times N FILE [UID]
seen_times() {
	local n
	for ((n = 0; n < $1; n++)); do
		if [ $# = 3 ]; then
			setpriv --reuid "$3" --clear-groups attempt exec "$2" >/dev/null 2>&1
		else
			attempt exec "$2" >/dev/null 2>&1
		fi
	done
}

# enforces: true in enforce mode, where there must be no such record; the result is given then.
enforces() {
	[ "$mode" = enforce ] || return 1
	if log_since | grep -qF '"type":"seen"'; then
		result seen "$(log_since | grep -F '"type":"seen"' | head -n 1)"
	else
		result allowed
	fi
}

# Thrice by two users, of a size that is not listed, and of one that is.
each_seen_once() {
	local open=/opt/seen-$mode said
	mkdir -p "$open" lists
	chmod 755 "$open"
	seen_program "$open/tool" tool
	seen_program "$open/sized" sized "$padded"
	seen_program "$open/gone" gone
	begin
	for said in tool sized; do
		seen_times 2 "$open/$said"
		seen_times 1 "$open/$said" 1000
	done
	seen_times 5 "$open/gone"
	log_barrier
	if enforces; then return; fi
	rm "$open/gone"
	said="$(attempts_of "$open/tool"); $(attempts_of "$open/sized"); $(attempts_of "$open/gone")"
	if [ "$said" != '1 2 3; 1 2 3; 1 2 4' ]; then
		result miscounted "$said: $(log_since | grep -F "$open/tool" | head -c 2000)"
		return
	fi
	printf '%s\nsha256,%s,21505,elf,tool,Replayed,,lab\nsha256,%s,%s,elf,sized,Replayed,,lab\n' \
		algo,digest,size,format,name,product,version,source \
		"$(digest_of "$open/tool")" "$(digest_of "$open/sized")" "$padded" >lists/draft.csv
	try proscribe policy replay --since "$since" --lists "$dir/lists"
	if [ "$status" != 5 ] ||
		[[ $text != 'would have refused at least 6 executions of 2 programs by 2 users'* ]]; then
		result misjudged "status $status: $text"
	elif [[ $text != *"$open/tool"*Replayed* || $text != *"gone: not judged"*"$open/gone"* ]]; then
		result unlisted "$text"
	else
		result allowed "${text:0:200}"
	fi
}

# Other content in the same file is told of anew; the same content is not.
each_seen_rewritten() {
	local said
	seen_program "$p" first
	log_mark
	seen_times 3 "$p"
	seen_program other second
	cat other >"$p"
	seen_times 1 "$p"
	log_barrier
	if enforces; then return; fi
	said=$(attempts_of "$p")
	if [ "$said" = '1 2 1' ]; then result allowed; else result miscounted "$said"; fi
}

# What is listed is decided about, and told of by that alone.
each_seen_listed() {
	seen_program "$p" listed
	list "$p"
	begin
	try attempt exec "$p"
	log_barrier
	if [ -n "$(seen_of "$p")" ]; then
		result seen "$(seen_of "$p")"
	elif ! log_since | grep -F '"type":"decision"' | grep -qF "\"path\":\"$p\""; then
		result unrecorded "$(log_since)"
	elif [ "$status" = 1 ]; then
		result denied
	else
		try proscribe policy replay --since "$since"
		case $status,$text in
		5,*"$p"*) result recorded ;;
		*) result misjudged "status $status: $text" ;;
		esac
	fi
	unlist "$p"
}

# In an overlay too, each use counts once.
each_seen_overlay() {
	local said
	mkdir lower
	seen_program "$dir/lower/file" overlay
	overlay lower
	log_mark
	seen_times 2 "$dir/merged/file"
	log_barrier
	if ! enforces; then
		said=$(attempts_of "$dir/merged/file")
		if [ "$said" = '1 2' ]; then result allowed; else result miscounted "$said"; fi
	fi
	umount merged
}

# The mode that the configuration says, changed by the command, with its comments left alone.
life_mode_enforce() {
	local before
	program "$p"
	list "$p"
	try proscribe mode observe
	if [ "$status" != 1 ] || [[ $text != *'--mode enforce'* ]]; then
		result overruled "a mode of the command line: status $status: $text"
		unlist "$p"
		return
	fi
	guard_off
	printf '# ours\nmode: observe   # for now\nactions: {open: record}\n' >"$config"
	start_daemon
	begin
	try attempt exec "$p"
	before=$status
	log_barrier
	try proscribe mode enforce
	if [ "$before" != 0 ] || [ "$status" != 2 ]; then
		result unasked "before: $before, then $status: $text"
	else
		try proscribe mode enforce --yes --since "$since"
		said=$text
		try attempt exec "$p"
		if [ "$status" != 1 ]; then
			result missed "$said"
		elif [[ $said != *'would have refused'*"$p"*'enforce is in force: generation '* ]]; then
			result silent "$said"
		elif [ "$(cat "$config")" != $'# ours\nmode: enforce   # for now\nactions: {open: record}' ]; then
			result rewritten "$(cat "$config")"
		elif ! log_since | grep -F '"type":"reload"' | grep -F '"mode":"enforce"' |
			grep -qF '"requester":"uid 0'; then
			result unrecorded "$(log_since | grep -F reload)"
		else
			result denied
		fi
	fi
	guard_off
	rm "$config"
	start_daemon --mode "$mode"
	unlist "$p"
}
