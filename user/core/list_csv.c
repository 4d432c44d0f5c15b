/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_csv.c - one line of a list file to an entry, and what text a list can hold.
 * See list.h for the syntax.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/hex.h"
#include "user/core/list.h"
#include "user/core/list_internal.h"
#include "user/core/text.h"

#define FIELDS 8
#define SHOWN  40 /* bytes of a bad value that an error quotes */

enum field {
	FIELD_ALGO = 0,
	FIELD_DIGEST = 1,
	FIELD_SIZE = 2,
	FIELD_FORMAT = 3,
	FIELD_NAME = 4, /* the texts follow in the order of enum list_text */
};
_Static_assert(FIELD_NAME + LIST_TEXT_MAX == FIELDS, "the texts are the last fields");

static const char *const field_names[FIELDS] = {
	"algo", "digest", "size", "format", "name", "product", "version", "source",
};

/* One line while it is taken apart. */
struct line {
	const char *path;
	unsigned int number;
	const char *data;
	size_t size;
	struct psc_error *reterr;
	struct list_field fields[FIELDS];
	size_t used;			  /* bytes of unquoted[] */
	char unquoted[PSC_LIST_LINE_MAX]; /* quoted fields without their quotes */
};

#define fail(l, column, ...)                                                                       \
	(psc_error_set((l)->reterr, (l)->path, (l)->number, (column), __VA_ARGS__), -EINVAL)

/* Takes the quoted field whose opening quote is at @at; returns where it ended. */
static int take_quoted(struct line *l, size_t at, struct list_field *field)
{
	size_t begin = at;
	size_t used = l->used;

	for (at++; at < l->size; at++) {
		if (l->data[at] == '"') {
			if (at + 1 == l->size || l->data[at + 1] != '"')
				break;
			at++;
		}
		l->unquoted[used++] = l->data[at];
	}
	if (at == l->size)
		return fail(l, begin + 1, "unterminated quote: expected \" before the end of line");
	at++;
	if (at < l->size && l->data[at] != ',')
		return fail(l, at + 1, "expected a comma after the closing quote");
	*field = (struct list_field){l->unquoted + l->used, used - l->used, begin + 2};
	l->used = used;
	return at;
}

static int take_plain(struct line *l, size_t at, struct list_field *field)
{
	size_t begin = at;

	for (; at < l->size && l->data[at] != ','; at++) {
		if (l->data[at] == '"')
			return fail(l, at + 1,
				    "quote inside a field: expected the whole field in quotes, the "
				    "quote in it doubled");
	}
	*field = (struct list_field){l->data + begin, at - begin, begin + 1};
	return at;
}

static int split_fields(struct line *l)
{
	size_t at = 0;
	unsigned int n = 0;

	for (;;) {
		struct list_field extra;
		struct list_field *field = n < FIELDS ? &l->fields[n] : &extra;
		size_t begin = at;
		int r;

		if (n == FIELDS)
			return fail(l, begin + 1, "too many fields: expected %u (%s)", FIELDS,
				    PSC_LIST_HEADER);
		r = at < l->size && l->data[at] == '"' ? take_quoted(l, at, field)
						       : take_plain(l, at, field);
		if (r < 0)
			return r;
		at = r;
		n++;
		if (at == l->size)
			break;
		at++; /* the comma */
	}
	if (n < FIELDS)
		return fail(l, l->size + 1, "%u fields: expected %u (%s)", n, FIELDS,
			    PSC_LIST_HEADER);
	return 0;
}

/* Copies a field into @buffer for comparing; what does not fit is no known word. */
static const char *word(const struct list_field *field, char *buffer, size_t size)
{
	if (field->size >= size || memchr(field->data, '\0', field->size))
		return "?";
	memcpy(buffer, field->data, field->size);
	buffer[field->size] = '\0';
	return buffer;
}

static int shown(const struct list_field *field)
{
	return field->size < SHOWN ? (int)field->size : SHOWN;
}

static int parse_algo(struct line *l, enum psc_algo *ret)
{
	const struct list_field *field = &l->fields[FIELD_ALGO];
	char buffer[16];

	if (psc_algo_from_string(word(field, buffer, sizeof(buffer)), ret) < 0)
		return fail(l, field->column,
			    "unknown algorithm \"%.*s\": expected md5, sha1, sha224, sha256, "
			    "sha384, sha512 or blake2b-512",
			    shown(field), field->data);
	return 0;
}

static int parse_digest(struct line *l, enum psc_algo algo, uint8_t *ret)
{
	const struct list_field *field = &l->fields[FIELD_DIGEST];
	size_t expected = 2 * psc_algo_size(algo);
	size_t bad = 0;
	int r;

	r = psc_hex_decode(field->data, field->size, ret, psc_algo_size(algo), &bad);
	if (r == -EINVAL)
		return fail(l, field->column + bad,
			    "not a hexadecimal digit: a %s digest is %zu digits",
			    psc_algo_to_string(algo), expected);
	if (r < 0)
		return fail(l, field->column, "digest of %zu digits: expected %zu for %s",
			    field->size, expected, psc_algo_to_string(algo));
	return 0;
}

