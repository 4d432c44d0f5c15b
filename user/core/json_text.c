/* SPDX-License-Identifier: Apache-2.0 */
/* json_text.c - see json_text.h. */
#include "user/core/escape.h"
#include "user/core/json_text.h"
#include "user/core/timefmt.h"

#define DIGITS_MAX 20

static void add(struct psc_json_text *t, const char *data, size_t size)
{
	if (size > t->size - t->used) {
		t->full = true;
		return;
	}
	memcpy(t->text + t->used, data, size);
	t->used += size;
}

static void add_char(struct psc_json_text *t, char c)
{
	add(t, &c, 1);
}

/* Comma and name. */
static void add_key(struct psc_json_text *t, const char *key)
{
	char last = t->used ? t->text[t->used - 1] : '{';

	/* not within a string: every value has its end */
	if (t->used && last != '{' && last != '[')
		add_char(t, ',');
	if (!key)
		return;
	add_char(t, '"');
	add(t, key, strlen(key));
	add(t, "\":", 2);
}

void psc_put_open(struct psc_json_text *t, const char *key, char bracket)
{
	add_key(t, key);
	add_char(t, bracket);
}

void psc_put_close(struct psc_json_text *t, char bracket)
{
	add_char(t, bracket);
}

/* ---- strings --------------------------------------------------------------------- */

void psc_put_begin(struct psc_json_text *t, const char *key)
{
	add_key(t, key);
	add_char(t, '"');
}

void psc_put_end(struct psc_json_text *t)
{
	add_char(t, '"');
}

void psc_put_add_word(struct psc_json_text *t, const char *word)
{
	add(t, word, strlen(word));
}

static bool is_simple(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/*
 * The last @size bytes of the text, which are escaped, become the inside of a JSON string: of all
 * that JSON wants escaped there can only be quotes and backslashes.
 */
static void quote_last(struct psc_json_text *t, size_t size)
{
	char *begin = t->text + t->used - size, *from, *to;
	size_t more = 0;

	for (size_t i = 0; i < size; i++)
		more += begin[i] == '"' || begin[i] == '\\';
	if (more > t->size - t->used) {
		t->full = true;
		return;
	}
	from = t->text + t->used;
	t->used += more;
	to = t->text + t->used;
	while (from < to) {
		char c = *--from;

		*--to = c;
		if (c == '"' || c == '\\')
			*--to = '\\';
	}
}

void psc_put_add_bytes(struct psc_json_text *t, const void *data, size_t size)
{
	const unsigned char *p = data;
	size_t simple = 0, room, length;

	while (simple < size && is_simple(p[simple]))
		simple++;
	if (simple == size) {
		add(t, data, size);
		return;
	}
	/* the terminator needs room, too */
	room = t->size - t->used;
	length = psc_escape_to(t->text + t->used, room, data, size, 0);
	if (length >= room) {
		t->full = true;
		return;
	}
	t->used += length;
	quote_last(t, length);
}

void psc_put_word(struct psc_json_text *t, const char *key, const char *word)
{
	if (!word)
		return;
	psc_put_begin(t, key);
	psc_put_add_word(t, word);
	psc_put_end(t);
}

void psc_put_bytes(struct psc_json_text *t, const char *key, const void *data, size_t size)
{
	psc_put_begin(t, key);
	psc_put_add_bytes(t, data, size);
	psc_put_end(t);
}

void psc_put_string(struct psc_json_text *t, const char *key, const char *string)
{
	if (string)
		psc_put_bytes(t, key, string, strlen(string));
}

/* ---- numbers --------------------------------------------------------------------- */

void psc_put_add_number(struct psc_json_text *t, uint64_t value)
{
	char digits[DIGITS_MAX];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	add(t, digits + n, sizeof(digits) - n);
}

void psc_put_number(struct psc_json_text *t, const char *key, uint64_t value)
{
	add_key(t, key);
	psc_put_add_number(t, value > INT64_MAX ? INT64_MAX : value);
}

void psc_put_bool(struct psc_json_text *t, const char *key, bool value)
{
	add_key(t, key);
	psc_put_add_word(t, value ? "true" : "false");
}

void psc_put_id(struct psc_json_text *t, const char *key, uint64_t value)
{
	psc_put_begin(t, key);
	psc_put_add_number(t, value);
	psc_put_end(t);
}

void psc_put_time(struct psc_json_text *t, const char *key, uint64_t ns)
{
	char text[PSC_TIME_TEXT_MAX];

	psc_put_word(t, key, psc_time_format(ns, text));
}
