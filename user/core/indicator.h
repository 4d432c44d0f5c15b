/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator.h - by what the catalog recognises a product: rules of one or more conditions on
 * facts (facts.h), each with its source and confidence. Read from DIRECTORY/<vendor>/
 * indicators.yaml next to products.yaml. Used by the daemon's resolver and the CLI.
 *
 *   vendor: kaspersky
 *   rules:
 *     - rule: scanengine-plugin          # unique within the vendor
 *       product: scanengine              # of products.yaml; "other": vendor's, product unknown
 *       role: library
 *       confidence: high                 # or medium, low
 *       source: support.kaspersky.com/scanengine/192481
 *       label: V
 *       all:                             # every condition must hold; signer_* in one signer
 *         - {fact: name, match: suffix, value: .ppl}
 *         - {fact: format, value: elf}
 *         - {fact: marker, value: KL_PLUGINS_PATH}
 *   rejected:                            # looks like an indicator and is none
 *     - {fact: package_key, value: ..., source: ..., reason: ...}
 */
#pragma once

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/error.h"
#include "user/core/facts.h"
#include "user/core/policy.h"

enum psc_match {
	PSC_MATCH_EXACT = 0, /* unless said */
	PSC_MATCH_PREFIX = 1,
	PSC_MATCH_SUFFIX = 2,
	PSC_MATCH_GLOB = 3,	/* fnmatch(): in paths and entries no * goes past a slash */
	PSC_MATCH_CONTAINS = 4, /* without regard to ASCII case */
	PSC_MATCH_UNDER = 5,	/* paths: the directory itself or anything below it */
	PSC_MATCH_MAX = 6,
};

enum psc_confidence {
	PSC_CONFIDENCE_LOW = 0,
	PSC_CONFIDENCE_MEDIUM = 1,
	PSC_CONFIDENCE_HIGH = 2,
	PSC_CONFIDENCE_MAX = 3,
};

#define PSC_CONDITIONS_MAX 8 /* of one rule */

struct psc_condition {
	enum psc_fact_kind fact;
	enum psc_match match;
	char *value;
	size_t length;	/* of value */
	size_t literal; /* of a glob: bytes before what stands for others */
};

/* One rule of the catalog; profiles have rules of their own (profile.h). */
struct psc_indicator {
	char *id;      /* "VENDOR/RULE" */
	char *product; /* "VENDOR/PRODUCT": psc_catalog_find() knows it */
	enum psc_role role;
	enum psc_confidence confidence;
	struct psc_cite cite;
	struct psc_condition condition[PSC_CONDITIONS_MAX];
	size_t conditions;
	const char *path; /* of the file it stands in; belongs to the indicators */
	unsigned int line;
	unsigned int column;
};

/* What looks like an indicator and is none, kept so that nobody adds it again. */
struct psc_rejected {
	char *vendor;
	struct psc_condition condition;
	char *source;
	char *reason;
	const char *path;
	unsigned int line;
	unsigned int column;
};

struct psc_indicators;

/* Which rules hold for one thing, best first. */
struct psc_matches {
	const struct psc_indicator **rule; /* belong to the indicators; free the array itself */
	size_t count;
};

/* An empty set; -ENOMEM. The others free it; NULL is fine. */
int psc_indicators_new(struct psc_indicators **ret);
struct psc_indicators *psc_indicators_free(struct psc_indicators *indicators);
void psc_indicators_freep(struct psc_indicators **indicators);

/*
 * Adds one vendor's text, all or nothing. -EINVAL with the place; a product that @catalog lacks
 * is one, too. Nobody may match meanwhile.
 */
int psc_indicators_parse(struct psc_indicators *indicators, const struct psc_catalog *catalog,
			 const char *data, size_t size, const char *path, struct psc_error *reterr);

/* Adds DIRECTORY/<vendor>/indicators.yaml of every vendor. A missing one is none. */
int psc_indicators_load(struct psc_indicators *indicators, const struct psc_catalog *catalog,
			const char *directory, struct psc_error *reterr);

/* The same of one vendor. */
int psc_indicators_load_vendor(struct psc_indicators *indicators, const struct psc_catalog *catalog,
			       const char *directory, const char *vendor, struct psc_error *reterr);

/* How many rules, in the order of reading. */
size_t psc_indicators_count(const struct psc_indicators *indicators);

/* The rule with number @i, or NULL. */
const struct psc_indicator *psc_indicators_get(const struct psc_indicators *indicators, size_t i);

/* How many rejected values, and the one with number @i, or NULL. */
size_t psc_indicators_rejected_count(const struct psc_indicators *indicators);
const struct psc_rejected *psc_indicators_rejected(const struct psc_indicators *indicators,
						   size_t i);

/* Every distinct value of `marker` conditions, NULL-terminated: what identify looks for. */
const char *const *psc_indicators_markers(const struct psc_indicators *indicators);

/*
 * Compares. Thread-safe. Order of @ret: a product that is named beats "other", then the
 * confidence, then the number of conditions, then the length of their values, then the id.
 * Facts in an order, number or group of their own choosing cost no more than linear time.
 * Free @ret with psc_matches_clear(); it holds nothing when nothing matches. -ENOMEM.
 *
 * A rule with signer_* conditions holds only within one group of facts, and only when that
 * signer's state lets it: subject and issuer attributes, serial and key_id, which anybody can
 * write into a certificate, need `trusted`; certificate, key and issuer_serial need that the
 * content verifies (trusted, untrusted, self_signed, expired).
 * package_key alone is a claim, as anybody can write it: such a rule is never more than low.
 * A rule on foreign_owner goes before all others that name a product.
 */
int psc_indicators_match(const struct psc_indicators *indicators, const struct psc_facts *facts,
			 struct psc_matches *ret);
void psc_matches_clear(struct psc_matches *matches);

/* Whether it makes a difference for this file which package brought it. */
bool psc_indicators_wants_owner(const struct psc_matches *matches);

/*
 * Adds to the @facts of a file, of which @matches hold, what the @package that brought it says
 * (facts of the package; not NULL): foreign_owner, for each vendor whose content the file shows
 * (not only place or name) outside of the vendor's own places, when none of its rules knows the
 * package. Returns how many were added: whoever gets more than 0 asks once more. -ENOMEM.
 */
int psc_indicators_add_owner(const struct psc_indicators *indicators,
			     const struct psc_matches *matches, const struct psc_facts *package,
			     struct psc_facts *facts);

/* Names as they stand in catalogs and output; see names.h. */
const char *psc_match_to_string(unsigned int match);
int psc_match_from_string(const char *name, enum psc_match *ret);
const char *psc_confidence_to_string(unsigned int confidence);
int psc_confidence_from_string(const char *name, enum psc_confidence *ret);
