// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * identify.bpf.c - which content a file has: from the identity cache, else by the
 * kernel's own SHA-256. Called by guard.bpf.h. The table of what can fail stands there.
 */
#include "real.bpf.h"

/* Set by the loader. */
const volatile bool psc_have_real_inode = true;

/* thread_info.flags, arch/x86/include/asm/thread_info.h */
#define TIF_SIGPENDING (1UL << 2)

/*
 * A change within the same tick of the clock leaves ctime as it was. ctime is the wall clock's,
 * which programs cannot read: TAI is at most so much ahead of it.
 */
#define SETTLED_SECONDS 100

struct thread_info {
	unsigned long flags;
} __attribute__((preserve_access_index));

struct task_struct___thread_info {
	struct thread_info thread_info;
} __attribute__((preserve_access_index));

/* Memory files can be rewritten whatever the write count says, until they are sealed. */
static __always_inline bool is_sealed(struct inode *inode, const struct psc_content *content)
{
	struct shmem_inode_info *shmem;
	__u32 seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	if (content->magic != TMPFS_MAGIC)
		return false;
	shmem = (void *)inode - bpf_core_field_offset(struct shmem_inode_info, vfs_inode);
	return (BPF_CORE_READ(shmem, seals) & seals) == seals;
}

/* Why content may change, or may have changed, without the stamp or the epoch showing it. */
static __always_inline __u32 instability(struct inode *inode, const struct psc_content *content,
					 const struct psc_table *table)
{
	if (content->magic == OVERLAYFS_SUPER_MAGIC)
		return PSC_UNVERIFIED_OVERLAY;
	if (psc_is_unstable(table, content->magic))
		return PSC_UNVERIFIED_FILESYSTEM;
	if (content->on_loop && table->flags & PSC_TABLE_LOOP_UNSTABLE)
		return PSC_UNVERIFIED_FILESYSTEM;
	if (content->sb_flags & SB_KERNMOUNT && !is_sealed(inode, content))
		return PSC_UNVERIFIED_MEMFD;
	if (content->writers > 0)
		return PSC_UNVERIFIED_WRITER;
	return PSC_UNVERIFIED_NONE;
}

static __always_inline const struct psc_table *current_table(void)
{
	return &psc_shared.table[psc_shared.control.generation & (PSC_SLOTS - 1)];
}

/*
 * Reads what the file's content hangs on. @inode is the file's own or, where the kernel
 * gives it, the real one below; else the real one is looked for here. A content whose
 * magic is still overlay's is one whose real inode is not known.
 */
static __always_inline void read_content(struct file *file, struct inode *inode,
					 struct psc_content *ret)
{
	struct inode *real = NULL;

	if (inode->i_sb->s_magic == OVERLAYFS_SUPER_MAGIC)
		real = psc_overlay_inode(file);
	if (real)
		psc_content_probe(real, ret);
	else
		psc_content_load(inode, ret);
	ret->unverified = instability(real ?: inode, ret, current_table());
}

static __always_inline bool same_stamp(const struct psc_stamp *a, const struct psc_stamp *b)
{
	return a->inode == b->inode && a->size == b->size && a->ctime_sec == b->ctime_sec &&
	       a->ctime_nsec == b->ctime_nsec && a->device == b->device;
}

static __always_inline bool identity_holds(const struct psc_identity *identity,
					   const struct psc_stamp *stamp)
{
	__u32 cached = READ_ONCE(identity->cached_epoch);

	return cached && !READ_ONCE(identity->shared) && cached == READ_ONCE(identity->epoch) + 1 &&
	       same_stamp(&identity->stamp, stamp);
}

/*
 * Is the cached content known to be in no list of this generation? What is found out is
 * kept beside it: as long as neither moves, the answer is one comparison. Nothing else
 * needs to be known of such a file: content that can change is never cached.
 */
