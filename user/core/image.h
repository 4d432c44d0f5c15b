/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - what the compiler makes of lists and configuration: the content of one
 * generation of the kernel's maps, and a lookup that walks it as the kernel does.
 * Used by the daemon, which copies it into the maps.
 */
#pragma once

#include "user/core/util.h"
#include "bpf/abi.h"

/* Who a subject number stands for. */
struct psc_image_subject {
	char *product;
	size_t digests;
};

struct psc_image {
	struct psc_table table;		    /* generation is 0 until activation */
	struct psc_digest_record *records;  /* sorted by digest; table.digest_count of them */
	struct psc_digest_bucket *buckets;  /* 1 << table.index_bits of them */
	uint64_t *filter[PSC_FILTER_MAX];   /* PSC_FILTER_WORDS each */
	struct psc_image_subject *subjects; /* table.subject_count of them, by subject number */
	/* enforceable listed digests, each counted once: */
	size_t listed;		/* all of them */
	size_t without_size;	/* no list gives their size */
	size_t needs_userspace; /* of these: pe, deb, rpm, which the kernel never looks for */
};

struct psc_image *psc_image_free(struct psc_image *image); /* NULL is fine; returns NULL */
void psc_image_freep(struct psc_image **image);

/*
 * Finds a digest as the kernel programs do: prefix, bucket, scan of PSC_BUCKET_MAX
 * at most. Returns the record, which belongs to the image, or NULL.
 */
const struct psc_digest_record *psc_image_lookup(const struct psc_image *image,
						 const uint8_t digest[PSC_DIGEST_SIZE]);

/* Whether a filter lets a size through: 1 perhaps listed, 0 certainly not. */
int psc_image_filter(const struct psc_image *image, enum psc_filter_kind kind, uint64_t size);
