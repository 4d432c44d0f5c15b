/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what the records of an audit log say about one prohibition: what was found and
 * attempted, what was changed, when the guard was on and what it may have missed. Fed record by
 * record in the order of the log; memory is bounded whatever the log holds. Pure. Used by the CLI.
 *
 * Times are ns, wall clock. First and last seen are those of the whole log up to the end of the
 * period; everything else is of the period alone.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/profile.h"

/* No more is kept of each; what is left out is counted. */
#define PSC_REPORT_PRODUCTS_MAX	 1000
#define PSC_REPORT_NAMES_MAX	 20 /* paths, digests, versions of one product */
#define PSC_REPORT_GROUPS_MAX	 2000
#define PSC_REPORT_NOTES_MAX	 1000
#define PSC_REPORT_INTERVALS_MAX 5000
#define PSC_REPORT_DAYS_MAX	 4000

struct psc_report;

struct psc_report_options {
	uint64_t from; /* of the period; 0: the log's first record */
	uint64_t until;
	const struct psc_profile *profile; /* both stay the caller's, and are not NULL */
	const struct psc_catalog *catalog;
};

/* -ENOMEM. */
int psc_report_new(const struct psc_report_options *options, struct psc_report **ret);
struct psc_report *psc_report_free(struct psc_report *report); /* NULL is fine */
void psc_report_freep(struct psc_report **report);

/* The next record of the log, whatever it is. -ENOMEM. */
int psc_report_add(struct psc_report *report, const json_t *record);

/*
 * Something else than the log saw @product ("VENDOR/PRODUCT", or any text) at @path, which may be
 * NULL; @how is a word for it ("scan"). -ENOMEM.
 */
int psc_report_add_seen(struct psc_report *report, const char *product, const char *path,
			const char *how, uint64_t at);

/*
 * The earliest time at which anything that the profile means and does not exempt was seen; 0:
 * never. It begins the periods of its duties to report.
 */
uint64_t psc_report_first_seen(const struct psc_report *report);

/* The last scan of this host that is on record in the period, or NULL; it stays the report's. */
const json_t *psc_report_scan(const struct psc_report *report);

/*
 * Everything: {"host", "log", "products", "others", "held", "attempts", "unverified", "changes",
 * "losses", "guard", "days"}. docs/reporting.md describes the members. *@ret is a new reference;
 * call it once, at the end. -ENOMEM.
 */
int psc_report_to_json(struct psc_report *report, json_t **ret);
