/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_parse.c - reads a vendor's rules and rejected values; see indicator.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/indicator_internal.h"
#include "user/core/yaml.h"

/* One vendor's file while it is read. */
struct reader {
	struct psc_indicators *indicators;
	const struct psc_catalog *catalog;
	const char *vendor;
	const char *path;			/* owned by the indicators */
	struct psc_indicator *rule;		/* the one being read */
	const struct psc_yaml_node *conditions; /* of it */
	bool has_confidence;
	struct psc_rejected rejected;	 /* the one being read */
	struct psc_condition *condition; /* the one being read */
};

static int take_text(struct psc_yaml *yaml, const struct psc_yaml_node *value, char **ret)
{
	int r = psc_yaml_expect_scalar(yaml, value, "expected a text");

	if (r < 0)
		return r;
	if (!value->text[0])
		return psc_yaml_fail(yaml, value, "expected a text, found nothing");
	*ret = strdup(value->text);
	return *ret ? 0 : -ENOMEM;
}

/* As in products.yaml: what can stand between the slashes of a product. */
static int expect_name(struct psc_yaml *yaml, const struct psc_yaml_node *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	int r = psc_yaml_expect_scalar(yaml, value, "expected a name");

	if (r < 0)
		return r;
	if (!value->text[0] || value->text[strspn(value->text, letters)])
		return psc_yaml_fail(yaml, value,
				     "not a name: expected lower case letters, digits and dashes");
	return 0;
}

/* ---- one condition ------------------------------------------------------------------ */

static int parse_fact(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct reader *reader = data;
	int r = psc_yaml_expect_scalar(yaml, value, "expected the name of a fact");

	if (r < 0)
		return r;
	if (psc_fact_from_string(value->text, &reader->condition->fact) < 0)
		return psc_yaml_fail(yaml, value, "unknown fact \"%.40s\"", value->text);
	return 0;
}

static int parse_match(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct reader *reader = data;
	int r = psc_yaml_expect_scalar(yaml, value, "expected a way to compare");

	if (r < 0)
		return r;
	if (psc_match_from_string(value->text, &reader->condition->match) < 0)
		return psc_yaml_fail(yaml, value,
				     "unknown way to compare \"%.40s\": expected exact, prefix, "
				     "suffix, glob, contains or under",
				     value->text);
	return 0;
}

static int parse_value(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_condition *condition = ((struct reader *)data)->condition;
	int r = take_text(yaml, value, &condition->value);

	if (r < 0)
		return r;
	condition->length = strlen(condition->value);
	if (condition->length > PSC_FACT_VALUE_MAX)
		return psc_yaml_fail(yaml, value, "longer than any fact (%u bytes)",
				     PSC_FACT_VALUE_MAX);
	return 0;
}

/* Whether a package is somebody else's is asked by the vendor whose file it brings. */
static int check_owner(struct psc_yaml *yaml, const struct psc_yaml_node *node,
		       const struct psc_condition *condition, const char *vendor)
{
	if (condition->fact != PSC_FACT_FOREIGN_OWNER || strcmp(condition->value, vendor) == 0)
		return 0;
	return psc_yaml_fail(yaml, psc_yaml_get(node, "value"),
			     "foreign_owner is asked by the vendor itself: expected %.60s", vendor);
}

/* Of what is rejected any text may be a marker: nobody looks for it. */
static int check_marker(struct psc_yaml *yaml, const struct psc_yaml_node *node,
			const struct psc_condition *condition)
{
	if (condition->fact != PSC_FACT_MARKER ||
	    (condition->length >= PSC_MARKER_MIN && condition->length <= PSC_MARKER_MAX))
		return 0;
	return psc_yaml_fail(yaml, psc_yaml_get(node, "value"),
			     "a marker has %u to %u bytes, found %zu", PSC_MARKER_MIN,
			     PSC_MARKER_MAX, condition->length);
}

static int parse_condition(struct psc_yaml *yaml, const struct psc_yaml_node *node,
			   struct reader *reader, struct psc_condition *condition)
{
	static const struct psc_yaml_key keys[] = {
		{"fact", parse_fact}, {"match", parse_match}, {"value", parse_value}};
	static const char *const required[] = {"fact", "value"};
	int r;

	reader->condition = condition;
	r = psc_yaml_walk(yaml, node, keys, ARRAY_SIZE(keys), reader);
	if (r >= 0)
		r = psc_yaml_require(yaml, node, required, ARRAY_SIZE(required));
	if (r >= 0)
		r = psc_condition_check(yaml, node, condition);
	if (r >= 0)
		r = check_owner(yaml, node, condition, reader->vendor);
	return r < 0 ? r : check_marker(yaml, node, condition);
}

/* ---- one rule ----------------------------------------------------------------------- */

