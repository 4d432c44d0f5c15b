/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_elf.c - facts of ELF files. Any file gives facts within their limits; what is damaged is
 * a problem among them and no error.
 */
#include <errno.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/identify/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const strings[] = {"stand-in-marker", "another-marker", NULL};
	static struct psc_markers *markers;
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	if (!markers && psc_markers_new(strings, &markers) < 0)
		return 0;
	if (psc_elf_identify(fd, size, markers, &facts) != 0)
		abort();
	if (facts.count > PSC_FACTS_MAX || facts.bytes > PSC_FACTS_BYTES_MAX)
		abort();
	return 0;
}
