/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_rpm_packages.c - the stream of the process that reads rpm databases. Any bytes give packages
 * with facts of packages and absolute paths, or an error.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/scan/rpm_packages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct psc_rpm_package *package)
{
	for (size_t i = 0; i < package->facts.count; i++) {
		if (package->facts.fact[i].kind < PSC_FACT_PACKAGE_FORMAT ||
		    package->facts.fact[i].kind > PSC_FACT_PACKAGE_KEY)
			abort();
	}
	for (size_t i = 0; i < package->paths; i++) {
		if (package->path[i][0] != '/')
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct psc_rpm_packages packages;
	int r = psc_rpm_packages_parse((const char *)data, size, &packages);

	if (r < 0) {
		if (r != -EPROTO && r != -ENODATA && r != -ENOMEM)
			abort();
		return 0;
	}
	for (size_t i = 0; i < packages.count; i++) {
		const struct psc_rpm_package *package = &packages.package[i];

		check(package);
		for (size_t k = 0; k < package->askeds; k++) {
			if (!psc_rpm_packages_owner(&packages, package->asked[k]))
				abort();
		}
	}
	for (size_t i = 0; i < packages.others; i++) {
		if (!psc_rpm_packages_has(&packages, packages.other[i]))
			abort();
	}
	psc_rpm_packages_clear(&packages);
	return 0;
}
