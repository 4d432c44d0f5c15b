// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * identify.bpf.c - which content a file has: from the identity cache, else by the
 * kernel's own SHA-256. Called by guard.bpf.h. The table of what can fail stands there.
 */
#include "guard.bpf.h"

/* thread_info.flags, arch/x86/include/asm/thread_info.h */
#define TIF_SIGPENDING (1UL << 2)

struct thread_info {
	unsigned long flags;
} __attribute__((preserve_access_index));

struct task_struct___thread_info {
	struct thread_info thread_info;
} __attribute__((preserve_access_index));

/* The content may change without this inode's write count or ctime showing it. */
static __always_inline __u32 foreign_content(struct inode *inode)
{
	struct shmem_inode_info *shmem;
	__u32 seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	switch (inode->i_sb->s_magic) {
	case FUSE_SUPER_MAGIC:
	case NFS_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case V9FS_MAGIC:
	case AFS_FS_MAGIC:
	case CEPH_SUPER_MAGIC:
		return PSC_UNVERIFIED_FILESYSTEM;
	}
	if (!psc_is_memory_file(inode))
		return PSC_UNVERIFIED_NONE;
	if (inode->i_sb->s_magic != TMPFS_MAGIC)
		return PSC_UNVERIFIED_MEMFD;
	shmem = (void *)inode - bpf_core_field_offset(struct shmem_inode_info, vfs_inode);
	if ((BPF_CORE_READ(shmem, seals) & seals) != seals)
		return PSC_UNVERIFIED_MEMFD;
	return PSC_UNVERIFIED_NONE;
}

static __always_inline __u32 unstable_content(struct inode *inode)
{
	__u32 reason = foreign_content(inode);

	if (reason == PSC_UNVERIFIED_NONE && inode->i_writecount.counter > 0)
		reason = PSC_UNVERIFIED_WRITER;
	return reason;
}

/* Nothing of the overlay inode tells when the real file below it changes. */
static __always_inline bool may_cache(struct inode *inode)
{
	return inode->i_sb->s_magic != OVERLAYFS_SUPER_MAGIC;
}

static __always_inline bool identity_holds(const struct psc_identity *identity, struct inode *inode)
{
	__u32 cached = READ_ONCE(identity->cached_epoch);
	__u32 nsec;
	__u64 sec = psc_inode_ctime(inode, &nsec);

	return cached && cached == READ_ONCE(identity->epoch) + 1 &&
	       identity->size == (__u64)inode->i_size && identity->ctime_sec == sec &&
	       identity->ctime_nsec == nsec;
}

/*
 * Copies a valid identity out. It is checked again afterwards: a rewrite of the file
 * and of the entry during the copy would leave half of each digest.
 */
static __always_inline bool read_cache(struct psc_identity *identity, struct inode *inode,
				       struct psc_finding *finding)
{
	struct psc_counters *c;

	if (!identity_holds(identity, inode))
		return false;
	barrier();
	__builtin_memcpy(finding->digest, identity->digest, PSC_DIGEST_SIZE);
	barrier();
	if (!identity_holds(identity, inode))
		return false;
	finding->source = PSC_SOURCE_CACHE;
	finding->flags |= PSC_EVENT_DIGEST_VALID;
	c = psc_counters_get();
	if (c)
		__sync_fetch_and_add(&c->cache_hits, 1);
	return true;
}

/* The entry is for @epoch: should the epoch move from here on, it is void from birth. */
static __always_inline void write_cache(struct psc_identity *identity, struct inode *inode,
					__u32 epoch, const struct psc_finding *finding)
{
	__u32 nsec;

	if (__sync_val_compare_and_swap(&identity->lock, 0, 1))
		return;
	if (READ_ONCE(identity->epoch) == epoch) {
		*(volatile __u32 *)&identity->cached_epoch = 0;
		barrier();
		__builtin_memcpy(identity->digest, finding->digest, PSC_DIGEST_SIZE);
		identity->size = finding->size;
		identity->ctime_sec = psc_inode_ctime(inode, &nsec);
		identity->ctime_nsec = nsec;
		barrier();
		*(volatile __u32 *)&identity->cached_epoch = epoch + 1;
	}
	__sync_val_compare_and_swap(&identity->lock, 1, 0);
}

