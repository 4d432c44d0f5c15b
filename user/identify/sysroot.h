/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysroot.h - files of this host, or of one that lies below a directory: symbolic links are
 * followed as that host would follow them. Used by essential.h.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

struct psc_sysroot {
	int fd;	    /* of the directory */
	char *path; /* its real path; "" for this host itself */
};

#define PSC_SYSROOT_NONE                                                                           \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* @path "/" is this host. The error of open(2); -ENOMEM. Clear with psc_sysroot_clear(). */
int psc_sysroot_open(const char *path, struct psc_sysroot *ret);
void psc_sysroot_clear(struct psc_sysroot *root);

static inline bool psc_sysroot_is_host(const struct psc_sysroot *root)
{
	return !root->path[0];
}

/* open(2) of the absolute @path there, with O_CLOEXEC; a descriptor or a negative errno. */
int psc_sysroot_look(const struct psc_sysroot *root, const char *path, int flags);

/* The real path there of what @fd is open on; the caller frees it. -ENOMEM, -EXDEV outside. */
int psc_sysroot_name(const struct psc_sysroot *root, int fd, char **ret);

/*
 * What a small text file there says; the caller frees it. -ENOENT when there is none or it is
 * no file, -E2BIG above @max bytes, the error of reading, -ENOMEM.
 */
int psc_sysroot_text(const struct psc_sysroot *root, const char *path, size_t max, char **ret);
