/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dpkg.h - the database of dpkg, read as text: /var/lib/dpkg/status (also status.d, as images
 * without dpkg have it) and info/PACKAGE.list. Used by the scan and the daemon's resolver.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

/* Strings are "" when the database does not say; valid during the call. */
struct psc_dpkg_package {
	const char *name;
	const char *version;
	const char *architecture;
	const char *maintainer;
	const char *homepage;
	const char *status; /* "install ok installed" */
	bool is_installed;  /* false: removed, at most its configuration is left */
	unsigned int line;  /* of its name */
};

/* An error ends the reading and comes back. */
typedef int (*psc_dpkg_package_fn)(const struct psc_dpkg_package *package, void *data);

/*
 * Every package of a status file. -E2BIG for one larger than any real one, -EBADMSG for a line
 * that belongs to no field, with its number in *@ret_line; what came before was given. -ENOMEM,
 * errors of reading and of @fn.
 */
int psc_dpkg_read_status(int fd, psc_dpkg_package_fn fn, void *data, unsigned int *ret_line);

/* Gets each path, absolute and without its end, of a .list. An error ends the reading. */
typedef int (*psc_dpkg_path_fn)(const char *path, size_t length, void *data);
int psc_dpkg_read_list(int fd, psc_dpkg_path_fn fn, void *data);
