/* SPDX-License-Identifier: Apache-2.0 */
/* owner_find.c - the owner of one file; see owner.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "user/core/util.h"
#include "user/scan/owner.h"

#define SUFFIX ".list"

/* A path, and what it is in packages that were made before /lib was a link into /usr. */
struct search {
	const char *path;
	const char *older;
	bool found;
};

int psc_dpkg_package_facts(const struct psc_dpkg_package *package, struct psc_facts *facts)
{
	const struct {
		enum psc_fact_kind kind;
		const char *value;
	} known[] = {
		{PSC_FACT_PACKAGE_FORMAT, "deb"},
		{PSC_FACT_PACKAGE_NAME, package->name},
		{PSC_FACT_PACKAGE_VERSION, package->version},
		{PSC_FACT_PACKAGE_ARCHITECTURE, package->architecture},
		{PSC_FACT_PACKAGE_MAINTAINER, package->maintainer},
		{PSC_FACT_PACKAGE_URL, package->homepage},
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(known) && r >= 0; i++) {
		if (known[i].value[0])
			r = psc_facts_add(facts, known[i].kind, 0, known[i].value,
					  strlen(known[i].value));
	}
	return r;
}

/* "NAME" or "NAME:ARCHITECTURE". A name has no colon, but may have dots. */
bool psc_dpkg_is_list_of(const char *list, size_t length, const char *name)
{
	const char *colon = memchr(list, ':', length);

	if (colon)
		length = (size_t)(colon - list);
	return strlen(name) == length && strncmp(list, name, length) == 0;
}

static const char *older_path(const char *path)
{
	static const char *const moved[] = {"/usr/lib", "/usr/bin/", "/usr/sbin/"};

	for (size_t i = 0; i < ARRAY_SIZE(moved); i++) {
		if (strncmp(path, moved[i], strlen(moved[i])) == 0)
			return path + strlen("/usr");
	}
	return NULL;
}

static int compare_path(const char *path, size_t length, void *data)
{
	struct search *search = data;

	if (strcmp(path, search->path) != 0 && (!search->older || strcmp(path, search->older) != 0))
		return 0;
	search->found = true;
	return -ECANCELED; /* nothing more of it is to be read */
}

/* The name of the list that has the path, without its end; "" none. */
static int find_list(const char *root, const char *path, char ret[NAME_MAX + 1])
{
	struct search search = {.path = path, .older = older_path(path)};
	_cleanup_free_ char *name = NULL;
	struct dirent *entry;
	DIR *info;
	int r = 0;

	*ret = '\0';
	if (asprintf(&name, "%s/var/lib/dpkg/info", root) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	info = opendir(name);
	while (info && !search.found && r != -ENOMEM && (entry = readdir(info))) {
		size_t length = strlen(entry->d_name), end = strlen(SUFFIX);
		_cleanup_close_ int fd = -1;

		if (length <= end || strcmp(entry->d_name + length - end, SUFFIX) != 0)
			continue;
		fd = openat(dirfd(info), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		r = fd < 0 ? 0 : psc_dpkg_read_list(fd, compare_path, &search);
		if (search.found)
			snprintf(ret, NAME_MAX + 1, "%.*s", (int)(length - end), entry->d_name);
	}
	if (info)
		closedir(info);
	return r == -ENOMEM ? r : 0;
}

struct wanted {
	const char *list;
	struct psc_facts *facts;
	bool found;
};

static int take_package(const struct psc_dpkg_package *package, void *data)
{
	struct wanted *wanted = data;

	if (wanted->found || !package->is_installed ||
	    !psc_dpkg_is_list_of(wanted->list, strlen(wanted->list), package->name))
		return 0;
	wanted->found = true;
	return psc_dpkg_package_facts(package, wanted->facts);
}

int psc_owner_find_dpkg(const char *root, const char *path, struct psc_facts *ret)
{
	_cleanup_free_ char *status = NULL;
	char list[NAME_MAX + 1];
	struct wanted wanted = {.list = list, .facts = ret};
	_cleanup_close_ int fd = -1;
	unsigned int line;
	int r = find_list(root, path, list);

	if (r < 0 || !*list)
		return r;
	if (asprintf(&status, "%s/var/lib/dpkg/status", root) < 0) {
		status = NULL;
		return -ENOMEM;
	}
	fd = open(status, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		r = psc_dpkg_read_status(fd, take_package, &wanted, &line);
	return r == -ENOMEM ? r : wanted.found;
}

int psc_owner_judge(const struct psc_indicators *indicators, psc_owner_fn find, void *data,
		    struct psc_facts *facts, struct psc_matches *matches)
{
	_cleanup_(psc_facts_clear) struct psc_facts package = {0};
	const char *path = psc_facts_get(facts, PSC_FACT_PATH);
	struct psc_matches again;
	int r;

	if (!path || !psc_indicators_wants_owner(matches))
		return 0;
	r = find(path, data, &package);
	if (r > 0)
		r = psc_indicators_add_owner(indicators, matches, &package, facts);
	if (r > 0)
		r = psc_indicators_match(indicators, facts, &again);
	else
		return r;
	if (r < 0)
		return r;
	psc_matches_clear(matches);
	*matches = again;
	return 0;
}
