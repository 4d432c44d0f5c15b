# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# Cases of a kernel that was booted with an IMA policy (ima_policy=tcb), which measures
# what root executes, maps and reads: then the kernel answers with the digest that IMA
# took, in the algorithm that security.ima names. See batch.sh; the prefix state_ is for
# those that run one by one.

# Runtime measurements beyond the first, which stands for the boot.
if [ "$(cat /sys/kernel/security/integrity/ima/runtime_measurements_count 2>/dev/null)" -gt 1 ]; then
	printf 'feature\tima_policy\n'
fi

# of_algorithm SOURCE FORM PAGES: $p, of a size that nothing else has. So the guard has
# not digested it before it is listed, but IMA has measured it by then.
of_algorithm() {
	attempt pad "$1" "$p" $((padded + $3 * 4096)) "$mode $p"
	attempt set-ima "$p" "$2" || note "$case: cannot set security.ima"
}

ima_ima_exec_md5() {
	of_algorithm "$bin"/payload md5 11
	judged exec "$p" attempt exec "$p"
}

ima_ima_exec_sha1() {
	of_algorithm "$bin"/payload sha1 12
	judged exec "$p" attempt exec "$p"
}

ima_ima_exec_old_md5() {
	of_algorithm "$bin"/payload old-md5 13
	judged exec "$p" attempt exec "$p"
}

ima_ima_exec_old_sha1() {
	of_algorithm "$bin"/payload old-sha1 14
	judged exec "$p" attempt exec "$p"
}

ima_ima_load_sha1() {
	of_algorithm "$bin"/libpayload.so sha1 15
	judged load "$p" attempt map "$p"
}

ima_ima_script_sha1() {
	printf '#!/bin/sh\n# %s\necho payload ran\n# %04000d\n' "$mode $p" 0 >"$p"
	chmod 755 "$p"
	attempt set-ima "$p" sha1
	judged exec "$p" attempt exec "$p"
}

ima_ima_module_md5() {
	module
	attempt set-ima "$module" md5
	judged module "$module" attempt insmod "$module"
}

ima_ima_open_sha1() {
	package "$p"
	head -c 4096 /dev/zero >>"$p"
	attempt set-ima "$p" sha1
	judged open "$p" act_open_again
}

# A file that is not listed but whose size is.
ima_ima_exec_sha1_unlisted() {
	of_algorithm "$bin"/payload sha1 0
	unlisted exec "$p" act_twice
}
act_twice() {
	attempt exec "$p" && attempt exec "$p"
}

# An inode that held the listed content once may be taken for it for ever: each attempt
# gets a new one. The kernel answers with the clean content's digest.
fresh() {
	rm -f file
	"$@"
}

ima_ima_load_rewritten_through_descriptor() {
	library "$p"
	library "$dir/clean" clean
	judged load "$p" fresh attempt rewrite-fd "$dir/file" "$dir/clean" "$p"
}

ima_ima_load_rewritten_through_mapping() {
	library "$p"
	library "$dir/clean" clean
	judged load "$p" fresh attempt rewrite-shared "$dir/file" "$dir/clean" "$p"
}

ima_ima_load_rewritten_through_later_mapping() {
	library "$p"
	library "$dir/clean" clean
	judged load "$p" fresh attempt rewrite-shared-late "$dir/file" "$dir/clean" "$p"
}

# One lower file below two overlays: rewritten underneath, the kernel still has what it
# measured through each when the program is executed. Then IMA measures anew, and the
# mapping of the code is judged by that, where a refusal kills.
ima_ima_overlay_two_rewritten() {
	mkdir -p lower again/upper again/work again/merged
	program "$dir/clean" clean
	program "$p"
	overlay lower
	mount -t overlay overlay \
		-o "lowerdir=lower,upperdir=again/upper,workdir=again/work" again/merged
	judged load "$p" act_overlay_two_rewritten
}
act_overlay_two_rewritten() {
	local r=0 name=file.$RANDOM$RANDOM
	cp clean "lower/$name"
	attempt exec "$dir/merged/$name" || return 2
	attempt exec "$dir/again/merged/$name" || return 2
	attempt writable "lower/$name" || return 2
	dd "if=$p" "of=lower/$name" conv=notrunc status=none
	attempt run 'payload ran' "$dir/merged/$name" || r=$?
	attempt run 'payload ran' "$dir/again/merged/$name" && return 0
	return $r
}

# The proof holds, and the doctor names the condition with its remedy.
state_ima_doctor() {
	local found remedy
	doctor
	found=$(step 'ima policy')
	remedy=$(jq -r '.data.checks[] | select(.name == "ima policy") | .remedy' <<<"$text")
	if [ "$status" != 0 ]; then
		result unsound "status $status: $text"
	elif [[ $found != warn:*'IMA policy'* || $remedy != *ima_policy=* ]]; then
		result unexplained "'$found', remedy '$remedy'"
	elif [[ $(step program) != 'ok: refused'* || $(step library) != 'ok: refused'* ]]; then
		result missed "$text"
	else
		result denied "$found; $remedy"
	fi
}
