/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seen_bound.h - how many records there may be of code that ran in observe mode without being listed.
 * The kernel tells of each content a bounded number of times; whoever makes new files all day
 * could fill the log with them all the same, and push out what stands in it. Used by the daemon.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

/* As many at once as a host has programs and libraries, then one a second. */
#define PSC_SEEN_BURST	     4096
#define PSC_SEEN_INTERVAL_NS 1000000000ULL

struct psc_seen_allowance {
	uint64_t used;	  /* of the burst */
	uint64_t boot_ns; /* up to when it was given back */
};

/* All zero is the beginning. */
struct psc_seen {
	struct psc_seen_allowance allowance;
	struct psc_seen_allowance committed;
	uint64_t left_out; /* committed, and not yet told */
	uint64_t pending;  /* of the group that is under way */
	uint64_t total;	   /* left out since the daemon's start */
	uint64_t told_boot_ns;
};

/* May there be a record at @boot_ns? If not, it is counted. */
bool psc_seen_may(struct psc_seen *seen, uint64_t boot_ns);

/* The record that was allowed last could not be written: its event comes again. */
void psc_seen_unwritten(struct psc_seen *seen);

/* The end of a group: its events will not come again, or they will. */
void psc_seen_commit(struct psc_seen *seen);
void psc_seen_rewind(struct psc_seen *seen);
