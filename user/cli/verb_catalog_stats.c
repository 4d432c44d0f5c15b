/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_catalog_stats.c - `proscribe catalog stats`: how much the catalog knows, how well, how
 * much of it the kernel can use, and the digest that names its content. Works without daemon
 * and root.
 */
#include <errno.h>

#include "user/cli/catalog_verbs.h"
#include "user/core/hex.h"

static json_t *stats_rules(const struct psc_catalog_host *host)
{
	json_int_t by[PSC_CONFIDENCE_MAX] = {0};

	for (size_t i = 0; i < psc_indicators_count(host->indicators); i++)
		by[psc_indicators_get(host->indicators, i)->confidence]++;
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "all",
			 (json_int_t)psc_indicators_count(host->indicators), "high",
			 by[PSC_CONFIDENCE_HIGH], "medium", by[PSC_CONFIDENCE_MEDIUM], "low",
			 by[PSC_CONFIDENCE_LOW], "rejected",
			 (json_int_t)psc_indicators_rejected_count(host->indicators));
}

/* Enforceable ones by how the kernel comes to know them. */
struct sized {
	json_int_t at_once;		      /* with a size */
	json_int_t costly;		      /* without: the kernel digests whatever runs */
	json_int_t userspace;		      /* without: once the daemon has met the file */
	json_int_t by_format[PSC_FORMAT_MAX]; /* of the last */
};

static void stats_sizes(const struct psc_list *list, struct sized *ret)
{
	struct psc_list_entry entry;

	*ret = (struct sized){0};
	for (size_t i = 0; psc_list_get(list, i, &entry) == 0; i++) {
		if (psc_list_entry_enforce(&entry) != PSC_LIST_ENFORCEABLE)
			continue;
		if (entry.has_size) {
			ret->at_once++;
		} else if (psc_format_forces_hashing(entry.format)) {
			ret->costly++;
		} else {
			ret->userspace++;
			ret->by_format[entry.format]++;
		}
	}
}

static json_t *stats_digests(const struct psc_list *list)
{
	json_t *algorithms = json_object(), *formats = json_object();
	struct psc_list_counts counts;
	struct sized sized;

	psc_list_get_counts(list, &counts);
	for (unsigned int a = 0; a < PSC_ALGO_MAX; a++) {
		if (counts.by_algo[a])
			json_object_set_new(algorithms, psc_algo_to_string(a),
					    json_integer((json_int_t)counts.by_algo[a]));
	}
	stats_sizes(list, &sized);
	for (unsigned int f = 0; f < PSC_FORMAT_MAX; f++) {
		if (sized.by_format[f])
			json_object_set_new(formats, psc_format_to_string(f),
					    json_integer(sized.by_format[f]));
	}
	return json_pack(
		"{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "all", (json_int_t)counts.entries,
		"enforceable", (json_int_t)counts.enforceable, "with_size", sized.at_once,
		"other_algorithm", (json_int_t)(counts.entries - counts.by_algo[PSC_ALGO_SHA256]),
		"too_large", (json_int_t)counts.too_large, "without_size_found_by_userspace",
		sized.userspace, "without_size_found_by_kernel", sized.costly,
		"without_size_formats", formats, "algorithms", algorithms);
}

/* "1 this, 2 that" */
static void stats_render_counts(FILE *out, json_t *counts)
{
	const json_t *count;
	const char *name, *separator = "";

	json_object_foreach(counts, name, count) {
		fprintf(out, "%s%" JSON_INTEGER_FORMAT " %s", separator, json_integer_value(count),
			name);
		separator = ", ";
	}
}

