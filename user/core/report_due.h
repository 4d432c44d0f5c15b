/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_due.h - when a duty to report is due. Days are those of UTC, or of the zone that the caller
 * knows; Saturdays and Sundays are no business days, holidays are not known: a date is the earliest
 * that it can be. Pure. Used by the CLI.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/profile.h"

/* The first instant of the day, @days after the one of @at, which itself does not count. */
uint64_t psc_report_days_after(uint64_t at, unsigned int days, bool business_days);

/* What the clock of a duty depends on, ns; 0: not known. */
struct psc_report_facts {
	uint64_t now;
	uint64_t first_seen; /* of something that has to be reported */
	uint64_t submitted;  /* the report that was due first */
	/* seconds that the zone's clocks are ahead of UTC at an instant; NULL: UTC's own days */
	int64_t (*offset)(uint64_t at);
};

struct psc_report_due {
	uint64_t begins; /* the instant that it is counted from; 0: has not happened */
	/* days of the zone, as if midnight were UTC's */
	uint64_t due;	 /* the last day; of a repeated one, the next */
	uint64_t before; /* of a repeated one: the last that has passed; 0: none */
	bool assumed; /* counted from when the one before it was due, not from when it was done */
};

/* What the zone's clocks show at @at, as if it were UTC; 0 stays 0. */
uint64_t psc_report_local(const struct psc_report_facts *facts, uint64_t at);

/*
 * Of the duty number @duty of @profile. A duty after another one is counted from the day on which
 * that was submitted, if that is known, else from the day on which it is due.
 */
void psc_report_due_of(const struct psc_profile *profile, size_t duty,
		       const struct psc_report_facts *facts, struct psc_report_due *ret);
