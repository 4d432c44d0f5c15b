# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Runs many cases side by side in three stages: nothing of them is listed, all is listed,
# nothing is listed again. So no case can leave out its control, and each stage costs one
# list and one look at the log.
#
# A case is a function PREFIX_NAME that makes its files in $dir and calls one of
#   judged OP FILE COMMAND...    FILE's content gets listed; the outcome is what the
#                                command does then, together with the audit log
#   unlisted OP FILE COMMAND...  FILE is not listed, though another file of its size is
#   at_place, beside_place PATH OP FILE COMMAND...  (place.sh) PATH is listed as a place
#   afterwards OP FILE COMMAND...  like judged, but the outcome is that of the third stage
# COMMAND is a program or a function act_NAME; it runs in every stage. FILE has to lie in
# $dir. Before the call, format=FORMAT lists the content as that.

declare -A kind operation listed command format_of first first_text
declare -A during must_be_cached

register() {
	local how=$1 op=$2 file=$3
	shift 3
	kind[$case]=$how operation[$case]=$op listed[$case]=$file command[$case]=${*@Q}
	format_of[$case]=$format
	order+=("$case")
}

judged() {
	register judged "$@"
}

unlisted() {
	register unlisted "$@"
}

afterwards() {
	register afterwards "$@"
}

# prepare PREFIX: runs the case functions, and digests what they name.
prepare() {
	local function digest file
	for function in $(compgen -A function "$1_"); do
		wanted "$function" || continue
		enter "$function"
		format=''
		mkdir -p "$dir"
		cd "$dir" || continue
		"$function"
	done
	cd /
	[ ${#order[@]} != 0 ] || return
	: >"$digests"
	while read -r digest file; do
		file=${file#"$work/$mode/"}
		echo "$digest ${file%%/*}" >>"$digests"
	done < <(all_files | xargs sha256sum)
}

all_files() {
	for case in "${order[@]}"; do echo "${listed[$case]}"; done
}

# guess_format FILE: sets format.
guess_format() {
	local head
	IFS= read -r -n 2 head <"$1"
	case $head in
	'#!') format=script ;;
	'!<') format=deb ;;
	LA) format=any ;;
	*) format=elf ;;
	esac
}

list_all() {
	local digest name size
	if [ -n "$sabotage" ]; then return; fi
	if [ ${#place_of[@]} != 0 ]; then list_places && return; fi
	{
		echo algo,digest,size,format,name,product,version,source
		while read -r digest name && read -r -u 3 size; do
			if [ "${kind[$name]}" = unlisted ]; then continue; fi
			format=${format_of[$name]}
			[ -n "$format" ] || guess_format "${listed[$name]}"
			echo "sha256,$digest,$size,$format,$name,,,cases"
		done <"$digests" 3< <(all_files | xargs stat -L -c %s)
	} >"$work"/cases.csv
	proscribe list import --name cases <"$work"/cases.csv >/dev/null || note "list import failed"
}

unlist_all() {
	if [ ${#place_of[@]} != 0 ]; then unlist_places && return; fi
	rm -f "$lists"/cases.csv
	reload
}

# attempt_all: sets outcomes[CASE] and texts[CASE].
declare -A outcomes texts
attempt_all() {
	log_mark
	for case in "${order[@]}"; do
		enter "_$case"
		cd "$dir" || continue
		try eval "${command[$case]}"
		outcomes[$case]=$status texts[$case]=$text
	done
	cd /
	evidence "$digests"
}

is_listed() {
	[[ ${records[$case ${operation[$case]}]:-} == *" listed" ]]
}

# Nothing is listed: whatever is to be refused later has to pass now.
control() {
	attempt_all
	for case in "${order[@]}"; do
		if [ "${outcomes[$case]}" = 0 ] && ! is_listed; then continue; fi
		if [ "${outcomes[$case]}" = 2 ]; then
			result untried "control: ${texts[$case]}"
		else
			result broken-control "status ${outcomes[$case]} with nothing listed;" \
				"${texts[$case]}"
		fi
		kind[$case]=over
	done
}

conclude_judged() {
	local record=${records[$case ${operation[$case]}]:-}
	if [ -n "${must_be_cached[$case]:-}" ] && [[ $record != *" cache "* ]]; then
		result not-cached "$record"
	else
		conclude "${operation[$case]}" missed
	fi
}

conclude_all() {
	for case in "${order[@]}"; do
		status=${first[$case]} text=${first_text[$case]}
		case ${kind[$case]} in
		judged)
			if [ "${outcomes[$case]}" != 0 ]; then
				result stuck "not listed any more, but ${texts[$case]}"
			elif is_listed; then
				result stuck "recorded as listed when it was not any more"
			else
				swap_records
				conclude_judged
				swap_records
			fi
			;;
		unlisted)
			swap_records
			conclude "${operation[$case]}" allowed
			swap_records
			;;
		afterwards)
			status=${outcomes[$case]} text=${texts[$case]}
			if [[ ${during[$case ${operation[$case]}]:-} == *" listed" ]]; then
				conclude "${operation[$case]}" allowed
			else
				result broken-control "not recorded while it was listed"
			fi
			;;
		esac
	done
}

# Between the records of the second stage and of the third.
swap_records() {
	local key="$case ${operation[$case]}" kept
	kept=${records[$key]:-none none 0 none}
	records["$key"]=${during[$key]:-none none 0 none}
	during["$key"]=$kept
}

clean_up() {
	local target
	while read -r _ target _; do
		case $target in
		"$work"/*) umount -l "$target" ;;
		esac
	done < <(tac /proc/mounts)
	if [ ${#running[@]} != 0 ]; then kill "${running[@]}" && wait "${running[@]}"; fi 2>/dev/null
	running=()
}

# batch PREFIX
batch() {
	local key
	order=() kind=() operation=() listed=() command=() format_of=() must_be_cached=()
	first=() first_text=() during=() running=() place_of=()
	digests=$work/digests
	prepare "$1"
	[ ${#order[@]} != 0 ] || return 0
	note "$1 $mode: prepared $SECONDS s after the start"
	control
	list_all
	attempt_all
	for case in "${order[@]}"; do
		first[$case]=${outcomes[$case]} first_text[$case]=${texts[$case]}
	done
	for key in "${!records[@]}"; do during[$key]=${records[$key]}; done
	unlist_all
	attempt_all
	note "$1 $mode: attempts done $SECONDS s after the start"
	conclude_all
	clean_up
	note "$1 $mode: done $SECONDS s after the start"
}
