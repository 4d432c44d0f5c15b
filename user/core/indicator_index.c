/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_index.c - the order of results and the index by which rules are found; see
 * indicator_internal.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/indicator_internal.h"

#define FNV_BASIS 0xcbf29ce484222325ULL
#define FNV_PRIME 0x100000001b3ULL

#define OTHER "/other"

uint64_t psc_indicator_hash_next(uint64_t hash, char byte)
{
	return (hash ^ (uint8_t)byte) * FNV_PRIME;
}

uint64_t psc_indicator_hash_start(enum psc_fact_kind kind, enum psc_match match)
{
	return psc_indicator_hash_next(psc_indicator_hash_next(FNV_BASIS, kind), match);
}

bool psc_indicator_is_signer(enum psc_fact_kind kind)
{
	return kind >= PSC_FACT_SIGNER_STATE && kind <= PSC_FACT_SIGNER_TIME;
}

/* Does the rule name a product, rather than only the vendor? */
static bool names_product(const struct psc_indicator *rule)
{
	return strcmp(strchr(rule->product, '/'), OTHER) != 0;
}

/* Whose product a file is part of says the package that brought it, before what it is itself. */
static bool asks_owner(const struct psc_indicator *rule)
{
	for (size_t i = 0; i < rule->conditions; i++) {
		if (rule->condition[i].fact == PSC_FACT_FOREIGN_OWNER)
			return true;
	}
	return false;
}

static size_t value_length(const struct psc_indicator *rule)
{
	size_t length = 0;

	for (size_t i = 0; i < rule->conditions; i++)
		length += rule->condition[i].length;
	return length;
}

static int descending(size_t a, size_t b)
{
	return a > b ? -1 : a < b;
}

/* The better one first. */
static int compare_rules(const void *a, const void *b)
{
	const struct psc_indicator *x = *(struct psc_indicator *const *)a;
	const struct psc_indicator *y = *(struct psc_indicator *const *)b;
	int r = descending(names_product(x), names_product(y));

	if (r == 0)
		r = descending(asks_owner(x), asks_owner(y));
	if (r == 0)
		r = descending(x->confidence, y->confidence);
	if (r == 0)
		r = descending(x->conditions, y->conditions);
	if (r == 0)
		r = descending(value_length(x), value_length(y));
	return r ? r : strcmp(x->id, y->id);
}

static bool is_hashed(const struct psc_condition *condition)
{
	return condition->match == PSC_MATCH_EXACT || condition->match == PSC_MATCH_UNDER;
}

/* How many things have a fact that such a condition holds for: the fewer, the better. */
static unsigned int commonness(const struct psc_condition *condition)
{
	switch (condition->fact) {
	case PSC_FACT_FORMAT:
	case PSC_FACT_PACKAGE_FORMAT:
	case PSC_FACT_PACKAGE_ARCHITECTURE:
	case PSC_FACT_SIGNER_STATE:
	case PSC_FACT_INTERPRETER:
		return PSC_MATCH_MAX;
	default:
		return is_hashed(condition) ? 0 : condition->match;
	}
}

static const struct psc_condition *find_anchor(const struct psc_indicator *rule)
{
	const struct psc_condition *best = &rule->condition[0];

	for (size_t i = 1; i < rule->conditions; i++) {
		if (commonness(&rule->condition[i]) < commonness(best))
			best = &rule->condition[i];
	}
	return best;
}

static uint64_t hash_of(const struct psc_condition *condition)
{
	uint64_t hash = psc_indicator_hash_start(condition->fact, condition->match);

	for (size_t i = 0; i < condition->length; i++)
		hash = psc_indicator_hash_next(hash, condition->value[i]);
	return hash;
}

static void put_into_bucket(struct psc_indicators *indicators, uint32_t i)
{
	struct psc_anchor *anchor = &indicators->anchors[i];
	uint32_t *bucket;

	anchor->hash = hash_of(anchor->condition);
	bucket = &indicators->buckets[anchor->hash & (indicators->bucket_count - 1)];
	anchor->next = *bucket;
	*bucket = i + 1;
}

static struct psc_listed make_listed(const struct psc_condition *condition, uint32_t anchor)
{
	struct psc_listed listed = {.anchor = anchor};

	if (condition->match == PSC_MATCH_PREFIX ||
	    (condition->match == PSC_MATCH_GLOB && condition->literal))
		listed.first = condition->value[0];
	else if (condition->match == PSC_MATCH_SUFFIX)
		listed.last = condition->value[condition->length - 1];
	return listed;
}

/* Those that no hash finds, next to each other by kind. */
static void list_anchors(struct psc_indicators *indicators)
{
	uint32_t count = 0;

	for (unsigned int kind = 0; kind < PSC_FACT_MAX; kind++) {
		indicators->first_listed[kind] = count;
		for (size_t i = 0; i < indicators->count; i++) {
			const struct psc_condition *condition = indicators->anchors[i].condition;

			if (condition->fact == kind && !is_hashed(condition))
				indicators->listed[count++] = make_listed(condition, i);
		}
	}
	indicators->first_listed[PSC_FACT_MAX] = count;
}

void psc_indicators_index_clear(struct psc_indicators *indicators)
{
	free(indicators->rank);
	free(indicators->anchors);
	free(indicators->buckets);
	free(indicators->listed);
	indicators->rank = NULL;
	indicators->anchors = NULL;
	indicators->buckets = NULL;
	indicators->listed = NULL;
}

int psc_indicators_index(struct psc_indicators *indicators)
{
	size_t count = indicators->count;
	struct psc_indicators made = {.bucket_count = 64};

	while (made.bucket_count < 4 * count)
		made.bucket_count *= 2;
	made.rank = calloc(count + 1, sizeof(void *));
	made.anchors = calloc(count + 1, sizeof(*made.anchors));
	made.buckets = calloc(made.bucket_count, sizeof(*made.buckets));
	made.listed = calloc(count + 1, sizeof(*made.listed));
	if (!made.rank || !made.anchors || !made.buckets || !made.listed) {
		psc_indicators_index_clear(&made);
		return -ENOMEM;
	}
	psc_indicators_index_clear(indicators);
	indicators->rank = made.rank;
	indicators->anchors = made.anchors;
	indicators->buckets = made.buckets;
	indicators->bucket_count = made.bucket_count;
	indicators->listed = made.listed;

	for (size_t i = 0; i < count; i++)
		indicators->rank[i] = indicators->rules[i];
	qsort(indicators->rank, count, sizeof(void *), compare_rules);
	for (size_t i = 0; i < count; i++) {
		struct psc_anchor *anchor = &indicators->anchors[i];

		anchor->condition = find_anchor(indicators->rank[i]);
		anchor->rank = i;
		if (is_hashed(anchor->condition))
			put_into_bucket(indicators, i);
	}
	list_anchors(indicators);
	return 0;
}
