/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_origin.c - whether content is that of a package of the distribution's: a vendor's
 * directory may hold copies of other people's libraries, and refusing these would refuse the
 * originals. By the MD5 that dpkg keeps of what it installed; as nobody finds other content
 * with the MD5 of a given file, it can serve as a reason not to refuse. In the resolver's
 * thread; see resolver_internal.h.
 */
#include "user/core/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>

#include "user/core/hex.h"
#include "user/daemon/resolver_internal.h"
#include "user/scan/owner.h"

#define STATUS	   "/var/lib/dpkg/status"
#define DIR_INFO   "/var/lib/dpkg/info"
#define SUFFIX	   ".md5sums"
#define ORIGIN_MAX 4000000 /* files */
#define MD5_SIZE   16
#define MD5_HEX	   (2 * MD5_SIZE)

/* Distributions install here; vendors of their own have /opt, /var/opt and the like. */
static bool is_usual(const char *path)
{
	static const char *const usual[] = {"usr/", "bin/", "sbin/", "lib", "boot/"};

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		if (strncmp(path, usual[i], strlen(usual[i])) == 0)
			return strncmp(path, "usr/local/", 10) != 0;
	}
	return false;
}

static int add(struct psc_resolver_origin *origin, const uint8_t md5[MD5_SIZE])
{
	uint8_t(*grown)[MD5_SIZE] = origin->md5;

	if (origin->count >= ORIGIN_MAX)
		return -E2BIG;
	if (!(origin->count & (origin->count + 1)))
		grown = reallocarray(origin->md5, 2 * (origin->count + 1), MD5_SIZE);
	if (!grown)
		return -ENOMEM;
	origin->md5 = grown;
	memcpy(grown[origin->count++], md5, MD5_SIZE);
	return 0;
}

/* Lines "HEX  path"; what is none is passed over. */
static int add_package(struct psc_resolver_origin *origin, const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	uint8_t md5[MD5_SIZE];
	char line[PATH_MAX];
	int r = 0;

	while (f && !r && fgets(line, sizeof(line), f)) {
		if (strlen(line) < MD5_HEX + 3 || strncmp(line + MD5_HEX, "  ", 2) != 0 ||
		    !is_usual(line + MD5_HEX + 2) ||
		    psc_hex_decode(line, MD5_HEX, md5, sizeof(md5), NULL) < 0)
			continue;
		r = add(origin, md5);
	}
	return r;
}

/* Names of packages that the catalog knows by whatever the database says of them. */
struct vendors {
	const struct psc_resolver_know *know;
	char **names;
	size_t count;
};

static void vendors_clear(struct vendors *vendors)
{
	for (size_t i = 0; i < vendors->count; i++)
		free(vendors->names[i]);
	free(vendors->names);
}

static int add_vendors(const struct psc_dpkg_package *package, void *data)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {};
	struct psc_matches matches = {};
	struct vendors *vendors = data;
	char **grown;
	bool known;
	int r = psc_dpkg_package_facts(package, &facts);

	if (!r)
		r = psc_indicators_match(vendors->know->indicators, &facts, &matches);
	known = matches.count;
	psc_matches_clear(&matches);
	if (r || !known)
		return r;
	grown = reallocarray(vendors->names, vendors->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	vendors->names = grown;
	grown[vendors->count] = strdup(package->name);
	return grown[vendors->count++] ? 0 : -ENOMEM;
}

/* "NAME.md5sums" or "NAME:ARCHITECTURE.md5sums". */
static bool is_vendors(const struct vendors *vendors, const char *file)
{
	for (size_t i = 0; i < vendors->count; i++) {
		if (vendors->names[i] &&
		    psc_dpkg_is_list_of(file, strlen(file) - strlen(SUFFIX), vendors->names[i]))
			return true;
	}
	return false;
}

static int compare_md5(const void *a, const void *b)
{
	return memcmp(a, b, MD5_SIZE);
}

static bool is_current(const struct psc_resolver_origin *origin, uint64_t serial,
		       const struct stat *st)
{
	return origin->serial == serial && st->st_mtim.tv_sec == origin->stamp.tv_sec &&
	       st->st_mtim.tv_nsec == origin->stamp.tv_nsec;
}

static int read_all(struct psc_resolver_origin *origin, DIR *directory,
		    const struct vendors *vendors)
{
	struct dirent *entry;
	int r = 0;

	while (!r && (entry = readdir(directory))) {
		size_t length = strlen(entry->d_name), suffix = strlen(SUFFIX);
		char path[PATH_MAX];

		if (length <= suffix || strcmp(entry->d_name + length - suffix, SUFFIX) != 0 ||
		    is_vendors(vendors, entry->d_name))
			continue;
		snprintf(path, sizeof(path), DIR_INFO "/%s", entry->d_name);
		r = add_package(origin, path);
	}
	return r;
}

/*
 * What is known decides, too, whose a package is. With too little memory less is held back, as if
 * there were no such database: the interlock still is there.
 */
void psc_resolver_origin_refresh(struct psc_resolver_origin *origin,
				 const struct psc_resolver_know *know)
{
	_cleanup_(vendors_clear) struct vendors vendors = {.know = know};
	_cleanup_close_ int status = -1;
	DIR *directory = opendir(DIR_INFO);
	unsigned int line;
	struct stat st;

	if (!directory)
		return;
	if (fstat(dirfd(directory), &st) < 0 || is_current(origin, know->serial, &st)) {
		closedir(directory);
		return;
	}
	free(origin->md5);
	*origin = (struct psc_resolver_origin){.stamp = st.st_mtim, .serial = know->serial};
	status = open(STATUS, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (status >= 0)
		psc_dpkg_read_status(status, add_vendors, &vendors, &line);
	read_all(origin, directory, &vendors);
	closedir(directory);
	if (origin->count)
		qsort(origin->md5, origin->count, MD5_SIZE, compare_md5);
}

static int md5_of(int fd, uint8_t md5[MD5_SIZE])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t buffer[16384];
	bool good = context && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1;
	off_t at = 0;
	ssize_t n = 0;

	while (good && (n = pread(fd, buffer, sizeof(buffer), at)) > 0) {
		good = EVP_DigestUpdate(context, buffer, n) == 1;
		at += n;
	}
	good = good && n == 0 && EVP_DigestFinal_ex(context, md5, NULL) == 1;
	EVP_MD_CTX_free(context);
	return good ? 0 : -EIO;
}

bool psc_resolver_origin_has(const struct psc_resolver_origin *origin, int fd)
{
	uint8_t md5[MD5_SIZE];

	return origin->count && !md5_of(fd, md5) &&
	       bsearch(md5, origin->md5, origin->count, MD5_SIZE, compare_md5);
}
