/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_json.c - the result of a scan as JSON. Strings from outside are escaped here, once. See
 * scan.h.
 */
#include <sys/utsname.h>

#include "user/cli/policy_verbs.h"
#include "user/cli/scan.h"
#include "user/core/hex.h"
#include "user/core/json.h"
#include "user/core/timefmt.h"

static void scan_set_safe(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, psc_json_safe(text));
}

static void scan_set_time(json_t *object, const char *key, uint64_t ns)
{
	char text[PSC_TIME_TEXT_MAX];

	json_object_set_new(object, key, json_string(psc_time_format_seconds(ns, text)));
}

/* ---- findings -------------------------------------------------------------------------- */

static json_t *scan_conditions_json(const struct psc_indicator *rule)
{
	json_t *all = json_array();

	for (size_t i = 0; i < rule->conditions; i++)
		json_array_append_new(
			all, json_pack("{s:s,s:s,s:o}", "fact",
				       psc_fact_to_string(rule->condition[i].fact), "match",
				       psc_match_to_string(rule->condition[i].match), "value",
				       psc_json_safe(rule->condition[i].value)));
	return all;
}

static json_t *scan_rule_json(const struct psc_indicator *rule)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "rule", rule->id, "product",
			 rule->product, "role", psc_role_to_string(rule->role), "confidence",
			 psc_confidence_to_string(rule->confidence), "source",
			 rule->cite.source ?: "", "label", psc_label_to_string(rule->cite.label),
			 "conditions", scan_conditions_json(rule));
}

static json_t *scan_hit_json(const struct psc_list_entry *entry)
{
	char hex[2 * PSC_ALGO_DIGEST_MAX + 1];

	psc_hex_encode(entry->digest, entry->digest_size, hex);
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "algo", psc_algo_to_string(entry->algo),
			 "digest", hex, "name", psc_json_safe(entry->name), "product",
			 psc_json_safe(entry->product), "version", psc_json_safe(entry->version),
			 "source", psc_json_safe(entry->source));
}

static json_t *scan_facts_json(const struct psc_facts *facts)
{
	json_t *all = json_array();

	for (size_t i = 0; i < facts->count; i++)
		json_array_append_new(all, json_pack("{s:s,s:o}", "fact",
						     psc_fact_to_string(facts->fact[i].kind),
						     "value", psc_json_safe(facts->fact[i].value)));
	return all;
}

static json_t *scan_finding_json(const struct psc_finding *finding)
{
	json_t *json, *rules = json_array(), *digests = json_array();

	for (size_t i = 0; i < finding->rules; i++)
		json_array_append_new(rules, scan_rule_json(finding->rule[i]));
	for (size_t i = 0; i < finding->hits; i++)
		json_array_append_new(digests, scan_hit_json(&finding->hit[i]));
	json = json_pack("{s:s,s:o,s:o,s:s,s:s,s:o,s:o,s:o}", "kind",
			 psc_thing_to_string(finding->thing), "where",
			 psc_json_safe(finding->where), "product", psc_json_safe(finding->product),
			 "role", psc_role_to_string(finding->role), "confidence",
			 psc_confidence_to_string(finding->confidence), "rules", rules, "digests",
			 digests, "facts", scan_facts_json(&finding->facts));
	if (!json)
		return NULL;
	scan_set_safe(json, "inside", finding->inside);
	scan_set_safe(json, "detail", finding->detail);
	scan_set_safe(json, "package", finding->owner);
	if (finding->pid)
		json_object_set_new(json, "pid", json_integer(finding->pid));
	if (finding->thing == PSC_THING_FILE)
		json_object_set_new(json, "size", json_integer((json_int_t)finding->size));
	return json;
}

/* Findings are sorted by product. */
static json_t *scan_products_json(const struct psc_scan_result *result,
				  const struct psc_catalog *catalog)
{
	json_t *all = json_array();

	for (size_t i = 0, end; i < result->findings; i = end) {
		const char *id = result->finding[i].product;
		enum psc_confidence best = 0;
		const struct psc_product *product;
		enum psc_role role;
		json_t *json;

		for (end = i;
		     end < result->findings && strcmp(result->finding[end].product, id) == 0;
		     end++) {
			if (result->finding[end].confidence > best)
				best = result->finding[end].confidence;
		}
		product = psc_catalog_find(catalog, id, &role);
		json = json_pack("{s:o,s:I,s:s}", "product", psc_json_safe(id), "findings",
				 (json_int_t)(end - i), "confidence",
				 psc_confidence_to_string(best));
		if (product) {
			scan_set_safe(json, "name", product->name);
			scan_set_safe(json, "entity", product->entity);
			scan_set_safe(json, "class", product->class);
		}
		json_array_append_new(all, json);
	}
	return all;
}

/* ---- the statement --------------------------------------------------------------------- */

