/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts.c - see mounts.h.
 */
#include <errno.h>
#include <linux/magic.h>
#include <mntent.h>

#include "user/core/util.h"
#include "user/core/filesystems.h"
#include "user/scan/mounts.h"

#define LINE_MAX_SIZE 32768 /* longest line: path and options are a page each, escaped */

static const char *const network_types[] = {
	"9p",	   "afs",      "beegfs", "ceph",   "cifs",  "coda",   "davfs",	  "fuse",
	"fuseblk", "gfs2",     "gpfs",	 "lustre", "ncp",   "ncpfs",  "nfs",	  "nfs4",
	"ocfs2",   "orangefs", "pvfs2",	 "smb3",   "smbfs", "vboxsf", "virtiofs", "vmhgfs",
};

static const char *const pseudo_types[] = {
	"autofs",     "binfmt_misc", "bpf",	  "cgroup",   "cgroup2", "configfs",
	"cpuset",     "debugfs",     "devpts",	  "efivarfs", "fusectl", "hugetlbfs",
	"mqueue",     "nfsd",	     "nsfs",	  "proc",     "pstore",	 "resctrl",
	"rpc_pipefs", "securityfs",  "selinuxfs", "smackfs",  "sysfs",	 "tracefs",
};

static const unsigned long pseudo_magics[] = {
	AUTOFS_SUPER_MAGIC,
	BINFMTFS_MAGIC,
	BPF_FS_MAGIC,
	CGROUP_SUPER_MAGIC,
	CGROUP2_SUPER_MAGIC,
	DEBUGFS_MAGIC,
	DEVPTS_SUPER_MAGIC,
	EFIVARFS_MAGIC,
	HUGETLBFS_MAGIC,
	NSFS_MAGIC,
	PROC_SUPER_MAGIC,
	PSTOREFS_MAGIC,
	SECURITYFS_MAGIC,
	SELINUX_MAGIC,
	SMACK_MAGIC,
	SYSFS_MAGIC,
	TRACEFS_MAGIC,
	0x62656570 /* configfs */,
	0x19800202 /* mqueue */,
	0x65735543 /* fusectl */,
};

static bool is_one_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

enum psc_mount_kind psc_mount_kind_of(const char *type)
{
	if (strncmp(type, "fuse.", 5) == 0 ||
	    is_one_of(network_types, ARRAY_SIZE(network_types), type))
		return PSC_MOUNT_NETWORK;
	if (is_one_of(pseudo_types, ARRAY_SIZE(pseudo_types), type))
		return PSC_MOUNT_PSEUDO;
	return PSC_MOUNT_LOCAL;
}

enum psc_mount_kind psc_mount_kind_of_magic(unsigned long magic)
{
	struct psc_filesystems network = psc_filesystems_default();

	for (size_t i = 0; i < network.count; i++) {
		if (network.magic[i] == magic)
			return PSC_MOUNT_NETWORK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pseudo_magics); i++) {
		if (pseudo_magics[i] == magic)
			return PSC_MOUNT_PSEUDO;
	}
	return PSC_MOUNT_LOCAL;
}

void psc_mounts_clear(struct psc_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++)
		free(mounts->mount[i].path);
	free(mounts->mount);
	*mounts = (struct psc_mounts){0};
}

static int add(struct psc_mounts *mounts, const struct mntent *entry)
{
	struct psc_mount *grown;
	struct psc_mount new = {.kind = psc_mount_kind_of(entry->mnt_type)};

	grown = reallocarray(mounts->mount, mounts->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	mounts->mount = grown;
	new.path = strdup(entry->mnt_dir);
	if (!new.path)
		return -ENOMEM;
	snprintf(new.type, sizeof(new.type), "%s", entry->mnt_type);
	grown[mounts->count++] = new;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct psc_mount *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* The table is in the order of mounting: the last one at a place hides those before it. */
static void keep_topmost(struct psc_mounts *mounts)
{
	size_t kept = 0;

	for (size_t i = 0; i < mounts->count; i++) {
		bool hidden = false;

		for (size_t j = i + 1; j < mounts->count && !hidden; j++)
			hidden = strcmp(mounts->mount[i].path, mounts->mount[j].path) == 0;
		if (hidden)
			free(mounts->mount[i].path);
		else
			mounts->mount[kept++] = mounts->mount[i];
	}
	mounts->count = kept;
	if (kept)
		qsort(mounts->mount, kept, sizeof(*mounts->mount), compare);
}

int psc_mounts_load(const char *table, struct psc_mounts *ret)
{
	_cleanup_(psc_mounts_clear) struct psc_mounts mounts = {0};
	_cleanup_free_ char *line = malloc(LINE_MAX_SIZE);
	FILE *file = setmntent(table, "re");
	struct mntent entry;
	int r = line ? 0 : -ENOMEM;

	while (r == 0 && file && getmntent_r(file, &entry, line, LINE_MAX_SIZE))
		r = add(&mounts, &entry);
	if (file)
		endmntent(file);
	if (r < 0)
		return r;
	keep_topmost(&mounts);
	*ret = mounts;
	mounts = (struct psc_mounts){0};
	return 0;
}

const struct psc_mount *psc_mounts_find(const struct psc_mounts *mounts, const char *path)
{
	struct psc_mount key = {.path = (char *)path};

	if (!mounts->count)
		return NULL;
	return bsearch(&key, mounts->mount, mounts->count, sizeof(key), compare);
}