static __always_inline __u32 digest_failure(long ret)
{
	struct task_struct___thread_info *task = (void *)bpf_get_current_task_btf();

	if (ret >= 0)
		return PSC_UNVERIFIED_ALGORITHM;
	if (BPF_CORE_READ(task, thread_info.flags) & TIF_SIGPENDING)
		return PSC_UNVERIFIED_INTERRUPTED;
	return PSC_UNVERIFIED_ERROR;
}

/* Returns the reason for which there is no digest, or PSC_UNVERIFIED_NONE. */
static __always_inline __u32 digest_file(struct file *file, struct psc_finding *finding)
{
	struct psc_counters *c;
	long ret;

	ret = bpf_ima_file_hash(file, finding->digest, PSC_DIGEST_SIZE);
	if (ret != PSC_HASH_ALGO_SHA256)
		return digest_failure(ret);
	finding->source = PSC_SOURCE_DIGEST;
	finding->flags |= PSC_EVENT_DIGEST_VALID;
	c = psc_counters_get();
	if (c) {
		__sync_fetch_and_add(&c->digested_files, 1);
		__sync_fetch_and_add(&c->digested_bytes, finding->size);
	}
	return PSC_UNVERIFIED_NONE;
}

__hidden void psc_identify(struct file *file, struct inode *inode, struct psc_finding *finding)
{
	struct psc_identity *identity;
	__u32 reason = unstable_content(inode);
	__u32 slot = psc_shared.control.generation & (PSC_SLOTS - 1);
	__u32 epoch = 0, failure, before_nsec, after_nsec;
	__u64 before, after;

	finding->unverified = reason;
	if (!finding->listed_size)
		return;
	identity = bpf_inode_storage_get(&psc_identities, inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (identity) {
		if (reason == PSC_UNVERIFIED_NONE && read_cache(identity, inode, finding))
			return;
		epoch = READ_ONCE(identity->epoch);
	}
	if (finding->size > psc_shared.table[slot].hash_limit) {
		finding->unverified = PSC_UNVERIFIED_TOO_LARGE;
		return;
	}
	if (file->f_flags & O_DIRECT && finding->op != PSC_OP_EXEC) {
		finding->unverified = PSC_UNVERIFIED_DIRECT_IO;
		return;
	}
	before = psc_inode_ctime(inode, &before_nsec);
	failure = digest_file(file, finding);
	if (failure != PSC_UNVERIFIED_NONE) {
		finding->unverified = failure;
		return;
	}
	if (!identity) {
		if (reason == PSC_UNVERIFIED_NONE)
			finding->unverified = PSC_UNVERIFIED_STORAGE;
		return;
	}
	after = psc_inode_ctime(inode, &after_nsec);
	if (reason == PSC_UNVERIFIED_NONE)
		reason = unstable_content(inode);
	if (reason == PSC_UNVERIFIED_NONE &&
	    (READ_ONCE(identity->epoch) != epoch || finding->size != (__u64)inode->i_size ||
	     before != after || before_nsec != after_nsec))
		reason = PSC_UNVERIFIED_WRITER;
	finding->unverified = reason;
	if (reason == PSC_UNVERIFIED_NONE && may_cache(inode))
		write_cache(identity, inode, epoch, finding);
}

__hidden void psc_identify_cached(struct file *file, struct inode *inode,
				  struct psc_finding *finding)
{
	struct psc_identity *identity;

	finding->unverified = unstable_content(inode);
	if (!finding->listed_size)
		return;
	identity = bpf_inode_storage_get(&psc_identities, inode, 0, 0);
	if (identity && read_cache(identity, inode, finding))
		return;
	if (finding->unverified == PSC_UNVERIFIED_NONE)
		finding->unverified = PSC_UNVERIFIED_UNCACHED;
}
