/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - see text.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/text.h"

int psc_text_next(const char *data, size_t size)
{
	const uint8_t *p = (const uint8_t *)data;
	uint32_t code;
	size_t length;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		length = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		length = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		length = 4;
	else
		return -EILSEQ;
	if (size < length)
		return -EILSEQ;
	code = p[0] & (0x7f >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -EILSEQ;
		code = code << 6 | (p[i] & 0x3f);
	}
	/* Longer than needed, surrogate, or beyond Unicode. */
	if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000) ||
	    (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
		return -EILSEQ;
	return code < 0xa0 ? 0 : length;
}

size_t psc_text_span(const char *data, size_t size, const char **ret_why)
{
	size_t at = 0;

	while (at < size) {
		int n = psc_text_next(data + at, size - at);

		if (n <= 0) {
			*ret_why = n ? "invalid UTF-8" : "control character";
			break;
		}
		at += n;
	}
	return at;
}
