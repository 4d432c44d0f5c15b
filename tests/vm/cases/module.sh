# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Cases of kernel modules; see batch.sh. The attempts unload what they loaded.

# module: an uncompressed module that nothing needs, under its own name in $dir.
module() {
	local from
	from=$(find /lib/modules/*/kernel/fs/nls -name 'nls_cp737.ko*')
	module=$dir/nls_cp737.ko
	case $from in
	*.xz) busybox xz -dc "$from" >"$module" ;;
	*) cp "$from" "$module" ;;
	esac
}

case_module_file() {
	module
	judged module "$module" attempt insmod "$module"
}

# Its content comes in memory, without a file: only the process tells whose record it is.
case_module_memory() {
	module
	cp "$bin"/attempt "$case"
	printf '%s\n' "$mode" >"$p"
	judged module "$p" "$dir/$case" insmod-memory "$module"
}
