/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_unread.c - the file about events that no daemon has read: what is read from it is written
 * and read again, and is the same.
 */
#include <sys/mman.h>

#include "user/core/handover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct psc_unread unread[PSC_UNREAD_MAX], again[PSC_UNREAD_MAX];
	_cleanup_close_ int fd = memfd_create("unread", MFD_CLOEXEC);
	char path[64], copy[64];
	int count;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	count = psc_unread_read(path, unread);
	if (count <= 0)
		return 0;
	snprintf(copy, sizeof(copy), "/tmp/psc-fuzz-unread.%d", getpid());
	if (psc_unread_write(copy, unread, (size_t)count) < 0 ||
	    psc_unread_read(copy, again) != count)
		abort();
	for (int i = 0; i < count; i++) {
		if (strcmp(unread[i].boot_id, again[i].boot_id) != 0 ||
		    unread[i].kept != again[i].kept || unread[i].events != again[i].events)
			abort();
	}
	unlink(copy);
	return 0;
}
