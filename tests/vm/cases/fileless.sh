# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2317
# Cases of content that no name leads to, or that is in memory; see batch.sh.

case_exec_tmpfile() {
	program "$p"
	judged exec "$p" attempt exec-tmpfile "$p"
}

case_exec_tmpfile_fd() {
	program "$p"
	judged exec "$p" attempt exec-tmpfile-fd "$p"
}

case_exec_deleted() {
	program "$p"
	judged exec "$p" attempt exec-deleted "$p"
}

case_exec_other_process_fd() {
	program "$p"
	judged exec "$p" attempt exec-other-fd "$p"
}

# It runs since before its content was listed, and executes /proc/self/exe when asked.
case_exec_proc_self_exe() {
	pad "$bin"/payload-again "$p" "$mode $p"
	mkfifo ask answer
	"$p" ask answer </dev/null >/dev/null 2>&1 &
	running+=("$!")
	judged exec "$p" act_exec_proc_self_exe
}
act_exec_proc_self_exe() {
	local status
	printf x >ask
	read -r status <answer
	return "$status"
}

# Its name is gone meanwhile, so that nothing but the running process leads to it.
case_exec_proc_self_exe_deleted() {
	pad "$bin"/payload-again "$p" "$mode $p"
	cp "$p" copy
	mkfifo ask answer
	./copy ask answer </dev/null >/dev/null 2>&1 &
	running+=("$!")
	rm copy
	judged exec "$p" act_exec_proc_self_exe
}

# Clean when it is executed; the listed content is written into what runs.
case_exec_memfd_rewritten() {
	program "$p"
	program "$dir/clean" clean
	judged exec "$p" attempt exec-memfd-rewritten "$dir/clean" "$p"
}

# of_memory VERB: the record of memory without a file of its own is known by its process.
of_memory() {
	local record reason
	library "$p"
	cp "$bin"/attempt memory
	list "$p"
	log_mark
	try ./memory "$1" "$p"
	log_barrier
	record=$(log_since | grep -F '"op":"load"' | grep -F '"name":"memory"')
	unlist "$p"
	reason=${record##*\"reason\":\"} reason=${reason%%\"*}
	case $status,$reason in
	0,unverified:*) result "unverified:${reason#unverified: }" "$record" ;;
	0,) result missed "$text" ;;
	0,listed) result recorded "$record" ;;
	1,?*) result denied "$record" ;;
	*) result failed "$text; $record" ;;
	esac
}

# Written, then made executable.
each_load_shared_memory() {
	of_memory map-shared
}

each_load_system_v_memory() {
	of_memory map-sysv
}
