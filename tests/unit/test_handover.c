/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_handover.c - what is left to the next daemon in files, how much of a ring nobody has read,
 * and what the next daemon makes of it.
 */
#include "user/core/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "user/core/paths.h"
#include "tests/unit/schema.h"

static char home[64];
static struct schema schema;

#undef PSC_PATH_UNREAD
#undef PSC_PATH_BPFFS_LEFT
#undef PSC_PATH_FOLD
#undef PSC_PATH_FOLD_LEFT
#define PSC_PATH_UNREAD	    "unread"
#define PSC_PATH_BPFFS_LEFT "left"
#define PSC_PATH_FOLD	    "repeats"
#define PSC_PATH_FOLD_LEFT  "repeats-left"
#define open_pin	    open_left_pin
#include "user/cli/pins.c"
#include "user/cli/unread.c"
#include "user/daemon/left.c"

#define BOOT  "0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11"
#define OTHER "0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a12"

/* ---- the rest of the daemon ------------------------------------------------------------------ */

static struct psc_daemon daemon_;
static json_t *records;
static int journal_error, open_result;
static uint64_t dropped, waiting, taken;
static unsigned long position, produced, unfinished;
static unsigned int drained, recognised;
static uint64_t fold_attached;

int psc_guard_open_left(struct psc_guard **ret)
{
	if (access("left", F_OK) < 0)
		return -ENOENT;
	if (open_result < 0)
		return open_result;
	*ret = calloc(1, sizeof(**ret));
	(*ret)->shared = calloc(1, sizeof(struct psc_shared));
	(*ret)->shared->control.attached_ns = 77;
	return 0;
}

struct psc_guard *psc_guard_free(struct psc_guard *guard)
{
	free(guard->shared);
	free(guard);
	return NULL;
}

int psc_guard_remove_left(void)
{
	return rmdir("left") < 0 ? -errno : 0;
}

int psc_ring_new(int fd, struct psc_ring **ret)
{
	*ret = NULL;
	return 0;
}

struct psc_ring *psc_ring_free(struct psc_ring *ring)
{
	return NULL;
}

unsigned long psc_ring_position(const struct psc_ring *ring)
{
	return position;
}

unsigned long psc_ring_produced(const struct psc_ring *ring)
{
	return produced;
}

int psc_fold_open(const char *path, const struct psc_fold_ring *ring, struct psc_fold **ret)
{
	assert_string_equal(path, "repeats-left");
	fold_attached = ring->attached_ns;
	*ret = NULL;
	return 0;
}

int psc_fold_new(struct psc_fold **ret)
{
	return -ENOMEM;
}

struct psc_fold *psc_fold_free(struct psc_fold *fold)
{
	return NULL;
}

void psc_restored_recognise(struct psc_daemon *daemon)
{
	recognised++;
	daemon->adopted_generation = 5;
}

void psc_journal_drain(struct psc_daemon *daemon)
{
	assert_int_equal(daemon->guard->shared->control.attached_ns, 77);
	drained++;
	daemon->log_error = journal_error;
	if (!journal_error)
		position = produced - unfinished;
	daemon->recalled = true;
}

void psc_journal_repeats(struct psc_daemon *daemon, bool all)
{
	assert_true(all);
}

int psc_guard_counters(const struct psc_guard *guard, struct psc_counters *ret)
{
	*ret = (struct psc_counters){.dropped = dropped};
	return 0;
}

int psc_guard_leave(const struct psc_guard *guard)
{
	return mkdir("left", 0700) < 0 ? -errno : 0;
}

int psc_ring_next(struct psc_ring *ring, const void **ret_data, size_t *ret_size)
{
	return taken < waiting ? (int)++taken > 0 : 0;
}

void psc_ring_rewind(struct psc_ring *ring)
{
	taken = 0;
}

void psc_journal_close(struct psc_daemon *daemon)
{
}

void psc_policy_clear(struct psc_policy *policy)
{
}

int psc_journal_record(struct psc_daemon *daemon, const char *type, json_t **ret)
{
	static const struct psc_event_context context = {.hostname = "host", .boot_id = BOOT};

	return psc_record_new(type, &context, ret);
}

int psc_journal_write(struct psc_daemon *daemon, json_t *record)
{
	if (!journal_error)
		json_array_append(records, record);
	json_decref(record);
	return journal_error;
}

void psc_say(const char *fmt, ...)
{
}

/* ---- tests ----------------------------------------------------------------------------------- */

static int setup(void **state)
{
	snprintf(home, sizeof(home), "/tmp/psc-handover-XXXXXX");
	if (!mkdtemp(home) || chdir(home) < 0)
		return -1;
	/* that there is a configuration suffices */
	daemon_ = (struct psc_daemon){.policy.config = (struct psc_config *)home, .boot_id = BOOT};
	records = json_array();
	journal_error = open_result = 0;
	drained = recognised = 0;
	position = 0;
	dropped = waiting = taken = 0;
	produced = 100;
	return 0;
}

