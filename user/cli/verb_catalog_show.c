/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_catalog_show.c - `proscribe catalog show [VENDOR[/PRODUCT]]`: products, and what one of
 * them is recognised by. Works without daemon and root.
 */
#include "user/cli/catalog_verbs.h"

#define MIN_WIDTH 16

static bool catalog_show_wants(const char *wanted, const char *product)
{
	size_t length;

	if (!wanted || strcmp(wanted, product) == 0)
		return true;
	length = strlen(wanted);
	return !strchr(wanted, '/') && strncmp(product, wanted, length) == 0 &&
	       product[length] == '/';
}

static json_t *catalog_show_rules(const struct psc_catalog_host *host, const char *product)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < psc_indicators_count(host->indicators); i++) {
		const struct psc_indicator *rule = psc_indicators_get(host->indicators, i);

		if (strcmp(rule->product, product) == 0)
			json_array_append_new(rules, psc_catalog_rule_json(rule));
	}
	return rules;
}

static size_t catalog_show_width(const json_t *products, const char *member)
{
	size_t width = MIN_WIDTH, i;
	const json_t *product;

	json_array_foreach(products, i, product) {
		size_t own = psc_output_width(psc_json_text(product, member, ""));

		width = own > width ? own : width;
	}
	return width;
}

static void catalog_show_product(FILE *out, const json_t *product, bool colour)
{
	const json_t *rules = json_object_get(product, "indicators");

	psc_output_toned(out, colour, PSC_TONE_STRONG, psc_json_text(product, "product", "?"));
	fputs("  ", out);
	psc_output_text(out, psc_json_text(product, "name", "?"));
	fputs("\nentity    ", out);
	psc_output_text(out, psc_json_text(product, "entity", "?"));
	fputs("\nclass     ", out);
	psc_output_text(out, psc_json_text(product, "class", ""));
	fprintf(out, "\nsource    [%s] ", psc_json_text(product, "label", "?"));
	psc_output_text(out, psc_json_text(product, "source", "?"));
	fprintf(out, "\ndigests   %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT " enforceable\n",
		psc_json_number(product, "digests", 0), psc_json_number(product, "enforceable", 0));
	fprintf(out, "rules     %zu\n", json_array_size(rules));
	psc_catalog_render_rules(out, rules, colour);
}

static void catalog_show_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *products = json_object_get(data, "products"), *product;
	size_t id = catalog_show_width(products, "product");
	size_t class = catalog_show_width(products, "class");
	size_t i;

	if (json_array_size(products) == 1) {
		catalog_show_product(out, json_array_get(products, 0), colour);
		return;
	}
	psc_output_padded(out, "PRODUCT", id + 2);
	psc_output_padded(out, "CLASS", class + 2);
	fputs("RULES  DIGESTS  NAME\n", out);
	json_array_foreach(products, i, product) {
		psc_output_padded(out, psc_json_text(product, "product", "?"), id + 2);
		psc_output_padded(out, psc_json_text(product, "class", ""), class + 2);
		fprintf(out, "%5" JSON_INTEGER_FORMAT "  %7" JSON_INTEGER_FORMAT "  ",
			psc_json_number(product, "rules", 0),
			psc_json_number(product, "digests", 0));
		psc_output_text(out, psc_json_text(product, "name", "?"));
		fputc('\n', out);
	}
}

static int catalog_show_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_catalog_host_clear) struct psc_catalog_host host = {0};
	const char *wanted = argc ? argv[0] : NULL;
	json_t *products;
	int r = psc_catalog_host_load(cli, &host);

	if (r != PSC_EXIT_OK)
		return r;
	products = json_array();
	for (size_t i = 0; i < host.catalog.count; i++) {
		const struct psc_product *product = &host.catalog.products[i];
		json_t *json;

		if (!catalog_show_wants(wanted, product->id))
			continue;
		json = psc_catalog_product_json(&host, product);
		if (json && wanted)
			json_object_set_new(json, "indicators",
					    catalog_show_rules(&host, product->id));
		json_array_append_new(products, json);
	}
	if (!json_array_size(products)) {
		json_decref(products);
		return psc_cli_fail(cli, PSC_EXIT_INVALID, "proscribe catalog show lists them all",
				    "the catalog has no vendor or product \"%s\"", wanted);
	}
	return psc_cli_report(cli, PSC_EXIT_OK, json_pack("{s:o}", "products", products),
			      catalog_show_render);
}

static const struct psc_option catalog_show_options[] = {
	PSC_POLICY_OPTIONS_CATALOG, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_catalog_show = {
	.name = "catalog show",
	.run = catalog_show_run,
	.most_arguments = 1,
	.arguments = "[VENDOR[/PRODUCT]]",
	.summary = "Prints products, and by what one is recognised",
	.options = catalog_show_options,
	.help = "Without a product: a line each. With one: its source, its digests, and every rule\n"
		"by which it is recognised, with confidence and source.\n\n"
		"Examples:\n"
		"  proscribe catalog show\n"
		"  proscribe catalog show kaspersky/kesl\n",
};
