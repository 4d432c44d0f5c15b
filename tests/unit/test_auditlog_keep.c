/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_auditlog_keep.c - a log of several files: going over to a new one, compressing older
 * ones, giving up the oldest; the chain holds over all of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "user/core/auditlog.h"
#include "user/core/auditlog_keep.h"
#include "user/core/auditlog_time.h"
#include "user/core/chain_verify.h"
#include "user/core/json.h"

struct place {
	char directory[64];
	struct psc_auditlog *log;
	struct psc_keeper *keeper;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->directory, sizeof(p->directory), "/tmp/psc-test-keep-XXXXXX");
	if (!mkdtemp(p->directory) ||
	    psc_auditlog_open(p->directory, (gid_t)-1, &p->log, NULL) < 0 ||
	    psc_keeper_new(p->directory, &p->keeper) < 0)
		return -1;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[128];

	psc_auditlog_free(p->log);
	psc_keeper_free(p->keeper);
	snprintf(command, sizeof(command), "rm -rf '%s'", p->directory);
	if (system(command) != 0)
		return -1;
	free(p);
	return 0;
}

static void append(const struct place *p, int count)
{
	for (int n = 0; n < count; n++) {
		_cleanup_json_ json_t *json = json_pack("{s:i}", "n", n);

		assert_int_equal(psc_auditlog_append(p->log, json), 0);
	}
}

static struct psc_chain_report verify(const struct place *p)
{
	static const struct psc_chain_verify_options options = {0};
	struct psc_chain_report report;

	assert_int_equal(psc_chain_verify(p->directory, &options, &report), 0);
	assert_string_equal(psc_chain_fault_to_string(report.fault), "intact");
	return report;
}

static size_t count_names(const struct place *p, bool packed)
{
	_cleanup_(psc_auditlog_names_clear) struct psc_auditlog_names names = {};
	size_t count = 0;

	assert_int_equal(psc_auditlog_names_read(p->directory, &names), 0);
	for (size_t i = 0; i < names.count; i++)
		count += psc_auditlog_is_packed(names.names[i]) == packed;
	return count;
}

static void pack_all(const struct place *p)
{
	int r, steps = 0;

	while ((r = psc_keeper_pack(p->keeper)) > 0)
		assert_true(++steps < 1000);
	assert_int_equal(r, 0);
}

static size_t count_lines(const struct place *p)
{
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	struct psc_auditlog_line line;
	size_t count = 0;

	assert_int_equal(psc_auditlog_reader_new(p->directory, 0, false, &reader), 0);
	while (psc_auditlog_reader_next(reader, &line) > 0) {
		assert_non_null(line.json);
		count++;
	}
	return count;
}

/* Within a second, too: a name of its own for each, and in order. */
static void test_rotate(void **state)
{
	const struct place *p = *state;
	uint64_t begun = psc_auditlog_begun(p->log);

	for (int i = 0; i < 4; i++) {
		append(p, 3);
		assert_true(psc_auditlog_size(p->log) > 0);
		assert_int_equal(psc_auditlog_rotate(p->log), 0);
		assert_int_equal(psc_auditlog_size(p->log), 0);
		assert_true(psc_auditlog_begun(p->log) > begun);
		begun = psc_auditlog_begun(p->log);
	}
	assert_int_equal(count_names(p, false), 5);
	assert_int_equal(verify(p).records, 12);
	/* nobody else may write the new file */
	struct psc_auditlog *second = NULL;
	assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &second, NULL), -EBUSY);
}

static void test_pack(void **state)
{
	struct place *p = *state;

	append(p, 3);
	pack_all(p);
	assert_int_equal(count_names(p, true), 0); /* the newest is written */
	assert_int_equal(psc_auditlog_rotate(p->log), 0);
	append(p, 30000); /* several steps */
	assert_int_equal(psc_auditlog_rotate(p->log), 0);
	append(p, 3);
	pack_all(p);
	assert_int_equal(count_names(p, true), 2);
	assert_int_equal(count_names(p, false), 1);
	assert_int_equal(verify(p).records, 30006);
	assert_int_equal(count_lines(p), 30006);
}

