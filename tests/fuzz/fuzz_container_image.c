/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_container_image.c - tarballs of container images. What is handed out is in a layer that
 * its image has, and is deleted by a later one or not at all.
 */
#include <errno.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/identify/container_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check_file(const struct psc_container_file *file, void *data)
{
	if (!file->entry || !file->image != !file->layer)
		abort();
	if (file->image &&
	    (file->layer > file->image->layers || file->deleted_in > file->image->layers ||
	     (file->deleted_in && file->deleted_in <= file->layer)))
		abort();
	if ((!file->image || !file->deleted_in) && file->replaced)
		abort();
	if (!file->image && file->deleted_in)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct psc_archive_limits limits = {
		.bytes_max = 16 << 20,
		.entry_bytes_max = 4 << 20,
		.entries_max = 2000,
		.ratio_max = 1000,
		.depth_max = 1,
	};
	_cleanup_(psc_container_images_clear) struct psc_container_images images = {0};
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);
	int r;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	r = psc_container_walk(fd, &limits, check_file, NULL);
	if (r != 0 && r != -ENOEXEC && r != -EBADMSG && r != -E2BIG)
		abort();
	r = psc_container_images_read(fd, &images);
	if (r < 0 && images.count)
		abort();
	if (images.count > PSC_CONTAINER_IMAGES_MAX)
		abort();
	return 0;
}
