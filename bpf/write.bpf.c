// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * write.bpf.c - keeps the identity cache honest: whatever can begin a change of a file's
 * content moves the epoch of its cached identity.
 *
 * lsm/file_open: an open for write. i_writecount is already raised here, so that a digest
 *   that begins later sees the writer and one that is under way sees the epoch. Where the
 *   kernel has no file_post_open this program also judges opens for reading.
 * lsm/inode_setattr: truncation, by path (truncate, O_TRUNC) or descriptor. Before 6.3
 *   (c1632a0f1120) it had no idmap argument: two programs, one is loaded. Where an IMA
 *   policy measures, it also tells which files IMA's own memory may be wrong about.
 * lsm/inode_copy_up: an overlay is about to copy a lower file up. Who has it open already
 *   goes on mapping the lower one. Kernels that name the real inode of an open file need it
 *   not.
 */
#include "guard.bpf.h"

const volatile bool psc_have_post_open = true;

static __always_inline void touch(struct inode *inode)
{
	struct psc_identity *identity = bpf_inode_storage_get(&psc_identities, inode, 0, 0);

	if (identity)
		__sync_fetch_and_add(&identity->epoch, 1);
}

static __always_inline int judge_if_listed(struct file *file, struct inode *inode)
{
	if (psc_have_post_open || !psc_size_listed(PSC_FILTER_OPEN, inode->i_size))
		return 0;
	return psc_judge_open(file, false);
}

/* A function of its own, so that an open for reading need not save registers over touch(). */
static __noinline int open_for_write(struct file *file, struct inode *inode)
{
	touch(inode);
	return judge_if_listed(file, inode);
}

SEC("lsm/file_open")
int BPF_PROG(psc_file_open, struct file *file)
{
	struct inode *inode = file->f_inode;
	int refused;

	if (file->f_mode & FMODE_WRITE)
		refused = open_for_write(file, inode);
	else
		refused = judge_if_listed(file, inode);
	if (refused)
		return -EPERM;
	return 0;
}

/*
 * IMA measures a file anew when a writer closes it. A file that is truncated by its path has
 * no writer: where an IMA policy measures, the digest that IMA remembers from before is not
 * to be believed for as long as the inode, and IMA's memory with it, lives.
 */
static __always_inline void suspect_if_no_writer(struct inode *inode, unsigned int valid)
{
	__u32 slot = psc_shared.control.generation & (PSC_SLOTS - 1);
	struct psc_identity *identity;

	if (!(psc_shared.table[slot].flags & PSC_TABLE_IMA_POLICY) ||
	    valid & (ATTR_FILE | ATTR_OPEN))
		return;
	identity = bpf_inode_storage_get(&psc_identities, inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (identity)
		identity->suspect = 1;
}

static __always_inline void touch_if_resized(struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode;

	if (!(attr->ia_valid & ATTR_SIZE))
		return;
	inode = dentry->d_inode;
	if (!inode)
		return;
	touch(inode);
	suspect_if_no_writer(inode, attr->ia_valid);
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

/*
 * Before the copy begins: who opens the file from here on may still get the lower one. The
 * mark lives as long as the inode, which every open file holds.
 */
SEC("lsm/inode_copy_up")
int BPF_PROG(psc_inode_copy_up, struct dentry *source, struct cred **new)
{
	struct inode *inode = source->d_inode;
	struct psc_identity *identity;

	if (!inode || (inode->i_mode & S_IFMT) != S_IFREG)
		return 0;
	identity = bpf_inode_storage_get(&psc_identities, inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!identity)
		return -ENOMEM;
	*(volatile __u32 *)&identity->copied_up = 1;
	return 0;
}
