/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_internal.h - what the files list*.c share. Nobody else includes it.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/list.h"

enum list_text {
	LIST_TEXT_NAME = 0,
	LIST_TEXT_PRODUCT = 1,
	LIST_TEXT_VERSION = 2,
	LIST_TEXT_SOURCE = 3,
	LIST_TEXT_MAX = 4,
};

/* A piece of the input: not terminated, with the column it began at. */
struct list_field {
	const char *data;
	size_t size;
	unsigned int column;
};

/* An entry on its way in. */
struct list_draft {
	enum psc_algo algo;
	enum psc_format format;
	uint64_t size; /* 0: not known */
	uint8_t digest[PSC_ALGO_DIGEST_MAX];
	struct list_field text[LIST_TEXT_MAX];
	unsigned int line;
};

/* How far a list was filled: what list_rollback() returns to. */
struct list_mark {
	size_t count;
	size_t digests;
	size_t texts;
	size_t files;
	struct psc_list_counts counts;
	struct psc_list_file last_file;
};

void list_mark(const struct psc_list *list, struct list_mark *ret);
void list_rollback(struct psc_list *list, const struct list_mark *mark);

/* Starts a file: entries added from here on count as its. */
int list_begin_file(struct psc_list *list, const char *path, struct psc_error *reterr);
int list_add(struct psc_list *list, const struct list_draft *draft);

/* Handles one line without its end. Errors are in @reterr, with @path and @line. */
typedef int (*list_line_fn)(struct psc_list *list, const char *path, unsigned int line,
			    const char *data, size_t size, struct psc_error *reterr);

/* Splits a text, or what @fd gives, into lines and hands them on; at least one line. */
int list_split(struct psc_list *list, const char *path, const char *data, size_t size,
	       list_line_fn fn, struct psc_error *reterr);
int list_split_fd(struct psc_list *list, const char *path, int fd, list_line_fn fn,
		  struct psc_error *reterr);

/* list_line_fn of a list file. */
int list_csv_line(struct psc_list *list, const char *path, unsigned int line, const char *data,
		  size_t size, struct psc_error *reterr);

/* list_line_fn of sha256sum's output. */
int list_sum_line(struct psc_list *list, const char *path, unsigned int line, const char *data,
		  size_t size, struct psc_error *reterr);
