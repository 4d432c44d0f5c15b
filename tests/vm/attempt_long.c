/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt_long.c - attempts that take several steps: storms of executions, and files
 * that are rewritten while they are mapped. Part of the program attempt.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/attempt.h"

/* ---- storms ------------------------------------------------------------------------ */

extern char **environ;

/*
 * A refused exec returns, so that thousands need no fork. The first that is not refused
 * makes this process the program, whose exit status then is "allowed".
 */
int attempt_exec_many(int argc, char **argv)
{
	long count = atol(argv[0]);

	for (long i = 0; i < count; i++) {
		execve(argv[1], argv + 1, environ);
		if (errno != EPERM)
			return attempt_result(-1, "exec");
	}
	printf("denied=%ld\n", count);
	return DENIED;
}

int attempt_spawn(char *path)
{
	char *argv[] = {path, NULL};
	volatile int error = 0;
	int status;
	/* vfork: the child shares the memory, which is how the errno comes back. */
	pid_t child = vfork();

	if (child < 0)
		return -1;
	if (child == 0) {
		execve(path, argv, environ);
		error = errno;
		_exit(127);
	}
	if (waitpid(child, &status, 0) < 0)
		return -1;
	if (error)
		return error;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* Runs until the stop file is there. Each round tries the listed and the unlisted file. */
int attempt_exec_storm(int argc, char **argv)
{
	long rounds = 0, denied = 0, escaped = 0, refused = 0;
	int out = dup(STDOUT_FILENO);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (out < 0 || null < 0 || dup2(null, STDOUT_FILENO) < 0)
		return attempt_untried("/dev/null");
	while (access(argv[0], F_OK) < 0) {
		int listed = attempt_spawn(argv[1]);
		int unlisted = attempt_spawn(argv[2]);

		rounds++;
		denied += listed == EPERM;
		escaped += listed != EPERM;
		refused += unlisted != 0;
	}
	dprintf(out, "rounds=%ld denied=%ld escaped=%ld refused=%ld\n", rounds, denied, escaped,
		refused);
	if (escaped)
		return ALLOWED;
	return refused || !rounds ? FAILED : DENIED;
}

/* ---- rewriting ---------------------------------------------------------------------- */

struct content {
	char *data;
	size_t size;
};

static int content_read(const char *path, struct content *ret)
{
	int fd = attempt_open(path, O_RDONLY, &ret->size);

	if (fd < 0)
		return -1;
	ret->data = malloc(ret->size);
	if (!ret->data || read(fd, ret->data, ret->size) != (ssize_t)ret->size)
		return -1;
	return close(fd);
}

/* What the rewriting attempts share. */
struct rewrite {
	const char *path;
	struct content clean;
	struct content listed;
	int writer;
	int reader;
};

static int write_content(int fd, const struct content *content)
{
	return pwrite(fd, content->data, content->size, 0) == (ssize_t)content->size ? 0 : -1;
}

/* Makes the target clean, with one descriptor that may write and one that reads. */
static int rewrite_begin(char **argv, struct rewrite *ret)
{
	ret->path = argv[0];
	if (content_read(argv[1], &ret->clean) < 0 || content_read(argv[2], &ret->listed) < 0)
		return -1;
	if (ret->clean.size != ret->listed.size) {
		errno = EMSGSIZE;
		return -1;
	}
	ret->writer = open(ret->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (ret->writer < 0 || write_content(ret->writer, &ret->clean) < 0)
		return -1;
	ret->reader = open(ret->path, O_RDONLY | O_CLOEXEC);
	return ret->reader < 0 ? -1 : 0;
}

static int map_target(const struct rewrite *r)
{
	return attempt_map(r->reader, r->clean.size, PROT_READ | PROT_EXEC);
}

/* The clean content must map first, else the attempt shows nothing. */
int attempt_rewrite_fd(int argc, char **argv)
{
	struct rewrite r;

	if (rewrite_begin(argv, &r) < 0)
		return attempt_untried(argv[0]);
	if (map_target(&r) != ALLOWED)
		return UNTRIED;
	if (write_content(r.writer, &r.listed) < 0)
		return attempt_untried("write");
	return map_target(&r);
}

/* The mapping outlives the descriptor it was made with. */
static int rewrite_through_mapping(char **argv, int first_prot)
{
	struct rewrite r;
	char *p;

	if (rewrite_begin(argv, &r) < 0)
		return attempt_untried(argv[0]);
	p = mmap(NULL, r.clean.size, first_prot, MAP_SHARED, r.writer, 0);
	close(r.writer);
	if (p == MAP_FAILED)
		return attempt_untried("mmap shared");
	if (map_target(&r) != ALLOWED)
		return UNTRIED;
	if (mprotect(p, r.clean.size, PROT_READ | PROT_WRITE) < 0)
		return attempt_untried("mprotect to write");
	memcpy(p, r.listed.data, r.listed.size);
	return map_target(&r);
}

int attempt_rewrite_shared(int argc, char **argv)
{
	return rewrite_through_mapping(argv, PROT_READ | PROT_WRITE);
}

int attempt_rewrite_shared_late(int argc, char **argv)
{
	return rewrite_through_mapping(argv, PROT_READ);
}

/* ---- a writer against the digest ----------------------------------------------------- */

static void pause_up_to(long microseconds)
{
	struct timespec ts = {.tv_nsec = random() % microseconds * 1000};

	nanosleep(&ts, NULL);
}

/*
 * Maps the target over and over, so that it is digested while the other one writes. Not
 * faster than the daemon can write a record of each: a full ring is another attempt.
 */
struct mapper {
	const struct rewrite *rewrite;
	volatile int stop;
	long maps;
};

static void *mapper_run(void *data)
{
	struct mapper *m = data;
	size_t size = m->rewrite->clean.size;

	while (!m->stop) {
		int fd = open(m->rewrite->path, O_RDONLY | O_CLOEXEC);
		void *p = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		if (p != MAP_FAILED)
			munmap(p, size);
		close(fd);
		m->maps++;
		pause_up_to(4000);
	}
	return NULL;
}

/* Opens, writes, closes, then maps with nobody writing any more: that verdict must be right. */
static int settle(const struct rewrite *r, const struct content *content)
{
	int fd, result = ALLOWED;
	void *p;

	pause_up_to(5000);
	fd = open(r->path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write_content(fd, content) < 0)
		return UNTRIED;
	pause_up_to(2000);
	close(fd);
	p = mmap(NULL, content->size, PROT_READ | PROT_EXEC, MAP_PRIVATE, r->reader, 0);
	if (p == MAP_FAILED)
		result = errno == EPERM ? DENIED : FAILED;
	else
		munmap(p, content->size);
	return result;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Allowed means: at least once a settled listed content could be mapped. */
int attempt_race(int argc, char **argv)
{
	long rounds = 0, escaped = 0, refused = 0, untried = 0;
	struct rewrite r;
	struct mapper mapper = {.rewrite = &r};
	double end = now() + atof(argv[3]);
	pthread_t thread;

	if (rewrite_begin(argv, &r) < 0)
		return attempt_untried(argv[0]);
	close(r.writer);
	if (pthread_create(&thread, NULL, mapper_run, &mapper))
		return attempt_untried("thread");
	while (now() < end) {
		int listed = settle(&r, &r.listed);
		int clean = settle(&r, &r.clean);

		rounds++;
		escaped += listed == ALLOWED;
		refused += clean == DENIED;
		untried += listed == UNTRIED || clean == UNTRIED || listed == FAILED;
	}
	mapper.stop = 1;
	pthread_join(thread, NULL);
	printf("rounds=%ld maps=%ld escaped=%ld refused=%ld untried=%ld\n", rounds, mapper.maps,
	       escaped, refused, untried);
	if (untried || !rounds)
		return UNTRIED;
	if (escaped)
		return ALLOWED;
	return refused ? FAILED : DENIED;
}
