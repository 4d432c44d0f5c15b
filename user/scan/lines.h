/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h - the lines of a text file, plain or gzip, one after the other and bounded: package
 * databases, logs, units. Only for user/scan.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

#define PSC_LINE_MAX 65536 /* bytes of a line; the rest of a longer one is dropped */

struct psc_lines;

/*
 * Reads from the beginning of @fd, whose offset moves; it stays the caller's. Ends after @most
 * bytes of text. -ENOMEM, errno of dup(2).
 */
int psc_lines_open(int fd, uint64_t most, struct psc_lines **ret);
struct psc_lines *psc_lines_free(struct psc_lines *lines);
void psc_lines_freep(struct psc_lines **lines);

/*
 * The next line without its end, with a NUL; valid until the next call. NULL at the end, or when
 * nothing more can be read: psc_lines_error() says which.
 */
char *psc_lines_next(struct psc_lines *lines, size_t *ret_length);

/* Number of the line that came last, from 1. */
unsigned int psc_lines_number(const struct psc_lines *lines);

/* 0, or why the text ended early: -EBADMSG (damaged gzip), -E2BIG, the errno of reading. */
int psc_lines_error(const struct psc_lines *lines);