static __always_inline bool is_clean(struct psc_identity *identity, __u32 version,
				     const struct psc_finding *finding)
{
	__u64 generation = READ_ONCE(psc_shared.control.generation);
	__u64 mark = (__u64)version << 32 | (__u32)generation;
	__u32 slot = generation & (PSC_SLOTS - 1);

	if (READ_ONCE(identity->clean) == mark)
		return true;
	if (psc_find_subject(slot, psc_shared.table[slot].index_bits, finding) != PSC_SUBJECT_NONE)
		return false;
	barrier();
	if (READ_ONCE(psc_shared.control.generation) != generation)
		return false;
	*(volatile __u64 *)&identity->clean = mark;
	return true;
}

/*
 * Copies a valid identity out. It is checked again afterwards: a rewrite of the file
 * and of the entry during the copy would leave half of each digest.
 */
static __always_inline bool read_cache(struct psc_identity *identity, const struct psc_stamp *stamp,
				       struct psc_finding *finding)
{
	__u32 version = READ_ONCE(identity->version);
	struct psc_counters *c;

	if (!identity_holds(identity, stamp))
		return false;
	barrier();
	__builtin_memcpy(finding->digest, identity->digest, PSC_DIGEST_SIZE);
	barrier();
	if (READ_ONCE(identity->version) != version || !identity_holds(identity, stamp))
		return false;
	finding->source = PSC_SOURCE_CACHE;
	finding->flags |= PSC_EVENT_DIGEST_VALID;
	finding->clean = is_clean(identity, version, finding);
	c = psc_counters_get();
	if (c)
		__sync_fetch_and_add(&c->cache_hits, 1);
	return true;
}

