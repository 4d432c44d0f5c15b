/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_log.c - the logs of package managers, line by line. See evidence.h.
 */
#include <ctype.h>
#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "user/core/util.h"
#include "user/core/timefmt.h"
#include "user/scan/evidence_internal.h"
#include "user/scan/lines.h"

#define LOG_MAX	   (1ULL << 30) /* bytes of one log, unpacked */
#define LAST_YEAR  361		/* 2261, whose ns fit */
#define ITEMS_MAX  4096		/* of one query; a log tells of every upgrade */
#define EPOCH_YEAR 70

struct log {
	const struct psc_evidence_query *query;
	struct psc_evidence *evidence;
	enum psc_evidence_kind kind;
	const char *name;
	unsigned int line;
	uint64_t began;	   /* of the group of lines in apt's history; 0: none */
	struct tm written; /* when the file was last written to */
};

static bool to_ns(time_t seconds, uint64_t *ret)
{
	if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / PSC_NSEC_PER_SEC)
		return false;
	*ret = (uint64_t)seconds * PSC_NSEC_PER_SEC;
	return true;
}

/* "2024-05-01 12:00:00", also with several blanks; the host's own time. */
static const char *local_time(const char *text, uint64_t *ret)
{
	struct tm tm = {.tm_isdst = -1};
	const char *end = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);

	if (!end || tm.tm_year < EPOCH_YEAR || tm.tm_year > LAST_YEAR || !to_ns(mktime(&tm), ret))
		return NULL;
	return end;
}

/* "2024-05-01T12:00:00+0200", "...Z". */
static const char *zoned_time(const char *text, uint64_t *ret)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S%z", &tm);
	long offset = tm.tm_gmtoff;

	if (!end || tm.tm_year < EPOCH_YEAR || tm.tm_year > LAST_YEAR ||
	    !to_ns(timegm(&tm) - offset, ret))
		return NULL;
	return end;
}

/* "May 01 12:00:00": of the year in which the log was last written to, or the one before. */
static const char *yearless_time(const struct log *log, const char *text, uint64_t *ret)
{
	struct tm tm = {.tm_isdst = -1};
	const char *end = strptime(text, "%b %d %H:%M:%S", &tm);

	if (!end)
		return NULL;
	tm.tm_year = log->written.tm_year;
	if (tm.tm_mon > log->written.tm_mon ||
	    (tm.tm_mon == log->written.tm_mon && tm.tm_mday > log->written.tm_mday))
		tm.tm_year--;
	if (tm.tm_year < EPOCH_YEAR || !to_ns(mktime(&tm), ret))
		return NULL;
	return end;
}

static int add(struct log *log, uint64_t time, const char *text)
{
	_cleanup_free_ char *source = NULL;

	if (log->evidence->count >= ITEMS_MAX)
		return 0;
	if (asprintf(&source, "%s:%u", log->name, log->line) < 0) {
		source = NULL;
		return -ENOMEM;
	}
	return psc_evidence_add(log->evidence, log->kind,
				log->kind == PSC_EVIDENCE_YUM_LOG ? PSC_EVIDENCE_MEDIUM
								  : PSC_EVIDENCE_STRONG,
				time, source, text);
}

static bool is_package(const struct log *log, const char *name, size_t length)
{
	for (const char *const *p = log->query->packages; p && *p; p++) {
		if (strlen(*p) == length && memcmp(*p, name, length) == 0)
			return true;
	}
	return false;
}

/* "kesl-12.0.0-1.x86_64", "kesl-0:12...", "12:kesl-..." */
static bool is_rpm(const struct log *log, const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits && text[digits] == ':')
		text += digits + 1;
	for (const char *const *p = log->query->packages; p && *p; p++) {
		size_t length = strlen(*p);

		if (strncmp(*p, text, length) == 0 && text[length] == '-' &&
		    isdigit((unsigned char)text[length + 1]))
			return true;
	}
	return false;
}

/* "2024-05-01 12:00:00 install kesl:amd64 <none> 12.0", "... status installed kesl:amd64 12.0" */
static int dpkg_line(struct log *log, const char *line)
{
	static const char *const acts[] = {" install ", " upgrade ", " configure ",
					   " status installed "};
	uint64_t time;
	const char *rest = local_time(line, &time);

	for (size_t i = 0; rest && i < ARRAY_SIZE(acts); i++) {
		size_t length = strlen(acts[i]);

		if (strncmp(rest, acts[i], length) == 0 &&
		    is_package(log, rest + length, strcspn(rest + length, ": ")))
			return add(log, time, line);
	}
	return 0;
}

/* "Install: kesl:amd64 (12.0), foo:amd64 (1, automatic)" below "Start-Date: ..." */
static int apt_line(struct log *log, const char *line)
{
	static const char *const acts[] = {"Install: ", "Reinstall: ", "Upgrade: ", "Downgrade: "};
	const char *at = NULL;

	if (strncmp(line, "Start-Date: ", 12) == 0) {
		if (!local_time(line + 12, &log->began))
			log->began = 0;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		if (strncmp(line, acts[i], strlen(acts[i])) == 0)
			at = line + strlen(acts[i]);
	}
	while (at && log->began) {
		size_t length = strcspn(at, ": (");

		if (is_package(log, at, length)) {
			char text[256];

			snprintf(text, sizeof(text), "%.*s %.*s", (int)strcspn(line, ":"), line,
				 (int)strcspn(at, ")") + 1, at);
			return add(log, log->began, text);
		}
		at = strstr(at, "), ");
		at = at ? at + 3 : NULL;
	}
	return 0;
}

static int rpm_line(struct log *log, const char *line)
{
	static const char *const acts[] = {
		"Installed: ", "Upgraded: ", "Updated: ", "Reinstalled: ", "Upgrade: "};
	uint64_t time;
	const char *rest = log->kind == PSC_EVIDENCE_YUM_LOG ? yearless_time(log, line, &time)
							     : zoned_time(line, &time);

	for (size_t i = 0; rest && i < ARRAY_SIZE(acts); i++) {
		const char *found = strstr(rest, acts[i]);

		if (found && is_rpm(log, found + strlen(acts[i])))
			return add(log, time, line);
	}
	return 0;
}

int psc_evidence_read_log(int fd, enum psc_evidence_kind kind, const char *name,
			  const struct psc_evidence_query *query, struct psc_evidence *evidence)
{
	_cleanup_(psc_lines_freep) struct psc_lines *lines = NULL;
	struct log log = {.query = query, .evidence = evidence, .kind = kind, .name = name};
	struct stat st;
	char *line;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!localtime_r(&st.st_mtime, &log.written))
		log.written = (struct tm){.tm_year = EPOCH_YEAR};
	r = psc_lines_open(fd, LOG_MAX, &lines);
	while (r >= 0 && (line = psc_lines_next(lines, NULL))) {
		log.line = psc_lines_number(lines);
		if (kind == PSC_EVIDENCE_DPKG_LOG)
			r = dpkg_line(&log, line);
		else if (kind == PSC_EVIDENCE_APT_HISTORY)
			r = apt_line(&log, line);
		else
			r = rpm_line(&log, line);
	}
	return r < 0 ? r : psc_lines_error(lines);
}
