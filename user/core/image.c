/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - see image.h.
 */
#include "user/core/util.h"
#include "user/core/image.h"
#include "bpf/decide.h"

struct psc_image *psc_image_free(struct psc_image *image)
{
	if (!image)
		return NULL;
	for (unsigned int i = 0; image->subjects && i < image->table.subject_count; i++)
		free(image->subjects[i].product);
	for (unsigned int i = 0; i < PSC_FILTER_MAX; i++)
		free(image->filter[i]);
	free(image->subjects);
	free(image->records);
	free(image->buckets);
	free(image);
	return NULL;
}

void psc_image_freep(struct psc_image **image)
{
	*image = psc_image_free(*image);
}

const struct psc_digest_record *psc_image_lookup(const struct psc_image *image,
						 const uint8_t digest[PSC_DIGEST_SIZE])
{
	const struct psc_digest_bucket *bucket =
		&image->buckets[psc_digest_prefix(digest, image->table.index_bits)];

	for (uint32_t i = 0; i < bucket->count && i < PSC_BUCKET_MAX; i++) {
		const struct psc_digest_record *record = &image->records[bucket->start + i];

		if (memcmp(record->digest, digest, PSC_DIGEST_SIZE) == 0)
			return record;
	}
	return NULL;
}

int psc_image_filter(const struct psc_image *image, enum psc_filter_kind kind, uint64_t size)
{
	uint32_t bit = psc_filter_bit(size);

	return image->filter[kind][bit >> 6] >> (bit & 63) & 1;
}
