/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt_counted.c - attempts by several processes at once that are counted to the last one, so
 * that the log can be held against the sum. Part of the program attempt.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/attempt.h"

#define MAPS 8 /* of the memory file, to one execution */

struct counts {
	long denied, mapped, escaped, failed;
};

static void add(long *to, long n)
{
	__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

/* Not faster than a daemon in an emulated machine can write a record of each. */
static void pause_for(long milliseconds)
{
	struct timespec ts = {.tv_nsec = milliseconds * 1000000};

	nanosleep(&ts, NULL);
}

/* Until the stop file is there, or for @rounds: a refusal and some of the same doubt. */
static void attempt_all(const char *stop, char *listed, long rounds, long pause,
			struct counts *counts)
{
	int fd = memfd_create("counted", MFD_CLOEXEC);
	char *argv[] = {listed, NULL}, *environment[] = {NULL};

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		add(&counts->failed, 1);
	for (long n = 0; n != rounds && access(stop, F_OK) < 0; n++) {
		execve(listed, argv, environment);
		if (errno == EPERM)
			add(&counts->denied, 1);
		else
			add(&counts->failed, 1);
		for (int i = 0; i < MAPS; i++) {
			if (attempt_map(fd, 4096, PROT_READ | PROT_EXEC) == ALLOWED)
				add(&counts->mapped, 1);
			else
				add(&counts->failed, 1);
		}
		pause_for(pause);
	}
	_exit(DENIED);
}

/* PROCESSES ROUNDS PAUSE-MS STOPFILE LISTED; the listed program itself would end with another status. */
int attempt_counted(int argc, char **argv)
{
	long processes = atol(argv[0]);
	struct counts *counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	if (counts == MAP_FAILED)
		return attempt_untried("mmap");
	for (long i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return attempt_untried("fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, 9);
			attempt_all(argv[3], argv[4], atol(argv[1]), atol(argv[2]), counts);
		}
	}
	while (wait(&status) > 0)
		counts->escaped += !WIFEXITED(status) || WEXITSTATUS(status) != DENIED;
	printf("denied=%ld mapped=%ld escaped=%ld failed=%ld\n", counts->denied, counts->mapped,
	       counts->escaped, counts->failed);
	if (counts->escaped)
		return ALLOWED;
	return counts->failed || !counts->denied ? FAILED : DENIED;
}
