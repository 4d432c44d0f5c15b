/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_file.c - see image_file.h; image_names.c has the part in JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <openssl/evp.h>

#include "user/core/util.h"
#include "user/core/image_file.h"
#include "user/core/image_names.h"

#define MAGIC	"PSCACTIV"
#define VERSION 2

struct head {
	char magic[8];
	uint32_t version;
	uint32_t abi_version;
	uint64_t table_size;
	uint64_t record_count;
	uint64_t names_size;
	uint8_t digest[PSC_DIGEST_SIZE];
};

_Static_assert(sizeof(struct head) == 72, "head without padding");

#define FILTER_SIZE (PSC_FILTER_WORDS * sizeof(uint64_t))
#define RULING_SIZE (PSC_CLASSES_MAX * PSC_OP_MAX * sizeof(uint16_t))
#define PARTS	    6

/* The file in pieces. */
struct parts {
	struct head head;
	char *names;
	struct iovec vector[PARTS + 1];
};

static void clear_parts(struct parts *parts)
{
	free(parts->names);
}

static int digest_parts(struct parts *parts)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int r = -EIO;

	if (!md)
		return -ENOMEM;
	if (EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		goto out;
	for (int i = 0; i <= PARTS; i++) {
		if (EVP_DigestUpdate(md, parts->vector[i].iov_base, parts->vector[i].iov_len) != 1)
			goto out;
	}
	if (EVP_DigestFinal_ex(md, parts->head.digest, NULL) == 1)
		r = 0;
out:
	EVP_MD_CTX_free(md);
	return r;
}

static int take_apart(const struct psc_image *image, struct parts *ret)
{
	size_t names_size;
	int r;

	r = psc_image_names_format(image, &ret->names, &names_size);
	if (r < 0)
		return r;
	memcpy(ret->head.magic, MAGIC, sizeof(ret->head.magic));
	ret->head.version = VERSION;
	ret->head.abi_version = PSC_ABI_VERSION;
	ret->head.table_size = sizeof(image->table);
	ret->head.record_count = image->table.digest_count;
	ret->head.names_size = names_size;
	ret->vector[0] = (struct iovec){&ret->head, sizeof(ret->head)};
	ret->vector[1] = (struct iovec){(void *)&image->table, sizeof(image->table)};
	ret->vector[2] = (struct iovec){image->filter[0], FILTER_SIZE};
	ret->vector[3] = (struct iovec){image->filter[1], FILTER_SIZE};
	ret->vector[4] =
		(struct iovec){image->ruling_of, image->table.interval_count * RULING_SIZE};
	ret->vector[5] =
		(struct iovec){image->records, image->table.digest_count * sizeof(*image->records)};
	ret->vector[6] = (struct iovec){ret->names, names_size};
	return 0;
}

int psc_image_digest(const struct psc_image *image, uint8_t ret[PSC_DIGEST_SIZE])
{
	_cleanup_(clear_parts) struct parts parts = {0};
	int r = take_apart(image, &parts);

	if (r >= 0)
		r = digest_parts(&parts);
	if (r >= 0)
		memcpy(ret, parts.head.digest, PSC_DIGEST_SIZE);
	return r;
}

int psc_image_write(const struct psc_image *image, const uint8_t digest[PSC_DIGEST_SIZE],
		    struct psc_durable *file)
{
	_cleanup_(clear_parts) struct parts parts = {0};
	int r = take_apart(image, &parts);

	if (r >= 0)
		memcpy(parts.head.digest, digest, PSC_DIGEST_SIZE);
	for (int i = 0; i <= PARTS && r >= 0; i++)
		r = psc_durable_write(file, parts.vector[i].iov_base, parts.vector[i].iov_len);
	return r;
}

int psc_image_save(const struct psc_image *image, const uint8_t digest[PSC_DIGEST_SIZE],
		   const char *path)
{
	_cleanup_(psc_durable_end) struct psc_durable file = PSC_DURABLE_NONE;
	int r = psc_durable_begin(AT_FDCWD, path, &file);

	if (r >= 0)
		r = psc_image_write(image, digest, &file);
	if (r >= 0)
		r = psc_durable_replace(&file);
	return r < 0 ? r : psc_durable_settle(&file);
}

