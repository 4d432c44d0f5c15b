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

/* ---- compressed files ------------------------------------------------------------------------ */

/* RFC 1952: magic, deflate, FCOMMENT, no time, Unix; an empty block, its checksum and length. */
static const char member_begin[] = "\x1f\x8b\x08\x10\0\0\0\0\0\x03newest ";
static const char member_end[] = "\0\x03\0\0\0\0\0\0\0\0"; /* and the literal's own NUL */
_Static_assert(sizeof(member_begin) - 1 + PSC_AUDITLOG_TIME_SIZE + sizeof(member_end) ==
		       PSC_AUDITLOG_TRAILER_SIZE,
	       "size of the member");

static void note_line(struct psc_auditlog_newest *newest)
{
	const char *time = psc_auditlog_time_of(newest->line, newest->begun);

	newest->begun = 0;
	if (!time)
		newest->unknown = true;
	else if (memcmp(time, newest->time, PSC_AUDITLOG_TIME_SIZE) > 0)
		memcpy(newest->time, time, PSC_AUDITLOG_TIME_SIZE);
}

void psc_auditlog_newest_feed(struct psc_auditlog_newest *newest, const char *data, size_t size)
{
	while (size > 0) {
		size_t room = sizeof(newest->line) - newest->begun;
		size_t length = newest->inside || room > size ? size : room;
		const char *newline = memchr(data, '\n', length);

		if (newline)
			length = (size_t)(newline - data);
		if (!newest->inside) {
			memcpy(newest->line + newest->begun, data, length);
			newest->begun += length;
			if (newline || newest->begun == sizeof(newest->line)) {
				note_line(newest);
				newest->inside = true;
			}
		}
		if (newline) {
			newest->inside = false;
			length++;
		}
		data += length;
		size -= length;
	}
}

bool psc_auditlog_newest_format(const struct psc_auditlog_newest *newest,
				unsigned char ret[PSC_AUDITLOG_TRAILER_SIZE])
{
	if (newest->unknown || newest->inside || newest->begun || !newest->time[0])
		return false;
	memcpy(ret, member_begin, sizeof(member_begin) - 1);
	ret += sizeof(member_begin) - 1;
	memcpy(ret, newest->time, PSC_AUDITLOG_TIME_SIZE);
	memcpy(ret + PSC_AUDITLOG_TIME_SIZE, member_end, sizeof(member_end));
	return true;
}

bool psc_auditlog_newest_read(int fd, off_t size, char ret[PSC_AUDITLOG_TIME_SIZE])
{
	const size_t begin = sizeof(member_begin) - 1;
	char buffer[PSC_AUDITLOG_TRAILER_SIZE];

	if (size < (off_t)sizeof(buffer) ||
	    pread(fd, buffer, sizeof(buffer), size - (off_t)sizeof(buffer)) !=
		    (ssize_t)sizeof(buffer) ||
	    memcmp(buffer, member_begin, begin) != 0 ||
	    memcmp(buffer + begin + PSC_AUDITLOG_TIME_SIZE, member_end, sizeof(member_end)) != 0)
		return false;
	memcpy(ret, buffer + begin, PSC_AUDITLOG_TIME_SIZE);
	return true;
}
