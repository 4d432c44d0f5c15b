// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * open.bpf.c - reading of listed content that the kernel does not execute: packages,
 * Windows programs, plugins.
 *
 * lsm.s/file_post_open (6.10, 8f46ff5767b0): the file is open, so it can be digested.
 * Kernels before it are served by psc_file_open in write.bpf.c, by cached identity.
 * The open that belongs to an exec is judged as exec and left out here.
 */
#include "open.bpf.h"

SEC("lsm.s/file_post_open")
int BPF_PROG(psc_file_post_open, struct file *file, int mask)
{
	struct psc_finding finding = {};
	struct inode *inode;

	if (!psc_open_is_judged(file))
		return 0;
	inode = file->f_inode;
	finding.size = inode->i_size;
	if (!psc_size_listed(PSC_FILTER_OPEN, finding.size))
		return 0;
	finding.kind = PSC_FILTER_OPEN;
	finding.listed_size = true;
	finding.op = PSC_OP_OPEN;
	psc_identify(file, inode, &finding);
	if (psc_conclude(file, &finding, true))
		return -EPERM;
	return 0;
}
