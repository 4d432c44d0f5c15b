// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * map.bpf.c - code that enters a process by a mapping: libraries, `ld.so program`,
 * plugins, and the segments of every ELF program.
 *
 * lsm.s/mmap_file: called before the mapping exists and before mmap_lock is taken.
 *   Sleepable: it digests.
 * lsm/file_mprotect: PROT_EXEC added to a mapping of a file. mmap_lock is held, so it
 *   cannot sleep: the cached identity decides, an unknown one is unverified:uncached.
 */
#include "guard.bpf.h"

SEC("lsm.s/mmap_file")
int BPF_PROG(psc_mmap_file, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags)
{
	/*
	 * Device and direct I/O into such a mapping holds its pages, not the file: they can change
	 * when mapping and descriptor are long gone.
	 */
	if (flags & MAP_SHARED && file && file->f_mode & FMODE_WRITE)
		psc_mark_shared(file);
	if (!(prot & PROT_EXEC))
		return 0;
	/* this is how the daemon asks for the digest of a file that was opened */
	if (!psc_have_post_open && file && psc_is_daemon())
		psc_remember(file);
	if (psc_guard(file, PSC_OP_LOAD, 0, true))
		return -EPERM;
	return 0;
}

SEC("lsm/file_mprotect")
int BPF_PROG(psc_file_mprotect, struct vm_area_struct *vma, unsigned long reqprot,
	     unsigned long prot)
{
	if (!(prot & PROT_EXEC) || vma->vm_flags & VM_EXEC)
		return 0;
	if (psc_guard(vma->vm_file, PSC_OP_LOAD, PSC_EVENT_MPROTECT, false))
		return -EPERM;
	return 0;
}
