/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader.h - the guard in the kernel: loading, attaching, pinning, finding it again,
 * removing it. Owned by the daemon; loader.c is the only file that knows the object.
 *
 * Lifetime: programs live as long as their pinned links. The guard is complete exactly
 * when the directory PSC_PATH_BPFFS exists: everything is pinned below another name and
 * appears in one rename. A daemon that ends, however it ends, changes nothing.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/image.h"
#include "user/daemon/kernel.h"

struct psc_guard {
	struct psc_shared *shared; /* the programs' memory, mapped */
	int records_fd;		   /* outer maps, PSC_SLOTS each */
	int buckets_fd;
	int events_fd;
	int counters_fd;
	int marks_fd;
	int shared_fd;
	uint64_t features;	  /* 1 << enum psc_feature: what is used */
	uint64_t kernel_features; /* what the kernel has */
	bool adopted;		  /* found pinned, not loaded */
};

#define PSC_GUARD_HOOKS_MAX 16

struct psc_guard *psc_guard_free(struct psc_guard *guard); /* the kernel keeps the programs */
void psc_guard_freep(struct psc_guard **guard);

/*
 * Finds the pinned guard. -ENOENT when there is none; -ESTALE when it was made by another
 * version of the object (it stays on); @reterr is filled on every error but -ENOENT.
 */
int psc_guard_adopt(struct psc_guard **ret, struct psc_problem *reterr);

/*
 * Loads the guard for a kernel with @features, of which it uses those not in @without, fills
 * it with @image as generation 1, attaches every program and pins everything. Nothing stays
 * behind on failure.
 */
int psc_guard_install(uint64_t features, uint64_t without, const struct psc_image *image,
		      const struct psc_clock *clock, struct psc_guard **ret,
		      struct psc_problem *reterr);

/*
 * Puts @image into force as the next generation: fills the other slot, then moves the
 * generation word. Waits for the kernel's grace periods (milliseconds); no attempt waits.
 * On failure the old generation stays in force.
 */
int psc_guard_activate(struct psc_guard *guard, const struct psc_image *image,
		       struct psc_problem *reterr);

/* Tells the programs the time; they go on counting it by themselves. */
void psc_guard_set_clock(struct psc_guard *guard, const struct psc_clock *clock);

/* What the programs take for the time now, by what they were told last; ns. */
uint64_t psc_guard_time(const struct psc_guard *guard, uint64_t boot_ns);

/* Sums the counters of all CPUs. */
int psc_guard_counters(const struct psc_guard *guard, struct psc_counters *ret);

/* Names of the attached hooks, in @ret_hooks, which points to constants; returns how many. */
int psc_guard_hooks(const struct psc_guard *guard, const char *ret_hooks[PSC_GUARD_HOOKS_MAX]);

/*
 * Names of the pins that the guard should have and that are not there, in @ret, which points to
 * constants; returns how many.
 */
#define PSC_GUARD_PINS_MAX (PSC_GUARD_HOOKS_MAX + 8)
int psc_guard_missing_pins(const struct psc_guard *guard, const char *ret[PSC_GUARD_PINS_MAX]);

/* Whether the kernel still has what psc_guard_activate() put there: generation, table, filters. */
bool psc_guard_has(const struct psc_guard *guard, const struct psc_image *image,
		   uint64_t generation);

/*
 * Unpins everything, also what a daemon that was killed half-way has left: the guard is off once
 * the kernel has dropped the programs. -ENOENT when nothing was pinned; after another error as
 * much is unpinned as could be.
 */
int psc_guard_remove(void);

/*
 * What was kept of a guard that was taken off with unread events: its memory, counters and events, nothing
 * that decides. -ENOENT when there is nothing; -ESTALE when it is of a version that speaks another
 * language, or not whole.
 */
int psc_guard_open_left(struct psc_guard **ret);

/* The same of a guard that is off, by a daemon that could not write its events; nothing or all. */
int psc_guard_leave(const struct psc_guard *guard);
int psc_guard_remove_left(void);
