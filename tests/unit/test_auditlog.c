/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_auditlog.c - the audit log's writer and reader: continuing after a crash, a full
 * disk, damaged lines, following, several files.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "user/core/auditlog.h"
#include "user/core/auditlog_group.h"
#include "user/core/json.h"

/* What stands before the first record's members, `{"chain":{...},`, instead of a brace. */
static size_t first_prefix(void)
{
	const struct psc_chain none = {0};
	char buffer[PSC_CHAIN_PREFIX_MAX];
	struct psc_chain_link link;

	psc_chain_next(&none, &link);
	return psc_chain_format(&link, buffer);
}

struct place {
	char directory[64];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->directory, sizeof(p->directory), "/tmp/psc-test-XXXXXX");
	if (!mkdtemp(p->directory))
		return -1;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", p->directory);
	if (system(command) != 0)
		return -1;
	free(p);
	return 0;
}

static void path_of(const struct place *p, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", p->directory, name);
}

static void write_file(const struct place *p, const char *name, const void *data, size_t size)
{
	char path[128];
	FILE *f;

	path_of(p, name, path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

#define WRITE(p, name, text) write_file(p, name, text, sizeof(text) - 1)
#define FIRST		     "audit-20260101T000000Z.jsonl"
#define SECOND		     "audit-20260301T000000Z.jsonl"

static void append_number(struct psc_auditlog *log, int n)
{
	_cleanup_json_ json_t *json = json_pack("{s:i}", "n", n);

	assert_int_equal(psc_auditlog_append(log, json), 0);
}

/* Reads on until the end: numbers of good records one after the other, '!' for damaged. */
static void read_some(struct psc_auditlog_reader *reader, char *text, size_t size)
{
	struct psc_auditlog_line line;
	size_t used = 0;

	text[0] = '\0';
	while (psc_auditlog_reader_next(reader, &line) > 0 && used < size - 8) {
		if (line.json)
			used += (size_t)snprintf(
				text + used, size - used, "%d ",
				(int)json_integer_value(json_object_get(line.json, "n")));
		else
			used += (size_t)snprintf(text + used, size - used, "!%d ", (int)line.line);
	}
}

static void assert_log_in(const char *directory, const char *expected)
{
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	char text[256];

	assert_int_equal(psc_auditlog_reader_new(directory, 0, false, &reader), 0);
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, expected);
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, "");
}

static void assert_log(const struct place *p, const char *expected)
{
	assert_log_in(p->directory, expected);
}

static void test_write_read(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
	struct psc_auditlog *second = NULL;
	struct psc_auditlog_repair repair;
	char directory[128];
	struct stat st;

	path_of(p, "log", directory);
	assert_int_equal(psc_auditlog_open(directory, (gid_t)-1, &log, &repair), 0);
	assert_int_equal(repair.cut_bytes, 0);
	assert_false(repair.terminated);
	assert_int_equal(stat(directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(stat(psc_auditlog_path(log), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	append_number(log, 1);
	append_number(log, 2);
	assert_int_equal(psc_auditlog_sync(log), 0);
	assert_int_equal(psc_auditlog_open(directory, (gid_t)-1, &second, NULL), -EBUSY);
	assert_null(second);
	psc_auditlog_free(TAKE_PTR(log));
	assert_int_equal(psc_auditlog_open(directory, (gid_t)-1, &log, NULL), 0);
	append_number(log, 3);
	assert_log_in(directory, "1 2 3 ");
}

static void test_refused_records(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
	_cleanup_json_ json_t *fits = json_object(), *large = json_object();
	_cleanup_free_ char *text = calloc(1, PSC_AUDITLOG_LINE_MAX);

	assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &log, NULL), 0);
	memset(text, 'x', PSC_AUDITLOG_LINE_MAX - 8);
	json_object_set_new(large, "n", json_string(text));
	assert_int_equal(psc_auditlog_append(log, large), -EMSGSIZE);
	assert_int_equal(psc_auditlog_append(log, json_null()), -EINVAL);
	/* "n":"..."} and the newline: eight bytes around the text, behind the chain's */
	text[PSC_AUDITLOG_LINE_MAX - first_prefix() - 8] = '\0';
	json_object_set_new(fits, "n", json_string(text));
	assert_int_equal(psc_auditlog_append(log, fits), 0);
	append_number(log, 1);
	assert_log(p, "0 1 ");
}

/* Whatever a crash left of the last line: all that was whole stays, the log goes on. */
static void test_crash(void **state)
{
	const struct place *p = *state;
	static const char line[] = "{\"n\":1}\n{\"n\":2}\n";
	const size_t half = 8;

	for (size_t cut = 0; cut < sizeof(line); cut++) {
		_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
		struct psc_auditlog_repair repair;
		size_t rest = cut % half;

		write_file(p, FIRST, line, cut);
		assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &log, &repair), 0);
		assert_int_equal(repair.terminated, rest == half - 1);
		assert_int_equal(repair.cut_bytes, rest == half - 1 ? 0 : rest);
		append_number(log, 9);
		if (cut < half - 1)
			assert_log(p, "9 ");
		else if (cut < 2 * half - 1)
			assert_log(p, "1 9 ");
		else
			assert_log(p, "1 2 9 ");
	}
}

