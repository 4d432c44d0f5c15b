/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_deb.c - Debian packages. Any file gives facts within their limits, with a problem where
 * something is missing; its files are given or refused.
 */
#include <errno.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/identify/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check_file(const struct psc_package_file *file, void *data)
{
	if (file->path[0] != '/' || !file->has_sha256)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);
	int r;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	if (psc_identify_deb(fd, &facts) != 0 || facts.bytes > PSC_FACTS_BYTES_MAX)
		abort();
	if (!psc_facts_get(&facts, PSC_FACT_PACKAGE_NAME) &&
	    !psc_facts_get(&facts, PSC_FACT_PROBLEM) && !psc_facts_get(&facts, PSC_FACT_ENTRY) &&
	    size < 100)
		abort();
	r = psc_package_files(fd, check_file, NULL);
	if (r != 0 && r != -EBADMSG && r != -ENOEXEC && r != -E2BIG)
		abort();
	return 0;
}
