/* SPDX-License-Identifier: Apache-2.0 */
/*
 * durable.c - see durable.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/durable.h"

int psc_durable_directory(const char *path, mode_t mode)
{
	if (mkdir(path, mode & 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(path, mode) < 0 ? -errno : 0;
}

static int open_directory(int dirfd, const char *path, const char *slash)
{
	_cleanup_free_ char *directory = NULL;
	int fd;

	directory = !slash	    ? strdup(".")
		    : slash == path ? strdup("/")
				    : strndup(path, slash - path);
	if (!directory)
		return -ENOMEM;
	fd = openat(dirfd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_temporary(struct psc_durable *file)
{
	if (unlinkat(file->dirfd, file->temporary, 0) < 0 && errno != ENOENT)
		return -errno;
	file->fd = openat(file->dirfd, file->temporary,
			  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return file->fd < 0 ? -errno : 0;
}

int psc_durable_begin(int dirfd, const char *path, struct psc_durable *ret)
{
	_cleanup_(psc_durable_end) struct psc_durable file = PSC_DURABLE_NONE;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	int r;

	if (!name[0])
		return -EISDIR;
	file.dirfd = open_directory(dirfd, path, slash);
	if (file.dirfd < 0)
		return file.dirfd;
	file.name = strdup(name);
	if (asprintf(&file.temporary, ".%s.new", name) < 0)
		file.temporary = NULL;
	if (!file.name || !file.temporary)
		return -ENOMEM;
	r = open_temporary(&file);
	if (r < 0)
		return r;
	*ret = file;
	file = PSC_DURABLE_NONE;
	return 0;
}

int psc_durable_write(struct psc_durable *file, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = write(file->fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= n;
	}
	return 0;
}

static void named(struct psc_durable *file)
{
	free(file->temporary);
	file->temporary = NULL;
}

int psc_durable_replace(struct psc_durable *file)
{
	if (fsync(file->fd) < 0 ||
	    renameat(file->dirfd, file->temporary, file->dirfd, file->name) < 0)
		return -errno;
	named(file);
	return 0;
}

int psc_durable_create(struct psc_durable *file)
{
	if (fsync(file->fd) < 0 ||
	    linkat(file->dirfd, file->temporary, file->dirfd, file->name, 0) < 0)
		return -errno;
	unlinkat(file->dirfd, file->temporary, 0);
	named(file);
	return 0;
}

int psc_durable_settle(const struct psc_durable *file)
{
	return fsync(file->dirfd) < 0 ? -errno : 0;
}

void psc_durable_end(struct psc_durable *file)
{
	if (file->fd >= 0 && file->temporary)
		unlinkat(file->dirfd, file->temporary, 0);
	psc_closep(&file->fd);
	psc_closep(&file->dirfd);
	free(file->name);
	free(file->temporary);
	*file = PSC_DURABLE_NONE;
}