static int parse_size(struct line *l, uint64_t *ret)
{
	const struct list_field *field = &l->fields[FIELD_SIZE];
	uint64_t size = 0;

	for (size_t i = 0; i < field->size; i++) {
		char c = field->data[i];

		if (c < '0' || c > '9')
			return fail(l, field->column + i,
				    "not a decimal digit: expected the size in bytes, or nothing "
				    "when it is not known");
		if (__builtin_mul_overflow(size, 10, &size) ||
		    __builtin_add_overflow(size, c - '0', &size))
			return fail(l, field->column, "size does not fit 64 bits");
	}
	if (size == 0 && field->size)
		return fail(l, field->column,
			    "size 0: an empty file is no program; expected nothing when the size "
			    "is not known");
	*ret = size;
	return 0;
}

static int parse_format(struct line *l, enum psc_format *ret)
{
	const struct list_field *field = &l->fields[FIELD_FORMAT];
	char buffer[16];

	*ret = PSC_FORMAT_ANY;
	if (field->size && psc_format_from_string(word(field, buffer, sizeof(buffer)), ret) < 0)
		return fail(
			l, field->column,
			"unknown format \"%.*s\": expected elf, script, pe, deb, rpm, archive, any "
			"or nothing",
			shown(field), field->data);
	return 0;
}

static int parse_header(const char *path, const char *data, size_t size, struct psc_error *reterr)
{
	static const char bom[] = "\xef\xbb\xbf";

	if (size == strlen(PSC_LIST_HEADER) && memcmp(data, PSC_LIST_HEADER, size) == 0)
		return 0;
	if (size >= strlen(bom) && memcmp(data, bom, strlen(bom)) == 0)
		psc_error_set(reterr, path, 1, 1,
			      "begins with a byte order mark: expected UTF-8 without one");
	else
		psc_error_set(reterr, path, 1, 1, "expected the header line \"%s\"",
			      PSC_LIST_HEADER);
	return -EINVAL;
}

/* Checks the whole line, so that a column is one of the file also within quotes. */
static int check_text(struct line *l)
{
	const char *why = NULL;
	size_t good = psc_text_span(l->data, l->size, &why);

	if (good < l->size)
		return fail(l, good + 1, "%s (byte 0x%02x)", why, (uint8_t)l->data[good]);
	return 0;
}

static int parse_entry(struct line *l, struct list_draft *draft)
{
	int r;

	r = check_text(l);
	if (r < 0)
		return r;
	r = split_fields(l);
	if (r < 0)
		return r;
	r = parse_algo(l, &draft->algo);
	if (r < 0)
		return r;
	r = parse_digest(l, draft->algo, draft->digest);
	if (r < 0)
		return r;
	r = parse_size(l, &draft->size);
	if (r < 0)
		return r;
	r = parse_format(l, &draft->format);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < LIST_TEXT_MAX; i++)
		draft->text[i] = l->fields[FIELD_NAME + i];
	draft->line = l->number;
	return 0;
}

int list_csv_line(struct psc_list *list, const char *path, unsigned int line, const char *data,
		  size_t size, struct psc_error *reterr)
{
	struct line l;
	struct list_draft draft;
	int r;

	if (line == 1)
		return parse_header(path, data, size, reterr);
	if (size == 0 || data[0] == '#')
		return 0;
	/* Not initialised as a whole: clearing 8 KiB for every line would cost more. */
	l.path = path;
	l.number = line;
	l.data = data;
	l.size = size;
	l.reterr = reterr;
	l.used = 0;
	r = parse_entry(&l, &draft);
	if (r < 0)
		return r;
	r = list_add(list, &draft);
	if (r < 0)
		psc_error_set(reterr, path, line, 0, "%s",
			      r == -E2BIG ? "too many entries in the lists" : "out of memory");
	return r;
}

int psc_list_append(struct psc_list *list, const struct psc_list_entry *entry,
		    struct psc_error *reterr)
{
	const char *const texts[] = {entry->name, entry->product, entry->version, entry->source};
	struct list_draft draft = {.algo = entry->algo, .format = entry->format};
	struct psc_list_file file;
	struct list_mark mark;
	int r;

	if (!entry->digest || entry->digest_size == 0 ||
	    entry->digest_size != psc_algo_size(entry->algo) ||
	    !psc_format_to_string(entry->format) || (entry->has_size && entry->size == 0)) {
		psc_error_set(reterr, NULL, 0, 0,
			      entry->has_size && entry->size == 0
				      ? "size 0: an empty file is no program"
				      : "digest length or format is not one a list knows");
		return -EINVAL;
	}
	draft.size = entry->has_size ? entry->size : 0;
	memcpy(draft.digest, entry->digest, entry->digest_size);
	for (unsigned int i = 0; i < LIST_TEXT_MAX; i++) {
		const char *text = texts[i] ? texts[i] : "";
		const char *why = NULL;
		size_t size = strlen(text);
		size_t good = psc_text_span(text, size, &why);

		if (good < size || size > PSC_LIST_LINE_MAX) {
			psc_error_set(reterr, NULL, 0, 0, "%s at byte %zu of the %s",
				      why ? why : "too long a text", good,
				      field_names[FIELD_NAME + i]);
			return -EINVAL;
		}
		draft.text[i] = (struct list_field){text, size, 0};
	}
	list_mark(list, &mark);
	/* Appended entries share one file without a path. */
	if (psc_list_file_count(list) == 0 ||
	    psc_list_file(list, psc_list_file_count(list) - 1, &file) < 0 || file.path[0]) {
		r = list_begin_file(list, "", reterr);
		if (r < 0)
			return r;
	}
	r = list_add(list, &draft);
	if (r < 0) {
		list_rollback(list, &mark);
		psc_error_set(reterr, NULL, 0, 0, "%s",
			      r == -E2BIG ? "too many entries" : "out of memory");
	}
	return r;
}
