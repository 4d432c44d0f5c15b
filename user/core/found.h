/* SPDX-License-Identifier: Apache-2.0 */
/*
 * found.h - what the daemon's resolver recognised on this host: which of it is fed to the
 * kernel, the lines of PSC_PATH_FOUND that say so, what they sum up to, and two small clocks
 * of the resolver. Pure. Used by the daemon and the CLI.
 *
 * PSC_PATH_FOUND is a list as in list.h. Its `name` is the path at which the file was found,
 * escaped; `product` is "VENDOR/PRODUCT/ROLE"; `source` is "found TIME by RULE (CONFIDENCE)",
 * TIME being when this content was first seen.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/format.h"
#include "user/core/indicator.h"
#include "user/core/list.h"

/* What becomes of a file that an indicator recognised. Only the first is put into force. */
enum psc_found_outcome {
	PSC_FOUND_FED = 0,
	PSC_FOUND_LISTED = 1,	    /* its digest stands in a list already */
	PSC_FOUND_FORMAT = 2,	    /* nothing that is executed, loaded or installed */
	PSC_FOUND_EMPTY = 3,	    /* any empty file has this digest */
	PSC_FOUND_TOO_LARGE = 4,    /* for the kernel to digest */
	PSC_FOUND_CONFIDENCE = 5,   /* the indicators prove too little */
	PSC_FOUND_LINK = 6,	    /* a link in the vendor's place that leads out of it */
	PSC_FOUND_ESSENTIAL = 7,    /* the host needs the content */
	PSC_FOUND_DISTRIBUTION = 8, /* the content is that of another's package */
	PSC_FOUND_UNVERIFIED = 9,   /* could not be looked at */
	PSC_FOUND_EXEMPT = 10,	    /* a profile exempts the product and none refuses it */
	PSC_FOUND_PLACE = 11,	    /* place or name alone, where others than root can write */
	PSC_FOUND_FULL = 12,	    /* there is no room for more */
	PSC_FOUND_OUTCOME_MAX = 13,
};

/* "fed", ...; NULL when out of range. */
const char *psc_found_outcome_to_string(unsigned int outcome);

/* One recognised file. Nothing in it is owned. */
struct psc_found_file {
	const char *path;    /* where it is, links resolved */
	const char *product; /* "VENDOR/PRODUCT" */
	enum psc_role role;
	enum psc_confidence confidence;
	const char *rule; /* id of the best indicator */
	const char *version;
	enum psc_format format;
	uint64_t size; /* bytes */
	bool linked;   /* only the name of a link out of the vendor's place was recognised */
	bool proven;   /* what the content shows is recognised, not only place and name */
	bool claimed;  /* not proven, and others than root can have given it place and name */
	const uint8_t *digest; /* NULL: not computed yet */
	bool listed;	       /* as below, of the digest */
	bool essential;
	bool distribution;
};

/*
 * How sure it is that the best match is its vendor's: the product comes from the rule that
 * names it best, the confidence from whatever rule of the same vendor is surest.
 */
enum psc_confidence psc_found_confidence(const struct psc_matches *matches);

/*
 * Whether @rule rests on what the content shows, not only on what anybody can choose for a file:
 * where it is, what it is called, its size and format, what runs it. @is_package: what is known
 * of a package was read from the file itself, not from a database that says whose it is.
 */
bool psc_found_is_proof(const struct psc_indicator *rule, bool is_package);

/* Leaves those of @matches that are proof, in their order. */
void psc_found_sift(struct psc_matches *matches, bool is_package);

/*
 * Whether a file is to be fed. Without a digest this answers whether computing one is worth
 * it; @limit is the largest size in bytes that the kernel digests.
 */
enum psc_found_outcome psc_found_judge(const struct psc_found_file *file, enum psc_confidence least,
				       uint64_t limit);

/*
 * Appends the line of a file that is fed, first seen @first_ns, to @additions. Bytes that a
 * list cannot hold are escaped, texts that are too long cut. -EINVAL, -ENOMEM.
 */
int psc_found_append(struct psc_list *additions, const struct psc_found_file *file,
		     uint64_t first_ns, struct psc_error *reterr);

/* What the lines of one product sum up to. */
struct psc_found_product {
	char *product; /* "VENDOR/PRODUCT" */
	size_t files;
	uint64_t first_ns; /* 0: no line says */
	char **rules;	   /* each once, NULL-terminated */
	size_t rule_count;
};

struct psc_found_summary {
	struct psc_found_product *product; /* by name */
	size_t count;
};

/* Sums up the entries of @list that stand in the file @path. -ENOMEM. */
int psc_found_summarize(const struct psc_list *list, const char *path,
			struct psc_found_summary *ret);
void psc_found_summary_clear(struct psc_found_summary *summary);

/* ---- where to look ------------------------------------------------------------------ */

enum psc_found_place {
	PSC_FOUND_PLACE_NONE = 0, /* the condition names no place */
	PSC_FOUND_PLACE_PATH = 1, /* one path */
	PSC_FOUND_PLACE_GLOB = 2, /* a pattern for glob(3) */
};

/*
 * Where files that a condition on PSC_FACT_PATH means can be: a path or pattern in @buffer,
 * which whoever looks searches with everything below. A pattern that begins in its first
 * or second component names no place: it would mean the whole host.
 */
enum psc_found_place psc_found_place_of(const struct psc_condition *condition, char *buffer,
					size_t size);

/* Whether a link out of a vendor's place is followed into this (resolved) directory. */
bool psc_found_may_follow(const char *directory);

/*
 * Whether this (resolved) directory may be marked as a product's: as above, and nothing lies below
 * it that is everybody's, as the databases of package managers.
 */
bool psc_found_may_mark(const char *directory);

/* ---- clocks; times are those of the caller, in ns ------------------------------------ */

/* Waits until a burst is over, but not for ever. */
struct psc_debounce {
	uint64_t quiet_ns; /* without a new trigger */
	uint64_t most_ns;  /* after the first trigger */
	uint64_t first;	   /* 0: nothing is waiting */
	uint64_t last;
};

/* Something happened at @now (never 0). */
void psc_debounce_trigger(struct psc_debounce *debounce, uint64_t now);

/* When it is to be done; UINT64_MAX when nothing waits. */
uint64_t psc_debounce_due(const struct psc_debounce *debounce);

/* True once at or after that time; nothing waits any more then. */
bool psc_debounce_take(struct psc_debounce *debounce, uint64_t now);

#define PSC_LATENCY_SAMPLES 256

/* The last so many durations. */
struct psc_latency {
	uint64_t ns[PSC_LATENCY_SAMPLES];
	uint64_t count; /* ever */
};

/* Adds one. */
void psc_latency_add(struct psc_latency *latency, uint64_t ns);

/* The nearest-rank quantile, @percent of 1 to 100, of those that are kept; 0 without any. */
uint64_t psc_latency_quantile(const struct psc_latency *latency, unsigned int percent);
