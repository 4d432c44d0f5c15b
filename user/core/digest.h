/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - SHA-256 of files and buffers, what the kernel computes for the same
 * content. Used by all of user/.
 */
#pragma once

#include "user/core/util.h"
#include "bpf/abi.h"

/*
 * Digests the file behind @fd from its first byte; the descriptor's offset neither
 * matters nor moves. @ret_size (may be NULL) becomes the number of bytes digested.
 * Returns -EISDIR or -EINVAL when it is no regular file, -ESTALE when it grows meanwhile, -EIO when libcrypto
 * fails, else the error of reading.
 */
int psc_digest_fd(int fd, uint8_t ret[PSC_DIGEST_SIZE], uint64_t *ret_size);

/* Digests @size bytes. Returns -EIO when libcrypto fails. */
int psc_digest_buffer(const void *data, size_t size, uint8_t ret[PSC_DIGEST_SIZE]);

/*
 * For many small buffers: what libcrypto looks up for each digest is looked up once. Not for two
 * threads at a time. -EIO, -ENOMEM.
 */
struct psc_hasher;
int psc_hasher_new(struct psc_hasher **ret);
struct psc_hasher *psc_hasher_free(struct psc_hasher *hasher); /* NULL is fine */
void psc_hasher_freep(struct psc_hasher **hasher);

/* As psc_digest_buffer(). */
int psc_hasher_digest(struct psc_hasher *hasher, const void *data, size_t size,
		      uint8_t ret[PSC_DIGEST_SIZE]);
