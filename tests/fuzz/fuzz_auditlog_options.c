/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_auditlog_options.c - the audit log's reader with its options, over any file: --since and
 * --until, words that have to be there, compressed files, a file that grows while it is followed.
 * What is handed out is held against all the lines, one by one. And the look at the log's end.
 * The first byte says which options, the second which line's time, the third where a followed
 * file is cut.
 */
#include <sys/stat.h>

#include <zlib.h>

#include "user/core/auditlog.h"
#include "user/core/auditlog_tail.h"
#include "user/core/auditlog_time.h"
#include "user/core/json.h"

#define SINCE  1
#define UNTIL  2
#define WORD   4
#define PACKED 8
#define FOLLOW 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct options {
	unsigned int which;
	uint64_t time_ns;
	char time[PSC_TIME_TEXT_MAX];
};

static const char word[] = "\"deny\"";
static char directory[] = "/tmp/psc-fuzz-XXXXXX";
static char plain[64], packed[64];

static void clean_up(void)
{
	unlink(plain);
	unlink(packed);
	rmdir(directory);
}

static void prepare(void)
{
	if (plain[0])
		return;
	if (!mkdtemp(directory))
		abort();
	snprintf(plain, sizeof(plain), "%s/audit-20260101T000000Z.jsonl", directory);
	snprintf(packed, sizeof(packed), "%s.gz", plain);
	atexit(clean_up);
}

static void write_plain(const uint8_t *data, size_t size, const char *mode)
{
	FILE *f = fopen(plain, mode);

	if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
		abort();
}

static void write_packed(const uint8_t *data, size_t size)
{
	gzFile f = gzopen(packed, "wb1");

	if (!f || gzwrite(f, data, (unsigned int)size) != (int)size || gzclose(f) != Z_OK)
		abort();
}

/* Is it to be handed out? */
static bool is_wanted(const struct options *o, const char *line, size_t size)
{
	const char *time = psc_auditlog_time_of(line, size);

	if (time && o->which & SINCE && memcmp(time, o->time, PSC_AUDITLOG_TIME_SIZE) < 0)
		return false;
	if (time && o->which & UNTIL && memcmp(time, o->time, PSC_AUDITLOG_TIME_SIZE) > 0)
		return false;
	return !(o->which & WORD) || memmem(line, size, word, sizeof(word) - 1);
}

/* The time of the @n'th line that has one, else one that records may have. */
static void choose_time(struct options *o, const uint8_t *data, size_t size, unsigned int n)
{
	const char *text = (const char *)data, *end = text + size, *next;
	char copy[PSC_AUDITLOG_TIME_SIZE + 1] = "2026-01-02T03:04:05.000000Z";

	for (; text < end; text = next + 1) {
		const char *time;

		next = memchr(text, '\n', (size_t)(end - text)) ?: end;
		time = psc_auditlog_time_of(text, (size_t)(next - text));
		if (time)
			memcpy(copy, time, PSC_AUDITLOG_TIME_SIZE);
		if (time && !n--)
			break;
	}
	if (psc_time_parse(copy, &o->time_ns) < 0)
		o->time_ns = 1767323045000000000;
	psc_time_format(o->time_ns, o->time);
}

/* Every whole line of less than the limit that is wanted comes, in order, and no other. */
static const uint8_t *check_line(const struct options *o, const struct psc_auditlog_line *line,
				 const uint8_t *at, const uint8_t *end)
{
	for (;;) {
		const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((newline ?: end) - at);
		bool wanted = size >= PSC_AUDITLOG_LINE_MAX || !newline ||
			      is_wanted(o, (const char *)at, size);

		if (at == end)
			abort();
		if (wanted && line->text &&
		    (strlen(line->text) != size || memcmp(line->text, at, size) != 0))
			abort();
		at = newline ? newline + 1 : end;
		if (wanted)
			return at;
	}
}

static void read_all(struct psc_auditlog_reader *reader, const struct options *o,
		     const uint8_t **at, const uint8_t *end)
{
	struct psc_auditlog_line line = {};
	int r;

	while ((r = psc_auditlog_reader_next(reader, &line)) > 0) {
		if (!line.json == !line.error)
			abort();
		*at = check_line(o, &line, *at, end);
	}
	if (r < 0)
		abort();
}

static void read_with(struct options *o, const uint8_t *data, size_t size, unsigned int cut)
{
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	const uint8_t *at = data, *end = data + size;
	bool follow = o->which & FOLLOW && !(o->which & PACKED);
	size_t first = follow ? size * cut / 256 : size;

	unlink(plain);
	unlink(packed);
	if (o->which & PACKED)
		write_packed(data, size);
	else
		write_plain(data, first, "w");
	if (psc_auditlog_reader_new(directory, o->which & SINCE ? o->time_ns : 0, follow, &reader) <
	    0)
		abort();
	if (o->which & UNTIL)
		psc_auditlog_reader_until(reader, o->time_ns);
	if (o->which & WORD && psc_auditlog_reader_only(reader, word) < 0)
		abort();
	read_all(reader, o, &at, end);
	if (follow) {
		write_plain(data + first, size - first, "a");
		read_all(reader, o, &at, end);
	}
	/* nothing that is wanted is left behind; who follows waits for the end of the last line */
	while (at < end) {
		const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline && follow)
			break;
		if (!newline || newline - at >= (ptrdiff_t)PSC_AUDITLOG_LINE_MAX ||
		    is_wanted(o, (const char *)at, (size_t)(newline - at)))
			abort();
		at = newline + 1;
	}
}

static void look_at_end(const uint8_t *data, size_t size)
{
	static struct psc_auditlog_tail tail;

	unlink(packed);
	write_plain(data, size, "w");
	if (psc_auditlog_tail_read(directory, "b", &tail) < 0 ||
	    tail.count > PSC_AUDITLOG_TAIL_KEYS)
		abort();
	for (size_t i = 0; i < tail.count; i++) {
		const struct psc_event_head head = {.sequence = tail.keys[i].sequence,
						    .boot_ns = tail.keys[i].boot_ns,
						    .cpu = tail.keys[i].cpu};

		if (!psc_auditlog_tail_has(&tail, &head))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct options o = {};

	if (size < 3)
		return 0;
	prepare();
	o.which = data[0];
	choose_time(&o, data + 3, size - 3, data[1]);
	read_with(&o, data + 3, size - 3, data[2]);
	look_at_end(data + 3, size - 3);
	return 0;
}