/* ---- reading ------------------------------------------------------------------- */

struct reader {
	const char *data;
	size_t size;
	size_t at;
	const char *path;
	struct psc_error *reterr;
};

static int _printf_(2, 3) refuse(struct reader *r, const char *format, ...)
{
	char why[200];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	psc_error_set(r->reterr, r->path, 0, 0, "offset %zu: %s", r->at, why);
	return -EBADMSG;
}

/* Copies the next @size bytes, which are there: the sizes were checked against the file's. */
static void *take(struct reader *r, size_t size, size_t room)
{
	void *copy = calloc(1, room ?: 1);

	if (copy)
		memcpy(copy, r->data + r->at, size);
	r->at += size;
	return copy;
}

static int check_head(struct reader *r, struct head *head)
{
	if (r->size < sizeof(*head))
		return refuse(r, "shorter than its head");
	memcpy(head, r->data, sizeof(*head));
	if (memcmp(head->magic, MAGIC, sizeof(head->magic)) != 0)
		return refuse(r, "no compiled policy");
	if (head->version != VERSION || head->abi_version != PSC_ABI_VERSION ||
	    head->table_size != sizeof(struct psc_table))
		return refuse(r, "written by another version (format %u, kernel interface %u)",
			      head->version, head->abi_version);
	if (head->record_count >= PSC_DIGESTS_MAX || head->names_size > PSC_IMAGE_NAMES_MAX)
		return refuse(r, "impossible sizes");
	return 0;
}

