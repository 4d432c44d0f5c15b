/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pins.c - the guard's pins, see pins.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <fcntl.h>

#include "user/cli/pins.h"

#define LINK_PREFIX "psc_"

enum psc_pins psc_pins_look(const char *directory)
{
	if (faccessat(AT_FDCWD, directory, F_OK, AT_EACCESS) == 0)
		return PSC_PINS_PRESENT;
	return errno == ENOENT || errno == ENOTDIR ? PSC_PINS_ABSENT : PSC_PINS_UNKNOWN;
}

static const char *const evidence[] = {"events", "counters", "shared"};

static bool is_link(const char *name)
{
	return strncmp(name, LINK_PREFIX, sizeof(LINK_PREFIX) - 1) == 0;
}

static bool is_no_evidence(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(evidence); i++)
		if (strcmp(name, evidence[i]) == 0)
			return false;
	return true;
}

/* One pass over the directory: those that @chosen says, or whatever is there. */
static int remove_some(DIR *directory, bool (*chosen)(const char *name), int *removed)
{
	const struct dirent *entry;
	int r = 0;

	rewinddir(directory);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.' || (chosen && !chosen(entry->d_name)))
			continue;
		if (unlinkat(dirfd(directory), entry->d_name, 0) == 0)
			(*removed)++;
		else if (r == 0)
			r = -errno;
	}
	return r;
}

int psc_pins_remove(const char *directory)
{
	DIR *d = opendir(directory);
	int removed = 0, r, rest;

	if (!d)
		return -errno;
	r = remove_some(d, is_link, &removed);
	rest = remove_some(d, NULL, &removed);
	closedir(d);
	if (r == 0)
		r = rest;
	if (rmdir(directory) < 0 && r == 0)
		r = -errno;
	return r < 0 ? r : removed;
}

int psc_pins_leave(const char *directory, const char *left)
{
	DIR *d = opendir(directory);
	int removed = 0, r;

	if (!d)
		return -errno;
	r = remove_some(d, is_link, &removed);
	/* a guard that still refuses keeps its name */
	if (r == 0 && rename(directory, left) < 0)
		r = -errno;
	if (r == 0)
		r = remove_some(d, is_no_evidence, &removed);
	closedir(d);
	return r < 0 ? r : removed;
}
