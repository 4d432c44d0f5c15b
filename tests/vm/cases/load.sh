# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Cases of code that enters a process by a mapping; see batch.sh.

case_load_needed() {
	library "$dir/libpayload.so"
	cp "$bin"/payload-needed program
	judged load "$dir/libpayload.so" attempt run 'library loaded' "$dir/program"
}

case_load_dlopen() {
	library "$p"
	judged load "$p" attempt run 'library loaded' "$bin"/payload-dlopen "$p"
}

# The loader goes on without the library, which is what counts.
case_load_preload() {
	library "$p"
	judged load "$p" env "LD_PRELOAD=$p" attempt run 'library loaded' "$bin"/payload
}

case_load_ld_so() {
	program "$p"
	judged load "$p" attempt run 'payload ran' /lib64/ld-linux-x86-64.so.2 "$p"
}

case_load_map() {
	library "$p"
	judged load "$p" attempt map "$p"
}

case_load_map_implied() {
	library "$p"
	judged load "$p" attempt map-implied "$p"
}

case_load_map_remapped() {
	library "$p"
	judged load "$p" attempt map-remapped "$p"
}

# The loader that a program names: the kernel maps it behind the point of no return.
case_load_elf_interpreter() {
	attempt pad /lib64/ld-linux-x86-64.so.2 "$p" 262144 "$mode $p"
	ln -sf "$p" /run/payload-loader
	judged load "$p" attempt run 'payload ran' "$bin"/payload-loader
}

case_load_overlay() {
	mkdir lower
	library "$dir/lower/file"
	overlay lower
	judged load "$dir/lower/file" attempt map "$dir/merged/file"
}

# The identity is cached by a mapping before the content is listed.
case_load_mprotect_cached() {
	library "$p"
	attempt map "$p"
	judged load "$p" attempt mprotect "$p"
}

case_load_mprotect_uncached() {
	library "$p"
	judged load "$p" attempt mprotect "$p"
}

# While the size is listed such a mapping is refused whatever the content: the control
# needs sizes that nothing else has.
case_load_direct() {
	attempt pad "$bin"/libpayload.so "$p" $((padded + 4096)) "$mode $p"
	judged load "$p" attempt map-direct "$p"
}

case_load_direct_late() {
	attempt pad "$bin"/libpayload.so "$p" $((padded + 8192)) "$mode $p"
	judged load "$p" attempt map-direct-late "$p"
}

case_load_direct_cached() {
	library "$p"
	attempt map "$p"
	judged load "$p" attempt map-direct "$p"
}

case_load_memfd() {
	library "$p"
	judged load "$p" attempt map-memfd "$p"
}

case_load_memfd_unlisted() {
	library "$p"
	unlisted load "$p" attempt map-memfd "$p"
}

case_load_written() {
	library "$p"
	judged load "$p" attempt map-written "$p"
}

case_load_written_unlisted() {
	library "$p"
	unlisted load "$p" attempt map-written "$p"
}

# Code that is read into anonymous memory comes from no file.
case_load_copied_to_memory() {
	library "$p"
	judged load "$p" attempt map-copy "$p"
}

case_load_rewritten_through_descriptor() {
	library "$p"
	library "$dir/clean" clean
	judged load "$p" attempt rewrite-fd "$dir/file" "$dir/clean" "$p"
}

case_load_rewritten_through_mapping() {
	library "$p"
	library "$dir/clean" clean
	judged load "$p" attempt rewrite-shared "$dir/file" "$dir/clean" "$p"
}

case_load_rewritten_through_later_mapping() {
	library "$p"
	library "$dir/clean" clean
	judged load "$p" attempt rewrite-shared-late "$dir/file" "$dir/clean" "$p"
}

# Whatever is digested while it is written: when the writer is done the verdict is right.
# Alone, because of its many records.
race_load_race_with_writer() {
	library "$p"
	library "$dir/clean" clean
	judged load "$p" attempt race "$dir/file" "$dir/clean" "$p" 1.5
}
