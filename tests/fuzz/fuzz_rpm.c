/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_rpm.c - rpm packages, read by librpm behind the checks of rpm.c. Any file gives facts
 * within their limits; its files are given or refused.
 */
#include <errno.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/identify/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check_file(const struct psc_package_file *file, void *data)
{
	unsigned int *count = data;

	if (!file->path)
		abort();
	++*count;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);
	unsigned int count = 0;
	int r;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	if (psc_identify_rpm(fd, &facts) != 0 || facts.bytes > PSC_FACTS_BYTES_MAX ||
	    !psc_facts_get(&facts, PSC_FACT_PACKAGE_FORMAT))
		abort();
	r = psc_package_files(fd, check_file, &count);
	if (r != 0 && r != -EBADMSG && r != -ENOEXEC && r != -ENOTSUP)
		abort();
	return 0;
}