static int teardown(void **state)
{
	json_decref(records);
	unlink("unread");
	unlink("guard");
	unlink("repeats");
	unlink("repeats-left");
	rmdir("left");
	return chdir("/") < 0 || rmdir(home) < 0;
}

static void add(const char *boot_id, bool kept, uint64_t events)
{
	struct psc_unread unread = {.kept = kept, .events = events};

	snprintf(unread.boot_id, sizeof(unread.boot_id), "%s", boot_id);
	assert_int_equal(psc_unread_add("unread", &unread), 0);
}

static void test_unread_file(void **state)
{
	struct psc_unread unread[PSC_UNREAD_MAX];
	static const char *const bad[] = {"x\n", "x kept\n", "x kept 1 2\n", "x held 1\n",
					  "x kept 1"};

	assert_int_equal(psc_unread_read("unread", unread), 0);
	for (unsigned int i = 1; i <= PSC_UNREAD_MAX + 1; i++)
		add(BOOT, true, i);
	assert_int_equal(psc_unread_read("unread", unread), PSC_UNREAD_MAX);
	assert_true(unread[0].kept);
	assert_int_equal(unread[0].events, 1);
	assert_string_equal(unread[0].boot_id, BOOT);
	/* what has no line of its own is told all the same */
	assert_false(unread[PSC_UNREAD_MAX - 1].kept);
	assert_int_equal(unread[PSC_UNREAD_MAX - 1].events, 2 * PSC_UNREAD_MAX + 1);
	assert_int_equal(psc_unread_write("unread", NULL, 0), 0);
	assert_int_equal(access("unread", F_OK), -1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		FILE *f = fopen("unread", "w");

		fputs(bad[i], f);
		fclose(f);
		assert_int_equal(psc_unread_read("unread", unread), -EINVAL);
	}
	add(OTHER, false, 3);
	assert_int_equal(psc_unread_read("unread", unread), 1);
	assert_string_equal(unread[0].boot_id, OTHER);
}

static void test_guard_file(void **state)
{
	char line[128] = "";
	FILE *f;

	assert_int_equal(psc_handover_guard("guard", BOOT, "on", 123456, ""), 0);
	assert_int_equal(psc_handover_guard("guard", BOOT, "off", 7, "uid 0, pid 1"), 0);
	f = fopen("guard", "r");
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	assert_string_equal(line, BOOT " off 7 uid 0, pid 1\n");
	assert_int_equal(psc_handover_guard("none/guard", BOOT, "on", 1, ""), -ENOENT);
}

/* Two records, one that was discarded between them, one that is being written; around the end. */
static void test_ring(void **state)
{
	_Alignas(8) char data[256] = {0};
	static const uint32_t heads[] = {40, 8 | BPF_RINGBUF_DISCARD_BIT, 21,
					 8 | BPF_RINGBUF_BUSY_BIT};
	unsigned long from = 128 - 48, at = from;

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		memcpy(data + at % 128, &heads[i], sizeof(heads[i]));
		at += ((heads[i] & 0xffff) + 8 + 7) & ~7UL;
	}
	assert_int_equal(psc_unread_records(data, 128, from, at), 3);
	assert_int_equal(psc_unread_records(data, 128, from, from + 48), 1);
	assert_int_equal(psc_unread_records(data, 128, at, at), 0);
}

static void put(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fclose(f);
}

/* What decides goes, what tells stays; where it stays already, nothing but the links goes. */
static void test_pins_leave(void **state)
{
	static const char *const names[] = {"pins/psc_exec", "pins/shared", "pins/events",
					    "pins/counters", "pins/buckets"};

	assert_int_equal(psc_pins_leave("pins", "left"), -ENOENT);
	for (int round = 0; round < 2; round++) {
		mkdir("pins", 0700);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			put(names[i]);
		if (round == 0)
			assert_int_equal(psc_pins_leave("pins", "left"), 2);
	}
	assert_int_equal(access("left/events", F_OK), 0);
	assert_int_equal(access("left/buckets", F_OK), -1);
	assert_int_equal(psc_pins_leave("pins", "left"), -ENOTEMPTY);
	assert_int_equal(access("pins/psc_exec", F_OK), -1);
	assert_int_equal(access("pins/events", F_OK), 0);
	assert_int_equal(psc_pins_remove("pins"), 4);
	assert_int_equal(psc_pins_remove("left"), 3);
}

