/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gap.c - how long an execution is held up at most, while something else goes on. Run by
 * scale.sh in the guest:
 *
 *   gap watch PROGRAM FILE    executes PROGRAM again and again until FILE is there, then
 *                             prints one line of JSON: executions, and in nanoseconds the
 *                             median, the 99th and 99.9th percentile and the largest gaps
 *                             from one execution's end to the next one's
 *   gap spin SECONDS          keeps a processor busy: what any busy process costs the others
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GAPS_MAX (1U << 22)
#define LARGEST	 5

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void run(const char *path)
{
	char *const argv[] = {(char *)path, NULL};
	char *const envp[] = {NULL};
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execve(path, argv, envp);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(1, "%s", path);
	if (status)
		errx(1, "%s ended with status %#x", path, (unsigned int)status);
}

static int by_length(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int watch(const char *path, const char *end)
{
	uint64_t *gaps = calloc(GAPS_MAX, sizeof(*gaps));
	uint64_t begin, last, start;
	size_t n = 0;

	if (!gaps)
		err(1, "gaps");
	run(path);
	start = last = now();
	while (n < GAPS_MAX && access(end, F_OK) < 0) {
		run(path);
		begin = now();
		gaps[n++] = begin - last;
		last = begin;
	}
	if (n < LARGEST)
		errx(1, "%zu executions only", n);
	qsort(gaps, n, sizeof(*gaps), by_length);
	printf("{\"execs\":%zu,\"lasted\":%" PRIu64 ",\"median\":%" PRIu64 ",\"p99\":%" PRIu64
	       ",\"p999\":%" PRIu64 ",\"largest\":[",
	       n, last - start, gaps[n / 2], gaps[n * 99 / 100], gaps[n * 999 / 1000]);
	for (int i = 1; i <= LARGEST; i++)
		printf("%s%" PRIu64, i > 1 ? "," : "", gaps[n - i]);
	puts("]}");
	free(gaps);
	return 0;
}

static int spin(unsigned int seconds)
{
	uint64_t end = now() + seconds * 1000000000ULL;

	while (now() < end)
		for (volatile int i = 0; i < 100000; i++)
			;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "watch"))
		return watch(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "spin"))
		return spin(strtoul(argv[2], NULL, 10));
	fputs("usage: gap watch PROGRAM FILE | gap spin SECONDS\n", stderr);
	return 2;
}
