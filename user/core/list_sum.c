/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_sum.c - lines of sha256sum(1) to entries. See list.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/hex.h"
#include "user/core/list.h"
#include "user/core/list_internal.h"
#include "user/core/text.h"

#define DIGITS	(2 * PSC_DIGEST_SIZE)
#define TAG	"SHA256 ("
#define TAG_END ") = "

/* What a line consists of, still as it stands. */
struct sum {
	const char *digits;
	size_t digits_size;
	const char *name;
	size_t name_size;
};

static size_t count_digits(const char *data, size_t size)
{
	size_t n = 0;

	while (n < size && memchr("0123456789abcdefABCDEF", data[n], 22))
		n++;
	return n;
}

/* "SHA256 (name) = HEX"; the name may hold anything, so the end is looked for from behind. */
static int split_tagged(const char *data, size_t size, struct sum *ret)
{
	size_t head = strlen(TAG);
	size_t tail = strlen(TAG_END) + DIGITS;

	if (size < head + tail + 1 || memcmp(data + size - tail, TAG_END, strlen(TAG_END)) != 0)
		return -EINVAL;
	*ret = (struct sum){data + size - DIGITS, DIGITS, data + head, size - head - tail};
	return 0;
}

static int split_plain(const char *data, size_t size, struct sum *ret)
{
	size_t digits = count_digits(data, size);

	*ret = (struct sum){.digits = data, .digits_size = digits};
	if (digits != DIGITS)
		return -EINVAL;
	if (size < DIGITS + 3 || data[DIGITS] != ' ' ||
	    (data[DIGITS + 1] != ' ' && data[DIGITS + 1] != '*'))
		return -EINVAL;
	ret->name = data + DIGITS + 2;
	ret->name_size = size - DIGITS - 2;
	return 0;
}

/*
 * The name as a list can hold it: GNU's \\ undone when the line is @escaped, its \n
 * and \r left as they are, bytes that are no text as \xNN. @ret has room for four
 * times the name.
 */
static size_t clean_name(const struct sum *sum, bool escaped, char *ret)
{
	size_t used = 0;

	for (size_t at = 0; at < sum->name_size;) {
		const char *p = sum->name + at;
		int n = psc_text_next(p, sum->name_size - at);

		if (escaped && *p == '\\' && at + 1 < sum->name_size && p[1] == '\\')
			at++;
		if (n <= 0) {
			used += snprintf(ret + used, 5, "\\x%02x", (uint8_t)*p);
			at++;
			continue;
		}
		memcpy(ret + used, p, n);
		used += n;
		at += n;
	}
	return used;
}

static int refuse(const char *path, unsigned int line, unsigned int column, const struct sum *sum,
		  struct psc_error *reterr)
{
	if (sum->digits_size && sum->digits_size != DIGITS)
		psc_error_set(reterr, path, line, column,
			      "%zu hexadecimal digits: expected %u (SHA-256)", sum->digits_size,
			      DIGITS);
	else
		psc_error_set(reterr, path, line, column,
			      "expected \"DIGEST  NAME\" or \"SHA256 (NAME) = DIGEST\" as "
			      "sha256sum prints it");
	return -EINVAL;
}

int list_sum_line(struct psc_list *list, const char *path, unsigned int line, const char *data,
		  size_t size, struct psc_error *reterr)
{
	struct list_draft draft = {.algo = PSC_ALGO_SHA256, .line = line};
	struct sum sum = {0};
	char name[4 * PSC_LIST_LINE_MAX];
	bool escaped;
	size_t bad = 0;
	int r;

	if (size == 0 || data[0] == '#')
		return 0;
	escaped = data[0] == '\\';
	if (escaped) {
		data++;
		size--;
	}
	r = size >= strlen(TAG) && memcmp(data, TAG, strlen(TAG)) == 0
		    ? split_tagged(data, size, &sum)
		    : split_plain(data, size, &sum);
	if (r < 0)
		return refuse(path, line, sum.digits_size + 1 + escaped, &sum, reterr);
	r = psc_hex_decode(sum.digits, sum.digits_size, draft.digest, PSC_DIGEST_SIZE, &bad);
	if (r < 0) {
		psc_error_set(reterr, path, line, sum.digits - data + bad + 1 + escaped,
			      "not a hexadecimal digit: expected %u (SHA-256)", DIGITS);
		return -EINVAL;
	}
	draft.text[LIST_TEXT_NAME] = (struct list_field){name, clean_name(&sum, escaped, name), 0};
	r = list_add(list, &draft);
	if (r < 0)
		psc_error_set(reterr, path, line, 0, "%s",
			      r == -E2BIG ? "too many entries in the lists" : "out of memory");
	return r;
}
