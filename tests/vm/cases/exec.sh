# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# Cases of execution. $p is the case's file in its directory $dir; see batch.sh.

case_exec_plain() {
	program "$p"
	judged exec "$p" attempt exec "$p"
}

case_exec_static() {
	program_static "$p"
	judged exec "$p" attempt exec "$p"
}

case_exec_renamed() {
	program "$p"
	judged exec "$p" act_exec_renamed
}
act_exec_renamed() {
	local r=0
	mv "$p" other
	attempt exec "$dir/other" || r=$?
	mv other "$p"
	return $r
}

case_exec_hard_link() {
	program "$p"
	ln "$p" link
	judged exec "$p" attempt exec "$dir/link"
}

case_exec_symlink() {
	program "$p"
	ln -s "$p" link
	judged exec "$p" attempt exec "$dir/link"
}

case_exec_bind_mount() {
	program "$p"
	: >mounted
	mount --bind "$p" mounted
	judged exec "$p" attempt exec "$dir/mounted"
}

case_exec_copied_to_tmpfs() {
	program "$p"
	cp "$p" "/dev/shm/$case.bin"
	judged exec "$p" attempt exec "/dev/shm/$case.bin"
}

case_exec_overlay_lower() {
	mkdir lower
	program "$dir/lower/file"
	overlay lower
	judged exec "$dir/lower/file" attempt exec "$dir/merged/file"
}

case_exec_overlay_upper() {
	mkdir lower
	program "$p"
	overlay lower
	cp "$p" merged/file
	judged exec "$p" attempt exec "$dir/merged/file"
}

# The change of mode copies the file from the lower layer to the upper one.
case_exec_overlay_copied_up() {
	mkdir lower
	program "$dir/lower/file"
	overlay lower
	chmod 700 merged/file
	judged exec "$dir/lower/file" attempt exec "$dir/merged/file"
}

case_exec_overlay_lower_rewritten() {
	mkdir lower
	program "$dir/clean" clean
	program "$p"
	cp clean lower/file
	overlay lower
	judged exec "$p" act_exec_overlay_lower_rewritten
}
act_exec_overlay_lower_rewritten() {
	local r=0
	attempt exec "$dir/merged/file" || return 2
	attempt writable lower/file || return 2
	dd "if=$p" of=lower/file conv=notrunc status=none
	attempt exec "$dir/merged/file" || r=$?
	attempt writable lower/file || return 2
	dd if=clean of=lower/file conv=notrunc status=none
	return $r
}

case_exec_loop_image() {
	mkdir content mounted
	program "$dir/content/file"
	mke2fs -q -d content image 4M >/dev/null
	mount -o loop,ro image mounted
	judged exec "$dir/content/file" attempt exec "$dir/mounted/file"
}

# loop_image FILE IMAGE: a file system with a copy of FILE; two differ in its content alone.
loop_image() {
	mkdir content
	cp -p "$1" content/file
	touch -d @0 content/file
	E2FSPROGS_FAKE_TIME=1 mke2fs -q -U 6a0e1f5c-0d3f-4f0e-9d5c-0f3d7c1b2a11 \
		-E hash_seed=6a0e1f5c-0d3f-4f0e-9d5c-0f3d7c1b2a11 -d content "$2" 4M >/dev/null
	rm -r content
}

case_exec_loop_image_unlisted() {
	mkdir mounted
	program "$p"
	loop_image "$p" image
	mount -o loop,ro image mounted
	unlisted exec "$p" attempt exec "$dir/mounted/file"
}

# The file system does not notice; the kernel reads the new content when it lost the old.
case_exec_loop_image_rewritten() {
	mkdir mounted
	program "$dir/clean" clean
	program "$p"
	loop_image clean image-clean
	loop_image "$p" image-listed
	cp image-clean image
	mount -o loop,ro image mounted
	judged exec "$p" act_exec_loop_image_rewritten
}
act_exec_loop_image_rewritten() {
	local r=0
	attempt exec "$dir/mounted/file" || return 2
	change_loop_image image-listed
	cmp -s mounted/file "$p" || return 2
	attempt exec "$dir/mounted/file" || r=$?
	change_loop_image image-clean
	return $r
}
change_loop_image() {
	dd "if=$1" of=image conv=notrunc,fsync bs=1M status=none
	dd if=mounted/file iflag=nocache count=0 status=none
}

case_exec_namespaces() {
	program "$p"
	judged exec "$p" unshare -m -p -f -n -u -i attempt exec "$p"
}

case_exec_chroot() {
	cp "$bin"/attempt attempt
	program_static "$p"
	judged exec "$p" chroot "$dir" /attempt exec "/$case.bin"
}

case_exec_unprivileged() {
	program "$p"
	chmod 755 /root
	judged exec "$p" setpriv --reuid 65534 --regid 65534 --clear-groups attempt exec "$p"
}

case_exec_fd() {
	program "$p"
	judged exec "$p" attempt exec-fd "$p"
}

case_exec_path_fd() {
	program "$p"
	judged exec "$p" attempt exec-path-fd "$p"
}

case_exec_direct_fd() {
	program "$p"
	judged exec "$p" attempt exec-direct-fd "$p"
}

