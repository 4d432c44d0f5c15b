/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog_time.h - finds the time of a line of the audit log without parsing it, and where in
 * a large file the lines of a time begin. Only for the reader of the audit log.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "user/core/timefmt.h"
#include "user/core/util.h"

/* Letters of a time in a record, "2026-01-02T03:04:05.123456Z": their order is that of time. */
#define PSC_AUDITLOG_TIME_SIZE 27

/* Up to this size a file is looked through line by line. */
#define PSC_AUDITLOG_LARGE (256U << 20)

/*
 * The time of the line of @size bytes: PSC_AUDITLOG_TIME_SIZE letters within it, or NULL when the
 * line does not begin as records do.
 */
const char *psc_auditlog_time_of(const char *line, size_t size);

/*
 * Offset of a line in @fd before which no line is of @since_ns or later. Looks at a line in every
 * PSC_AUDITLOG_STRIDE bytes, and allows for lines that are out of order by an hour: what is in a
 * shorter run of lines of another time than all around it may be missed. 0 when in doubt.
 */
#define PSC_AUDITLOG_STRIDE (256U << 10)
off_t psc_auditlog_offset_of(int fd, off_t size, uint64_t since_ns);
