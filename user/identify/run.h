/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - shell scripts with an archive behind them, as makeself and vendors' own tools make
 * them: where the script ends, what it calls itself. Used by user/identify only; others take
 * package.h and archive.h.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

/* Bytes of a script in which its end is looked for. */
#define PSC_RUN_SCRIPT_MAX (2U << 20)

struct psc_run {
	uint64_t script_size; /* bytes: the archive begins there */
	char *label;	      /* of makeself's header; NULL: none */
	bool encrypted;	      /* what is behind it is no archive without the password */
};

/*
 * -ENOEXEC: no #! script, or nothing that looks like an archive behind it. -ENOMEM, errors of
 * reading. Clear @ret with psc_run_clear().
 */
int psc_run_read(int fd, struct psc_run *ret);
void psc_run_clear(struct psc_run *run);
