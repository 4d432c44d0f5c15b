/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.c - see worker.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "user/core/util.h"
#include "user/core/timefmt.h"
#include "user/daemon/worker.h"

#define WORKER_SOCKET 3
#define ARGUMENTS_MAX 32

void psc_worker_reap(struct psc_worker *worker)
{
	for (size_t i = 0; i < PSC_WORKER_DYING_MAX; i++) {
		pid_t *pid = &worker->dying[i];

		if (*pid && waitpid(*pid, NULL, WNOHANG) != 0)
			*pid = 0;
	}
}

void psc_worker_end(struct psc_worker *worker)
{
	if (worker->socket_fd < 0)
		return;
	close(worker->socket_fd);
	worker->socket_fd = -1;
	kill(worker->pid, SIGKILL);
	/* there is a place: psc_worker_start() looked */
	for (size_t i = 0; i < PSC_WORKER_DYING_MAX; i++) {
		if (worker->dying[i] == 0) {
			worker->dying[i] = worker->pid;
			break;
		}
	}
	worker->pid = 0;
	psc_worker_reap(worker);
}

uint64_t psc_worker_may_start_at(const struct psc_worker *worker)
{
	uint64_t oldest = worker->start_ns[worker->next_start];

	if (oldest == 0 || psc_time_boot() - oldest >= PSC_WORKER_STARTS_NS)
		return 0;
	return oldest + PSC_WORKER_STARTS_NS;
}

static int prepare_spawn(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
			 int socket_fd)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attributes, &all);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
	/* the daemon's stderr stays: why it did not start is said there */
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, socket_fd, WORKER_SOCKET);
	return -r;
}

static int spawn(struct psc_worker *worker, int socket_fd)
{
	const char *arguments[ARGUMENTS_MAX + 2] = {"proscribe-identify"};
	const char *const *more = worker->arguments;
	char *const environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r;

	for (size_t i = 0; more && more[i]; i++) {
		if (i == ARGUMENTS_MAX)
			return -E2BIG;
		arguments[i + 1] = more[i];
	}
	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	r = prepare_spawn(&actions, &attributes, socket_fd);
	if (r == 0)
		r = -posix_spawn(&worker->pid, worker->program, &actions, &attributes,
				 (char *const *)arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static bool has_place(const struct psc_worker *worker)
{
	for (size_t i = 0; i < PSC_WORKER_DYING_MAX; i++) {
		if (worker->dying[i] == 0)
			return true;
	}
	return false;
}

int psc_worker_start(struct psc_worker *worker)
{
	_cleanup_close_ int ours = -1;
	_cleanup_close_ int theirs = -1;
	int pair[2], r;

	psc_worker_reap(worker);
	/* as many as that hang in the kernel: one more would hang there, too */
	if (!has_place(worker))
		return -EBUSY;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	if (theirs == WORKER_SOCKET) {
		/* dup2() onto itself would leave it close-on-exec */
		theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, WORKER_SOCKET + 1);
		close(pair[1]);
		if (theirs < 0)
			return -errno;
	}
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	worker->start_ns[worker->next_start] = psc_time_boot();
	worker->next_start = (worker->next_start + 1) % PSC_WORKER_STARTS_MAX;
	r = spawn(worker, theirs);
	if (r < 0)
		return r;
	worker->socket_fd = TAKE_FD(ours);
	worker->starts++;
	return 0;
}
