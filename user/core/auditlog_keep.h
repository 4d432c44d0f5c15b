/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog_keep.h - looks after the audit log's older files: compresses them in pieces, so that
 * the daemon never stops for it, and gives up the oldest when all are more than a bound. The
 * chain goes on over all of it. Used by the daemon.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/auditlog_names.h"

/* Bytes that one step compresses. */
#define PSC_KEEPER_STEP (1U << 20)

struct psc_keeper;

/* @directory is copied. -ENOMEM. */
int psc_keeper_new(const char *directory, struct psc_keeper **ret);
struct psc_keeper *psc_keeper_free(struct psc_keeper *keeper); /* NULL is fine */

/*
 * Does a little: goes on with the file that is being compressed, or begins with the oldest one
 * that is not, but never the newest, which is written. 1: there is more to do, 0: nothing. On an
 * error (negative errno) the plain file stays as it was, and the next step begins anew.
 */
int psc_keeper_pack(struct psc_keeper *keeper);

/* A file that was given up. */
struct psc_keeper_gone {
	char name[PSC_AUDITLOG_NAME_SIZE];
	uint64_t bytes;
	uint64_t next_sequence; /* of the first record that is left; 0: not known */
};

/*
 * Removes the oldest file if all together have more than @bytes_max, but never the newest. 1 and
 * @ret, 0 when nothing was to be done, or negative errno.
 */
int psc_keeper_give_up(struct psc_keeper *keeper, uint64_t bytes_max, struct psc_keeper_gone *ret);
