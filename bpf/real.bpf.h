/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * real.bpf.h - what a file's content hangs on: its inode's, or for a file on overlayfs
 * those of the real inode below, whose changes the overlay's own inode does not show.
 * For identify.bpf.c.
 */
#pragma once

#include "guard.bpf.h"

struct ovl_file___realfile {
	struct file *realfile;
};

/* What is read of an inode, or of the real one below it. */
struct psc_content {
	struct psc_stamp stamp;
	__s32 writers;	     /* i_writecount */
	__u32 unverified;    /* why the content may change unseen, PSC_UNVERIFIED_NONE */
	unsigned long magic; /* of the file system */
	unsigned long sb_flags;
	__u32 on_loop; /* boolean: the file system is on a loop device */
};

/*
 * from 7.0, fs/bpf_fs_kfuncs.c: the inode that holds the data of a file on a union file
 * system. It sleeps. The flag is set by the loader.
 */
extern struct inode *bpf_real_data_inode(struct file *file) __ksym __weak;
extern const volatile bool psc_have_real_inode;

/* Whoever may write the image changes files without their file system's knowing. */
static __always_inline bool psc_is_on_loop(struct inode *inode)
{
	return BPF_CORE_READ(inode, i_sb, s_bdev, bd_disk, major) == LOOP_MAJOR;
}

/* Fields are loaded by probing: the real inode is no pointer that the verifier trusts. */
static __always_inline void psc_content_probe(struct inode *inode, struct psc_content *ret)
{
	struct inode___timespec_private *private = (void *)inode;
	struct inode___timespec *old = (void *)inode;

	ret->stamp.inode = BPF_CORE_READ(inode, i_ino);
	ret->stamp.size = BPF_CORE_READ(inode, i_size);
	ret->stamp.device = BPF_CORE_READ(inode, i_sb, s_dev);
	ret->writers = BPF_CORE_READ(inode, i_writecount.counter);
	ret->magic = BPF_CORE_READ(inode, i_sb, s_magic);
	ret->sb_flags = BPF_CORE_READ(inode, i_sb, s_flags);
	ret->on_loop = psc_is_on_loop(inode);
	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		ret->stamp.ctime_sec = BPF_CORE_READ(inode, i_ctime_sec);
		ret->stamp.ctime_nsec = BPF_CORE_READ(inode, i_ctime_nsec);
	} else if (bpf_core_field_exists(private->__i_ctime)) {
		ret->stamp.ctime_sec = BPF_CORE_READ(private, __i_ctime.tv_sec);
		ret->stamp.ctime_nsec = BPF_CORE_READ(private, __i_ctime.tv_nsec);
	} else {
		ret->stamp.ctime_sec = BPF_CORE_READ(old, i_ctime.tv_sec);
		ret->stamp.ctime_nsec = BPF_CORE_READ(old, i_ctime.tv_nsec);
	}
}

static __always_inline void psc_content_load(struct inode *inode, struct psc_content *ret)
{
	ret->stamp.inode = inode->i_ino;
	ret->stamp.size = inode->i_size;
	ret->stamp.device = inode->i_sb->s_dev;
	ret->stamp.ctime_sec = psc_inode_ctime(inode, &ret->stamp.ctime_nsec);
	ret->writers = inode->i_writecount.counter;
	ret->magic = inode->i_sb->s_magic;
	ret->sb_flags = inode->i_sb->s_flags;
	ret->on_loop = psc_is_on_loop(inode);
}

/*
 * The inode of @real, if that is an open file at all. Then its path leads to the same inode
 * or, before 6.7 (def3ae83da02), where overlay opened the real file under its own path, to
 * the overlay's, @top.
 */
static __always_inline struct inode *checked_inode(struct file *real, struct inode *top)
{
	struct inode *inode = BPF_CORE_READ(real, f_inode);
	struct inode *named = BPF_CORE_READ(real, f_path.dentry, d_inode);

	return inode && (named == inode || named == top) ? inode : NULL;
}

/*
 * The file below an open file on overlayfs: overlay keeps it in private_data, from 6.13
 * (87a8a76c34a2) inside a struct ovl_file. Which of the two it is cannot be told from the
 * kernel's types, as overlay is a module; so either is taken if it looks like a file on
 * another file system. NULL while the file is being opened.
 */
static __always_inline struct inode *psc_file_below(struct file *file, struct file **ret)
{
	struct file *real = BPF_CORE_READ(file, private_data);
	struct ovl_file___realfile *container = (void *)real;
	struct inode *top = BPF_CORE_READ(file, f_inode);
	struct inode *inode;

	if (!real)
		return NULL;
	inode = checked_inode(real, top);
	if (!inode) {
		if (bpf_probe_read_kernel(&real, sizeof(real), container) || !real)
			return NULL;
		inode = checked_inode(real, top);
	}
	*ret = real;
	return inode;
}

static __always_inline bool psc_is_overlay(struct inode *inode)
{
	return BPF_CORE_READ(inode, i_sb, s_magic) == OVERLAYFS_SUPER_MAGIC;
}

/* The real inode below, NULL where it is not known or is itself on an overlay. */
static __always_inline struct inode *psc_overlay_inode(struct file *file)
{
	struct file *real;
	struct inode *inode = psc_file_below(file, &real);

	return inode && !psc_is_overlay(inode) ? inode : NULL;
}

/*
 * The inode that a mapping of the file maps: the real one as it was when the file was opened,
 * through two overlays at most, which is as many as the kernel stacks.
 */
static __always_inline struct inode *psc_mapped_inode(struct file *file)
{
	struct file *real;
	struct inode *inode = psc_file_below(file, &real);

	if (inode && psc_is_overlay(inode))
		inode = psc_file_below(real, &real);
	return inode;
}
