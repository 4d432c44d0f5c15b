/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_digest.c - the digest that names a catalog's content; see catalog.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/digest.h"
#include "user/core/hex.h"
#include "user/core/text.h"

#define LINES_MAX (1U << 20) /* bytes: some ten thousand files */

/* Lines of sha256sum. */
struct lines {
	char *text;
	size_t length;
};

static int add_line(struct lines *lines, const uint8_t digest[PSC_DIGEST_SIZE], const char *vendor,
		    const char *name)
{
	char hex[2 * PSC_DIGEST_SIZE + 1];
	_cleanup_free_ char *line = NULL;
	char *text;
	int length;

	psc_hex_encode(digest, PSC_DIGEST_SIZE, hex);
	length = asprintf(&line, "%s  %s/%s\n", hex, vendor, name);
	if (length < 0) {
		line = NULL;
		return -ENOMEM;
	}
	if (lines->length + length > LINES_MAX)
		return -E2BIG;
	text = realloc(lines->text, lines->length + length + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text + lines->length, line, length + 1);
	lines->text = text;
	lines->length += length;
	return 0;
}

static int add_file(struct lines *lines, int directory, const char *vendor, const char *name)
{
	_cleanup_close_ int fd = -1;
	uint8_t digest[PSC_DIGEST_SIZE];
	const char *why;
	int r;

	if (strchr(name, '\\') || psc_text_span(name, strlen(name), &why) != strlen(name))
		return -EINVAL;
	fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = psc_digest_fd(fd, digest, NULL);
	if (r == -EISDIR) /* a folder is no part of the catalog */
		return 0;
	return r < 0 ? r : add_line(lines, digest, vendor, name);
}

static int add_vendor(const char *directory, const char *vendor, void *data,
		      struct psc_error *reterr)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	struct dirent **names = NULL;
	int count, r = 0;

	if (asprintf(&path, "%s/%s", directory, vendor) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOTDIR)
		return 0;
	count = fd < 0 ? -1 : scandir(path, &names, NULL, alphasort);
	if (count < 0) {
		r = -errno;
		psc_error_set(reterr, path, 0, 0, "cannot be read: %s", strerror(-r));
		return r;
	}
	for (int i = 0; i < count; i++) {
		if (r >= 0 && names[i]->d_name[0] != '.') {
			r = add_file(data, fd, vendor, names[i]->d_name);
			if (r < 0)
				psc_error_set(reterr, path, 0, 0, "%s: %s", names[i]->d_name,
					      strerror(-r));
		}
		free(names[i]);
	}
	free(names);
	return r;
}

int psc_catalog_digest(const char *const *directories, size_t count, uint8_t ret[PSC_DIGEST_SIZE],
		       struct psc_error *reterr)
{
	struct lines lines = {0};
	int r = 0;

	for (size_t i = 0; i < count && r >= 0; i++) {
		if (directories[i])
			r = psc_catalog_each_vendor(directories[i], add_vendor, &lines, reterr);
	}
	if (r >= 0)
		r = psc_digest_buffer(lines.text ?: "", lines.length, ret);
	free(lines.text);
	return r;
}
