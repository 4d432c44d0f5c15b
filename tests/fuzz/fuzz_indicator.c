/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_indicator.c - a vendor's rules and a thing to compare: the text before a line of "%%" is
 * an indicators.yaml, what follows has a fact a line, "KIND GROUP value". What is accepted has
 * all its parts; the facts that its own rule asks for are found by it, and by the order of
 * results nothing comes twice.
 */
#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/indicator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

/* See fuzz_config.c. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}

#define PRODUCTS                                                                                   \
	"vendor: v\nentity: e\nproducts:\n"                                                        \
	"  - {product: tool, name: A Tool, source: s, label: V}\n"                                 \
	"  - {product: other, name: Another, source: s, label: V}\n"

#define SEPARATOR "\n%%\n"

static void add_line(struct psc_facts *facts, const char *line, size_t length)
{
	if (length < 3)
		return;
	if (psc_facts_add(facts, (uint8_t)line[0] % PSC_FACT_MAX, (uint8_t)line[1] % 4, line + 2,
			  length - 2) < 0)
		abort();
}

static void read_facts(struct psc_facts *facts, const char *text, size_t size)
{
	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size;

		add_line(facts, text, length);
		length += !!end;
		text += length;
		size -= length;
	}
}

static bool is_plain(enum psc_match match)
{
	return match != PSC_MATCH_GLOB;
}

/* What a rule asks for is what it finds. */
static void match_itself(const struct psc_indicators *indicators, const struct psc_indicator *rule)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_(psc_matches_clear) struct psc_matches matches = {0};
	bool stated = false;

	for (size_t i = 0; i < rule->conditions; i++) {
		const struct psc_condition *condition = &rule->condition[i];

		if (!is_plain(condition->match) || condition->fact == PSC_FACT_SIGNER_STATE)
			return;
		stated |= condition->fact > PSC_FACT_SIGNER_STATE &&
			  condition->fact <= PSC_FACT_SIGNER_TIME;
		if (psc_facts_add(&facts, condition->fact, 1, condition->value, condition->length) <
		    0)
			abort();
	}
	if (stated && psc_facts_add(&facts, PSC_FACT_SIGNER_STATE, 1, "trusted", 7) < 0)
		abort();
	if (psc_indicators_match(indicators, &facts, &matches) < 0)
		abort();
	for (size_t i = 0; i < matches.count; i++) {
		if (matches.rule[i] == rule)
			return;
	}
	abort();
}

static void check_rule(const struct psc_indicators *indicators, const struct psc_indicator *rule)
{
	if (!rule->id || !rule->product || !rule->cite.source || !rule->conditions ||
	    rule->conditions > PSC_CONDITIONS_MAX || rule->role >= PSC_ROLE_MAX ||
	    rule->confidence >= PSC_CONFIDENCE_MAX)
		abort();
	for (size_t i = 0; i < rule->conditions; i++) {
		if (rule->condition[i].length != strlen(rule->condition[i].value))
			abort();
	}
	match_itself(indicators, rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_catalog_clear) struct psc_catalog catalog = {0};
	_cleanup_(psc_indicators_freep) struct psc_indicators *indicators = NULL;
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_(psc_matches_clear) struct psc_matches matches = {0};
	const char *text = (const char *)data;
	const char *end = size ? memmem(text, size, SEPARATOR, strlen(SEPARATOR)) : NULL;
	size_t length = end ? (size_t)(end - text) + 1 : size;
	struct psc_error err = {0};

	if (psc_catalog_parse(&catalog, PRODUCTS, strlen(PRODUCTS), "p", &err) < 0 ||
	    psc_indicators_new(&indicators) < 0)
		abort();
	if (psc_indicators_parse(indicators, &catalog, text, length, "in", &err) < 0 &&
	    (!err.message[0] || psc_indicators_count(indicators)))
		abort();
	for (size_t i = 0; i < psc_indicators_count(indicators); i++)
		check_rule(indicators, psc_indicators_get(indicators, i));
	if (end)
		read_facts(&facts, end + strlen(SEPARATOR),
			   size - (end - text) - strlen(SEPARATOR));
	if (psc_indicators_match(indicators, &facts, &matches) < 0 ||
	    matches.count > psc_indicators_count(indicators))
		abort();
	for (size_t i = 1; i < matches.count; i++) {
		if (matches.rule[i] == matches.rule[i - 1])
			abort();
	}
	return 0;
}
