/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog_time.h - finds the time of a line of the audit log without parsing it, where in a
 * large file the lines of a time begin, and how new a compressed file is. Only for the reader of
 * the audit log and for what compresses it.
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

/*
 * Behind a compressed file stands an empty gzip member whose comment is the newest time in it
 * ("newest 2026-01-02T03:04:05.123456Z"): files that are too old need not be unpacked. gzip, zcat
 * and zlib read over it. It is a hint for `proscribe log`; `log verify` reads everything.
 */
#define PSC_AUDITLOG_TRAILER_SIZE 55

/* Collects it from the plain text; {} at first. */
struct psc_auditlog_newest {
	char time[PSC_AUDITLOG_TIME_SIZE]; /* "" at first */
	bool unknown;			   /* a line does not tell its time */
	bool inside;			   /* a line that was looked at */
	size_t begun;			   /* bytes of @line */
	char line[512];			   /* enough for the beginning of a record */
};

/* The next piece of the text, cut anywhere. */
void psc_auditlog_newest_feed(struct psc_auditlog_newest *newest, const char *data, size_t size);

/* The member; false when there is none: a line has no time, or the last one has no end. */
bool psc_auditlog_newest_format(const struct psc_auditlog_newest *newest,
				unsigned char ret[PSC_AUDITLOG_TRAILER_SIZE]);

/* The time in the member at the end of @fd; false when there is none. */
bool psc_auditlog_newest_read(int fd, off_t size, char ret[PSC_AUDITLOG_TIME_SIZE]);
