/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_archive.c - archives inside archives. Limits hold whatever the file says; an entry has
 * content, or a reason why not.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/identify/archive.h"

#define ENTRIES_MAX 2000

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

struct total {
	uint64_t entries;
	uint64_t bytes;
};

static int check_entry(const struct psc_archive_entry *entry, void *data)
{
	struct total *total = data;
	struct stat st;

	if (!entry->path || entry->depth > PSC_ARCHIVE_DEPTH_MAX + 1)
		abort();
	if (!entry->skip != !entry->reason || (entry->skip && entry->fd >= 0))
		abort();
	if (entry->depth > 0 && !entry->container)
		abort();
	if (entry->fd >= 0) {
		if (fstat(entry->fd, &st) < 0 || (uint64_t)st.st_size != entry->size)
			abort();
		total->bytes += entry->size;
	}
	total->entries += !entry->skip;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct psc_archive_limits limits = {
		.bytes_max = 16 << 20,
		.entry_bytes_max = 4 << 20,
		.entries_max = ENTRIES_MAX,
		.ratio_max = 1000,
		.depth_max = PSC_ARCHIVE_DEPTH_MAX,
		.want_digest = true,
	};
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);
	struct total total = {0};
	int r;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	psc_archive_detect(data, size);
	r = psc_archive_walk(fd, &limits, check_entry, &total);
	if (r != 0 && (r != -ENOEXEC || total.entries))
		abort();
	/* holes are not unpacked, an entry may have them */
	if (total.entries > ENTRIES_MAX || total.bytes > ENTRIES_MAX * limits.entry_bytes_max)
		abort();
	return 0;
}