/* A file that was begun and never written to: the end of the chain is in a compressed one. */
static void test_go_on_behind_packed(void **state)
{
	struct place *p = *state;

	append(p, 3);
	assert_int_equal(psc_auditlog_rotate(p->log), 0);
	pack_all(p);
	psc_auditlog_free(p->log);
	p->log = NULL;
	assert_int_equal(psc_auditlog_open(p->directory, (gid_t)-1, &p->log, NULL), 0);
	assert_int_equal(psc_auditlog_chain(p->log)->sequence, 3);
	append(p, 2);
	assert_int_equal(verify(p).records, 5);
}

/* A crash between the two names, and one in the middle of compressing. */
static void test_crash(void **state)
{
	struct place *p = *state;
	char command[512];

	append(p, 3);
	assert_int_equal(psc_auditlog_rotate(p->log), 0);
	append(p, 2);
	snprintf(command, sizeof(command),
		 "cd %s && gzip -k $(ls audit-*.jsonl | head -n 1) && echo rest > .packing",
		 p->directory);
	assert_int_equal(system(command), 0);
	assert_int_equal(verify(p).records, 5);
	assert_int_equal(count_lines(p), 5);
	pack_all(p);
	assert_int_equal(count_names(p, true), 1);
	assert_int_equal(count_names(p, false), 1);
	assert_int_equal(verify(p).records, 5);
	snprintf(command, sizeof(command), "test ! -e %s/.packing", p->directory);
	assert_int_equal(system(command), 0);
}

/* The plain file stays until the compressed one is whole. */
static void test_no_room(void **state)
{
	struct place *p = *state;
	struct rlimit old, limit;

	append(p, 300);
	assert_int_equal(psc_auditlog_rotate(p->log), 0);
	append(p, 1);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){.rlim_cur = 100, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_true(psc_keeper_pack(p->keeper) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(count_names(p, true), 0);
	assert_int_equal(verify(p).records, 301);
	pack_all(p);
	assert_int_equal(count_names(p, true), 1);
	assert_int_equal(verify(p).records, 301);
}

static void test_give_up(void **state)
{
	struct place *p = *state;
	struct psc_keeper_gone gone;
	struct psc_chain_report report;

	append(p, 10);
	assert_int_equal(psc_keeper_give_up(p->keeper, 1, &gone), 0); /* never the newest */
	assert_int_equal(psc_auditlog_rotate(p->log), 0);
	append(p, 10);
	assert_int_equal(psc_auditlog_rotate(p->log), 0);
	append(p, 10);
	assert_int_equal(psc_keeper_give_up(p->keeper, 1 << 20, &gone), 0);
	pack_all(p);
	assert_int_equal(psc_keeper_give_up(p->keeper, 100, &gone), 1);
	assert_int_equal(gone.next_sequence, 11);
	assert_true(gone.bytes > 0);
	report = verify(p);
	assert_int_equal(report.first_sequence, 11);
	assert_int_equal(report.records, 20);
	assert_int_equal(psc_keeper_give_up(p->keeper, 100, &gone), 1);
	assert_int_equal(gone.next_sequence, 21);
	assert_int_equal(psc_keeper_give_up(p->keeper, 100, &gone), 0);
}

/* What is packed says how new it is. */
static void test_newest(void **state)
{
	struct place *p = *state;
	char newest[PSC_AUDITLOG_TIME_SIZE], path[160];
	_cleanup_close_ int fd = -1;
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s/audit-20200101T000000Z.jsonl", p->directory);
	f = fopen(path, "we");
	fputs("{\"@timestamp\":\"2020-01-02T03:04:05.000001Z\"}\n"
	      "{\"@timestamp\":\"2020-01-02T03:04:05.000000Z\"}\n",
	      f);
	fclose(f);
	pack_all(p);
	snprintf(path, sizeof(path), "%s/audit-20200101T000000Z.jsonl.gz", p->directory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(psc_auditlog_newest_read(fd, st.st_size, newest));
	assert_memory_equal(newest, "2020-01-02T03:04:05.000001Z", sizeof(newest));
	assert_int_equal(count_lines(p), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rotate), TEST(test_pack),    TEST(test_go_on_behind_packed),
		TEST(test_crash),  TEST(test_no_room), TEST(test_give_up),
		TEST(test_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
