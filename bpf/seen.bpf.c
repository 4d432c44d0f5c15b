// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * seen.bpf.c - in observe mode, tells once of code that ran without being listed, so that a
 * list of tomorrow can be held against what ran yesterday (`proscribe policy replay`). Called by
 * judge.bpf.c when the verdict stands and there is no event of it. Nothing here can change a
 * verdict, and what fails is only not told, until it comes again.
 *
 * What was told is kept with the identity of the inode that has the content: one event for new
 * content, one for each user (by 64 bits), one each time that the count reaches a power of two. So
 * an inode costs at most 64 + log2(attempts) events, and the last of them says the number of
 * attempts within a factor of two.
 */
#include "real.bpf.h"

/* What has to be known of an attempt. */
struct sight {
	__u64 content;
	__u64 user; /* its bit */
	__u32 is_load;
	__u32 may_sleep;
};

/* Only half of the ring, the rest is for decisions. */
static __always_inline bool ring_has_room(void)
{
	return bpf_ringbuf_query(&psc_events, BPF_RB_AVAIL_DATA) < PSC_RING_SIZE / 2;
}

static __always_inline void count_skipped(void)
{
	struct psc_counters *c = psc_counters_get();

	if (c)
		__sync_fetch_and_add(&c->seen_skipped, 1);
}

static __always_inline __u64 mix(__u64 hash, __u64 value)
{
	return (hash ^ value) * 0x9E3779B97F4A7C15ULL;
}

static __always_inline __u64 content_of(const struct psc_stamp *stamp, __u32 epoch)
{
	__u64 hash = mix(epoch, stamp->inode);

	hash = mix(hash, stamp->size);
	hash = mix(hash, stamp->ctime_sec);
	hash = mix(hash, (__u64)stamp->device << 32 | stamp->ctime_nsec);
	return hash | PSC_SEEN_PATH;
}

/* Was this content told of, with its path if that can be told now? */
static __always_inline bool is_known(const struct psc_identity *identity, const struct sight *sight)
{
	__u64 content = READ_ONCE(identity->seen_content);

	if (sight->may_sleep)
		return content == sight->content;
	return (content | PSC_SEEN_PATH) == sight->content;
}

/* Of a program, the mapping that belongs to its execution is no attempt of its own. */
static __always_inline bool is_counted(const struct psc_identity *identity,
				       const struct sight *sight)
{
	return !sight->is_load || !READ_ONCE(identity->seen_runs);
}

/*
 * Two processors may both find that the content is new: then the file is told of twice, or an
 * attempt is not counted, which only makes the lower bound lower.
 */
static __always_inline void forget(struct psc_identity *identity, const struct sight *sight)
{
	__u64 before = READ_ONCE(identity->seen_content);
	__u64 now = sight->may_sleep ? sight->content : sight->content & ~PSC_SEEN_PATH;

	if ((before | PSC_SEEN_PATH) != sight->content) {
		*(volatile __u64 *)&identity->seen_users = 0;
		*(volatile __u32 *)&identity->seen_runs = 0;
		*(volatile __u32 *)&identity->seen_loads = 0;
	}
	barrier();
	*(volatile __u64 *)&identity->seen_content = now;
}

static __always_inline void see_content(struct file *file, struct psc_identity *identity,
					const struct psc_finding *finding,
					const struct sight *sight)
{
	__u32 *count = sight->is_load ? &identity->seen_loads : &identity->seen_runs;
	bool known = is_known(identity, sight);
	__u32 attempts;

	if (known && !is_counted(identity, sight) && READ_ONCE(identity->seen_users) & sight->user)
		return;
	attempts = READ_ONCE(*count) + 1;
	if (known && READ_ONCE(identity->seen_users) & sight->user && attempts & (attempts - 1)) {
		__sync_fetch_and_add(count, 1);
		return;
	}
	if (!ring_has_room()) {
		count_skipped();
		return;
	}
	if (!known)
		forget(identity, sight);
	attempts = __sync_fetch_and_add(count, 1) + 1;
	if (psc_emit_seen(file, finding, attempts, sight->may_sleep))
		__sync_fetch_and_or(&identity->seen_users, sight->user);
	else
		__sync_fetch_and_add(count, -1);
}

static __always_inline void see(struct file *file, struct inode *inode, struct inode *below,
				const struct psc_finding *finding, bool may_sleep)
{
	struct psc_identity *identity;
	struct psc_content content = {};
	struct sight sight = {
		.user = psc_user_bit(bpf_get_current_uid_gid()),
		.is_load = finding->op == PSC_OP_LOAD,
		.may_sleep = may_sleep,
	};

	identity = bpf_inode_storage_get(&psc_identities, inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!identity)
		return;
	if (below)
		psc_content_probe(below, &content);
	else
		psc_content_load(inode, &content);
	sight.content = content_of(&content.stamp, READ_ONCE(identity->epoch));
	see_content(file, identity, finding, &sight);
}

/*
 * Memory files are left out: nothing of them can be digested later. So is what the daemon does.
 * On an overlay the same inode has the mark that has the identity.
 */
__hidden void psc_see(struct file *file, const struct psc_finding *finding, bool may_sleep)
{
	struct inode *inode = file->f_inode, *real;

	if (inode->i_sb->s_flags & SB_KERNMOUNT || psc_is_daemon())
		return;
	if (inode->i_sb->s_magic != OVERLAYFS_SUPER_MAGIC) {
		see(file, inode, NULL, finding, may_sleep);
		return;
	}
	if (may_sleep) {
		real = psc_real_inode(file);
		if (real) {
			see(file, real, NULL, finding, may_sleep);
			return;
		}
	}
	see(file, inode, psc_overlay_inode(file), finding, may_sleep);
}
