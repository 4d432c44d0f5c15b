/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_decide.c - decide.h over its whole input space, against an expectation that
 * is written down separately.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "bpf/decide.h"

#define LISTED	    2 /* subject of class 2 */
#define OTHER	    3 /* subject of class 5 */
#define OUT_CLASS   4 /* subject whose class number is beyond the table */
#define SUBJECTS    5
#define OTHER_CLASS 5

/* Values an action can have in a table: the three, and some that it must not. */
static const uint8_t actions[] = {0, 1, 2, 3, 4, 127, 255};

/* Rows: action; columns: mode observe, enforce, 2 and up. */
static uint8_t expected_verdict(uint8_t action, uint32_t mode, bool canary)
{
	static const uint8_t ordinary[4][3] = {
		{PSC_VERDICT_ALLOW, PSC_VERDICT_ALLOW, PSC_VERDICT_ALLOW},
		{PSC_VERDICT_RECORD, PSC_VERDICT_RECORD, PSC_VERDICT_RECORD},
		{PSC_VERDICT_WOULD_DENY, PSC_VERDICT_DENY, PSC_VERDICT_DENY},
		{PSC_VERDICT_WOULD_DENY, PSC_VERDICT_DENY, PSC_VERDICT_DENY},
	};
	static const uint8_t of_canary[4] = {
		PSC_VERDICT_ALLOW,
		PSC_VERDICT_RECORD,
		PSC_VERDICT_DENY,
		PSC_VERDICT_DENY,
	};
	unsigned int row = action > 3 ? 3 : action;

	return canary ? of_canary[row] : ordinary[row][mode > 2 ? 2 : mode];
}

static struct psc_table *new_table(void)
{
	struct psc_table *table = calloc(1, sizeof(*table));

	assert_non_null(table);
	table->subject_count = SUBJECTS;
	table->class_count = 6;
	table->interval_count = 1;
	table->class_of[PSC_SUBJECT_CANARY] = PSC_CLASS_CANARY;
	table->class_of[LISTED] = PSC_CLASS_FIRST;
	table->class_of[OTHER] = OTHER_CLASS;
	table->class_of[OUT_CLASS] = PSC_CLASSES_MAX + OTHER_CLASS;
	return table;
}

static void test_verdict(void **state)
{
	for (unsigned int action = 0; action < 256; action++) {
		for (unsigned int mode = 0; mode < 4; mode++) {
			for (unsigned int class = 0; class < PSC_CLASSES_MAX; class ++)
				assert_int_equal(
					psc_verdict_of(action, mode, class),
					expected_verdict(action, mode, class == PSC_CLASS_CANARY));
		}
	}
}

/* Takes one digit of a mixed-radix number: combinations without loops in loops. */
static uint32_t take(uint32_t *number, uint32_t radix)
{
	uint32_t digit = *number % radix;

	*number /= radix;
	return digit;
}

/* A known subject: its class's row counts, whatever doubt there is beside it. */
static void test_match(void **state)
{
	_cleanup_free_ struct psc_table *table = new_table();
	static const struct {
		uint32_t subject, class;
	} kinds[] = {
		{PSC_SUBJECT_CANARY, PSC_CLASS_CANARY},
		{LISTED, PSC_CLASS_FIRST},
		{OTHER, OTHER_CLASS},
		{OUT_CLASS, OTHER_CLASS},
	};
	uint32_t combinations = 3 * 2 * PSC_OP_MAX * 4 * ARRAY_SIZE(actions) * 32;

	memset(table->unverified, PSC_ACTION_DENY, sizeof(table->unverified));
	for (uint32_t i = 0; i < combinations; i++) {
		uint32_t n = i;
		uint32_t mode = take(&n, 3);
		uint32_t op = take(&n, 2 * PSC_OP_MAX);
		uint32_t kind = take(&n, 4);
		uint8_t action = actions[take(&n, ARRAY_SIZE(actions))];
		uint32_t class = kinds[kind].class;
		bool canary = class == PSC_CLASS_CANARY;
		struct psc_decision d;

		memset(table->action, 99, sizeof(table->action));
		table->mode = mode;
		table->action[0][class][op % PSC_OP_MAX] = action;
		psc_decide(table, op, kinds[kind].subject, n, 12345, &d);
		assert_int_equal(d.class, class);
		assert_int_equal(d.interval, 0);
		assert_int_equal(d.action, action);
		assert_int_equal(d.unverified, PSC_UNVERIFIED_NONE);
		assert_int_equal(d._pad0, 0);
		assert_int_equal(d.verdict, expected_verdict(action, mode, canary));
	}
}

