/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_internal.h - the parts of report.c. Only for user/core/report*.c.
 */
#pragma once

#include "user/core/report.h"

/* Members of a record; NULL, 0 or the fallback when they are missing or of another type. */
static inline json_t *psc_report_own(const json_t *record, const char *key)
{
	return json_object_get(json_object_get(record, "proscribe"), key);
}

static inline const char *psc_report_own_text(const json_t *record, const char *key)
{
	return json_string_value(psc_report_own(record, key));
}

static inline uint64_t psc_report_own_number(const json_t *record, const char *key)
{
	json_int_t value = json_integer_value(psc_report_own(record, key));

	return value > 0 ? (uint64_t)value : 0;
}

/* Whether what a record tells of went well. */
bool psc_report_succeeded(const json_t *record);

/* RFC 3339 with seconds; null for 0. */
json_t *psc_report_time_json(uint64_t ns);

/* How many attempts the record stands for. */
uint64_t psc_report_attempts(const json_t *record);

/* ---- report_guard.c: when the guard was on ------------------------------------------------ */

struct psc_report_guard;

/* @until: end of the period, ns. -ENOMEM. */
int psc_report_guard_new(uint64_t until, struct psc_report_guard **ret);
struct psc_report_guard *psc_report_guard_free(struct psc_report_guard *guard);

/* @at: the record's time. -ENOMEM. */
int psc_report_guard_add(struct psc_report_guard *guard, const json_t *record, uint64_t at);

/* Between @from and the end; ends the last interval, so it is called once. NULL: no memory. */
json_t *psc_report_guard_json(struct psc_report_guard *guard, uint64_t from);

/* ---- report_notes.c: changes and losses --------------------------------------------------- */

struct psc_report_notes {
	json_t *changes;
	json_t *losses;
	json_t *totals; /* of losses, by type */
	uint64_t left_out;
	uint64_t ring_lost; /* events */
};

/* Nothing noted yet. -ENOMEM; clear @notes in either case. */
int psc_report_notes_begin(struct psc_report_notes *notes);
void psc_report_notes_clear(struct psc_report_notes *notes);
/* Takes a record of a change or a loss, leaves any other. @at: its time. -ENOMEM. */
int psc_report_notes_add(struct psc_report_notes *notes, const json_t *record, uint64_t at);

/* ---- report_attempts.c: decisions, in groups ---------------------------------------------- */

struct psc_report_attempts;

/* No attempts yet; -ENOMEM. */
int psc_report_attempts_new(struct psc_report_attempts **ret);
struct psc_report_attempts *psc_report_attempts_free(struct psc_report_attempts *attempts);

/* A decision about @product, which may be NULL; @meant: the profile is about it. */
int psc_report_attempts_add(struct psc_report_attempts *attempts, const json_t *record,
			    const char *product, bool meant, uint64_t at);

/* Something was found on that day. */
int psc_report_attempts_found(struct psc_report_attempts *attempts, uint64_t at);

/* Sets "attempts", "unverified" and "days". -ENOMEM. */
int psc_report_attempts_json(struct psc_report_attempts *attempts, json_t *into);
