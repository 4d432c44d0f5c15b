/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover.h - what whoever ends leaves to the next daemon in files: since when the guard is not on,
 * and what it told of that nobody has read. Written by the daemon and by `proscribe off`, which are
 * not at it at the same time: one asks the other.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

#define PSC_BOOT_ID_SIZE 64

/* Id of this boot, without the newline; "" when it cannot be read. */
void psc_handover_boot_id(char ret[PSC_BOOT_ID_SIZE]);

/*
 * Writes "BOOT-ID STATE NS REQUESTER" to @path: the guard is in @state ("on", "off") at @boot_ns of
 * the boot clock. Errors of the calls; then the file is gone: without it the next daemon takes the
 * guard to have been away since the boot, which is never too little.
 */
int psc_handover_guard(const char *path, const char *boot_id, const char *state, uint64_t boot_ns,
		       const char *requester);

/* Events of a guard that was taken off before a daemon had read them. */
struct psc_unread {
	char boot_id[PSC_BOOT_ID_SIZE];
	bool kept; /* they wait in the kernel, until the boot ends; else they are lost */
	uint64_t events;
};

#define PSC_UNREAD_MAX 8

/*
 * Reads what @path says: lines "BOOT-ID kept|lost EVENTS". Returns how many; 0 when there is no file.
 * -EINVAL for a line that is something else, errors of the calls.
 */
int psc_unread_read(const char *path, struct psc_unread ret[PSC_UNREAD_MAX]);

/* Replaces it; without any it is removed. Errors of the calls. */
int psc_unread_write(const char *path, const struct psc_unread *unread, size_t count);

/* Adds one to it, to the last one if there are too many: then all of that are lost. */
int psc_unread_add(const char *path, const struct psc_unread *unread);
