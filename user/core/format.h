/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.h - the file formats that a list can name: recognising them by magic, and
 * which of the kernel's size filters each belongs to. Used by all of user/.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

enum psc_format {
	PSC_FORMAT_ANY = 0, /* not known or not said */
	PSC_FORMAT_ELF = 1,
	PSC_FORMAT_SCRIPT = 2, /* #! */
	PSC_FORMAT_PE = 3,     /* Windows program; plain MZ too */
	PSC_FORMAT_DEB = 4,
	PSC_FORMAT_RPM = 5,
	PSC_FORMAT_ARCHIVE = 6, /* gzip, xz, zstd, bzip2, 7z, cpio */
	PSC_FORMAT_MAX = 7,
};

/* Enough of a file's head for psc_format_detect() to say all it can. */
#define PSC_FORMAT_HEAD_SIZE 64

/* "any", "elf", ...; NULL when @format is out of range. */
const char *psc_format_to_string(unsigned int format);

/* -EINVAL when @name is no format. */
int psc_format_from_string(const char *name, enum psc_format *ret);

/* Format by the first @size bytes of a file; PSC_FORMAT_ANY when none is recognised. */
enum psc_format psc_format_detect(const uint8_t *head, size_t size);

/* Whether a listed size of this format goes into PSC_FILTER_EXEC: elf, script, pe, any. */
bool psc_format_in_exec_filter(enum psc_format format);

/* Whether a listed size of this format goes into PSC_FILTER_OPEN: all but elf, script. */
bool psc_format_in_open_filter(enum psc_format format);

/*
 * Whether a digest of this format without a size makes the kernel digest whatever
 * is executed or mapped: elf, script, any. The others are found by userspace.
 */
bool psc_format_forces_hashing(enum psc_format format);