/* A tail that is longer than any line is found and cut too. */
static void test_crash_long(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
	_cleanup_free_ char *data = calloc(1, 3 * PSC_AUDITLOG_LINE_MAX);
	struct psc_auditlog_repair repair;

	memcpy(data, "{\"n\":1}\n", 8);
	write_file(p, FIRST, data, 3 * PSC_AUDITLOG_LINE_MAX);
	assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &log, &repair), 0);
	assert_int_equal(repair.cut_bytes, 3 * PSC_AUDITLOG_LINE_MAX - 8);
	assert_log(p, "1 ");
}

/* No room: the error is told, and no part of the line stays. */
static void test_no_room(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
	_cleanup_json_ json_t *json = json_pack("{s:i,s:s}", "n", 7, "pad", "0123456789");
	struct rlimit old, limit;
	struct stat st;
	off_t whole;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &log, NULL), 0);
	append_number(log, 1);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(stat(psc_auditlog_path(log), &st), 0);
	whole = st.st_size;
	for (rlim_t room = (rlim_t)whole; room < (rlim_t)whole + 100; room++) {
		limit = (struct rlimit){.rlim_cur = room, .rlim_max = old.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_equal(psc_auditlog_append(log, json), -EFBIG);
		assert_int_equal(stat(psc_auditlog_path(log), &st), 0);
		assert_int_equal(st.st_size, whole);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(psc_auditlog_append(log, json), 0);
	assert_log(p, "1 7 ");
	/* what was cut back is not in the chain */
	assert_int_equal(psc_auditlog_chain(log)->sequence, 2);
}

static void test_removed_file(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;

	assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &log, NULL), 0);
	append_number(log, 1);
	assert_int_equal(psc_auditlog_sync(log), 0);
	assert_int_equal(unlink(psc_auditlog_path(log)), 0);
	append_number(log, 2);
	assert_int_equal(psc_auditlog_sync(log), -ESTALE);
}

static void test_strange_newest(void **state)
{
	const struct place *p = *state;
	struct psc_auditlog *log = NULL;
	char path[128];

	path_of(p, FIRST, path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &log, NULL), -ELOOP);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &log, NULL), -EINVAL);
	assert_null(log);
}

static void test_damage(void **state)
{
	const struct place *p = *state;
	static const char data[] = "{\"n\":1}\n"
				   "{\"n\":2\n"
				   "\n"
				   "[]\n"
				   "{\"n\":5}\n"
				   "{\"n\":6,\"n\":6}\n"
				   "{\"n\":7}\r\n"
				   "{\"n\":8}{\"n\":8}\n"
				   "{\"n\":\"\xff\"}\n"
				   "{\"n\":10}\0\n"
				   "{\"n\":11}";

	WRITE(p, FIRST, data);
	assert_log(p, "1 !2 !3 !4 5 !6 7 !8 !9 !10 !11 ");
}

