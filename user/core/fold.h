/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold.h - repeats of the same attempt become one record: a JIT engine that maps memory
 * files, or a service that tries a listed file over and over, fills no log. Used by the daemon.
 * The first attempt is a record at once; repeats of unverified ones that went ahead are told once
 * in a minute, those of all other decisions after half a second, to be on disk within one.
 *
 * The counts may be kept in a file that is mapped: they outlive the process then, whenever it
 * ends, and belong to events that the kernel's ring has given up, no more and no less.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "bpf/abi.h"

#define PSC_FOLD_ENTRIES    256
#define PSC_FOLD_WINDOW_NS  (60ULL * 1000000000)
#define PSC_FOLD_DECIDED_NS (500ULL * 1000000)

/* What was held back since the record of the first attempt was written. */
struct psc_fold_repeats {
	struct psc_event event; /* the last of them */
	uint64_t count;
	uint64_t first_boot_ns; /* of the attempt that was recorded */
};

/* The ring that events come from. */
struct psc_fold_ring {
	const char *boot_id;
	uint64_t attached_ns; /* of its guard: tells rings of a boot apart */
	uint64_t position;    /* where its reader goes on */
};

struct psc_fold;

/* Nothing remembered, in memory; -ENOMEM. */
int psc_fold_new(struct psc_fold **ret);

/*
 * Goes on with what the file @path remembers, which is made (0600) when it is missing. What is
 * not of this boot, or no such file, is forgotten. One process at a time. Errors of the calls.
 */
int psc_fold_open(const char *path, const struct psc_fold_ring *ring, struct psc_fold **ret);

struct psc_fold *psc_fold_free(struct psc_fold *fold);

/*
 * True when @event repeats one that is remembered: it is counted and held back. Else the caller
 * writes its record. It is remembered then, unless every place holds repeats that are still to
 * be written.
 */
bool psc_fold_hold(struct psc_fold *fold, const struct psc_event *event);

/* The record of the event that was not held could not be written: the next is no repeat of it. */
void psc_fold_unwritten(struct psc_fold *fold);

/* When the next window with repeats ends, in ns of the boot clock; UINT64_MAX: none is open. */
uint64_t psc_fold_due(const struct psc_fold *fold);

/*
 * The next one whose window ended by @boot_ns (UINT64_MAX: any): true with its repeats in *@ret.
 * Those without repeats are only forgotten. What was taken stays counted until it is committed.
 */
bool psc_fold_take(struct psc_fold *fold, uint64_t boot_ns, struct psc_fold_repeats *ret);

/* The record of what was taken last could not be written. */
void psc_fold_put_back(struct psc_fold *fold);

/*
 * Forgets counts whose record was written by a process that ended before it could commit:
 * @is_written is asked for the last event of each.
 */
void psc_fold_forget(struct psc_fold *fold,
		     bool (*is_written)(const void *userdata, const struct psc_event_head *head),
		     const void *userdata);

/*
 * The end of a group. Ready: the ring's position is about to move to @position; a process that
 * ends before the commit leaves it to the position to say whether it did. Commit: its events will
 * not come again, and what was taken is on disk and can be forgotten. Rewind: its events come
 * again, so that they are not counted yet, and what was taken is still to be written.
 */
void psc_fold_ready(struct psc_fold *fold, uint64_t position);
void psc_fold_commit(struct psc_fold *fold);
void psc_fold_rewind(struct psc_fold *fold);
