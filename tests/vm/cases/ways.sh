# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# Cases of less usual ways to a file: other system calls, other architectures, containers,
# NFS; see batch.sh.

# ---- system calls ------------------------------------------------------------------------

deny_open_io_uring() {
	package "$p"
	judged open "$p" attempt open-uring "$p"
}

# A worker thread of io_uring opens it.
deny_open_io_uring_worker() {
	package "$p"
	judged open "$p" attempt open-uring-async "$p"
}

case_exec_io_uring() {
	program "$p"
	judged exec "$p" attempt exec-uring "$p"
}

case_exec_openat2() {
	program "$p"
	judged exec "$p" attempt exec-openat2 "$dir" "$case.bin"
}

case_exec_handle() {
	program "$p"
	judged exec "$p" attempt exec-handle "$p"
}

case_load_handle() {
	library "$p"
	judged load "$p" attempt map-handle "$p"
}

# ---- mounts --------------------------------------------------------------------------------

case_exec_idmapped() {
	mkdir source mounted
	program "$dir/source/file"
	attempt mount-idmapped source mounted || note "$case: no such mount"
	[ "$(stat -c %u mounted/file)" = 100000 ] || note "$case: the owner is not mapped"
	judged exec "$dir/source/file" unshare -U -r attempt exec "$dir/mounted/file"
}

# serve_nfs: exports $work over loopback. The kernel's server asks user space for what is
# written here into its caches.
serve_nfs() {
	local for_ever=2147483647 flags=$((0x2 | 0x10 | 0x400 | 0x2000)) # insecure async no_subtree fsid
	if [ -e /proc/fs/nfsd/threads ]; then return; fi
	modprobe -a nfsd nfsv4
	mkdir -p /var/lib/nfs/v4recovery
	mount -t nfsd nfsd /proc/fs/nfsd
	echo '-2 -3 +4 +4.1 +4.2' >/proc/fs/nfsd/versions
	echo 10 >/proc/fs/nfsd/nfsv4leasetime
	echo 10 >/proc/fs/nfsd/nfsv4gracetime
	echo "nfsd 127.0.0.1 $for_ever lab" >/proc/net/rpc/auth.unix.ip/channel
	echo "lab $work $for_ever $flags 65534 65534 0" >/proc/net/rpc/nfsd.export/channel
	printf 'lab 1 \\x00000000 %s %s\n' $for_ever "$work" >/proc/net/rpc/nfsd.fh/channel
	echo 'tcp 2049' >/proc/fs/nfsd/portlist
	echo 2 >/proc/fs/nfsd/threads
	# kernels that keep no list of clients by themselves wait the ten seconds
	echo Y 2>/dev/null >/proc/fs/nfsd/v4_end_grace
}

nfs() {
	mkdir content mounted
	program "$dir/content/file"
	serve_nfs
	mount -i -t nfs4 -o addr=127.0.0.1,clientaddr=127.0.0.1,vers=4.2,sec=sys,soft \
		127.0.0.1:/ mounted
	seen=$dir/mounted/$mode/$case/content/file
}

case_exec_nfs() {
	nfs
	judged exec "$dir/content/file" attempt exec "$seen"
}

case_exec_nfs_unlisted() {
	nfs
	unlisted exec "$dir/content/file" attempt exec "$seen"
}

# Changed on the server: nothing that this host does shows it.
case_exec_nfs_rewritten() {
	nfs
	program "$p"
	program "$dir/clean" clean
	cp clean content/file
	judged exec "$p" act_exec_nfs_rewritten "$seen"
}
act_exec_nfs_rewritten() {
	local r=0
	attempt exec "$1" || return 2
	attempt writable content/file || return 2
	dd "if=$p" of=content/file conv=notrunc status=none
	attempt exec "$1" || r=$?
	attempt writable content/file || return 2
	dd if=clean of=content/file conv=notrunc status=none
	return $r
}

# ---- other architectures ---------------------------------------------------------------------