/* Nobody known: the reason's action, and without a reason the file goes ahead. */
static void test_no_match(void **state)
{
	_cleanup_free_ struct psc_table *table = new_table();
	uint32_t combinations = 3 * 2 * PSC_OP_MAX * ARRAY_SIZE(actions) * 32;

	memset(table->action, PSC_ACTION_DENY, sizeof(table->action));
	for (uint32_t i = 0; i < combinations; i++) {
		uint32_t n = i;
		uint32_t mode = take(&n, 3);
		uint32_t op = take(&n, 2 * PSC_OP_MAX);
		uint8_t said = actions[take(&n, ARRAY_SIZE(actions))];
		uint8_t action = n ? said : PSC_ACTION_ALLOW;
		struct psc_decision d;

		memset(table->unverified, 99, sizeof(table->unverified));
		table->mode = mode;
		table->unverified[op % PSC_OP_MAX][n] = said;
		psc_decide(table, op, PSC_SUBJECT_NONE, n, 12345, &d);
		assert_int_equal(d.class, PSC_CLASS_NONE);
		assert_int_equal(d.interval, 0);
		assert_int_equal(d.action, action);
		assert_int_equal(d.unverified, n);
		assert_int_equal(d.verdict, expected_verdict(action, mode, false));
	}
}

/* A subject that the table does not have is a doubt of its own: neither match nor nothing. */
static void test_subject_out_of_range(void **state)
{
	_cleanup_free_ struct psc_table *table = new_table();
	static const uint32_t subjects[] = {
		SUBJECTS,
		SUBJECTS + 1,
		PSC_SUBJECTS_MAX - 1,
		PSC_SUBJECTS_MAX,
		PSC_SUBJECTS_MAX + LISTED,
		UINT32_MAX,
	};
	uint32_t combinations =
		PSC_OP_MAX * ARRAY_SIZE(subjects) * ARRAY_SIZE(actions) * PSC_UNVERIFIED_MAX;

	memset(table->action, PSC_ACTION_RECORD, sizeof(table->action));
	table->mode = PSC_MODE_ENFORCE;
	for (uint32_t i = 0; i < combinations; i++) {
		uint32_t n = i;
		uint32_t op = take(&n, PSC_OP_MAX);
		uint32_t subject = subjects[take(&n, ARRAY_SIZE(subjects))];
		uint8_t action = actions[take(&n, ARRAY_SIZE(actions))];
		struct psc_decision d;

		memset(table->unverified, 99, sizeof(table->unverified));
		table->unverified[op][PSC_UNVERIFIED_TABLE] = action;
		psc_decide(table, op, subject, n, 0, &d);
		assert_int_equal(d.class, PSC_CLASS_NONE);
		assert_int_equal(d.unverified, PSC_UNVERIFIED_TABLE);
		assert_int_equal(d.action, action);
		assert_int_equal(d.verdict, expected_verdict(action, PSC_MODE_ENFORCE, false));
	}
	/* The last one inside is a match. */
	table->subject_count = PSC_SUBJECTS_MAX;
	table->class_of[PSC_SUBJECTS_MAX - 1] = OTHER_CLASS;
	for (uint32_t op = 0; op < PSC_OP_MAX; op++) {
		struct psc_decision d;

		psc_decide(table, op, PSC_SUBJECTS_MAX - 1, 0, 0, &d);
		assert_int_equal(d.class, OTHER_CLASS);
		assert_int_equal(d.action, PSC_ACTION_RECORD);
	}
}

static uint32_t expected_interval(const struct psc_table *table, uint64_t now)
{
	uint32_t found = 0;

	for (uint32_t i = 1; i < table->interval_count; i++) {
		if (table->interval_start[i] <= now)
			found = i;
	}
	return found;
}

static void check_boundary(struct psc_table *table, uint32_t i)
{
	uint64_t start = table->interval_start[i];
	const uint64_t times[] = {0, start - (start > 0), start, start + 1, UINT64_MAX};

	for (size_t t = 0; t < ARRAY_SIZE(times); t++) {
		uint32_t expected = expected_interval(table, times[t]);

		for (uint32_t op = 0; op < PSC_OP_MAX; op++) {
			struct psc_decision d;

			psc_decide(table, op, LISTED, 0, times[t], &d);
			assert_int_equal(d.interval, expected);
			assert_int_equal(d.action, (expected + op) % 3);
		}
	}
}

