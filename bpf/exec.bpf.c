// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * exec.bpf.c - execution of programs and scripts.
 *
 * lsm.s/bprm_check_security: once for each format the kernel tries: for a #! script with
 *   the script and then with its interpreter, for binfmt_misc likewise; before the point
 *   of no return, so that -EPERM reaches the caller. Sleepable: it digests.
 * lsm.s/bprm_creds_for_exec: only for AT_EXECVE_CHECK (6.14, a5874fde3c08), by which
 *   interpreters ask before they read a script; the other hook is not called then. For
 *   every other exec it would see the same file a moment earlier and is not attached to
 *   kernels without that flag. Where the flag is there but must not be looked at
 *   (--without execve_check) nobody can tell the two apart: the file that is named is judged
 *   here whatever is asked, and in the other hook only what it leads to.
 */
#include "guard.bpf.h"

/* Set by the loader. */
const volatile bool psc_have_execve_check = true;
const volatile bool psc_exec_judged_before = false; /* in bprm_creds_for_exec */

SEC("lsm.s/bprm_check_security")
int BPF_PROG(psc_bprm_check_security, struct linux_binprm *bprm)
{
	bool named = bprm->interp == bprm->filename;
	__u16 flags = named ? 0 : PSC_EVENT_SCRIPT_INTERP;

	if (named && psc_exec_judged_before)
		return 0;
	if (psc_guard(bprm->file, PSC_OP_EXEC, flags, true))
		return -EPERM;
	return 0;
}

SEC("lsm.s/bprm_creds_for_exec")
int BPF_PROG(psc_bprm_creds_for_exec, struct linux_binprm *bprm)
{
	__u16 flags = 0;

	if (psc_have_execve_check) {
		if (!BPF_CORE_READ_BITFIELD(bprm, is_check))
			return 0;
		flags = PSC_EVENT_EXECVE_CHECK;
	}
	if (psc_guard(bprm->file, PSC_OP_EXEC, flags, true))
		return -EPERM;
	return 0;
}
