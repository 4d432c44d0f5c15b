/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_specimen.c - files to be refused, see doctor_specimen.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "user/cli/doctor_specimen.h"
#include "user/core/digest.h"
#include "user/core/hex.h"

#define SPECIMEN_NONCE	    32
#define SPECIMEN_SIZE_MAX   (16U << 20) /* of the program that is copied */
#define SPECIMEN_SPREAD	    4096
#define SPECIMEN_DIRECTORY  "proscribe-doctor.XXXXXX"
#define SPECIMEN_RAN_FAILED 1000

static const char *const specimen_names[] = {
	[PSC_SPECIMEN_PROGRAM] = "program",
	[PSC_SPECIMEN_SCRIPT] = "script",
	[PSC_SPECIMEN_LIBRARY] = "library",
};

_Static_assert(ARRAY_SIZE(specimen_names) == PSC_SPECIMEN_MAX, "specimen names");

const char *psc_specimen_name(enum psc_specimen_kind kind)
{
	return specimen_names[kind];
}

/* ---- content ----------------------------------------------------------------- */

/* A program that does nothing, well: what is copied. */
static const char *const specimen_sources[] = {"/bin/true", "/usr/bin/true", NULL};

/* *@ret has room for what is appended to it. */
static int read_program(const char *path, size_t room, char **ret, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *data = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > SPECIMEN_SIZE_MAX)
		return -EINVAL;
	data = calloc(1, (size_t)st.st_size + room);
	if (!data)
		return -ENOMEM;
	n = pread(fd, data, (size_t)st.st_size, 0);
	if (n < 0)
		return -errno;
	if (n != st.st_size || n < 4 || memcmp(data, "\177ELF", 4) != 0)
		return -ENOEXEC;
	*ret = TAKE_PTR(data);
	*ret_size = (size_t)n;
	return 0;
}

/*
 * A copy of a small program with some bytes of its own behind it, which nothing loads; how
 * many is random, so that a listed size is hardly ever that of another file.
 */
static int make_elf(const uint8_t *nonce, char **ret, size_t *ret_size)
{
	size_t room = SPECIMEN_NONCE + SPECIMEN_SPREAD;
	int r = -ENOENT;

	for (size_t i = 0; specimen_sources[i] && r < 0; i++)
		r = read_program(specimen_sources[i], room, ret, ret_size);
	if (r < 0)
		return r;
	memcpy(*ret + *ret_size, nonce, SPECIMEN_NONCE);
	*ret_size += SPECIMEN_NONCE + (nonce[0] | nonce[1] << 8) % SPECIMEN_SPREAD;
	return 0;
}

static int make_script(const uint8_t *nonce, char **ret, size_t *ret_size)
{
	char hex[2 * SPECIMEN_NONCE + 1];
	int n;

	psc_hex_encode(nonce, SPECIMEN_NONCE, hex);
	n = asprintf(ret, "#!/bin/sh\n# proscribe doctor: %s\nexit 0\n%*s\n", hex, nonce[0], "");
	if (n < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	*ret_size = (size_t)n;
	return 0;
}

/* ---- files -------------------------------------------------------------------- */

static int put(const char *path, const char *data, size_t size)
{
	_cleanup_close_ int fd = -1;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
	/* whatever the umask is */
	if (fd < 0 || fchmod(fd, 0700) < 0)
		return -errno;
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		data += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int make_one(struct psc_specimens *specimens, enum psc_specimen_kind kind)
{
	struct psc_specimen *file = &specimens->file[kind];
	_cleanup_free_ char *data = NULL;
	uint8_t nonce[SPECIMEN_NONCE];
	size_t size = 0;
	int r;

	if (getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce))
		return -EIO;
	file->format = kind == PSC_SPECIMEN_SCRIPT ? PSC_FORMAT_SCRIPT : PSC_FORMAT_ELF;
	r = kind == PSC_SPECIMEN_SCRIPT ? make_script(nonce, &data, &size)
					: make_elf(nonce, &data, &size);
	if (r == 0)
		r = psc_digest_buffer(data, size, file->digest);
	if (r < 0)
		return r;
	file->size = size;
	snprintf(file->path, sizeof(file->path), "%s/%s", specimens->directory,
		 specimen_names[kind]);
	return put(file->path, data, size);
}

/* -EACCES where programs may not run. */
static int make_directory(const char *parent, struct psc_specimens *specimens)
{
	struct statvfs fs;

	if (statvfs(parent, &fs) < 0)
		return -errno;
	if (fs.f_flag & ST_NOEXEC)
		return -EACCES;
	snprintf(specimens->directory, sizeof(specimens->directory), "%s/" SPECIMEN_DIRECTORY,
		 parent);
	if (!mkdtemp(specimens->directory)) {
		specimens->directory[0] = '\0';
		return -errno;
	}
	return 0;
}

int psc_specimens_make(const char *const *parents, struct psc_specimens *ret, const char **ret_what)
{
	struct psc_specimens made = {};
	bool noexec = false;
	int r = -ENOENT;

	for (size_t i = 0; parents[i] && r < 0; i++) {
		r = make_directory(parents[i], &made);
		noexec = noexec || r == -EACCES;
		*ret_what = parents[i];
	}
	if (r < 0)
		return noexec ? -EACCES : r;
	for (int kind = 0; kind < PSC_SPECIMEN_MAX && r == 0; kind++) {
		r = make_one(&made, kind);
		if (r == -ENOENT || r == -ENOEXEC)
			*ret_what = specimen_sources[0];
	}
	if (r < 0) {
		psc_specimens_remove(&made);
		return r;
	}
	*ret = made;
	return 0;
}

int psc_specimens_remove(struct psc_specimens *specimens)
{
	int r = 0;

	if (!specimens->directory[0])
		return 0;
	for (int kind = 0; kind < PSC_SPECIMEN_MAX; kind++)
		if (specimens->file[kind].path[0] && unlink(specimens->file[kind].path) < 0 &&
		    errno != ENOENT)
			r = -errno;
	if (rmdir(specimens->directory) < 0 && r == 0)
		r = -errno;
	specimens->directory[0] = '\0';
	return r;
}

/* ---- trying -------------------------------------------------------------------- */

static int map_library(const char *path, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *p;

	if (fd < 0)
		return -errno;
	/* as the dynamic loader does */
	p = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	munmap(p, size);
	return 0;
}

/* posix_spawn() itself answers with the error of the exec. */
static int spawn(const char *path, pid_t *ret)
{
	/* a program of many names goes by this one */
	char *const argv[] = {(char *)"true", NULL};
	char *const environment[] = {(char *)"PATH=/usr/bin:/bin", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int r;

	sigemptyset(&none);
	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return -r;
	r = posix_spawnattr_init(&attributes);
	if (r) {
		posix_spawn_file_actions_destroy(&actions);
		return -r;
	}
	for (int fd = 0; fd <= STDERR_FILENO && !r; fd++)
		r = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	if (!r)
		r = posix_spawnattr_setsigmask(&attributes, &none);
	if (!r)
		r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	if (!r)
		r = posix_spawn(ret, path, &actions, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int psc_specimen_try(const struct psc_specimens *specimens, enum psc_specimen_kind kind)
{
	const struct psc_specimen *file = &specimens->file[kind];
	int status, r;
	pid_t pid;

	if (kind == PSC_SPECIMEN_LIBRARY)
		return map_library(file->path, file->size);
	r = spawn(file->path, &pid);
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status ? SPECIMEN_RAN_FAILED + status : 0;
}
