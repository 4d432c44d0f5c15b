/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bound.h - who can have put a file where it is. Places and names are facts that anybody may
 * choose for a file of the system's own, by a link, a directory of theirs or a mount in a name
 * space of their own: they count only where nobody but root could. Used by the daemon's resolver.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/scan/mounts.h"

struct psc_bound {
	const struct psc_mounts *mounts;
	int root_fd; /* where "/" is */
	uid_t owner; /* 0 but in tests */
};

/*
 * Resolves the absolute @path, links included, without touching a mount point that is no local
 * file system: such a server may never answer. @real (of @size bytes) becomes the path without
 * links, @ret_st what is there. *@ret_alone: every directory and link on the way, and the thing
 * itself, belong to the owner, nobody else may write them, and it is on no removable medium.
 *
 * -EREMOTE for a mount point that is not touched, -ELOOP, -ENAMETOOLONG, -ENOENT and other errors
 * of looking; a path that is not absolute is -EINVAL.
 */
int psc_bound_resolve(const struct psc_bound *bound, const char *path, char *real, size_t size,
		      struct stat *ret_st, bool *ret_alone);

/* Whether @path leads to the file @st, and nobody but the owner can have brought that about. */
bool psc_bound_is(const struct psc_bound *bound, const char *path, const struct stat *st);

/* The mount point that @path lies on, as far as @mounts knows; NULL: none. */
const struct psc_mount *psc_bound_mount(const struct psc_mounts *mounts, const char *path);

/* Whether everything above the mount point @path is local, so that the way there is no trap. */
bool psc_bound_reachable(const struct psc_mounts *mounts, const char *path);
