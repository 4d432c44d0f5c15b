/* SPDX-License-Identifier: Apache-2.0 */
/*
 * essential_words.c - see essential_words.h.
 */
#include <errno.h>
#include <stdbool.h>

#include "user/core/util.h"
#include "user/identify/essential_words.h"

#define BLANKS " \t\r\v\f"

static bool has_suffix(const char *word, const char *suffix)
{
	size_t length = strlen(word), tail = strlen(suffix);

	return length > tail && strcmp(word + length - tail, suffix) == 0;
}

static int each_token(char *line, const char *separators, psc_words_take take, void *data)
{
	char *save = NULL;
	int r = 0;

	for (char *word = strtok_r(line, separators, &save); word && r >= 0;
	     word = strtok_r(NULL, separators, &save))
		r = take(word, data);
	return r;
}

static int modules_of(char *line, psc_words_take take, void *data)
{
	char *save = NULL;
	int r = 0;

	for (char *word = strtok_r(line, BLANKS "\\", &save); word && r >= 0;
	     word = strtok_r(NULL, BLANKS "\\", &save)) {
		if (has_suffix(word, ".so"))
			r = take(word, data);
	}
	return r;
}

/* "hosts: files [NOTFOUND=return] dns": not what is in brackets */
static int services_of(char *line, psc_words_take take, void *data)
{
	char *services = strchr(line, ':');
	bool bracket = false;

	if (!services)
		return 0;
	for (char *c = ++services; *c; c++) {
		bracket = bracket || *c == '[';
		if (*c == ']')
			*c = ' ', bracket = false;
		if (bracket)
			*c = ' ';
	}
	return each_token(services, BLANKS, take, data);
}

static bool is_include(const char *line)
{
	return strncmp(line, "include", 7) == 0 && line[7] && strchr(BLANKS, line[7]);
}

static int directories_of(char *line, psc_words_take take, void *data)
{
	char *save = NULL;
	int r = 0;

	if (is_include(line))
		return 0;
	for (char *word = strtok_r(line, BLANKS ":,", &save); word && r >= 0;
	     word = strtok_r(NULL, BLANKS ":,", &save)) {
		word[strcspn(word, "=")] = 0; /* DIRECTORY=TYPE, of old */
		if (word[0] == '/')
			r = take(word, data);
	}
	return r;
}

static int root_shell_of(char *line, psc_words_take take, void *data)
{
	char *field[7], *rest = line;

	for (size_t i = 0; i < ARRAY_SIZE(field); i++) {
		field[i] = strsep(&rest, ":");
		if (!field[i])
			return 0;
	}
	if (!field[2][0] || strspn(field[2], "0") < strlen(field[2]) || field[6][0] != '/')
		return 0;
	return take(field[6], data);
}

static int words_of(enum psc_words kind, char *line, psc_words_take take, void *data)
{
	switch (kind) {
	case PSC_WORDS_MODULES:
		return modules_of(line, take, data);
	case PSC_WORDS_SERVICES:
		return services_of(line, take, data);
	case PSC_WORDS_DIRECTORIES:
		return directories_of(line, take, data);
	case PSC_WORDS_INCLUDES:
		return is_include(line) ? each_token(line + 7, BLANKS, take, data) : 0;
	case PSC_WORDS_SHELLS:
		line[strcspn(line, BLANKS)] = 0;
		return line[0] == '/' ? take(line, data) : 0;
	case PSC_WORDS_ROOT_SHELLS:
		return root_shell_of(line, take, data);
	default:
		return -EINVAL;
	}
}

int psc_words_each(enum psc_words kind, char *text, psc_words_take take, void *data)
{
	char *line;
	int r = 0;

	while (r >= 0 && (line = strsep(&text, "\n"))) {
		/* an account's name may begin with it, nothing else's */
		if (kind != PSC_WORDS_ROOT_SHELLS)
			line[strcspn(line, "#")] = 0;
		line += strspn(line, BLANKS);
		r = words_of(kind, line, take, data);
	}
	return r;
}

/* What "env [-S] [OPTION]... [NAME=VALUE]... PROGRAM" runs. */
static const char *program_of_env(char *arguments)
{
	char *save = NULL;
	bool is_argument = false;

	for (char *word = strtok_r(arguments, BLANKS, &save); word;
	     word = strtok_r(NULL, BLANKS, &save)) {
		if (is_argument) {
			is_argument = false;
			continue;
		}
		is_argument = strcmp(word, "-u") == 0 || strcmp(word, "-C") == 0;
		if (strncmp(word, "-S", 2) == 0 && word[2])
			word += 2;
		if (word[0] != '-' && !strchr(word, '='))
			return word;
	}
	return NULL;
}

int psc_script_read(char *data, size_t size, struct psc_script *ret)
{
	char *line, *rest, *end;
	const char *name;
	bool whole;

	if (size >= PSC_SCRIPT_LINE_MAX)
		size = PSC_SCRIPT_LINE_MAX - 1;
	data[size] = 0;
	if (size < 3 || data[0] != '#' || data[1] != '!')
		return -ENOEXEC;
	line = data + 2 + strspn(data + 2, " \t");
	end = line + strcspn(line, "\n");
	whole = *end == '\n' || size < PSC_SCRIPT_LINE_MAX - 1;
	*end = 0;
	rest = line + strcspn(line, " \t\r");
	/* a name that may be cut short is no name */
	if (rest == line || (!*rest && !whole))
		return -ENOEXEC;
	if (*rest)
		*rest++ = 0;
	name = strrchr(line, '/');
	name = name ? name + 1 : line;
	ret->interpreter = line;
	ret->program = strcmp(name, "env") == 0 ? program_of_env(rest) : NULL;
	return 0;
}
