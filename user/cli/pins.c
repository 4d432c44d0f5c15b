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

/* One pass over the directory: the links, or whatever is there. */
static int remove_some(DIR *directory, bool links_only, int *removed)
{
	const struct dirent *entry;
	int r = 0;

	rewinddir(directory);
	while ((entry = readdir(directory))) {
		bool link = strncmp(entry->d_name, LINK_PREFIX, sizeof(LINK_PREFIX) - 1) == 0;

		if (entry->d_name[0] == '.' || (links_only && !link))
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
	r = remove_some(d, true, &removed);
	rest = remove_some(d, false, &removed);
	closedir(d);
	if (r == 0)
		r = rest;
	if (rmdir(directory) < 0 && r == 0)
		r = -errno;
	return r < 0 ? r : removed;
}
