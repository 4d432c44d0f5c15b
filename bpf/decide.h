/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * decide.h - the decision itself: pure functions over struct psc_table, compiled
 * by clang -target bpf and by the host compiler, so that the unit tests run the
 * very code that the kernel runs. No helper, no map, no pointer walk. Used by the
 * programs in bpf/ and by user/core.
 */
#pragma once

#include "abi.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* Result of a decision; `class` and `interval` go into the event as they are. */
struct psc_decision {
	__u16 class;
	__u16 interval;
	__u8 action;
	__u8 verdict;
	__u8 unverified; /* the reason that led to `action`, or PSC_UNVERIFIED_NONE */
	__u8 _pad0;
};

/* Bit of a size in one filter bitmap (Fibonacci hashing, Knuth TAOCP 6.4). */
static __always_inline __u32 psc_filter_bit(__u64 size)
{
	return (size * 0x9E3779B97F4A7C15ULL) >> (64 - PSC_FILTER_BITS);
}

/* Bit of a file system's magic in psc_table.unstable_filter. */
static __always_inline __u32 psc_unstable_bit(__u32 magic)
{
	return magic * 0x9E3779B1U >> 26;
}

/* Bit of a user in psc_identity.seen_users: two users may share one. */
static __always_inline __u64 psc_user_bit(__u32 uid)
{
	return 1ULL << (uid * 0x9E3779B1U >> 26);
}

/* Is the file system one whose content can change unseen? */
static __always_inline int psc_is_unstable(const struct psc_table *table, __u32 magic)
{
	if (!(table->unstable_filter >> psc_unstable_bit(magic) & 1))
		return 0;
	for (int i = 0; i < PSC_UNSTABLE_MAX; i++) {
		if (table->unstable_magic[i] == magic)
			return 1;
	}
	return 0;
}

/*
 * Up to how many bytes may be digested at once when a file of @size is one of them: a few large
 * files must not keep all others from being known.
 */
static __always_inline __u64 psc_busy_limit(const struct psc_table *table, __u64 size)
{
	if (size <= PSC_SMALL_FILE)
		return table->busy_limit;
	return table->busy_limit - table->busy_limit / 4;
}

/* Index bucket of a digest: its first @bits bits, PSC_INDEX_BITS_MAX at most. */
static __always_inline __u32 psc_digest_prefix(const __u8 *digest, __u32 bits)
{
	__u32 top =
		(__u32)digest[0] << 24 | (__u32)digest[1] << 16 | (__u32)digest[2] << 8 | digest[3];

	return top >> ((32 - bits) & 31);
}

/* The guard's clock in ns since the epoch; see struct psc_clock. */
static __always_inline __u64 psc_clock_now(const struct psc_clock *clock, __u64 boot_ns,
					   __u64 tai_ns)
{
	__u64 now = clock->floor;

	if (boot_ns + clock->boot_offset > now)
		now = boot_ns + clock->boot_offset;
	if (tai_ns + clock->tai_offset > now)
		now = tai_ns + clock->tai_offset;
	return now;
}

/*
 * Index of the interval that holds @now: the last whose start is not after it.
 * A binary search of fixed depth, since the verifier wants to see the end of it.
 */
static __always_inline __u32 psc_interval_at(const struct psc_table *table, __u64 now)
{
	__u32 low = 0;

#ifdef __clang__
#pragma clang loop unroll(full)
#endif
	for (__u32 step = PSC_INTERVALS_MAX / 2; step; step >>= 1) {
		__u32 next = low + step;

		if (next < table->interval_count &&
		    table->interval_start[next & (PSC_INTERVALS_MAX - 1)] <= now)
			low = next;
	}
	return low;
}

/*
 * The mode turns an action into what happens. The canary's class ignores it: the
 * daemon proves with it that a refusal works, in observe mode too. Anything that
 * is not a known action is a refusal, because it can only be a broken table.
 */
