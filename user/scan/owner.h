/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner.h - which package brought a file, by the package databases of a root: whether it is the
 * vendor's own or another one's that carries its engine. Used by the scan, `explain` and the
 * daemon's resolver.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/core/indicator.h"
#include "user/scan/dpkg.h"

/* Adds what dpkg's database says of a package. -ENOMEM. */
int psc_dpkg_package_facts(const struct psc_dpkg_package *package, struct psc_facts *facts);

/* Whether @list, the name of a file in dpkg's info without its end, is that of the package. */
bool psc_dpkg_is_list_of(const char *list, size_t length, const char *name);

/*
 * The package that dpkg installed @path with, below the directory @root ("" is the host's):
 * its facts are added to @ret. 1 when there is one, 0 when not, -ENOMEM; databases that cannot
 * be read know no owner.
 */
int psc_owner_find_dpkg(const char *root, const char *path, struct psc_facts *ret);

/* The same of rpm's. librpm has state of its own: one thread at a time, and no daemon. */
int psc_owner_find_rpm(const char *root, const char *path, struct psc_facts *ret);

/* Finds the owner of a path: 1, its facts were added; 0, there is none; -ENOMEM. */
typedef int (*psc_owner_fn)(const char *path, void *data, struct psc_facts *ret);

/*
 * Asks who owns a file, where that may say something else of it: its first path in @facts, of
 * which @matches hold. Both are what they are with the answer then. -ENOMEM.
 */
int psc_owner_judge(const struct psc_indicators *indicators, psc_owner_fn find, void *data,
		    struct psc_facts *facts, struct psc_matches *matches);
