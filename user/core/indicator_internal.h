/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_internal.h - what the parts of indicator.h share: the rules and the index by
 * which they are found. Only indicator*.c include it.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/indicator.h"

struct psc_yaml;
struct psc_yaml_node;

/* Rules are numbered by their order in results: rank[0] is the best. */
struct psc_indicators {
	struct psc_indicator **rules; /* in the order of reading */
	size_t count;
	struct psc_rejected *rejected;
	size_t rejected_count;
	char **markers; /* NULL-terminated */
	char **paths;	/* of the files, NULL-terminated */
	size_t path_count;

	/* made anew by psc_indicators_index() */
	const struct psc_indicator **rank;
	struct psc_anchor *anchors;
	uint32_t *buckets; /* number + 1 of the first anchor with a hash; a power of two */
	size_t bucket_count;
	struct psc_listed *listed; /* by kind of fact */
	uint32_t first_listed[PSC_FACT_MAX + 1];
};

/* The one condition of a rule by which it is found; the others are looked at then. */
struct psc_anchor {
	uint64_t hash;
	const struct psc_condition *condition;
	uint32_t rank; /* of the rule */
	uint32_t next; /* number + 1 of another in the same bucket */
};

/* An anchor that no hash finds. One byte tells most facts that it is not for them. */
struct psc_listed {
	uint32_t anchor;
	char first; /* of every value that fulfils it; 0: any */
	char last;
};

#define PSC_RULES_MAX 20000 /* of all vendors */

/* Adds what a text has, up to the first error: the caller takes it back and makes the index. */
int psc_indicators_read(struct psc_indicators *indicators, const struct psc_catalog *catalog,
			const char *data, size_t size, const char *path, struct psc_error *reterr);

/* A copy of a file's path that lives as long as the set. -ENOMEM. */
int psc_indicators_keep_path(struct psc_indicators *indicators, const char *path, const char **ret);

/* Free what they hold, and the rule itself; NULL is fine. */
void psc_indicator_clear(struct psc_indicator *rule);
void psc_rejected_clear(struct psc_rejected *rejected);

/* Makes everything below "made anew". -ENOMEM leaves the index as it was. */
int psc_indicators_index(struct psc_indicators *indicators);

/* Frees what psc_indicators_index() made. */
void psc_indicators_index_clear(struct psc_indicators *indicators);

/* The hash of a fact's kind before its first byte, and with one more byte. */
uint64_t psc_indicator_hash_start(enum psc_fact_kind kind, enum psc_match match);
uint64_t psc_indicator_hash_next(uint64_t hash, char byte);

/* Whether a fact of this kind belongs to a signer's group. */
bool psc_indicator_is_signer(enum psc_fact_kind kind);

/* -EINVAL at the key of @at for a condition that no fact can fulfil; hex becomes lower case. */
int psc_condition_check(struct psc_yaml *yaml, const struct psc_yaml_node *at,
			struct psc_condition *condition);
void psc_condition_clear(struct psc_condition *condition);