/* The entry is for @epoch: should the epoch move from here on, it is void from birth. */
static __always_inline void write_cache(struct psc_identity *identity,
					const struct psc_stamp *stamp, __u32 epoch,
					const struct psc_finding *finding)
{
	if (__sync_val_compare_and_swap(&identity->lock, 0, 1))
		return;
	if (READ_ONCE(identity->epoch) == epoch && !READ_ONCE(identity->shared)) {
		*(volatile __u32 *)&identity->cached_epoch = 0;
		*(volatile __u32 *)&identity->version += 1;
		barrier();
		__builtin_memcpy(identity->digest, finding->digest, PSC_DIGEST_SIZE);
		identity->stamp = *stamp;
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

/*
 * Where a read may take as long as another process or machine likes, or where that is not
 * known, the bytes under way are counted apart: who holds those back harms only his like.
 */
static __always_inline __u64 *digesting(__u32 unverified)
{
	if (unverified == PSC_UNVERIFIED_FILESYSTEM || unverified == PSC_UNVERIFIED_OVERLAY)
		return &psc_shared.digesting_bytes_unstable;
	return &psc_shared.digesting_bytes;
}

/*
 * Returns the reason for which there is no digest, or PSC_UNVERIFIED_NONE. The bytes that
 * are digested at one time on the whole host are bounded: each byte is read, and stays in
 * the page cache. @unverified: of the content.
 */
static __always_inline __u32 digest_file(struct file *file, struct psc_finding *finding,
					 const struct psc_table *table, __u32 unverified)
{
	__u64 *bytes = digesting(unverified);
	struct psc_counters *c;
	__u64 size = finding->size;
	long ret;

	if (size > table->hash_limit)
		return PSC_UNVERIFIED_TOO_LARGE;
	if (file->f_flags & O_DIRECT && finding->op != PSC_OP_EXEC)
		return PSC_UNVERIFIED_DIRECT_IO;
	if (__sync_fetch_and_add(bytes, size) + size > psc_busy_limit(table, size)) {
		__sync_fetch_and_add(bytes, -size);
		return PSC_UNVERIFIED_BUSY;
	}
	ret = bpf_ima_file_hash(file, finding->digest, PSC_DIGEST_SIZE);
	__sync_fetch_and_add(bytes, -size);
	if (ret != PSC_HASH_ALGO_SHA256)
		return digest_failure(ret);
	finding->source = PSC_SOURCE_DIGEST;
	finding->flags |= PSC_EVENT_DIGEST_VALID;
	c = psc_counters_get();
	if (c) {
		__sync_fetch_and_add(&c->digested_files, 1);
		__sync_fetch_and_add(&c->digested_bytes, size);
	}
	return PSC_UNVERIFIED_NONE;
}

/*
 * May the digest be kept with its stamp? Where the epoch of the real inode below an
 * overlay cannot be watched, only once its last change lies behind the clock's tick.
 */
static __always_inline bool is_settled(struct inode *inode, const struct psc_stamp *stamp)
{
	if (inode->i_sb->s_magic != OVERLAYFS_SUPER_MAGIC)
		return true;
	return stamp->ctime_sec + SETTLED_SECONDS < bpf_ktime_get_tai_ns() / 1000000000;
}

/* For the record: which layer of an overlay the content is in. */
static __always_inline void name_real_inode(struct file *file, const struct psc_content *content,
					    struct psc_finding *finding)
{
	if (file->f_inode->i_sb->s_magic != OVERLAYFS_SUPER_MAGIC ||
	    content->magic == OVERLAYFS_SUPER_MAGIC)
		return;
	finding->real_inode = content->stamp.inode;
	finding->real_device = content->stamp.device;
}

/* Is code about to be mapped from the file? The other operations read what is digested. */
static __always_inline bool maps_code(const struct psc_finding *finding)
{
	return finding->op == PSC_OP_EXEC || finding->op == PSC_OP_LOAD;
}

/*
 * Of a file that was copied up, reads give the upper content and mappings the one that was
 * there when the file was opened. Which of the two that was cannot be told; a digest from
 * before the copy-up still tells the lower one.
 */
static __always_inline bool may_map_another(const struct psc_identity *identity,
					    const struct psc_finding *finding)
{
	return maps_code(finding) && READ_ONCE(identity->copied_up);
}

/* @inode: as for read_content(); the identity is kept with it. */
static __noinline void identify_content(struct file *file, struct inode *inode,
					struct psc_finding *finding)
{
	const struct psc_table *table = current_table();
	struct psc_content before = {}, after = {};
	struct psc_identity *identity;
	__u32 epoch = 0, failure;

	read_content(file, inode, &before);
	name_real_inode(file, &before, finding);
	finding->unverified = before.unverified;
	if (finding->size != before.stamp.size) {
		finding->size = before.stamp.size;
		finding->listed_size = psc_size_listed(finding->kind, finding->size);
	}
	if (!finding->listed_size)
		return;
	identity = bpf_inode_storage_get(&psc_identities, inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (identity) {
		if (before.unverified == PSC_UNVERIFIED_NONE &&
		    read_cache(identity, &before.stamp, finding))
			return;
		/* whoever opens for write from here on moves the epoch; who did before is seen */
		epoch = READ_ONCE(identity->epoch);
		barrier();
		read_content(file, inode, &before);
		if (before.unverified == PSC_UNVERIFIED_NONE && may_map_another(identity, finding))
			before.unverified = PSC_UNVERIFIED_OVERLAY;
		finding->unverified = before.unverified;
	}
	failure = digest_file(file, finding, table, before.unverified);
	if (failure != PSC_UNVERIFIED_NONE) {
		/* what cannot be read at all (System V memory) is called what it is */
		if (failure != PSC_UNVERIFIED_ERROR || before.unverified == PSC_UNVERIFIED_NONE)
			finding->unverified = failure;
		return;
	}
	if (before.unverified != PSC_UNVERIFIED_NONE)
		return;
	if (!identity) {
		finding->unverified = PSC_UNVERIFIED_STORAGE;
		return;
	}
	read_content(file, inode, &after);
	finding->unverified = after.unverified;
	if (after.unverified != PSC_UNVERIFIED_NONE)
		return;
	if (READ_ONCE(identity->epoch) != epoch || !same_stamp(&before.stamp, &after.stamp))
		finding->unverified = PSC_UNVERIFIED_WRITER;
	else if (may_map_another(identity, finding))
		finding->unverified = PSC_UNVERIFIED_OVERLAY;
	else if (table->flags & PSC_TABLE_IMA_POLICY &&
		 (identity->suspect || file->f_inode->i_sb->s_magic == OVERLAYFS_SUPER_MAGIC))
		finding->unverified = PSC_UNVERIFIED_IMA_POLICY;
	else if (is_settled(inode, &before.stamp))
		write_cache(identity, &before.stamp, epoch, finding);
}

/*
 * @real was digested. Is it what will be mapped? A size that is not listed clears the other
 * file, as it does every file, unless somebody is writing it.
 */
static __always_inline void check_mapped(struct file *file, struct inode *real,
					 struct psc_finding *finding)
{
	struct inode *mapped;

	if (!maps_code(finding))
		return;
	mapped = psc_mapped_inode(file);
	if (mapped == real)
		return;
	if (mapped && BPF_CORE_READ(mapped, i_writecount.counter) <= 0 &&
	    !psc_size_listed(finding->kind, BPF_CORE_READ(mapped, i_size)))
		return;
	finding->unverified = PSC_UNVERIFIED_OVERLAY;
	finding->clean = 0;
}

/*
 * The inode with the data of a file on an overlay, for programs that sleep; NULL where there is
 * none or the kernel does not give it. The kernel's function is called nowhere else: libbpf links
 * what one object refers to alone.
 */
__hidden struct inode *psc_real_inode(struct file *file)
{
	if (!psc_have_real_inode || file->f_inode->i_sb->s_magic != OVERLAYFS_SUPER_MAGIC)
		return NULL;
	return bpf_real_data_inode(file);
}

__hidden void psc_identify(struct file *file, struct inode *inode, struct psc_finding *finding)
{
	struct inode *real;

	if (psc_have_real_inode && inode->i_sb->s_magic == OVERLAYFS_SUPER_MAGIC) {
		real = bpf_real_data_inode(file);
		if (real) {
			identify_content(file, real, finding);
			check_mapped(file, real, finding);
			return;
		}
	}
	identify_content(file, inode, finding);
}

__hidden void psc_identify_cached(struct file *file, struct inode *inode,
				  struct psc_finding *finding)
{
	struct psc_content content = {};
	struct psc_identity *identity;

	read_content(file, inode, &content);
	name_real_inode(file, &content, finding);
	finding->unverified = content.unverified;
	if (finding->size != content.stamp.size) {
		finding->size = content.stamp.size;
		finding->listed_size = psc_size_listed(finding->kind, finding->size);
	}
	if (!finding->listed_size)
		return;
	identity = bpf_inode_storage_get(&psc_identities, inode, 0, 0);
	if (identity && read_cache(identity, &content.stamp, finding)) {
		/* cached when it was stable, as the configuration had it then */
		if (content.unverified != PSC_UNVERIFIED_NONE)
			finding->clean = 0;
		return;
	}
	if (finding->unverified == PSC_UNVERIFIED_NONE)
		finding->unverified = PSC_UNVERIFIED_UNCACHED;
}

static __always_inline void mark_shared(struct inode *inode)
{
	struct psc_identity *identity =
		bpf_inode_storage_get(&psc_identities, inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (identity)
		*(volatile __u32 *)&identity->shared = 1;
}

__hidden void psc_mark_shared(struct file *file)
{
	struct inode *inode = file->f_inode, *real;

	mark_shared(inode);
	if (psc_have_real_inode && inode->i_sb->s_magic == OVERLAYFS_SUPER_MAGIC) {
		real = bpf_real_data_inode(file);
		if (real)
			mark_shared(real);
	}
}
