/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.c - see script.h.
 */
#include <ctype.h>
#include <stdbool.h>

#include "user/core/util.h"
#include "user/identify/bytes.h"
#include "user/identify/script.h"

#define LINE_MAX_SIZE 4096 /* the kernel reads 256 bytes */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next word of the line, or false. */
static bool next_word(const char **at, const char **ret, size_t *ret_length)
{
	while (is_blank(**at))
		(*at)++;
	*ret = *at;
	while (**at && !is_blank(**at))
		(*at)++;
	*ret_length = *at - *ret;
	return *ret_length > 0;
}

static bool is_env(const char *word, size_t length)
{
	return (length == 3 || (length > 3 && word[length - 4] == '/')) &&
	       memcmp(word + length - 3, "env", 3) == 0;
}

int psc_script_identify(int fd, struct psc_facts *facts)
{
	char line[LINE_MAX_SIZE + 1];
	const char *at = line + 2, *word;
	size_t length;
	ssize_t n;
	int r;

	n = psc_read_at(fd, line, LINE_MAX_SIZE, 0);
	if (n < 0)
		return n;
	line[n] = 0;
	if (n < 2 || memcmp(line, "#!", 2) != 0)
		return 0;
	line[strcspn(line, "\r\n")] = 0;
	if (!next_word(&at, &word, &length))
		return 0;
	r = psc_facts_add(facts, PSC_FACT_INTERPRETER, 0, word, length);
	if (r < 0 || length < 3 || !is_env(word, length))
		return r;
	while (next_word(&at, &word, &length)) {
		/* -S, -i, -u, NAME=value; "-Spython3" is one word. */
		if (length > 2 && memcmp(word, "-S", 2) == 0) {
			word += 2;
			length -= 2;
		}
		if (*word == '-' || memchr(word, '=', length))
			continue;
		return psc_facts_add(facts, PSC_FACT_INTERPRETER, 0, word, length);
	}
	return 0;
}
