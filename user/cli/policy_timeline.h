/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_timeline.h - between verb_policy_timeline.c, which collects what begins and ends, and
 * policy_svg.c, which draws it. Only for user/cli.
 */
#pragma once

#include "user/cli/policy_verbs.h"

#define PSC_TIMELINE_ROWS_MAX 400 /* that are drawn */

/*
 * The data of both:
 * {"now", "from", "until", "outside", "rows": [{"kind", "id", "profile", "title", "cite",
 *  "from", "until", "state"}], "unverified": [the same]}; strings are safe, times RFC 3339 or
 * null for a row that always was or never ends.
 */

/* A time in that data in ns, @fallback for null. */
uint64_t psc_timeline_time(const json_t *json, const char *member, uint64_t fallback);

/* "phase updates of us-commerce-icts-2021-002", "exemption EX-1". NULL: memory is short. */
char *psc_timeline_label(const json_t *row);

/* "from 2026-01-31T12:00:00Z until ...", both ends as far as there are any. */
char *psc_timeline_span(const json_t *row);

/* Draws an SVG document: self-contained, no scripts. */
void psc_timeline_svg(FILE *out, const json_t *data);
