/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - what the compiler makes of lists, profiles, objects and configuration: the content
 * of one generation of the kernel's maps, the reasons behind it, and a lookup that walks it as
 * the kernel does. Used by the daemon, which copies it into the maps.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/error.h"
#include "user/core/place.h"
#include "user/core/policy.h"
#include "bpf/abi.h"

/* Who a subject number stands for. */
struct psc_image_subject {
	char *product; /* as the list names it */
	enum psc_role role;
	bool site; /* in a list of the site */
	size_t digests;
};

/* What one profile, or the site, says of a class; strings are never NULL. */
struct psc_image_reason {
	char *profile; /* "site" for the configuration */
	char *rule;    /* "" when none of its rules matches */
	char *clause;
	char *object; /* exemption, window or attestation that took the rule's effect away, or "" */
	uint8_t basis;	/* enum psc_basis */
	uint8_t status; /* enum psc_status */
	uint8_t action; /* enum psc_action that it contributes */
};

struct psc_image_ruling {
	struct psc_image_reason *reason; /* strictest first */
	size_t count;
};

struct psc_image {
	struct psc_table table;		    /* generation is 0 until activation */
	struct psc_digest_record *records;  /* sorted by digest; room for one more than counted */
	struct psc_digest_bucket *buckets;  /* 1 << table.index_bits of them; NULL: not armed */
	uint64_t *filter[PSC_FILTER_MAX];   /* PSC_FILTER_WORDS each */
	struct psc_image_subject *subjects; /* table.subject_count of them, by subject number */
	struct psc_image_ruling *rulings;   /* [0] is none */
	size_t ruling_count;
	struct psc_place *places; /* table.place_subject says who they stand for */
	size_t place_count;
	uint16_t (*ruling_of)[PSC_CLASSES_MAX][PSC_OP_MAX]; /* by interval */
	/* enforceable listed digests, each counted once: */
	size_t listed;		/* all of them */
	size_t without_size;	/* no list gives their size */
	size_t needs_userspace; /* of these: pe, deb, rpm, which the kernel never looks for */
};

struct psc_image *psc_image_free(struct psc_image *image); /* NULL is fine; returns NULL */
void psc_image_freep(struct psc_image **image);

/*
 * Makes the image ready for the kernel: adds the canary, which is refused for exec, load,
 * module and open whatever the policy says (should a list name its digest, it stays the
 * canary), and builds the index. Once. -E2BIG when more digests have one prefix than the
 * kernel searches, -EINVAL for an impossible size; @reterr says why. -ENOMEM.
 */
int psc_image_arm(struct psc_image *image, const uint8_t canary_digest[PSC_DIGEST_SIZE],
		  uint64_t canary_size, struct psc_error *reterr);

/* Lets files of @size through a filter. */
void psc_image_set_filter(struct psc_image *image, enum psc_filter_kind kind, uint64_t size);

/*
 * Finds a digest as the kernel programs do: prefix, bucket, scan of PSC_BUCKET_MAX
 * at most. Returns the record, which belongs to the image, or NULL; also if it is not armed.
 */
const struct psc_digest_record *psc_image_lookup(const struct psc_image *image,
						 const uint8_t digest[PSC_DIGEST_SIZE]);

/* Whether a filter lets a size through: 1 perhaps listed, 0 certainly not. */
int psc_image_filter(const struct psc_image *image, enum psc_filter_kind kind, uint64_t size);

/* The place of that number, or NULL. */
const struct psc_place *psc_image_place(const struct psc_image *image, uint32_t number);

/* Why a class is treated as it is; an empty ruling for what is out of range. */
const struct psc_image_ruling *psc_image_ruling_of(const struct psc_image *image,
						   unsigned int interval, unsigned int class,
						   unsigned int op);
