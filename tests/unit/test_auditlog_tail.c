/* SPDX-License-Identifier: Apache-2.0 */
/* test_auditlog_tail.c - what the end of a log says of events that may come again. */
#include "user/core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/auditlog.h"
#include "user/core/auditlog_tail.h"
#include "user/core/event_json.h"

static char directory[] = "/tmp/psc-tail-XXXXXX";
static struct psc_auditlog_tail tail;
static struct psc_event_context context = {.hostname = "h", .boot_id = "this-boot"};

static int setup(void **state)
{
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	context.boot_id = "this-boot";
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static struct psc_auditlog *open_log(void)
{
	struct psc_auditlog *log;

	assert_int_equal(psc_auditlog_open(directory, (gid_t)-1, &log, NULL), 0);
	return log;
}

/* The name of the file is made to look like numbers that count. */
static void append(struct psc_auditlog *log, uint64_t n)
{
	static const char name[] = "/a\",\"cpu\":9,\"sequence\":9,\"boot_ns\":9";
	static struct psc_event event = {.head.type = PSC_EVENT_DECISION};
	char text[PSC_AUDITLOG_LINE_MAX];
	size_t length;

	event.head.cpu = (uint32_t)(n % 2);
	event.head.sequence = n / 2;
	event.head.boot_ns = 1000 + n;
	event.path_length = sizeof(name) - 1;
	memcpy(event.path, name, sizeof(name));
	assert_int_equal(psc_event_format(&event, &context, text, sizeof(text), &length), 0);
	assert_int_equal(psc_auditlog_append_text(log, text, length), 0);
}

static bool has(uint64_t n)
{
	const struct psc_event_head head = {
		.cpu = (uint32_t)(n % 2), .sequence = n / 2, .boot_ns = 1000 + n};

	return psc_auditlog_tail_has(&tail, &head);
}

static void read_tail(void)
{
	assert_int_equal(psc_auditlog_tail_read(directory, "this-boot", &tail), 0);
}

static void add_text(const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "cat >> %s/audit-*", directory);
	f = popen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(pclose(f), 0);
}

static void test_nothing(void **state)
{
	struct psc_auditlog *log;

	assert_int_equal(psc_auditlog_tail_read("/nonexistent", "this-boot", &tail), 0);
	assert_int_equal(tail.count, 0);
	log = open_log();
	read_tail();
	assert_int_equal(tail.count, 0);
	psc_auditlog_free(log);
}

/* Over several windows, and two files; no further back than there is room. */
static void test_all(void **state)
{
	struct psc_auditlog *log = open_log();

	for (uint64_t n = 0; n < 100; n++)
		append(log, n);
	assert_int_equal(psc_auditlog_rotate(log), 0);
	for (uint64_t n = 100; n < 900; n++)
		append(log, n);
	assert_true(psc_auditlog_size(log) > 2 * 4 * PSC_AUDITLOG_LINE_MAX);
	read_tail();
	assert_int_equal(tail.count, 900);
	for (uint64_t n = 0; n < 900; n++)
		assert_true(has(n));
	assert_false(has(900));
	for (uint64_t n = 900; n < 2000; n++)
		append(log, n);
	read_tail();
	assert_int_equal(tail.count, PSC_AUDITLOG_TAIL_KEYS);
	assert_true(has(1999) && has(2000 - PSC_AUDITLOG_TAIL_KEYS));
	assert_false(has(2000 - PSC_AUDITLOG_TAIL_KEYS - 1));
	psc_auditlog_free(log);
}

/* All three numbers count. */
static void test_key(void **state)
{
	struct psc_auditlog *log = open_log();
	struct psc_event_head head = {.cpu = 1, .sequence = 2, .boot_ns = 1005};

	append(log, 5);
	read_tail();
	assert_int_equal(tail.count, 1);
	assert_true(psc_auditlog_tail_has(&tail, &head));
	head.cpu = 0;
	assert_false(psc_auditlog_tail_has(&tail, &head));
	head.cpu = 1;
	head.sequence = 3;
	assert_false(psc_auditlog_tail_has(&tail, &head));
	head.sequence = 2;
	head.boot_ns = 1006;
	assert_false(psc_auditlog_tail_has(&tail, &head));
	psc_auditlog_free(log);
}

/* What another boot wrote is not asked for, nor what is before it. */
static void test_other_boot(void **state)
{
	struct psc_auditlog *log = open_log();

	append(log, 1);
	context.boot_id = "another-boot";
	append(log, 2);
	context.boot_id = "this-boot";
	append(log, 3);
	read_tail();
	assert_int_equal(tail.count, 1);
	assert_true(has(3));
	psc_auditlog_free(log);
}

/* A torn line, and lines that are none. */
static void test_damage(void **state)
{
	struct psc_auditlog *log = open_log();

	append(log, 1);
	add_text("\n{}\n{\"chain\":\n");
	append(log, 2);
	add_text("{\"chain\":{\"sequence\":3,\"previous\":\"00\"},\"this-boot\":{\"cpu\":0,");
	read_tail();
	assert_int_equal(tail.count, 2);
	assert_true(has(1) && has(2));
	psc_auditlog_free(log);
}

static void test_loss(void **state)
{
	struct psc_auditlog *log = open_log();
	json_t *record;

	for (int n = 1; n <= 2; n++) {
		assert_int_equal(psc_record_new("ring_loss", &context, &record), 0);
		psc_record_set(record, "lost", json_integer(4));
		psc_record_set(record, "lost_total", json_integer(4 * n));
		assert_int_equal(psc_auditlog_append(log, record), 0);
		json_decref(record);
		append(log, (uint64_t)n);
	}
	read_tail();
	assert_int_equal(tail.count, 2);
	assert_int_equal(tail.lost_total, 8);
	assert_true(tail.lost_boot_ns > 0);
	psc_auditlog_free(log);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing),    TEST(test_all),	  TEST(test_key),
		TEST(test_other_boot), TEST(test_damage), TEST(test_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
