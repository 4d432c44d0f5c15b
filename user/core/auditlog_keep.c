/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog_keep.c - see auditlog_keep.h. A compressed file gets its name when it is whole and on
 * the disk; only then the plain one goes. What a crash leaves is a temporary file that is begun
 * anew, or both files, of which readers take the plain one (auditlog_names.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <zlib.h>

#include "user/core/util.h"
#include "user/core/auditlog.h"
#include "user/core/auditlog_keep.h"
#include "user/core/auditlog_time.h"

#define TEMPORARY ".packing"
#define READ_SIZE (64U << 10)

struct psc_keeper {
	char *directory;
	int directory_fd;
	/* of the file that is being compressed */
	char name[PSC_AUDITLOG_NAME_SIZE]; /* "": none */
	int fd;
	gzFile packed;
	struct psc_auditlog_newest newest;
};

/* Leaves the file for another time. */
static void drop(struct psc_keeper *keeper)
{
	if (keeper->packed)
		gzclose_w(keeper->packed);
	if (keeper->fd >= 0)
		close(keeper->fd);
	if (keeper->name[0])
		unlinkat(keeper->directory_fd, TEMPORARY, 0);
	keeper->packed = NULL;
	keeper->fd = -1;
	keeper->name[0] = 0;
}

struct psc_keeper *psc_keeper_free(struct psc_keeper *keeper)
{
	if (!keeper)
		return NULL;
	drop(keeper);
	if (keeper->directory_fd >= 0)
		close(keeper->directory_fd);
	free(keeper->directory);
	free(keeper);
	return NULL;
}

static void keeper_freep(struct psc_keeper **keeper)
{
	*keeper = psc_keeper_free(*keeper);
}

int psc_keeper_new(const char *directory, struct psc_keeper **ret)
{
	_cleanup_(keeper_freep) struct psc_keeper *keeper = calloc(1, sizeof(*keeper));

	if (!keeper)
		return -ENOMEM;
	keeper->fd = keeper->directory_fd = -1;
	keeper->directory = strdup(directory);
	if (!keeper->directory)
		return -ENOMEM;
	keeper->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (keeper->directory_fd < 0)
		return -errno;
	*ret = TAKE_PTR(keeper);
	return 0;
}

/* ---- compressing ----------------------------------------------------------------------------- */

/* The compressed file belongs to whom the plain one does. */
static int create_packed(struct psc_keeper *keeper)
{
	struct stat st;
	int fd;

	if (fstat(keeper->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	unlinkat(keeper->directory_fd, TEMPORARY, 0);
	fd = openat(keeper->directory_fd, TEMPORARY,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, st.st_mode & 07777) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	/* the service may give it to its own groups only: then it stays the daemon's */
	if (fchown(fd, st.st_uid, st.st_gid) < 0 && errno != EPERM) {
		int r = -errno;

		close(fd);
		return r;
	}
	keeper->packed = gzdopen(fd, "wb6");
	if (keeper->packed)
		return 0;
	close(fd);
	return -ENOMEM;
}

static int begin(struct psc_keeper *keeper, const char *name)
{
	keeper->fd = openat(keeper->directory_fd, name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (keeper->fd < 0)
		return -errno;
	snprintf(keeper->name, sizeof(keeper->name), "%s", name);
	keeper->newest = (struct psc_auditlog_newest){};
	return create_packed(keeper);
}

/* The end of the compressed stream, and both names in their order. */
static int finish(struct psc_keeper *keeper)
{
	unsigned char trailer[PSC_AUDITLOG_TRAILER_SIZE];
	char packed[PSC_AUDITLOG_NAME_SIZE + sizeof(PSC_AUDITLOG_PACKED)];
	_cleanup_close_ int fd = -1;
	int r = gzclose_w(keeper->packed);

	keeper->packed = NULL;
	if (r != Z_OK)
		return r == Z_ERRNO && errno ? -errno : -EIO;
	fd = openat(keeper->directory_fd, TEMPORARY, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (psc_auditlog_newest_format(&keeper->newest, trailer) &&
	    write(fd, trailer, sizeof(trailer)) != (ssize_t)sizeof(trailer))
		return errno ? -errno : -EIO;
	if (fsync(fd) < 0)
		return -errno;
	snprintf(packed, sizeof(packed), "%s" PSC_AUDITLOG_PACKED, keeper->name);
	if (renameat(keeper->directory_fd, TEMPORARY, keeper->directory_fd, packed) < 0 ||
	    fsync(keeper->directory_fd) < 0 ||
	    unlinkat(keeper->directory_fd, keeper->name, 0) < 0 || fsync(keeper->directory_fd) < 0)
		return -errno;
	return 0;
}

/* 1: more of the file is left, 0: it is compressed. */
static int go_on(struct psc_keeper *keeper)
{
	char buffer[READ_SIZE];

	for (size_t done = 0; done < PSC_KEEPER_STEP; done += READ_SIZE) {
		ssize_t n = read(keeper->fd, buffer, sizeof(buffer));

		if (n < 0)
			return -errno;
		if (!n)
			return finish(keeper);
		psc_auditlog_newest_feed(&keeper->newest, buffer, (size_t)n);
		if (gzwrite(keeper->packed, buffer, (unsigned int)n) != n)
			return errno ? -errno : -EIO;
	}
	return 1;
}

int psc_keeper_pack(struct psc_keeper *keeper)
{
	_cleanup_(psc_auditlog_names_clear) struct psc_auditlog_names names = {};
	int r = 0;

	if (!keeper->packed) {
		r = psc_auditlog_names_read(keeper->directory, &names);
		for (size_t i = 0; i + 1 < names.count && !r && !keeper->packed; i++) {
			if (!psc_auditlog_is_packed(names.names[i]))
				r = begin(keeper, names.names[i]);
		}
		if (!r && !keeper->packed)
			return 0;
	}
	if (!r)
		r = go_on(keeper);
	if (r <= 0) {
		drop(keeper);
		return r < 0 ? r : 1;
	}
	return r;
}

/* ---- giving up ------------------------------------------------------------------------------- */

static uint64_t size_of(const struct psc_keeper *keeper, const char *name)
{
	struct stat st;

	if (fstatat(keeper->directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (uint64_t)st.st_size;
}

/* Number of the first record of a file, or 0. */
static uint64_t first_sequence(const struct psc_keeper *keeper, const char *name)
{
	char line[PSC_CHAIN_PREFIX_MAX];
	struct psc_chain_link link;
	gzFile file;
	int n, fd;

	fd = openat(keeper->directory_fd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	file = fd < 0 ? NULL : gzdopen(fd, "rb");
	if (!file) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	n = gzread(file, line, sizeof(line));
	gzclose_r(file);
	return n > 0 && psc_chain_parse(line, (size_t)n, &link) == 0 ? link.sequence : 0;
}

int psc_keeper_give_up(struct psc_keeper *keeper, uint64_t bytes_max, struct psc_keeper_gone *ret)
{
	_cleanup_(psc_auditlog_names_clear) struct psc_auditlog_names names = {};
	struct psc_keeper_gone gone = {};
	uint64_t all = 0;
	int r = psc_auditlog_names_read(keeper->directory, &names);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.count; i++)
		all += size_of(keeper, names.names[i]);
	if (all <= bytes_max || names.count < 2)
		return 0;
	if (strcmp(keeper->name, names.names[0]) == 0)
		drop(keeper);
	snprintf(gone.name, sizeof(gone.name), "%s", names.names[0]);
	gone.bytes = size_of(keeper, names.names[0]);
	gone.next_sequence = first_sequence(keeper, names.names[1]);
	if (unlinkat(keeper->directory_fd, names.names[0], 0) < 0 ||
	    fsync(keeper->directory_fd) < 0)
		return -errno;
	*ret = gone;
	return 1;
}
