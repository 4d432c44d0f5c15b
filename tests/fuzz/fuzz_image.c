/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_image.c - a compiled policy's file. Its digest stands in the way of any change, so the
 * input is what the digest covers: the right one is put in front. What is accepted can be
 * armed, looked through and written again as the same file.
 */
#include <openssl/evp.h>

#include "user/core/util.h"
#include "user/core/image_file.h"

#define HEAD_SIZE   72
#define DIGEST_AT   40
#define ACTIONS_AT  (HEAD_SIZE + offsetof(struct psc_table, action))
#define LEFT_OUT    (sizeof(((struct psc_table *)0)->action) + 2 * FILTER_SIZE)
#define FILTER_SIZE (PSC_FILTER_WORDS * sizeof(uint64_t))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input lacks the actions and the filters, which are a megabyte of anything: zeros. */
static uint8_t *with_filters(const uint8_t *data, size_t size, size_t *ret_size)
{
	size_t before = size < ACTIONS_AT ? size : ACTIONS_AT;
	size_t filters = size < ACTIONS_AT ? 0 : LEFT_OUT;
	uint8_t *file = calloc(1, size + filters + 1);

	if (!file)
		abort();
	memcpy(file, data, before);
	memcpy(file + before + filters, data + before, size - before);
	*ret_size = size + filters;
	return file;
}

static void walk(struct psc_image *image)
{
	static const uint8_t canary[PSC_DIGEST_SIZE] = {1, 2, 3};
	uint8_t digest[PSC_DIGEST_SIZE];

	if (psc_image_digest(image, digest) < 0)
		abort();
	for (unsigned int i = 0; i <= image->table.interval_count; i++) {
		for (unsigned int class = 0; class <= image->table.class_count; class ++) {
			const struct psc_image_ruling *ruling =
				psc_image_ruling_of(image, i, class, PSC_OP_EXEC);

			for (size_t k = 0; k < ruling->count; k++) {
				if (!ruling->reason[k].profile || !ruling->reason[k].clause)
					abort();
			}
		}
	}
	if (psc_image_arm(image, canary, 4096, NULL) < 0)
		return;
	for (uint32_t i = 0; i < image->table.digest_count; i++) {
		if (!psc_image_lookup(image, image->records[i].digest))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	_cleanup_free_ uint8_t *file = NULL;
	struct psc_error err = {0};
	size_t file_size;

	file = with_filters(data, size, &file_size);
	if (file_size >= HEAD_SIZE) {
		memset(file + DIGEST_AT, 0, PSC_DIGEST_SIZE);
		EVP_Digest(file, file_size, file + DIGEST_AT, NULL, EVP_sha256(), NULL);
	}
	if (psc_image_parse(file, file_size, "in", &image, &err) < 0) {
		if (!err.message[0])
			abort();
		return 0;
	}
	walk(image);
	return 0;
}
