/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.h - between attempt.c (one operation) and attempt_long.c (loops, and rewriting
 * in steps). Nobody else includes it.
 */
#pragma once

#include <stddef.h>

/* Exit statuses. */
enum outcome {
	ALLOWED = 0,
	DENIED = 1,
	UNTRIED = 2,
	FAILED = 3,
};

void attempt_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says @what and errno; returns UNTRIED. */
int attempt_untried(const char *what);

/* ALLOWED when @r is not negative, else DENIED or FAILED by errno, which is said. */
int attempt_result(long r, const char *what);

/* Opens @path close-on-exec; -1 with errno on failure. *ret_size is its size. */
int attempt_open(const char *path, int flags, size_t *ret_size);

/* Maps @fd privately and unmaps it again. */
int attempt_map(int fd, size_t size, int prot);

/* Verbs, see the table in attempt.c. */
int attempt_exec_many(int argc, char **argv);
int attempt_exec_storm(int argc, char **argv);
int attempt_rewrite_fd(int argc, char **argv);
int attempt_rewrite_shared(int argc, char **argv);
int attempt_rewrite_shared_late(int argc, char **argv);
int attempt_race(int argc, char **argv);
