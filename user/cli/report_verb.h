/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_verb.h - what the parts of `proscribe report` share: one JSON document that has
 * everything, and the page and the table that show it. Only for user/cli.
 */
#pragma once

#include "user/cli/policy_verbs.h"
#include "user/core/chain_verify.h"
#include "user/core/report.h"
#include "user/core/report_due.h"

struct psc_report_input {
	const struct psc_profile *profile;
	const struct psc_policy_host *host;
	struct psc_report *report; /* has got every record */
	const char *directory;	   /* of the log */
	uint64_t from;		   /* of the period; 0: the log's first record */
	uint64_t until;
	uint64_t now;
	uint64_t submitted; /* the first report; 0: not known */
	uint64_t damaged;   /* lines of the log that are no records */
	const struct psc_chain_report *chain;
	bool anchored;
	const char *zone;   /* whose days count: "UTC", "America/New_York" */
	const json_t *scan; /* `data` of `proscribe scan --json`, or as recorded, or NULL */
	bool scan_recorded; /* it is out of the log */
	uint8_t catalog[PSC_DIGEST_SIZE];
};

/* The document, described in docs/reporting.md. *@ret is a new reference; -ENOMEM. */
int psc_report_build(const struct psc_report_input *input, json_t **ret);

/* The drafts that the profile asks for, out of the rest of the document. NULL: no memory. */
json_t *psc_report_drafts(const struct psc_profile *profile, const json_t *data);

/* Show it: a page that stands alone, its picture, RFC 4180. */
void psc_report_html(FILE *out, const json_t *data);
void psc_report_svg(FILE *out, const json_t *data);
void psc_report_csv(FILE *out, const json_t *data);

/* ---- days ---------------------------------------------------------------------------------- */

/* From now on days are those of @zone. -ENOENT: no such zone, or no data about zones here. */
int psc_report_zone_set(const char *zone);

/* Seconds that its clocks are ahead of UTC at @at (ns). */
int64_t psc_report_zone_offset(uint64_t at);

/* ---- words --------------------------------------------------------------------------------- */

/* "3 d 4 h", "12 min", "5 s"; @buffer of 48 bytes. */
const char *psc_report_span(uint64_t seconds, char *buffer);

/* What a state of psc_report_to_json()'s guard means. */
const char *psc_report_state_words(const char *state);

/* ---- markup -------------------------------------------------------------------------------- */

/*
 * The one way of a text into the page: what is invisible is escaped as everywhere, and of what
 * markup is made nothing passes, neither in text nor in an attribute. NULL prints nothing.
 */
void psc_report_put(FILE *out, const char *text);

/* printf(3) whose strings take that way. */
void psc_report_putf(FILE *out, const char *format, ...) _printf_(2, 3);

/*
 * The one way of a text into a field of CSV: quoted, and with an apostrophe before what a
 * spreadsheet would take for a formula.
 */
void psc_report_put_csv(FILE *out, const char *text);

/* ---- parts of the page --------------------------------------------------------------------- */

enum psc_report_kind {
	PSC_REPORT_TEXT = 0,
	PSC_REPORT_CODE = 1, /* paths, digests: may be broken anywhere */
	PSC_REPORT_TIME = 2,
	PSC_REPORT_NUMBER = 3,
	PSC_REPORT_LIST = 4,  /* an array of names */
	PSC_REPORT_STATE = 5, /* of the guard */
	PSC_REPORT_LINES = 6, /* an array of sentences */
	PSC_REPORT_VERDICT = 7,
};

struct psc_report_column {
	const char *title;
	const char *member; /* the first one heads the row */
	enum psc_report_kind kind;
};

/* A table with a caption; or a sentence that there is nothing. At most @most rows, 0: all. */
void psc_report_table(FILE *out, const char *caption, const struct psc_report_column *columns,
		      size_t count, const json_t *rows, size_t most);

void psc_report_section(FILE *out, const char *id, const char *title);
void psc_report_section_end(FILE *out);

/* report_sections.c */
void psc_report_put_prohibitions(FILE *out, const json_t *data);
void psc_report_put_products(FILE *out, const json_t *data);
void psc_report_put_attempts(FILE *out, const json_t *data);
void psc_report_put_objects(FILE *out, const json_t *data);
void psc_report_put_coverage(FILE *out, const json_t *data);
void psc_report_put_chain(FILE *out, const json_t *data);
void psc_report_put_duties(FILE *out, const json_t *data);
