/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_journal.c - what becomes of events and of the counts of repeats while the audit log
 * cannot be written, with a pretended ring in the kernel's place.
 */
#include "user/core/util.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "user/daemon/journal.c"
#include "user/daemon/seen.c"
#include "tests/unit/journal_host.h"

/* ---- the ring ------------------------------------------------------------------------ */

static struct psc_event pretended[8];
static size_t produced, position, committed;

int psc_ring_next(struct psc_ring *ring, const void **ret_data, size_t *ret_size)
{
	if (position == produced)
		return 0;
	*ret_data = &pretended[position];
	*ret_size = pretended[position++].head.length;
	return 1;
}

unsigned long psc_ring_position(const struct psc_ring *ring)
{
	return position;
}

unsigned long psc_ring_produced(const struct psc_ring *ring)
{
	return produced;
}

void psc_ring_commit(struct psc_ring *ring)
{
	committed = position;
}

void psc_ring_back(struct psc_ring *ring, unsigned long to)
{
	position = to;
}

void psc_ring_rewind(struct psc_ring *ring)
{
	position = committed;
}

/* ---- steps ------------------------------------------------------------------------- */

static char directory[] = "/tmp/psc-journal-XXXXXX";
static struct psc_image image;

static int setup(void **state)
{
	struct psc_daemon *daemon = calloc(1, sizeof(*daemon));

	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	produced = position = committed = said = 0;
	if (!daemon || !mkdtemp(directory) || psc_fold_new(&daemon->fold) < 0 ||
	    psc_config_new(&daemon->policy.config) < 0)
		return -1;
	free(daemon->policy.config->log_directory);
	daemon->policy.config->log_directory = strdup(directory);
	daemon->policy.image = &image;
	daemon->guard = &host_guard;
	snprintf(daemon->boot_id, sizeof(daemon->boot_id), "0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11");
	daemon->policy.generation = 7; /* none of an event's: nothing to explain */
	signal(SIGXFSZ, SIG_IGN);
	*state = daemon;
	return 0;
}

