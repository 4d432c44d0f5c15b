/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vmlinux.h - the kernel types that the programs read, and of them only the
 * members that they read. Written by hand so that the build does not depend on
 * the build machine's kernel: CO-RE finds each member by name in the running
 * kernel's BTF, order and size here mean nothing. Members that moved between
 * kernels are flavours (___name), see compat.bpf.h.
 */
#pragma once

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef _Bool bool;

enum { false = 0, true = 1 };

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_INODE_STORAGE = 28,
};

enum {
	BPF_F_NO_PREALLOC = 1U << 0,
	BPF_F_MMAPABLE = 1U << 10,
	BPF_F_INNER_MAP = 1U << 12,
};

#define BPF_LOCAL_STORAGE_GET_F_CREATE (1ULL << 0)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__u32 val;
} kuid_t;

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct timezone {
	int tz_minuteswest;
};

struct gendisk {
	int major;
};

struct block_device {
	struct gendisk *bd_disk;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_flags;
	unsigned long s_magic;
	struct block_device *s_bdev;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct inode {
	__u16 i_mode;
	unsigned long i_ino;
	__s64 i_size;
	__u32 i_generation;
	atomic_t i_writecount;
	struct super_block *i_sb;
	struct hlist_head i_dentry;
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
};

/* before 6.11 (3aa63a569c64), from 6.6 */
struct inode___timespec_private {
	struct timespec64 __i_ctime;
};

/* before 6.6 (13bc24457850) */
struct inode___timespec {
	struct timespec64 i_ctime;
};

struct shmem_inode_info {
	unsigned int seals;
	struct inode vfs_inode;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct inode *d_inode;
	struct qstr d_name;
	union {
		struct hlist_node d_alias;
	} d_u;
};

/* should the union lose its name */
struct dentry___flat {
	struct hlist_node d_alias;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	unsigned int f_flags;
	unsigned int f_mode;
	struct path f_path;
	void *private_data;
};

struct linux_binprm {
	struct file *file;
	const char *filename;
	const char *interp;
	unsigned int is_check : 1; /* from 6.14 (a5874fde3c08) */
};

struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
};

struct iattr {
	unsigned int ia_valid;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct pid_namespace {
	struct ns_common ns;
	unsigned int level;
};

struct upid {
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

typedef struct {
	__u32 val;
} kgid_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
};

struct mm_struct {
	struct file *exe_file;
};

struct task_struct {
	struct mm_struct *mm;
	int pid;
	int tgid;
	__u64 start_boottime;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	const struct cred *cred;
	kuid_t loginuid;
	unsigned int sessionid;
	struct nsproxy *nsproxy;
	struct pid *thread_pid;
	char comm[16];
};

struct user_namespace {
	int level;
};

struct mnt_idmap {
	int unused;
};

struct bpf_map {
	int id;
};

#pragma clang attribute pop
