# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# Cases of listed places, whatever their files hold; see batch.sh. What is listed in the second
# stage is no digest but the configuration's `places`.

declare -A place_of

# at_place PATH OP FILE COMMAND...: PATH is listed; FILE's digest tells whose record it is.
at_place() {
	place_of[$case]=$1
	shift
	judged "$@"
}

# beside_place PATH OP FILE COMMAND...: PATH is listed, and the command is to pass all the same.
beside_place() {
	place_of[$case]=$1
	shift
	unlisted "$@"
}

list_places() {
	{
		echo 'places:'
		for case in "${!place_of[@]}"; do
			printf -- '- {path: "%s", product: "Lab %s"}\n' "${place_of[$case]}" "$case"
		done
	} >"$config"
	reload
}

unlist_places() {
	rm -f "$config"
	reload
}

listed_now() {
	[ -e "$config" ]
}

place_place_exec() {
	mkdir -p listed/bin
	program "$dir/listed/bin/file"
	at_place "$dir/listed" exec "$dir/listed/bin/file" attempt exec "$dir/listed/bin/file"
}

# The size filter clears every file of this size: only its place speaks against it.
place_place_exec_unlisted_size() {
	mkdir listed
	attempt pad "$bin"/payload "$dir/listed/file" 23456 "$mode $case"
	at_place "$dir/listed" exec "$dir/listed/file" attempt exec "$dir/listed/file"
}

place_place_exec_of_file() {
	program "$p"
	at_place "$p" exec "$p" attempt exec "$p"
}

place_place_load() {
	mkdir listed
	library "$dir/listed/file"
	at_place "$dir/listed" load "$dir/listed/file" attempt map "$dir/listed/file"
}

# Its record has neither digest nor directories: the name tells whose it is.
place_place_mprotect() {
	mkdir listed
	library "$dir/listed/$case.bin"
	at_place "$dir/listed" load "$dir/listed/$case.bin" attempt mprotect "$dir/listed/$case.bin"
}

place_place_module() {
	module
	mkdir listed
	mv "$module" listed/
	module=$dir/listed/${module##*/}
	at_place "$dir/listed" module "$module" attempt insmod "$module"
}

place_place_script() {
	mkdir listed
	script "$dir/listed/file"
	at_place "$dir/listed" exec "$dir/listed/file" attempt exec "$dir/listed/file"
}

place_place_beside() {
	mkdir listed
	program "$p"
	beside_place "$dir/listed" exec "$p" attempt exec "$p"
}

place_place_bind_mount() {
	mkdir -p listed/bin elsewhere
	program "$dir/listed/bin/file"
	mount --bind listed/bin elsewhere
	at_place "$dir/listed" exec "$dir/listed/bin/file" attempt exec "$dir/elsewhere/file"
}

place_place_symlink() {
	mkdir version-1
	program "$dir/version-1/file"
	ln -s version-1 current
	at_place "$dir/current" exec "$dir/version-1/file" attempt exec "$dir/version-1/file"
}

# For longer than the daemon takes until it looks at its places again.
place_place_renamed_directory() {
	mkdir listed
	program "$p"
	at_place "$dir/listed" exec "$p" act_place_renamed_directory
}
act_place_renamed_directory() {
	local refused=0
	if [ -e listed/file ]; then attempt writable listed/file || return 2; fi
	cp "$p" listed/file
	mv listed renamed
	if listed_now; then nap 6; fi
	attempt exec "$dir/renamed/file" || refused=$?
	mv renamed listed
	return $refused
}

# What is in the place is refused; what was moved out of it is not, by its place.
place_place_file_moved_out() {
	controls=/root/controls-$mode
	mkdir -p "$controls"
	program "$p"
	program "$controls/control"
	beside_place "$controls" exec "$p" act_place_file_moved_out
}
act_place_file_moved_out() {
	if listed_now && [ "$mode" = enforce ] && attempt exec "$controls/control" 2>/dev/null; then
		echo "the control in the place ran"
		return 3
	fi
	cp "$p" "$controls/file"
	mv "$controls/file" "$dir/out$BASHPID"
	attempt exec "$dir/out$BASHPID"
}

place_place_new_file() {
	mkdir listed
	program "$p"
	at_place "$dir/listed" exec "$p" act_place_new_file
}
act_place_new_file() {
	cp "$p" "listed/new$BASHPID"
	attempt exec "$dir/listed/new$BASHPID"
}

place_place_drop_caches() {
	mkdir -p listed/a/b
	program "$dir/listed/a/b/file"
	at_place "$dir/listed" exec "$dir/listed/a/b/file" act_place_drop_caches
}
act_place_drop_caches() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	attempt exec "$dir/listed/a/b/file"
}

place_place_remounted() {
	mkdir -p content/listed mounted
	program "$dir/content/listed/file"
	mke2fs -q -d content image 4M >/dev/null
	mount -o loop image mounted
	at_place "$dir/mounted/listed" exec "$dir/content/listed/file" act_place_remounted
}
act_place_remounted() {
	umount mounted && mount -o loop image mounted || return 3
	attempt exec "$dir/mounted/listed/file"
}

