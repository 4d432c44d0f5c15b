/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_catalog_search.c - `proscribe catalog search TEXT`: where a name, a path, a digest or a
 * source stands in the catalog. Works without daemon and root.
 */
#include "user/cli/catalog_verbs.h"
#include "user/cli/lists.h"
#include "user/core/hex.h"

static bool search_in(const char *text, const char *wanted)
{
	return text && strcasestr(text, wanted);
}

static bool search_rule(const struct psc_indicator *rule, const char *wanted)
{
	bool found = search_in(rule->id, wanted) || search_in(rule->product, wanted) ||
		     search_in(rule->cite.source, wanted);

	for (size_t i = 0; i < rule->conditions && !found; i++)
		found = search_in(rule->condition[i].value, wanted);
	return found;
}

static bool search_entry(const struct psc_list_entry *entry, const char *wanted)
{
	char hex[2 * PSC_ALGO_DIGEST_MAX + 1];

	psc_hex_encode(entry->digest, entry->digest_size, hex);
	return search_in(hex, wanted) || search_in(entry->name, wanted) ||
	       search_in(entry->product, wanted) || search_in(entry->version, wanted) ||
	       search_in(entry->source, wanted);
}

static json_t *search_products(const struct psc_catalog_host *host, const char *wanted)
{
	json_t *found = json_array();

	for (size_t i = 0; i < host->catalog.count; i++) {
		const struct psc_product *product = &host->catalog.products[i];

		if (search_in(product->id, wanted) || search_in(product->name, wanted) ||
		    search_in(product->class, wanted) || search_in(product->cite.source, wanted))
			json_array_append_new(found, psc_catalog_product_json(host, product));
	}
	return found;
}

static json_t *search_rules(const struct psc_catalog_host *host, const char *wanted)
{
	json_t *found = json_array();

	for (size_t i = 0; i < psc_indicators_count(host->indicators); i++) {
		const struct psc_indicator *rule = psc_indicators_get(host->indicators, i);

		if (search_rule(rule, wanted))
			json_array_append_new(found, psc_catalog_rule_json(rule));
	}
	return found;
}

static json_t *search_rejected(const struct psc_catalog_host *host, const char *wanted)
{
	json_t *found = json_array();

	for (size_t i = 0; i < psc_indicators_rejected_count(host->indicators); i++) {
		const struct psc_rejected *rejected = psc_indicators_rejected(host->indicators, i);
		json_t *json;

		if (!search_in(rejected->condition.value, wanted) &&
		    !search_in(rejected->reason, wanted) && !search_in(rejected->source, wanted))
			continue;
		json = psc_catalog_condition_json(&rejected->condition);
		if (json) {
			json_object_set_new(json, "source", psc_json_safe(rejected->source));
			json_object_set_new(json, "reason", psc_json_safe(rejected->reason));
		}
		json_array_append_new(found, json);
	}
	return found;
}

static json_t *search_digests(const struct psc_catalog_host *host, const char *wanted)
{
	json_t *found = json_array();
	struct psc_list_entry entry;

	for (size_t i = 0; psc_list_get(host->list, i, &entry) == 0; i++) {
		if (search_entry(&entry, wanted))
			json_array_append_new(found, psc_list_entry_to_json(host->list, &entry));
	}
	return found;
}

static void search_render_digest(FILE *out, const json_t *digest)
{
	fputs("  ", out);
	psc_output_text(out, psc_json_text(digest, "digest", "?"));
	fputs("  ", out);
	psc_output_text(out, psc_json_text(digest, "product", ""));
	fputs("  ", out);
	psc_output_text(out, psc_json_text(digest, "version", ""));
	fputs("  ", out);
	psc_output_text(out, psc_json_text(digest, "name", ""));
	fputs(json_is_false(json_object_get(digest, "enforceable")) ? "  not enforceable\n" : "\n",
	      out);
}

static void search_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *products = json_object_get(data, "products"), *item;
	const json_t *rules = json_object_get(data, "rules");
	const json_t *rejected = json_object_get(data, "rejected");
	const json_t *digests = json_object_get(data, "digests");
	size_t i;

	json_array_foreach(products, i, item) {
		fputs(i ? "  " : "products\n  ", out);
		psc_output_text(out, psc_json_text(item, "product", "?"));
		fputs("  ", out);
		psc_output_text(out, psc_json_text(item, "name", "?"));
		fputc('\n', out);
	}
	if (json_array_size(rules))
		fputs("rules\n", out);
	psc_catalog_render_rules(out, rules, colour);
	json_array_foreach(rejected, i, item) {
		fputs(i ? "  " : "rejected\n  ", out);
		psc_catalog_render_condition(out, item);
		fputs(": ", out);
		psc_output_text(out, psc_json_text(item, "reason", "?"));
		fputc('\n', out);
	}
	if (json_array_size(digests))
		fputs("digests\n", out);
	json_array_foreach(digests, i, item)
		search_render_digest(out, item);
}

static int search_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_catalog_host_clear) struct psc_catalog_host host = {0};
	json_t *data;
	size_t count = 0;
	const char *key;
	const json_t *part;
	int r;

	if (!argv[0][0])
		return psc_cli_usage(cli, "name what to look for");
	r = psc_catalog_host_load(cli, &host);
	if (r != PSC_EXIT_OK)
		return r;
	data = json_pack("{s:o,s:o,s:o,s:o}", "products", search_products(&host, argv[0]), "rules",
			 search_rules(&host, argv[0]), "rejected", search_rejected(&host, argv[0]),
			 "digests", search_digests(&host, argv[0]));
	json_object_foreach(data, key, part)
		count += json_array_size(part);
	if (count)
		return psc_cli_report(cli, PSC_EXIT_OK, data, search_render);
	json_decref(data);
	return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "the catalog has nothing with \"%s\"",
			    argv[0]);
}

static const struct psc_option search_options[] = {PSC_POLICY_OPTIONS_CATALOG, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_catalog_search = {
	.name = "catalog search",
	.run = search_run,
	.least_arguments = 1,
	.most_arguments = 1,
	.arguments = "TEXT",
	.summary = "Finds a text in products, rules and digests",
	.options = search_options,
	.help = "Without regard to case, in names, values, sources and digests; values that were\n"
		"rejected are found as well, with the reason. Exit status 1 when nothing is found.\n\n"
		"Examples:\n"
		"  proscribe catalog search klnagent\n"
		"  proscribe catalog search 59ba5959\n",
};
