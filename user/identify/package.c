/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package.c - see package.h: which reader takes which package.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/format.h"
#include "user/identify/package.h"
#include "user/identify/package_internal.h"

int psc_package_files(int fd, psc_package_file_fn fn, void *data)
{
	uint8_t head[PSC_FORMAT_HEAD_SIZE];
	ssize_t size = pread(fd, head, sizeof(head), 0);

	if (size < 0)
		return -errno;
	switch (psc_format_detect(head, size)) {
	case PSC_FORMAT_DEB:
		return psc_deb_files(fd, fn, data);
	case PSC_FORMAT_RPM:
		return psc_rpm_files(fd, fn, data);
	default:
		return -ENOEXEC;
	}
}
