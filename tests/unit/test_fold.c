/* SPDX-License-Identifier: Apache-2.0 */
/* test_fold.c - repeats of an attempt are counted, and never lost. */
#include "user/core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/fold.h"

static struct psc_event make_event(uint32_t tgid, const char *path)
{
	struct psc_event event = {
		.head = {.type = PSC_EVENT_DECISION, .length = sizeof(event)},
		.op = PSC_OP_LOAD,
		.verdict = PSC_VERDICT_RECORD,
		.unverified = PSC_UNVERIFIED_MEMFD,
		.process = {.tgid = tgid, .start_ns = 1000},
	};

	event.path_length = snprintf(event.path, sizeof(event.path), "%s", path);
	return event;
}

static bool hold(struct psc_fold *fold, const struct psc_event *event)
{
	bool held = psc_fold_hold(fold, event);

	psc_fold_commit(fold);
	return held;
}

static void test_repeats_are_counted(void **state)
{
	struct psc_event event = make_event(7, "/memfd:jit (deleted)");
	struct psc_fold_repeats repeats;
	struct psc_fold *fold;

	assert_int_equal(psc_fold_new(&fold), 0);
	event.head.boot_ns = 5;
	assert_false(hold(fold, &event));
	for (int i = 0; i < 3; i++) {
		event.head.boot_ns = 10 + i;
		event.inode++;
		assert_true(hold(fold, &event));
	}
	assert_false(psc_fold_take(fold, 5 + PSC_FOLD_WINDOW_NS - 1, &repeats));
	assert_true(psc_fold_take(fold, 5 + PSC_FOLD_WINDOW_NS, &repeats));
	assert_int_equal(repeats.count, 3);
	assert_int_equal(repeats.first_boot_ns, 5);
	assert_int_equal(repeats.event.head.boot_ns, 12);
	assert_string_equal(repeats.event.path, "/memfd:jit (deleted)");
	assert_false(psc_fold_take(fold, UINT64_MAX, &repeats));
	assert_false(hold(fold, &event));
	psc_fold_free(fold);
}

static void test_differences_are_kept_apart(void **state)
{
	struct psc_event event = make_event(7, "/memfd:a");
	struct psc_event others[7];
	struct psc_fold *fold;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		others[i] = event;
	others[0].process.tgid++;
	others[1].process.start_ns++;
	others[2].op = PSC_OP_EXEC;
	others[3].unverified = PSC_UNVERIFIED_WRITER;
	others[4].device++;
	others[5].path[7]++;
	others[6].head.flags = PSC_EVENT_MPROTECT;
	assert_int_equal(psc_fold_new(&fold), 0);
	assert_false(hold(fold, &event));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(hold(fold, &others[i]));
	assert_true(hold(fold, &event));
	psc_fold_free(fold);
}

/* A refusal of a listed file. */
static struct psc_event make_refusal(uint32_t tgid)
{
	struct psc_event event = make_event(tgid, "/opt/listed");

	event.unverified = PSC_UNVERIFIED_NONE;
	event.verdict = PSC_VERDICT_DENY;
	event.inode = 12;
	return event;
}

static void test_decisions_are_told_soon(void **state)
{
	struct psc_event denied = make_refusal(7), recorded = make_event(8, "/memfd:b");
	struct psc_event refused = make_event(9, "/memfd:c");
	struct psc_fold_repeats repeats;
	struct psc_fold *fold;

	refused.verdict = PSC_VERDICT_DENY;
	assert_int_equal(psc_fold_new(&fold), 0);
	assert_false(hold(fold, &denied));
	assert_false(hold(fold, &refused));
	assert_false(hold(fold, &recorded));
	assert_int_equal(psc_fold_due(fold), UINT64_MAX);
	denied.head.boot_ns = refused.head.boot_ns = recorded.head.boot_ns = 10;
	assert_true(hold(fold, &recorded));
	assert_int_equal(psc_fold_due(fold), PSC_FOLD_WINDOW_NS);
	assert_true(hold(fold, &denied));
	assert_true(hold(fold, &denied));
	assert_true(hold(fold, &refused));
	assert_int_equal(psc_fold_due(fold), PSC_FOLD_DECIDED_NS);
	assert_false(psc_fold_take(fold, PSC_FOLD_DECIDED_NS - 1, &repeats));
	assert_true(psc_fold_take(fold, PSC_FOLD_DECIDED_NS, &repeats));
	assert_int_equal(repeats.event.process.tgid, 7);
	assert_int_equal(repeats.count, 2);
	assert_true(psc_fold_take(fold, PSC_FOLD_DECIDED_NS, &repeats));
	assert_int_equal(repeats.event.process.tgid, 9);
	assert_int_equal(repeats.count, 1);
	assert_false(psc_fold_take(fold, PSC_FOLD_DECIDED_NS, &repeats));
	psc_fold_commit(fold);
	assert_int_equal(psc_fold_due(fold), PSC_FOLD_WINDOW_NS);
	assert_false(hold(fold, &denied));
	psc_fold_free(fold);
}

static void test_decisions_are_kept_apart(void **state)
{
	struct psc_event event = make_refusal(7), others[14];
	struct psc_fold *fold;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		others[i] = event;
	others[0].generation++;
	others[1].interval++;
	others[2].class ++;
	others[3].subject++;
	others[4].action++;
	others[5].verdict = PSC_VERDICT_WOULD_DENY;
	others[6].mode++;
	others[7].place++;
	others[8].inode++;
	others[9].inode_generation++;
	others[10].digest[31]++;
	others[11].process.uid++;
	others[12].cgroup_id++;
	others[13].mount_namespace++;
	assert_int_equal(psc_fold_new(&fold), 0);
	assert_false(hold(fold, &event));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(hold(fold, &others[i]));
	assert_true(hold(fold, &event));
	psc_fold_free(fold);
}

