/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * guard.bpf.h - what a hook calls. psc_guard() is the body of a hook on code about to
 * run. It answers most calls with the size filter alone; the rest is judge.bpf.c,
 * identify.bpf.c, conclude.bpf.c and event.bpf.c.
 *
 * Verdicts of what can fail (P: refused by default in enforce mode):
 *
 *   no file, not a regular file            allowed, it holds no listed content
 *   digest helper failed / other algorithm unverified:error / algorithm
 *   O_DIRECT descriptor                    cached identity, else unverified:direct_io (P)
 *   larger than the hash limit             unverified:too_large
 *   inode storage not created              digested; no match is unverified:storage
 *   open for write or mapped shared        digested, not cached; no match is unverified:writer
 *   changed while it was digested          the same
 *   memory file without seals              digested, not cached; no match is unverified:memfd
 *   unstable file system, loop device      digested, not cached; no match is unverified:filesystem
 *   hook cannot sleep, nothing valid cached unverified:uncached
 *   generation moved under every retry     unverified:swap (P)
 *   subject outside the table              unverified:table
 *   more directories above it than a walk's steps, while places are listed
 *                                          unverified:deep (P)
 *   ring full, counters missing            the verdict stands; the drop is counted
 *
 * All of these hold only for a file whose size is listed (or while a digest without
 * size makes every file count as listed), but for writer and memfd, whose size says
 * nothing of the content to come, and deep, which has nothing to do with content.
 */
#pragma once

#include "maps.bpf.h"

/* Set by the loader: does the kernel have file_post_open? */
extern const volatile bool psc_have_post_open;

/* What is known of the file of an attempt. */
struct psc_finding {
	__u64 size;
	__u32 unverified; /* why no match may not be taken for "not listed" */
	__u16 flags;	  /* PSC_EVENT_* */
	__u8 source;
	__u8 op;
	__u8 digest[PSC_DIGEST_SIZE];
	__u32 listed_size; /* boolean: the size is worth a digest */
	__u32 kind;	   /* enum psc_filter_kind that listed_size comes from */
	__u16 clean;	   /* boolean: cached, and in no list: nothing is left to decide */
	__u16 told;	   /* boolean: there is an event of the decision */
	__u64 real_inode;  /* on overlayfs, where known: the inode with the content */
	__u32 real_device;
	__u64 file; /* its address, where its place is to be looked at */
};

/* What was decided, and by which generation's table. */
struct psc_outcome {
	struct psc_decision decision;
	__u64 generation;
	__u64 now;
	__u32 subject;
	__u32 mode;
	__u32 place; /* number + 1 of the place that decided, else 0 */
	__u32 _pad0;
};

/* judge.bpf.c: 0 or -EPERM */
int psc_judge(struct file *file, __u32 op, __u16 flags, bool may_sleep);
int psc_judge_open(struct file *file, bool may_digest);
void psc_remember(struct file *file);
/* identify.bpf.c */
struct inode *psc_real_inode(struct file *file);
void psc_identify(struct file *file, struct inode *inode, struct psc_finding *finding);
void psc_mark_shared(struct file *file);
void psc_identify_cached(struct file *file, struct inode *inode, struct psc_finding *finding);
/* conclude.bpf.c: 0 or -EPERM */
int psc_find_subject(__u32 slot, __u32 index_bits, const struct psc_finding *finding);
int psc_decide_once(const struct psc_finding *finding, struct psc_outcome *ret);
int psc_conclude(struct file *file, struct psc_finding *finding, bool may_sleep);
/* place.bpf.c */
int psc_decide_by_place(__u32 slot, const struct psc_finding *finding, struct psc_outcome *ret);
/* seen.bpf.c */
void psc_see(struct file *file, const struct psc_finding *finding, bool may_sleep);
/* event.bpf.c */
void psc_emit(struct file *file, const struct psc_finding *finding,
	      const struct psc_outcome *outcome, bool may_sleep);
void psc_emit_clock(__u64 wall_ns);
void psc_emit_wanted(struct file *file, const struct psc_finding *finding, bool may_sleep);
bool psc_emit_seen(struct file *file, const struct psc_finding *finding, __u32 attempts,
		   bool may_sleep);

/*
 * Kernel-internal memory (memfd, System V and anonymous shared memory) may be rewritten,
 * and the real file below an overlay may differ from what the overlay's inode says.
 */
static __always_inline bool psc_size_says_nothing(struct inode *inode)
{
	struct super_block *sb = inode->i_sb;

	return sb->s_flags & SB_KERNMOUNT || sb->s_magic == OVERLAYFS_SUPER_MAGIC;
}

static __always_inline bool psc_filter_hit(__u32 slot, __u32 kind, __u64 size)
{
	__u32 bit = psc_filter_bit(size);

	kind &= PSC_FILTER_MAX - 1;
	/* by bytes, of little-endian words: the verifier then needs no mask for the index */
	return ((const __u8 *)psc_shared.filter[slot][kind])[bit >> 3] >> (bit & 7) & 1;
}

static __always_inline bool psc_size_or_flag(__u32 kind, __u64 size, __u32 flags)
{
	__u64 generation = READ_ONCE(psc_shared.control.generation);
	__u32 slot = generation & (PSC_SLOTS - 1);

	if (psc_filter_hit(slot, kind, size))
		return true;
	if (flags && psc_shared.table[slot].flags & flags)
		return true;
	return READ_ONCE(psc_shared.control.generation) != generation;
}

/*
 * Is the content one that a listed digest may have? Reads one generation; when that
 * is exchanged meanwhile the answer is yes, which only costs a digest.
 */
static __always_inline bool psc_size_listed(__u32 kind, __u64 size)
{
	return psc_size_or_flag(kind, size, kind == PSC_FILTER_EXEC ? PSC_TABLE_HASH_ALL : 0);
}

/* May what has to be known of the file of code about to run not be told by its size? */
static __always_inline bool psc_content_matters(struct inode *inode)
{
	return psc_size_listed(PSC_FILTER_EXEC, inode->i_size) || inode->i_writecount.counter > 0 ||
	       psc_size_says_nothing(inode);
}

/* The daemon opens and maps listed files to have them digested: nobody's attempt. */
static __always_inline bool psc_is_daemon(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return (__u32)task->tgid == psc_shared.control.daemon_tgid &&
	       task->group_leader->start_boottime / PSC_TICK_NS ==
		       psc_shared.control.daemon_start_ticks;
}

/*
 * The body of a hook on code about to run (@op exec, load or module). @may_sleep is a
 * constant of the hook: without it the identity comes from the cache alone.
 */
static __always_inline int psc_guard(struct file *file, __u32 op, __u16 flags, bool may_sleep)
{
	struct inode *inode;

	if (!file)
		return 0;
	inode = file->f_inode;
	if (!psc_size_or_flag(PSC_FILTER_EXEC, inode->i_size,
			      PSC_TABLE_HASH_ALL | PSC_TABLE_PLACES | PSC_TABLE_SEEN) &&
	    inode->i_writecount.counter <= 0 && !psc_size_says_nothing(inode)) {
		psc_count_verdict(op, PSC_VERDICT_ALLOW);
		return 0;
	}
	return psc_judge(file, op, flags, may_sleep);
}
