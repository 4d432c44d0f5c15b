/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts.h - which mount points a walk does not cross, known beforehand: a server that does not
 * answer hangs whoever as much as asks for the type of its file system. Used by the scan and the
 * daemon's resolver.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "user/core/util.h"

enum psc_mount_kind {
	PSC_MOUNT_LOCAL = 0,
	PSC_MOUNT_NETWORK = 1, /* another machine's, or a process's (FUSE) */
	PSC_MOUNT_PSEUDO = 2,  /* the kernel's tables: nothing that was installed */
};

struct psc_mount {
	char *path;
	char type[32];
	enum psc_mount_kind kind;
};

/* By path; where several lie on each other, the topmost only. */
struct psc_mounts {
	struct psc_mount *mount;
	size_t count;
};

/* From a table in the form of /proc/self/mounts. A file that is not there has none. -ENOMEM. */
int psc_mounts_load(const char *table, struct psc_mounts *ret);
void psc_mounts_clear(struct psc_mounts *mounts);

/* The mount point @path, or NULL. */
const struct psc_mount *psc_mounts_find(const struct psc_mounts *mounts, const char *path);

/* By the name that mounts has for it, by statfs(2)'s magic number. */
enum psc_mount_kind psc_mount_kind_of(const char *type);
enum psc_mount_kind psc_mount_kind_of_magic(unsigned long magic);
