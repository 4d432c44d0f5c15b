/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_owner.c - whether a vendor's file came with somebody else's package; see indicator.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/found.h"
#include "user/core/indicator.h"

/* "VENDOR/" of a rule's product, with the slash. */
static size_t vendor_length(const struct psc_indicator *rule)
{
	return strcspn(rule->product, "/") + 1;
}

static bool is_of(const struct psc_indicator *rule, const char *product, size_t vendor)
{
	return strncmp(rule->product, product, vendor) == 0;
}

/* What lies in a place of the vendor's own is the vendor's product, whoever packed it. */
static bool names_place(const struct psc_indicator *rule)
{
	char place[PSC_FACT_VALUE_MAX + 2];

	for (size_t i = 0; i < rule->conditions; i++) {
		if (psc_found_place_of(&rule->condition[i], place, sizeof(place)) !=
		    PSC_FOUND_PLACE_NONE)
			return true;
	}
	return false;
}

/* Whether the content is that of the vendor of rule @at, which no rule before it was of. */
static bool is_shown(const struct psc_matches *matches, size_t at)
{
	const char *product = matches->rule[at]->product;
	size_t vendor = vendor_length(matches->rule[at]);
	bool shown = false;

	for (size_t i = 0; i < matches->count; i++) {
		if (!is_of(matches->rule[i], product, vendor))
			continue;
		if (i < at || names_place(matches->rule[i]))
			return false;
		shown |= psc_found_is_proof(matches->rule[i], false);
	}
	return shown;
}

bool psc_indicators_wants_owner(const struct psc_matches *matches)
{
	for (size_t i = 0; i < matches->count; i++) {
		if (is_shown(matches, i))
			return true;
	}
	return false;
}

static bool knows_package(const struct psc_matches *package, const char *product, size_t vendor)
{
	for (size_t i = 0; i < package->count; i++) {
		if (is_of(package->rule[i], product, vendor))
			return true;
	}
	return false;
}

int psc_indicators_add_owner(const struct psc_indicators *indicators,
			     const struct psc_matches *matches, const struct psc_facts *package,
			     struct psc_facts *facts)
{
	struct psc_matches of_package = {0};
	int added = 0, r = 0;

	if (!matches->count || !package->count || psc_facts_get(facts, PSC_FACT_FOREIGN_OWNER))
		return 0;
	r = psc_indicators_match(indicators, package, &of_package);
	for (size_t i = 0; i < matches->count && r >= 0; i++) {
		const char *product = matches->rule[i]->product;
		size_t vendor = vendor_length(matches->rule[i]);

		if (!is_shown(matches, i) || knows_package(&of_package, product, vendor))
			continue;
		r = psc_facts_add(facts, PSC_FACT_FOREIGN_OWNER, 0, product, vendor - 1);
		added += r >= 0;
	}
	psc_matches_clear(&of_package);
	return r < 0 ? r : added;
}
