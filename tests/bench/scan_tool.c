/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_tool.c - what bench-scan needs and the shell has not:
 *   scan_tool pe                        an unsigned Windows program on standard output
 *   scan_tool time ROUNDS COMMAND...    "BEST-WALL-MS BEST-CPU-MS MOST-KIB" of the command's runs
 * The command's output goes to /dev/null; its exit status must be 0, 1 or 5.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/image.h"

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double ms(struct timeval tv)
{
	return (double)tv.tv_sec * 1e3 + (double)tv.tv_usec / 1e3;
}

static void run_child(char **argv)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

static int run_timed(int rounds, char **argv)
{
	double best = 1e18, best_cpu = 1e18;
	long most = 0;

	for (int i = 0; i < rounds; i++) {
		double begin = now_ms(), wall, cpu;
		struct rusage usage;
		int status;
		pid_t pid = fork();

		if (pid == 0)
			run_child(argv);
		if (wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) ||
		    (WEXITSTATUS(status) > 1 && WEXITSTATUS(status) != 5)) {
			fprintf(stderr, "%s failed\n", argv[0]);
			return 1;
		}
		wall = now_ms() - begin;
		cpu = ms(usage.ru_utime) + ms(usage.ru_stime);
		best = wall < best ? wall : best;
		best_cpu = cpu < best_cpu ? cpu : best_cpu;
		most = usage.ru_maxrss > most ? usage.ru_maxrss : most;
	}
	printf("%.1f %.1f %ld\n", best, best_cpu, most);
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t image[IMAGE_SIZE];

	if (argc == 2 && strcmp(argv[1], "pe") == 0) {
		make_image(image, true);
		return fwrite(image, sizeof(image), 1, stdout) == 1 ? 0 : 1;
	}
	if (argc > 3 && strcmp(argv[1], "time") == 0)
		return run_timed((int)strtol(argv[2], NULL, 10), argv + 3);
	return 2;
}
