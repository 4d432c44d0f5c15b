/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog_group.c - see auditlog_group.h.
 */
#include <errno.h>
#include <grp.h>

#include "user/core/util.h"
#include "user/core/auditlog_group.h"

#define LINE_MAX_SIZE (256U << 10) /* a group with some ten thousand members */

int psc_auditlog_group(const char *path, gid_t *ret)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = malloc(LINE_MAX_SIZE);
	struct group group, *found;
	int r;

	if (!file)
		return -errno;
	if (!line)
		return -ENOMEM;
	while ((r = fgetgrent_r(file, &group, line, LINE_MAX_SIZE, &found)) == 0) {
		if (strcmp(group.gr_name, PSC_AUDITLOG_GROUP) != 0)
			continue;
		*ret = group.gr_gid;
		return 0;
	}
	return -r;
}