static int parse_rule_id(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct reader *reader = data;
	int r = expect_name(yaml, value);

	if (r < 0)
		return r;
	if (asprintf(&reader->rule->id, "%s/%s", reader->vendor, value->text) < 0) {
		reader->rule->id = NULL;
		return -ENOMEM;
	}
	for (size_t i = 0; i < reader->indicators->count; i++) {
		const struct psc_indicator *other = reader->indicators->rules[i];

		if (strcmp(other->id, reader->rule->id) == 0)
			return psc_yaml_fail(yaml, value,
					     "rule \"%.80s\" is there already, at %.100s:%u",
					     other->id, other->path, other->line);
	}
	return 0;
}

static int parse_product(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct reader *reader = data;
	enum psc_role role;
	int r = expect_name(yaml, value);

	if (r < 0)
		return r;
	if (asprintf(&reader->rule->product, "%s/%s", reader->vendor, value->text) < 0) {
		reader->rule->product = NULL;
		return -ENOMEM;
	}
	if (!psc_catalog_find(reader->catalog, reader->rule->product, &role))
		return psc_yaml_fail(yaml, value, "products.yaml has no product \"%.80s\"",
				     reader->rule->product);
	return 0;
}

static int parse_role(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct reader *reader = data;
	int r = psc_yaml_expect_scalar(yaml, value, "expected a role");

	if (r < 0)
		return r;
	if (psc_role_from_string(value->text, &reader->rule->role) < 0)
		return psc_yaml_fail(yaml, value,
				     "unknown role \"%.40s\": expected program, updater, "
				     "ksn_client, installer, library, database or uninstaller",
				     value->text);
	return 0;
}

static int parse_confidence(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct reader *reader = data;
	int r = psc_yaml_expect_scalar(yaml, value, "expected high, medium or low");

	if (r < 0)
		return r;
	if (psc_confidence_from_string(value->text, &reader->rule->confidence) < 0)
		return psc_yaml_fail(yaml, value,
				     "unknown confidence \"%.40s\": expected high, medium or low",
				     value->text);
	return 0;
}

static int parse_source(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	return take_text(yaml, value, &((struct reader *)data)->rule->cite.source);
}

static int parse_label(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct reader *reader = data;
	int r = psc_yaml_expect_scalar(yaml, value, "expected V, S, U or A");

	if (r < 0)
		return r;
	if (psc_label_from_string(value->text, &reader->rule->cite.label) < 0)
		return psc_yaml_fail(yaml, value, "unknown label \"%.40s\": expected V, S, U or A",
				     value->text);
	return 0;
}

static int parse_all(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct reader *reader = data;
	struct psc_indicator *rule = reader->rule;
	int r = psc_yaml_expect_sequence(yaml, value, "expected a sequence of conditions");

	if (r >= 0 && !value->first)
		return psc_yaml_fail(yaml, value, "a rule without a condition holds for anything");
	for (const struct psc_yaml_node *n = value->first; n && r >= 0; n = n->next) {
		if (rule->conditions == PSC_CONDITIONS_MAX)
			return psc_yaml_fail(yaml, n, "more than %u conditions",
					     PSC_CONDITIONS_MAX);
		r = parse_condition(yaml, n, reader, &rule->condition[rule->conditions++]);
	}
	return r;
}

/* A key id stands unsigned in the package: who wants to be taken for somebody writes it. */
static bool is_claim(const struct psc_indicator *rule)
{
	bool claim = false;

	for (size_t i = 0; i < rule->conditions; i++) {
		switch (rule->condition[i].fact) {
		case PSC_FACT_PACKAGE_KEY:
			claim = true;
			break;
		case PSC_FACT_FORMAT:
		case PSC_FACT_PACKAGE_FORMAT:
		case PSC_FACT_PACKAGE_ARCHITECTURE:
			break;
		default:
			return false;
		}
	}
	return claim;
}

static int append_rule(struct reader *reader)
{
	struct psc_indicators *indicators = reader->indicators;
	struct psc_indicator **rules;

	rules = reallocarray(indicators->rules, indicators->count + 1, sizeof(void *));
	if (!rules)
		return -ENOMEM;
	indicators->rules = rules;
	rules[indicators->count++] = TAKE_PTR(reader->rule);
	return 0;
}

static int parse_rule(struct psc_yaml *yaml, const struct psc_yaml_node *node,
		      struct reader *reader)
{
	static const struct psc_yaml_key keys[] = {
		{"rule", parse_rule_id},  {"product", parse_product},
		{"role", parse_role},	  {"confidence", parse_confidence},
		{"source", parse_source}, {"label", parse_label},
		{"all", parse_all},
	};
	static const char *const required[] = {"rule",	 "product", "role", "confidence",
					       "source", "label",   "all"};
	int r;

