/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dpkg.c - see dpkg.h.
 */
#include <errno.h>
#include <strings.h>

#include "user/core/util.h"
#include "user/scan/dpkg.h"
#include "user/scan/lines.h"

#define STATUS_MAX (256ULL << 20) /* bytes: a hundred times that of a full desktop */
#define LIST_MAX   (64ULL << 20)

enum field {
	FIELD_NAME = 0,
	FIELD_VERSION,
	FIELD_ARCHITECTURE,
	FIELD_MAINTAINER,
	FIELD_HOMEPAGE,
	FIELD_STATUS,
	FIELD_MAX,
};

static const char *const field_names[] = {
	[FIELD_NAME] = "Package",
	[FIELD_VERSION] = "Version",
	[FIELD_ARCHITECTURE] = "Architecture",
	[FIELD_MAINTAINER] = "Maintainer",
	[FIELD_HOMEPAGE] = "Homepage",
	[FIELD_STATUS] = "Status",
};

struct stanza {
	char *value[FIELD_MAX];
	unsigned int line;
};

static void stanza_clear(struct stanza *stanza)
{
	for (size_t i = 0; i < FIELD_MAX; i++)
		free(stanza->value[i]);
	*stanza = (struct stanza){0};
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

static int stanza_give(struct stanza *stanza, psc_dpkg_package_fn fn, void *data)
{
	const char *status = stanza->value[FIELD_STATUS] ?: "";
	struct psc_dpkg_package package = {
		.name = stanza->value[FIELD_NAME] ?: "",
		.version = stanza->value[FIELD_VERSION] ?: "",
		.architecture = stanza->value[FIELD_ARCHITECTURE] ?: "",
		.maintainer = stanza->value[FIELD_MAINTAINER] ?: "",
		.homepage = stanza->value[FIELD_HOMEPAGE] ?: "",
		.status = status,
		/* status.d has no status: what is there is installed */
		.is_installed = !*status || (!ends_with(status, " config-files") &&
					     !ends_with(status, " not-installed")),
		.line = stanza->line,
	};
	int r = 0;

	if (*package.name)
		r = fn(&package, data);
	stanza_clear(stanza);
	return r;
}

static int stanza_field(struct stanza *stanza, char *line, unsigned int number)
{
	char *colon = strchr(line, ':'), *value;

	if (!colon)
		return -EBADMSG;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	for (size_t i = 0; i < FIELD_MAX; i++) {
		if (strcasecmp(line, field_names[i]) != 0)
			continue;
		free(stanza->value[i]);
		stanza->value[i] = strdup(value);
		if (!stanza->value[i])
			return -ENOMEM;
		if (i == FIELD_NAME)
			stanza->line = number;
		break;
	}
	return 0;
}

int psc_dpkg_read_status(int fd, psc_dpkg_package_fn fn, void *data, unsigned int *ret_line)
{
	_cleanup_(psc_lines_freep) struct psc_lines *lines = NULL;
	_cleanup_(stanza_clear) struct stanza stanza = {0};
	char *line;
	int r;

	r = psc_lines_open(fd, STATUS_MAX, &lines);
	while (r >= 0 && (line = psc_lines_next(lines, NULL))) {
		if (!line[strspn(line, " \t")])
			r = stanza_give(&stanza, fn, data);
		else if (*line != ' ' && *line != '\t') /* else: more of the field before */
			r = stanza_field(&stanza, line, psc_lines_number(lines));
	}
	if (r >= 0)
		r = psc_lines_error(lines);
	if (r >= 0)
		r = stanza_give(&stanza, fn, data);
	if (r == -EBADMSG)
		*ret_line = psc_lines_number(lines);
	return r;
}

int psc_dpkg_read_list(int fd, psc_dpkg_path_fn fn, void *data)
{
	_cleanup_(psc_lines_freep) struct psc_lines *lines = NULL;
	size_t length;
	char *line;
	int r;

	r = psc_lines_open(fd, LIST_MAX, &lines);
	while (r >= 0 && (line = psc_lines_next(lines, &length))) {
		if (*line == '/')
			r = fn(line, length, data);
	}
	return r < 0 ? r : psc_lines_error(lines);
}
