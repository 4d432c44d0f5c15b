/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.h - a prohibition as data: from when it holds, what it forbids to whom, on which
 * clause and basis. docs/profiles.md describes the file. Used by the daemon and the CLI.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/error.h"
#include "user/core/policy.h"

#define PSC_PROFILE_SIZE_MAX  (1U << 20) /* bytes of a file */
#define PSC_PROFILE_ITEMS_MAX 256	 /* of one section of it */

/* An instant at which something begins to hold. */
struct psc_phase {
	char *id;
	char *title;
	uint64_t from; /* ns since the epoch */
	char *note;    /* what is assumed about the instant, "" nothing */
	struct psc_cite cite;
	unsigned int line;
};

/* A statement of the order. Rules enforce it; those that no host can enforce are recorded. */
struct psc_clause {
	char *id;
	char *text;   /* one sentence, for output */
	size_t phase; /* number of the phase it begins with */
	struct psc_cite cite;
	unsigned int line;
};

struct psc_rule {
	char *id;
	size_t clause; /* number of the clause it enforces */
	enum psc_basis basis;
	uint64_t from;	   /* ns; its clause's phase, or a later phase of its own */
	uint64_t until;	   /* ns; PSC_TIME_NEVER */
	uint32_t roles;	   /* 1 << enum psc_role */
	uint32_t statuses; /* 1 << enum psc_status */
	uint32_t ops;	   /* 1 << enum psc_op */
	enum psc_action action;
	char *reason; /* why, when the basis is not the order itself; "" */
	unsigned int line;
};

/* A class of products that the order does not mean. */
struct psc_exempt_class {
	char *id; /* struct psc_product.class */
	char *text;
	struct psc_cite cite;
	unsigned int line;
};

/* A duty to report: `proscribe report` computes the dates. */
struct psc_report_duty {
	char *id;
	char *text;
	unsigned int days;
	bool business_days;
	char *after; /* "first_seen", or the id of a phase or of another duty */
	bool repeats;
	struct psc_cite cite;
	unsigned int line;
};

struct psc_profile {
	char *id;
	char *title;
	char *authority;
	char *summary; /* one or two sentences on what is and is not prohibited */
	struct psc_cite cite;
	bool advisory; /* nothing is refused on its account: denies become records */
	char *scope;   /* attestation without which it holds for everybody, or "" */
	char *updated; /* day the data was last checked, "2026-11-22" */
	unsigned int updated_line;
	char **entities; /* NULL-terminated: who is meant */
	struct psc_exempt_class *exempt;
	size_t exempt_count;
	struct psc_phase *phases; /* by instant */
	size_t phase_count;
	struct psc_clause *clauses;
	size_t clause_count;
	struct psc_rule *rules;
	size_t rule_count;
	struct psc_report_duty *duties;
	size_t duty_count;
	char *path;
	uint8_t digest[PSC_DIGEST_SIZE]; /* SHA-256 of the file */
};

/*
 * Reads a profile. -EINVAL with file:line:column and what was expected for anything that is
 * not understood, refers to nothing, is missing or stands twice; -E2BIG, -ENOMEM. The caller
 * frees @ret with psc_profile_free().
 */
int psc_profile_parse(const char *data, size_t size, const char *path, struct psc_profile **ret,
		      struct psc_error *reterr);

/* The same from a file, on the terms of psc_load_trusted(). */
int psc_profile_load(const char *path, struct psc_profile **ret, struct psc_error *reterr);

/* The first instant of the day on which the data was last checked, ns. */
uint64_t psc_profile_updated(const struct psc_profile *profile);

struct psc_profile *psc_profile_free(struct psc_profile *profile); /* NULL is fine */
void psc_profile_freep(struct psc_profile **profile);

/* The exempt class of that id, or NULL; whether an entity is meant. */
const struct psc_exempt_class *psc_profile_exempts(const struct psc_profile *profile,
						   const char *class);
bool psc_profile_means(const struct psc_profile *profile, const char *entity);

/* A remark on a profile that is valid but surely not meant so. */
struct psc_remark {
	unsigned int line;
	char message[PSC_ERROR_MESSAGE_SIZE];
};

/*
 * Looks for rules that can never decide (another one is as strict and covers all of it),
 * contradict each other (same clause, same case, different action), clauses without a rule,
 * phases without a clause, statements labelled U, rules that refuse to run the uninstaller, and
 * data that was last checked after @now (ns). Calls @fn for each; returns their number.
 */
size_t psc_profile_lint(const struct psc_profile *profile, uint64_t now,
			void (*fn)(const struct psc_remark *remark, void *data), void *data);
