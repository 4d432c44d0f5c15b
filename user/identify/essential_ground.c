/* SPDX-License-Identifier: Apache-2.0 */
/*
 * essential_ground.c - what files stand on: the file system, and whether a loop device is below
 * it. See essential_parts.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "user/core/util.h"
#include "user/identify/essential_parts.h"

/* A partition of one counts, a mapping (device mapper) onto one does not: as in the kernel. */
static bool is_loop(dev_t device)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(device), minor(device));
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = 0;
	return strstr(path, "/block/loop") != NULL;
}

/* Of a file system with devices of its own making (btrfs): the one that was mounted. */
static bool is_mounted_from_loop(int fd)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	struct statx stx;
	struct stat st;
	size_t size = 0;

	if (!f || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0)
		return false;
	while (getline(&line, &size, f) > 0) {
		char *source;

		if (strtoull(line, NULL, 10) != stx.stx_mnt_id)
			continue;
		source = strstr(line, " - ");
		source = source ? strchr(source + 3, ' ') : NULL;
		if (!source)
			return false;
		source++;
		source[strcspn(source, " \n")] = 0;
		return stat(source, &st) == 0 && S_ISBLK(st.st_mode) && is_loop(st.st_rdev);
	}
	return false;
}

/* Cuts @path down to the topmost directory of @device above it. */
static void climb(const struct psc_sysroot *root, char *path, dev_t device)
{
	for (;;) {
		char *slash = strrchr(path, '/'), kept = slash[1];
		_cleanup_close_ int fd = -1;
		struct stat st;

		if (!kept)
			return;
		slash[slash == path] = 0;
		fd = psc_sysroot_look(root, path, O_PATH | O_DIRECTORY);
		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == device)
			continue;
		if (slash == path)
			slash[1] = kept;
		else
			slash[0] = '/';
		return;
	}
}

int psc_essential_find_ground(struct psc_essential_search *search, const char *path, int fd,
			      dev_t device, size_t *ret)
{
	struct psc_essential *found = search->found;
	struct psc_essential_ground *ground;
	struct statfs fs;

	for (size_t i = 0; i < found->ground_count; i++) {
		if (found->ground[i].device == device) {
			*ret = i;
			return 0;
		}
	}
	if (fstatfs(fd, &fs) < 0)
		return psc_essential_fail(search, path, "examined", -errno);
	ground = reallocarray(found->ground, found->ground_count + 1, sizeof(*ground));
	if (!ground)
		return psc_essential_fail(search, path, "examined", -ENOMEM);
	found->ground = ground;
	ground += found->ground_count;
	*ground = (struct psc_essential_ground){
		.device = device,
		.path = strdup(path),
		.magic = fs.f_type,
		.on_loop = major(device) ? is_loop(device) : is_mounted_from_loop(fd),
	};
	if (!ground->path)
		return psc_essential_fail(search, path, "examined", -ENOMEM);
	climb(&search->root, ground->path, device);
	*ret = found->ground_count++;
	return 0;
}
