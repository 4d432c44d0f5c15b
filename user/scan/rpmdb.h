/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpmdb.h - rpm databases as librpm opens them. Only for rpmdb.c and rpmdb_files.c: whoever
 * includes this needs librpm.
 */
#pragma once

#include <rpm/rpmdb.h>
#include <rpm/rpmlib.h>
#include <rpm/rpmts.h>

#include "user/core/util.h"
#include "user/core/facts.h"

/* A kind of database by the file that shows it, with what belongs to it. */
struct psc_rpmdb_kind {
	const char *name, *beside, *backend;
};

struct psc_rpmdb {
	char directory[64]; /* of the copy; "" before there is one */
	const struct psc_rpmdb_kind *kind;
	rpmts ts;
};

#define PSC_RPMDB_KINDS	      3
#define PSC_RPMDB_DIRECTORIES 2

extern const struct psc_rpmdb_kind psc_rpmdb_kinds[PSC_RPMDB_KINDS];
extern const char *const psc_rpmdb_directories[PSC_RPMDB_DIRECTORIES];

/*
 * Copies what is open as @fd and, unless that is negative, @beside_fd into a directory of its own
 * below @temporary and opens the copy. -EBADMSG for what is no database, -EFBIG, errno of files.
 * The caller closes @ret in any case, once it has filled it with zeros before.
 */
int psc_rpmdb_open(const struct psc_rpmdb_kind *kind, int fd, int beside_fd, const char *temporary,
		   struct psc_rpmdb *ret);
void psc_rpmdb_close(struct psc_rpmdb *database);

/* What belongs to the database at @path, beside it: a descriptor, -ENOENT for none, errno. */
int psc_rpmdb_open_beside(const struct psc_rpmdb_kind *kind, const char *path);

/* Adds what a package's record says of it. -ENOMEM. */
int psc_rpmdb_facts(Header header, struct psc_facts *facts);
