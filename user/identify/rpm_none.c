/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm_none.c - takes the place of rpm.c where librpm was not there at build time: what is not
 * covered is said aloud.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/identify/package.h"
#include "user/identify/package_internal.h"

static const char not_covered[] = "rpm: not covered (built without librpm)";
static const char not_parsed[] = "OpenPGP signature: not parsed (built without librpm)";

bool psc_package_rpm_covered(void)
{
	return false;
}

int psc_identify_rpm(int fd, struct psc_facts *facts)
{
	int r = psc_facts_add(facts, PSC_FACT_PACKAGE_FORMAT, 0, "rpm", 3);

	if (r < 0)
		return r;
	return psc_facts_add(facts, PSC_FACT_PROBLEM, 0, not_covered, sizeof(not_covered));
}

int psc_package_add_key(struct psc_facts *facts, const void *data, size_t size)
{
	return psc_facts_add(facts, PSC_FACT_PROBLEM, 0, not_parsed, sizeof(not_parsed));
}

int psc_rpm_files(int fd, psc_package_file_fn fn, void *data)
{
	return -ENOTSUP;
}