/* Lines around the limit, alone and in a row. */
static void test_long_lines(void **state)
{
	const struct place *p = *state;
	char path[128];
	FILE *f;

	path_of(p, FIRST, path);
	for (int over = -2; over <= 2; over++) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs("{\"n\":1}\n", f);
		for (int i = 0; i < 2; i++) {
			fputs("{\"n\":2", f);
			for (int n = 0; n < (int)PSC_AUDITLOG_LINE_MAX - 8 + over; n++)
				fputc(' ', f);
			fputs("}\n", f);
		}
		fputs("{\"n\":3}\n", f);
		fclose(f);
		assert_log(p, over > 0 ? "1 !2 !3 3 " : "1 2 2 3 ");
	}
	f = fopen(path, "w");
	for (int n = 0; n < 5 * (int)PSC_AUDITLOG_LINE_MAX; n++)
		fputc('x', f);
	fclose(f);
	assert_log(p, "!1 ");
}

static void test_files_in_order(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	char text[64];

	WRITE(p, SECOND, "{\"n\":3}\n");
	WRITE(p, FIRST, "{\"n\":1}\n{\"n\":2");
	WRITE(p, "audit-2026.jsonl", "{\"n\":66}\n");
	WRITE(p, "audit-20260201T000000Z.jsonl.bz2", "{\"n\":77}\n");
	WRITE(p, "other.jsonl", "{\"n\":88}\n");
	assert_log(p, "1 !2 3 ");
	/* two days after the second file's start the first cannot matter; two hours after, it can */
	assert_int_equal(psc_auditlog_reader_new(p->directory, 1772496000000000000, false, &reader),
			 0);
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, "3 ");
	psc_auditlog_reader_free(TAKE_PTR(reader));
	assert_int_equal(psc_auditlog_reader_new(p->directory, 1772330400000000000, false, &reader),
			 0);
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, "1 !2 3 ");
}

/* A file that cannot be read is told, and the next one is read all the same. */
static void test_unreadable_file(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	struct psc_auditlog_line line;
	char path[128];

	path_of(p, FIRST, path);
	assert_int_equal(symlink("nowhere", path), 0);
	WRITE(p, SECOND, "{\"n\":3}\n");
	assert_int_equal(psc_auditlog_reader_new(p->directory, 0, false, &reader), 0);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), -ELOOP);
	assert_string_equal(line.file, path);
	assert_null(line.json);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 1);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 0);
	assert_int_equal(psc_auditlog_reader_next(reader, &line), 0);
}

static void add_text(const struct place *p, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	path_of(p, name, path);
	f = fopen(path, "a");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_follow(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	char text[64], path[128];

	assert_int_equal(psc_auditlog_reader_new(p->directory, 0, true, &reader), 0);
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, "");
	add_text(p, FIRST, "{\"n\":1}\n{\"n\"");
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, "1 ");
	add_text(p, FIRST, ":2}\n");
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, "2 ");
	/* the writer cuts a part of a line off and writes another one */
	add_text(p, FIRST, "{\"n\":99");
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, "");
	path_of(p, FIRST, path);
	assert_int_equal(truncate(path, 16), 0);
	add_text(p, FIRST, "{\"n\":3}\n");
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, "3 ");
	/* a newer file, with something still written to the older one before */
	add_text(p, FIRST, "{\"n\":4}\n{\"n\":5");
	add_text(p, SECOND, "{\"n\":6}\n");
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, "4 !5 6 ");
	/* whole lines are taken away behind the reader's back */
	path_of(p, SECOND, path);
	assert_int_equal(truncate(path, 0), 0);
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, "!1 ");
	add_text(p, SECOND, "{\"n\":7}\n");
	read_some(reader, text, sizeof(text));
	assert_string_equal(text, "7 ");
}

static void test_no_directory(void **state)
{
	struct psc_auditlog_reader *reader = NULL;
	struct psc_auditlog *log = NULL;

	assert_int_equal(psc_auditlog_reader_new("/nonexistent", 0, false, &reader), -ENOENT);
	assert_int_equal(psc_auditlog_open("/nonexistent/log", (gid_t)-1, &log, NULL), -ENOENT);
	assert_null(reader);
	assert_null(log);
	psc_auditlog_free(NULL);
	psc_auditlog_reader_free(NULL);
}

/* ---- who may read it ------------------------------------------------------------- */

#define READERS 54321 /* a group that nobody is in */

static gid_t group_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_gid;
}

