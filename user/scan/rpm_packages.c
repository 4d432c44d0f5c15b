/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm_packages.c - the stream of rpm_packages.h, read. It is a sequence of texts with a NUL behind
 * each; the first byte says what it is:
 *
 *   F KIND=VALUE  a fact of the package       P PATH  a file of it      Q PATH  one asked for
 *   .             the package is over         D HEX   digest of another package's file
 *   E WORDS       could not be read           $       the end
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/hex.h"
#include "user/scan/rpm_packages.h"

#define DIGEST_HEX (2 * PSC_DIGEST_SIZE)

static void strings_clear(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

static void package_clear(struct psc_rpm_package *package)
{
	psc_facts_clear(&package->facts);
	strings_clear(package->path, package->paths);
	strings_clear(package->asked, package->askeds);
	*package = (struct psc_rpm_package){0};
}

void psc_rpm_packages_clear(struct psc_rpm_packages *packages)
{
	for (size_t i = 0; i < packages->count; i++)
		package_clear(&packages->package[i]);
	free(packages->package);
	free(packages->other);
	free(packages->problem);
	*packages = (struct psc_rpm_packages){0};
}

struct reader {
	struct psc_rpm_packages packages;
	struct psc_rpm_package package; /* that is being read */
	bool ended;
};

static int take_fact(struct reader *reader, const char *text)
{
	const char *equals = strchr(text, '=');
	enum psc_fact_kind kind;
	char name[64];

	if (!equals || (size_t)(equals - text) >= sizeof(name))
		return -EPROTO;
	memcpy(name, text, (size_t)(equals - text));
	name[equals - text] = '\0';
	/* a package's own, and nothing else */
	if (psc_fact_from_string(name, &kind) < 0 || kind < PSC_FACT_PACKAGE_FORMAT ||
	    kind > PSC_FACT_PACKAGE_KEY)
		return -EPROTO;
	return psc_facts_add(&reader->package.facts, kind, 0, equals + 1, strlen(equals + 1));
}

/* Rooms grow whenever the count is a power of two. */
static bool is_full(size_t count)
{
	return (count & (count - 1)) == 0;
}

static size_t next_room(size_t count)
{
	return count ? 2 * count : 1;
}

static int take_path(char ***paths, size_t *count, const char *text)
{
	char **grown = *paths;

	if (*text != '/')
		return -EPROTO;
	if (is_full(*count))
		grown = reallocarray(grown, next_room(*count), sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*paths = grown;
	grown[*count] = strdup(text);
	if (!grown[*count])
		return -ENOMEM;
	(*count)++;
	return 0;
}

static int take_digest(struct psc_rpm_packages *packages, const char *text)
{
	uint8_t(*grown)[PSC_DIGEST_SIZE] = packages->other;

	if (is_full(packages->others))
		grown = reallocarray(grown, next_room(packages->others), PSC_DIGEST_SIZE);
	if (!grown)
		return -ENOMEM;
	packages->other = grown;
	if (strlen(text) != DIGEST_HEX ||
	    psc_hex_decode(text, DIGEST_HEX, grown[packages->others], PSC_DIGEST_SIZE, NULL) < 0)
		return -EPROTO;
	packages->others++;
	return 0;
}

static int take_package(struct reader *reader)
{
	struct psc_rpm_packages *packages = &reader->packages;
	struct psc_rpm_package *grown = packages->package;

	if (!reader->package.facts.count)
		return -EPROTO;
	if (is_full(packages->count))
		grown = reallocarray(grown, next_room(packages->count), sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	packages->package = grown;
	grown[packages->count++] = reader->package;
	reader->package = (struct psc_rpm_package){0};
	return 0;
}

static int take(struct reader *reader, const char *text)
{
	struct psc_rpm_package *package = &reader->package;

	if (reader->ended)
		return -EPROTO;
	switch (text[0]) {
	case 'F':
		return take_fact(reader, text + 1);
	case 'P':
		return take_path(&package->path, &package->paths, text + 1);
	case 'Q':
		return take_path(&package->asked, &package->askeds, text + 1);
	case 'D':
		return take_digest(&reader->packages, text + 1);
	case 'E':
		if (!reader->packages.problem)
			reader->packages.problem = strdup(text + 1);
		return reader->packages.problem ? 0 : -ENOMEM;
	case '.':
		return text[1] ? -EPROTO : take_package(reader);
	case '$':
		reader->ended = !text[1];
		return reader->ended ? 0 : -EPROTO;
	default:
		return -EPROTO;
	}
}

static int compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, PSC_DIGEST_SIZE);
}

int psc_rpm_packages_parse(const char *data, size_t size, struct psc_rpm_packages *ret)
{
	struct reader reader = {0};
	int r = size > PSC_RPM_STREAM_MAX ? -E2BIG : 0;

	for (size_t at = 0; at < size && r >= 0;) {
		const char *end = memchr(data + at, '\0', size - at);

		r = end ? take(&reader, data + at) : -ENODATA;
		at = end ? (size_t)(end - data) + 1 : size;
	}
	if (r >= 0 && !reader.ended)
		r = -ENODATA;
	/* of a package there is all or nothing */
	if (r >= 0 && (reader.package.facts.count || reader.package.paths || reader.package.askeds))
		r = -EPROTO;
	package_clear(&reader.package);
	if (r < 0) {
		psc_rpm_packages_clear(&reader.packages);
		return r;
	}
	if (reader.packages.others)
		qsort(reader.packages.other, reader.packages.others, PSC_DIGEST_SIZE,
		      compare_digests);
	*ret = reader.packages;
	return 0;
}

const struct psc_rpm_package *psc_rpm_packages_owner(const struct psc_rpm_packages *packages,
						     const char *path)
{
	for (size_t i = 0; i < packages->count; i++) {
		const struct psc_rpm_package *package = &packages->package[i];

		for (size_t k = 0; k < package->askeds; k++) {
			if (strcmp(package->asked[k], path) == 0)
				return package;
		}
	}
	return NULL;
}

bool psc_rpm_packages_has(const struct psc_rpm_packages *packages,
			  const uint8_t digest[PSC_DIGEST_SIZE])
{
	return packages->others &&
	       bsearch(digest, packages->other, packages->others, PSC_DIGEST_SIZE, compare_digests);
}
