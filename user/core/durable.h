/* SPDX-License-Identifier: Apache-2.0 */
/*
 * durable.h - writes a file so that after a crash there is the old one or the new one, whole:
 * a temporary file beside it, synced, then given the name, then its directory synced. Anybody
 * in user/ may call; one writer of a name at a time, whoever calls sees to that.
 */
#pragma once

#include <sys/types.h>

#include "user/core/util.h"

/*
 * Makes the directory @path with @mode, whatever the umask; one that is there stays as it is.
 * Errno of the calls.
 */
int psc_durable_directory(const char *path, mode_t mode);

/* A file that has no name yet. Owned by its user, ended with psc_durable_end(). */
struct psc_durable {
	int fd; /* of the temporary file, mode 0600: for its owner, mode, status */
	int dirfd;
	char *name;
	char *temporary; /* "." NAME ".new"; NULL once it has its name */
};

#define PSC_DURABLE_NONE ((struct psc_durable){.fd = -1, .dirfd = -1})

/*
 * Makes the temporary file of @path (relative to @dirfd, which may be AT_FDCWD); one that is left
 * over from a crash is removed. -EISDIR for a path without a name, -ENOMEM, errno of the calls.
 */
int psc_durable_begin(int dirfd, const char *path, struct psc_durable *ret);

/* Appends all of it. */
int psc_durable_write(struct psc_durable *file, const void *data, size_t size);

/*
 * Syncs what was written and gives it its name: in the place of a file that is there, or
 * -EEXIST. On failure there is what was there before. The name itself is durable after
 * psc_durable_settle().
 */
int psc_durable_replace(struct psc_durable *file);
int psc_durable_create(struct psc_durable *file);

/* Syncs the directory. */
int psc_durable_settle(const struct psc_durable *file);

/* Removes what got no name. A cleanup function; PSC_DURABLE_NONE is fine, and left behind. */
void psc_durable_end(struct psc_durable *file);
