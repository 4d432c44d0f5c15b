/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_auditlog_time.c - reading the audit log from some time on: lines of every form, and files
 * so large that their beginning is left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <cmocka.h>
#include <zlib.h>

#include "user/core/auditlog.h"
#include "user/core/auditlog_time.h"

#define ZEROS	 "0000000000000000000000000000000000000000000000000000000000000000"
#define TIME	 "2026-01-02T03:04:05.123456Z"
#define CHAINED	 "{\"chain\":{\"sequence\":1,\"previous\":\"" ZEROS "\"},"
#define NAME	 "audit-20260101T000000Z.jsonl"
#define START_NS 1767225600000000000ULL /* 2026-01-01 */
#define HOUR_NS	 (3600 * PSC_NSEC_PER_SEC)

static void test_time_of(void **state)
{
	static const char *const with[] = {
		"{\"@timestamp\":\"" TIME "\"}",
		CHAINED "\"@timestamp\":\"" TIME "\",\"x\":1}",
	};
	static const char *const without[] = {
		"",
		"{",
		"{}",
		"{\"chain\":{",
		"{\"chain\":{}",
		"{\"chain\":{},",
		"{\"@timestamp\":\"2026-01-02T03:04:05.123456Z",
		"{\"@timestamp\":\"2026-01-02T03:04:05Z\",\"aaaaaaaaaaaaaaaaaaaaaaaa\":1}",
		"{\"@timestamp\":\"2026-01-02 03:04:05.123456Z\"}",
		"{\"@timestamp\":\"2026-01-02T03:04:05.12345xZ\"}",
		"{\"a\":1,\"@timestamp\":\"" TIME "\"}",
		CHAINED "\"a\":\"" TIME "\"}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(with); i++)
		assert_memory_equal(psc_auditlog_time_of(with[i], strlen(with[i])), TIME,
				    PSC_AUDITLOG_TIME_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		assert_null(psc_auditlog_time_of(without[i], strlen(without[i])));
	/* nothing is read behind the line */
	for (size_t size = 0; size < strlen(with[1]) - 8; size++) {
		char *exact = malloc(size);

		if (size)
			memcpy(exact, with[1], size);
		assert_null(psc_auditlog_time_of(exact, size));
		free(exact);
	}
}

/* ---- large files ----------------------------------------------------------------------------- */

struct place {
	char directory[64];
	char path[128];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->directory, sizeof(p->directory), "/tmp/psc-test-XXXXXX");
	if (!mkdtemp(p->directory))
		return -1;
	snprintf(p->path, sizeof(p->path), "%s/" NAME, p->directory);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	rmdir(p->directory);
	free(p);
	return 0;
}

#define LINE_SIZE 16384 /* longer than what is looked at of a line */

/* A line every hour from START_NS on, of about @size bytes each. */
static void write_lines(const struct place *p, size_t count, size_t size)
{
	FILE *f = fopen(p->path, "we");
	char text[PSC_TIME_TEXT_MAX];

	assert_non_null(f);
	for (size_t n = 0; n < count; n++)
		fprintf(f, "{\"@timestamp\":\"%s\",\"n\":%zu,\"fill\":\"%*s\"}\n",
			psc_time_format(START_NS + n * HOUR_NS, text), n, (int)size, "");
	fclose(f);
}

static off_t offset_of(const struct place *p, uint64_t since_ns)
{
	_cleanup_close_ int fd = open(p->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return psc_auditlog_offset_of(fd, st.st_size, since_ns);
}

static void test_offset(void **state)
{
	struct place *p = *state;
	struct stat st;
	size_t line;
	off_t at;

	write_lines(p, 2000, 4096);
	assert_int_equal(stat(p->path, &st), 0);
	line = (size_t)st.st_size / 2000 + 1; /* they differ by the digits of a number */
	assert_int_equal(offset_of(p, 0), 0);
	assert_int_equal(offset_of(p, START_NS), 0);
	/* not behind the line itself, nor much before it */
	for (size_t n = 100; n < 2000; n += 300) {
		at = offset_of(p, START_NS + n * HOUR_NS);
		assert_true(at <= (off_t)((n - 1) * line));
		assert_true(at > (off_t)((n - 2) * line) - 2 * (off_t)PSC_AUDITLOG_STRIDE);
	}
	/* nothing is that late: the last place that is known */
	at = offset_of(p, START_NS + 9000 * HOUR_NS);
	assert_true(at > (off_t)(1900 * line));
	/* of lines that are too long nothing is known */
	write_lines(p, 100, 3 * LINE_SIZE);
	assert_int_equal(offset_of(p, START_NS + 5 * HOUR_NS), 0);
}

/* A hole makes it large at no cost: what is before it is old. */
static void test_large_file(void **state)
{
	struct place *p = *state;
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	struct psc_auditlog_line line;
	char text[PSC_TIME_TEXT_MAX];
	FILE *f;

	write_lines(p, 2000, 4096);
	f = fopen(p->path, "r+e");
	/* one line of holes and then these */
	assert_int_equal(fseek(f, PSC_AUDITLOG_LARGE + 4096, SEEK_SET), 0);
	fputs("\n", f);
	for (size_t n = 2000; n < 2300; n++)
		fprintf(f, "{\"@timestamp\":\"%s\",\"n\":%zu,\"fill\":\"%*s\"}\n",
			psc_time_format(START_NS + n * HOUR_NS, text), n, 4096, "");
	fputs("{broken\n", f);
	fclose(f);
	assert_int_equal(
		psc_auditlog_reader_new(p->directory, START_NS + 2290 * HOUR_NS, false, &reader),
		0);
	for (int n = 2290; n < 2300; n++) {
		assert_int_equal(psc_auditlog_reader_next(reader, &line), 1);
		assert_non_null(line.json);
		assert_int_equal(json_integer_value(json_object_get(line.json, "n")), n);
		assert_int_equal(line.line, 0);
		assert_true(line.offset > PSC_AUDITLOG_LARGE);
	}
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 1);
	assert_non_null(line.error);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 0);
}