static int teardown(void **state)
{
	struct psc_daemon *daemon = *state;
	char command[64];

	psc_journal_close(daemon);
	forget_tail(daemon);
	psc_fold_free(daemon->fold);
	psc_config_free(daemon->policy.config);
	free(daemon);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

/* As long as @full, no file of this process can grow. */
static void disk(bool full)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = full ? 1 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void attempt(uint32_t tgid)
{
	struct psc_event *event = &pretended[produced++];

	assert_true(produced <= ARRAY_SIZE(pretended));
	*event = (struct psc_event){
		.head = {.type = PSC_EVENT_DECISION,
			 .length = sizeof(*event),
			 .boot_ns = psc_time_boot()},
		.op = PSC_OP_LOAD,
		.action = PSC_ACTION_RECORD,
		.verdict = PSC_VERDICT_RECORD,
		.unverified = PSC_UNVERIFIED_MEMFD,
		.process = {.tgid = tgid, .start_ns = 1000},
	};
	event->path_length = snprintf(event->path, sizeof(event->path), "/memfd:jit (deleted)");
}

static void see(uint32_t attempts)
{
	attempt(1);
	pretended[produced - 1].head.type = PSC_EVENT_SEEN;
	pretended[produced - 1].head.attempts = attempts;
	pretended[produced - 1].verdict = pretended[produced - 1].unverified = 0;
}

struct found {
	json_int_t seen;
	json_int_t left_out;
	json_int_t decisions;
	json_int_t repeats;
	json_int_t resumed;
};

/* What the log says. */
static struct found look(void)
{
	struct psc_auditlog_reader *reader;
	struct psc_auditlog_line line;
	struct found found = {};

	assert_int_equal(psc_auditlog_reader_new(directory, 0, false, &reader), 0);
	while (psc_auditlog_reader_next(reader, &line) > 0) {
		const json_t *own = json_object_get(line.json, "proscribe");
		const char *type = json_string_value(json_object_get(own, "type"));
		const json_t *repeats = json_object_get(own, "repeats");

		assert_non_null(type);
		if (!strcmp(type, "log_resumed"))
			found.resumed++;
		else if (!strcmp(type, "seen"))
			found.seen += json_integer_value(json_object_get(own, "attempts"));
		else if (!strcmp(type, "seen_left_out"))
			found.left_out += json_integer_value(json_object_get(own, "left_out"));
		else if (repeats)
			found.repeats += json_integer_value(repeats);
		else
			found.decisions++;
	}
	psc_auditlog_reader_free(reader);
	return found;
}

static void assert_found(json_int_t decisions, json_int_t repeats, json_int_t resumed)
{
	struct found found = look();

	assert_int_equal(found.decisions, decisions);
	assert_int_equal(found.repeats, repeats);
	assert_int_equal(found.resumed, resumed);
}

/* ---- tests ------------------------------------------------------------------------- */

/* Counts that are due while the log fails are kept, and written when it is back. */
static void test_repeats_are_kept(void **state)
{
	struct psc_daemon *daemon = *state;

	for (int i = 0; i < 4; i++)
		attempt(1);
	psc_journal_drain(daemon);
	assert_int_equal(committed, 4);
	disk(true);
	for (int i = 0; i < 3; i++) {
		psc_journal_repeats(daemon, true);
		assert_int_equal(daemon->log_error, -EFBIG);
	}
	disk(false);
	assert_found(1, 0, 0);
	psc_journal_repeats(daemon, true);
	assert_int_equal(daemon->log_error, 0);
	assert_found(1, 3, 1);
	psc_journal_repeats(daemon, true);
	assert_found(1, 3, 1);
}

/* What could not be written stays in the ring and is counted once when it comes again. */
static void test_groups_count_once(void **state)
{
	struct psc_daemon *daemon = *state;

	attempt(1);
	attempt(1);
	psc_journal_drain(daemon);
	disk(true);
	attempt(1); /* a repeat: counted, though nothing can be written */
	attempt(2); /* the first of its kind */
	attempt(2);
	for (int i = 0; i < 3; i++) {
		psc_journal_drain_some(daemon);
		assert_int_equal(committed, 3);
	}
	disk(false);
	psc_journal_drain(daemon);
	assert_int_equal(committed, 5);
	psc_journal_repeats(daemon, true);
	assert_found(2, 3, 1);
}

/* Of what is seen there are so many records and no more; the others are counted, once. */
static void test_seen_is_bounded(void **state)
{
	struct psc_daemon *daemon = *state;

	daemon->seen.allowance.used = daemon->seen.committed.used = PSC_SEEN_BURST - 2;
	daemon->seen.allowance.boot_ns = daemon->seen.committed.boot_ns =
		psc_time_boot() + 3600 * PSC_NSEC_PER_SEC;
	see(1);
	see(2);
	see(4);
	see(8);
	disk(true);
	psc_journal_drain_some(daemon);
	psc_journal_drain_some(daemon);
	psc_seen_tick(daemon, true);
	disk(false);
	assert_int_equal(daemon->seen.left_out, 0);
	psc_journal_drain(daemon);
	assert_int_equal(daemon->seen.left_out, 2);
	disk(true);
	psc_seen_tick(daemon, true);
	disk(false);
	psc_seen_tick(daemon, true);
	psc_seen_tick(daemon, true);
	assert_int_equal(look().seen, 3);
	assert_int_equal(look().left_out, 2);
	see(16);
	psc_journal_drain(daemon);
	/* a minute has to pass */
	psc_seen_tick(daemon, false);
	assert_int_equal(look().left_out, 2);
}

/* A log that opens but takes nothing is said once, and not said to be back. */
static void test_said_once(void **state)
{
	struct psc_daemon *daemon = *state;

	disk(true);
	attempt(1);
	for (int i = 0; i < 5; i++) {
		psc_journal_drain_some(daemon);
		psc_journal_repeats(daemon, false);
	}
	assert_int_equal(daemon->log_error, -EFBIG);
	assert_int_equal(said, 1);
	disk(false);
	psc_journal_repeats(daemon, false); /* nothing due: that alone shows that it is back */
	assert_int_equal(daemon->log_error, 0);
	assert_int_equal(said, 2);
	psc_journal_drain(daemon);
	assert_found(1, 0, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_repeats_are_kept),
		TEST(test_groups_count_once),
		TEST(test_said_once),
		TEST(test_seen_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
