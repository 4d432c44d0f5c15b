/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_evidence.c - since when a product is on this host, for `proscribe explain`: the catalog
 * says which packages and directories are its own, the host what it knows of them.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/cli/explain.h"
#include "user/scan/evidence.h"

#define NAMES_MAX 256

/* Names that rules of one product ask for; they belong to the indicators. */
struct names {
	const char *name[NAMES_MAX + 1];
	size_t count;
};

static void add_name(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->name[i], name) == 0)
			return;
	}
	if (names->count < NAMES_MAX)
		names->name[names->count++] = name;
}

static void take_names(const struct psc_indicator *indicator, struct names *packages,
		       struct names *directories)
{
	for (size_t i = 0; i < indicator->conditions; i++) {
		const struct psc_condition *c = &indicator->condition[i];

		if (c->fact == PSC_FACT_PACKAGE_NAME && c->match == PSC_MATCH_EXACT)
			add_name(packages, c->value);
		if (c->fact == PSC_FACT_PATH &&
		    (c->match == PSC_MATCH_UNDER || c->match == PSC_MATCH_EXACT))
			add_name(directories, c->value);
	}
}

static json_t *evidence_json(const struct psc_evidence *evidence)
{
	json_t *items = json_array(), *unread = json_array();
	char time[PSC_TIME_TEXT_MAX];

	for (size_t i = 0; i < evidence->count; i++) {
		const struct psc_evidence_item *item = &evidence->item[i];

		json_array_append_new(items,
				      json_pack("{s:s,s:s,s:s,s:o,s:o}", "time",
						psc_time_format_seconds(item->time, time), "kind",
						psc_evidence_to_string(item->kind), "weight",
						psc_evidence_weight_to_string(item->weight),
						"source", psc_json_safe(item->source), "text",
						psc_json_safe(item->text)));
	}
	for (size_t i = 0; i < evidence->unread_count; i++)
		json_array_append_new(unread, psc_json_safe(evidence->unread[i]));
	return json_pack("{s:o,s:o}", "items", items, "unread", unread);
}

int psc_explain_evidence(const struct psc_indicators *indicators, const struct psc_objects *objects,
			 const char *product, json_t **ret)
{
	_cleanup_(psc_evidence_clear) struct psc_evidence evidence = {0};
	struct names packages = {0}, directories = {0};
	const struct psc_evidence_query query = {
		.root = "",
		.product = product,
		.packages = packages.name,
		.directories = directories.name,
		.objects = objects,
	};
	int r;

	for (size_t i = 0; i < psc_indicators_count(indicators); i++) {
		const struct psc_indicator *indicator = psc_indicators_get(indicators, i);

		if (strcmp(indicator->product, product) == 0)
			take_names(indicator, &packages, &directories);
	}
	r = psc_evidence_collect(&query, &evidence);
	if (r < 0)
		return r;
	*ret = evidence_json(&evidence);
	return *ret ? 0 : -ENOMEM;
}
