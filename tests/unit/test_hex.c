/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hex.c - hexadecimal text: exact lengths, the place of a bad digit; names of
 * the enumerations; error descriptions.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/error.h"
#include "user/core/hex.h"
#include "user/core/names.h"

static void test_round_trip(void **state)
{
	uint8_t data[256], back[256];
	char text[513];

	for (unsigned int i = 0; i < 256; i++)
		data[i] = i;
	psc_hex_encode(data, sizeof(data), text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text, "000102", 6);
	assert_string_equal(text + 508, "feff");
	assert_int_equal(psc_hex_decode(text, 512, back, 256, NULL), 0);
	assert_memory_equal(data, back, 256);
	assert_int_equal(psc_hex_decode("aAbBfF", 6, back, 3, NULL), 0);
	assert_memory_equal(back, "\xaa\xbb\xff", 3);
}

static void test_lengths(void **state)
{
	uint8_t data[2] = {7, 7};

	assert_int_equal(psc_hex_decode("0011", 4, data, 1, NULL), -EMSGSIZE);
	assert_int_equal(psc_hex_decode("001", 3, data, 1, NULL), -EMSGSIZE);
	assert_int_equal(psc_hex_decode("00112", 5, data, 2, NULL), -EMSGSIZE);
	assert_int_equal(psc_hex_decode("", 0, data, 1, NULL), -EMSGSIZE);
	assert_int_equal(data[0], 7);
	assert_int_equal(psc_hex_decode("", 0, data, 0, NULL), 0);
}

static void test_bad_digit(void **state)
{
	uint8_t data[2] = {7, 7};

	for (unsigned int c = 0; c < 256; c++) {
		char text[] = {'0', '1', '2', c};
		size_t bad = 99;
		int good = c && strchr("0123456789abcdefABCDEF", c) != NULL;

		data[0] = data[1] = 7;
		assert_int_equal(psc_hex_decode(text, 4, data, 2, &bad), good ? 0 : -EINVAL);
		assert_int_equal(bad, good ? 99 : 3);
		assert_int_equal(data[0], good ? 1 : 7);
	}
}

static void test_names(void **state)
{
	enum psc_op op = PSC_OP_MAX;
	enum psc_unverified reason = PSC_UNVERIFIED_NONE;
	enum psc_mode mode = PSC_MODE_MAX;
	enum psc_action action = PSC_ACTION_MAX;
	enum psc_verdict verdict = PSC_VERDICT_MAX;

	for (unsigned int i = 0; i < PSC_OP_MAX; i++) {
		assert_int_equal(psc_op_from_string(psc_op_to_string(i), &op), 0);
		assert_int_equal(op, i);
	}
	for (unsigned int i = 0; i < PSC_UNVERIFIED_MAX; i++) {
		assert_int_equal(psc_unverified_from_string(psc_unverified_to_string(i), &reason),
				 0);
		assert_int_equal(reason, i);
	}
	for (unsigned int i = 0; i < PSC_VERDICT_MAX; i++) {
		assert_int_equal(psc_verdict_from_string(psc_verdict_to_string(i), &verdict), 0);
		assert_int_equal(verdict, i);
	}
	assert_int_equal(psc_mode_from_string("enforce", &mode), 0);
	assert_int_equal(mode, PSC_MODE_ENFORCE);
	assert_int_equal(psc_mode_from_string("Enforce", &mode), -EINVAL);
	assert_int_equal(psc_action_from_string("deny", &action), 0);
	assert_int_equal(action, PSC_ACTION_DENY);
	assert_int_equal(psc_action_from_string("", &action), -EINVAL);
	assert_string_equal(psc_unverified_to_string(PSC_UNVERIFIED_IMA_POLICY), "ima_policy");
	assert_string_equal(psc_source_to_string(PSC_SOURCE_LINEAGE), "lineage");
	assert_string_equal(psc_feature_to_string(PSC_FEATURE_REAL_INODE), "real_inode");
	assert_null(psc_op_to_string(PSC_OP_MAX));
	assert_null(psc_source_to_string(PSC_SOURCE_MAX));
	assert_null(psc_feature_to_string(PSC_FEATURE_MAX));
	assert_null(psc_unverified_to_string(PSC_UNVERIFIED_MAX));
}

static void test_error(void **state)
{
	struct psc_error err;
	char text[700], path[400];

	psc_error_set(NULL, "f", 1, 1, "x");
	psc_error_set(&err, "a.csv", 3, 9, "bad %d", 5);
	assert_string_equal(psc_error_format(&err, text, sizeof(text)), "a.csv:3:9: bad 5");
	psc_error_set(&err, "a.csv", 3, 0, "bad");
	assert_string_equal(psc_error_format(&err, text, sizeof(text)), "a.csv:3: bad");
	psc_error_set(&err, "a.csv", 0, 0, "bad");
	assert_string_equal(psc_error_format(&err, text, sizeof(text)), "a.csv: bad");
	psc_error_set(&err, NULL, 0, 0, "bad");
	assert_string_equal(psc_error_format(&err, text, sizeof(text)), "bad");
	memset(path, 'a', sizeof(path));
	memcpy(path + sizeof(path) - 6, "x.csv", 6);
	psc_error_set(&err, path, 0, 0, "%s", path);
	assert_int_equal(strlen(err.file), PSC_ERROR_FILE_SIZE - 1);
	assert_memory_equal(err.file, "...a", 4);
	assert_string_equal(err.file + PSC_ERROR_FILE_SIZE - 6, "x.csv");
	assert_int_equal(strlen(err.message), PSC_ERROR_MESSAGE_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_bad_digit),  cmocka_unit_test(test_names),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
