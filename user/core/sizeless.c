/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sizeless.c - see sizeless.h.
 */
#include "user/core/util.h"
#include "user/core/list.h"
#include "user/core/sizeless.h"

size_t psc_sizeless_count(const struct psc_list *list, size_t site_files)
{
	struct psc_list_entry entry;
	size_t count = 0;

	for (size_t i = 0; psc_list_get(list, i, &entry) == 0; i++) {
		count += entry.file < site_files && !entry.has_size &&
			 psc_list_entry_enforce(&entry) == PSC_LIST_ENFORCEABLE &&
			 !psc_format_forces_hashing(entry.format);
	}
	return count;
}
