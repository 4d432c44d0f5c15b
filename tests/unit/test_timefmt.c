/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_timefmt.c - time as text and back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "user/core/timefmt.h"

#define S PSC_NSEC_PER_SEC

static void test_format(void **state)
{
	char text[PSC_TIME_TEXT_MAX];

	assert_string_equal(psc_time_format(0, text), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(psc_time_format(1767323045 * S + 123456789, text),
			    "2026-01-02T03:04:05.123456Z");
	assert_string_equal(psc_time_format_seconds(1767323045 * S + 999999999, text),
			    "2026-01-02T03:04:05Z");
	assert_string_equal(psc_time_format_compact(1767323045 * S, text), "20260102T030405Z");
	assert_true(strlen(psc_time_format(UINT64_MAX, text)) < PSC_TIME_TEXT_MAX);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t ns;
	} cases[] = {
		{"2026-01-02T03:04:05Z", 0, 1767323045 * S},
		{"2026-01-02 03:04:05z", 0, 1767323045 * S},
		{"2026-01-02T03:04:05.123456Z", 0, 1767323045 * S + 123456000},
		{"2026-01-02T03:04:05.5Z", 0, 1767323045 * S + 500000000},
		{"2026-01-02T03:04:05.1234567891Z", 0, 1767323045 * S + 123456789},
		{"2026-01-02T05:04:05+02:00", 0, 1767323045 * S},
		{"2026-01-01T22:34:05-04:30", 0, 1767323045 * S},
		{"2026-01-02", 0, 1767312000 * S},
		{"2024-02-29T00:00:00Z", 0, 1709164800 * S},
		{"2016-12-31T23:59:60Z", 0, 1483228799 * S},
		{"1970-01-01T00:00:00Z", 0, 0},
		{"1969-12-31T23:59:59Z", -ERANGE, 0},
		{"2262-04-12T00:00:00Z", -ERANGE, 0},
		{"2026-02-29T00:00:00Z", -EINVAL, 0},
		{"2026-13-01T00:00:00Z", -EINVAL, 0},
		{"2026-00-01T00:00:00Z", -EINVAL, 0},
		{"2026-01-02T24:00:00Z", -EINVAL, 0},
		{"2026-01-02T03:04:61Z", -EINVAL, 0},
		{"2026-01-02T03:04:05", -EINVAL, 0},
		{"2026-01-02T03:04:05.Z", -EINVAL, 0},
		{"2026-01-02T03:04:05Z ", -EINVAL, 0},
		{"2026-01-02T03:04:05+0200", -EINVAL, 0},
		{"26-01-02", -EINVAL, 0},
		{"2026-1-2", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"yesterday", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t ns = 42;

		assert_int_equal(psc_time_parse(cases[i].text, &ns), cases[i].result);
		assert_int_equal(ns, cases[i].result ? 42 : cases[i].ns);
	}
}

static void test_since(void **state)
{
	const uint64_t now = 1767323045 * S;
	uint64_t ns = 42;

	assert_int_equal(psc_time_parse_since("90s", now, &ns), 0);
	assert_int_equal(ns, now - 90 * S);
	assert_int_equal(psc_time_parse_since("30m", now, &ns), 0);
	assert_int_equal(ns, now - 1800 * S);
	assert_int_equal(psc_time_parse_since("1h", now, &ns), 0);
	assert_int_equal(ns, now - 3600 * S);
	assert_int_equal(psc_time_parse_since("2d", now, &ns), 0);
	assert_int_equal(ns, now - 2 * 86400 * S);
	assert_int_equal(psc_time_parse_since("1w", now, &ns), 0);
	assert_int_equal(ns, now - 7 * 86400 * S);
	assert_int_equal(psc_time_parse_since("2026-01-02", now, &ns), 0);
	assert_int_equal(ns, 1767312000 * S);
	ns = 42;
	assert_int_equal(psc_time_parse_since("9999999999w", now, &ns), -ERANGE);
	assert_int_equal(psc_time_parse_since("99999999999999999999s", now, &ns), -EINVAL);
	assert_int_equal(psc_time_parse_since("1y", now, &ns), -EINVAL);
	assert_int_equal(psc_time_parse_since("h", now, &ns), -EINVAL);
	assert_int_equal(psc_time_parse_since("-1h", now, &ns), -EINVAL);
	assert_int_equal(psc_time_parse_since("10", now, &ns), -EINVAL);
	assert_int_equal(ns, 42);
}

static void test_until(void **state)
{
	const uint64_t now = 1767323045 * S + 7;
	uint64_t ns = 42;

	assert_int_equal(psc_time_parse_span("30m", &ns), 0);
	assert_int_equal(ns, 1800 * S);
	assert_int_equal(psc_time_parse_span("0s", &ns), 0);
	assert_int_equal(ns, 0);
	assert_int_equal(psc_time_parse_until("+30d", now, &ns), 0);
	assert_int_equal(ns, now + 30 * 86400 * S);
	assert_int_equal(psc_time_parse_until("12h", now, &ns), 0);
	assert_int_equal(ns, now + 12 * 3600 * S);
	assert_int_equal(psc_time_parse_until("2026-01-02", now, &ns), 0);
	assert_int_equal(ns, 1767312000 * S);
	/* the last second before 2262, and one more */
	assert_int_equal(psc_time_parse_until("7447323354s", now, &ns), 0);
	ns = 42;
	assert_int_equal(psc_time_parse_until("7447323355s", now, &ns), -ERANGE);
	assert_int_equal(psc_time_parse_until("9999999999w", now, &ns), -ERANGE);
	assert_int_equal(psc_time_parse_span("9999999999w", &ns), -ERANGE);
	assert_int_equal(psc_time_parse_span("+30d", &ns), -EINVAL);
	assert_int_equal(psc_time_parse_span("2026-01-02", &ns), -EINVAL);
	assert_int_equal(psc_time_parse_until("++1h", now, &ns), -EINVAL);
	assert_int_equal(psc_time_parse_until("-1h", now, &ns), -EINVAL);
	assert_int_equal(psc_time_parse_until("1y", now, &ns), -EINVAL);
	assert_int_equal(psc_time_parse_until("+", now, &ns), -EINVAL);
	assert_int_equal(psc_time_parse_until("", now, &ns), -EINVAL);
	assert_int_equal(psc_time_parse_until("+2026-01-02", now, &ns), -EINVAL);
	assert_int_equal(ns, 42);
}

static void test_compact(void **state)
{
	uint64_t ns = 42;

	assert_int_equal(psc_time_parse_compact("20260102T030405Z.jsonl", 16, &ns), 0);
	assert_int_equal(ns, 1767323045 * S);
	assert_int_equal(psc_time_parse_compact("20260102T030405Z", 15, &ns), -EINVAL);
	assert_int_equal(psc_time_parse_compact("20260102T030405z", 16, &ns), -EINVAL);
	assert_int_equal(psc_time_parse_compact("20260230T030405Z", 16, &ns), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),	cmocka_unit_test(test_parse),
		cmocka_unit_test(test_since),	cmocka_unit_test(test_until),
		cmocka_unit_test(test_compact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