static json_t *scan_counts_json(const struct psc_scan_counts *counts)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{"names", counts->names},
		{"directories", counts->directories},
		{"files", counts->files},
		{"bytes", counts->bytes},
		{"examined", counts->examined},
		{"digested", counts->digested},
		{"digested_bytes", counts->digested_bytes},
		{"again", counts->again},
		{"vanished", counts->vanished},
		{"archives", counts->archives},
		{"archives_unopened", counts->unopened},
		{"entries", counts->entries},
		{"databases", counts->databases},
		{"packages", counts->packages},
		{"units", counts->units},
		{"accounts", counts->accounts},
		{"processes", counts->processes},
		{"mapped", counts->mapped},
	};
	json_t *json = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		json_object_set_new(json, all[i].name, json_integer((json_int_t)all[i].value));
	return json;
}

static json_t *scan_gaps_json(const struct psc_scan_result *result, bool excluded)
{
	json_t *all = json_array();

	for (size_t i = 0; i < result->gaps; i++) {
		const struct psc_gap *gap = &result->gap[i];
		json_t *examples = json_array();

		if (gap->excluded != excluded) {
			json_decref(examples);
			continue;
		}
		for (size_t e = 0; e < PSC_GAP_EXAMPLES && gap->example[e]; e++)
			json_array_append_new(examples, psc_json_safe(gap->example[e]));
		json_array_append_new(all, json_pack("{s:o,s:I,s:o}", "reason",
						     psc_json_safe(gap->reason), "count",
						     (json_int_t)gap->count, "examples", examples));
	}
	return all;
}

static json_t *scan_scope_json(const struct psc_scan_result *result)
{
	static const char *const names[] = {
		[PSC_SCAN_TREE] = "path",	[PSC_SCAN_ROOT] = "root",
		[PSC_SCAN_HOST] = "host",	[PSC_SCAN_IMAGE] = "image",
		[PSC_SCAN_PACKAGE] = "package",
	};
	json_t *all = json_array();

	for (size_t i = 0; i < result->scopes; i++)
		json_array_append_new(all,
				      json_pack("{s:s,s:o}", "kind", names[result->scope[i].target],
						"path", psc_json_safe(result->scope[i].path)));
	return all;
}

static json_t *scan_method_json(const struct psc_scan_knowledge *knowledge)
{
	char hex[2 * PSC_DIGEST_SIZE + 1];
	struct psc_list_counts counts;
	json_t *digests = json_object(), *json, *catalogs = json_array();

	psc_list_get_counts(knowledge->list, &counts);
	for (unsigned int a = 0; a < PSC_ALGO_MAX; a++) {
		if (counts.by_algo[a])
			json_object_set_new(digests, psc_algo_to_string(a),
					    json_integer((json_int_t)counts.by_algo[a]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(knowledge->places.catalogs); i++) {
		if (knowledge->places.catalogs[i])
			json_array_append_new(catalogs,
					      psc_json_safe(knowledge->places.catalogs[i]));
	}
	psc_hex_encode(knowledge->digest, PSC_DIGEST_SIZE, hex);
	json = json_pack("{s:I,s:I,s:o,s:o,s:s}", "products", (json_int_t)knowledge->catalog.count,
			 "rules", (json_int_t)psc_indicators_count(knowledge->indicators),
			 "digests", digests, "catalogs", catalogs, "catalog_sha256", hex);
	return json;
}

static const char *scan_result_word(const struct psc_scan_result *result)
{
	if (result->findings)
		return "found";
	return result->complete ? "nil" : "incomplete";
}

json_t *psc_scan_to_json(const struct psc_scan_result *result,
			 const struct psc_scan_options *options,
			 const struct psc_scan_knowledge *knowledge)
{
	json_t *json, *findings = json_array();
	struct utsname name;

	if (uname(&name) < 0)
		memset(&name, 0, sizeof(name));
	for (size_t i = 0; i < result->findings; i++)
		json_array_append_new(findings, scan_finding_json(&result->finding[i]));
	json = json_pack("{s:s,s:b,s:o,s:s,s:o,s:s,s:b,s:b,s:b,s:o,s:o,s:o,s:o,s:o,s:o}", "result",
			 scan_result_word(result), "complete", result->complete, "host",
			 psc_json_safe(name.nodename), "version", PSC_VERSION, "kernel",
			 psc_json_safe(name.release), "architecture", name.machine, "root",
			 geteuid() == 0, "network", options->network, "archives", options->archives,
			 "scope", scan_scope_json(result), "method", scan_method_json(knowledge),
			 "counts", scan_counts_json(&result->counts), "products",
			 scan_products_json(result, &knowledge->catalog), "findings", findings,
			 "gaps", scan_gaps_json(result, false));
	if (!json)
		return NULL;
	json_object_set_new(json, "excluded", scan_gaps_json(result, true));
	scan_set_time(json, "began", result->began);
	scan_set_time(json, "ended", result->ended);
	json_object_set_new(json, "milliseconds",
			    json_integer((json_int_t)((result->ended - result->began) / 1000000)));
	return json;
}
