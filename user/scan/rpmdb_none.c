/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpmdb_none.c - in place of rpmdb.c where librpm was not there: says so. Only for user/scan.
 */
#include "user/core/util.h"
#include "user/scan/evidence_internal.h"
#include "user/scan/internal.h"

int psc_rpmdb_read(struct psc_worker *worker, const char *root)
{
	psc_scan_gap(worker->scan, false, "rpm: not covered (built without librpm)",
		     *root ? root : "/var/lib/rpm", NULL);
	return 0;
}

int psc_rpmdb_evidence(const char *root, const char *package, struct psc_evidence *evidence)
{
	return 0;
}
