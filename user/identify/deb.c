/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deb.c - Debian packages, see package.h: an ar archive with control.tar and data.tar, each
 * compressed in its own way.
 */
#include <errno.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "user/core/util.h"
#include "user/identify/archive.h"
#include "user/identify/archive_input.h"
#include "user/identify/package_entries.h"
#include "user/identify/package.h"
#include "user/identify/package_internal.h"

#define CONTROL_MAX   (1U << 20) /* bytes of the control file, of a signature */
#define MD5SUMS_MAX   (16U << 20)
#define CONTROL_FILES 1024 /* in control.tar */

/* Fields of the control file that become facts. */
static const struct field {
	const char *name;
	enum psc_fact_kind kind;
} fields[] = {
	{"Package", PSC_FACT_PACKAGE_NAME},
	{"Version", PSC_FACT_PACKAGE_VERSION},
	{"Architecture", PSC_FACT_PACKAGE_ARCHITECTURE},
	{"Maintainer", PSC_FACT_PACKAGE_MAINTAINER},
	{"Homepage", PSC_FACT_PACKAGE_URL},
	{"Vendor", PSC_FACT_PACKAGE_VENDOR}, /* not Debian's; some build tools write it */
};

/* What is known when the parts of a package have gone by. */
struct deb {
	struct psc_facts *facts;
	char *md5sums; /* names of files, in case data.tar is too large to read */
	size_t md5sums_size;
	bool control;
	bool data;
};

static int problem(struct psc_facts *facts, const char *what, const char *reason)
{
	return psc_facts_addf(facts, PSC_FACT_PROBLEM, 0, "deb: %s: %s", what, reason);
}

static int add_field(struct psc_facts *facts, const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length);

	if (!colon)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		size_t name = strlen(fields[i].name);
		const char *end = line + length, *value = colon + 1;

		/* dpkg does not mind the case */
		if ((size_t)(colon - line) != name || strncasecmp(line, fields[i].name, name) != 0)
			continue;
		while (value < end && (*value == ' ' || *value == '\t'))
			value++;
		while (end > value && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
			end--;
		return psc_facts_add(facts, fields[i].kind, 0, value, end - value);
	}
	return 0;
}

/* The first paragraph; lines that go on with a blank belong to fields that are not asked for. */
static int add_control(struct psc_facts *facts, const char *text, size_t size)
{
	const char *end = text + size;
	int r = 0;

	while (text < end && r >= 0) {
		const char *newline = memchr(text, '\n', end - text);
		size_t length = (newline ? newline : end) - text;

		if (length == 0)
			break;
		if (*text != ' ' && *text != '\t')
			r = add_field(facts, text, length);
		text += length + 1;
	}
	return r;
}

/* Lines "<32 hex digits>  name". */
static int add_md5sums(const struct deb *deb)
{
	const char *text = deb->md5sums ? deb->md5sums : "", *end = text + deb->md5sums_size;
	int r = 0;

	while (text < end && r >= 0) {
		const char *newline = memchr(text, '\n', end - text);
		size_t length = (newline ? newline : end) - text;

		if (length > 34)
			r = psc_facts_add(deb->facts, PSC_FACT_ENTRY, 0, text + 34, length - 34);
		text += length + 1;
	}
	return r;
}

static int read_control_file(struct deb *deb, struct psc_archive_input *input, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	if (strcmp(path, "md5sums") == 0 && !deb->md5sums) {
		r = psc_archive_input_slurp(input, MD5SUMS_MAX, &deb->md5sums, &deb->md5sums_size);
		return r == -E2BIG ? 0 : r;
	}
	if (strcmp(path, "control") != 0 || deb->control)
		return 0;
	r = psc_archive_input_slurp(input, CONTROL_MAX, &text, &size);
	if (r == -E2BIG)
		return problem(deb->facts, "control", "too large");
	if (r < 0)
		return r;
	deb->control = true;
	return add_control(deb->facts, text, size);
}

static int read_control(struct deb *deb, struct psc_archive_input *outer)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	struct archive_entry *entry;
	unsigned int count = 0;
	int r = psc_archive_input_member(outer, PSC_INPUT_TAR, &input);

	if (r == -ENOEXEC)
		return problem(deb->facts, "control.tar", "cannot be read");
	while (r >= 0 && (r = psc_archive_input_next(input, &entry)) > 0) {
		if (++count > CONTROL_FILES)
			return problem(deb->facts, "control.tar", "too many files");
		r = read_control_file(deb, input, psc_archive_entry_path(entry));
	}
	if (r == -EBADMSG || r == -EOPNOTSUPP)
		return problem(deb->facts, "control.tar", psc_archive_input_reason(input));
	return r;
}

static int read_data(struct deb *deb, struct psc_archive_input *outer)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	bool all = false;
	int r = psc_archive_input_member(outer, PSC_INPUT_TAR, &input);

	deb->data = true;
	if (r == -ENOEXEC)
		r = problem(deb->facts, "data.tar", "cannot be read");
	else if (r >= 0)
		r = psc_entries_of_input(input, deb->facts, &all);
	if (r >= 0 && !all)
		r = add_md5sums(deb);
	return r;
}

