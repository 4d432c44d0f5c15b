// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * open.bpf.c - reading of listed content that the kernel does not execute: packages,
 * Windows programs, plugins.
 *
 * lsm.s/file_post_open (6.10, 8f46ff5767b0): the file is open, so it can be digested.
 * Kernels before it are served by psc_file_open in write.bpf.c, by cached identity.
 */
#include "guard.bpf.h"

SEC("lsm.s/file_post_open")
int BPF_PROG(psc_file_post_open, struct file *file, int mask)
{
	if (!psc_size_listed(PSC_FILTER_OPEN, file->f_inode->i_size))
		return 0;
	if (psc_judge_open(file, true))
		return -EPERM;
	return 0;
}
