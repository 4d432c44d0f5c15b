/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sizeless.h - digests of a site's own lists that the kernel never looks for until somebody
 * gives their size; the site can. Used by the daemon's status.
 */
#pragma once

#include <stddef.h>

struct psc_image;
struct psc_list;

/*
 * How many of the first @site_files files of @list: sha256, of a package or a Windows program,
 * without a size here or, as @image has it, which was made of @list and is armed, elsewhere.
 */
size_t psc_sizeless_count(const struct psc_list *list, size_t site_files,
			  const struct psc_image *image);
