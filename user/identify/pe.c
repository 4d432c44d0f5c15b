/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pe.c - see pe.h. Offsets are those of Microsoft's PE format specification.
 */
#include <stdbool.h>

#include "user/core/util.h"
#include "user/identify/authenticode.h"
#include "user/identify/bytes.h"
#include "user/identify/pe.h"
#include "user/identify/signer_internal.h"

#define DOS_SIZE     64
#define DOS_PE	     60	 /* where the offset of the PE header stands */
#define HEADER_SIZE  24	 /* "PE\0\0" and the COFF header */
#define OPTIONAL_MAX 240 /* as much of the optional header as is looked at */
#define SECTION_SIZE 40
#define SECTIONS_MAX 96
#define CHECKSUM     64 /* in the optional header */
#define SECURITY     4	/* index of the directory entry */
#define CERT_HEADER  8
#define CERT_PKCS7   2
#define CERTS_MAX    16
#define PIECE	     (128 * 1024)
#define DIGESTS	     4 /* algorithms: see authenticode.c */

struct image {
	int fd;
	uint64_t size;
	uint64_t sections; /* offset of their headers */
	unsigned int count;
	uint64_t checksum;  /* offset */
	uint64_t directory; /* offset of the entry that points to the table; 0: none */
	uint64_t table;
	uint64_t table_size;
	struct {
		const EVP_MD *algorithm;
		uint8_t digest[EVP_MAX_MD_SIZE];
		unsigned int size;
	} known[DIGESTS];
	struct psc_facts *facts;
};

static int problem(struct image *image, const char *what, uint64_t offset)
{
	return psc_facts_addf(image->facts, PSC_FACT_PROBLEM, 0, "PE: %s, offset %llu", what,
			      (unsigned long long)offset);
}

/* 1: there is something to read, 0: there is not, or an error. */
static int read_headers(struct image *image)
{
	uint8_t dos[DOS_SIZE], head[HEADER_SIZE + OPTIONAL_MAX];
	const uint8_t *optional = head + HEADER_SIZE;
	uint64_t at, directories;
	unsigned int size;
	ssize_t n;

	n = psc_read_at(image->fd, dos, sizeof(dos), 0);
	if (n < (ssize_t)sizeof(dos))
		return n < 0 ? n : 0;
	at = psc_le32(dos + DOS_PE);
	n = psc_read_at(image->fd, head, sizeof(head), at);
	if (n < 0)
		return n;
	if (n < 4 || memcmp(head, "PE\0\0", 4) != 0)
		return 0;
	size = n < HEADER_SIZE + 2 ? 0 : psc_le16(head + 20);
	if (n < HEADER_SIZE + (size < OPTIONAL_MAX ? (ssize_t)size : OPTIONAL_MAX) || size < 2)
		return problem(image, "header cut off", at);
	switch (psc_le16(optional)) {
	case 0x10b:
		directories = 96;
		break;
	case 0x20b:
		directories = 112;
		break;
	default:
		return problem(image, "unknown kind of header", at + HEADER_SIZE);
	}
	image->count = psc_le16(head + 6);
	image->sections = at + HEADER_SIZE + size;
	if (size < directories + 8 * (SECURITY + 1) ||
	    psc_le32(optional + directories - 4) <= SECURITY)
		return 1;
	image->checksum = at + HEADER_SIZE + CHECKSUM;
	image->directory = at + HEADER_SIZE + directories + 8 * SECURITY;
	image->table = psc_le32(optional + directories + 8 * SECURITY);
	image->table_size = psc_le32(optional + directories + 8 * SECURITY + 4);
	return 1;
}

/* ---- the digest of the image ---- */

static int digest_range(struct image *image, EVP_MD_CTX *context, uint8_t *buffer, uint64_t from,
			uint64_t to)
{
	while (from < to) {
		size_t want = to - from < PIECE ? to - from : PIECE;
		ssize_t n = psc_read_at(image->fd, buffer, want, from);

		if (n < 0)
			return n;
		if (EVP_DigestUpdate(context, buffer, n) != 1)
			return -EIO;
		if ((size_t)n < want)
			break;
		from += n;
	}
	return 0;
}

/*
 * The specification goes section by section and then adds what is left over; taking the file
 * from its beginning to its end gives the same for every file whose sections lie side by side,
 * and leaves no byte of the others unsigned.
 */
static int digest_image(struct image *image, EVP_MD_CTX *context)
{
	_cleanup_free_ uint8_t *buffer = malloc(PIECE);
	int r;

	if (!buffer)
		return -ENOMEM;
	r = digest_range(image, context, buffer, 0, image->checksum);
	if (r >= 0)
		r = digest_range(image, context, buffer, image->checksum + 4, image->directory);
	if (r >= 0)
		r = digest_range(image, context, buffer, image->directory + 8, image->table);
	if (r >= 0)
		r = digest_range(image, context, buffer, image->table + image->table_size,
				 image->size);
	return r;
}

