/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner.c - which package installed the files that were found: the vendor's own, or another
 * one's that carries its engine. Reads the lists of dpkg only when something was found. Only
 * for user/scan.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "user/core/util.h"
#include "user/scan/internal.h"
#include "user/scan/owner.h"
#include "user/scan/rpm_packages.h"

/* A finding by its path below the root that is looked through. */
struct wanted {
	const char *path;
	struct psc_finding *finding;
};

struct search {
	const struct psc_scan *scan;
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

/* Packages that were made before /lib was a link into /usr list what is there now. */
static bool newer_path(const char *path, char ret[PATH_MAX])
{
	if (strncmp(path, "/lib", 4) != 0 && strncmp(path, "/bin/", 5) != 0 &&
	    strncmp(path, "/sbin/", 6) != 0)
		return false;
	return snprintf(ret, PATH_MAX, "/usr%s", path) < PATH_MAX;
}

static int path_one(const char *path, size_t length, void *data)
{
	struct search *search = data;
	struct wanted key = {.path = path}, *end = search->wanted + search->count, *found;
	char newer[PATH_MAX];

	found = bsearch(&key, search->wanted, search->count, sizeof(key), compare);
	if (!found && newer_path(path, newer)) {
		key.path = path = newer;
		found = bsearch(&key, search->wanted, search->count, sizeof(key), compare);
	}
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

/* ---- whose product it is then ----------------------------------------------------------- */

static bool wants(const struct psc_finding *finding)
{
	const struct psc_matches matches = {finding->rule, finding->rules};

	return finding->owner && psc_indicators_wants_owner(&matches);
}

static int package_one(const struct psc_dpkg_package *package, void *data)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	struct search *search = data;
	int r = 0;

	for (size_t i = 0; i < search->count && r >= 0; i++) {
		struct psc_finding *finding = search->wanted[i].finding;

		if (!wants(finding) ||
		    !psc_dpkg_is_list_of(finding->owner, strlen(finding->owner), package->name))
			continue;
		if (!facts.count)
			r = psc_dpkg_package_facts(package, &facts);
		if (r >= 0)
			r = psc_finding_reconsider(search->scan, &facts, finding);
	}
	return r;
}

static int packages_read(struct search *search, const char *root)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	unsigned int line;
	bool any = false;
	int r;

	for (size_t i = 0; i < search->count && !any; i++)
		any = wants(search->wanted[i].finding);
	if (!any)
		return 0;
	if (asprintf(&path, "%s/var/lib/dpkg/status", root) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	r = fd < 0 ? 0 : psc_dpkg_read_status(fd, package_one, search, &line);
	/* a damaged one was reported where it was read as a database */
	return r == -ENOMEM ? r : 0;
}

/* ---- rpm ------------------------------------------------------------------------------------ */

/* Those whose owner makes a difference and that dpkg does not know; of more than fit the first. */
static size_t ask_rpm(const struct search *search, const char *asked[PSC_RPM_ASKED_MAX + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < search->count && count < PSC_RPM_ASKED_MAX; i++) {
		const struct psc_finding *finding = search->wanted[i].finding;
		const struct psc_matches matches = {finding->rule, finding->rules};

		if (!finding->owner && psc_indicators_wants_owner(&matches))
			asked[count++] = search->wanted[i].path;
	}
	return count;
}

static int rpm_answer(struct search *search, const struct psc_rpm_packages *packages)
{
	int r = 0;

	for (size_t i = 0; i < search->count && r >= 0; i++) {
		struct psc_finding *finding = search->wanted[i].finding;
		const struct psc_rpm_package *owner =
			psc_rpm_packages_owner(packages, search->wanted[i].path);

		if (!owner || finding->owner)
			continue;
		finding->owner = strdup(psc_facts_get(&owner->facts, PSC_FACT_PACKAGE_NAME) ?: "?");
		r = finding->owner ? psc_finding_reconsider(search->scan, &owner->facts, finding)
				   : -ENOMEM;
	}
	return r;
}

/* A database that cannot be read was reported where the walk met it. */
static int rpm_search(struct search *search, const char *root)
{
	const char *asked[PSC_RPM_ASKED_MAX + 1] = {0};
	struct psc_rpm_packages packages = {0};
	struct psc_rpm_sources sources;
	_cleanup_free_ char *data = NULL;
	size_t size = 0;
	FILE *out;
	int r;

	if (!ask_rpm(search, asked))
		return 0;
	r = psc_rpm_sources_open(root, &sources);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	out = sources.count ? open_memstream(&data, &size) : NULL;
	if (out) {
		r = psc_rpm_packages_write(&sources, "/tmp", search->scan->options.indicators,
					   asked, out);
		fclose(out);
		if (r >= 0)
			r = psc_rpm_packages_parse(data, size, &packages);
		if (r >= 0)
			r = rpm_answer(search, &packages);
		psc_rpm_packages_clear(&packages);
	}
	psc_rpm_sources_close(&sources);
	return r == -ENOMEM ? r : 0;
}

/* ---- all ---------------------------------------------------------------------------------- */

static bool has_owner(const struct psc_finding *finding)
{
	return finding->thing == PSC_THING_FILE || finding->thing == PSC_THING_LINK ||
	       finding->thing == PSC_THING_PROCESS;
}

/* The packages of one root, for what was found below it. */
static int root_search(struct psc_scan *scan, const char *root, struct wanted *room)
{
	struct psc_scan_result *result = &scan->result;
	struct search search = {.scan = scan, .wanted = room};
	size_t length = strlen(root);
	int r;

	for (size_t i = 0; i < result->findings; i++) {
		struct psc_finding *finding = &result->finding[i];

		if (has_owner(finding) && !finding->inside && !finding->owner &&
		    strncmp(finding->where, root, length) == 0 && finding->where[length] == '/')
			room[search.count++] = (struct wanted){finding->where + length, finding};
	}
	if (!search.count)
		return 0;
	qsort(room, search.count, sizeof(*room), compare);
	r = lists_read(&search, root);
	if (r >= 0)
		r = packages_read(&search, root);
	return r < 0 ? r : rpm_search(&search, root);
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
			r = root_search(scan, scope->path, room);
		else
			host = true;
	}
	if (host && r >= 0)
		r = root_search(scan, "", room);
	free(room);
	return r;
}
