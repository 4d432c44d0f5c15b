/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - see load.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/load.h"

static int check_owner(int fd, const char *path, struct psc_error *reterr)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		int r = -errno;

		psc_error_set(reterr, path, 0, 0, "cannot be examined: %s", strerror(-r));
		return r;
	}
	if (!S_ISREG(st.st_mode)) {
		psc_error_set(reterr, path, 0, 0, "is not a regular file");
		return -EINVAL;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		psc_error_set(reterr, path, 0, 0, "belongs to uid %u: expected root (chown root)",
			      st.st_uid);
		return -EPERM;
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		psc_error_set(reterr, path, 0, 0,
			      "is writable for others than its owner (mode %04o): expected 0644 or "
			      "less (chmod go-w)",
			      st.st_mode & 07777);
		return -EPERM;
	}
	return 0;
}

int psc_load_trusted(const char *path, size_t max, char **ret_data, size_t *ret_size,
		     struct psc_error *reterr)
{
	_cleanup_free_ char *data = NULL;
	_cleanup_close_ int fd = -1;
	size_t size = 0;
	int r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		r = -errno;
		psc_error_set(reterr, path, 0, 0, "cannot be opened: %s", strerror(-r));
		return r;
	}
	r = check_owner(fd, path, reterr);
	if (r < 0)
		return r;
	/* one more to notice that it is too large, and the NUL */
	data = malloc(max + 2);
	if (!data) {
		psc_error_set(reterr, path, 0, 0, "out of memory");
		return -ENOMEM;
	}
	while (size <= max) {
		ssize_t n = read(fd, data + size, max + 1 - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = -errno;
			psc_error_set(reterr, path, 0, 0, "cannot be read: %s", strerror(-r));
			return r;
		}
		if (n == 0)
			break;
		size += n;
	}
	if (size > max) {
		psc_error_set(reterr, path, 0, 0, "larger than %zu bytes", max);
		return -E2BIG;
	}
	data[size] = 0;
	*ret_data = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}
