/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_run.c - scripts with an archive behind them. What is found lies within the file and
 * behind the first line.
 */
#include <errno.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/identify/package.h"
#include "user/identify/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *__asan_default_options(void);

/*
 * libarchive 3.6 asks for as much memory as the name in a cpio header claims to have. It uses
 * no more of it than the file has, and fares well when it is refused.
 */
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:max_allocation_size_mb=1024";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_(psc_run_clear) struct psc_run run = {0};
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);
	int r;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	r = psc_run_read(fd, &run);
	if (r != 0 && r != -ENOEXEC)
		abort();
	if (r == 0 &&
	    (run.script_size < 3 || run.script_size >= size || data[run.script_size - 1] != '\n'))
		abort();
	if (psc_identify_run(fd, &facts) != 0 || (r < 0 && facts.count))
		abort();
	return 0;
}
