/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_load.c - the catalog for its verbs; see catalog_verbs.h.
 */
#include <errno.h>

#include "user/cli/catalog_verbs.h"

void psc_catalog_directories(const struct psc_cli *cli, const char *ret[2])
{
	struct psc_policy_places places = psc_policy_places_given(cli);

	ret[0] = places.catalogs[0];
	ret[1] = places.catalogs[1];
}

void psc_catalog_host_clear(struct psc_catalog_host *host)
{
	psc_catalog_clear(&host->catalog);
	host->indicators = psc_indicators_free(host->indicators);
	host->list = psc_list_free(host->list);
}

static int load_catalog_host(struct psc_catalog_host *host, struct psc_error *error)
{
	int r = psc_indicators_new(&host->indicators);

	if (r >= 0)
		r = psc_list_new(&host->list);
	for (size_t i = 0; i < ARRAY_SIZE(host->directories) && r >= 0; i++) {
		if (host->directories[i])
			r = psc_catalog_load(&host->catalog, host->directories[i], error);
	}
	for (size_t i = 0; i < ARRAY_SIZE(host->directories) && r >= 0; i++) {
		const char *directory = host->directories[i];

		if (!directory)
			continue;
		r = psc_indicators_load(host->indicators, &host->catalog, directory, error);
		if (r >= 0)
			r = psc_policy_load_digests(host->list, directory, error);
	}
	return r < 0 ? r : psc_list_index(host->list);
}

int psc_catalog_host_load(struct psc_cli *cli, struct psc_catalog_host *ret)
{
	const char *given = psc_cli_option(cli, "catalog");
	struct psc_error error = {0};
	int r;

	psc_catalog_directories(cli, ret->directories);
	if (given && access(given, F_OK) < 0) {
		psc_error_set(&error, given, 0, 0, "%s", strerror(errno));
		return psc_policy_fail(cli, -ENOENT, &error);
	}
	r = load_catalog_host(ret, &error);
	if (r < 0)
		return psc_policy_fail(cli, r, &error);
	if (!ret->catalog.count)
		return psc_cli_fail(cli, PSC_EXIT_INVALID,
				    "name one with --catalog DIR, or install the shipped one",
				    "there is no catalog in %s and %s", ret->directories[0] ?: "-",
				    ret->directories[1] ?: "-");
	return PSC_EXIT_OK;
}

/* ---- as JSON ---------------------------------------------------------------------------- */

json_t *psc_catalog_condition_json(const struct psc_condition *condition)
{
	return json_pack("{s:s,s:s,s:o}", "fact", psc_fact_to_string(condition->fact), "match",
			 psc_match_to_string(condition->match), "value",
			 psc_json_safe(condition->value));
}

json_t *psc_catalog_rule_json(const struct psc_indicator *rule)
{
	json_t *conditions = json_array();

	for (size_t i = 0; i < rule->conditions; i++)
		json_array_append_new(conditions, psc_catalog_condition_json(&rule->condition[i]));
	return json_pack("{s:o,s:o,s:s,s:s,s:o,s:s,s:o,s:o,s:I}", "rule", psc_json_safe(rule->id),
			 "product", psc_json_safe(rule->product), "role",
			 psc_role_to_string(rule->role), "confidence",
			 psc_confidence_to_string(rule->confidence), "source",
			 psc_json_safe(rule->cite.source), "label",
			 psc_label_to_string(rule->cite.label), "all", conditions, "file",
			 psc_json_safe(rule->path), "line", (json_int_t)rule->line);
}

static size_t count_rules(const struct psc_catalog_host *host, const char *product)
{
	size_t count = 0;

	for (size_t i = 0; i < psc_indicators_count(host->indicators); i++)
		count += strcmp(psc_indicators_get(host->indicators, i)->product, product) == 0;
	return count;
}

/* Of "VENDOR/PRODUCT" and "VENDOR/PRODUCT/ROLE"; how many of them the kernel can use. */
static size_t count_digests(const struct psc_catalog_host *host, const char *product,
			    size_t *ret_enforceable)
{
	size_t length = strlen(product), count = 0;
	struct psc_list_entry entry;

	*ret_enforceable = 0;
	for (size_t i = 0; psc_list_get(host->list, i, &entry) == 0; i++) {
		if (strncmp(entry.product, product, length) != 0 ||
		    (entry.product[length] && entry.product[length] != '/'))
			continue;
		count++;
		*ret_enforceable += psc_list_entry_enforce(&entry) == PSC_LIST_ENFORCEABLE;
	}
	return count;
}

json_t *psc_catalog_product_json(const struct psc_catalog_host *host,
				 const struct psc_product *product)
{
	size_t enforceable, digests = count_digests(host, product->id, &enforceable);

	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:s,s:I,s:I,s:I}", "product",
			 psc_json_safe(product->id), "name", psc_json_safe(product->name), "entity",
			 psc_json_safe(product->entity), "class", psc_json_safe(product->class),
			 "source", psc_json_safe(product->cite.source), "label",
			 psc_label_to_string(product->cite.label), "rules",
			 (json_int_t)count_rules(host, product->id), "digests", (json_int_t)digests,
			 "enforceable", (json_int_t)enforceable);
}

/* ---- for people ------------------------------------------------------------------------- */

void psc_catalog_render_condition(FILE *out, const json_t *condition)
{
	static const char *const words[PSC_MATCH_MAX] = {
		[PSC_MATCH_EXACT] = "is",	   [PSC_MATCH_PREFIX] = "begins with",
		[PSC_MATCH_SUFFIX] = "ends in",	   [PSC_MATCH_GLOB] = "is like",
		[PSC_MATCH_CONTAINS] = "contains", [PSC_MATCH_UNDER] = "is in",
	};
	enum psc_match match = PSC_MATCH_EXACT;

	psc_match_from_string(psc_json_text(condition, "match", "exact"), &match);
	psc_output_text(out, psc_json_text(condition, "fact", "?"));
	fprintf(out, " %s ", words[match]);
	psc_output_text(out, psc_json_text(condition, "value", "?"));
}

void psc_catalog_render_rule(FILE *out, const json_t *rule, bool colour)
{
	const json_t *condition;
	size_t i;

	fputs("  ", out);
	psc_output_text(out, psc_json_text(rule, "rule", "?"));
	fputs("  ", out);
	psc_output_toned(out, colour, PSC_TONE_DIM, psc_json_text(rule, "role", "?"));
	fprintf(out, ", %s\n", psc_json_text(rule, "confidence", "?"));
	json_array_foreach(json_object_get(rule, "all"), i, condition) {
		fputs("      ", out);
		psc_catalog_render_condition(out, condition);
		fputc('\n', out);
	}
	fprintf(out, "      [%s] ", psc_json_text(rule, "label", "?"));
	psc_output_text(out, psc_json_text(rule, "source", "?"));
	fputc('\n', out);
}

void psc_catalog_render_rules(FILE *out, const json_t *rules, bool colour)
{
	const json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule)
		psc_catalog_render_rule(out, rule, colour);
}
