/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog_names.h - names of the audit log's files in their order. Only for the
 * writer and the reader of the audit log.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

#define PSC_AUDITLOG_PREFIX    "audit-"
#define PSC_AUDITLOG_SUFFIX    ".jsonl"
#define PSC_AUDITLOG_PACKED    ".gz" /* behind the suffix */
#define PSC_AUDITLOG_NAME_SIZE 48

struct psc_auditlog_names {
	char **names; /* sorted, oldest first */
	size_t count;
};

/* Frees the names; a cleanup function. */
void psc_auditlog_names_clear(struct psc_auditlog_names *names);

/* Is it the name of a compressed file? */
bool psc_auditlog_is_packed(const char *name);

/* Start time in the name of a log file; false when it is no such name. */
bool psc_auditlog_name_parse(const char *name, uint64_t *ret_ns);

/* Reads all names of log files in @directory. Errors of opendir(3) and readdir(3), -ENOMEM. */
int psc_auditlog_names_read(const char *directory, struct psc_auditlog_names *ret);