static void test_other_events_are_not_folded(void **state)
{
	struct psc_event wanted = make_event(7, "/x"), seen = wanted;
	struct psc_fold *fold;

	wanted.head.type = PSC_EVENT_WANTED;
	seen.head.type = PSC_EVENT_SEEN;
	assert_int_equal(psc_fold_new(&fold), 0);
	for (int i = 0; i < 3; i++) {
		assert_false(hold(fold, &wanted));
		assert_false(hold(fold, &seen));
	}
	psc_fold_free(fold);
}

/* With more processes than places the oldest make room; those with repeats stay. */
static void test_more_than_fit(void **state)
{
	struct psc_event first = make_refusal(1);
	struct psc_fold_repeats repeats;
	struct psc_fold *fold;

	assert_int_equal(psc_fold_new(&fold), 0);
	assert_false(hold(fold, &first));
	assert_true(hold(fold, &first));
	for (uint32_t i = 0; i < 3 * PSC_FOLD_ENTRIES; i++) {
		struct psc_event event = make_refusal(2 + i);

		assert_false(hold(fold, &event));
		assert_true(i % 3 || hold(fold, &first));
	}
	assert_true(psc_fold_take(fold, UINT64_MAX, &repeats));
	assert_int_equal(repeats.event.process.tgid, 1);
	assert_int_equal(repeats.count, 1 + PSC_FOLD_ENTRIES);
	psc_fold_free(fold);
}

/* The events of a group that could not be written come again, and count once. */
static void test_rewound_group(void **state)
{
	struct psc_event event = make_event(7, "/memfd:a"), other = make_event(8, "/memfd:a");
	struct psc_fold_repeats repeats;
	struct psc_fold *fold;

	assert_int_equal(psc_fold_new(&fold), 0);
	assert_false(hold(fold, &event));
	assert_true(hold(fold, &event));
	for (int i = 0; i < 3; i++) {
		assert_true(psc_fold_hold(fold, &event));
		assert_false(psc_fold_hold(fold, &other)); /* first, as long as it is not written */
		assert_true(psc_fold_hold(fold, &other));
		psc_fold_rewind(fold);
	}
	assert_true(psc_fold_take(fold, UINT64_MAX, &repeats));
	assert_int_equal(repeats.count, 1);
	assert_int_equal(repeats.event.process.tgid, 7);
	assert_false(psc_fold_take(fold, UINT64_MAX, &repeats));
	psc_fold_free(fold);
}

/* What was taken and could not be written is there again, until it is committed. */
static void test_taken_until_committed(void **state)
{
	struct psc_event event = make_event(7, "/memfd:a");
	struct psc_fold_repeats repeats;
	struct psc_fold *fold;

	assert_int_equal(psc_fold_new(&fold), 0);
	assert_false(hold(fold, &event));
	for (int i = 0; i < 5; i++)
		assert_true(hold(fold, &event));
	for (int i = 0; i < 3; i++) {
		assert_true(psc_fold_take(fold, UINT64_MAX, &repeats));
		assert_int_equal(repeats.count, 5);
		assert_false(psc_fold_take(fold, UINT64_MAX, &repeats));
		psc_fold_rewind(fold);
	}
	assert_true(psc_fold_take(fold, UINT64_MAX, &repeats));
	psc_fold_commit(fold);
	assert_false(psc_fold_take(fold, UINT64_MAX, &repeats));
	assert_false(hold(fold, &event));
	psc_fold_free(fold);
}

/* Whatever comes, and whatever fails, attempts = records written + repeats reported. */
static void test_sum(void **state)
{
	uint64_t written = 0, reported = 0, attempts = 20000;
	struct psc_fold_repeats repeats;
	struct psc_fold *fold;
	uint32_t seed = 1;

	assert_int_equal(psc_fold_new(&fold), 0);
	for (uint64_t i = 0; i < attempts; i++) {
		struct psc_event event;

		seed = seed * 1103515245 + 12345;
		event = make_event(seed >> 16 & 511, "/memfd:b");
		event.head.boot_ns = i;
		if (seed >> 28 == 0) { /* a group that fails */
			psc_fold_hold(fold, &event);
			psc_fold_rewind(fold);
		}
		written += !hold(fold, &event);
		if (i % 1000)
			continue;
		while (psc_fold_take(fold, UINT64_MAX, &repeats))
			reported += repeats.count;
		psc_fold_commit(fold);
	}
	while (psc_fold_take(fold, UINT64_MAX, &repeats))
		reported += repeats.count;
	assert_int_equal(written + reported, attempts);
	assert_true(reported > 0);
	psc_fold_free(fold);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeats_are_counted),
		cmocka_unit_test(test_differences_are_kept_apart),
		cmocka_unit_test(test_decisions_are_told_soon),
		cmocka_unit_test(test_decisions_are_kept_apart),
		cmocka_unit_test(test_other_events_are_not_folded),
		cmocka_unit_test(test_more_than_fit),
		cmocka_unit_test(test_rewound_group),
		cmocka_unit_test(test_taken_until_committed),
		cmocka_unit_test(test_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
