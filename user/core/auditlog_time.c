/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog_time.c - see auditlog_time.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/auditlog_time.h"
#include "user/core/chain.h"

/* Events wait in the kernel while the log cannot be written, and repeats until they are counted. */
#define ALLOWANCE_NS (3600 * PSC_NSEC_PER_SEC)

/* Enough for the end of a line and the beginning of the next; of longer lines nothing is known. */
#define SAMPLE_SIZE (8U << 10)

static const char chain_begin[] = "{\"chain\":{";
static const char time_begin[] = "\"@timestamp\":\"";

/* What stands behind the chain's link, or behind the brace of a record without one. */
static const char *behind_link(const char *line, size_t size)
{
	const size_t begin = sizeof(chain_begin) - 1;
	const char *end;

	if (size < begin || memcmp(line, chain_begin, begin) != 0)
		return line + 1;
	end = memchr(line, '}', size < PSC_CHAIN_PREFIX_MAX ? size : PSC_CHAIN_PREFIX_MAX);
	return end ? end + 2 : NULL;
}

const char *psc_auditlog_time_of(const char *line, size_t size)
{
	const size_t begin = sizeof(time_begin) - 1;
	const char *at = behind_link(line, size);

	if (!at || at > line + size ||
	    (size_t)(line + size - at) < begin + PSC_AUDITLOG_TIME_SIZE + 1 ||
	    memcmp(at, time_begin, begin) != 0)
		return NULL;
	at += begin;
	for (size_t i = 0; i < PSC_AUDITLOG_TIME_SIZE; i++) {
		const char form = "0000-00-00T00:00:00.000000Z"[i];

		if (form == '0' ? at[i] < '0' || at[i] > '9' : at[i] != form)
			return NULL;
	}
	return at[PSC_AUDITLOG_TIME_SIZE] == '"' ? at : NULL;
}

/* The first line that begins at @offset or behind it: its time to @time and where it begins. */
static bool sample(int fd, off_t offset, char time[PSC_AUDITLOG_TIME_SIZE], off_t *ret)
{
	char buffer[SAMPLE_SIZE];
	ssize_t n = pread(fd, buffer, sizeof(buffer), offset);
	const char *line = buffer, *found;

	if (n <= 0)
		return false;
	if (offset > 0) {
		line = memchr(buffer, '\n', (size_t)n);
		if (!line)
			return false;
		line++;
	}
	found = psc_auditlog_time_of(line, (size_t)(buffer + n - line));
	if (!found)
		return false;
	memcpy(time, found, PSC_AUDITLOG_TIME_SIZE);
	*ret = offset + (line - buffer);
	return true;
}

off_t psc_auditlog_offset_of(int fd, off_t size, uint64_t since_ns)
{
	char wanted[PSC_TIME_TEXT_MAX], time[PSC_AUDITLOG_TIME_SIZE];
	off_t before = 0, at;

	if (since_ns < ALLOWANCE_NS)
		return 0;
	psc_time_format(since_ns - ALLOWANCE_NS, wanted);
	for (off_t offset = 0; offset < size; offset += PSC_AUDITLOG_STRIDE) {
		if (!sample(fd, offset, time, &at))
			continue;
		if (memcmp(time, wanted, PSC_AUDITLOG_TIME_SIZE) >= 0)
			break;
		before = at;
	}
	return before;
}
