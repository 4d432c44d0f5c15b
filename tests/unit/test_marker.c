/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_marker.c - the search for markers against memmem() on random text of few letters, where
 * near misses are frequent; pieces, ranges, limits.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/signing.h"
#include "user/identify/marker.h"

#define PIECE (128 * 1024) /* as in marker.c */

static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

static void fill(char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		data[i] = "abAB"[draw(4)];
}

static void test_random(void **state)
{
	for (unsigned int round = 0; round < 2000; round++) {
		char text[300], strings[40][32], *pointer[41] = {0};
		_cleanup_(psc_markers_freep) struct psc_markers *markers = NULL;
		size_t count = 1 + draw(40), size = draw(sizeof(text));
		uint8_t found[40] = {0};

		fill(text, sizeof(text));
		for (size_t i = 0; i < count; i++) {
			size_t length = PSC_MARKER_MIN + draw(20);

			fill(strings[i], length);
			strings[i][length] = 0;
			/* every other one is there */
			if (i % 2 && size > length)
				memcpy(strings[i], text + draw(size - length), length);
			pointer[i] = strings[i];
		}
		assert_int_equal(psc_markers_new((const char *const *)pointer, &markers), 0);
		assert_true(psc_markers_count(markers) <= count);
		psc_markers_search(markers, text, size, found);
		for (size_t i = 0; i < psc_markers_count(markers); i++) {
			const char *marker = psc_markers_get(markers, i);

			assert_int_equal(found[i],
					 memmem(text, size, marker, strlen(marker)) != NULL);
		}
	}
}

static void search(const char *data, size_t size, struct psc_marker_range *ranges, size_t count,
		   struct psc_facts *facts)
{
	static const char *const strings[] = {"MARKER-ONE", "MARKER-TWO-LONGER", "MARKER-ONE",
					      NULL};
	_cleanup_(psc_markers_freep) struct psc_markers *markers = NULL;
	_cleanup_close_ int fd = memory_file(data, size);

	psc_facts_clear(facts);
	assert_int_equal(psc_markers_new(strings, &markers), 0);
	assert_int_equal(psc_markers_count(markers), 2);
	assert_int_equal(psc_markers_search_fd(markers, fd, ranges, count, facts), 0);
}

/* Wherever it stands around the end of a piece, and at both ends of the file. */
static void test_pieces(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	static const char marker[] = "MARKER-TWO-LONGER";
	size_t size = 2 * PIECE + 100, length = strlen(marker);
	_cleanup_free_ char *data = calloc(1, size);

	for (size_t at = PIECE - 40; at < PIECE + 10; at++) {
		struct psc_marker_range range = {0, size};

		memset(data, '-', size);
		memcpy(data + at, marker, length);
		search(data, size, &range, 1, &facts);
		assert_int_equal(count_facts(&facts, PSC_FACT_MARKER), 1);
		assert_true(has_fact(&facts, PSC_FACT_MARKER, 0, marker));
	}
	for (int last = 0; last < 2; last++) {
		struct psc_marker_range range = {0, UINT64_MAX};

		memset(data, '-', size);
		memcpy(data + (last ? size - length : 0), marker, length);
		search(data, size, &range, 1, &facts);
		assert_int_equal(count_facts(&facts, PSC_FACT_MARKER), 1);
	}
}

static void test_ranges(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	char data[] = "....MARKER-ONE....MARKER-ONE....MARKER-TWO-LONGER";
	size_t size = sizeof(data) - 1;
	struct psc_marker_range cut[] = {{5, 9}, {20, 8}, {0, 10}};
	struct psc_marker_range joined[] = {{12, 3}, {2, 6}, {8, 4}};
	struct psc_marker_range behind[] = {{size + 10, 100}, {UINT64_MAX - 100, 50}};

	/* {0, 10} and {5, 9} overlap: 4 to 14 is inside what they make together. */
	search(data, size, cut, 3, &facts);
	assert_int_equal(count_facts(&facts, PSC_FACT_MARKER), 1);
	/* Without {5, 9} neither of the others has it. */
	search(data, size, (struct psc_marker_range[]){{20, 8}, {0, 10}}, 2, &facts);
	assert_int_equal(facts.count, 0);
	/* Three in a row that touch. */
	search(data, size, joined, 3, &facts);
	assert_int_equal(facts.count, 1);
	search(data, size, behind, 2, &facts);
	assert_int_equal(facts.count, 0);
	search(data, size, NULL, 0, &facts);
	assert_int_equal(facts.count, 0);
}

static void test_too_much(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	struct psc_marker_range ranges[] = {
		{0, 20}, {30, PSC_MARKER_BYTES_MAX}, {UINT64_MAX / 2, 9}};

	search("MARKER-ONE", 10, ranges, 3, &facts);
	assert_int_equal(count_facts(&facts, PSC_FACT_MARKER), 1);
	assert_int_equal(count_facts(&facts, PSC_FACT_PROBLEM), 1);
	assert_true(has_problem(&facts, "not looked for behind offset 1073741834"));
}

static void test_refused(void **state)
{
	static const char *const shorter[] = {"longer", "short", NULL};
	static const char *const none[] = {NULL};
	_cleanup_(psc_markers_freep) struct psc_markers *markers = NULL;
	char text[PSC_MARKER_MAX + 2];
	const char *longer[] = {text, NULL};
	uint8_t found;

	assert_int_equal(psc_markers_new(shorter, &markers), -EINVAL);
	memset(text, 'x', sizeof(text));
	text[PSC_MARKER_MAX + 1] = 0;
	assert_int_equal(psc_markers_new(longer, &markers), -EINVAL);
	assert_null(markers);
	text[PSC_MARKER_MAX] = 0;
	assert_int_equal(psc_markers_new(longer, &markers), 0);
	psc_markers_search(markers, text, PSC_MARKER_MAX, &found);
	psc_markers_freep(&markers);
	assert_int_equal(psc_markers_new(none, &markers), 0);
	psc_markers_search(markers, text, sizeof(text), &found);
	assert_null(psc_markers_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_ranges),	cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
