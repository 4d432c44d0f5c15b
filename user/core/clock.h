/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - what the guard takes for the time. Pure: readings in, struct psc_clock for the
 * kernel out. Used by the daemon.
 *
 * The programs compute now = max(boot clock + boot_offset, TAI + tai_offset, floor). So the
 * time goes on without the daemon, and
 *  - setting the clock back changes nothing: boot clock and floor hold the time;
 *  - setting it forward is followed at once, since a prohibition must not begin late;
 *  - only trusted time enters what holds: less than a day ahead of what was known, or set by
 *    a synchronised clock (adjtimex), or accepted by an administrator. One boot with a broken
 *    hardware clock does not lock the host into the future.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "bpf/abi.h"

/* The clocks at one moment, ns. */
struct psc_clock_reading {
	uint64_t wall;
	uint64_t boot;
	uint64_t tai;
	bool synchronised;
};

/* What a reading meant. */
enum psc_clock_change {
	PSC_CLOCK_STEADY = 0,
	PSC_CLOCK_FORWARD = 1,	 /* set forward, trusted */
	PSC_CLOCK_ROLLBACK = 2,	 /* set back: the guard's time goes on */
	PSC_CLOCK_UNTRUSTED = 3, /* more than a day ahead and not synchronised */
	PSC_CLOCK_TAI = 4,	 /* the offset between TAI and UTC changed */
	PSC_CLOCK_RECOVERED = 5, /* in line with the guard's time again */
};

struct psc_clock_state {
	struct psc_clock clock;		/* for the kernel */
	enum psc_clock_change standing; /* ROLLBACK or UNTRUSTED while that lasts, else STEADY */
	uint64_t step_ns;		/* how far the last change went */
	bool started;
};

/*
 * Takes a reading, changes @state and says what happened. The first reading after
 * psc_clock_begin() tells rollback and untrusted jumps from @floor, the latest time that is
 * known to have been.
 */
void psc_clock_begin(struct psc_clock_state *state, uint64_t floor);
enum psc_clock_change psc_clock_take(struct psc_clock_state *state,
				     const struct psc_clock_reading *reading);

/*
 * Is @claim (ns), a time that a file on the host says has been, to be believed? A clock that is
 * synchronised is asked alone; another one may be as much as a day behind.
 */
bool psc_clock_believes(uint64_t claim, const struct psc_clock_reading *reading);

/* An administrator's word: the wall clock is right, be it ahead or behind. */
void psc_clock_accept(struct psc_clock_state *state, const struct psc_clock_reading *reading);

/* The guard's time at a reading; what is trusted of it, for the next start's floor. */
uint64_t psc_clock_at(const struct psc_clock_state *state, const struct psc_clock_reading *reading);
uint64_t psc_clock_trusted(const struct psc_clock_state *state,
			   const struct psc_clock_reading *reading);

const char *psc_clock_change_to_string(enum psc_clock_change change);
