/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpmdb_none.c - in place of rpmdb.c where librpm was not there: says so. Only for user/scan.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/scan/evidence_internal.h"
#include "user/scan/internal.h"
#include "user/scan/owner.h"
#include "user/scan/rpm_packages.h"

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

int psc_owner_find_rpm(const char *root, const char *path, struct psc_facts *ret)
{
	return 0;
}

int psc_rpm_sources_open(const char *root, struct psc_rpm_sources *ret)
{
	return -EOPNOTSUPP;
}

void psc_rpm_sources_close(struct psc_rpm_sources *sources)
{
}

int psc_rpm_packages_write(const struct psc_rpm_sources *sources, const char *temporary,
			   const struct psc_indicators *indicators, const char *const *asked,
			   FILE *out)
{
	return -EOPNOTSUPP;
}
