/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_format.c - formats by magic, at every length of the head; which filter each
 * belongs to.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/format.h"

static const struct {
	const char *head;
	size_t size;
	size_t enough; /* bytes that tell */
	enum psc_format format;
} heads[] = {
	{"\177ELF\2\1\1", 7, 4, PSC_FORMAT_ELF},
	{"#!/bin/sh\n", 10, 2, PSC_FORMAT_SCRIPT},
	{"MZ\220\0", 4, 2, PSC_FORMAT_PE},
	{"!<arch>\ndebian-binary   123", 27, 21, PSC_FORMAT_DEB},
	{"!<arch>\nfoo.o/          ", 24, 99, PSC_FORMAT_ANY},
	{"\355\253\356\333\3\0", 6, 4, PSC_FORMAT_RPM},
	{"\037\213\010\0", 4, 3, PSC_FORMAT_ARCHIVE},
	{"\375"
	 "7zXZ\0\0",
	 7, 6, PSC_FORMAT_ARCHIVE},
	{"\050\265\057\375\0", 5, 4, PSC_FORMAT_ARCHIVE},
	{"BZh91AY", 7, 3, PSC_FORMAT_ARCHIVE},
	{"7z\274\257\047\034\0", 7, 6, PSC_FORMAT_ARCHIVE},
	{"0707010000", 10, 6, PSC_FORMAT_ARCHIVE},
	{"0707020000", 10, 6, PSC_FORMAT_ARCHIVE},
	{"PK\003\004", 4, 99, PSC_FORMAT_ANY}, /* may be a jar, which binfmt_misc runs */
	{"# !/bin/sh", 10, 99, PSC_FORMAT_ANY},
	{"\177ELG", 4, 99, PSC_FORMAT_ANY},
	{"ZM", 2, 99, PSC_FORMAT_ANY},
};

static void test_detect(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		for (size_t size = 0; size <= heads[i].size; size++) {
			/* A copy of just that length, for the address sanitizer to watch. */
			_cleanup_free_ uint8_t *head = malloc(size + !size);

			assert_non_null(head);
			memcpy(head, heads[i].head, size);
			assert_int_equal(psc_format_detect(head, size), size >= heads[i].enough
										? heads[i].format
										: PSC_FORMAT_ANY);
		}
	}
}

static void test_names(void **state)
{
	enum psc_format format = PSC_FORMAT_MAX;

	for (unsigned int i = 0; i < PSC_FORMAT_MAX; i++) {
		assert_int_equal(psc_format_from_string(psc_format_to_string(i), &format), 0);
		assert_int_equal(format, i);
	}
	assert_int_equal(psc_format_from_string("ELF", &format), -EINVAL);
	assert_int_equal(psc_format_from_string("", &format), -EINVAL);
	assert_null(psc_format_to_string(PSC_FORMAT_MAX));
}

static void test_filters(void **state)
{
	static const struct {
		bool exec, open, forces;
	} expected[PSC_FORMAT_MAX] = {
		[PSC_FORMAT_ANY] = {true, true, true},
		[PSC_FORMAT_ELF] = {true, false, true},
		[PSC_FORMAT_SCRIPT] = {true, false, true},
		[PSC_FORMAT_PE] = {true, true, false},
		[PSC_FORMAT_DEB] = {false, true, false},
		[PSC_FORMAT_RPM] = {false, true, false},
		[PSC_FORMAT_ARCHIVE] = {false, true, false},
	};

	for (unsigned int i = 0; i < PSC_FORMAT_MAX; i++) {
		assert_int_equal(psc_format_in_exec_filter(i), expected[i].exec);
		assert_int_equal(psc_format_in_open_filter(i), expected[i].open);
		assert_int_equal(psc_format_forces_hashing(i), expected[i].forces);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_detect),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