static int image_digest(void *data, const EVP_MD *algorithm, uint8_t *ret, unsigned int *ret_size)
{
	struct image *image = data;
	EVP_MD_CTX *context;
	unsigned int i = 0;
	int r;

	while (i < DIGESTS - 1 && image->known[i].algorithm &&
	       image->known[i].algorithm != algorithm)
		i++;
	if (image->known[i].algorithm != algorithm) {
		context = EVP_MD_CTX_new();
		if (!context)
			return -ENOMEM;
		r = EVP_DigestInit_ex(context, algorithm, NULL) == 1 ? 0 : -EIO;
		if (r >= 0)
			r = digest_image(image, context);
		if (r >= 0 &&
		    EVP_DigestFinal_ex(context, image->known[i].digest, &image->known[i].size) != 1)
			r = -EIO;
		EVP_MD_CTX_free(context);
		if (r < 0)
			return r;
		image->known[i].algorithm = algorithm;
	}
	memcpy(ret, image->known[i].digest, image->known[i].size);
	*ret_size = image->known[i].size;
	return 0;
}

/* ---- the certificate table ---- */

static int damaged_table(struct image *image, const char *why, uint64_t offset)
{
	unsigned int group = psc_facts_group(image->facts);
	int r = psc_signer_add(image->facts, group, PSC_SIGNER_MALFORMED, NULL, PSC_SIGNER_NO_TIME);

	if (r < 0)
		return r;
	return psc_facts_addf(image->facts, PSC_FACT_PROBLEM, group,
			      "certificate table: %s, offset %llu", why,
			      (unsigned long long)offset);
}

static int read_certificate(struct image *image, struct psc_authenticode *context, uint64_t offset,
			    uint64_t size)
{
	_cleanup_free_ uint8_t *der = NULL;
	ssize_t n;

	if (size > PSC_SIGNATURE_SIZE_MAX)
		return damaged_table(image, "an entry is too large", offset);
	der = malloc(size + 1);
	if (!der)
		return -ENOMEM;
	n = psc_read_at(image->fd, der, size, offset);
	if (n < 0)
		return n;
	return psc_authenticode_read(context, der, n, offset);
}

static int read_table(struct image *image, const struct psc_trust *trust)
{
	struct psc_authenticode context = {image_digest, image, trust, image->facts, 0};
	uint64_t at = image->table, end = at + image->table_size;
	unsigned int count = 0;
	int r = 0;

	if (at < image->directory + 8)
		return damaged_table(image, "inside the header", at);
	if (!psc_fits(at, image->table_size, image->size))
		return damaged_table(image, "reaches behind the end of the file", at);
	while (r >= 0 && at + CERT_HEADER <= end) {
		uint8_t head[CERT_HEADER] = {0};
		uint64_t size;
		ssize_t n = psc_read_at(image->fd, head, sizeof(head), at);

		if (n < 0)
			return n;
		size = psc_le32(head);
		if (size < CERT_HEADER || size > end - at)
			return damaged_table(image, "an entry reaches behind it", at);
		if (count++ == CERTS_MAX)
			return damaged_table(image, "too many entries", at);
		/* The other types are certificates by themselves, and history. */
		if (psc_le16(head + 6) == CERT_PKCS7)
			r = read_certificate(image, &context, at + CERT_HEADER, size - CERT_HEADER);
		at += (size + 7) & ~7ULL;
	}
	return r;
}

/* ---- markers ---- */

static bool holds_markers(const uint8_t *section)
{
	static const char *const names[] = {".rdata", ".rodata", ".data"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strncmp((const char *)section, names[i], 8) == 0)
			return true;
	}
	return false;
}

static int search_markers(struct image *image, const struct psc_markers *markers)
{
	uint8_t headers[SECTIONS_MAX * SECTION_SIZE];
	struct psc_marker_range range[SECTIONS_MAX];
	unsigned int count = image->count;
	size_t ranges = 0;
	ssize_t n;
	int r;

	if (count > SECTIONS_MAX) {
		r = problem(image, "too many sections", image->sections);
		if (r < 0)
			return r;
		count = SECTIONS_MAX;
	}
	n = psc_read_at(image->fd, headers, count * SECTION_SIZE, image->sections);
	if (n < 0)
		return n;
	if (n / SECTION_SIZE < count) {
		r = problem(image, "section headers cut off", image->sections);
		if (r < 0)
			return r;
		count = n / SECTION_SIZE;
	}
	for (int all = 0; all < 2 && !ranges; all++) {
		for (unsigned int i = 0; i < count; i++) {
			const uint8_t *section = headers + i * SECTION_SIZE;

			if (all || holds_markers(section))
				range[ranges++] = (struct psc_marker_range){
					psc_le32(section + 20),
					psc_le32(section + 16),
				};
		}
	}
	return psc_markers_search_fd(markers, image->fd, range, ranges, image->facts);
}

int psc_pe_identify(int fd, uint64_t size, const struct psc_markers *markers,
		    const struct psc_trust *trust, struct psc_facts *facts)
{
	struct image image = {.fd = fd, .size = size, .facts = facts};
	int r = read_headers(&image);

	if (r <= 0)
		return r;
	r = markers ? search_markers(&image, markers) : 0;
	if (r >= 0 && image.directory && image.table_size)
		r = read_table(&image, trust);
	return r;
}
