/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_match.c - which rules hold for a bag of facts; see indicator.h.
 *
 * A rule is found by one of its conditions, the anchor: where that is a whole value or a
 * directory, one hash of the fact (of every parent of a path, on the way) tells whether any
 * rule is meant, so that a file of which no rule speaks costs its path's length and no more.
 */
#include <errno.h>
#include <fnmatch.h>
#include <strings.h>

#include "user/core/util.h"
#include "user/core/indicator_internal.h"

#define WORD_BITS 64
#define WORDS(n)  (((n) + WORD_BITS - 1) / WORD_BITS)

/* Groups of signers; those with a larger number cannot be told apart and never match. */
#define GROUPS_MAX PSC_FACTS_MAX

/* Sets of this many rules need no memory of their own. */
#define RULES_ON_STACK 4096

struct group_set {
	uint64_t word[WORDS(GROUPS_MAX + 1)];
};

/* What a comparison needs; made once a call. */
struct search {
	const struct psc_indicators *indicators;
	const struct psc_facts *facts;
	uint64_t *seen;	   /* rules that were looked at */
	uint64_t *matched; /* rules that hold */
	uint64_t present;  /* kinds of facts that there are */
	size_t count;
};

_Static_assert(PSC_FACT_MAX <= 64, "a bit for every kind of fact");

/* Most bytes differ from the first one in more than the bit that tells capitals. */
static bool contains(const char *text, const char *part, size_t length)
{
	for (; *text; text++) {
		if (!((*text ^ *part) & ~0x20) && strncasecmp(text, part, length) == 0)
			return true;
	}
	return false;
}

/* Nearly always the first bytes tell, for which fnmatch() takes long. */
static bool is_like(const struct psc_condition *condition, const char *text)
{
	bool is_path = condition->fact == PSC_FACT_PATH || condition->fact == PSC_FACT_ENTRY;

	return strncmp(text, condition->value, condition->literal) == 0 &&
	       fnmatch(condition->value, text, is_path ? FNM_PATHNAME : 0) == 0;
}

static bool holds(const struct psc_condition *condition, const char *text)
{
	size_t length;

	switch (condition->match) {
	case PSC_MATCH_EXACT:
		return strcmp(text, condition->value) == 0;
	case PSC_MATCH_PREFIX:
		return strncmp(text, condition->value, condition->length) == 0;
	case PSC_MATCH_SUFFIX:
		length = strlen(text);
		return length >= condition->length &&
		       strcmp(text + length - condition->length, condition->value) == 0;
	case PSC_MATCH_GLOB:
		return is_like(condition, text);
	case PSC_MATCH_CONTAINS:
		return contains(text, condition->value, condition->length);
	case PSC_MATCH_UNDER:
		return strncmp(text, condition->value, condition->length) == 0 &&
		       (!text[condition->length] || text[condition->length] == '/');
	default:
		return false;
	}
}

static bool holds_for_any(const struct search *s, const struct psc_condition *condition)
{
	for (size_t i = 0; i < s->facts->count; i++) {
		const struct psc_fact *fact = &s->facts->fact[i];

		if (fact->kind == condition->fact && holds(condition, fact->value))
			return true;
	}
	return false;
}

static void put(uint64_t *set, size_t i)
{
	set[i / WORD_BITS] |= 1ULL << i % WORD_BITS;
}

static bool has(const uint64_t *set, size_t i)
{
	return set[i / WORD_BITS] & 1ULL << i % WORD_BITS;
}

/* Signers whose state lets a condition on @kind hold. */
static uint32_t states_for(enum psc_fact_kind kind)
{
	switch (kind) {
	case PSC_FACT_SIGNER_STATE:
	case PSC_FACT_SIGNER_TIME:
		return ~0U;
	case PSC_FACT_SIGNER_ISSUER_SERIAL:
	case PSC_FACT_SIGNER_KEY:
	case PSC_FACT_SIGNER_CERT_SHA256:
	case PSC_FACT_SIGNER_CERT_SHA1:
		return 1U << PSC_SIGNER_TRUSTED | 1U << PSC_SIGNER_UNTRUSTED |
		       1U << PSC_SIGNER_SELF_SIGNED | 1U << PSC_SIGNER_EXPIRED;
	default:
		return 1U << PSC_SIGNER_TRUSTED;
	}
}

/* A state of no name is none; a signer of two states needs both to be allowed. */
static void keep_states(const struct search *s, uint32_t states, struct group_set *groups)
{
	struct group_set known = {0};

	for (size_t i = 0; i < s->facts->count; i++) {
		const struct psc_fact *fact = &s->facts->fact[i];
		enum psc_signer state;

		if (fact->kind != PSC_FACT_SIGNER_STATE || fact->group > GROUPS_MAX)
			continue;
		if (psc_signer_from_string(fact->value, &state) == 0 && states & 1U << state)
			put(known.word, fact->group);
		else
			groups->word[fact->group / WORD_BITS] &= ~(1ULL << fact->group % WORD_BITS);
	}
	for (size_t i = 0; i < ARRAY_SIZE(groups->word); i++)
		groups->word[i] &= known.word[i];
}

/* Do all conditions on signers hold for one of them? */
static bool holds_for_signer(const struct search *s, const struct psc_indicator *rule)
{
	struct group_set groups;
	uint32_t states = ~0U;
	uint64_t left = 0;

	memset(&groups, 0xff, sizeof(groups));
	groups.word[0] &= ~1ULL; /* 0 is the thing itself */
	for (size_t i = 0; i < rule->conditions; i++) {
		const struct psc_condition *condition = &rule->condition[i];
		struct group_set found = {0};

		if (!psc_indicator_is_signer(condition->fact))
			continue;
		states &= states_for(condition->fact);
		for (size_t k = 0; k < s->facts->count; k++) {
			const struct psc_fact *fact = &s->facts->fact[k];

			if (fact->kind == condition->fact && fact->group <= GROUPS_MAX &&
			    holds(condition, fact->value))
				put(found.word, fact->group);
		}
		for (size_t k = 0; k < ARRAY_SIZE(groups.word); k++)
			groups.word[k] &= found.word[k];
	}
	keep_states(s, states, &groups);
	for (size_t k = 0; k < ARRAY_SIZE(groups.word); k++)
		left |= groups.word[k];
	return left;
}

