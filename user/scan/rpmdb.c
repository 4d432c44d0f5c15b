/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpmdb.c - the installed packages of an rpm database, by librpm. It is read from a private copy:
 * opening a database leaves files beside it, and one inside an archive has no directory. librpm
 * has state of its own: one thread at a time. Only for user/scan.
 */
#include <errno.h>
#include <fcntl.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmmacro.h>

#include "user/core/util.h"
#include "user/core/timefmt.h"
#include "user/scan/evidence_internal.h"
#include "user/scan/internal.h"
#include "user/scan/rpmdb.h"

#define DATABASE_MAX (512ULL << 20) /* bytes; that of a large host has a fifth */
#define COPY_SIZE    (64U << 10)

const struct psc_rpmdb_kind psc_rpmdb_kinds[PSC_RPMDB_KINDS] = {
	{"rpmdb.sqlite", "rpmdb.sqlite-wal", "sqlite"},
	{"Packages.db", "Index.db", "ndb"},
	{"Packages", NULL, "bdb_ro"},
};

const char *const psc_rpmdb_directories[PSC_RPMDB_DIRECTORIES] = {"/var/lib/rpm",
								  "/usr/lib/sysimage/rpm"};

static const struct {
	enum psc_fact_kind kind;
	rpmTag tag;
} tags[] = {
	{PSC_FACT_PACKAGE_NAME, RPMTAG_NAME},		{PSC_FACT_PACKAGE_VERSION, RPMTAG_EVR},
	{PSC_FACT_PACKAGE_ARCHITECTURE, RPMTAG_ARCH},	{PSC_FACT_PACKAGE_VENDOR, RPMTAG_VENDOR},
	{PSC_FACT_PACKAGE_MAINTAINER, RPMTAG_PACKAGER}, {PSC_FACT_PACKAGE_URL, RPMTAG_URL},
};

/* ---- the copy --------------------------------------------------------------------------- */

static const struct psc_rpmdb_kind *kind_of(const char *name)
{
	for (size_t i = 0; i < PSC_RPMDB_KINDS; i++) {
		if (strcmp(psc_rpmdb_kinds[i].name, name) == 0)
			return &psc_rpmdb_kinds[i];
	}
	return NULL;
}

