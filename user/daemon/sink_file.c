/* SPDX-License-Identifier: Apache-2.0 */
/* sink_file.c - small files that are written again and again; see sinks.h. */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>

#include "user/daemon/sinks.h"

static int write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

/*
 * The directory may be somebody else's, who could put a link or a pipe in the way: only a file
 * that is made here is written.
 */
static int write_beside(int directory, const char *temporary, mode_t mode, const char *text,
			size_t size)
{
	_cleanup_close_ int fd = -1;
	int r;

	unlinkat(directory, temporary, 0);
	fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, size);
	/* close says of some file systems that they are full */
	if (r >= 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r >= 0 && close(TAKE_FD(fd)) < 0)
		r = -errno;
	return r;
}

int psc_sink_file_write(const char *path, mode_t mode, const char *text, size_t size)
{
	_cleanup_free_ char *parent = strdup(path), *temporary = NULL;
	const char *name = strrchr(path, '/');
	_cleanup_close_ int directory = -1;
	int r;

	if (!name || !name[1])
		return -EISDIR;
	name++;
	if (!parent || asprintf(&temporary, ".%s.new", name) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	directory = open(dirname(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	r = write_beside(directory, temporary, mode, text, size);
	if (r >= 0 && renameat(directory, temporary, directory, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(directory, temporary, 0);
	return r;
}