static json_int_t lost(size_t i)
{
	json_t *record = json_array_get(records, i), *own = json_object_get(record, "proscribe");

	json_object_set_new(
		record, "chain",
		json_pack("{s:i, s:s}", "sequence", 1, "previous",
			  "0000000000000000000000000000000000000000000000000000000000000000"));
	schema.fault[0] = '\0';
	if (!schema_holds(&schema, schema.root, record))
		fail_msg("%s", schema.fault);
	assert_string_equal(json_string_value(json_object_get(own, "reason")), "off");
	return json_integer_value(json_object_get(own, "lost"));
}

static void test_collected(void **state)
{
	mkdir("left", 0700);
	put("repeats");
	dropped = 4;
	add(BOOT, true, 7);
	add(OTHER, true, 8);
	psc_left_collect(&daemon_);
	assert_int_equal(drained, 1);
	assert_int_equal(recognised, 1);
	assert_int_equal(fold_attached, 77);
	assert_int_equal(access("left", F_OK), -1);
	assert_int_equal(access("repeats", F_OK), -1);
	assert_int_equal(access("repeats-left", F_OK), -1);
	assert_null(daemon_.guard);
	assert_int_equal(daemon_.adopted_generation, 0);
	assert_false(daemon_.recalled);
	/* of the boot before nothing can be read */
	psc_left_record(&daemon_);
	assert_int_equal(json_array_size(records), 2);
	assert_int_equal(lost(0), 4);
	assert_int_equal(lost(1), 8);
	assert_int_equal(access("unread", F_OK), -1);
	psc_left_collect(&daemon_);
	assert_int_equal(drained, 1);
}

/* The log cannot be written: all of it waits on, and is told once it can. */
static void test_waits(void **state)
{
	mkdir("left", 0700);
	add(BOOT, true, 7);
	add(BOOT, false, 2);
	journal_error = -ENOSPC;
	psc_left_collect(&daemon_);
	psc_left_record(&daemon_);
	assert_int_equal(access("left", F_OK), 0);
	journal_error = 0;
	psc_left_record(&daemon_);
	assert_int_equal(json_array_size(records), 1);
	assert_int_equal(lost(0), 2);
	daemon_.log_error = 0;
	psc_left_collect(&daemon_);
	psc_left_record(&daemon_);
	assert_int_equal(json_array_size(records), 1);
	assert_int_equal(access("left", F_OK), -1);
	assert_int_equal(access("unread", F_OK), -1);
}

/* A daemon whose log fails takes the guard off. */
static void test_kept(void **state)
{
	struct psc_shared *shared = calloc(1, sizeof(*shared));
	struct psc_guard guard = {.shared = shared};
	struct psc_unread unread[PSC_UNREAD_MAX];

	assert_non_null(shared);
	daemon_.guard = &guard;
	shared->control.dropped_recorded = 2;
	waiting = 5;
	dropped = 3;
	psc_left_keep(&daemon_);
	assert_int_equal(access("left", F_OK), -1);
	daemon_.log_error = -ENOSPC;
	psc_left_keep(&daemon_);
	assert_int_equal(taken, 0);
	assert_int_equal(access("left", F_OK), 0);
	assert_int_equal(psc_unread_read("unread", unread), 1);
	assert_true(unread[0].kept);
	assert_int_equal(unread[0].events, 6);
	/* there is one already */
	psc_left_keep(&daemon_);
	assert_int_equal(psc_unread_read("unread", unread), 2);
	assert_false(unread[1].kept);
	free(shared);
}

/* One event is still being written: it is not given up. */
static void test_unfinished(void **state)
{
	mkdir("left", 0700);
	unfinished = 8;
	psc_left_collect(&daemon_);
	assert_int_equal(drained, 1);
	assert_int_equal(access("left", F_OK), 0);
	unfinished = 0;
	psc_left_collect(&daemon_);
	assert_int_equal(access("left", F_OK), -1);
}

/* What cannot be read, or was taken away by hand, is lost, and counted. */
static void test_lost(void **state)
{
	mkdir("left", 0700);
	add(BOOT, true, 7);
	open_result = -ESTALE;
	psc_left_collect(&daemon_);
	assert_int_equal(drained, 0);
	assert_int_equal(access("left", F_OK), -1);
	add(BOOT, true, 9);
	psc_left_record(&daemon_);
	assert_int_equal(json_array_size(records), 2);
	assert_int_equal(lost(0), 7);
	assert_int_equal(lost(1), 9);
	psc_left_record(&daemon_);
	assert_int_equal(json_array_size(records), 2);
}

static int close_schema(void **state)
{
	json_decref((json_t *)schema.root);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(test_unread_file), TEST(test_guard_file), TEST(test_ring),
		TEST(test_pins_leave),	TEST(test_collected),  TEST(test_waits),
		TEST(test_unfinished),	TEST(test_kept),       TEST(test_lost),
	};

	schema.root = json_load_file("docs/record.schema.json", JSON_REJECT_DUPLICATES, NULL);
	return schema.root ? cmocka_run_group_tests(tests, NULL, close_schema) : 1;
}
