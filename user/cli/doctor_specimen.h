/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_specimen.h - the files that `proscribe doctor` makes, lists and tries: a program,
 * a script and a library of content that exists nowhere else. Only for user/cli.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/format.h"
#include "bpf/abi.h"

enum psc_specimen_kind {
	PSC_SPECIMEN_PROGRAM = 0,
	PSC_SPECIMEN_SCRIPT = 1,
	PSC_SPECIMEN_LIBRARY = 2,
	PSC_SPECIMEN_MAX = 3,
};

/* "program", "script", "library". */
const char *psc_specimen_name(enum psc_specimen_kind kind);

struct psc_specimen {
	char path[192];
	uint8_t digest[PSC_DIGEST_SIZE];
	uint64_t size; /* bytes */
	enum psc_format format;
};

struct psc_specimens {
	char directory[128]; /* "": there are none */
	struct psc_specimen file[PSC_SPECIMEN_MAX];
};

/*
 * Makes a private directory, below the first of @parents (NULL ends them) in which one can
 * be made and programs may run, and the files in it. On an error nothing is left behind:
 * -EACCES when programs may run in none of @parents, else what went wrong, with @ret_what
 * about which path; it is @parents' or static.
 */
int psc_specimens_make(const char *const *parents, struct psc_specimens *ret,
		       const char **ret_what);

/*
 * Runs the program or script to its end, or maps the library executable. Returns 0 when
 * that went well, the negative errno of the exec or the mapping, or a positive number,
 * 1000 + the wait status of what ran but failed.
 */
int psc_specimen_try(const struct psc_specimens *specimens, enum psc_specimen_kind kind);

/* Removes files and directory; a cleanup function. Negative errno when something stays. */
int psc_specimens_remove(struct psc_specimens *specimens);
