/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bound.c - see bound.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "user/core/util.h"
#include "user/scan/bound.h"

#define LINKS_MAX 40 /* as the kernel's */

struct walk {
	const struct psc_bound *bound;
	int fd;		     /* of the directory that `real` names */
	char real[PATH_MAX]; /* "" for the root */
	char rest[PATH_MAX]; /* what is still to be walked */
	unsigned int links;
	bool alone;
	struct stat st; /* of the last component */
};

const struct psc_mount *psc_bound_mount(const struct psc_mounts *mounts, const char *path)
{
	const struct psc_mount *mount = NULL;
	char prefix[PATH_MAX];
	size_t length = strlen(path);

	if (path[0] != '/' || length >= sizeof(prefix))
		return NULL;
	memcpy(prefix, path, length + 1);
	while (!(mount = psc_mounts_find(mounts, prefix)) && strcmp(prefix, "/") != 0) {
		char *slash = strrchr(prefix, '/');

		slash[slash == prefix] = 0;
	}
	return mount;
}

bool psc_bound_reachable(const struct psc_mounts *mounts, const char *path)
{
	char prefix[PATH_MAX];
	size_t length = strlen(path);

	if (path[0] != '/' || length >= sizeof(prefix))
		return false;
	for (size_t i = 1; i <= length; i++) {
		const struct psc_mount *mount;

		if (path[i] && path[i] != '/')
			continue;
		memcpy(prefix, path, i);
		prefix[i] = 0;
		mount = psc_mounts_find(mounts, prefix);
		if (mount && mount->kind != PSC_MOUNT_LOCAL)
			return false;
	}
	return true;
}

/* An access list shows in the bits of the group: its mask stands there. */
static bool is_alone(const struct walk *w, const struct stat *st)
{
	return st->st_uid == w->bound->owner && !(st->st_mode & S_IWOTH) &&
	       (!(st->st_mode & S_IWGRP) || st->st_gid == 0);
}

/* What is plugged in may say that its files are root's. */
static bool is_removable(const char *real)
{
	return strncmp(real, "/media/", 7) == 0 || strncmp(real, "/run/media/", 11) == 0;
}

static int go_to(struct walk *w, int fd)
{
	struct stat st;

	if (fd < 0)
		return -errno;
	psc_closep(&w->fd);
	w->fd = fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	w->st = st;
	w->alone &= is_alone(w, &st);
	return 0;
}

static int go_to_root(struct walk *w)
{
	w->real[0] = 0;
	return go_to(w, openat(w->bound->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static int go_up(struct walk *w)
{
	char *slash = strrchr(w->real, '/');

	if (!slash)
		return 0;
	*slash = 0;
	return go_to(w, openat(w->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* What @name leads to comes before the rest. */
static int follow(struct walk *w, const char *name)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlinkat(w->fd, name, target, sizeof(target) - 1);

	if (n <= 0)
		return n < 0 ? -errno : -ENOENT;
	if (w->links++ >= LINKS_MAX)
		return -ELOOP;
	target[n] = 0;
	if (snprintf(rest, sizeof(rest), "%s/%s", target, w->rest) >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, rest, sizeof(rest));
	return target[0] == '/' ? go_to_root(w) : 0;
}

static int enter(struct walk *w, const char *name)
{
	size_t length = strlen(w->real);
	const struct psc_mount *mount;
	struct stat st;

	if (length + 1 + strlen(name) >= sizeof(w->real))
		return -ENAMETOOLONG;
	snprintf(w->real + length, sizeof(w->real) - length, "/%s", name);
	mount = psc_mounts_find(w->bound->mounts, w->real);
	if (mount && mount->kind != PSC_MOUNT_LOCAL)
		return -EREMOTE;
	if (fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return go_to(w, openat(w->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	if (S_ISLNK(st.st_mode)) {
		w->real[length] = 0;
		/* whoever may write the directory may exchange the link; its own mode says nothing */
		w->alone &= st.st_uid == w->bound->owner;
		return follow(w, name);
	}
	if (w->rest[strspn(w->rest, "/")])
		return -ENOTDIR;
	w->st = st;
	w->alone &= is_alone(w, &st);
	return 0;
}

/* The first component of the rest. */
static int step(struct walk *w)
{
	size_t skip = strspn(w->rest, "/"), length = strcspn(w->rest + skip, "/");
	char name[NAME_MAX + 1];

	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, w->rest + skip, length);
	name[length] = 0;
	memmove(w->rest, w->rest + skip + length, strlen(w->rest + skip + length) + 1);
	if (!length || !strcmp(name, "."))
		return 0;
	return strcmp(name, "..") ? enter(w, name) : go_up(w);
}

int psc_bound_resolve(const struct psc_bound *bound, const char *path, char *real, size_t size,
		      struct stat *ret_st, bool *ret_alone)
{
	struct walk w = {.bound = bound, .fd = -1, .alone = true};
	int r;

	if (path[0] != '/')
		return -EINVAL;
	if (strlen(path) >= sizeof(w.rest))
		return -ENAMETOOLONG;
	snprintf(w.rest, sizeof(w.rest), "%s", path);
	r = go_to_root(&w);
	while (!r && w.rest[0])
		r = step(&w);
	psc_closep(&w.fd);
	if (!r && strlen(w.real) + 2 > size)
		r = -ENAMETOOLONG;
	if (r < 0)
		return r;
	snprintf(real, size, "%s", w.real[0] ? w.real : "/");
	*ret_st = w.st;
	*ret_alone = w.alone && !is_removable(real);
	return 0;
}

bool psc_bound_is(const struct psc_bound *bound, const char *path, const struct stat *st)
{
	char real[PATH_MAX];
	struct stat there;
	bool alone;

	return psc_bound_resolve(bound, path, real, sizeof(real), &there, &alone) == 0 && alone &&
	       S_ISREG(there.st_mode) && there.st_ino == st->st_ino && there.st_dev == st->st_dev;
}
