/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dpkg.c - see dpkg.h.
 */
#include <stddef.h>
#include <strings.h>

#include "user/core/util.h"
#include "user/core/dpkg.h"

static struct psc_dpkg_text trim(const char *data, size_t length)
{
	while (length && (*data == ' ' || *data == '\t')) {
		data++;
		length--;
	}
	while (length && strchr(" \t\r", data[length - 1]))
		length--;
	return (struct psc_dpkg_text){data, length};
}

/* The third word of Status: what is there of it (dpkg-query(1)). */
static bool is_installed(struct psc_dpkg_text status)
{
	static const char *const states[] = {"installed",	 "unpacked",
					     "half-configured",	 "half-installed",
					     "triggers-awaited", "triggers-pending"};
	size_t at = status.length;

	while (at && status.data[at - 1] != ' ')
		at--;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (status.length - at == strlen(states[i]) &&
		    memcmp(status.data + at, states[i], strlen(states[i])) == 0)
			return true;
	}
	return false;
}

static void take_field(const char *line, size_t length, struct psc_dpkg_entry *entry)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
		{"Package", offsetof(struct psc_dpkg_entry, package)},
		{"Version", offsetof(struct psc_dpkg_entry, version)},
		{"Architecture", offsetof(struct psc_dpkg_entry, architecture)},
		{"Maintainer", offsetof(struct psc_dpkg_entry, maintainer)},
		{"Homepage", offsetof(struct psc_dpkg_entry, homepage)},
	};
	const char *colon = memchr(line, ':', length);
	size_t name = colon ? (size_t)(colon - line) : 0;
	struct psc_dpkg_text value;

	if (!colon)
		return;
	value = trim(colon + 1, length - name - 1);
	if (name == 6 && strncasecmp(line, "Status", 6) == 0)
		entry->installed = is_installed(value);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strlen(fields[i].name) == name && strncasecmp(line, fields[i].name, name) == 0)
			*(struct psc_dpkg_text *)((char *)entry + fields[i].offset) = value;
	}
}

bool psc_dpkg_next(const char *text, size_t size, size_t *at, struct psc_dpkg_entry *ret)
{
	struct psc_dpkg_entry entry = {0};

	while (*at < size) {
		const char *line = text + *at;
		const char *end = memchr(line, '\n', size - *at);
		size_t length = end ? (size_t)(end - line) : size - *at;

		*at += length + (end != NULL);
		if (trim(line, length).length) {
			/* a blank first: the field goes on */
			if (line[0] != ' ' && line[0] != '\t')
				take_field(line, length, &entry);
			continue;
		}
		if (entry.package.length)
			break;
		entry = (struct psc_dpkg_entry){0};
	}
	if (!entry.package.length)
		return false;
	*ret = entry;
	return true;
}
