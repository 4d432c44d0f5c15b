/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dpkg.h - the entries of dpkg's database: the paragraphs of /var/lib/dpkg/status. Pure.
 * Used by the daemon's resolver.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

#define PSC_DPKG_STATUS_MAX (256U << 20) /* bytes of a database that is read */

/* A value: not terminated, belongs to the text; without the blanks around it. */
struct psc_dpkg_text {
	const char *data;
	size_t length;
};

struct psc_dpkg_entry {
	struct psc_dpkg_text package;
	struct psc_dpkg_text version;
	struct psc_dpkg_text architecture;
	struct psc_dpkg_text maintainer;
	struct psc_dpkg_text homepage;
	bool installed; /* its files are there, perhaps not configured yet */
};

/*
 * The paragraph at *@at of the @size bytes at @text, after which *@at points behind it. False
 * at the end. Paragraphs without a name and lines that are no field are passed over; of a
 * field that stands twice the last one counts.
 */
bool psc_dpkg_next(const char *text, size_t size, size_t *at, struct psc_dpkg_entry *ret);