/* Every number of intervals, at, before and after every start; with equal starts too. */
static void test_intervals(void **state)
{
	_cleanup_free_ struct psc_table *table = new_table();
	static const uint64_t steps[] = {1, 1000000000ULL, 1ULL << 57};

	table->mode = PSC_MODE_ENFORCE;
	for (uint32_t i = 0; i < PSC_INTERVALS_MAX; i++) {
		for (uint32_t op = 0; op < PSC_OP_MAX; op++)
			table->action[i][PSC_CLASS_FIRST][op] = (i + op) % 3;
	}
	for (size_t s = 0; s < ARRAY_SIZE(steps); s++) {
		for (uint32_t count = 1; count <= PSC_INTERVALS_MAX; count++) {
			/* What lies behind the last must not be looked at. */
			memset(table->interval_start, 0, sizeof(table->interval_start));
			table->interval_count = count;
			for (uint32_t i = 0; i < count; i++)
				table->interval_start[i] = i * steps[s] / (s + 1);
			for (uint32_t i = 0; i < count; i++)
				check_boundary(table, i);
		}
	}
}

static void test_clock(void **state)
{
	struct psc_clock clock = {.boot_offset = 1000, .tai_offset = -37, .floor = 500};

	assert_int_equal(psc_clock_now(&clock, 0, 37), 1000);
	assert_int_equal(psc_clock_now(&clock, 10, 5000), 4963);
	clock.floor = 9000;
	assert_int_equal(psc_clock_now(&clock, 10, 5000), 9000);
	clock = (struct psc_clock){.boot_offset = -5, .tai_offset = 0};
	assert_int_equal(psc_clock_now(&clock, 100, 0), 95);
}

/* Every pair of actions for content and place, with and without a doubt about the content. */
static void test_place(void **state)
{
	_cleanup_free_ struct psc_table *table = new_table();

	table->mode = PSC_MODE_ENFORCE;
	table->place_subject[7] = OTHER;
	assert_int_equal(psc_place_subject(table, 0), PSC_SUBJECT_NONE);
	assert_int_equal(psc_place_subject(table, 7), PSC_SUBJECT_NONE);
	assert_int_equal(psc_place_subject(table, 8), OTHER);
	for (int content = 0; content < PSC_ACTION_MAX; content++) {
		for (int place = 0; place < PSC_ACTION_MAX; place++) {
			int stricter = content > place ? content : place;
			struct psc_decision d;

			table->action[0][PSC_CLASS_FIRST][PSC_OP_EXEC] = content;
			table->action[0][OTHER_CLASS][PSC_OP_EXEC] = place;
			table->unverified[PSC_OP_EXEC][PSC_UNVERIFIED_WRITER] = content;

			/* content that is listed: it stays unless the place is stricter */
			psc_decide(table, PSC_OP_EXEC, LISTED, PSC_UNVERIFIED_NONE, 0, &d);
			assert_int_equal(psc_decide_place(table, PSC_OP_EXEC, LISTED, OTHER, 0, &d),
					 place > content ? OTHER : LISTED);
			assert_int_equal(d.action, stricter);
			assert_int_equal(d.class, place > content ? OTHER_CLASS : PSC_CLASS_FIRST);

			/* a doubt: the place is better than it, but never milder */
			psc_decide(table, PSC_OP_EXEC, PSC_SUBJECT_NONE, PSC_UNVERIFIED_WRITER, 0,
				   &d);
			assert_int_equal(psc_decide_place(table, PSC_OP_EXEC, PSC_SUBJECT_NONE,
							  OTHER, 0, &d),
					 place >= content ? OTHER : PSC_SUBJECT_NONE);
			assert_int_equal(d.action, stricter);
			assert_int_equal(d.unverified, place >= content ? PSC_UNVERIFIED_NONE
									: PSC_UNVERIFIED_WRITER);

			/* no place: nothing changes */
			psc_decide(table, PSC_OP_EXEC, LISTED, PSC_UNVERIFIED_NONE, 0, &d);
			assert_int_equal(psc_decide_place(table, PSC_OP_EXEC, LISTED,
							  PSC_SUBJECT_NONE, 0, &d),
					 LISTED);
			assert_int_equal(d.action, content);
		}
	}
}