static __always_inline __u8 psc_verdict_of(__u8 action, __u32 mode, __u32 class)
{
	if (action == PSC_ACTION_ALLOW)
		return PSC_VERDICT_ALLOW;
	if (action == PSC_ACTION_RECORD)
		return PSC_VERDICT_RECORD;
	if (mode == PSC_MODE_OBSERVE && class != PSC_CLASS_CANARY)
		return PSC_VERDICT_WOULD_DENY;
	return PSC_VERDICT_DENY;
}

/*
 * Decides an attempt @op by what is known of the file: a @subject other than
 * PSC_SUBJECT_NONE is a match and wins over any doubt; else an @unverified reason
 * has its own action; else the file is not listed and goes ahead. @now is only
 * read for a match.
 */
static __always_inline void psc_decide(const struct psc_table *table, __u32 op, __u32 subject,
				       __u32 unverified, __u64 now, struct psc_decision *ret)
{
	__u32 class = PSC_CLASS_NONE;
	__u32 interval = 0;
	__u8 action = PSC_ACTION_ALLOW;

	op &= PSC_OP_MAX - 1;
	if (subject >= table->subject_count && subject != PSC_SUBJECT_NONE) {
		subject = PSC_SUBJECT_NONE;
		unverified = PSC_UNVERIFIED_TABLE;
	}
	if (subject != PSC_SUBJECT_NONE) {
		class = table->class_of[subject & (PSC_SUBJECTS_MAX - 1)] & (PSC_CLASSES_MAX - 1);
		interval = psc_interval_at(table, now) & (PSC_INTERVALS_MAX - 1);
		action = table->action[interval][class][op];
		unverified = PSC_UNVERIFIED_NONE;
	} else if (unverified != PSC_UNVERIFIED_NONE) {
		action = table->unverified[op][unverified & 31];
	}
	ret->class = class;
	ret->interval = interval;
	ret->action = action;
	ret->verdict = psc_verdict_of(action, table->mode, class);
	ret->unverified = unverified;
	ret->_pad0 = 0;
}

/*
 * Adds a reason for which it is not known where the file lies. A match stands, as content does;
 * of two doubts the stricter.
 */
static __always_inline void psc_decide_doubt(const struct psc_table *table, __u32 op, __u32 subject,
					     __u32 unverified, struct psc_decision *ret)
{
	struct psc_decision doubt;

	if (subject != PSC_SUBJECT_NONE)
		return;
	psc_decide(table, op, PSC_SUBJECT_NONE, unverified, 0, &doubt);
	if (ret->unverified == PSC_UNVERIFIED_NONE || doubt.action > ret->action)
		*ret = doubt;
}

/* Who a place stands for; @place is its number + 1, 0 none. */
static __always_inline __u32 psc_place_subject(const struct psc_table *table, __u32 place)
{
	if (!place)
		return PSC_SUBJECT_NONE;
	return table->place_subject[(place - 1) & (PSC_PLACES_MAX - 1)];
}

/*
 * Whether a place has a say about content of @subject; @place is its number + 1. The site's own
 * always have. One that was found tells of what nobody knows: content that is listed, the
 * uninstaller of an open window among it, is what its list says.
 */
static __always_inline int psc_place_counts(__u32 place, __u32 subject)
{
	return place <= PSC_PLACES_SITE || subject == PSC_SUBJECT_NONE;
}

/*
 * Adds to a decision that the file lies in a place of @place_subject: where that is stricter it
 * decides, never where it is milder. @subject is who was decided about before; whoever is
 * decided about in the end is returned. Of two that are alike the content's match stays, and a
 * place is better than a doubt.
 */
static __always_inline __u32 psc_decide_place(const struct psc_table *table, __u32 op,
					      __u32 subject, __u32 place_subject, __u64 now,
					      struct psc_decision *ret)
{
	struct psc_decision place;

	if (place_subject == PSC_SUBJECT_NONE)
		return subject;
	psc_decide(table, op, place_subject, PSC_UNVERIFIED_NONE, now, &place);
	if (place.action < ret->action ||
	    (place.action == ret->action && subject != PSC_SUBJECT_NONE))
		return subject;
	*ret = place;
	return place_subject;
}