# The list is taken back: nothing of it is left.
place_place_removed() {
	mkdir listed
	program "$dir/listed/file"
	place_of[$case]=$dir/listed
	afterwards exec "$dir/listed/file" attempt exec "$dir/listed/file"
}

place_place_mounted_inside() {
	mkdir -p listed/data
	program "$p"
	mount -t tmpfs tmpfs listed/data
	cp "$p" listed/data/file
	at_place "$dir/listed" exec "$p" attempt exec "$dir/listed/data/file"
}

# By another way than through the listed directory, and no name of it is below that.
place_place_mounted_inside_elsewhere() {
	mkdir -p listed/data elsewhere
	program "$p"
	mount -t tmpfs tmpfs listed/data
	cp "$p" listed/data/file
	mount --bind listed/data elsewhere
	at_place "$dir/listed" exec "$p" attempt exec "$dir/elsewhere/file"
}

# What helps against it: the root of what is mounted there is listed, too.
place_place_mount_point() {
	mkdir -p listed/data elsewhere
	program "$p"
	mount -t tmpfs tmpfs listed/data
	cp "$p" listed/data/file
	mount --bind listed/data elsewhere
	at_place "$dir/listed/data" exec "$p" attempt exec "$dir/elsewhere/file"
}

# deeper DIRECTORY: sets deep to a directory in it, with more above than a walk has steps.
deeper() {
	printf -v deep '/d%.0s' {1..520}
	deep=$1$deep
	mkdir -p "$deep"
}

# Its record's path is cut, so the name tells whose it is.
place_place_deep() {
	deeper listed
	program "$deep/$case.bin"
	at_place "$dir/listed" exec "$dir/$deep/$case.bin" attempt exec "$dir/$deep/$case.bin"
}

# The walk through the layer below has steps of its own.
place_place_deep_overlay() {
	mkdir -p lower/listed
	program "$dir/lower/listed/$case.bin"
	deeper merged
	overlay_at "$deep" lower
	at_place "$dir/lower/listed" exec "$dir/lower/listed/$case.bin" \
		attempt exec "$dir/$deep/listed/$case.bin"
}

# An overlay's own overlay is the layer that is listed.
place_place_overlay_nested() {
	mkdir -p lower/listed
	program "$dir/lower/listed/file"
	overlay_at middle lower
	overlay_at top middle
	at_place "$dir/middle/listed" exec "$dir/lower/listed/file" \
		attempt exec "$dir/top/listed/file"
}

place_place_overlay_nested_load() {
	mkdir -p lower/listed
	library "$dir/lower/listed/file"
	overlay_at middle lower
	overlay_at top middle
	at_place "$dir/middle/listed" load "$dir/lower/listed/file" \
		attempt map "$dir/top/listed/file"
}

# The layer's directory is listed, as an image's is on a host of containers.
place_place_overlay_lower() {
	mkdir -p lower/listed/bin
	program "$dir/lower/listed/bin/file"
	overlay_at merged lower
	at_place "$dir/lower/listed" exec "$dir/lower/listed/bin/file" \
		attempt exec "$dir/merged/listed/bin/file"
}

place_place_overlay_lower_load() {
	mkdir -p lower/listed
	library "$dir/lower/listed/file"
	overlay_at merged lower
	at_place "$dir/lower/listed" load "$dir/lower/listed/file" \
		attempt map "$dir/merged/listed/file"
}

place_place_overlay_merged() {
	mkdir -p lower/listed/bin
	program "$dir/lower/listed/bin/file"
	overlay_at merged lower
	at_place "$dir/merged/listed" exec "$dir/lower/listed/bin/file" \
		attempt exec "$dir/merged/listed/bin/file"
}

# A container as runc makes it: a mount namespace, another root, the place bound into it.
place_place_container() {
	mkdir -p listed root/opt root/old
	program_static "$dir/listed/file"
	cp "$bin"/attempt root/
	at_place "$dir/listed" exec "$dir/listed/file" act_place_container
}
act_place_container() {
	unshare --mount sh -c 'mount --bind root root && mount --bind listed root/opt && cd root &&
		pivot_root . old && exec /attempt exec /opt/file'
}

# A mark outlives the daemon, and a new one finds it.
life_place_daemon_killed() {
	local before=0
	mkdir -p "$dir/listed"
	program "$dir/listed/file"
	if ! attempt exec "$dir/listed/file" >/dev/null; then
		result broken-control "refused before it was listed"
		return
	fi
	printf 'places: [{path: "%s"}]\n' "$dir/listed" >"$config"
	reload
	end_daemon KILL
	attempt exec "$dir/listed/file" >/dev/null 2>&1 || before=$?
	start_daemon --mode "$mode"
	try attempt exec "$dir/listed/file"
	rm -f "$config"
	reload
	text="without daemon $before, with the next $status; $text"
	if [ "$before$status" = 11 ] && attempt exec "$dir/listed/file" >/dev/null; then
		result denied "$text"
	else
		result failed "$text"
	fi
}
