/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit.c - see unit.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/scan/lines.h"
#include "user/scan/unit.h"

#define UNIT_MAX    (1U << 20)
#define ACCOUNT_MAX (64U << 20)
#define LOGICAL_MAX (256U << 10) /* of a line with its continuations */

static const char *const interpreters[] = {
	"sh", "bash", "dash", "ksh", "zsh", "env", "perl", "python", "python3", "node",
};

static bool is_interpreter(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	for (size_t i = 0; i < ARRAY_SIZE(interpreters); i++) {
		if (strcmp(name, interpreters[i]) == 0)
			return true;
	}
	return false;
}

/*
 * The next word of a command line, in place: quotes are taken off, a backslash takes the next
 * character as it is. NULL: no more.
 */
static char *word_next(char **at)
{
	char *from = *at + strspn(*at, " \t"), *to = from, *word = from;
	char quote = 0;

	if (!*from)
		return NULL;
	for (; *from && (quote || (*from != ' ' && *from != '\t')); from++) {
		if (quote ? *from == quote : (*from == '"' || *from == '\'')) {
			quote = quote ? 0 : *from;
			continue;
		}
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

static int add(struct psc_facts *facts, enum psc_fact_kind kind, const char *value)
{
	return psc_facts_add(facts, kind, 0, value, strlen(value));
}

static int read_exec(char *value, struct psc_facts *facts)
{
	char *word = word_next(&value);
	int r;

	if (!word)
		return 0;
	word += strspn(word, "@-:+!|");
	if (*word != '/')
		return 0;
	r = add(facts, PSC_FACT_PATH, word);
	if (!is_interpreter(word))
		return r;
	/* its options, or one string with a whole command: the places in it */
	while (r >= 0 && (word = word_next(&value))) {
		for (char *inner; r >= 0 && (inner = word_next(&word));) {
			if (*inner == '/')
				r = add(facts, PSC_FACT_PATH, inner);
		}
	}
	return r;
}

static int read_environment(char *value, struct psc_facts *facts)
{
	char *word;
	int r = 0;

	while (r >= 0 && (word = word_next(&value))) {
		if (strchr(word, '='))
			r = add(facts, PSC_FACT_ENVIRONMENT, word);
	}
	return r;
}

static int read_line(char *line, struct psc_facts *facts)
{
	char *value;

	line += strspn(line, " \t");
	value = strchr(line, '=');
	if (!value)
		return 0;
	*value++ = '\0';
	if (strncmp(line, "Exec", 4) == 0)
		return read_exec(value, facts);
	if (strncmp(line, "Environment", 11) == 0 && (line[11] == '\0' || line[11] == ' '))
		return read_environment(value, facts);
	return 0;
}

int psc_unit_read(int fd, struct psc_facts *facts)
{
	_cleanup_(psc_lines_freep) struct psc_lines *lines = NULL;
	_cleanup_free_ char *logical = malloc(LOGICAL_MAX + 1);
	size_t used = 0, length;
	char *line;
	int r;

	if (!logical)
		return -ENOMEM;
	r = psc_lines_open(fd, UNIT_MAX, &lines);
	while (r >= 0 && (line = psc_lines_next(lines, &length))) {
		bool more = length && line[length - 1] == '\\';

		if (used && (*line == '#' || *line == ';'))
			continue; /* a remark between continuations */
		if (more)
			line[--length] = ' ', length++;
		if (length > LOGICAL_MAX - used)
			length = LOGICAL_MAX - used;
		memcpy(logical + used, line, length);
		used += length;
		if (more)
			continue;
		logical[used] = '\0';
		used = 0;
		r = read_line(logical, facts);
	}
	if (r >= 0 && used) {
		logical[used] = '\0';
		r = read_line(logical, facts);
	}
	return r < 0 ? r : psc_lines_error(lines);
}

int psc_accounts_read(int fd, psc_account_fn fn, void *data)
{
	_cleanup_(psc_lines_freep) struct psc_lines *lines = NULL;
	char *line, *colon;
	int r;

	r = psc_lines_open(fd, ACCOUNT_MAX, &lines);
	while (r >= 0 && (line = psc_lines_next(lines, NULL))) {
		colon = strchr(line, ':');
		if (!colon || *line == '#' || *line == '+' || *line == '-')
			continue;
		*colon = '\0';
		r = fn(line, data);
	}
	return r < 0 ? r : psc_lines_error(lines);
}