/* Lines without a time in its place are no reason to lose them; numbers count all lines. */
static void test_bounds(void **state)
{
	struct place *p = *state;
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	struct psc_auditlog_line line;
	FILE *f;

	write_lines(p, 10, 10);
	f = fopen(p->path, "ae");
	fputs("{\"n\":77}\n{broken\n{\"n\":78}", f);
	fclose(f);
	assert_int_equal(
		psc_auditlog_reader_new(p->directory, START_NS + 3 * HOUR_NS, false, &reader), 0);
	psc_auditlog_reader_until(reader, START_NS + 4 * HOUR_NS);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 1);
	assert_int_equal(line.line, 4);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 1);
	assert_int_equal(line.line, 5);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 1);
	assert_int_equal(line.line, 11);
	assert_non_null(line.json);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 1);
	assert_int_equal(line.line, 12);
	assert_non_null(line.error);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 1);
	assert_int_equal(line.line, 13);
	assert_non_null(line.error);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 0);
	psc_auditlog_reader_free(TAKE_PTR(reader));
	/* all of what is asked for must be in a line */
	assert_int_equal(psc_auditlog_reader_new(p->directory, 0, false, &reader), 0);
	assert_int_equal(psc_auditlog_reader_only(reader, "\"n\":7"), 0);
	assert_int_equal(psc_auditlog_reader_only(reader, "fill"), 0);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 1);
	assert_int_equal(line.line, 8);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 1);
	assert_int_equal(line.line, 13); /* the end that is missing is told all the same */
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 0);
}

/* ---- compressed files ------------------------------------------------------------------------ */

static bool newest_of(const char *text, size_t chunk, unsigned char *trailer)
{
	struct psc_auditlog_newest newest = {};

	for (size_t at = 0, size = strlen(text); at < size; at += chunk)
		psc_auditlog_newest_feed(&newest, text + at, chunk < size - at ? chunk : size - at);
	return psc_auditlog_newest_format(&newest, trailer);
}

static void test_newest(void **state)
{
	static const char text[] = CHAINED "\"@timestamp\":\"2026-01-02T00:00:00.000000Z\"}\n" //
		CHAINED "\"@timestamp\":\"2026-03-02T00:00:00.000000Z\",\"x\":\"%600s\"}\n"    //
					   "{\"@timestamp\":\"2026-02-02T00:00:00.000000Z\"}\n%s";
	unsigned char trailer[PSC_AUDITLOG_TRAILER_SIZE];
	char whole[2048];

	snprintf(whole, sizeof(whole), text, "", "");
	for (size_t chunk = 1; chunk <= strlen(whole); chunk++) {
		memset(trailer, 0, sizeof(trailer));
		assert_true(newest_of(whole, chunk, trailer));
		assert_string_equal((char *)trailer + 10, "newest 2026-03-02T00:00:00.000000Z");
	}
	/* a line that would be handed out whatever the time, an end that would be reported */
	snprintf(whole, sizeof(whole), text, "", "{}\n");
	assert_false(newest_of(whole, 100, trailer));
	snprintf(whole, sizeof(whole), text, "", "{\"@tim");
	assert_false(newest_of(whole, 100, trailer));
	assert_false(newest_of("", 1, trailer));
}

/* How many lines are handed out, or the first error. */
static int count_since(const struct place *p, uint64_t since_ns)
{
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	struct psc_auditlog_line line;
	int r, count = 0;

	assert_int_equal(psc_auditlog_reader_new(p->directory, since_ns, false, &reader), 0);
	while ((r = psc_auditlog_reader_next(reader, &line)) > 0)
		count++;
	return r < 0 ? r : count;
}

static void test_packed(void **state)
{
	struct place *p = *state;
	struct psc_auditlog_newest newest = {};
	unsigned char trailer[PSC_AUDITLOG_TRAILER_SIZE];
	char text[PSC_TIME_TEXT_MAX], line[128];
	FILE *f;

	snprintf(p->path, sizeof(p->path), "%s/" NAME ".gz", p->directory);
	gzFile packed = gzopen(p->path, "we");
	for (uint64_t n = 0; n < 10; n++) {
		int length = snprintf(line, sizeof(line), "{\"@timestamp\":\"%s\",\"n\":1}\n",
				      psc_time_format(START_NS + n * HOUR_NS, text));

		psc_auditlog_newest_feed(&newest, line, (size_t)length);
		assert_int_equal(gzwrite(packed, line, (unsigned int)length), length);
	}
	assert_int_equal(gzclose(packed), Z_OK);
	assert_true(psc_auditlog_newest_format(&newest, trailer));
	f = fopen(p->path, "ae");
	fwrite(trailer, sizeof(trailer), 1, f);
	fclose(f);
	assert_int_equal(count_since(p, 0), 10);
	assert_int_equal(count_since(p, START_NS + 9 * HOUR_NS), 1);
	assert_int_equal(count_since(p, START_NS + 9 * HOUR_NS + 1000), 0);
	/* what is too old is not even unpacked */
	f = fopen(p->path, "r+e");
	assert_int_equal(fseek(f, 20, SEEK_SET), 0);
	fputs("damaged", f);
	fclose(f);
	assert_true(count_since(p, START_NS + 9 * HOUR_NS) < 0);
	assert_int_equal(count_since(p, START_NS + 9 * HOUR_NS + 1000), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_of), TEST(test_offset),
		TEST(test_large_file),		TEST(test_bounds),
		cmocka_unit_test(test_newest),	TEST(test_packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
