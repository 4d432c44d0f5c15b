/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filesystems.h - file systems by name, and the set of them whose content can change without
 * the kernel's noticing: another machine's, a process's, or that of a writable image. Used by
 * the configuration and the compiler.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "bpf/abi.h"

/* What psc_filesystems_add() takes, for messages. */
#define PSC_FILESYSTEMS_NAMES                                                                      \
	"fuse, nfs, cifs, 9p, afs, ceph, coda, gfs2, ocfs2, orangefs, vboxsf, loop"

struct psc_filesystems {
	uint32_t magic[PSC_UNSTABLE_MAX];
	size_t count;
	bool loop; /* whatever lies on a loop device */
};

/* Every one that has a name. */
struct psc_filesystems psc_filesystems_default(void);

/*
 * Adds one by name, or a magic number of statfs(2) as 0x and hexadecimal digits; twice is
 * once. -EINVAL for an unknown name, -E2BIG when there are too many.
 */
int psc_filesystems_add(struct psc_filesystems *set, const char *name);

/* Writes the set into @table. */
void psc_filesystems_compile(const struct psc_filesystems *set, struct psc_table *table);