/* What was there before the group was is given to it, too, and goes on so. */
static void test_group(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
	char older[128], link[128];

	if (geteuid() != 0)
		skip();
	add_text(p, FIRST, "{\"n\":1}\n");
	add_text(p, SECOND, "{\"n\":2}\n");
	path_of(p, FIRST, older);
	path_of(p, "audit-19700101T000000Z.jsonl", link);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(psc_auditlog_open(p->directory, READERS, &log, NULL), 0);
	assert_int_equal(group_of(p->directory), READERS);
	assert_int_equal(group_of(older), READERS);
	assert_int_equal(group_of(psc_auditlog_path(log)), READERS);
	assert_int_equal(group_of("/etc/passwd"), 0);
	assert_int_equal(psc_auditlog_rotate(log), 0);
	assert_int_equal(group_of(psc_auditlog_path(log)), READERS);
}

/* A log that its readers cannot read is better than none. */
static void test_group_refused(void **state)
{
	const struct place *p = *state;
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
	int r;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(p->directory, 65534, 65534), 0);
	assert_int_equal(seteuid(65534), 0);
	r = psc_auditlog_open(p->directory, READERS, &log, NULL);
	if (!r)
		append_number(log, 1);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(r, 0);
	assert_log(p, "1 ");
}

static void test_group_number(void **state)
{
	const struct place *p = *state;
	char path[128];
	gid_t group = 7;

	add_text(p, "group", "root:x:0:\nproscribed:x:5:\nproscribe:x:998:a,b\nproscribe:x:1:\n");
	add_text(p, "other", "root:x:0:\n\nproscribe\n:::\n");
	path_of(p, "other", path);
	assert_int_equal(psc_auditlog_group(path, &group), -ENOENT);
	assert_int_equal(psc_auditlog_group("/nonexistent", &group), -ENOENT);
	assert_int_equal(group, 7);
	path_of(p, "group", path);
	assert_int_equal(psc_auditlog_group(path, &group), 0);
	assert_int_equal(group, 998);
}

/* What somebody else does to the file between two records. */
static void test_look(void **state)
{
	static const struct {
		const char *command;
		enum psc_auditlog_state state;
	} cases[] = {
		{"true", PSC_AUDITLOG_SOUND},
		{"cat %s >/dev/null", PSC_AUDITLOG_SOUND},
		{"truncate -s -1 %s", PSC_AUDITLOG_CUT},
		{"echo >>%s", PSC_AUDITLOG_ALTERED},
		{"chmod 0600 %s", PSC_AUDITLOG_ALTERED},
		{"printf x | dd of=%s conv=notrunc bs=1 2>/dev/null", PSC_AUDITLOG_ALTERED},
		{"rm %s", PSC_AUDITLOG_REMOVED},
	};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
		char command[256], path[128];

		assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &log, NULL), 0);
		assert_int_equal(psc_auditlog_look(log), PSC_AUDITLOG_SOUND);
		append_number(log, 1);
		assert_int_equal(psc_auditlog_look(log), PSC_AUDITLOG_SOUND);
		assert_int_equal(psc_auditlog_sync(log), 0);
		/* past the tick of the file system's clock */
		usleep(30000);
		snprintf(path, sizeof(path), "%s", psc_auditlog_path(log));
		snprintf(command, sizeof(command), cases[i].command, path);
		assert_int_equal(system(command), 0);
		assert_int_equal(psc_auditlog_look(log), cases[i].state);
		/* what is written behind it is the state from then on */
		if (cases[i].state == PSC_AUDITLOG_REMOVED)
			continue;
		append_number(log, 2);
		assert_int_equal(psc_auditlog_sync(log), 0);
		assert_int_equal(psc_auditlog_look(log), PSC_AUDITLOG_SOUND);
		assert_int_equal(psc_auditlog_rotate(log), 0);
		assert_int_equal(psc_auditlog_look(log), PSC_AUDITLOG_SOUND);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_look),	  TEST(test_write_read),     TEST(test_refused_records),
		TEST(test_crash),	  TEST(test_crash_long),     TEST(test_no_room),
		TEST(test_removed_file),  TEST(test_strange_newest), TEST(test_damage),
		TEST(test_long_lines),	  TEST(test_files_in_order), TEST(test_unreadable_file),
		TEST(test_follow),	  TEST(test_no_directory),   TEST(test_group),
		TEST(test_group_refused), TEST(test_group_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
