/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpmdb_files.c - files of the packages in rpm databases, and who owns one; see rpm_packages.h and
 * owner.h. librpm has state of its own: one thread at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <rpm/rpmfiles.h>
#include <rpm/rpmpgp.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/hex.h"
#include "user/scan/owner.h"
#include "user/scan/rpm_packages.h"
#include "user/scan/rpmdb.h"

/* An error ends the reading and comes back. */
typedef int (*header_fn)(Header header, void *data);

/* ---- databases ------------------------------------------------------------------------ */

static bool is_known(const struct psc_rpm_sources *sources, const struct stat *st)
{
	struct stat other;

	for (size_t i = 0; i < sources->count; i++) {
		if (fstat(sources->of[i].fd, &other) == 0 && other.st_dev == st->st_dev &&
		    other.st_ino == st->st_ino)
			return true;
	}
	return false;
}

static int note_problem(char **problem, const char *path, int error)
{
	if (*problem)
		return 0;
	if (asprintf(problem, "%s: %s", path,
		     error == -EBADMSG ? "empty, damaged, or of a kind that is not read"
				       : strerrordesc_np(-error)) < 0) {
		*problem = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* One directory may be a link to the other. */
static int open_source(const char *path, unsigned int kind, struct psc_rpm_sources *sources)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int beside;

	if (fd < 0)
		return errno == ENOENT ? 0 : note_problem(&sources->problem, path, -errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || is_known(sources, &st))
		return 0;
	beside = psc_rpmdb_open_beside(&psc_rpmdb_kinds[kind], path);
	if (beside < 0 && beside != -ENOENT)
		return note_problem(&sources->problem, path, beside);
	sources->of[sources->count].fd = TAKE_FD(fd);
	sources->of[sources->count].beside_fd = beside < 0 ? -1 : beside;
	sources->of[sources->count++].kind = kind;
	return 0;
}

int psc_rpm_sources_open(const char *root, struct psc_rpm_sources *ret)
{
	struct psc_rpm_sources sources = {0};
	int r = 0;

	for (size_t d = 0; d < PSC_RPMDB_DIRECTORIES; d++) {
		for (unsigned int k = 0; k < PSC_RPMDB_KINDS && r >= 0; k++) {
			_cleanup_free_ char *path = NULL;

			if (asprintf(&path, "%s%s/%s", root, psc_rpmdb_directories[d],
				     psc_rpmdb_kinds[k].name) < 0) {
				path = NULL;
				r = -ENOMEM;
			} else {
				r = open_source(path, k, &sources);
			}
		}
	}
	if (r < 0)
		psc_rpm_sources_close(&sources);
	else
		*ret = sources;
	return r;
}

void psc_rpm_sources_close(struct psc_rpm_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		psc_closep(&sources->of[i].fd);
		psc_closep(&sources->of[i].beside_fd);
	}
	free(sources->problem);
	*sources = (struct psc_rpm_sources){0};
}

static int read_source(const struct psc_rpm_sources *sources, size_t at, const char *temporary,
		       header_fn fn, void *data)
{
	struct psc_rpmdb database = {0};
	rpmdbMatchIterator iterator;
	size_t count = 0;
	Header header;
	int r;

	r = psc_rpmdb_open(&psc_rpmdb_kinds[sources->of[at].kind], sources->of[at].fd,
			   sources->of[at].beside_fd, temporary, &database);
	if (r >= 0) {
		iterator = rpmtsInitIterator(database.ts, RPMDBI_PACKAGES, NULL, 0);
		while (r >= 0 && (header = rpmdbNextIterator(iterator))) {
			count++;
			r = fn(header, data);
		}
		rpmdbFreeIterator(iterator);
		/* an empty one and one that cannot be read look alike */
		if (r >= 0 && !count)
			r = -EBADMSG;
	}
	psc_rpmdb_close(&database);
	return r;
}

/* ---- files of a package ------------------------------------------------------------------ */

static bool is_asked(const char *const *asked, const char *path)
{
	for (; *asked; asked++) {
		if (strcmp(*asked, path) == 0)
			return true;
	}
	return false;
}

struct writing {
	const struct psc_indicators *indicators;
	const char *const *asked;
	FILE *out;
};

static void put(FILE *out, char type, const char *text)
{
	putc(type, out);
	fputs(text, out);
	putc('\0', out);
}

/* As of dpkg's packages: vendors of their own install elsewhere. */
static bool is_usual(const char *path)
{
	return (strncmp(path, "/usr/", 5) == 0 && strncmp(path, "/usr/local/", 11) != 0) ||
	       strncmp(path, "/lib", 4) == 0 || strncmp(path, "/bin/", 5) == 0 ||
	       strncmp(path, "/sbin/", 6) == 0 || strncmp(path, "/boot/", 6) == 0;
}

