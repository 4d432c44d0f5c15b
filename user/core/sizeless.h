/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sizeless.h - digests of a site's own lists that the kernel never looks for until somebody
 * gives their size; the site can. Used by the daemon's status.
 */
#pragma once

#include <stddef.h>

struct psc_list;

/*
 * How many entries of the first @site_files files of @list: sha256, of a package or a Windows
 * program, without a size.
 */
size_t psc_sizeless_count(const struct psc_list *list, size_t site_files);
