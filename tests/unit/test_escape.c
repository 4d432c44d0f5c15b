/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_escape.c - escaping of untrusted bytes: what passes, what does not, reversibility.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "user/core/escape.h"

#define BYTES(s) s, sizeof(s) - 1

static void test_table(void **state)
{
	static const struct {
		const char *in;
		size_t size;
		const char *out;
	} cases[] = {
		{BYTES(""), ""},
		{BYTES("/usr/bin/true"), "/usr/bin/true"},
		{BYTES("a b\tc\nd"), "a b\\x09c\\x0ad"},
		{BYTES("\033[31mred"), "\\x1b[31mred"},
		{BYTES("back\\slash"), "back\\x5cslash"},
		{BYTES("nul\0in"), "nul\\x00in"},
		{BYTES("del\x7f"), "del\\x7f"},
		{BYTES("\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80"),
		 "\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80"},
		{BYTES("\xc2\x85"), "\\u{0085}"}, /* C1 NEL */
		{BYTES("\xe2\x80\xae"
		       "exe"),
		 "\\u{202e}exe"},		      /* right-to-left override */
		{BYTES("\xe2\x81\xa6"), "\\u{2066}"}, /* isolate */
		{BYTES("\xe2\x80\x8f"), "\\u{200f}"}, /* right-to-left mark */
		{BYTES("\xe2\x80\xa8\xe2\x80\xa9"), "\\u{2028}\\u{2029}"},
		{BYTES("\xff\xfe"), "\\xff\\xfe"},
		{BYTES("\xc0\xaf"), "\\xc0\\xaf"},		     /* overlong */
		{BYTES("\xe0\x80\xaf"), "\\xe0\\x80\\xaf"},	     /* overlong */
		{BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80"},	     /* surrogate */
		{BYTES("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
		{BYTES("\xf3\xa0\x81\x81"), "\\u{e0041}"},	     /* tag */
		{BYTES("\xef\xbf\xbf"), "\\u{ffff}"},		     /* noncharacter */
		{BYTES("cut \xe2\x82"), "cut \\xe2\\x82"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL, *back = NULL;
		size_t size;

		assert_int_equal(psc_escape(cases[i].in, cases[i].size, &text), 0);
		assert_string_equal(text, cases[i].out);
		assert_int_equal(psc_unescape(text, &back, &size), 0);
		assert_int_equal(size, cases[i].size);
		assert_memory_equal(back, cases[i].in, size);
	}
}

/* Every sequence of two bytes, and of three that begin like UTF-8, comes back. */
static void test_reversible(void **state)
{
	for (unsigned int n = 0; n < 1U << 20; n++) {
		uint8_t in[3] = {(uint8_t)(n >> 12), (uint8_t)(n >> 4),
				 (uint8_t)(0x80 | (n << 2 & 0x3f))};
		_cleanup_free_ char *back = NULL;
		char text[64];
		size_t size, length = psc_escape_to(text, sizeof(text), in, sizeof(in), 0);

		assert_true(length < sizeof(text));
		for (size_t i = 0; i < length; i++)
			assert_true((uint8_t)text[i] >= 0x20 && text[i] != 0x7f);
		assert_int_equal(psc_unescape(text, &back, &size), 0);
		assert_int_equal(size, sizeof(in));
		assert_memory_equal(back, in, size);
	}
}

/* A buffer that is too small holds whole pieces and the length that was needed. */
static void test_bounds(void **state)
{
	static const char in[] = "ab\ncd\xe2\x80\xae\xc3\xbc";
	static const char whole[] = "ab\\x0acd\\u{202e}\xc3\xbc";

	for (size_t n = 0; n <= sizeof(whole); n++) {
		char buffer[sizeof(whole) + 1];
		size_t length;

		memset(buffer, '#', sizeof(buffer));
		length = psc_escape_to(buffer, n, in, sizeof(in) - 1, 0);
		assert_int_equal(length, sizeof(whole) - 1);
		assert_int_equal(buffer[n], '#');
		if (n == 0)
			continue;
		assert_true(strlen(buffer) < n);
		assert_memory_equal(buffer, whole, strlen(buffer));
		/* never half an escape, never half a character */
		assert_true(strlen(buffer) <= 2 || strlen(buffer) >= 6);
		assert_int_not_equal((uint8_t)buffer[strlen(buffer) ? strlen(buffer) - 1 : 0],
				     0xc3);
	}
}

static void test_keep_backslash(void **state)
{
	char buffer[64];

	psc_escape_to(buffer, sizeof(buffer), BYTES("a\\x0ab\nc"), PSC_ESCAPE_KEEP_BACKSLASH);
	assert_string_equal(buffer, "a\\x0ab\\x0ac");
}

static void test_unescape_refuses(void **state)
{
	static const char *const bad[] = {
		"\\",	 "\\x",		"\\x1",	     "\\xg0",	     "\\n",    "\\u",  "\\u{",
		"\\u{}", "\\u{110000}", "\\u{d800}", "\\u{1234567}", "\\u{12", "\\\\",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *out = NULL;
		size_t size;

		assert_int_equal(psc_unescape(bad[i], &out, &size), -EBADMSG);
		assert_null(out);
	}
	assert_null(psc_escape_string(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_reversible),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_keep_backslash),
		cmocka_unit_test(test_unescape_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
