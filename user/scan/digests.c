/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digests.c - see digests.h.
 */
#include <endian.h>
#include <errno.h>

#include "user/core/util.h"
#include "user/scan/digests.h"

#define BUFFER_SIZE (256 << 10)
#define TAR_BLOCK   512

static const char *const md_names[] = {
	[PSC_ALGO_MD5] = "MD5",
	[PSC_ALGO_SHA1] = "SHA1",
	[PSC_ALGO_SHA224] = "SHA224",
	[PSC_ALGO_SHA256] = "SHA256",
	[PSC_ALGO_SHA384] = "SHA384",
	[PSC_ALGO_SHA512] = "SHA512",
	[PSC_ALGO_BLAKE2B_512] = "BLAKE2B512",
};
_Static_assert(ARRAY_SIZE(md_names) == PSC_ALGO_MAX, "libcrypto's name for every algorithm");

static int compare(const void *a, const void *b)
{
	const struct psc_digest_size *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

/* Sorts the sizes and makes one of those that are the same. */
static void merge_sizes(struct psc_digest_plan *plan)
{
	size_t kept = 0;

	if (!plan->count)
		return;
	qsort(plan->sized, plan->count, sizeof(*plan->sized), compare);
	for (size_t i = 1; i < plan->count; i++) {
		if (plan->sized[i].size == plan->sized[kept].size)
			plan->sized[kept].algos |= plan->sized[i].algos;
		else
			plan->sized[++kept] = plan->sized[i];
	}
	plan->count = kept + 1;
}

static bool is_tar_gz(const struct psc_list_entry *entry)
{
	static const char end[] = ".tar.gz";
	size_t length = entry->name ? strlen(entry->name) : 0;

	return entry->format == PSC_FORMAT_ARCHIVE && length >= sizeof(end) - 1 &&
	       !strcmp(entry->name + length - (sizeof(end) - 1), end);
}

static int gather(struct psc_digest_plan *plan)
{
	struct psc_list_entry entry;
	size_t sized = 0;

	for (size_t i = 0; psc_list_get(plan->list, i, &entry) == 0; i++)
		sized += entry.has_size;
	plan->sized = calloc(sized ?: 1, sizeof(*plan->sized));
	if (!plan->sized)
		return -ENOMEM;
	for (size_t i = 0; psc_list_get(plan->list, i, &entry) == 0; i++) {
		unsigned int bit = 1U << entry.algo;

		plan->algos |= bit;
		if (entry.has_size)
			plan->sized[plan->count++] = (struct psc_digest_size){entry.size, bit};
		else if (is_tar_gz(&entry))
			plan->tar_gz |= bit;
		else if (entry.format < PSC_FORMAT_MAX)
			plan->by_format[entry.format] |= bit;
	}
	merge_sizes(plan);
	/* What is listed for any format may be of this one. */
	for (size_t f = 0; f < PSC_FORMAT_MAX; f++)
		plan->by_format[f] |= plan->by_format[PSC_FORMAT_ANY];
	return 0;
}

void psc_digest_plan_clear(struct psc_digest_plan *plan)
{
	for (size_t a = 0; a < PSC_ALGO_MAX; a++)
		EVP_MD_free(plan->md[a]);
	free(plan->sized);
	*plan = (struct psc_digest_plan){0};
}

int psc_digest_plan_make(const struct psc_list *list, struct psc_digest_plan *ret)
{
	_cleanup_(psc_digest_plan_clear) struct psc_digest_plan plan = {.list = list};
	int r = list ? gather(&plan) : 0;

	for (size_t a = 0; a < PSC_ALGO_MAX && r >= 0; a++) {
		if (!(plan.algos & 1U << a))
			continue;
		plan.md[a] = EVP_MD_fetch(NULL, md_names[a], NULL);
		r = plan.md[a] ? 0 : -EIO;
	}
	if (r < 0)
		return r;
	*ret = plan;
	plan = (struct psc_digest_plan){0};
	return 0;
}

/*
 * RFC 1952: the last four bytes of gzip are the length, modulo 2^32, of what was compressed last.
 * That of a tar is a number of blocks. When they cannot be read it may be one.
 */
static bool ends_like_tar(int fd, uint64_t size)
{
	uint32_t length;

	return size < sizeof(length) ||
	       pread(fd, &length, sizeof(length), (off_t)(size - sizeof(length))) !=
		       sizeof(length) ||
	       le32toh(length) % TAR_BLOCK == 0;
}

unsigned int psc_digest_plan_algos(const struct psc_digest_plan *plan, int fd,
				   enum psc_format format, uint64_t size, bool *ret_too_large)
{
	struct psc_digest_size key = {.size = size}, *found = NULL;
	unsigned int algos = format < PSC_FORMAT_MAX ? plan->by_format[format] : 0;

	if (format == PSC_FORMAT_ARCHIVE && plan->tar_gz & ~algos && ends_like_tar(fd, size))
		algos |= plan->tar_gz;
	if (plan->count)
		found = bsearch(&key, plan->sized, plan->count, sizeof(key), compare);
	*ret_too_large = algos && !found && size > PSC_DIGEST_BYTES_MAX;
	if (*ret_too_large || size == 0)
		return 0;
	return algos | (found ? found->algos : 0);
}

void psc_digester_clear(struct psc_digester *digester)
{
	for (size_t a = 0; a < PSC_ALGO_MAX; a++)
		EVP_MD_CTX_free(digester->context[a]);
	free(digester->buffer);
	*digester = (struct psc_digester){0};
}

static int begin(struct psc_digester *digester, const struct psc_digest_plan *plan,
		 unsigned int algos)
{
	if (!digester->buffer)
		digester->buffer = malloc(BUFFER_SIZE);
	if (!digester->buffer)
		return -ENOMEM;
	for (size_t a = 0; a < PSC_ALGO_MAX; a++) {
		if (!(algos & 1U << a))
			continue;
		if (!digester->context[a])
			digester->context[a] = EVP_MD_CTX_new();
		if (!digester->context[a])
			return -ENOMEM;
		if (EVP_DigestInit_ex2(digester->context[a], plan->md[a], NULL) != 1)
			return -EIO;
	}
	return 0;
}

static int update(struct psc_digester *digester, unsigned int algos, size_t size)
{
	for (size_t a = 0; a < PSC_ALGO_MAX; a++) {
		if ((algos & 1U << a) &&
		    EVP_DigestUpdate(digester->context[a], digester->buffer, size) != 1)
			return -EIO;
	}
	return 0;
}

int psc_digester_run(struct psc_digester *digester, const struct psc_digest_plan *plan, int fd,
		     unsigned int algos, uint64_t size, struct psc_digests *ret)
{
	struct psc_digests digests = {.algos = algos & plan->algos};
	int r = begin(digester, plan, digests.algos);

	while (r >= 0) {
		ssize_t n = pread(fd, digester->buffer, BUFFER_SIZE, (off_t)digests.bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		digests.bytes += (uint64_t)n;
		if (digests.bytes > size)
			return -ESTALE;
		r = update(digester, digests.algos, (size_t)n);
		/* less than there was room for, and all that was expected: the end */
		if (digests.bytes == size && n < BUFFER_SIZE)
			break;
	}
	for (size_t a = 0; a < PSC_ALGO_MAX && r >= 0; a++) {
		if ((digests.algos & 1U << a) &&
		    EVP_DigestFinal_ex(digester->context[a], digests.digest[a], NULL) != 1)
			r = -EIO;
	}
	if (r < 0 || digests.bytes != size)
		return r < 0 ? r : -ESTALE;
	*ret = digests;
	return 0;
}

size_t psc_digests_find(const struct psc_digest_plan *plan, const struct psc_digests *digests,
			struct psc_list_entry *ret)
{
	size_t count = 0;

	for (unsigned int a = 0; a < PSC_ALGO_MAX; a++) {
		if (!(digests->algos & 1U << a))
			continue;
		if (psc_list_find_algo(plan->list, a, digests->digest[a], &ret[count]) == 0)
			count++;
	}
	return count;
}
