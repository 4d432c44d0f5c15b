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

/* A finding by its path below the root that is looked through. */
struct wanted {
	const char *path;
	struct psc_finding *finding;
};

struct search {
	struct wanted *wanted; /* by path */
	size_t count;
	const char *package;
	size_t package_length;
};

static int compare(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int path_one(const char *path, size_t length, void *data)
{
	struct search *search = data;
	struct wanted key = {.path = path}, *end = search->wanted + search->count, *found;

	found = bsearch(&key, search->wanted, search->count, sizeof(key), compare);
	if (!found)
		return 0;
	/* a process and its file have the same place */
	while (found > search->wanted && strcmp(found[-1].path, path) == 0)
		found--;
	for (; found < end && strcmp(found->path, path) == 0; found++) {
		if (found->finding->owner)
			continue;
		found->finding->owner = strndup(search->package, search->package_length);
		if (!found->finding->owner)
			return -ENOMEM;
	}
	return 0;
}

static int lists_read(struct search *search, const char *root)
{
	_cleanup_free_ char *path = NULL;
	struct dirent *entry;
	DIR *info;
	int r = 0;

	if (asprintf(&path, "%s/var/lib/dpkg/info", root) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	info = opendir(path);
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

static bool has_owner(const struct psc_finding *finding)
{
	return finding->thing == PSC_THING_FILE || finding->thing == PSC_THING_LINK ||
	       finding->thing == PSC_THING_PROCESS;
}

/* The packages of one root, for what was found below it. */
static int root_search(struct psc_scan_result *result, const char *root, struct wanted *room)
{
	struct search search = {.wanted = room};
	size_t length = strlen(root);

	for (size_t i = 0; i < result->findings; i++) {
		struct psc_finding *finding = &result->finding[i];

		if (has_owner(finding) && !finding->inside && !finding->owner &&
		    strncmp(finding->where, root, length) == 0 && finding->where[length] == '/')
			room[search.count++] = (struct wanted){finding->where + length, finding};
	}
	if (!search.count)
		return 0;
	qsort(room, search.count, sizeof(*room), compare);
	return lists_read(&search, root);
}

int psc_owners_find(struct psc_scan *scan)
{
	struct psc_scan_result *result = &scan->result;
	struct wanted *room;
	bool host = false;
	int r = 0;

	if (!result->findings)
		return 0;
	room = calloc(result->findings, sizeof(*room));
	if (!room)
		return -ENOMEM;
	for (size_t i = 0; i < result->scopes && r >= 0; i++) {
		const struct psc_scan_scope *scope = &result->scope[i];

		if (scope->target == PSC_SCAN_ROOT && strcmp(scope->path, "/") != 0)
			r = root_search(result, scope->path, room);
		else
			host = true;
	}
	if (host && r >= 0)
		r = root_search(result, "", room);
	free(room);
	return r;
}
