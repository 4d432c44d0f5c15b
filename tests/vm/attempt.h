/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.h - between attempt.c (one operation), attempt_long.c (loops, and rewriting in
 * steps), attempt_bounds.c (many processes at once), attempt_ways.c, attempt_fuse.c and
 * attempt_clock.c. Nobody else includes it.
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

/*
 * Opens @path for write, with O_CREAT or O_TRUNC in @flags, and waits as long as somebody
 * executes it; -1 with errno on failure.
 */
int attempt_writable(const char *path, int flags);

/* Maps @fd privately and unmaps it again. */
int attempt_map(int fd, size_t size, int prot);

/* Executes by execveat(2) in a child and waits for it. */
int attempt_exec_at(int fd, const char *path, int flags);

/* Likewise, silently: the errno of the exec, 0 when the program ran to its end, else -1. */
int attempt_spawn(char *path);

/* Verbs, see the table in attempt.c. */
int attempt_exec_many(int argc, char **argv);
int attempt_counted(int argc, char **argv);
int attempt_exec_storm(int argc, char **argv);
int attempt_rewrite_fd(int argc, char **argv);
int attempt_rewrite_shared(int argc, char **argv);
int attempt_rewrite_shared_late(int argc, char **argv);
int attempt_race(int argc, char **argv);
int attempt_exec_at_once(int argc, char **argv);
int attempt_exec_storm_count(int argc, char **argv);
int attempt_clock_step(int argc, char **argv);
int attempt_clock_tai(int argc, char **argv);
int attempt_set_ima(int argc, char **argv);
int attempt_exec_tmpfile(int argc, char **argv);
int attempt_exec_tmpfile_fd(int argc, char **argv);
int attempt_exec_deleted(int argc, char **argv);
int attempt_exec_other_fd(int argc, char **argv);
int attempt_exec_memfd_rewritten(int argc, char **argv);
int attempt_exec_uring(int argc, char **argv);
int attempt_exec_openat2(int argc, char **argv);
int attempt_exec_handle(int argc, char **argv);
int attempt_exec_rewritten(int argc, char **argv);
int attempt_map_shared(int argc, char **argv);
int attempt_map_sysv(int argc, char **argv);
int attempt_map_handle(int argc, char **argv);
int attempt_open_uring(int argc, char **argv);
int attempt_open_uring_async(int argc, char **argv);
int attempt_mount_idmapped(int argc, char **argv);
int attempt_fuse_hanging(int argc, char **argv);
int attempt_map_before_copy_up(int argc, char **argv);