	if (reader->indicators->count == PSC_RULES_MAX)
		return psc_yaml_fail(yaml, node, "more than %u rules", PSC_RULES_MAX);
	reader->rule = calloc(1, sizeof(*reader->rule));
	if (!reader->rule)
		return -ENOMEM;
	reader->rule->path = reader->path;
	reader->rule->line = node->line;
	reader->rule->column = node->column;
	r = psc_yaml_walk(yaml, node, keys, ARRAY_SIZE(keys), reader);
	if (r >= 0)
		r = psc_yaml_require(yaml, node, required, ARRAY_SIZE(required));
	if (r >= 0 && is_claim(reader->rule) && reader->rule->confidence > PSC_CONFIDENCE_LOW)
		return psc_yaml_fail(yaml, psc_yaml_get(node, "confidence"),
				     "package_key alone is a claim: expected low");
	return r < 0 ? r : append_rule(reader);
}

static int parse_rules(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct reader *reader = data;
	int r;

	if (!reader->vendor)
		return psc_yaml_fail_key(yaml, value, "expected vendor before it");
	r = psc_yaml_expect_sequence(yaml, value, "expected a sequence of rules");
	for (const struct psc_yaml_node *n = value->first; n && r >= 0; n = n->next)
		r = parse_rule(yaml, n, reader);
	psc_indicator_clear(TAKE_PTR(reader->rule));
	return r;
}

/* ---- rejected values ---------------------------------------------------------------- */

static int parse_rejected_source(struct psc_yaml *yaml, const struct psc_yaml_node *value,
				 void *data)
{
	return take_text(yaml, value, &((struct reader *)data)->rejected.source);
}

static int parse_reason(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	return take_text(yaml, value, &((struct reader *)data)->rejected.reason);
}

static int append_rejected(struct reader *reader)
{
	struct psc_indicators *indicators = reader->indicators;
	struct psc_rejected *rejected;

	rejected = reallocarray(indicators->rejected, indicators->rejected_count + 1,
				sizeof(*rejected));
	if (!rejected)
		return -ENOMEM;
	indicators->rejected = rejected;
	rejected[indicators->rejected_count++] = reader->rejected;
	reader->rejected = (struct psc_rejected){0};
	return 0;
}

static int parse_one_rejected(struct psc_yaml *yaml, const struct psc_yaml_node *node,
			      struct reader *reader)
{
	static const struct psc_yaml_key keys[] = {
		{"fact", parse_fact},	  {"match", parse_match},
		{"value", parse_value},	  {"source", parse_rejected_source},
		{"reason", parse_reason},
	};
	static const char *const required[] = {"fact", "value", "source", "reason"};
	int r;

	if (reader->indicators->rejected_count == PSC_RULES_MAX)
		return psc_yaml_fail(yaml, node, "more than %u rejected values", PSC_RULES_MAX);
	reader->condition = &reader->rejected.condition;
	reader->rejected.path = reader->path;
	reader->rejected.line = node->line;
	reader->rejected.column = node->column;
	reader->rejected.vendor = strdup(reader->vendor);
	if (!reader->rejected.vendor)
		return -ENOMEM;
	r = psc_yaml_walk(yaml, node, keys, ARRAY_SIZE(keys), reader);
	if (r >= 0)
		r = psc_yaml_require(yaml, node, required, ARRAY_SIZE(required));
	if (r >= 0)
		r = psc_condition_check(yaml, node, &reader->rejected.condition);
	return r < 0 ? r : append_rejected(reader);
}

static int parse_rejected(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct reader *reader = data;
	int r;

	if (!reader->vendor)
		return psc_yaml_fail_key(yaml, value, "expected vendor before it");
	r = psc_yaml_expect_sequence(yaml, value, "expected a sequence of rejected values");
	for (const struct psc_yaml_node *n = value->first; n && r >= 0; n = n->next)
		r = parse_one_rejected(yaml, n, reader);
	psc_rejected_clear(&reader->rejected);
	return r;
}

/* ---- a file ------------------------------------------------------------------------- */

static int parse_vendor(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	((struct reader *)data)->vendor = value->text;
	return expect_name(yaml, value);
}

int psc_indicators_read(struct psc_indicators *indicators, const struct psc_catalog *catalog,
			const char *data, size_t size, const char *path, struct psc_error *reterr)
{
	static const struct psc_yaml_key keys[] = {
		{"vendor", parse_vendor}, {"rules", parse_rules}, {"rejected", parse_rejected}};
	struct reader reader = {.indicators = indicators, .catalog = catalog};
	_cleanup_(psc_yaml_freep) struct psc_yaml *yaml = NULL;
	int r;

	r = psc_yaml_parse(data, size, path, &yaml, reterr);
	if (r < 0 || !psc_yaml_root(yaml))
		return r;
	r = psc_indicators_keep_path(indicators, path, &reader.path);
	return r < 0 ? r
		     : psc_yaml_walk(yaml, psc_yaml_root(yaml), keys, ARRAY_SIZE(keys), &reader);
}
