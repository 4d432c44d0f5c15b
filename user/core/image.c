/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - see image.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/image.h"
#include "bpf/decide.h"

#define BUCKET_MEAN 4U /* digests in an average bucket: 160 bytes to scan */

static void free_ruling(struct psc_image_ruling *ruling)
{
	for (size_t i = 0; i < ruling->count; i++) {
		free(ruling->reason[i].profile);
		free(ruling->reason[i].rule);
		free(ruling->reason[i].clause);
		free(ruling->reason[i].object);
	}
	free(ruling->reason);
}

struct psc_image *psc_image_free(struct psc_image *image)
{
	if (!image)
		return NULL;
	for (unsigned int i = 0; image->subjects && i < image->table.subject_count; i++)
		free(image->subjects[i].product);
	for (unsigned int i = 0; i < PSC_FILTER_MAX; i++)
		free(image->filter[i]);
	for (size_t i = 0; image->rulings && i < image->ruling_count; i++)
		free_ruling(&image->rulings[i]);
	psc_places_free(image->places, image->place_count);
	free(image->rulings);
	free(image->ruling_of);
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

void psc_image_set_filter(struct psc_image *image, enum psc_filter_kind kind, uint64_t size)
{
	uint32_t bit = psc_filter_bit(size);

	image->filter[kind][bit >> 6] |= 1ULL << (bit & 63);
}

/* Longest run of records with the same prefix of @bits bits; where it begins in @ret_at. */
static uint32_t longest_run(const struct psc_image *image, uint32_t bits, uint32_t *ret_at)
{
	uint32_t longest = 0;
	uint32_t begin = 0;

	for (uint32_t i = 0; i < image->table.digest_count; i++) {
		if (psc_digest_prefix(image->records[i].digest, bits) !=
		    psc_digest_prefix(image->records[begin].digest, bits))
			begin = i;
		if (i - begin + 1 > longest) {
			longest = i - begin + 1;
			*ret_at = begin;
		}
	}
	return longest;
}

static int choose_index_bits(struct psc_image *image, struct psc_error *reterr)
{
	uint32_t bits = PSC_INDEX_BITS_MIN;
	uint32_t at = 0;
	uint32_t run;

	while (bits < PSC_INDEX_BITS_MAX && image->table.digest_count > (BUCKET_MEAN << bits))
		bits++;
	while ((run = longest_run(image, bits, &at)) > PSC_BUCKET_MAX) {
		if (bits == PSC_INDEX_BITS_MAX) {
			psc_error_set(reterr, NULL, 0, 0,
				      "%u listed digests begin with the same %u bits (%05x): the "
				      "kernel searches %u at most; there are too many digests, or "
				      "these are made up",
				      run, bits, psc_digest_prefix(image->records[at].digest, bits),
				      PSC_BUCKET_MAX);
			return -E2BIG;
		}
		bits++;
	}
	image->table.index_bits = bits;
	return 0;
}

static int fill_buckets(struct psc_image *image, struct psc_error *reterr)
{
	int r = choose_index_bits(image, reterr);

	if (r < 0)
		return r;
	image->buckets = calloc(1ULL << image->table.index_bits, sizeof(*image->buckets));
	if (!image->buckets) {
		psc_error_set(reterr, NULL, 0, 0, "out of memory");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < image->table.digest_count; i++) {
		uint32_t prefix =
			psc_digest_prefix(image->records[i].digest, image->table.index_bits);

		if (image->buckets[prefix].count++ == 0)
			image->buckets[prefix].start = i;
	}
	return 0;
}

static void add_canary(struct psc_image *image, const uint8_t *digest, uint32_t size)
{
	uint32_t low = 0, high = image->table.digest_count;
	struct psc_digest_record *record;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (memcmp(image->records[middle].digest, digest, PSC_DIGEST_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	record = &image->records[low];
	if (low == image->table.digest_count ||
	    memcmp(record->digest, digest, PSC_DIGEST_SIZE) != 0) {
		memmove(record + 1, record, (image->table.digest_count - low) * sizeof(*record));
		image->table.digest_count++;
	} else {
		image->subjects[record->subject].digests--;
	}
	memcpy(record->digest, digest, PSC_DIGEST_SIZE);
	record->subject = PSC_SUBJECT_CANARY;
	record->size = size;
	image->subjects[PSC_SUBJECT_CANARY].digests = 1;
	for (unsigned int i = 0; i < PSC_FILTER_MAX; i++)
		psc_image_set_filter(image, i, size);
}

int psc_image_arm(struct psc_image *image, const uint8_t canary_digest[PSC_DIGEST_SIZE],
		  uint64_t canary_size, struct psc_error *reterr)
{
	if (canary_size == 0 || canary_size > UINT32_MAX) {
		psc_error_set(reterr, NULL, 0, 0, "the canary's size is out of range");
		return -EINVAL;
	}
	add_canary(image, canary_digest, canary_size);
	return fill_buckets(image, reterr);
}

const struct psc_digest_record *psc_image_lookup(const struct psc_image *image,
						 const uint8_t digest[PSC_DIGEST_SIZE])
{
	const struct psc_digest_bucket *bucket;

	if (!image->buckets)
		return NULL;
	bucket = &image->buckets[psc_digest_prefix(digest, image->table.index_bits)];
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

const struct psc_image_ruling *psc_image_ruling_of(const struct psc_image *image,
						   unsigned int interval, unsigned int class,
						   unsigned int op)
{
	static const struct psc_image_ruling none;

	if (interval >= image->table.interval_count || class >= image->table.class_count ||
	    op >= PSC_OP_MAX)
		return &none;
	return &image->rulings[image->ruling_of[interval][class][op]];
}

const struct psc_place *psc_image_place(const struct psc_image *image, uint32_t number)
{
	for (size_t i = 0; i < image->place_count; i++) {
		if (image->places[i].number == number)
			return &image->places[i];
	}
	return NULL;
}
