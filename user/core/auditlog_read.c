/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog_read.c - the reader of the audit log, see auditlog.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <zlib.h>

#include "user/core/auditlog.h"
#include "user/core/auditlog_names.h"
#include "user/core/auditlog_time.h"
#include "user/core/json.h"
#include "user/core/timefmt.h"

/*
 * A clock that was set back lets a file hold records later than the next one's start. One that
 * kept the local time is off by this much at most.
 */
#define CLOCK_ALLOWANCE_NS (14 * 3600 * PSC_NSEC_PER_SEC)
#define PACKED_BUFFER	   (128U << 10)
#define NEEDLE_SIZE	   64
#define NAMES_MAX	   100000

/* ---- names ------------------------------------------------------------------ */

void psc_auditlog_names_clear(struct psc_auditlog_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct psc_auditlog_names){};
}

bool psc_auditlog_is_packed(const char *name)
{
	const size_t packed = sizeof(PSC_AUDITLOG_PACKED) - 1;
	size_t length = strlen(name);

	return length > packed && strcmp(name + length - packed, PSC_AUDITLOG_PACKED) == 0;
}

bool psc_auditlog_name_parse(const char *name, uint64_t *ret_ns)
{
	const size_t prefix = sizeof(PSC_AUDITLOG_PREFIX) - 1;
	const size_t suffix = sizeof(PSC_AUDITLOG_SUFFIX) - 1;
	size_t length = strlen(name);
	char plain[PSC_AUDITLOG_NAME_SIZE];

	if (psc_auditlog_is_packed(name) && length < sizeof(plain)) {
		length -= sizeof(PSC_AUDITLOG_PACKED) - 1;
		snprintf(plain, sizeof(plain), "%.*s", (int)length, name);
		name = plain;
	}
	return length > prefix + suffix && strncmp(name, PSC_AUDITLOG_PREFIX, prefix) == 0 &&
	       strcmp(name + length - suffix, PSC_AUDITLOG_SUFFIX) == 0 &&
	       psc_time_parse_compact(name + prefix, length - prefix - suffix, ret_ns) == 0;
}

static int names_append(struct psc_auditlog_names *names, const char *name)
{
	char **grown;

	if (names->count >= NAMES_MAX)
		return -E2BIG;
	grown = reallocarray(names->names, names->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	names->names = grown;
	grown[names->count] = strdup(name);
	if (!grown[names->count])
		return -ENOMEM;
	names->count++;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A crash may leave a file beside its compressed copy: the file itself is whole. */
static void drop_packed_twins(struct psc_auditlog_names *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->count; i++) {
		const char *before = kept ? names->names[kept - 1] : "";
		size_t length = strlen(before);

		if (length && strncmp(names->names[i], before, length) == 0 &&
		    strcmp(names->names[i] + length, PSC_AUDITLOG_PACKED) == 0)
			free(names->names[i]);
		else
			names->names[kept++] = names->names[i];
	}
	names->count = kept;
}

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

int psc_auditlog_names_read(const char *directory, struct psc_auditlog_names *ret)
{
	_cleanup_(psc_auditlog_names_clear) struct psc_auditlog_names names = {};
	_cleanup_(close_directory) DIR *d = opendir(directory);
	uint64_t start;
	int r;

	if (!d)
		return -errno;
	for (;;) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(d);
		if (!entry && errno)
			return -errno;
		if (!entry)
			break;
		if (!psc_auditlog_name_parse(entry->d_name, &start))
			continue;
		r = names_append(&names, entry->d_name);
		if (r < 0)
			return r;
	}
	if (names.count > 0)
		qsort(names.names, names.count, sizeof(*names.names), compare_names);
	drop_packed_twins(&names);
	*ret = names;
	names = (struct psc_auditlog_names){};
	return 0;
}

/* ---- lines ------------------------------------------------------------------ */

int psc_auditlog_parse_line(const char *text, size_t size, json_t **ret, char *reason,
			    size_t reason_size)
{
	char detail[JSON_ERROR_TEXT_LENGTH] = "";
	size_t offset = 0;
	int r;

	if (size == 0) {
		if (reason)
			snprintf(reason, reason_size, "empty line");
		return -EBADMSG;
	}
	r = psc_json_parse(text, size, PSC_AUDITLOG_LINE_MAX, ret, &offset, detail, sizeof(detail));
	if (r == 0 || r == -ENOMEM)
		return r;
	if (reason)
		snprintf(reason, reason_size, "column %zu: %s", offset + 1, detail);
	return -EBADMSG;
}

