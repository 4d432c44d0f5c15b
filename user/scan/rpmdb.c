/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpmdb.c - the installed packages of an rpm database, by librpm. librpm has state of its own:
 * one thread at a time. Only for user/scan.
 */
#include <errno.h>
#include <fcntl.h>
#include <rpm/rpmdb.h>
#include <rpm/rpmlib.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmts.h>

#include "user/core/util.h"
#include "user/core/timefmt.h"
#include "user/scan/evidence_internal.h"
#include "user/scan/internal.h"

static const struct {
	enum psc_fact_kind kind;
	rpmTag tag;
} tags[] = {
	{PSC_FACT_PACKAGE_NAME, RPMTAG_NAME},		{PSC_FACT_PACKAGE_VERSION, RPMTAG_EVR},
	{PSC_FACT_PACKAGE_ARCHITECTURE, RPMTAG_ARCH},	{PSC_FACT_PACKAGE_VENDOR, RPMTAG_VENDOR},
	{PSC_FACT_PACKAGE_MAINTAINER, RPMTAG_PACKAGER}, {PSC_FACT_PACKAGE_URL, RPMTAG_URL},
};

static int package_one(struct psc_worker *worker, Header header, const char *path)
{
	struct psc_subject subject = {.thing = PSC_THING_PACKAGE, .path = path};
	char detail[512];
	int r;

	PSC_COUNT(worker->scan, packages, 1);
	psc_facts_clear(&worker->facts);
	r = psc_facts_add(&worker->facts, PSC_FACT_PACKAGE_FORMAT, 0, "rpm", 3);
	for (size_t i = 0; i < ARRAY_SIZE(tags) && r >= 0; i++) {
		char *value = headerGetAsString(header, tags[i].tag);

		if (value && *value)
			r = psc_facts_add(&worker->facts, tags[i].kind, 0, value, strlen(value));
		free(value);
	}
	if (r < 0)
		return r;
	snprintf(detail, sizeof(detail), "%s %s",
		 psc_facts_get(&worker->facts, PSC_FACT_PACKAGE_NAME) ?: "?",
		 psc_facts_get(&worker->facts, PSC_FACT_PACKAGE_VERSION) ?: "");
	subject.detail = detail;
	return psc_scan_judge(worker->scan, &subject, &worker->facts, NULL, 0, NULL);
}

/* An open database of the root, or NULL. */
static rpmts database_open(const char *root)
{
	rpmts ts;

	rpmSetVerbosity(RPMLOG_EMERG); /* libraries do not print */
	rpmReadConfigFiles(NULL, NULL);
	ts = rpmtsCreate();
	if (!ts)
		return NULL;
	rpmtsSetVSFlags(ts, RPMVSF_MASK_NOSIGNATURES | RPMVSF_MASK_NODIGESTS);
	if (rpmtsSetRootDir(ts, *root ? root : "/") != 0 || rpmtsOpenDB(ts, O_RDONLY) != 0)
		return rpmtsFree(ts);
	return ts;
}

int psc_rpmdb_read(struct psc_worker *worker, const char *root)
{
	_cleanup_free_ char *path = NULL;
	rpmdbMatchIterator iterator;
	Header header;
	rpmts ts;
	int r = 0;

	if (asprintf(&path, "%s/var/lib/rpm", root) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	PSC_COUNT(worker->scan, databases, 1);
	ts = database_open(root);
	if (!ts) {
		psc_scan_gap(worker->scan, false, "rpm database that librpm cannot read", path,
			     NULL);
		return 0;
	}
	iterator = rpmtsInitIterator(ts, RPMDBI_PACKAGES, NULL, 0);
	while (r >= 0 && (header = rpmdbNextIterator(iterator)))
		r = package_one(worker, header, path);
	rpmdbFreeIterator(iterator);
	rpmtsFree(ts);
	return r;
}

/* librpm would make a database where there is none. */
static bool database_exists(const char *root)
{
	static const char *const names[] = {"/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages",
					    "/var/lib/rpm/Packages.db",
					    "/usr/lib/sysimage/rpm/rpmdb.sqlite"};
	char path[4096];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s%s", root, names[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

int psc_rpmdb_evidence(const char *root, const char *package, struct psc_evidence *evidence)
{
	rpmdbMatchIterator iterator;
	Header header;
	char text[256];
	rpmts ts;
	int r = 0;

	if (!database_exists(root))
		return 0;
	ts = database_open(root);
	if (!ts)
		return 0;
	iterator = rpmtsInitIterator(ts, RPMDBI_NAME, package, 0);
	while (r >= 0 && (header = rpmdbNextIterator(iterator))) {
		char *name = headerGetAsString(header, RPMTAG_NEVRA);

		snprintf(text, sizeof(text), "%s was installed", name ?: package);
		free(name);
		r = psc_evidence_add(evidence, PSC_EVIDENCE_RPM_RECORD, PSC_EVIDENCE_MEDIUM,
				     headerGetNumber(header, RPMTAG_INSTALLTIME) * PSC_NSEC_PER_SEC,
				     "/var/lib/rpm", text);
	}
	rpmdbFreeIterator(iterator);
	rpmtsFree(ts);
	return r;
}
