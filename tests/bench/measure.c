/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.c - times the operations that `make bench` compares, in the guest. Static, so
 * that its own start is short. Run by guest.sh:
 *
 *   measure [-d DIR] [-n SAMPLES] ROW...    a line of JSON for each row
 *   measure hold FILE...                    maps the files and waits to be killed
 *
 * Time is CLOCK_MONOTONIC; under an instruction-counting QEMU one nanosecond is one
 * instruction. A sample of an open row is the mean of BATCH opens, because the clock's
 * own cost would show otherwise; of an exec row it is one execution.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH	    64
#define WARM_UP	    3
#define SAMPLES_MAX 10000
#define PATH_SIZE   256

static const char *directory = "/root";

static void die(const char *what)
{
	fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* vfork, exec, exit and wait: what a shell does for a command, and nothing else. */
static double run(const char *path)
{
	char *const argv[] = {(char *)path, NULL};
	char *const envp[] = {NULL};
	double begin = now();
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		execve(path, argv, envp);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die(path);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "measure: %s ended with status %#x\n", path, status);
		exit(1);
	}
	return now() - begin;
}

static double open_and_close(const char *path, int flags)
{
	double begin = now();

	for (int i = 0; i < BATCH; i++) {
		int fd = open(path, flags);

		if (fd < 0 || close(fd) < 0)
			die(path);
	}
	return (now() - begin) / BATCH;
}

/* The n-th copy of a program is executed once only: nothing of it is cached. */
static double run_first(const char *copies, int n)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s/%d", directory, copies, n);
	return run(path);
}

static double sample(const char *row, int n)
{
	char path[PATH_SIZE];

	if (!strcmp(row, "exec_first"))
		return run_first("first", n);
	if (!strcmp(row, "exec_first_big"))
		return run_first("first-big", n);
	if (!strcmp(row, "exec_dynamic"))
		return run("/bin/true");
	if (!strcmp(row, "exec_static")) {
		snprintf(path, sizeof(path), "%s/target-static", directory);
		return run(path);
	}
	snprintf(path, sizeof(path), "%s/data-%s", directory, row);
	if (!strcmp(row, "open_read"))
		return open_and_close(path, O_RDONLY | O_CLOEXEC);
	if (!strcmp(row, "open_write"))
		return open_and_close(path, O_RDWR | O_CLOEXEC);
	errno = EINVAL;
	die(row);
	return 0;
}

/* @count samples, preceded by some that are not kept where repeating changes nothing. */
static void measure(const char *row, int count)
{
	static double samples[SAMPLES_MAX];
	bool once = !strncmp(row, "exec_first", 10);

	for (int i = 0; !once && i < WARM_UP; i++)
		sample(row, i);
	for (int i = 0; i < count; i++)
		samples[i] = sample(row, i);
	printf("{\"row\":\"%s\",\"samples\":[", row);
	for (int i = 0; i < count; i++)
		printf("%s%.1f", i ? "," : "", samples[i]);
	printf("]}\n");
}

/*
 * A page that no process maps is dearer to map than one that somebody has. On a living
 * system the pages of libc are always mapped; here it would depend on which daemon runs.
 */
static void __attribute__((noreturn)) hold(char **files)
{
	for (; *files; files++) {
		int fd = open(*files, O_RDONLY | O_CLOEXEC);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0)
			die(*files);
		if (mmap(NULL, st.st_size, PROT_READ, MAP_SHARED | MAP_LOCKED, fd, 0) == MAP_FAILED)
			die(*files);
		close(fd);
	}
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int count = 20;
	int c;

	if (argc > 2 && !strcmp(argv[1], "hold"))
		hold(argv + 2);
	while ((c = getopt(argc, argv, "d:n:")) != -1) {
		switch (c) {
		case 'd':
			directory = optarg;
			break;
		case 'n':
			count = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (count < 1 || count > SAMPLES_MAX || optind == argc) {
		fputs("usage: measure [-d DIR] [-n SAMPLES] ROW...\n", stderr);
		return 2;
	}
	/* a dynamic program's cost depends on where it is put: by 1 % from run to run */
	if (personality(ADDR_NO_RANDOMIZE) < 0)
		die("personality");
	for (int i = optind; i < argc; i++)
		measure(argv[i], count);
	return 0;
}