struct psc_auditlog_reader {
	char *directory;
	bool follow;
	bool opened;   /* names.names[current] is or was open */
	bool overlong; /* within a line that is longer than the limit */
	bool jumped;   /* over the file's beginning: its lines are not counted */
	/* as they stand in records; "": no bound */
	uint64_t since_ns;
	char since[PSC_TIME_TEXT_MAX], until[PSC_TIME_TEXT_MAX];
	char needles[PSC_AUDITLOG_NEEDLES][NEEDLE_SIZE];
	size_t needle_count;
	struct psc_auditlog_names names;
	size_t current; /* index into names */
	int fd;
	gzFile packed;	   /* of a compressed file, which is read from its beginning to its end */
	uint64_t line;	   /* number of the last line that was handed out */
	off_t line_start;  /* offset of the line that begins at buffer[begin] */
	off_t last_start;  /* of the line before it */
	size_t begin, end; /* unread part of the buffer */
	char *path;
	json_t *json;
	char error[JSON_ERROR_TEXT_LENGTH + 64];
	char buffer[PSC_AUDITLOG_LINE_MAX];
};

static size_t first_of_interest(const struct psc_auditlog_names *names, uint64_t since_ns)
{
	size_t first = 0;

	for (size_t i = 1; i < names->count; i++) {
		uint64_t start;

		if (psc_auditlog_name_parse(names->names[i], &start) &&
		    start + CLOCK_ALLOWANCE_NS <= since_ns)
			first = i;
	}
	return first;
}

int psc_auditlog_reader_new(const char *directory, uint64_t since_ns, bool follow,
			    struct psc_auditlog_reader **ret)
{
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	int r;

	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->fd = -1;
	reader->follow = follow;
	reader->directory = strdup(directory);
	if (!reader->directory)
		return -ENOMEM;
	r = psc_auditlog_names_read(directory, &reader->names);
	if (r < 0)
		return r;
	reader->current = first_of_interest(&reader->names, since_ns);
	reader->since_ns = since_ns;
	if (since_ns)
		psc_time_format(since_ns, reader->since);
	*ret = TAKE_PTR(reader);
	return 0;
}

void psc_auditlog_reader_until(struct psc_auditlog_reader *r, uint64_t until_ns)
{
	uint64_t start;

	psc_time_format(until_ns, r->until);
	/* at least one stays, where an index into the names points */
	while (r->names.count > r->current + 1 &&
	       psc_auditlog_name_parse(r->names.names[r->names.count - 1], &start) &&
	       start > until_ns && start - until_ns > CLOCK_ALLOWANCE_NS)
		free(r->names.names[--r->names.count]);
}

int psc_auditlog_reader_only(struct psc_auditlog_reader *r, const char *text)
{
	if (r->needle_count == PSC_AUDITLOG_NEEDLES || strlen(text) >= NEEDLE_SIZE)
		return -E2BIG;
	snprintf(r->needles[r->needle_count++], NEEDLE_SIZE, "%s", text);
	return 0;
}

