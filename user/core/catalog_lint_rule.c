/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_lint_rule.c - what is wrong with rules that can be read; see catalog_lint.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/catalog_lint_parts.h"

static bool same_condition(const struct psc_condition *a, const struct psc_condition *b)
{
	return a->fact == b->fact && a->match == b->match && strcmp(a->value, b->value) == 0;
}

/* Says what a thing is like, never what it is: half of all files fulfil it. */
static bool is_weak(const struct psc_condition *condition)
{
	switch (condition->fact) {
	case PSC_FACT_FORMAT:
	case PSC_FACT_SIZE:
	case PSC_FACT_INTERPRETER:
	case PSC_FACT_ARCHIVE_OFFSET:
	case PSC_FACT_PACKAGE_FORMAT:
	case PSC_FACT_PACKAGE_ARCHITECTURE:
	case PSC_FACT_SIGNER_STATE:
	case PSC_FACT_SIGNER_TIME:
		return true;
	case PSC_FACT_NAME: /* an extension */
		return condition->match == PSC_MATCH_SUFFIX && condition->value[0] == '.';
	default:
		return condition->match == PSC_MATCH_CONTAINS && condition->length < 3;
	}
}

/* A thing has one of these at most. */
static bool is_single(enum psc_fact_kind kind)
{
	return kind <= PSC_FACT_ELF_SONAME || kind == PSC_FACT_PACKAGE_NAME ||
	       kind == PSC_FACT_PACKAGE_VERSION || kind == PSC_FACT_PACKAGE_FORMAT ||
	       kind == PSC_FACT_PACKAGE_VENDOR || kind == PSC_FACT_SIGNER_STATE ||
	       kind == PSC_FACT_SIGNER_KEY || kind == PSC_FACT_SIGNER_CERT_SHA256 ||
	       kind == PSC_FACT_SIGNER_CERT_SHA1;
}

static bool is_under(const char *path, const char *directory, size_t length)
{
	return strncmp(path, directory, length) == 0 && (!path[length] || path[length] == '/');
}

static bool excludes_path(const struct psc_condition *a, const struct psc_condition *b)
{
	const char *slash;

	if (a->fact != PSC_FACT_PATH || a->match != PSC_MATCH_EXACT)
		return false;
	if (b->fact == PSC_FACT_PATH && b->match == PSC_MATCH_UNDER)
		return !is_under(a->value, b->value, b->length);
	slash = strrchr(a->value, '/');
	return b->fact == PSC_FACT_NAME && b->match == PSC_MATCH_EXACT &&
	       strcmp(slash + 1, b->value) != 0;
}

/* Facts that only things of one format have. */
static bool excludes_format(const struct psc_condition *format, const struct psc_condition *b)
{
	bool elf = strcmp(format->value, "elf") == 0, pe = strcmp(format->value, "pe") == 0;

	if (format->fact != PSC_FACT_FORMAT)
		return false;
	if (b->fact >= PSC_FACT_ELF_BUILD_ID && b->fact <= PSC_FACT_ELF_NOTE)
		return !elf;
	if (b->fact == PSC_FACT_MARKER)
		return !elf && !pe;
	if (b->fact == PSC_FACT_INTERPRETER || b->fact == PSC_FACT_ARCHIVE_LABEL ||
	    b->fact == PSC_FACT_ARCHIVE_OFFSET)
		return strcmp(format->value, "script") != 0;
	return b->fact >= PSC_FACT_UNIT && b->fact <= PSC_FACT_ENVIRONMENT;
}

/* A state that what the certificate says of itself is not believed in. */
static bool excludes_state(const struct psc_condition *state, const struct psc_condition *b)
{
	if (state->fact != PSC_FACT_SIGNER_STATE || b->fact == PSC_FACT_SIGNER_STATE ||
	    b->fact == PSC_FACT_SIGNER_TIME || b->fact < PSC_FACT_SIGNER_SUBJECT ||
	    b->fact > PSC_FACT_SIGNER_TIME)
		return false;
	return strcmp(state->value, "trusted") != 0 &&
	       (b->fact == PSC_FACT_SIGNER_SUBJECT || b->fact == PSC_FACT_SIGNER_ISSUER ||
		b->fact == PSC_FACT_SIGNER_SERIAL || b->fact == PSC_FACT_SIGNER_KEY_ID ||
		strcmp(state->value, "tampered") == 0 || strcmp(state->value, "malformed") == 0 ||
		strcmp(state->value, "unchecked") == 0);
}

