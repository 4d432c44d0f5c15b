/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold.h - repeats of the same attempt become one record: a JIT engine that maps memory
 * files, or a service that opens the same file all day, fills no log. Used by the daemon.
 * Folded are records of unverified files that went ahead; refusals never are.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "bpf/abi.h"

#define PSC_FOLD_ENTRIES   256
#define PSC_FOLD_WINDOW_NS (60ULL * 1000000000)

/* What was held back since the record of the first attempt was written. */
struct psc_fold_repeats {
	struct psc_event event; /* the last of them */
	uint64_t count;
	uint64_t first_boot_ns; /* of the attempt that was recorded */
};

struct psc_fold;

/* Nothing remembered; -ENOMEM. */
int psc_fold_new(struct psc_fold **ret);
struct psc_fold *psc_fold_free(struct psc_fold *fold);

/*
 * True when @event repeats one that is remembered: it is counted and held back. Else the caller
 * writes its record. It is remembered then, unless every place holds repeats that are still to
 * be written.
 */
bool psc_fold_hold(struct psc_fold *fold, const struct psc_event *event);

/*
 * The next one whose window ended by @boot_ns (UINT64_MAX: any): true with its repeats in *@ret.
 * Those without repeats are only forgotten. What was taken stays counted until it is committed.
 */
bool psc_fold_take(struct psc_fold *fold, uint64_t boot_ns, struct psc_fold_repeats *ret);

/*
 * The end of a group. Commit: its events will not come again, and what was taken is on disk and
 * can be forgotten. Rewind: its events come again, so that they are not counted yet, and what
 * was taken is still to be written.
 */
void psc_fold_commit(struct psc_fold *fold);
void psc_fold_rewind(struct psc_fold *fold);
