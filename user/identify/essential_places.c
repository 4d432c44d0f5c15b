/* SPDX-License-Identifier: Apache-2.0 */
/*
 * essential_places.c - psc_essential_check_places(), see essential.h. Places are compared as
 * the kernel does, by the directories themselves: a bind mount or a link is no other place.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/identify/essential_parts.h"

/* One place, or a file with those above it. */
struct spot {
	dev_t device;
	ino_t inode;
};

static int look_at(const struct psc_sysroot *root, const char *path, struct spot *ret,
		   struct psc_error *reterr)
{
	_cleanup_close_ int fd = psc_sysroot_look(root, path, O_PATH);
	struct stat st;
	int r = fd;

	if (r >= 0)
		r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r < 0) {
		if (!psc_essential_is_absent(r))
			psc_error_set(reterr, path, 0, 0, "interlock: cannot be examined: %s",
				      strerror(-r));
		return r;
	}
	*ret = (struct spot){st.st_dev, st.st_ino};
	return 0;
}

/* Whether @path or a directory above it is the place; it ends as that path. */
static int is_below(const struct psc_sysroot *root, char *path, const struct spot *place,
		    struct psc_error *reterr)
{
	for (;;) {
		char *slash = strrchr(path, '/');
		struct spot spot;
		int r = look_at(root, path, &spot, reterr);

		if (r < 0 && !psc_essential_is_absent(r))
			return r;
		if (r >= 0 && spot.device == place->device && spot.inode == place->inode)
			return 1;
		if (!slash || !slash[1])
			return 0;
		slash[slash == path] = 0;
	}
}

static int check_place(const struct psc_essential *essential, const struct psc_sysroot *root,
		       const char *place, struct psc_error *reterr)
{
	struct spot spot;
	int r = look_at(root, place, &spot, reterr);

	if (r < 0)
		return psc_essential_is_absent(r) ? 0 : r;
	for (size_t i = 0; i < essential->count; i++) {
		_cleanup_free_ char *path = strdup(essential->file[i].path);

		if (!path)
			return -ENOMEM;
		r = is_below(root, path, &spot, reterr);
		if (r < 0)
			return r;
		if (r > 0) {
			psc_error_set(reterr, NULL, 0, 0,
				      "interlock: the place %.100s holds %.100s, which the host "
				      "needs: name one that belongs to the product alone",
				      place, essential->file[i].path);
			return -EPERM;
		}
	}
	return 0;
}

int psc_essential_check_places(const struct psc_essential *essential, const char *root,
			       const char *const *paths, struct psc_error *reterr)
{
	_cleanup_(psc_sysroot_clear) struct psc_sysroot sysroot = PSC_SYSROOT_NONE;
	int r = psc_sysroot_open(root, &sysroot);

	if (r < 0) {
		psc_error_set(reterr, root, 0, 0, "interlock: cannot be searched: %s",
			      strerror(-r));
		return r;
	}
	for (; *paths && r >= 0; paths++)
		r = check_place(essential, &sysroot, *paths, reterr);
	return r;
}
