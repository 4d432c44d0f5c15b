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
	rpmSetVerbosity(RPMLOG_EMERG); /* libraries do not print */
	rpmReadConfigFiles(NULL, NULL);
	ts = rpmtsCreate();
	rpmtsSetVSFlags(ts, RPMVSF_MASK_NOSIGNATURES | RPMVSF_MASK_NODIGESTS);
	if (!ts || rpmtsSetRootDir(ts, *root ? root : "/") != 0 || rpmtsOpenDB(ts, O_RDONLY) != 0) {
		psc_scan_gap(worker->scan, false, "rpm database that librpm cannot read", path,
			     NULL);
		rpmtsFree(ts);
		return 0;
	}
	iterator = rpmtsInitIterator(ts, RPMDBI_PACKAGES, NULL, 0);
	while (r >= 0 && (header = rpmdbNextIterator(iterator)))
		r = package_one(worker, header, path);
	rpmdbFreeIterator(iterator);
	rpmtsFree(ts);
	return r;
}
