/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex.c - see hex.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/hex.h"

void psc_hex_encode(const uint8_t *data, size_t size, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		ret[2 * i] = digits[data[i] >> 4];
		ret[2 * i + 1] = digits[data[i] & 15];
	}
	ret[2 * size] = '\0';
}

/* By table: lists and the audit log have millions of digits. 1 more than the value, 0: none. */
static const uint8_t digit_values[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static int digit_value(char c)
{
	return digit_values[(uint8_t)c] - 1;
}

int psc_hex_decode(const char *text, size_t length, uint8_t *ret, size_t size, size_t *ret_bad)
{
	/* Looked through first, so that @ret stays untouched on failure. */
	for (size_t i = 0; i < length; i++) {
		if (digit_value(text[i]) < 0) {
			if (ret_bad)
				*ret_bad = i;
			return -EINVAL;
		}
	}
	if (length / 2 != size || length % 2)
		return -EMSGSIZE;
	for (size_t i = 0; i < size; i++)
		ret[i] = digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]);
	return 0;
}
