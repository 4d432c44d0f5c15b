/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt_bounds.c - attempts of many processes at once: executions that start together,
 * and a storm of a given number of them beside a writer. Also the attribute by which IMA
 * chooses a digest. Part of the program attempt.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/attempt.h"

extern char **environ;

/* ---- executions that start together --------------------------------------------------- */

#define CHILD_DENIED 111
#define CHILD_FAILED 112

/* Waits for the end of the pipe, which all see at the same time. */
static void run_child(char *path, const int gate[2])
{
	char *argv[] = {path, NULL};
	char byte;

	close(gate[1]);
	if (read(gate[0], &byte, 1) != 0)
		_exit(CHILD_FAILED);
	execve(path, argv, environ);
	_exit(errno == EPERM ? CHILD_DENIED : CHILD_FAILED);
}

/* Denied means: at least one of them was. */
int attempt_exec_at_once(int argc, char **argv)
{
	int ran = 0, denied = 0, failed = 0, status, gate[2];

	if (pipe2(gate, O_CLOEXEC) < 0)
		return attempt_untried("pipe");
	for (int i = 0; i < argc; i++) {
		pid_t child = fork();

		if (child < 0)
			return attempt_untried("fork");
		if (child == 0)
			run_child(argv[i], gate);
	}
	close(gate[0]);
	close(gate[1]);
	while (wait(&status) > 0) {
		ran += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		denied += WIFEXITED(status) && WEXITSTATUS(status) == CHILD_DENIED;
		failed += !WIFEXITED(status) || WEXITSTATUS(status) == CHILD_FAILED;
	}
	/* The programs share the standard output. */
	fprintf(stderr, "ran=%d denied=%d failed=%d\n", ran, denied, failed);
	if (failed)
		return FAILED;
	return denied ? DENIED : ALLOWED;
}

/* ---- a storm of a given number ---------------------------------------------------------- */

#define RUNNERS	    2
#define WORKER_DONE 42

/* Shared by the processes of a storm. */
struct storm {
	long executions; /* of listed content, each of which has to be refused */
	long refused;
	long escaped;
	long unlisted; /* executions of content that is not listed */
	long overblocked;
	long failed; /* neither ran nor refused: shows nothing */
	long rewrites;
	long maps;
	int stop;
};

struct storm_files {
	char *listed;
	char *unlisted;
	char *target; /* has the clean or the dirty content, of which the dirty is listed */
	void *content[2];
	size_t size;
};

enum { CLEAN, DIRTY };

