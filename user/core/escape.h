/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape.h - the one function through which untrusted bytes (file names, process
 * names, list texts) go on their way to a record or a terminal.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

/*
 * The text is escaped already and only has to be made safe to print: backslashes stay.
 * For values read from the audit log or the daemon; not reversible by itself.
 */
#define PSC_ESCAPE_KEEP_BACKSLASH (1U << 0)

/*
 * Writes @size bytes at @data, escaped and NUL-terminated, into @buffer of
 * @buffer_size bytes. Printable UTF-8 passes. "\xNN" stands for a byte: C0 controls,
 * DEL, backslash, bytes that are not valid UTF-8. "\u{NNNN}" stands for a code point:
 * C1 controls, marks of writing direction, line and paragraph separators, noncharacters
 * and the other invisible format characters. The result is always valid UTF-8 without
 * control characters. Returns the length that the whole result has, like snprintf;
 * if that does not fit, the buffer holds as many whole characters and escapes as fit.
 */
size_t psc_escape_to(char *buffer, size_t buffer_size, const void *data, size_t size,
		     unsigned int flags);

/* The same, allocated: *@ret is to be freed by the caller. -ENOMEM. */
int psc_escape(const void *data, size_t size, char **ret);

/* psc_escape() of a string; NULL if @string is NULL or memory is short. */
char *psc_escape_string(const char *string);

/*
 * Reverses psc_escape(): *@ret has *@ret_size bytes and a NUL behind them, freed by the
 * caller. -EBADMSG for a backslash that begins no escape, -ENOMEM.
 */
int psc_unescape(const char *string, char **ret, size_t *ret_size);
