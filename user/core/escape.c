/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape.c - escaping of untrusted bytes, see escape.h.
 */
#include <errno.h>

#include "user/core/escape.h"

/* Longest single escape: "\u{10FFFF}". */
#define PIECE_MAX 12

/* Code points that are valid but must not reach a terminal or a reader's eye as they are. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{0x80, 0x9f},	    /* C1 controls */
	{0xad, 0xad},	    /* soft hyphen */
	{0x61c, 0x61c},	    /* Arabic letter mark: direction */
	{0x180e, 0x180e},   /* Mongolian vowel separator */
	{0x200b, 0x200f},   /* zero width, direction */
	{0x2028, 0x202e},   /* line and paragraph separators, direction */
	{0x2060, 0x206f},   /* word joiner, invisible operators, isolates */
	{0xfdd0, 0xfdef},   /* noncharacters */
	{0xfeff, 0xfeff},   /* byte order mark */
	{0xfff9, 0xfffb},   /* interlinear annotation */
	{0xe0000, 0xe007f}, /* tags */
};

static bool code_point_hidden(uint32_t c)
{
	if ((c & 0xfffe) == 0xfffe)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return true;
	return false;
}

/* Length of the valid UTF-8 sequence at @p (RFC 3629), 0 if there is none. */
static size_t decode_utf8(const uint8_t *p, size_t size, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c;
	size_t n;

	if (p[0] < 0x80) {
		*ret = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > size)
		return 0;
	c = p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

/* Writes what stands for the bytes at @p; returns how many bytes that were. */
static size_t escape_piece(const uint8_t *p, size_t size, unsigned int flags, char *piece,
			   size_t *ret_length)
{
	uint32_t c = 0;
	size_t n = decode_utf8(p, size, &c);
	bool plain_backslash = c == '\\' && (flags & PSC_ESCAPE_KEEP_BACKSLASH);

	if (n <= 1 && (n == 0 || c < 0x20 || c == 0x7f || (c == '\\' && !plain_backslash))) {
		*ret_length = (size_t)snprintf(piece, PIECE_MAX, "\\x%02x", p[0]);
		return 1;
	}
	if (code_point_hidden(c)) {
		*ret_length = (size_t)snprintf(piece, PIECE_MAX, "\\u{%04x}", c);
		return n;
	}
	memcpy(piece, p, n);
	*ret_length = n;
	return n;
}

size_t psc_escape_to(char *buffer, size_t buffer_size, const void *data, size_t size,
		     unsigned int flags)
{
	const uint8_t *p = data;
	char piece[PIECE_MAX];
	size_t total = 0, filled = 0;

	while (size > 0) {
		size_t length;
		size_t used = escape_piece(p, size, flags, piece, &length);

		/* Once a piece did not fit, nothing behind it may be written either. */
		if (filled == total && buffer_size > length && filled < buffer_size - length) {
			memcpy(buffer + filled, piece, length);
			filled += length;
		}
		total += length;
		p += used;
		size -= used;
	}
	if (buffer_size > 0)
		buffer[filled] = '\0';
	return total;
}

int psc_escape(const void *data, size_t size, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t length = psc_escape_to(NULL, 0, data, size, 0);

	text = malloc(length + 1);
	if (!text)
		return -ENOMEM;
	psc_escape_to(text, length + 1, data, size, 0);
	*ret = TAKE_PTR(text);
	return 0;
}

char *psc_escape_string(const char *string)
{
	char *text = NULL;

	if (string)
		(void)psc_escape(string, strlen(string), &text);
	return text;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static size_t encode_utf8(uint32_t c, char *p)
{
	if (c < 0x80) {
		p[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (char)(0xc0 | c >> 6);
		p[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (char)(0xe0 | c >> 12);
		p[1] = (char)(0x80 | (c >> 6 & 0x3f));
		p[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	p[0] = (char)(0xf0 | c >> 18);
	p[1] = (char)(0x80 | (c >> 12 & 0x3f));
	p[2] = (char)(0x80 | (c >> 6 & 0x3f));
	p[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* "{NNNN}" behind "\u"; returns the characters read, 0 if that is no escape. */
static size_t unescape_code_point(const char *s, uint32_t *ret)
{
	uint32_t c = 0;
	size_t i;

	if (s[0] != '{')
		return 0;
	for (i = 1; i <= 6 && hex_value(s[i]) >= 0; i++)
		c = c << 4 | (uint32_t)hex_value(s[i]);
	if (i == 1 || s[i] != '}' || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return i + 1;
}

int psc_unescape(const char *string, char **ret, size_t *ret_size)
{
	/* No escape is shorter than what it stands for. */
	_cleanup_free_ char *out = malloc(strlen(string) + 1);
	size_t size = 0;

	if (!out)
		return -ENOMEM;
	while (*string) {
		uint32_t c;
		size_t used;

		if (*string != '\\') {
			out[size++] = *string++;
			continue;
		}
		if (string[1] == 'x' && hex_value(string[2]) >= 0 && hex_value(string[3]) >= 0) {
			out[size++] = (char)(hex_value(string[2]) << 4 | hex_value(string[3]));
			string += 4;
			continue;
		}
		if (string[1] != 'u')
			return -EBADMSG;
		used = unescape_code_point(string + 2, &c);
		if (!used)
			return -EBADMSG;
		size += encode_utf8(c, out + size);
		string += 2 + used;
	}
	out[size] = '\0';
	*ret = TAKE_PTR(out);
	*ret_size = size;
	return 0;
}
