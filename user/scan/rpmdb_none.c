/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpmdb_none.c - in place of rpmdb.c where librpm was not there: says so. Only for user/scan.
 */
#include "user/core/util.h"
#include "user/scan/evidence_internal.h"
#include "user/scan/internal.h"

bool psc_rpmdb_is(const char *name)
{
	return strcmp(name, "rpmdb.sqlite") == 0 || strcmp(name, "Packages") == 0 ||
	       strcmp(name, "Packages.db") == 0;
}

int psc_rpmdb_read(struct psc_worker *worker, int fd, const struct psc_subject *subject,
		   const char *name)
{
	psc_scan_gap(worker->scan, false, "rpm: not covered (built without librpm)", subject->path,
		     subject->label);
	return 0;
}

int psc_rpmdb_evidence(const char *root, const char *const *packages, struct psc_evidence *evidence)
{
	return 0;
}