/* The site's own speak of everything that lies there, found ones of what no list has. */
static void test_place_counts(void **state)
{
	for (uint32_t place = 1; place <= PSC_PLACES_MAX; place++) {
		assert_true(psc_place_counts(place, PSC_SUBJECT_NONE));
		assert_int_equal(psc_place_counts(place, LISTED), place - 1 < PSC_PLACES_SITE);
	}
}

/* Every pair of actions for a doubt about the content and one about where the file lies. */
static void test_doubt(void **state)
{
	_cleanup_free_ struct psc_table *table = new_table();
	uint8_t *row = table->unverified[PSC_OP_LOAD];
	struct psc_decision d;

	table->mode = PSC_MODE_ENFORCE;
	for (int content = 0; content < PSC_ACTION_MAX; content++) {
		for (int deep = 0; deep < PSC_ACTION_MAX; deep++) {
			row[PSC_UNVERIFIED_WRITER] = content;
			row[PSC_UNVERIFIED_DEEP] = deep;
			table->action[0][PSC_CLASS_FIRST][PSC_OP_LOAD] = content;

			psc_decide(table, PSC_OP_LOAD, PSC_SUBJECT_NONE, PSC_UNVERIFIED_NONE, 0,
				   &d);
			psc_decide_doubt(table, PSC_OP_LOAD, PSC_SUBJECT_NONE, PSC_UNVERIFIED_DEEP,
					 &d);
			assert_int_equal(d.action, deep);
			assert_int_equal(d.unverified, PSC_UNVERIFIED_DEEP);
			assert_int_equal(d.verdict, deep);

			psc_decide(table, PSC_OP_LOAD, PSC_SUBJECT_NONE, PSC_UNVERIFIED_WRITER, 0,
				   &d);
			psc_decide_doubt(table, PSC_OP_LOAD, PSC_SUBJECT_NONE, PSC_UNVERIFIED_DEEP,
					 &d);
			assert_int_equal(d.action, deep > content ? deep : content);
			assert_int_equal(d.unverified, deep > content ? PSC_UNVERIFIED_DEEP
								      : PSC_UNVERIFIED_WRITER);

			/* what is known to be listed is no doubt any more */
			psc_decide(table, PSC_OP_LOAD, LISTED, PSC_UNVERIFIED_NONE, 0, &d);
			psc_decide_doubt(table, PSC_OP_LOAD, LISTED, PSC_UNVERIFIED_DEEP, &d);
			assert_int_equal(d.action, content);
			assert_int_equal(d.unverified, PSC_UNVERIFIED_NONE);
		}
	}
}

static void test_busy_limit(void **state)
{
	_cleanup_free_ struct psc_table *table = new_table();

	table->busy_limit = 4ULL * 256 << 20;
	assert_int_equal(psc_busy_limit(table, 1), 1024ULL << 20);
	assert_int_equal(psc_busy_limit(table, 16 << 20), 1024ULL << 20);
	assert_int_equal(psc_busy_limit(table, (16 << 20) + 1), 768ULL << 20);
	/* of the smallest limit, and of the largest: a file as large as it fits by itself */
	table->busy_limit = 4ULL << 20;
	assert_true(psc_busy_limit(table, 1 << 20) >= 1 << 20);
	table->busy_limit = 4ULL * UINT32_MAX;
	assert_true(psc_busy_limit(table, UINT32_MAX) >= UINT32_MAX);
}

static void test_prefix(void **state)
{
	static const uint8_t digest[PSC_DIGEST_SIZE] = {0xde, 0xad, 0xbe, 0xef, 0xff};
	static const uint8_t ones[PSC_DIGEST_SIZE] = {0xff, 0xff, 0xff, 0xff};

	assert_int_equal(psc_digest_prefix(digest, 4), 0xd);
	assert_int_equal(psc_digest_prefix(digest, 8), 0xde);
	assert_int_equal(psc_digest_prefix(digest, 12), 0xdea);
	assert_int_equal(psc_digest_prefix(digest, 20), 0xdeadb);
	for (uint32_t bits = PSC_INDEX_BITS_MIN; bits <= PSC_INDEX_BITS_MAX; bits++)
		assert_int_equal(psc_digest_prefix(ones, bits), (1U << bits) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdict),	     cmocka_unit_test(test_match),
		cmocka_unit_test(test_no_match),     cmocka_unit_test(test_subject_out_of_range),
		cmocka_unit_test(test_intervals),    cmocka_unit_test(test_clock),
		cmocka_unit_test(test_prefix),	     cmocka_unit_test(test_place),
		cmocka_unit_test(test_place_counts), cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_busy_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