bool psc_rpmdb_is(const char *name)
{
	return kind_of(name) != NULL;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static int copy_file(int from, int to)
{
	_cleanup_free_ char *buffer = malloc(COPY_SIZE);
	uint64_t at = 0;
	int r = buffer ? 0 : -ENOMEM;

	while (r >= 0) {
		ssize_t n = pread(from, buffer, COPY_SIZE, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		at += (uint64_t)n;
		r = at > DATABASE_MAX ? -EFBIG : write_all(to, buffer, (size_t)n);
	}
	return r;
}

static int copy_as(const struct psc_rpmdb *database, int from, const char *name)
{
	_cleanup_close_ int to = -1;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", database->directory, name);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return to < 0 ? -errno : copy_file(from, to);
}

int psc_rpmdb_open_beside(const struct psc_rpmdb_kind *kind, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *beside = NULL;
	int fd;

	if (!slash || !kind->beside)
		return -ENOENT;
	if (asprintf(&beside, "%.*s/%s", (int)(slash - path), path, kind->beside) < 0) {
		beside = NULL;
		return -ENOMEM;
	}
	fd = open(beside, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void psc_rpmdb_close(struct psc_rpmdb *database)
{
	/* what librpm and sqlite leave, too */
	static const char *const left[] = {".rpm.lock", "rpmdb.sqlite-shm", "rpmdb.sqlite-wal",
					   "Index.db", ".dbenv.lock"};
	char path[128];

	if (database->ts)
		rpmtsFree(database->ts);
	if (!*database->directory)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		snprintf(path, sizeof(path), "%s/%s", database->directory, left[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/%s", database->directory, database->kind->name);
	unlink(path);
	rmdir(database->directory);
	*database->directory = '\0';
}

/* librpm loses memory over a file that is none of sqlite's. */
static bool looks_right(int fd, const struct psc_rpmdb_kind *kind)
{
	static const char magic[16] = "SQLite format 3";
	char head[sizeof(magic)];

	return strcmp(kind->backend, "sqlite") != 0 ||
	       (pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
		memcmp(head, magic, sizeof(magic)) == 0);
}

int psc_rpmdb_open(const struct psc_rpmdb_kind *kind, int fd, int beside_fd, const char *temporary,
		   struct psc_rpmdb *ret)
{
	struct psc_rpmdb *database = ret;
	struct stat st;
	int r;

	database->kind = kind;
	if (!looks_right(fd, kind))
		return -EBADMSG;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < 0 || (uint64_t)st.st_size > DATABASE_MAX)
		return -EFBIG;
	snprintf(database->directory, sizeof(database->directory), "%s/proscribe-rpmdb-XXXXXX",
		 temporary);
	if (!mkdtemp(database->directory)) {
		*database->directory = '\0';
		return -errno;
	}
	r = copy_as(database, fd, kind->name);
	if (r >= 0 && beside_fd >= 0)
		r = copy_as(database, beside_fd, kind->beside);
	if (r < 0)
		return r;
	rpmSetVerbosity(RPMLOG_EMERG); /* libraries do not print */
	/* instead of the host's configuration, whose place is another one */
	rpmPushMacro(NULL, "_dbpath", NULL, database->directory, RMIL_CMDLINE);
	rpmPushMacro(NULL, "_db_backend", NULL, database->kind->backend, RMIL_CMDLINE);
	database->ts = rpmtsCreate();
	if (database->ts) {
		rpmtsSetVSFlags(database->ts, RPMVSF_MASK_NOSIGNATURES | RPMVSF_MASK_NODIGESTS);
		r = rpmtsOpenDB(database->ts, O_RDONLY) == 0 ? 0 : -EBADMSG;
	} else {
		r = -ENOMEM;
	}
	rpmPopMacro(NULL, "_db_backend");
	rpmPopMacro(NULL, "_dbpath");
	return r;
}

/* @path is where @fd was opened; NULL: it has no place of its own. */
static int open_with(int fd, const char *path, const struct psc_rpmdb_kind *kind,
		     struct psc_rpmdb *ret)
{
	_cleanup_close_ int beside = path ? psc_rpmdb_open_beside(kind, path) : -1;

	if (path && beside < 0 && beside != -ENOENT)
		return beside;
	return psc_rpmdb_open(kind, fd, beside, "/tmp", ret);
}

int psc_rpmdb_facts(Header header, struct psc_facts *facts)
{
	int r = psc_facts_add(facts, PSC_FACT_PACKAGE_FORMAT, 0, "rpm", 3);

	for (size_t i = 0; i < ARRAY_SIZE(tags) && r >= 0; i++) {
		char *value = headerGetAsString(header, tags[i].tag);

		if (value && *value)
			r = psc_facts_add(facts, tags[i].kind, 0, value, strlen(value));
		free(value);
	}
	return r;
}

/* ---- packages ---------------------------------------------------------------------------- */

static int package_one(struct psc_worker *worker, const struct psc_subject *outer, Header header)
{
	struct psc_subject subject = *outer;
	char detail[512];
	int r;

	subject.thing = PSC_THING_PACKAGE;
	PSC_COUNT(worker->scan, packages, 1);
	psc_facts_clear(&worker->facts);
	r = psc_rpmdb_facts(header, &worker->facts);
	if (r < 0)
		return r;
	snprintf(detail, sizeof(detail), "%s %s",
		 psc_facts_get(&worker->facts, PSC_FACT_PACKAGE_NAME) ?: "?",
		 psc_facts_get(&worker->facts, PSC_FACT_PACKAGE_VERSION) ?: "");
	subject.detail = detail;
	return psc_scan_judge(worker->scan, &subject, &worker->facts, NULL, 0, NULL);
}

static int packages_all(struct psc_worker *worker, const struct psc_subject *subject,
			struct psc_rpmdb *database)
{
	rpmdbMatchIterator iterator = rpmtsInitIterator(database->ts, RPMDBI_PACKAGES, NULL, 0);
	size_t count = 0;
	Header header;
	int r = 0;

	while (r >= 0 && (header = rpmdbNextIterator(iterator))) {
		r = package_one(worker, subject, header);
		count++;
	}
	rpmdbFreeIterator(iterator);
	/* an empty one and one that cannot be read look alike */
	return r < 0 ? r : (count ? 0 : -EBADMSG);
}

int psc_rpmdb_read(struct psc_worker *worker, int fd, const struct psc_subject *subject,
		   const char *name)
{
	struct psc_scan *scan = worker->scan;
	struct psc_rpmdb database = {0};
	char reason[128];
	int r;

	PSC_COUNT(scan, databases, 1);
	pthread_mutex_lock(&scan->rpm);
	r = open_with(fd, subject->inside ? NULL : subject->path, kind_of(name), &database);
	if (r >= 0)
		r = packages_all(worker, subject, &database);
	psc_rpmdb_close(&database);
	pthread_mutex_unlock(&scan->rpm);
	if (r >= 0 || r == -ENOMEM)
		return r;
	snprintf(reason, sizeof(reason), "rpm database: %s",
		 r == -EBADMSG ? "empty, damaged, or of a kind that is not read"
			       : strerrordesc_np(-r));
	psc_scan_gap(scan, false, reason, subject->path, subject->label);
	return 0;
}

/* ---- evidence ------------------------------------------------------------------------------ */

static int evidence_of(struct psc_rpmdb *database, const char *path, const char *package,
		       struct psc_evidence *evidence)
{
	rpmdbMatchIterator iterator = rpmtsInitIterator(database->ts, RPMDBI_NAME, package, 0);
	char text[256];
	Header header;
	int r = 0;

	while (r >= 0 && (header = rpmdbNextIterator(iterator))) {
		char *name = headerGetAsString(header, RPMTAG_NEVRA);

		snprintf(text, sizeof(text), "%s was installed", name ?: package);
		free(name);
		r = psc_evidence_add(evidence, PSC_EVIDENCE_RPM_RECORD, PSC_EVIDENCE_MEDIUM,
				     headerGetNumber(header, RPMTAG_INSTALLTIME) * PSC_NSEC_PER_SEC,
				     path, text);
	}
	rpmdbFreeIterator(iterator);
	return r;
}

static int evidence_in(const char *root, const char *path, const struct psc_rpmdb_kind *kind,
		       const char *const *packages, struct psc_evidence *evidence)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct psc_rpmdb database = {0};
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : psc_evidence_unread(evidence, path, -errno);
	r = open_with(fd, path, kind, &database);
	for (; r >= 0 && *packages; packages++)
		r = evidence_of(&database, path + strlen(root), *packages, evidence);
	psc_rpmdb_close(&database);
	return r < 0 ? psc_evidence_unread(evidence, path, r) : 0;
}

int psc_rpmdb_evidence(const char *root, const char *const *packages, struct psc_evidence *evidence)
{
	int r = 0;

	for (size_t d = 0; d < PSC_RPMDB_DIRECTORIES; d++) {
		for (size_t k = 0; k < PSC_RPMDB_KINDS && r >= 0; k++) {
			_cleanup_free_ char *path = NULL;

			if (asprintf(&path, "%s%s/%s", root, psc_rpmdb_directories[d],
				     psc_rpmdb_kinds[k].name) < 0) {
				path = NULL;
				return -ENOMEM;
			}
			r = evidence_in(root, path, &psc_rpmdb_kinds[k], packages, evidence);
		}
	}
	return r;
}
