/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes.h - numbers out of a file's bytes, and reads that are complete or say so. Used by the
 * readers of user/identify.
 */
#pragma once

#include <errno.h>

#include "user/core/util.h"

static inline uint16_t psc_le16(const uint8_t *at)
{
	return at[0] | at[1] << 8;
}

static inline uint32_t psc_le32(const uint8_t *at)
{
	return psc_le16(at) | (uint32_t)psc_le16(at + 2) << 16;
}

static inline uint32_t psc_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Up to @size bytes from @offset; how many there were (less only at the file's end) or -errno. */
static inline ssize_t psc_read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
	size_t done = 0;

	/* Nothing lies there, and the kernel would call it an error. */
	if (offset > INT64_MAX || size > INT64_MAX - offset)
		return 0;
	while (done < size) {
		ssize_t n = pread(fd, (char *)buffer + done, size - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += n;
	}
	return done;
}

/* Whether @size bytes from @offset lie inside the first @room bytes. */
static inline int psc_fits(uint64_t offset, uint64_t size, uint64_t room)
{
	return offset <= room && size <= room - offset;
}
