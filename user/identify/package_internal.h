/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_internal.h - what the readers of packages share. Used by user/identify only.
 */
#pragma once

#include "user/core/util.h"
#include "user/identify/package.h"

/*
 * Adds the id of the key that an OpenPGP signature (binary or armored) names. One that cannot be
 * parsed becomes a problem; without librpm nothing parses it, and a problem says so. -ENOMEM.
 */
int psc_package_add_key(struct psc_facts *facts, const void *data, size_t size);

/* psc_package_files() for one kind of package; -EBADMSG for what is none. */
int psc_deb_files(int fd, psc_package_file_fn fn, void *data);
int psc_rpm_files(int fd, psc_package_file_fn fn, void *data);