static int check_digest(struct reader *r, const struct head *head)
{
	struct head without = *head;
	uint8_t digest[PSC_DIGEST_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool done;

	if (!md)
		return -ENOMEM;
	memset(without.digest, 0, sizeof(without.digest));
	done = EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	       EVP_DigestUpdate(md, &without, sizeof(without)) == 1 &&
	       EVP_DigestUpdate(md, r->data + sizeof(without), r->size - sizeof(without)) == 1 &&
	       EVP_DigestFinal_ex(md, digest, NULL) == 1;
	EVP_MD_CTX_free(md);
	if (!done)
		return -EIO;
	if (memcmp(digest, head->digest, sizeof(digest)) != 0)
		return refuse(r, "its digest is another: the file was changed or damaged");
	return 0;
}

static int check_table(struct reader *r, const struct psc_table *table, const struct head *head)
{
	if (table->digest_count != head->record_count || table->subject_count < PSC_SUBJECT_FIRST ||
	    table->subject_count > PSC_SUBJECTS_MAX || table->class_count < PSC_CLASS_FIRST ||
	    table->class_count > PSC_CLASSES_MAX || table->interval_count < 1 ||
	    table->interval_count > PSC_INTERVALS_MAX || table->mode >= PSC_MODE_MAX ||
	    table->generation != 0 || table->interval_start[0] != 0)
		return refuse(r, "a table out of range");
	for (uint32_t i = 1; i < table->interval_count; i++) {
		if (table->interval_start[i] <= table->interval_start[i - 1])
			return refuse(r, "intervals out of order");
	}
	for (uint32_t i = 0; i < table->subject_count; i++) {
		if (table->class_of[i] >= table->class_count)
			return refuse(r, "a subject without class");
	}
	for (uint32_t i = 0; i < PSC_PLACES_MAX; i++) {
		uint16_t subject = table->place_subject[i];

		if (subject == PSC_SUBJECT_CANARY || subject >= table->subject_count)
			return refuse(r, "a place without subject");
		if (subject != PSC_SUBJECT_NONE && !(table->flags & PSC_TABLE_PLACES))
			return refuse(r, "places that are not looked for");
	}
	return 0;
}

static int check_records(struct reader *r, const struct psc_image *image)
{
	for (uint32_t i = 0; i < image->table.digest_count; i++) {
		const struct psc_digest_record *record = &image->records[i];

		if (record->subject < PSC_SUBJECT_FIRST ||
		    record->subject >= image->table.subject_count)
			return refuse(r, "a digest without subject");
		if (i && memcmp(record[-1].digest, record->digest, PSC_DIGEST_SIZE) >= 0)
			return refuse(r, "digests out of order");
	}
	return 0;
}

static int check_rulings(struct reader *r, const struct psc_image *image)
{
	const uint16_t *ruling = &image->ruling_of[0][0][0];
	size_t count = (size_t)image->table.interval_count * PSC_CLASSES_MAX * PSC_OP_MAX;

	for (size_t i = 0; i < count; i++) {
		if (ruling[i] >= image->ruling_count)
			return refuse(r, "a ruling that is not there");
	}
	return 0;
}

static int read_parts(struct reader *r, const struct head *head, struct psc_image *image)
{
	size_t records = head->record_count * sizeof(*image->records);
	size_t rulings = image->table.interval_count * RULING_SIZE;
	int result;

	if (r->size - r->at != 2 * FILTER_SIZE + rulings + records + head->names_size)
		return refuse(r, "cut off, or longer than its parts");
	image->filter[0] = take(r, FILTER_SIZE, FILTER_SIZE);
	image->filter[1] = take(r, FILTER_SIZE, FILTER_SIZE);
	image->ruling_of = take(r, rulings, PSC_INTERVALS_MAX * RULING_SIZE);
	image->records = take(r, records, records + sizeof(*image->records));
	if (!image->filter[0] || !image->filter[1] || !image->ruling_of || !image->records)
		return -ENOMEM;
	result = check_records(r, image);
	if (result >= 0)
		result = psc_image_names_parse(image, r->data + r->at, head->names_size, r->path,
					       r->reterr);
	return result < 0 ? result : check_rulings(r, image);
}

int psc_image_parse(const void *data, size_t size, const char *path, struct psc_image **ret,
		    struct psc_error *reterr)
{
	_cleanup_(psc_image_freep) struct psc_image *image = calloc(1, sizeof(*image));
	struct reader reader = {.data = data, .size = size, .path = path, .reterr = reterr};
	struct head head;
	int r;

	if (!image)
		return -ENOMEM;
	r = check_head(&reader, &head);
	if (r >= 0)
		r = check_digest(&reader, &head);
	if (r < 0)
		return r;
	reader.at = sizeof(head);
	if (size - reader.at < sizeof(image->table))
		return refuse(&reader, "cut off in its table");
	memcpy(&image->table, reader.data + reader.at, sizeof(image->table));
	r = check_table(&reader, &image->table, &head);
	if (r >= 0) {
		reader.at += sizeof(image->table);
		image->subjects = calloc(PSC_SUBJECTS_MAX, sizeof(*image->subjects));
		r = image->subjects ? read_parts(&reader, &head, image) : -ENOMEM;
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(image);
	return 0;
}

int psc_image_load(const char *path, struct psc_image **ret, uint8_t ret_digest[PSC_DIGEST_SIZE],
		   struct psc_error *reterr)
{
	_cleanup_close_ int fd = -1;
	struct head head;
	struct stat st;
	void *data;
	int r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		psc_error_set(reterr, path, 0, 0, "cannot be opened: %s", strerror(-r));
		return r;
	}
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(head)) {
		psc_error_set(reterr, path, 0, 0, "no compiled policy");
		return -EBADMSG;
	}
	data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		r = -errno;
		psc_error_set(reterr, path, 0, 0, "cannot be read: %s", strerror(-r));
		return r;
	}
	memcpy(&head, data, sizeof(head));
	r = psc_image_parse(data, st.st_size, path, ret, reterr);
	munmap(data, st.st_size);
	if (r >= 0)
		memcpy(ret_digest, head.digest, PSC_DIGEST_SIZE);
	return r;
}
