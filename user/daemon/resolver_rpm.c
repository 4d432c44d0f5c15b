/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_rpm.c - packages of rpm databases, read by a process of its own (user/worker/rpm.c):
 * librpm ends the process that it runs in when memory is short, keeps state for all threads, and
 * parses what may be hostile or half written. In the resolver's thread; see resolver_internal.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"

#define PATIENCE_NS (120 * PSC_NSEC_PER_SEC) /* for all of a large host's packages: seconds */
#define STEP_MS	    500
#define PIECE	    (1U << 20)
#define REAP_TRIES  100
#define REAP_NS	    10000000

static const char *const databases[PSC_RESOLVER_RPM_FILES] = {
	"/var/lib/rpm/rpmdb.sqlite",
	"/var/lib/rpm/rpmdb.sqlite-wal",
	"/var/lib/rpm/Packages.db",
	"/var/lib/rpm/Index.db",
	"/var/lib/rpm/Packages",
	"/usr/lib/sysimage/rpm/rpmdb.sqlite",
	"/usr/lib/sysimage/rpm/rpmdb.sqlite-wal",
	"/usr/lib/sysimage/rpm/Packages.db",
	"/usr/lib/sysimage/rpm/Index.db",
	"/usr/lib/sysimage/rpm/Packages",
};

/* ---- the process ------------------------------------------------------------------------- */

static int spawn(const char *program, const char *const *arguments, int out_fd, pid_t *ret)
{
	char *const environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int r;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (r == 0)
		r = posix_spawnattr_setsigmask(&attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(&attributes, &all);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
	if (r == 0)
		r = posix_spawn(ret, program, &actions, &attributes, (char *const *)arguments,
				environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* One that hangs in the kernel is left: it ends when it comes out of there. */
static int reap(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = REAP_NS};
	int status;

	for (int i = 0; i < REAP_TRIES; i++) {
		pid_t r = waitpid(pid, &status, WNOHANG);

		if (r == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
		if (r < 0 && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

static int more(char **data, size_t size, size_t *room)
{
	char *grown;

	if (size < *room)
		return 0;
	if (*room >= PSC_RPM_STREAM_MAX)
		return -E2BIG;
	*room = *room ? 2 * *room : PIECE;
	grown = realloc(*data, *room);
	if (!grown)
		return -ENOMEM;
	*data = grown;
	return 0;
}

/* Everything until the end, as long as that is bounded and somebody waits for it. */
static int collect(struct psc_resolver_thread *t, int fd, char **ret, size_t *ret_size)
{
	uint64_t until = psc_time_boot() + PATIENCE_NS;
	_cleanup_free_ char *data = NULL;
	size_t size = 0, room = 0;

	for (;;) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		ssize_t n;
		int r;

		if (!psc_resolver_progress(t->queue))
			return -ECANCELED;
		psc_resolver_look_at_urgent(t);
		if (psc_time_boot() > until)
			return -ETIMEDOUT;
		if (poll(&ready, 1, STEP_MS) <= 0)
			continue;
		r = more(&data, size, &room);
		if (r < 0)
			return r;
		n = read(fd, data + size, room - size);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		size += n > 0 ? (size_t)n : 0;
	}
	*ret = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

int psc_resolver_rpm_read(struct psc_resolver_thread *t, const char *program,
			  const char *const *arguments, struct psc_rpm_packages *ret)
{
	_cleanup_close_ int ours = -1;
	_cleanup_free_ char *data = NULL;
	int pair[2], r, ended;
	size_t size = 0;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	ours = pair[0];
	r = spawn(program, arguments, pair[1], &pid);
	close(pair[1]);
	if (r < 0)
		return r;
	r = collect(t, ours, &data, &size);
	if (r < 0)
		kill(pid, SIGKILL);
	ended = reap(pid);
	if (r >= 0 && ended < 0) {
		kill(pid, SIGKILL);
		r = ended;
	}
	return r < 0 ? r : psc_rpm_packages_parse(data, size, ret);
}

/* ---- when ---------------------------------------------------------------------------------- */

/* Like dpkg's status: what did not change is not read again. True: there are databases. */
static bool look(struct psc_resolver_stamp stamp[PSC_RESOLVER_RPM_FILES])
{
	bool any = false;

	memset(stamp, 0, PSC_RESOLVER_RPM_FILES * sizeof(*stamp));
	for (size_t i = 0; i < PSC_RESOLVER_RPM_FILES; i++) {
		struct stat st;

		if (stat(databases[i], &st) < 0)
			continue;
		any = true;
		stamp[i].inode = st.st_ino;
		stamp[i].size = st.st_size;
		stamp[i].seconds = st.st_mtim.tv_sec;
		stamp[i].nanoseconds = st.st_mtim.tv_nsec;
	}
	return any;
}

static const char *why(int r)
{
	switch (r) {
	case -ETIMEDOUT:
		return "rpm's databases took too long to read";
	case -ECHILD:
		return "the process that reads rpm's databases failed";
	case -EPROTO:
	case -ENODATA:
		return "the process that reads rpm's databases answered nonsense";
	default:
		return strerrordesc_np(-r);
	}
}

/* What was known stays when it cannot be read; said once for each state of the files. */
void psc_resolver_rpm_refresh(struct psc_resolver_thread *t, const struct psc_resolver_know *know)
{
	const char *arguments[PSC_RPM_ASKED_MAX + 4] = {"proscribe-identify", "--rpm-packages", ""};
	struct psc_resolver_stamp stamp[PSC_RESOLVER_RPM_FILES];
	struct psc_resolver_rpm *rpm = &t->rpm;
	struct psc_rpm_packages packages;
	size_t count = 3;
	int r;

	if (!look(stamp)) {
		psc_rpm_packages_clear(&rpm->packages);
		rpm->serial = 0;
		return;
	}
	if (rpm->serial == know->serial && rpm->asked == t->orphans_serial &&
	    memcmp(rpm->stamp, stamp, sizeof(stamp)) == 0)
		return;
	memcpy(rpm->stamp, stamp, sizeof(stamp));
	rpm->serial = know->serial;
	rpm->asked = t->orphans_serial;
	for (size_t i = 0; i < t->orphan_count; i++)
		arguments[count++] = t->orphan[i].path;
	r = psc_resolver_rpm_read(t, PSC_PATH_WORKER, arguments, &packages);
	if (r == -ECANCELED)
		return;
	if (r < 0) {
		psc_resolver_answer_unverified(t, "rpm's databases", why(r));
		return;
	}
	if (packages.problem)
		psc_resolver_answer_unverified(t, "rpm's databases", packages.problem);
	psc_rpm_packages_clear(&rpm->packages);
	rpm->packages = packages;
}
