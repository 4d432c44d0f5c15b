/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog_group.h - the group whose members may read the audit log. Used by the daemon.
 */
#pragma once

#include <sys/types.h>

#define PSC_AUDITLOG_GROUP "proscribe"

/*
 * Its number in @path, a file as /etc/group: no directory service is asked, which may be far
 * away or slow. -ENOENT when neither the group nor the file is there, errno of reading.
 */
int psc_auditlog_group(const char *path, gid_t *ret);
