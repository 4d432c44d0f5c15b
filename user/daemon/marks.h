/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marks.h - the kernel's marks of listed places. The kernel makes the key itself, of an open
 * file or directory: what stat(2) says of an inode is another thing on overlays and btrfs. What
 * a number stands for says psc_table.place_subject; a number without a subject does nothing.
 *
 * Only in the daemon, whose process the guard knows (psc_control.daemon_tgid), and only by one
 * thread at a time. The descriptor may be O_RDONLY; O_PATH will not do.
 */
#pragma once

#include "user/core/util.h"
#include "user/daemon/loader.h"

/*
 * Marks what is open as @fd, directory or file, with the place of this @number; a mark that it
 * has is replaced. -ENOSPC when there are PSC_MARKS_MAX (the kernel counts it as marks_full),
 * -EBADF, -EBADE when the guard did not answer, -ERANGE for a @number it does not know.
 */
int psc_marks_set(struct psc_guard *guard, uint32_t number, int fd);

/* Takes the mark away, whatever its number; -ENOENT when there is none. */
int psc_marks_remove(struct psc_guard *guard, int fd);

/*
 * Removes the marks of places @from up to, not including, @to that are not in @keep. What was
 * marked for a place that stays listed stays marked, wherever it was moved to since.
 */
int psc_marks_sweep(struct psc_guard *guard, uint32_t from, uint32_t to,
		    const bool keep[PSC_PLACES_MAX]);

/* Removes every mark. */
int psc_marks_clear(struct psc_guard *guard);

/* How many there are; *ret_of may be NULL, else PSC_PLACES_MAX counts by number. */
int psc_marks_count(const struct psc_guard *guard, size_t *ret, size_t *ret_of);
