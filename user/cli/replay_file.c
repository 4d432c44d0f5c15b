/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_file.c - the files of a log as they are now; see replay.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "user/core/util.h"
#include "user/cli/replay.h"
#include "user/core/escape.h"

const char *psc_replay_state_to_string(enum psc_replay_state state)
{
	static const char *const names[] = {
		[PSC_REPLAY_SAME] = "same",	      [PSC_REPLAY_REPLACED] = "replaced",
		[PSC_REPLAY_GONE] = "gone",	      [PSC_REPLAY_NAMELESS] = "path_not_known",
		[PSC_REPLAY_ELSEWHERE] = "container", [PSC_REPLAY_NETWORK] = "network",
		[PSC_REPLAY_UNREAD] = "unread",
	};

	_Static_assert(ARRAY_SIZE(names) == PSC_REPLAY_STATE_MAX, "one name per state");
	return names[state];
}

/* By the table of mounts alone: a server that does not answer hangs whoever asks. */
static bool on_network(const struct psc_mounts *mounts, const char *path)
{
	enum psc_mount_kind kind = PSC_MOUNT_LOCAL;
	size_t longest = 0;

	for (size_t i = 0; i < mounts->count; i++) {
		const char *at = mounts->mount[i].path;
		size_t length = strlen(at);

		/* the root's own path ends in a slash */
		if (length > 1 &&
		    (strncmp(path, at, length) != 0 || (path[length] && path[length] != '/')))
			continue;
		if (length < longest)
			continue;
		longest = length;
		kind = mounts->mount[i].kind;
	}
	return kind == PSC_MOUNT_NETWORK;
}

/* The record's path was without links; one that is there now leads elsewhere. */
static int open_path(const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int open_content(int path_fd)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", path_fd);
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOATIME | O_CLOEXEC);
	if (fd < 0 && errno == EPERM)
		fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool is_overlay_or_btrfs(unsigned long magic)
{
	return magic == OVERLAYFS_SUPER_MAGIC || magic == BTRFS_SUPER_MAGIC;
}

/* On overlays and btrfs stat(2) names another device than the kernel's. */
static bool is_same(const struct psc_replay_file *file, const struct stat *st, unsigned long magic)
{
	char device[32];

	snprintf(device, sizeof(device), "%u:%u", major(st->st_dev), minor(st->st_dev));
	return st->st_ino == file->inode && (uint64_t)st->st_size == file->size &&
	       (strcmp(device, file->device) == 0 ||
		(is_overlay_or_btrfs(magic) && magic == file->magic));
}

/* What is found at a path. */
struct found {
	int fd; /* O_PATH, of a regular file; -1: none */
	int error;
	bool network;
	struct stat st;
	unsigned long magic;
};

static struct found look(const struct psc_replay_ground *ground, const char *path)
{
	_cleanup_close_ int fd = -1;
	struct found found = {.fd = -1};
	struct statfs fs;

	found.network = !ground->network && on_network(&ground->mounts, path);
	if (found.network)
		return found;
	fd = open_path(path);
	if (fd < 0) {
		found.error = fd;
		return found;
	}
	if (fstat(fd, &found.st) < 0 || fstatfs(fd, &fs) < 0) {
		found.error = -errno;
		return found;
	}
	found.magic = (unsigned long)fs.f_type;
	found.network =
		!ground->network && psc_mount_kind_of_magic(found.magic) == PSC_MOUNT_NETWORK;
	if (S_ISREG(found.st.st_mode) && !found.network)
		found.fd = TAKE_FD(fd);
	return found;
}

/* The path of a container leads to its file below the layer that has it, if that is known. */
static bool look_in_layer(const struct psc_replay_ground *ground,
			  const struct psc_replay_file *file, const char *path, struct found *ret)
{
	_cleanup_free_ char *layer = NULL, *below = NULL;
	struct found found;
	size_t size;

	if (!file->layer || !file->real_inode || psc_unescape(file->layer, &layer, &size) < 0 ||
	    strlen(layer) != size)
		return false;
	if (asprintf(&below, "%s%s", layer, path) < 0) {
		below = NULL;
		return false;
	}
	found = look(ground, below);
	if (found.fd >= 0 && found.st.st_ino == file->real_inode) {
		*ret = found;
		return true;
	}
	psc_closep(&found.fd);
	return false;
}

static bool in_container(const struct psc_replay_file *file, const struct found *found)
{
	return file->container ||
	       (file->magic == OVERLAYFS_SUPER_MAGIC && found->magic != OVERLAYFS_SUPER_MAGIC);
}

static enum psc_replay_state state_of(const struct psc_replay_ground *ground,
				      const struct psc_replay_file *file, const char *path,
				      struct found *found, int *ret_error)
{
	bool same = found->fd >= 0 && is_same(file, &found->st, found->magic);
	struct found below;

	if (same)
		return PSC_REPLAY_SAME;
	if (look_in_layer(ground, file, path, &below)) {
		psc_closep(&found->fd);
		*found = below;
		return PSC_REPLAY_SAME;
	}
	if (in_container(file, found))
		return PSC_REPLAY_ELSEWHERE;
	if (found->network)
		return PSC_REPLAY_NETWORK;
	if (found->fd >= 0)
		return PSC_REPLAY_REPLACED;
	/* a directory, a pipe, a link: what was there is not any more */
	if (!found->error || found->error == -ENOENT || found->error == -ENOTDIR ||
	    found->error == -ELOOP)
		return PSC_REPLAY_GONE;
	*ret_error = found->error;
	return PSC_REPLAY_UNREAD;
}

enum psc_replay_state psc_replay_open(const struct psc_replay_ground *ground,
				      const struct psc_replay_file *file, int *ret_fd,
				      uint64_t *ret_size, int *ret_error)
{
	_cleanup_free_ char *path = NULL;
	enum psc_replay_state state;
	struct found found;
	size_t size;
	int fd;

	if (!file->whole_path || psc_unescape(file->path, &path, &size) < 0 || strlen(path) != size)
		return PSC_REPLAY_NAMELESS;
	found = look(ground, path);
	state = state_of(ground, file, path, &found, ret_error);
	if (state != PSC_REPLAY_SAME && state != PSC_REPLAY_REPLACED) {
		psc_closep(&found.fd);
		return state;
	}
	fd = open_content(found.fd);
	psc_closep(&found.fd);
	if (fd < 0) {
		*ret_error = fd;
		return PSC_REPLAY_UNREAD;
	}
	*ret_fd = fd;
	*ret_size = (uint64_t)found.st.st_size;
	return state;
}