static void add(long *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static void run_listed(struct storm *s, char *path)
{
	int r = attempt_spawn(path);

	add(&s->executions);
	add(r == EPERM ? &s->refused : r == 0 ? &s->escaped : &s->failed);
}

static void run_unlisted(struct storm *s, char *path)
{
	int r = attempt_spawn(path);

	add(&s->unlisted);
	if (r)
		add(r == EPERM ? &s->overblocked : &s->failed);
}

/*
 * Without a child, which costs ten times as much as a refusal: when it is not refused this
 * process becomes the program, whose exit status tells.
 */
static void run_listed_here(struct storm *s, char *path)
{
	char *argv[] = {path, NULL};

	execve(path, argv, environ);
	add(&s->executions);
	add(errno == EPERM ? &s->refused : &s->failed);
}

/* The digest of this mapping may be under way while the writer writes. */
static void map_target(struct storm *s, const struct storm_files *f)
{
	int fd = open(f->target, O_RDONLY | O_CLOEXEC);
	void *p = mmap(NULL, f->size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	if (p != MAP_FAILED)
		munmap(p, f->size);
	close(fd);
	add(&s->maps);
}

/*
 * With pauses: a daemon that can do nothing but write records would answer nobody, and the
 * lists would hardly be exchanged.
 */
static void runner(struct storm *s, const struct storm_files *f)
{
	struct timespec pause = {.tv_nsec = 3000000};

	for (long i = 0; !__atomic_load_n(&s->stop, __ATOMIC_RELAXED); i++) {
		if (i % 4 == 0)
			run_listed(s, f->listed);
		else
			run_listed_here(s, f->listed);
		if (i % 16 == 0)
			run_unlisted(s, f->unlisted);
		if (i % 8 == 0)
			map_target(s, f);
		nanosleep(&pause, NULL);
	}
}

/* Somebody may be executing the target: then it cannot be opened for write. */
static int rewrite(const struct storm_files *f, int content)
{
	ssize_t n;
	int fd = open(f->target, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	n = pwrite(fd, f->content[content], f->size, 0);
	close(fd);
	return n == (ssize_t)f->size ? 0 : -1;
}

/* Once the writer is done the verdict has to be that of what was written. */
static void writer(struct storm *s, const struct storm_files *f)
{
	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		if (rewrite(f, DIRTY) < 0) {
			add(&s->failed);
			continue;
		}
		run_listed(s, f->target);
		if (rewrite(f, CLEAN) < 0) {
			add(&s->failed);
			continue;
		}
		run_unlisted(s, f->target);
		add(&s->rewrites);
	}
}

static int storm_content(const char *path, size_t size, void **ret)
{
	size_t found;
	int fd = attempt_open(path, O_RDONLY, &found);

	*ret = malloc(size);
	if (fd < 0 || !*ret || found != size || read(fd, *ret, size) != (ssize_t)size)
		return -1;
	return close(fd);
}

static int storm_read(char **argv, struct storm_files *ret)
{
	struct stat st;

	ret->listed = argv[0];
	ret->unlisted = argv[1];
	ret->target = argv[2];
	if (stat(ret->target, &st) < 0)
		return -1;
	ret->size = st.st_size;
	if (storm_content(argv[3], ret->size, &ret->content[CLEAN]) < 0)
		return -1;
	return storm_content(argv[4], ret->size, &ret->content[DIRTY]);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* -1: cannot fork. */
static int start_worker(struct storm *s, const struct storm_files *f,
			void (*work)(struct storm *, const struct storm_files *))
{
	pid_t child = fork();

	if (child == 0) {
		work(s, f);
		_exit(WORKER_DONE);
	}
	return child < 0 ? -1 : 0;
}

/* Takes the workers that ended. A runner that became its program is an escape. */
static int reap_workers(struct storm *s, const struct storm_files *f, int options)
{
	int status;

	while (waitpid(-1, &status, options) > 0) {
		if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_DONE)
			continue;
		add(&s->executions);
		add(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? &s->escaped : &s->failed);
		if (options && start_worker(s, f, runner) < 0)
			return -1;
	}
	return 0;
}

static int storm_conclude(const struct storm *s, long count, double seconds)
{
	fprintf(stderr,
		"executions=%ld refused=%ld escapes=%ld unlisted=%ld overblocked=%ld failed=%ld "
		"rewrites=%ld maps=%ld seconds=%.0f\n",
		s->executions, s->refused, s->escaped, s->unlisted, s->overblocked, s->failed,
		s->rewrites, s->maps, seconds);
	if (s->escaped)
		return ALLOWED;
	if (s->overblocked || s->failed || s->executions < count)
		return FAILED;
	return DENIED;
}

/* Until there were COUNT executions of listed content, or SECONDS are over. */
int attempt_exec_storm_count(int argc, char **argv)
{
	struct storm *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long count = atol(argv[0]);
	double start = now();
	struct timespec tick = {.tv_nsec = 100000000};
	struct storm_files files;

	if (s == MAP_FAILED || storm_read(argv + 2, &files) < 0)
		return attempt_untried(argv[2]);
	/* The programs that run speak to nobody. */
	if (!freopen("/dev/null", "w", stdout))
		return attempt_untried("/dev/null");
	if (start_worker(s, &files, writer) < 0)
		return attempt_untried("fork");
	for (int i = 0; i < RUNNERS; i++)
		if (start_worker(s, &files, runner) < 0)
			return attempt_untried("fork");
	while (__atomic_load_n(&s->executions, __ATOMIC_RELAXED) < count &&
	       now() < start + atof(argv[1])) {
		nanosleep(&tick, NULL);
		if (reap_workers(s, &files, WNOHANG) < 0)
			return attempt_untried("fork");
	}
	__atomic_store_n(&s->stop, 1, __ATOMIC_RELAXED);
	reap_workers(s, &files, 0);
	return storm_conclude(s, count, now() - start);
}

/* ---- IMA ------------------------------------------------------------------------------ */

/*
 * security.ima as security/integrity/integrity.h has it: a type byte, with type 4 the
 * number of the algorithm (include/uapi/linux/hash_info.h), then the digest, whose length
 * alone tells the algorithm with type 1. IMA then digests the file by that algorithm; the
 * digest itself is only compared where a policy appraises.
 */
static const struct ima_form {
	const char *name;
	unsigned char head[2];
	size_t head_size;
	size_t digest_size;
} ima_forms[] = {
	{"md5", {4, 1}, 2, 16},
	{"sha1", {4, 2}, 2, 20},
	{"old-md5", {1}, 1, 16},
	{"old-sha1", {1}, 1, 20},
};

int attempt_set_ima(int argc, char **argv)
{
	unsigned char value[2 + 20] = {0};

	for (size_t i = 0; i < sizeof(ima_forms) / sizeof(ima_forms[0]); i++) {
		const struct ima_form *form = &ima_forms[i];

		if (strcmp(form->name, argv[1]))
			continue;
		memcpy(value, form->head, form->head_size);
		if (setxattr(argv[0], "security.ima", value, form->head_size + form->digest_size,
			     0) < 0)
			return attempt_untried(argv[0]);
		return ALLOWED;
	}
	attempt_say("no such form: %s", argv[1]);
	return UNTRIED;
}
