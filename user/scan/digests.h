/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digests.h - which files are worth a digest, and all of a file's digests in one pass over it.
 * A digest listed with a size can only be that of a file of that size, one without only that
 * of a file of its format, and if its name is that of a .tar.gz, of one that ends like a tar: the
 * manual pages and changelogs of a distribution are all gzip, and would all be read. Only for
 * user/scan.
 */
#pragma once

#include <stdbool.h>
#include <openssl/evp.h>

#include "user/core/util.h"
#include "user/core/format.h"
#include "user/core/list.h"

/* Larger files are digested only when their very size is listed. */
#define PSC_DIGEST_BYTES_MAX UINT32_MAX

struct psc_digest_size {
	uint64_t size;
	unsigned int algos; /* bits of enum psc_algo */
};

struct psc_digest_plan {
	const struct psc_list *list;
	unsigned int by_format[PSC_FORMAT_MAX]; /* algorithms of entries without a size */
	unsigned int tar_gz;			/* of those among them that are named .tar.gz */
	unsigned int algos;			/* all that are listed */
	struct psc_digest_size *sized;		/* by size */
	size_t count;
	EVP_MD *md[PSC_ALGO_MAX];
};

/* @list must be indexed, or NULL. -ENOMEM, -EIO. */
int psc_digest_plan_make(const struct psc_list *list, struct psc_digest_plan *ret);
void psc_digest_plan_clear(struct psc_digest_plan *plan);

/*
 * The algorithms with which the file @fd of that size and format could be listed.
 * *@ret_too_large: it could be, and is larger than what is digested without a listed size.
 */
unsigned int psc_digest_plan_algos(const struct psc_digest_plan *plan, int fd,
				   enum psc_format format, uint64_t size, bool *ret_too_large);

/* One thread's means of digesting. */
struct psc_digester {
	EVP_MD_CTX *context[PSC_ALGO_MAX];
	uint8_t *buffer;
};

struct psc_digests {
	unsigned int algos; /* those that were computed */
	uint8_t digest[PSC_ALGO_MAX][PSC_ALGO_DIGEST_MAX];
	uint64_t bytes;
};

void psc_digester_clear(struct psc_digester *digester);

/*
 * Digests the file from its first byte with each of @algos. -ESTALE when it has more or fewer
 * than @size bytes by now, the errno of reading, -EIO when libcrypto fails, -ENOMEM.
 */
int psc_digester_run(struct psc_digester *digester, const struct psc_digest_plan *plan, int fd,
		     unsigned int algos, uint64_t size, struct psc_digests *ret);

/* Those that are listed; @ret has room for PSC_ALGO_MAX. Returns how many. */
size_t psc_digests_find(const struct psc_digest_plan *plan, const struct psc_digests *digests,
			struct psc_list_entry *ret);