/* dpkg-sig and debsigs put an OpenPGP signature beside the parts. */
static int read_signature(struct deb *deb, struct psc_archive_input *outer)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = psc_archive_input_slurp(outer, CONTROL_MAX, &data, &size);

	if (r < 0)
		return r == -E2BIG || r == -EOPNOTSUPP ? 0 : r;
	return psc_package_add_key(deb->facts, data, size);
}

static int read_part(struct deb *deb, struct psc_archive_input *input, const char *name)
{
	if (strncmp(name, "control.tar", 11) == 0 && !deb->control)
		return read_control(deb, input);
	if (strncmp(name, "data.tar", 8) == 0 && !deb->data)
		return read_data(deb, input);
	if (strncmp(name, "_gpg", 4) == 0)
		return read_signature(deb, input);
	return 0;
}

static int read_deb(int fd, struct deb *deb)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;
	struct archive_entry *entry;
	int r = psc_archive_input_open(fd, 0, PSC_INPUT_AR, &input);

	if (r == -ENOEXEC)
		return problem(deb->facts, "ar", "no archive");
	while (r >= 0 && (r = psc_archive_input_next(input, &entry)) > 0)
		r = read_part(deb, input, psc_archive_entry_path(entry));
	if (r == -EBADMSG || r == -EOPNOTSUPP)
		r = problem(deb->facts, "ar", psc_archive_input_reason(input));
	if (r >= 0 && !deb->control)
		r = problem(deb->facts, "control", "missing");
	if (r >= 0 && !deb->data)
		r = problem(deb->facts, "data.tar", "missing");
	return r;
}

int psc_identify_deb(int fd, struct psc_facts *facts)
{
	struct deb deb = {.facts = facts};
	locale_t before = NULL, locale = psc_archive_locale_enter(&before);
	int r = psc_facts_add(facts, PSC_FACT_PACKAGE_FORMAT, 0, "deb", 3);

	if (r >= 0)
		r = read_deb(fd, &deb);
	psc_archive_locale_leave(locale, before);
	free(deb.md5sums);
	return r < 0 ? r : 0;
}

/* ---- files of a package ----------------------------------------------------------- */

static int digest_entry(struct psc_archive_input *input, EVP_MD_CTX *context, uint64_t *total,
			struct psc_package_file *file)
{
	static const struct psc_archive_limits limits = PSC_ARCHIVE_LIMITS_DEFAULT;
	static const uint8_t zeros[4096];
	uint64_t position = 0;
	unsigned int length;
	int r;

	if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		return -EIO;
	for (;;) {
		const void *data;
		uint64_t offset;
		size_t size;

		r = psc_archive_input_read(input, &data, &size, &offset);
		if (r <= 0)
			break;
		/* a hole */
		if (offset < position || offset - position > limits.bytes_max - *total)
			return offset < position ? -EBADMSG : -E2BIG;
		for (size_t n; position < offset; position += n, *total += n) {
			n = offset - position > sizeof(zeros) ? sizeof(zeros) : offset - position;
			EVP_DigestUpdate(context, zeros, n);
		}
		if (EVP_DigestUpdate(context, data, size) != 1)
			return -EIO;
		position += size;
		*total += size;
		if (*total > limits.bytes_max)
			return -E2BIG;
	}
	if (r < 0)
		return r == -EOPNOTSUPP ? -EBADMSG : r;
	if (EVP_DigestFinal_ex(context, file->sha256, &length) != 1)
		return -EIO;
	file->size = position;
	file->has_sha256 = true;
	return 0;
}

static int give_files(struct psc_archive_input *input, psc_package_file_fn fn, void *data,
		      EVP_MD_CTX *context, uint64_t *total)
{
	struct archive_entry *entry;
	int r;

	while ((r = psc_archive_input_next(input, &entry)) > 0) {
		_cleanup_free_ char *path = NULL;
		struct psc_package_file file = {.mode = archive_entry_mode(entry)};

		if (!S_ISREG(file.mode) || archive_entry_hardlink(entry))
			continue;
		if (asprintf(&path, "/%s", psc_archive_entry_path(entry)) < 0)
			return -ENOMEM;
		file.path = path;
		r = digest_entry(input, context, total, &file);
		if (r == 0)
			r = fn(&file, data);
		if (r < 0)
			return r;
	}
	return r;
}

int psc_deb_files(int fd, psc_package_file_fn fn, void *data)
{
	_cleanup_(psc_archive_input_freep) struct psc_archive_input *outer = NULL;
	locale_t before = NULL, locale = psc_archive_locale_enter(&before);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	struct archive_entry *entry;
	uint64_t total = 0;
	bool found = false;
	int r = context ? psc_archive_input_open(fd, 0, PSC_INPUT_AR, &outer) : -ENOMEM;

	while (r >= 0 && (r = psc_archive_input_next(outer, &entry)) > 0) {
		_cleanup_(psc_archive_input_freep) struct psc_archive_input *input = NULL;

		if (strncmp(psc_archive_entry_path(entry), "data.tar", 8) != 0)
			continue;
		found = true;
		r = psc_archive_input_member(outer, PSC_INPUT_TAR, &input);
		if (r >= 0)
			r = give_files(input, fn, data, context, &total);
	}
	EVP_MD_CTX_free(context);
	psc_archive_locale_leave(locale, before);
	if (r == -ENOEXEC || r == -EOPNOTSUPP || (r == 0 && !found))
		return -EBADMSG;
	return r;
}
