/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authenticode.h - the signatures of a Windows program: PKCS #7 over the digest of the image.
 * Used by pe.c. Not done: page hashes, catalog files, revocation.
 */
#pragma once

#include <openssl/evp.h>

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/identify/signer.h"

/*
 * Digests the image without what a signature changes; @ret has EVP_MAX_MD_SIZE bytes.
 * 0, or the error of reading.
 */
typedef int (*psc_image_digest)(void *image, const EVP_MD *algorithm, uint8_t *ret,
				unsigned int *ret_size);

struct psc_authenticode {
	psc_image_digest digest;
	void *image;
	const struct psc_trust *trust;
	struct psc_facts *facts;
	unsigned int count; /* of signatures so far */
};

/*
 * Adds the signers of one signature and of those inside it. @offset is where it stands in the
 * file, for problems. -ENOMEM, or the error of reading the image.
 */
int psc_authenticode_read(struct psc_authenticode *context, const uint8_t *der, size_t size,
			  uint64_t offset);
