/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner.c - which package installed the files that were found: the vendor's own, or another
 * one's that carries its engine. Reads the lists of dpkg only when something was found. Only
 * for user/scan.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "user/core/util.h"
#include "user/scan/dpkg.h"
#include "user/scan/internal.h"

struct search {
	struct psc_finding **wanted; /* by path */
	size_t count;
	const char *root; /* "" is the host's */
	char path[2 * 4096];
	const char *package;
	size_t package_length;
};

static int compare(const void *a, const void *b)
{
	const struct psc_finding *const *x = a, *const *y = b;

	return strcmp((*x)->where, (*y)->where);
}

static int compare_path(const void *key, const void *element)
{
	const struct psc_finding *const *finding = element;

	return strcmp(key, (*finding)->where);
}

static int path_one(const char *path, size_t length, void *data)
{
	struct search *search = data;
	struct psc_finding **found;

	if ((size_t)snprintf(search->path, sizeof(search->path), "%s%s", search->root, path) >=
	    sizeof(search->path))
		return 0;
	path = search->path;
	found = bsearch(path, search->wanted, search->count, sizeof(void *), compare_path);
	if (!found)
		return 0;
	/* a process and its file have the same place */
	while (found > search->wanted && strcmp(found[-1]->where, path) == 0)
		found--;
	for (; found < search->wanted + search->count && strcmp((*found)->where, path) == 0;
	     found++) {
		if ((*found)->owner)
			continue;
		(*found)->owner = strndup(search->package, search->package_length);
		if (!(*found)->owner)
			return -ENOMEM;
	}
	return 0;
}

static int lists_read(struct search *search, const char *root)
{
	struct dirent *entry;
	DIR *info;
	int r = 0;

	search->root = root;
	snprintf(search->path, sizeof(search->path), "%s/var/lib/dpkg/info", root);
	info = opendir(search->path);

	while (info && r >= 0 && (entry = readdir(info))) {
		size_t length = strlen(entry->d_name);
		_cleanup_close_ int fd = -1;

		if (length <= 5 || strcmp(entry->d_name + length - 5, ".list") != 0)
			continue;
		fd = openat(dirfd(info), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			continue;
		search->package = entry->d_name;
		search->package_length = length - 5;
		r = psc_dpkg_read_list(fd, path_one, search);
		/* who owns a file is a remark, no finding: a damaged list only leaves it out */
		if (r < 0 && r != -ENOMEM)
			r = 0;
	}
	if (info)
		closedir(info);
	return r;
}

int psc_owners_find(struct psc_scan *scan)
{
	struct psc_scan_result *result = &scan->result;
	struct search search = {0};
	int r = 0;

	if (!result->findings)
		return 0;
	search.wanted = calloc(result->findings, sizeof(void *));
	if (!search.wanted)
		return -ENOMEM;
	for (size_t i = 0; i < result->findings; i++) {
		struct psc_finding *finding = &result->finding[i];

		if ((finding->thing == PSC_THING_FILE || finding->thing == PSC_THING_LINK ||
		     finding->thing == PSC_THING_PROCESS) &&
		    !finding->inside)
			search.wanted[search.count++] = finding;
	}
	if (search.count) {
		qsort(search.wanted, search.count, sizeof(void *), compare);
		r = lists_read(&search, "");
		for (size_t i = 0; i < result->scopes && r >= 0; i++) {
			if (result->scope[i].target == PSC_SCAN_ROOT)
				r = lists_read(&search, result->scope[i].path);
		}
	}
	free(search.wanted);
	return r;
}
