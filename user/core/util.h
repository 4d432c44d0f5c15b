/* SPDX-License-Identifier: Apache-2.0 */
/*
 * util.h - cleanup attributes, hand-over macros and bans. Included first by every
 * user/ source file.
 *
 * Conventions of user/: functions return 0 or a negative errno; `ret_*` outputs
 * are written only on success; file descriptors start at -1 and are O_CLOEXEC;
 * free functions accept NULL.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Hands ownership over: yields the value and disarms the cleanup attribute. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		typeof(p) _t = (p);                                                                \
		(p) = NULL;                                                                        \
		_t;                                                                                \
	})
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int _t = (fd);                                                                     \
		(fd) = -1;                                                                         \
		_t;                                                                                \
	})

static inline void psc_freep(void *p)
{
	free(*(void **)p);
}

static inline void psc_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void psc_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Frees a NULL-terminated list of strings; NULL is fine. */
static inline void psc_strings_free(char **strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		free(strings[i]);
	free(strings);
}

#define _cleanup_free_	 _cleanup_(psc_freep)
#define _cleanup_close_	 _cleanup_(psc_closep)
#define _cleanup_fclose_ _cleanup_(psc_fclosep)

/* Unbounded or locale-bound functions that have safer relatives. */
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol gets