static void close_current(struct psc_auditlog_reader *r)
{
	if (r->packed)
		gzclose_r(r->packed);
	r->packed = NULL;
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

void psc_auditlog_reader_free(struct psc_auditlog_reader *reader)
{
	if (!reader)
		return;
	close_current(reader);
	psc_auditlog_names_clear(&reader->names);
	json_decref(reader->json);
	free(reader->directory);
	free(reader->path);
	free(reader);
}

static int open_packed(struct psc_auditlog_reader *r)
{
	int fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	r->packed = gzdopen(fd, "rb");
	if (r->packed) {
		gzbuffer(r->packed, PACKED_BUFFER);
		return 0;
	}
	close(fd);
	return -ENOMEM;
}

/* Is all in the compressed file too old, by what stands behind it? */
static bool is_old(const struct psc_auditlog_reader *r, off_t size)
{
	char newest[PSC_AUDITLOG_TIME_SIZE];

	return r->since[0] && psc_auditlog_newest_read(r->fd, size, newest) &&
	       memcmp(newest, r->since, sizeof(newest)) < 0;
}

/* 1: open, 0: there is nothing of interest in it. */
static int open_current(struct psc_auditlog_reader *r)
{
	struct stat st;
	int n;

	free(r->path);
	r->path = NULL;
	r->opened = true;
	r->overlong = r->jumped = false;
	r->line = 0;
	r->line_start = 0;
	r->begin = r->end = 0;
	if (asprintf(&r->path, "%s/%s", r->directory, r->names.names[r->current]) < 0) {
		r->path = NULL;
		return -ENOMEM;
	}
	r->fd = open(r->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (r->fd < 0)
		return -errno;
	if (fstat(r->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (psc_auditlog_is_packed(r->path)) {
		if (is_old(r, st.st_size))
			return 0;
		n = open_packed(r);
		return n < 0 ? n : 1;
	}
	if (r->since_ns && st.st_size > PSC_AUDITLOG_LARGE) {
		r->line_start = psc_auditlog_offset_of(r->fd, st.st_size, r->since_ns);
		r->jumped = r->line_start > 0;
	}
	return 1;
}

/* Finds files that appeared meanwhile: true when there is one behind the current. */
static bool newer_exists(struct psc_auditlog_reader *r)
{
	_cleanup_(psc_auditlog_names_clear) struct psc_auditlog_names fresh = {};
	const char *last = r->names.count > 0 ? r->names.names[r->names.count - 1] : "";

	if (r->current + 1 < r->names.count || (r->names.count > 0 && !r->opened))
		return true;
	if (!r->follow || psc_auditlog_names_read(r->directory, &fresh) < 0)
		return false;
	for (size_t i = 0; i < fresh.count; i++)
		if (strcmp(fresh.names[i], last) > 0 && names_append(&r->names, fresh.names[i]) < 0)
			return false;
	return r->opened ? r->current + 1 < r->names.count : r->names.count > 0;
}

static int damaged(struct psc_auditlog_reader *r, struct psc_auditlog_line *ret, const char *what)
{
	snprintf(r->error, sizeof(r->error), "%s", what);
	*ret = (struct psc_auditlog_line){
		.file = r->path,
		.line = r->jumped ? 0 : r->line,
		.offset = (uint64_t)r->last_start,
		.error = r->error,
	};
	return 1;
}

/* Is the line out of the bounds, by what can be told without parsing it? */
static bool left_out(const struct psc_auditlog_reader *r, const char *line, size_t size)
{
	const char *time;

	if (r->since[0] || r->until[0]) {
		time = psc_auditlog_time_of(line, size);
		if (time && r->since[0] && memcmp(time, r->since, PSC_AUDITLOG_TIME_SIZE) < 0)
			return true;
		if (time && r->until[0] && memcmp(time, r->until, PSC_AUDITLOG_TIME_SIZE) > 0)
			return true;
	}
	for (size_t i = 0; i < r->needle_count; i++)
		if (!memmem(line, size, r->needles[i], strlen(r->needles[i])))
			return true;
	return false;
}

/* Goes over the line of @size bytes at buffer[begin], whose newline follows it. */
static void step_over(struct psc_auditlog_reader *r, size_t size)
{
	r->last_start = r->line_start;
	r->begin += size + 1;
	r->line_start += (off_t)size + 1;
	r->line++;
	r->overlong = false;
}

/* The same and hands it out. */
static int hand_out(struct psc_auditlog_reader *r, size_t size, struct psc_auditlog_line *ret)
{
	char *text = r->buffer + r->begin;
	bool overlong = r->overlong;
	char reason[sizeof(r->error)];
	int result;

	step_over(r, size);
	if (overlong)
		return damaged(r, ret, "line is longer than 64 KiB");
	result = psc_auditlog_parse_line(text, size, &r->json, reason, sizeof(reason));
	if (result == -ENOMEM)
		return result;
	if (result < 0)
		return damaged(r, ret, reason);
	text[size] = '\0';
	*ret = (struct psc_auditlog_line){
		.file = r->path,
		.line = r->jumped ? 0 : r->line,
		.offset = (uint64_t)r->last_start,
		.json = r->json,
		.text = text,
	};
	return 1;
}

/* Drops what is in the buffer, which is part of a line that is too long. */
static void drop_buffer(struct psc_auditlog_reader *r)
{
	r->line_start += (off_t)(r->end - r->begin);
	r->begin = r->end = 0;
}

/* What follows on the buffer: bytes, 0 at the end, negative errno. */
static ssize_t read_on(struct psc_auditlog_reader *r, char *to, size_t size)
{
	ssize_t n;

	if (r->packed) {
		n = gzread(r->packed, to, (unsigned int)size);
		return n < 0 ? -EBADMSG : n;
	}
	do
		n = pread(r->fd, to, size, r->line_start + (off_t)r->end);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Reads on: 1 when there is more in the buffer, 0 at the end of the file. */
static int fill_buffer(struct psc_auditlog_reader *r)
{
	ssize_t n;

	if (r->begin > 0) {
		memmove(r->buffer, r->buffer + r->begin, r->end - r->begin);
		r->end -= r->begin;
		r->begin = 0;
	}
	if (r->end == sizeof(r->buffer)) {
		r->overlong = true;
		drop_buffer(r);
	}
	n = read_on(r, r->buffer + r->end, sizeof(r->buffer) - r->end);
	if (n < 0)
		return (int)n;
	r->end += (size_t)n;
	return n > 0;
}

/* Reads until a newline or the end of the file: 1 with a line in @ret, 0 at the end. */
static int next_in_file(struct psc_auditlog_reader *r, struct psc_auditlog_line *ret)
{
	for (;;) {
		char *start = r->buffer + r->begin;
		char *newline = memchr(start, '\n', r->end - r->begin);
		int n;

		if (newline && !r->overlong && left_out(r, start, (size_t)(newline - start))) {
			step_over(r, (size_t)(newline - start));
			continue;
		}
		if (newline)
			return hand_out(r, (size_t)(newline - start), ret);
		n = fill_buffer(r);
		if (n <= 0)
			return n;
	}
}

/*
 * At the end of the last file. What there is of an unfinished line is forgotten and
 * read again by the next call: its writer may cut it off instead of finishing it.
 */
static int at_end(struct psc_auditlog_reader *r, struct psc_auditlog_line *ret)
{
	struct stat st;

	r->begin = r->end = 0;
	if (fstat(r->fd, &st) < 0 || st.st_size >= r->line_start)
		return 0;
	r->line_start = st.st_size;
	r->overlong = false;
	return damaged(r, ret, "file became shorter: lines were taken away");
}

/* Ends the current file: 1 when there was an incomplete line to report. */
static int leave_file(struct psc_auditlog_reader *r, struct psc_auditlog_line *ret)
{
	bool incomplete = r->end > r->begin || r->overlong;

	r->last_start = r->line_start;
	drop_buffer(r);
	r->overlong = false;
	close_current(r);
	if (!incomplete)
		return 0;
	r->line++;
	return damaged(r, ret, "incomplete last line");
}

static int fail_file(struct psc_auditlog_reader *r, int error, struct psc_auditlog_line *ret)
{
	close_current(r);
	*ret = (struct psc_auditlog_line){.file = r->path};
	return error;
}

/* Moves to the next file, if there is one: 1 or 0. */
static int next_file(struct psc_auditlog_reader *r)
{
	if (!newer_exists(r))
		return 0;
	if (r->opened)
		r->current++;
	return 1;
}

int psc_auditlog_reader_next(struct psc_auditlog_reader *reader, struct psc_auditlog_line *ret)
{
	struct psc_auditlog_reader *r = reader;
	int n;

	json_decref(r->json);
	r->json = NULL;
	for (;;) {
		if (r->fd < 0) {
			if (!next_file(r))
				return 0;
			n = open_current(r);
			if (n < 0)
				return fail_file(r, n, ret);
			if (n == 0) {
				close_current(r);
				continue;
			}
		}
		n = next_in_file(r, ret);
		if (n < 0)
			return fail_file(r, n, ret);
		if (n > 0)
			return n;
		if (r->follow && !newer_exists(r))
			return at_end(r, ret);
		/* What was written before the newer file appeared is still to be read. */
		if (r->follow) {
			n = next_in_file(r, ret);
			if (n != 0)
				return n < 0 ? fail_file(r, n, ret) : n;
		}
		n = leave_file(r, ret);
		if (n > 0)
			return n;
	}
}
