/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysroot.c - see sysroot.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "user/core/util.h"
#include "user/identify/sysroot.h"

void psc_sysroot_clear(struct psc_sysroot *root)
{
	psc_closep(&root->fd);
	free(root->path);
	*root = (struct psc_sysroot)PSC_SYSROOT_NONE;
}

static int path_of_fd(int fd, char **ret)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = 0;
	*ret = strdup(path);
	return *ret ? 0 : -ENOMEM;
}

int psc_sysroot_open(const char *path, struct psc_sysroot *ret)
{
	_cleanup_(psc_sysroot_clear) struct psc_sysroot root = PSC_SYSROOT_NONE;
	int r;

	root.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root.fd < 0)
		return -errno;
	r = path_of_fd(root.fd, &root.path);
	if (r < 0)
		return r;
	if (strcmp(root.path, "/") == 0)
		root.path[0] = 0;
	*ret = root;
	root = (struct psc_sysroot)PSC_SYSROOT_NONE;
	return 0;
}

int psc_sysroot_look(const struct psc_sysroot *root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT,
	};
	long fd;

	/* the kernel's own links, such as /proc/1/exe, lead nowhere else than on the host */
	if (psc_sysroot_is_host(root))
		fd = open(path, flags | O_CLOEXEC);
	else
		fd = syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

int psc_sysroot_name(const struct psc_sysroot *root, int fd, char **ret)
{
	_cleanup_free_ char *path = NULL;
	size_t length = strlen(root->path);
	int r = path_of_fd(fd, &path);

	if (r < 0)
		return r;
	if (strncmp(path, root->path, length) != 0 || (path[length] && path[length] != '/'))
		return -EXDEV;
	*ret = strdup(path[length] ? path + length : "/");
	return *ret ? 0 : -ENOMEM;
}

int psc_sysroot_text(const struct psc_sysroot *root, const char *path, size_t max, char **ret)
{
	_cleanup_close_ int fd = psc_sysroot_look(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	struct stat st;
	ssize_t n = 1;

	if (fd < 0)
		return fd == -ENOTDIR || fd == -ELOOP ? -ENOENT : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	text = malloc(max + 2);
	if (!text)
		return -ENOMEM;
	while (n != 0 && size <= max) {
		n = read(fd, text + size, max + 1 - size);
		if (n < 0 && errno != EINTR)
			return -errno;
		size += n > 0 ? (size_t)n : 0;
	}
	if (size > max)
		return -E2BIG;
	text[size] = 0;
	*ret = TAKE_PTR(text);
	return 0;
}
