/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.c - see digest.h.
 */
#include <errno.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "user/core/util.h"
#include "user/core/digest.h"

#define READ_SIZE (256 * 1024)

static void free_contextp(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static int start_digest(EVP_MD_CTX **ret)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (!context)
		return -ENOMEM;
	if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(context);
		return -EIO;
	}
	*ret = context;
	return 0;
}

static int finish_digest(EVP_MD_CTX *context, uint8_t ret[PSC_DIGEST_SIZE])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	if (EVP_DigestFinal_ex(context, digest, &size) != 1 || size != PSC_DIGEST_SIZE)
		return -EIO;
	memcpy(ret, digest, PSC_DIGEST_SIZE);
	return 0;
}

int psc_digest_fd(int fd, uint8_t ret[PSC_DIGEST_SIZE], uint64_t *ret_size)
{
	_cleanup_(free_contextp) EVP_MD_CTX *context = NULL;
	_cleanup_free_ uint8_t *buffer = NULL;
	struct stat st;
	uint64_t offset = 0;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	buffer = malloc(READ_SIZE);
	if (!buffer)
		return -ENOMEM;
	r = start_digest(&context);
	if (r < 0)
		return r;
	for (;;) {
		ssize_t n = pread(fd, buffer, READ_SIZE, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		if (EVP_DigestUpdate(context, buffer, n) != 1)
			return -EIO;
		offset += n;
		/* somebody who writes faster than this reads must not keep it reading */
		if (st.st_size && offset > (uint64_t)st.st_size)
			return -ESTALE;
	}
	r = finish_digest(context, ret);
	if (r < 0)
		return r;
	if (ret_size)
		*ret_size = offset;
	return 0;
}

int psc_digest_buffer(const void *data, size_t size, uint8_t ret[PSC_DIGEST_SIZE])
{
	_cleanup_(free_contextp) EVP_MD_CTX *context = NULL;
	int r = start_digest(&context);

	if (r < 0)
		return r;
	if (EVP_DigestUpdate(context, data, size) != 1)
		return -EIO;
	return finish_digest(context, ret);
}

/* ---- many small ones ------------------------------------------------------------------------- */

struct psc_hasher {
	EVP_MD *algorithm;
	EVP_MD_CTX *context;
};

struct psc_hasher *psc_hasher_free(struct psc_hasher *hasher)
{
	if (hasher) {
		EVP_MD_CTX_free(hasher->context);
		EVP_MD_free(hasher->algorithm);
	}
	free(hasher);
	return NULL;
}

void psc_hasher_freep(struct psc_hasher **hasher)
{
	*hasher = psc_hasher_free(*hasher);
}

int psc_hasher_new(struct psc_hasher **ret)
{
	_cleanup_(psc_hasher_freep) struct psc_hasher *hasher = calloc(1, sizeof(*hasher));

	if (!hasher)
		return -ENOMEM;
	hasher->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	hasher->context = EVP_MD_CTX_new();
	if (!hasher->algorithm || !hasher->context)
		return -EIO;
	*ret = TAKE_PTR(hasher);
	return 0;
}

int psc_hasher_digest(struct psc_hasher *hasher, const void *data, size_t size,
		      uint8_t ret[PSC_DIGEST_SIZE])
{
	uint8_t digest[PSC_DIGEST_SIZE];

	if (!EVP_DigestInit_ex2(hasher->context, hasher->algorithm, NULL) ||
	    !EVP_DigestUpdate(hasher->context, data, size) ||
	    !EVP_DigestFinal_ex(hasher->context, digest, NULL))
		return -EIO;
	memcpy(ret, digest, PSC_DIGEST_SIZE);
	return 0;
}
