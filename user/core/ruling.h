/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ruling.h - what active profiles, objects and the site's own configuration say of a subject
 * at an instant, and why. Pure: the compiler asks it for every interval, the CLI for what it
 * shows; there is no second reading of a rule anywhere. Used by user/core and the CLI.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/config.h"
#include "user/core/object.h"
#include "user/core/profile.h"

/* Everything that decides, but the lists. Nothing in it is owned. */
struct psc_policy_view {
	struct psc_profile *const *profiles; /* the active ones */
	size_t profile_count;
	const struct psc_objects *objects;
	const struct psc_config *config;
};

/* Who is judged. */
struct psc_subject {
	const char *text;		   /* the product as the list names it */
	const struct psc_product *product; /* NULL: one of the site's own */
	enum psc_role role;
	bool embedded; /* found inside another vendor's product; see PSC_CLASS_EMBEDDED */
	bool site;     /* in a list of the site: config.actions hold as well */
};

#define PSC_RULING_REASONS_MAX (PSC_PROFILES_MAX + 2)

/* What one profile, or the site, says. */
struct psc_ruling_reason {
	const struct psc_profile *profile; /* NULL: the site's configuration */
	const struct psc_rule *rule;	   /* NULL: none of its rules matches, or the site */
	const struct psc_object *object; /* exemption or window that took the rule's effect away */
	const struct psc_object *decision; /* that makes it covered_legacy, or NULL */
	enum psc_status status;		   /* as this profile regards the subject */
	enum psc_action action;		   /* what it contributes */
};

struct psc_ruling {
	enum psc_action action; /* the strictest */
	size_t count;
	struct psc_ruling_reason reason[PSC_RULING_REASONS_MAX]; /* strictest first */
};

/* The ruling on @op by @subject at @at (ns since the epoch). Pointers belong to @view. */
void psc_rule_on(const struct psc_policy_view *view, const struct psc_subject *subject,
		 enum psc_op op, uint64_t at, struct psc_ruling *ret);

/*
 * Every instant at which any ruling may change, ascending, each once, beginning with 0. The
 * caller frees @ret. -ENOMEM.
 */
int psc_policy_instants(const struct psc_policy_view *view, uint64_t **ret, size_t *ret_count);
