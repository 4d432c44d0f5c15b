# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# Cases of overlays beyond the usual one of exec.sh; see batch.sh.

# overlay_at NAME LOWER [OPTION]: mounts one on $dir/NAME.
overlay_at() {
	mkdir -p "$dir/$1" "$dir/$1.upper" "$dir/$1.work"
	mount -t overlay overlay \
		-o "lowerdir=$2,upperdir=$dir/$1.upper,workdir=$dir/$1.work${3:+,$3}" "$dir/$1"
}

case_exec_overlay_two_mounts() {
	mkdir lower
	program "$dir/lower/file"
	overlay_at one lower
	overlay_at two lower
	judged exec "$dir/lower/file" act_exec_overlay_two_mounts
}
act_exec_overlay_two_mounts() {
	local one=0 two=0
	attempt exec "$dir/one/file" || one=$?
	attempt exec "$dir/two/file" || two=$?
	[ $one = $two ] || return 3
	return $one
}

# digested: how many files the kernel has digested so far.
digested() {
	local said
	said=$(proscribe status --json)
	number files "${said##*\"digested\"}"
}

# Where the kernel tells the real inode, one digest serves all containers.
each_exec_overlay_digested_once() {
	local before times
	mkdir lower
	program "$dir/lower/file"
	overlay_at one lower
	overlay_at two lower
	before=$(digested)
	try attempt exec "$dir/one/file" && try attempt exec "$dir/two/file" &&
		try attempt exec "$dir/lower/file"
	times=$(($(digested) - before))
	if [ "$status$times" = 01 ]; then
		result allowed
	else
		result failed "status $status, digested $times times; $text"
	fi
	umount one two
}

# Behind the overlay's back, as image tools do it.
case_exec_overlay_added_to_upper() {
	mkdir lower
	program "$p"
	overlay lower
	added=0
	judged exec "$p" act_exec_overlay_added_to_upper
}
act_exec_overlay_added_to_upper() {
	added=$((added + 1))
	cp "$p" "upper/file$added"
	attempt exec "$dir/merged/file$added"
}

# The lower file runs and its identity is cached; then it is copied up.
case_exec_overlay_copied_up_running() {
	mkdir lower
	program "$dir/lower/file"
	overlay lower
	merged/file sleep >/dev/null &
	running+=("$!")
	judged exec "$dir/lower/file" act_exec_overlay_copied_up_running
}
act_exec_overlay_copied_up_running() {
	if [ -e tried ]; then chmod 700 merged/file; fi
	: >tried
	attempt exec "$dir/merged/file"
}

# Only the metadata is copied up: the content still comes from the lower layer.
case_exec_overlay_metacopy() {
	mkdir lower
	program "$p"
	program "$dir/clean" clean
	cp clean lower/file
	overlay_at merged lower redirect_dir=on,metacopy=on
	chmod 700 merged/file
	if cmp -s clean merged.upper/file; then note "$case: the content was copied up"; fi
	judged exec "$p" act_exec_overlay_lower_rewritten
}

case_exec_overlay_redirected() {
	mkdir -p lower/directory
	program "$dir/lower/directory/file"
	overlay_at merged lower redirect_dir=on,metacopy=on
	mv merged/directory merged/moved
	mv merged/moved/file merged/moved/renamed
	judged exec "$dir/lower/directory/file" attempt exec "$dir/merged/moved/renamed"
}

# A file that is open before it is copied up: its mapping shows the lower content, while
# every read gives the upper one, which is what can be digested. Each attempt is a shell of
# its own, with an overlay of its own.
case_load_overlay_before_copy_up() {
	mkdir lower
	library "$dir/lower/file"
	library "$dir/clean" clean
	judged load "$dir/lower/file" act_load_overlay_before_copy_up "$dir/clean"
}
act_load_overlay_before_copy_up() {
	overlay_at "merged$BASHPID" lower
	attempt map-before-copy-up "$dir/merged$BASHPID/file" "$1"
}

# A match of what was digested refuses whatever will be mapped.
case_load_overlay_before_copy_up_of_listed() {
	mkdir lower
	library "$p"
	library "$dir/lower/file" clean
	judged load "$p" act_load_overlay_before_copy_up "$p"
}

# Kernels that do not name the real inode cannot tell who opened the file when.
case_exec_overlay_copied_up_unlisted() {
	mkdir lower
	program "$dir/lower/file"
	unlisted exec "$dir/lower/file" act_exec_overlay_copied_up_unlisted
}
act_exec_overlay_copied_up_unlisted() {
	overlay_at "merged$BASHPID" lower
	chmod 700 "merged$BASHPID/file"
	attempt exec "$dir/merged$BASHPID/file"
}

nested() {
	mkdir lower
	program "$dir/lower/file"
	overlay_at middle lower
	overlay_at merged middle
}

case_exec_overlay_nested() {
	nested
	judged exec "$dir/lower/file" attempt exec "$dir/merged/file"
}

case_exec_overlay_nested_unlisted() {
	nested
	unlisted exec "$dir/lower/file" attempt exec "$dir/merged/file"
}

case_load_overlay_nested() {
	mkdir lower
	library "$dir/lower/file"
	overlay_at middle lower
	overlay_at merged middle
	judged load "$dir/lower/file" attempt map "$dir/merged/file"
}

# rewriting BELOW ABOVE FILES: clean content is executed, and at once the listed one is
# written and executed, twice for each file; the first time when the clean one was cached.
# Alone, because of its many records.
rewriting() {
	local files=$3
	[ "$mode" = enforce ] || files=5
	pad "$bin"/payload-static "$p" "$mode $p"
	pad "$bin"/payload-static "$dir/clean" "$mode $p clean"
	judged exec "$p" attempt exec-rewritten "$dir/$1" "$dir/$2" "$dir/clean" "$p" "$files"
}

race_exec_overlay_lower_again_and_again() {
	mkdir lower
	overlay lower
	rewriting lower merged 100
}

race_exec_again_and_again() {
	mkdir plain
	rewriting plain plain 20
}
