/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_elf_links.c - what an ELF file needs. Any file gives an answer of bounded size or an
 * error.
 */
#include <errno.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/identify/elf_dynamic.h"
#include "user/identify/elf_links.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_elf_links_clear) struct psc_elf_links links = {0};
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);
	size_t count = 0;
	int r;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	r = psc_elf_links_read(fd, &links);
	if (r < 0) {
		if (r != -ENOEXEC && r != -EBADMSG && r != -ENOMEM)
			abort();
		return 0;
	}
	while (links.needed[count])
		count++;
	if (count > PSC_ELF_NEEDED_MAX)
		abort();
	return 0;
}
