// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * write.bpf.c - keeps the identity cache honest: whatever can begin a change of a file's
 * content moves the epoch of its cached identity.
 *
 * lsm/file_open: an open for write. i_writecount is already raised here, so that a digest
 *   that begins later sees the writer and one that is under way sees the epoch. Where the
 *   kernel has no file_post_open this program also judges opens for reading.
 * lsm/inode_setattr: truncation, by path (truncate, O_TRUNC) or descriptor. Before 6.3
 *   (c1632a0f1120) it had no idmap argument: two programs, one is loaded.
 */
#include "open.bpf.h"

/* Set by the loader. */
const volatile bool psc_have_post_open = true;

static __always_inline void touch(struct inode *inode)
{
	struct psc_identity *identity = bpf_inode_storage_get(&psc_identities, inode, 0, 0);

	if (identity)
		__sync_fetch_and_add(&identity->epoch, 1);
}

/*
 * No digest can be had here (bpf_ima_file_hash answers -EOPNOTSUPP). What is not cached
 * is reported to the daemon, which has it digested, so that the next open is known.
 */
static __noinline int judge_open(struct file *file, struct inode *inode)
{
	struct psc_finding finding = {};

	finding.size = inode->i_size;
	finding.kind = PSC_FILTER_OPEN;
	finding.listed_size = true;
	finding.op = PSC_OP_OPEN;
	psc_identify_cached(file, inode, &finding);
	if (finding.unverified == PSC_UNVERIFIED_UNCACHED) {
		if (psc_is_daemon())
			return 0;
		psc_emit_wanted(file, &finding, true);
	}
	return psc_conclude(file, &finding, true);
}

SEC("lsm.s/file_open")
int BPF_PROG(psc_file_open, struct file *file)
{
	struct inode *inode = file->f_inode;

	if (!inode)
		return 0;
	if (file->f_mode & FMODE_WRITE)
		touch(inode);
	if (psc_have_post_open || !psc_open_is_judged(file) ||
	    !psc_size_listed(PSC_FILTER_OPEN, inode->i_size))
		return 0;
	if (judge_open(file, inode))
		return -EPERM;
	return 0;
}

static __always_inline void touch_if_resized(struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode;

	if (!(attr->ia_valid & ATTR_SIZE))
		return;
	inode = dentry->d_inode;
	if (inode)
		touch(inode);
}

SEC("lsm/inode_setattr")
int BPF_PROG(psc_inode_setattr, struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	touch_if_resized(dentry, attr);
	return 0;
}

SEC("lsm/inode_setattr")
int BPF_PROG(psc_inode_setattr_plain, struct dentry *dentry, struct iattr *attr)
{
	touch_if_resized(dentry, attr);
	return 0;
}