# runs_here PROGRAM CAPABILITY
runs_here() {
	attempt exec "$bin/$1" >/dev/null 2>&1 || return
	printf 'feature\t%s\n' "$2"
}

case_exec_ia32() {
	runs_here payload-ia32 ia32 || return
	pad "$bin"/payload-ia32 "$p" "$mode $p"
	judged exec "$p" attempt exec "$p"
}

# A 32-bit program that is not listed executes a listed one, by the 32-bit system call.
case_exec_ia32_call() {
	runs_here payload-ia32 ia32 || return
	program "$p"
	judged exec "$p" "$bin"/payload-ia32 "$p"
}

case_exec_x32() {
	runs_here payload-x32 x32 || return
	pad "$bin"/payload-x32 "$p" "$mode $p"
	judged exec "$p" attempt exec "$p"
}

# ---- containers --------------------------------------------------------------------------------

# container PROGRAM: a bundle in $dir whose root is an overlay with a busybox and, as
# /program, a copy of that file.
container() {
	mkdir -p layer/bin bundle
	cp /bin/busybox layer/bin/sh
	cp "$1" layer/program
	overlay layer
	runc spec -b bundle
	jq --arg root "$dir/merged" '.root.path = $root | .process.terminal = false |
		.process.args = ["/bin/sh", "-c", "/program; exit"]' \
		bundle/config.json >bundle/new
	mv bundle/new bundle/config.json
}

act_exec_runc() {
	local said
	said=$("${runc:-runc}" run -b bundle "$mode-$case" 2>&1)
	echo "$said"
	case $said in
	*'payload ran'*) return 0 ;;
	*'peration not permitted'*) return 1 ;;
	*) return 3 ;;
	esac
}

case_exec_runc() {
	program_static "$p"
	container "$p"
	judged exec "$p" act_exec_runc
}

# The program is what the container starts with: runc itself is refused its exec.
case_exec_runc_first() {
	program_static "$p"
	container "$p"
	sed -i 's,"/bin/sh","/program",' bundle/config.json
	judged exec "$p" act_exec_runc
}

# runc executes itself from a copy that nobody can rewrite. Its size is listed, so the copy is
# digested, and must pass without a word.
runc_itself() {
	container "$bin"/payload-static
	truncate -s "$1" "$p"
	list "$p" --format elf
	log_mark
	try act_exec_runc
	log_barrier
	# what comes again of earlier attempts is none of this one's
	text+=$(log_since | grep -F '"type":"decision"' | grep -vF -e "$beacon_digest" -e '"repeats":')
	unlist "$p"
	case $status,$text in
	0,*decision*) result misrecorded "$text" ;;
	0,*) result allowed ;;
	*) result failed "$text" ;;
	esac
	umount merged
}

each_exec_runc_itself() {
	runc_itself "$(stat -c %s /usr/sbin/runc)"
}

# newer_runc: a newer one than the guest's. It needs a newer C library, which no other
# program gets to see.
newer_runc() {
	cat >newer-runc <<-END
		#!/bin/busybox sh
		/bin/busybox mount --bind $bin/trixie/libc.so.6 /lib/x86_64-linux-gnu/libc.so.6
		/bin/busybox mount --bind $bin/trixie/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
		exec $bin/trixie/runc "\$@"
	END
	chmod 755 newer-runc
	printf '#!/bin/sh\nexec unshare -m %s/newer-runc "$@"\n' "$dir" >runc
	chmod 755 runc
	runc=$dir/runc
}

# It executes itself from a sealed memory file.
long_exec_newer_runc_itself() {
	newer_runc
	runc_itself "$(stat -c %s "$bin"/trixie/runc)"
	runc=''
}

long_exec_newer_runc() {
	newer_runc
	program_static "$p"
	container "$p"
	try act_exec_runc
	if [ "$status" != 0 ]; then
		result broken-control "$text"
	else
		echo "$(digest_of "$p") $case" >"$digests"
		list "$p"
		log_mark
		try act_exec_runc
		evidence "$digests"
		conclude exec missed
		unlist "$p"
	fi
	runc=''
	umount merged
}
