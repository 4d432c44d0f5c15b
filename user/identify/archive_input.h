/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_input.h - libarchive as the readers here use it: opened on a part of a file or on a
 * member of another archive, with the formats that are wanted and no others, errors as negative
 * errno. Used by user/identify only.
 */
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdbool.h>

#include "user/core/util.h"

/* What an input may be. */
#define PSC_INPUT_TAR  (1U << 0)
#define PSC_INPUT_CPIO (1U << 1)
#define PSC_INPUT_ZIP  (1U << 2)
#define PSC_INPUT_AR   (1U << 3)
#define PSC_INPUT_RPM  (1U << 4) /* the payload behind an rpm's headers */
#define PSC_INPUT_RAW  (1U << 5) /* one compressed file */
#define PSC_INPUT_ALL  ((1U << 6) - 1)

#define PSC_INPUT_BUFFER (64U << 10)

struct psc_archive_input {
	struct archive *archive;
	struct psc_archive_input *outer; /* a member of it is read; or NULL */
	int fd;				 /* else: a file, from `start` on */
	uint64_t start;
	uint64_t position; /* in the file */
	uint64_t size;	   /* of the file */
	int error;	   /* negative errno of a read that failed */
	uint8_t buffer[PSC_INPUT_BUFFER];
};

/*
 * Opens the file behind @fd from byte @start. -ENOEXEC: none of @formats; -ENOMEM; errors of
 * reading. The caller frees @ret with psc_archive_input_freep(), before it closes @fd.
 */
int psc_archive_input_open(int fd, uint64_t start, unsigned int formats,
			   struct psc_archive_input **ret);

/* The same for the current member of @outer, which must not move while this is in use. */
int psc_archive_input_member(struct psc_archive_input *outer, unsigned int formats,
			     struct psc_archive_input **ret);
void psc_archive_input_freep(struct psc_archive_input **input);

/*
 * The next entry: 1 and @ret, which belongs to the input; 0 at the end; -EBADMSG when the rest
 * cannot be read, -ENOMEM, errors of reading.
 */
int psc_archive_input_next(struct psc_archive_input *input, struct archive_entry **ret);

/*
 * A piece of the current entry, at @ret_offset of it: 1, or 0 at its end; -EOPNOTSUPP when this
 * entry cannot be read and the next ones can; else as psc_archive_input_next().
 */
int psc_archive_input_read(struct psc_archive_input *input, const void **ret, size_t *ret_size,
			   uint64_t *ret_offset);

/*
 * The whole entry into memory, a NUL behind it, freed by the caller; -E2BIG above @max. Else as
 * psc_archive_input_read().
 */
int psc_archive_input_slurp(struct psc_archive_input *input, size_t max, char **ret,
			    size_t *ret_size);

/* Whether passing over an entry costs as much as reading it. */
bool psc_archive_input_compressed(const struct psc_archive_input *input);

/* What libarchive says of the last error; never NULL. */
const char *psc_archive_input_reason(const struct psc_archive_input *input);

/* Name without leading "/" and "./"; "" when it has none. Belongs to the entry. */
const char *psc_archive_entry_path(struct archive_entry *entry);

/*
 * Names are bytes, or UTF-8 where a format says so: libarchive needs a locale that can hold
 * them, in this thread and for as long as it works. NULL where there is no such locale.
 */
locale_t psc_archive_locale_enter(locale_t *ret_before);
void psc_archive_locale_leave(locale_t locale, locale_t before);
