/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_filter.h - the options that select records of the audit log, for the verbs that read it.
 * Only for user/cli.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "user/core/util.h"
#include "user/cli/cli.h"
#include "user/core/auditlog.h"

struct psc_log_filter {
	uint64_t since_ns; /* 0: from the beginning */
	uint64_t until_ns; /* 0: to the end */
	const char *verdict;
	const char *op;
	const char *action;
	const char *container;
	uint64_t pid;  /* 0: any */
	char *product; /* escaped as in the records */
};

#define PSC_LOG_OPTIONS_FILTER                                                                     \
	{"since", "TIME", "from then on: 2026-01-31T12:00:00Z, or so long ago: 30m, 1h, 2d"},      \
		{"until", "TIME", "up to then"},                                                   \
		{"verdict", "VERDICT", "allow, record, deny or would_deny"},                       \
		{"op", "OP", "exec, load, module, open, write, connect, spawn or install"},        \
		{"action", "ACTION", "event.action: an operation, or start, reload, ring_loss"},   \
		{"product", "PRODUCT", "of this product"}, {"pid", "PID", "by this process"},      \
		{"container", "ID", "in the container, or pod, whose id begins so"},               \
	{                                                                                          \
		"dir", "DIR", "directory of the log (default: as configured, " PSC_PATH_LOG ")"    \
	}

/* Reads the options; PSC_EXIT_OK, or what was said to be wrong. */
int psc_log_filter_read(struct psc_cli *cli, struct psc_log_filter *ret);
void psc_log_filter_clear(struct psc_log_filter *filter);

/* A reader of @directory that leaves out much of what does not match. Errors: as the reader's. */
int psc_log_filter_open(const struct psc_log_filter *filter, const char *directory, bool follow,
			struct psc_auditlog_reader **ret);

/* Does the record match? */
bool psc_log_filter_matches(const struct psc_log_filter *filter, const json_t *record);

/* Says on err which line is damaged, or which file cannot be read (@error: negative errno). */
void psc_log_note_damaged(struct psc_cli *cli, const struct psc_auditlog_line *line, int error);