static void put_digest(FILE *out, rpmfiles files, int at)
{
	char hex[2 * PSC_DIGEST_SIZE + 1];
	const unsigned char *digest;
	size_t size;
	int algo;

	digest = rpmfilesFDigest(files, at, &algo, &size);
	if (!digest || algo != PGPHASHALGO_SHA256 || size != PSC_DIGEST_SIZE)
		return;
	psc_hex_encode(digest, PSC_DIGEST_SIZE, hex);
	put(out, 'D', hex);
}

/* Whether it owns one of those that were asked for. */
static bool put_files(const struct writing *writing, rpmfiles files, bool known)
{
	bool owns = false;

	for (int i = 0; i < (int)rpmfilesFC(files); i++) {
		char *path = rpmfilesFN(files, i);

		if (path && *path == '/' && S_ISREG(rpmfilesFMode(files, i)) &&
		    !(rpmfilesFFlags(files, i) & RPMFILE_GHOST)) {
			bool asked = is_asked(writing->asked, path);

			owns |= asked;
			if (asked)
				put(writing->out, 'Q', path);
			if (known)
				put(writing->out, 'P', path);
			else if (is_usual(path))
				put_digest(writing->out, files, i);
		}
		free(path);
	}
	return owns;
}

static int put_package(Header header, void *data)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	struct psc_matches matches = {0};
	const struct writing *writing = data;
	rpmfiles files;
	bool known;
	int r = psc_rpmdb_facts(header, &facts);

	if (r >= 0)
		r = psc_indicators_match(writing->indicators, &facts, &matches);
	if (r < 0)
		return r;
	known = matches.count;
	psc_matches_clear(&matches);
	files = rpmfilesNew(NULL, header, RPMTAG_BASENAMES, RPMFI_FLAGS_QUERY);
	if (files && (put_files(writing, files, known) || known)) {
		for (size_t i = 0; i < facts.count; i++) {
			fprintf(writing->out, "F%s=%s", psc_fact_to_string(facts.fact[i].kind),
				facts.fact[i].value);
			putc('\0', writing->out);
		}
		put(writing->out, '.', "");
	}
	rpmfilesFree(files);
	return ferror(writing->out) ? -EIO : 0;
}

int psc_rpm_packages_write(const struct psc_rpm_sources *sources, const char *temporary,
			   const struct psc_indicators *indicators, const char *const *asked,
			   FILE *out)
{
	struct writing writing = {indicators, asked, out};
	_cleanup_free_ char *problem = NULL;
	int r = 0;

	if (sources->problem)
		put(out, 'E', sources->problem);
	for (size_t i = 0; i < sources->count && r >= 0; i++) {
		r = read_source(sources, i, temporary, put_package, &writing);
		if (r < 0 && r != -ENOMEM && r != -EIO)
			r = note_problem(&problem, psc_rpmdb_kinds[sources->of[i].kind].name, r);
	}
	if (r < 0)
		return r;
	if (problem)
		put(out, 'E', problem);
	put(out, '$', "");
	return fflush(out) < 0 ? -EIO : 0;
}

/* ---- owners ------------------------------------------------------------------------------- */

struct owning {
	const char *asked[2];
	struct psc_facts *facts;
	bool found;
};

static int take_owner(Header header, void *data)
{
	struct owning *owning = data;
	rpmfiles files;
	int r = 0;

	if (owning->found)
		return 0;
	files = rpmfilesNew(NULL, header, RPMTAG_BASENAMES, RPMFI_FLAGS_QUERY);
	for (int i = 0; files && i < (int)rpmfilesFC(files) && !owning->found; i++) {
		char *path = rpmfilesFN(files, i);

		owning->found =
			path && S_ISREG(rpmfilesFMode(files, i)) && is_asked(owning->asked, path);
		free(path);
	}
	rpmfilesFree(files);
	if (owning->found)
		r = psc_rpmdb_facts(header, owning->facts);
	return r;
}

int psc_owner_find_rpm(const char *root, const char *path, struct psc_facts *ret)
{
	struct owning owning = {.asked = {path}, .facts = ret};
	struct psc_rpm_sources sources;
	int r = psc_rpm_sources_open(root, &sources);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sources.count && r != -ENOMEM && !owning.found; i++)
		r = read_source(&sources, i, "/tmp", take_owner, &owning);
	psc_rpm_sources_close(&sources);
	return r == -ENOMEM ? r : owning.found;
}
