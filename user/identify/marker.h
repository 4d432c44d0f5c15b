/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marker.h - looks for many strings at once in parts of a file. A table is made once from the
 * catalog's markers (psc_indicators_markers()), never changes after that, and serves any
 * number of threads. Used by the readers of user/identify and by whoever calls psc_identify().
 *
 * The search looks at four bytes in every (shortest marker - 3): one short marker makes
 * all of it slower.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/facts.h"

#define PSC_MARKER_RANGES_MAX 256	   /* of one file */
#define PSC_MARKER_BYTES_MAX  (1ULL << 30) /* looked at in one file */

struct psc_markers;

/* Bytes of a file. */
struct psc_marker_range {
	uint64_t offset;
	uint64_t size;
};

/*
 * Takes a NULL-terminated array, which is copied; the same string twice counts once. An empty
 * array is fine. -EINVAL: one is shorter than PSC_MARKER_MIN or longer than PSC_MARKER_MAX,
 * or there are too many; -ENOMEM.
 */
int psc_markers_new(const char *const *strings, struct psc_markers **ret);
struct psc_markers *psc_markers_free(struct psc_markers *markers);
void psc_markers_freep(struct psc_markers **markers);

/* How many there are, and the one with number @i (below the count). */
size_t psc_markers_count(const struct psc_markers *markers);
const char *psc_markers_get(const struct psc_markers *markers, size_t i);

/*
 * Sets @found[i] for every marker that occurs in @data and leaves the others alone; @found has
 * psc_markers_count() bytes.
 */
void psc_markers_search(const struct psc_markers *markers, const void *data, size_t size,
			uint8_t *found);

/*
 * Adds a PSC_FACT_MARKER for every marker that occurs within one of @ranges, once each. The
 * array is sorted and ranges that touch or overlap become one, so no byte is read twice; at
 * most PSC_MARKER_BYTES_MAX are read, and a PSC_FACT_PROBLEM says when that was not all.
 * A range that the file is too short for ends with the file. -ENOMEM, or the error of reading.
 */
int psc_markers_search_fd(const struct psc_markers *markers, int fd,
			  struct psc_marker_range *ranges, size_t count, struct psc_facts *facts);