static bool rule_holds(const struct search *s, const struct psc_indicator *rule,
		       const struct psc_condition *anchor)
{
	bool signer = false;

	for (size_t i = 0; i < rule->conditions; i++) {
		if (!(s->present & 1ULL << rule->condition[i].fact))
			return false;
	}
	for (size_t i = 0; i < rule->conditions; i++) {
		const struct psc_condition *condition = &rule->condition[i];

		if (psc_indicator_is_signer(condition->fact))
			signer = true;
		else if (condition != anchor && !holds_for_any(s, condition))
			return false;
	}
	return !signer || holds_for_signer(s, rule);
}

/* The anchor holds: what about the rest? Each rule is looked at once. */
static void try_rule(struct search *s, const struct psc_anchor *anchor)
{
	if (has(s->seen, anchor->rank))
		return;
	put(s->seen, anchor->rank);
	if (!rule_holds(s, s->indicators->rank[anchor->rank], anchor->condition))
		return;
	put(s->matched, anchor->rank);
	s->count++;
}

static void try_bucket(struct search *s, uint64_t hash, const char *text)
{
	const struct psc_indicators *indicators = s->indicators;
	uint32_t next = indicators->buckets[hash & (indicators->bucket_count - 1)];

	for (; next; next = indicators->anchors[next - 1].next) {
		const struct psc_anchor *anchor = &indicators->anchors[next - 1];

		if (anchor->hash == hash && holds(anchor->condition, text))
			try_rule(s, anchor);
	}
}

static void try_whole(struct search *s, const struct psc_fact *fact)
{
	uint64_t hash = psc_indicator_hash_start(fact->kind, PSC_MATCH_EXACT);

	for (const char *c = fact->value; *c; c++)
		hash = psc_indicator_hash_next(hash, *c);
	try_bucket(s, hash, fact->value);
}

/* The path as a whole, and it and every parent as a directory. */
static void try_path(struct search *s, const struct psc_fact *fact)
{
	uint64_t under = psc_indicator_hash_start(fact->kind, PSC_MATCH_UNDER);
	uint64_t whole = psc_indicator_hash_start(fact->kind, PSC_MATCH_EXACT);
	const char *c = fact->value;

	for (; *c; c++) {
		if (*c == '/' && c != fact->value)
			try_bucket(s, under, fact->value);
		under = psc_indicator_hash_next(under, *c);
		whole = psc_indicator_hash_next(whole, *c);
	}
	try_bucket(s, under, fact->value);
	try_bucket(s, whole, fact->value);
}

static void try_fact(struct search *s, const struct psc_fact *fact)
{
	const struct psc_indicators *indicators = s->indicators;
	size_t length;

	if (fact->kind == PSC_FACT_PATH)
		try_path(s, fact);
	else
		try_whole(s, fact);
	length = strlen(fact->value);
	for (uint32_t i = indicators->first_listed[fact->kind];
	     i < indicators->first_listed[fact->kind + 1]; i++) {
		const struct psc_listed *listed = &indicators->listed[i];
		const struct psc_anchor *anchor = &indicators->anchors[listed->anchor];

		if ((listed->first && listed->first != fact->value[0]) ||
		    (listed->last && (!length || listed->last != fact->value[length - 1])))
			continue;
		if (!has(s->seen, anchor->rank) && holds(anchor->condition, fact->value))
			try_rule(s, anchor);
	}
}

/* In the order of ranks, which is the order of results. */
static int collect(const struct search *s, struct psc_matches *ret)
{
	const struct psc_indicator **rule;
	size_t count = 0;

	*ret = (struct psc_matches){0};
	if (!s->count)
		return 0;
	rule = calloc(s->count, sizeof(void *));
	if (!rule)
		return -ENOMEM;
	for (size_t i = 0; i < s->indicators->count; i++) {
		if (has(s->matched, i))
			rule[count++] = s->indicators->rank[i];
	}
	ret->rule = rule;
	ret->count = count;
	return 0;
}

int psc_indicators_match(const struct psc_indicators *indicators, const struct psc_facts *facts,
			 struct psc_matches *ret)
{
	uint64_t on_stack[2 * WORDS(RULES_ON_STACK)];
	_cleanup_free_ uint64_t *allocated = NULL;
	size_t words = WORDS(indicators->count);
	struct search s = {.indicators = indicators, .facts = facts, .seen = on_stack};

	if (!indicators->count) {
		*ret = (struct psc_matches){0};
		return 0;
	}
	if (indicators->count > RULES_ON_STACK) {
		allocated = calloc(2 * words, sizeof(*allocated));
		if (!allocated)
			return -ENOMEM;
		s.seen = allocated;
	} else {
		memset(on_stack, 0, 2 * words * sizeof(*on_stack));
	}
	s.matched = s.seen + words;
	for (size_t i = 0; i < facts->count; i++)
		s.present |= 1ULL << facts->fact[i].kind;
	for (size_t i = 0; i < facts->count; i++)
		try_fact(&s, &facts->fact[i]);
	return collect(&s, ret);
}

void psc_matches_clear(struct psc_matches *matches)
{
	free(matches->rule);
	*matches = (struct psc_matches){0};
}