case_exec_check() {
	program "$p"
	judged exec "$p" attempt exec-check "$p"
}

case_exec_check_script() {
	script "$p"
	judged exec "$p" attempt exec-check "$p"
}

case_exec_memfd() {
	program "$p"
	judged exec "$p" attempt exec-memfd "$p"
}

case_exec_memfd_sealed() {
	program "$p"
	judged exec "$p" attempt exec-memfd-sealed "$p"
}

case_exec_memfd_unlisted() {
	program "$p"
	unlisted exec "$p" attempt exec-memfd "$p"
}

case_exec_memfd_sealed_unlisted() {
	program "$p"
	unlisted exec "$p" attempt exec-memfd-sealed "$p"
}

# The kernel refuses to run a file that is open for write, but not when that is the file
# below an overlay.
case_exec_overlay_lower_written() {
	mkdir lower
	program "$dir/lower/file"
	overlay lower
	judged exec "$dir/lower/file" attempt exec-written "$dir/lower/file" "$dir/merged/file"
}

case_exec_overlay_lower_written_unlisted() {
	mkdir lower
	program "$dir/lower/file"
	overlay lower
	unlisted exec "$dir/lower/file" attempt exec-written "$dir/lower/file" "$dir/merged/file"
}

case_exec_script() {
	script "$p"
	judged exec "$p" attempt exec "$p"
}

case_exec_script_nested() {
	script "$p"
	printf '#!%s\n' "$p" >outer
	chmod 755 outer
	judged exec "$p" attempt exec "$dir/outer"
}

case_exec_interpreter() {
	program "$p"
	printf '#!%s\n' "$p" >script
	chmod 755 script
	judged exec "$p" attempt exec "$dir/script"
}

# To the kernel this is an execution of sh, which reads a file.
case_exec_script_argument() {
	script "$p"
	judged exec "$p" attempt exec /bin/sh "$p"
}

case_exec_binfmt_misc() {
	local register=/proc/sys/fs/binfmt_misc
	modprobe -q binfmt_misc
	[ -e $register/register ] || mount -t binfmt_misc binfmt_misc $register
	[ -e $register/lab ] || echo ":lab:M::LABMAGIC::$bin/payload:" >$register/register
	printf 'LABMAGIC %s\n' "$mode" >"$p"
	chmod 755 "$p"
	judged exec "$p" attempt exec "$p"
}

case_exec_same_size() {
	program "$p"
	unlisted exec "$p" attempt exec "$p"
}

case_exec_rewritten_in_place() {
	program "$p"
	program "$dir/clean" clean
	cp clean file
	judged exec "$p" act_exec_rewritten_in_place
}
act_exec_rewritten_in_place() {
	local r=0
	attempt exec "$dir/file" || return 2
	attempt writable file || return 2
	dd "if=$p" of=file conv=notrunc status=none
	attempt exec "$dir/file" || r=$?
	attempt writable file || return 2
	dd if=clean of=file conv=notrunc status=none
	attempt exec "$dir/file" || return 3
	return $r
}

case_exec_truncated_and_rewritten() {
	program "$p"
	program "$dir/clean" clean
	cp clean file
	judged exec "$p" act_exec_truncated_and_rewritten
}
act_exec_truncated_and_rewritten() {
	local r=0
	attempt exec "$dir/file" || return 2
	attempt writable file || return 2
	cat "$p" >file
	attempt exec "$dir/file" || r=$?
	attempt writable file || return 2
	cat clean >file
	attempt exec "$dir/file" || return 3
	return $r
}

# No open for write lies between the two contents.
case_exec_truncated_to_listed() {
	program "$p"
	judged exec "$p" act_exec_truncated_to_listed
}
act_exec_truncated_to_listed() {
	if [ -e file ]; then attempt writable file || return 2; fi
	cp "$p" file
	echo more >>file
	attempt exec "$dir/file" || return 2
	attempt truncate file "$padded" || return 2
	attempt exec "$dir/file"
}

case_exec_replaced_by_rename() {
	program "$p"
	program "$dir/clean" clean
	judged exec "$p" act_exec_replaced_by_rename
}
act_exec_replaced_by_rename() {
	cp clean file
	cp "$p" new
	attempt exec "$dir/file" || return 2
	mv new file
	attempt exec "$dir/file"
}

# The control left the identity in the cache, and the record must say so.
case_exec_listed_while_cached() {
	program "$p"
	judged exec "$p" attempt exec "$p"
	must_be_cached["$case"]=1
}

case_exec_unlisted_while_cached() {
	program "$p"
	afterwards exec "$p" attempt exec "$p"
}

# A process that runs already is not stopped by the kernel.
case_exec_running_before() {
	program "$p"
	"$p" sleep >/dev/null &
	running+=("$!")
	judged exec "$p" kill -0 $!
}

fuse() {
	mkdir content mounted
	program "$dir/content/file"
	mke2fs -q -d content image 4M >/dev/null
	fuse2fs -o ro image mounted 2>/dev/null
}

case_exec_fuse() {
	fuse
	judged exec "$dir/content/file" attempt exec "$dir/mounted/file"
}

case_exec_fuse_unlisted() {
	fuse
	unlisted exec "$dir/content/file" attempt exec "$dir/mounted/file"
}
