/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unread.h - how much of what a guard told no daemon has read: what waits in its ring, and what it
 * had no room for and no record tells. Reads the pinned maps by the system call. Only for user/cli.
 */
#pragma once

#include "user/core/util.h"

/* The maps, held open: their pins may go. -1: not there. */
struct psc_unread_maps {
	int events;
	int counters;
	int shared;
};

#define PSC_UNREAD_MAPS_NONE ((struct psc_unread_maps){-1, -1, -1})

/* Those that are pinned in @directory. */
struct psc_unread_maps psc_unread_open(const char *directory);
void psc_unread_close(struct psc_unread_maps *maps); /* a cleanup function */

/* Records between two positions of a ring whose data, of @size bytes, are mapped twice in a row. */
uint64_t psc_unread_records(const char *data, size_t size, unsigned long from, unsigned long to);

/*
 * Events that nobody has read by now. What a guard of another version had no room for is not known
 * and not among them. Errors of the calls; then nothing is known.
 */
int psc_unread_count(const struct psc_unread_maps *maps, uint64_t *ret);
