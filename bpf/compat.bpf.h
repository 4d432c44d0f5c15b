/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * compat.bpf.h - one accessor for each thing that differs between the kernels that
 * one object serves. Included by the .bpf.c files and their headers only.
 */
#pragma once

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* asm-generic/errno-base.h */
#define EPERM  1
#define ENOMEM 12

/* include/uapi/linux/stat.h, include/linux/fs.h, include/uapi/asm-generic/fcntl.h */
#define S_IFMT	      0170000
#define S_IFREG	      0100000
#define FMODE_READ    0x1
#define FMODE_WRITE   0x2
#define F_FMODE_EXEC  0x20 /* __FMODE_EXEC: the open belongs to an exec */
#define O_DIRECT      00040000
#define ATTR_SIZE     (1 << 3)
#define ATTR_FILE     (1 << 13)
#define ATTR_OPEN     (1 << 15)
#define PROT_EXEC     0x4
#define MAP_SHARED    0x1
#define VM_EXEC	      0x4
#define SB_KERNMOUNT  (1UL << 22)
#define F_SEAL_SHRINK 0x2
#define F_SEAL_GROW   0x4
#define F_SEAL_WRITE  0x8

/* include/uapi/linux/magic.h and the filesystems' own headers */
#define TMPFS_MAGIC	      0x01021994
#define HUGETLBFS_MAGIC	      0x958458f6
#define OVERLAYFS_SUPER_MAGIC 0x794c7630

/* include/uapi/linux/bpf.h: bpf_ringbuf_query() */
#define BPF_RB_AVAIL_DATA 0

/* include/uapi/linux/major.h */
#define LOOP_MAJOR 7

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define barrier()    asm volatile("" ::: "memory")

/* i_ctime was split in 6.11 (3aa63a569c64); drop the flavours with the kernels before it. */
static __always_inline __u64 psc_inode_ctime(struct inode *inode, __u32 *ret_nsec)
{
	struct inode___timespec_private *private = (void *)inode;
	struct inode___timespec *old = (void *)inode;

	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		*ret_nsec = inode->i_ctime_nsec;
		return inode->i_ctime_sec;
	}
	if (bpf_core_field_exists(private->__i_ctime)) {
		*ret_nsec = private->__i_ctime.tv_nsec;
		return private->__i_ctime.tv_sec;
	}
	*ret_nsec = old->i_ctime.tv_nsec;
	return old->i_ctime.tv_sec;
}