static void stats_render_digests(FILE *out, const json_t *digests)
{
	json_int_t userspace = psc_json_number(digests, "without_size_found_by_userspace", 0);

	fprintf(out, "digests         %" JSON_INTEGER_FORMAT " (",
		psc_json_number(digests, "all", 0));
	stats_render_counts(out, json_object_get(digests, "algorithms"));
	fprintf(out, ")\nenforceable     %" JSON_INTEGER_FORMAT "\n",
		psc_json_number(digests, "enforceable", 0));
	fprintf(out, "  with size     %" JSON_INTEGER_FORMAT " by the kernel, at once\n",
		psc_json_number(digests, "with_size", 0));
	fprintf(out, "  no size       %" JSON_INTEGER_FORMAT "%s", userspace,
		userspace ? " (" : "");
	stats_render_counts(out, json_object_get(digests, "without_size_formats"));
	fprintf(out,
		"%s\n                once the daemon has met the file (resolver: enabled); before "
		"that for scan alone\n",
		userspace ? ")" : "");
	fprintf(out,
		"                %" JSON_INTEGER_FORMAT
		" programs: the kernel digests whatever runs\n",
		psc_json_number(digests, "without_size_found_by_kernel", 0));
	fprintf(out,
		"not enforceable %" JSON_INTEGER_FORMAT
		" of another algorithm than sha256, %" JSON_INTEGER_FORMAT
		" too large: for scan alone\n",
		psc_json_number(digests, "other_algorithm", 0),
		psc_json_number(digests, "too_large", 0));
}

static void stats_render(FILE *out, const json_t *data, bool colour)
{
	fprintf(out, "vendors         %" JSON_INTEGER_FORMAT "\n",
		psc_json_number(data, "vendors", 0));
	fprintf(out, "products        %" JSON_INTEGER_FORMAT "\n",
		psc_json_number(data, "products", 0));
	fprintf(out,
		"rules           %" JSON_INTEGER_FORMAT " (%" JSON_INTEGER_FORMAT
		" high, %" JSON_INTEGER_FORMAT " medium, %" JSON_INTEGER_FORMAT " low)\n",
		psc_json_number(data, "rules.all", 0), psc_json_number(data, "rules.high", 0),
		psc_json_number(data, "rules.medium", 0), psc_json_number(data, "rules.low", 0));
	fprintf(out, "rejected        %" JSON_INTEGER_FORMAT "\n",
		psc_json_number(data, "rules.rejected", 0));
	stats_render_digests(out, json_object_get(data, "digests"));
	fprintf(out, "catalog         sha256 %s\n", psc_json_text(data, "sha256", "?"));
}

static json_int_t stats_vendors(const struct psc_catalog *catalog)
{
	json_int_t count = 0;

	for (size_t i = 0; i < catalog->count; i++) {
		const char *id = catalog->products[i].id;
		size_t length = strchr(id, '/') - id + 1;

		count += i == 0 || strncmp(catalog->products[i - 1].id, id, length) != 0;
	}
	return count;
}

static int stats_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_catalog_host_clear) struct psc_catalog_host host = {0};
	char hex[2 * PSC_DIGEST_SIZE + 1];
	uint8_t digest[PSC_DIGEST_SIZE];
	struct psc_error error = {0};
	int r = psc_catalog_host_load(cli, &host);

	if (r != PSC_EXIT_OK)
		return r;
	r = psc_catalog_digest(host.directories, ARRAY_SIZE(host.directories), digest, &error);
	if (r < 0)
		return psc_policy_fail(cli, r, &error);
	psc_hex_encode(digest, sizeof(digest), hex);
	return psc_cli_report(cli, PSC_EXIT_OK,
			      json_pack("{s:I,s:I,s:o,s:o,s:s}", "vendors",
					stats_vendors(&host.catalog), "products",
					(json_int_t)host.catalog.count, "rules", stats_rules(&host),
					"digests", stats_digests(host.list), "sha256", hex),
			      stats_render);
}

static const struct psc_option stats_options[] = {PSC_POLICY_OPTIONS_CATALOG, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_catalog_stats = {
	.name = "catalog stats",
	.run = stats_run,
	.arguments = "",
	.summary = "Counts what the catalog knows; its digest",
	.options = stats_options,
	.help = "The digest names the content that a scan's statement rests on. It is that of the\n"
		"lines that sha256sum prints of all files, so anybody can compute it:\n"
		"  cd /usr/share/proscribe/catalog && LC_ALL=C sha256sum */* | sha256sum\n\n"
		"Example:\n"
		"  proscribe catalog stats --json | jq .data.digests\n",
};