static bool exclude(const struct psc_condition *a, const struct psc_condition *b)
{
	if (a->fact == b->fact && a->match == PSC_MATCH_EXACT && b->match == PSC_MATCH_EXACT &&
	    is_single(a->fact))
		return strcmp(a->value, b->value) != 0;
	return excludes_path(a, b) || excludes_format(a, b) || excludes_state(a, b);
}

static void check_conditions(struct psc_lint *lint, const struct psc_indicator *rule)
{
	bool weak = true;

	for (size_t i = 0; i < rule->conditions; i++) {
		weak &= is_weak(&rule->condition[i]);
		for (size_t k = 0; k < rule->conditions; k++) {
			const struct psc_condition *a = &rule->condition[i];
			const struct psc_condition *b = &rule->condition[k];

			if (k > i && same_condition(a, b))
				psc_lint_report(lint, rule->path, rule->line, rule->column,
						"rule %s has the condition on %s twice", rule->id,
						psc_fact_to_string(a->fact));
			if (k != i && exclude(a, b) && !(exclude(b, a) && k < i))
				psc_lint_report(lint, rule->path, rule->line, rule->column,
						"rule %s can never hold: %s \"%.60s\" excludes %s "
						"\"%.60s\"",
						rule->id, psc_fact_to_string(a->fact), a->value,
						psc_fact_to_string(b->fact), b->value);
		}
	}
	if (weak)
		psc_lint_report(lint, rule->path, rule->line, rule->column,
				"rule %s proves nothing: formats, sizes and extensions are "
				"anybody's",
				rule->id);
}

/* Does the rule rest on that value, with nothing beside it that says more? */
static bool rests_on(const struct psc_indicator *rule, const struct psc_condition *rejected)
{
	bool there = false;

	for (size_t i = 0; i < rule->conditions; i++) {
		if (same_condition(&rule->condition[i], rejected))
			there = true;
		else if (!is_weak(&rule->condition[i]))
			return false;
	}
	return there;
}

static void check_rejected(struct psc_lint *lint, const struct psc_indicator *rule)
{
	for (size_t i = 0; i < psc_indicators_rejected_count(lint->indicators); i++) {
		const struct psc_rejected *rejected = psc_indicators_rejected(lint->indicators, i);

		if (rests_on(rule, &rejected->condition))
			psc_lint_report(lint, rule->path, rule->line, rule->column,
					"rule %s rests on a rejected value (line %u): %.120s",
					rule->id, rejected->line, rejected->reason);
	}
}

static bool has_condition(const struct psc_indicator *rule, const struct psc_condition *condition)
{
	for (size_t i = 0; i < rule->conditions; i++) {
		if (same_condition(&rule->condition[i], condition))
			return true;
	}
	return false;
}

static bool same_conditions(const struct psc_indicator *a, const struct psc_indicator *b)
{
	if (a->conditions != b->conditions)
		return false;
	for (size_t i = 0; i < a->conditions; i++) {
		if (!has_condition(b, &a->condition[i]))
			return false;
	}
	return true;
}

static void check_others(struct psc_lint *lint, size_t i)
{
	const struct psc_indicator *rule = psc_indicators_get(lint->indicators, i);

	for (size_t k = 0; k < i; k++) {
		const struct psc_indicator *other = psc_indicators_get(lint->indicators, k);

		if (same_conditions(rule, other))
			psc_lint_report(lint, rule->path, rule->line, rule->column,
					"rule %s has the conditions of %s (line %u)%s", rule->id,
					other->id, other->line,
					strcmp(rule->product, other->product) == 0 &&
							rule->role == other->role
						? ""
						: " and says something else");
	}
}

int psc_lint_rules(struct psc_lint *lint)
{
	for (size_t i = 0; i < psc_indicators_count(lint->indicators); i++) {
		const struct psc_indicator *rule = psc_indicators_get(lint->indicators, i);

		check_conditions(lint, rule);
		check_rejected(lint, rule);
		check_others(lint, i);
	}
	return 0;
}
