/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm.c - proscribe-identify as the daemon starts it for rpm databases; see rpm.h. Two processes:
 * one holds the directory of the copies and removes it whatever becomes of the other, which is the
 * one that librpm runs in.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "user/core/util.h"
#include "user/scan/rpm_packages.h"
#include "user/worker/rpm.h"
#include "user/worker/sandbox.h"

#define DEPTH_MAX 3

/* The service's /tmp is read-only. */
static int make_directory(char *ret, size_t size)
{
	static const char *const bases[] = {"/dev/shm", "/tmp"};
	int r = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		snprintf(ret, size, "%s/proscribe-rpm-XXXXXX", bases[i]);
		if (mkdtemp(ret))
			return 0;
		r = -errno;
	}
	return r;
}

/* What a process left that was ended; nothing else lies there. */
static void remove_below(int fd, unsigned int depth)
{
	DIR *directory = fdopendir(fd);
	struct dirent *entry;

	if (!directory) {
		close(fd);
		return;
	}
	while ((entry = readdir(directory))) {
		int below;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (!unlinkat(dirfd(directory), entry->d_name, 0) || depth == DEPTH_MAX)
			continue;
		below = openat(dirfd(directory), entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			remove_below(below, depth + 1);
		unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
	}
	closedir(directory);
}

static void remove_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		remove_below(fd, 0);
	rmdir(path);
}

/* Never returns. */
static void read_packages(const struct psc_rpm_sources *sources, const char *directory,
			  const struct psc_indicators *indicators, const char *const *asked)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (psc_sandbox_confine() < 0)
		_exit(2);
	_exit(psc_rpm_packages_write(sources, directory, indicators, asked, stdout) < 0 ? 1 : 0);
}

static int run(const struct psc_rpm_sources *sources, const struct psc_indicators *indicators,
	       const char *const *asked)
{
	char directory[64];
	int status = 0, r = psc_sandbox_drop();
	pid_t child;

	if (r == 0)
		r = make_directory(directory, sizeof(directory));
	if (r < 0)
		return r;
	child = fork();
	if (child == 0)
		read_packages(sources, directory, indicators, asked);
	if (child < 0)
		r = -errno;
	while (child > 0 && waitpid(child, &status, 0) < 0) {
		if (errno != EINTR) {
			r = -errno;
			break;
		}
	}
	remove_directory(directory);
	return r < 0 ? r : WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

int psc_worker_rpm(const char *root, const struct psc_indicators *indicators,
		   const char *const *asked)
{
	struct psc_rpm_sources sources;
	int r = psc_rpm_sources_open(root, &sources);

	if (r < 0)
		return r;
	r = run(&sources, indicators, asked);
	psc_rpm_sources_close(&sources);
	return r;
}
