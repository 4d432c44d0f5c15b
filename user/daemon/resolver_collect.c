/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_collect.c - which files there is reason to look at: those in listed places, of
 * packages, units and processes that the catalog knows; see resolver_internal.h. In the
 * resolver's thread: nothing here may touch the daemon's state.
 */
#include "user/core/util.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>

#include "user/daemon/resolver_internal.h"
#include "user/scan/owner.h"

#define DEPTH_MAX     32
#define PLACES_MAX    1024
#define DIR_DPKG      "/var/lib/dpkg"
#define UNIT_FILE_MAX (256U << 10)
#define MAPS_MAX      4096 /* lines of one process */

struct collector {
	struct psc_resolver_thread *thread;
	const struct psc_resolver_know *know;
	struct psc_resolver_files *files;
	char **places; /* resolved directories that were walked or wait for it */
	size_t place_count;
	size_t walked;
};

/* ---- files ------------------------------------------------------------------------ */

/* @alias: another path by which it was reached, or NULL. */
static int add_file(struct collector *c, const char *path, const char *alias, const struct stat *st,
		    bool linked, const struct psc_facts *facts)
{
	struct psc_resolver_found *file;
	bool found;
	size_t at = psc_resolver_files_slot(c->files, st, &found);
	int r = 0;

	if (!found && c->files->count >= PSC_RESOLVER_FILES_MAX) {
		c->files->full = true;
		return 0;
	}
	file = found ? c->files->file[at] : psc_resolver_files_insert(c->files, at, path, st);
	if (!file)
		return -ENOMEM;
	file->linked &= linked;
	/* "/proc/PID/exe" is a way to the file, not its place */
	if (!found && strncmp(path, "/proc/", 6) != 0)
		r = psc_facts_addf(&file->facts, PSC_FACT_PATH, 0, "%s", path);
	if (!r && alias && strcmp(alias, path))
		r = psc_facts_addf(&file->facts, PSC_FACT_PATH, 0, "%s", alias);
	for (size_t i = 0; facts && !r && i < facts->count; i++)
		r = psc_facts_addf(&file->facts, facts->fact[i].kind, 0, "%s",
				   facts->fact[i].value);
	return r;
}

/* ---- places ------------------------------------------------------------------------- */

static bool is_placed(const struct collector *c, const char *path)
{
	for (size_t i = 0; i < c->place_count; i++) {
		if (psc_place_is_below(path, c->places[i]))
			return true;
	}
	return false;
}

static int add_place(struct collector *c, const char *path)
{
	char **grown;

	if (is_placed(c, path) || c->place_count >= PLACES_MAX)
		return 0;
	grown = reallocarray(c->places, c->place_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->places = grown;
	grown[c->place_count] = strdup(path);
	if (!grown[c->place_count])
		return -ENOMEM;
	c->place_count++;
	return 0;
}

static int walk(struct collector *c, const char *real, const char *alias, unsigned int depth);

/* Without links; false also for what lies on no local file system, which is not touched. */
static bool resolve(const struct collector *c, const char *path, char real[PATH_MAX],
		    struct stat *st)
{
	const struct psc_bound bound = {&c->thread->mounts, c->thread->root_fd, 0};
	bool alone;

	return psc_bound_resolve(&bound, path, real, PATH_MAX, st, &alone) == 0;
}

/* A mount point that is no local file system: even to ask what it is may take for ever. */
static bool is_remote(const struct collector *c, const char *path)
{
	const struct psc_mount *mount = psc_mounts_find(&c->thread->mounts, path);

	return mount && mount->kind != PSC_MOUNT_LOCAL;
}

/* A link in a vendor's place: what it leads to is the vendor's only if it is in a place, too. */
static int follow(struct collector *c, const char *link, const char *alias, unsigned int depth)
{
	char real[PATH_MAX];
	bool linked;
	struct stat st;

	if (!resolve(c, link, real, &st))
		return 0;
	if (S_ISREG(st.st_mode)) {
		linked = !is_placed(c, real);
		return add_file(c, real, alias, &st, linked, NULL);
	}
	if (!S_ISDIR(st.st_mode) || (!is_placed(c, real) && !psc_found_may_follow(real)))
		return 0;
	return walk(c, real, alias, depth);
}

static int visit(struct collector *c, const char *real, const char *alias, const char *name,
		 unsigned int depth)
{
	char path[PATH_MAX], other[PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/%s", real, name) >= (int)sizeof(path) ||
	    snprintf(other, sizeof(other), "%s/%s", alias, name) >= (int)sizeof(other) ||
	    is_remote(c, path) || lstat(path, &st) < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		return add_file(c, path, other, &st, false, NULL);
	if (S_ISLNK(st.st_mode))
		return follow(c, path, other, depth + 1);
	return S_ISDIR(st.st_mode) ? walk(c, path, other, depth + 1) : 0;
}

/* @real: the directory; @alias: the listed path by which it was reached. Depth is bounded. */
static int walk(struct collector *c, const char *real, const char *alias, unsigned int depth)
{
	struct dirent *entry;
	DIR *directory;
	int fd, r = 0;

	if (depth > DEPTH_MAX || c->walked++ > 4 * PSC_RESOLVER_FILES_MAX) {
		c->files->full = true;
		return 0;
	}
	fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory) {
		psc_closep(&fd);
		return 0;
	}
	while (!r && psc_resolver_progress(c->thread->queue) && (entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			r = visit(c, real, alias, entry->d_name, depth);
	}
	closedir(directory);
	return r;
}

/* One path that a rule names, as it is on this host; @look: else only to know the place. */
static int take_place(struct collector *c, const char *path, bool look)
{
	size_t length = strlen(path);
	char real[PATH_MAX], alias[PATH_MAX];
	struct stat st;

	if (length >= sizeof(alias) || !resolve(c, path, real, &st))
		return 0;
	memcpy(alias, path, length + 1);
	while (length > 1 && alias[length - 1] == '/')
		alias[--length] = 0;
	if (S_ISREG(st.st_mode)) {
		/* a listed name may be a link: what it leads to has to be listed itself */
		bool linked = strcmp(alias, real) && !is_placed(c, real);

		return look ? add_file(c, real, alias, &st, linked, NULL) : 0;
	}
	if (!S_ISDIR(st.st_mode) || (strcmp(alias, real) && !psc_found_may_follow(real)))
		return 0;
	return look ? walk(c, real, alias, 0) : add_place(c, real);
}

static bool is_fixed_part_local(const struct collector *c, const char *pattern)
{
	char fixed[PATH_MAX], real[PATH_MAX], *slash;
	struct stat st;

	snprintf(fixed, sizeof(fixed), "%s", pattern);
	fixed[strcspn(fixed, "*?[")] = 0;
	slash = strrchr(fixed, '/');
	if (!slash)
		return false;
	slash[slash == fixed] = 0;
	return resolve(c, fixed, real, &st);
}

static int take_condition(struct collector *c, const struct psc_condition *condition, bool look)
{
	char place[PATH_MAX];
	glob_t found = {};
	int r = 0;

	switch (psc_found_place_of(condition, place, sizeof(place))) {
	case PSC_FOUND_PLACE_PATH:
		return take_place(c, place, look);
	case PSC_FOUND_PLACE_GLOB:
		/* it reads directories: not below what is remote */
		if (!is_fixed_part_local(c, place))
			return 0;
		if (!glob(place, GLOB_NOSORT, NULL, &found)) {
			for (size_t i = 0; i < found.gl_pathc && !r; i++)
				r = take_place(c, found.gl_pathv[i], look);
			globfree(&found);
		}
		return r;
	default:
		return 0;
	}
}

/* First all places, so that a link from one into another is known for what it is. */
static int collect_places(struct collector *c)
{
	int r = 0;

	for (int look = 0; look <= 1; look++) {
		for (size_t i = 0; i < psc_indicators_count(c->know->indicators) && !r; i++) {
			const struct psc_indicator *rule =
				psc_indicators_get(c->know->indicators, i);

			for (size_t k = 0; k < rule->conditions && !r; k++)
				r = take_condition(c, &rule->condition[k], look);
		}
	}
	return r;
}

/* ---- packages ----------------------------------------------------------------------- */

static bool is_known(const struct collector *c, const struct psc_facts *facts)
{
	struct psc_matches matches = {};
	bool known = !psc_indicators_match(c->know->indicators, facts, &matches) && matches.count;

	psc_matches_clear(&matches);
	return known;
}

/* DIR/info/PACKAGE.list or PACKAGE:ARCHITECTURE.list: a path a line. */
static int open_files_of(const struct psc_dpkg_package *package)
{
	char path[PATH_MAX];
	int fd;

	if (strchr(package->name, '/') || strchr(package->architecture, '/'))
		return -1;
	snprintf(path, sizeof(path), DIR_DPKG "/info/%s.list", package->name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), DIR_DPKG "/info/%s:%s.list", package->name,
		 package->architecture);
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

/* Its place is local, or it would not have been resolved. */
static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static int add_path(struct collector *c, const char *path, const struct psc_facts *facts)
{
	char real[PATH_MAX];
	struct stat st;

	if (!resolve(c, path, real, &st) || !S_ISREG(st.st_mode) || is_link(path))
		return 0;
	return add_file(c, real, path, &st, false, facts);
}

struct listed {
	struct collector *c;
	const struct psc_facts *facts;
};

static int add_listed(const char *path, size_t length, void *data)
{
	const struct listed *listed = data;

	return add_path(listed->c, path, listed->facts);
}

static int add_package(const struct psc_dpkg_package *package, void *data)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {};
	_cleanup_close_ int fd = -1;
	struct listed listed = {data, &facts};
	int r;

	if (!package->is_installed)
		return 0;
	r = psc_dpkg_package_facts(package, &facts);
	if (r || !is_known(listed.c, &facts))
		return r;
	fd = open_files_of(package);
	r = fd < 0 ? -ENOENT : psc_dpkg_read_list(fd, add_listed, &listed);
	if (r == -ENOMEM || !r)
		return r;
	psc_resolver_answer_unverified(listed.c->thread, package->name,
				       "the list of the package's files cannot be read");
	return 0;
}

static int collect_packages(struct collector *c)
{
	_cleanup_close_ int fd = open(DIR_DPKG "/status", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	unsigned int line = 0;
	char why[96];
	int r;

	if (fd < 0)
		return 0;
	r = psc_dpkg_read_status(fd, add_package, c, &line);
	if (r == -ENOMEM || !r)
		return r;
	snprintf(why, sizeof(why),
		 r == -EBADMSG ? "line %u is none of dpkg's" : "it cannot be read", line);
	psc_resolver_answer_unverified(c->thread, DIR_DPKG "/status", why);
	return 0;
}

/* Of those that the process which read the databases knew; it had the same catalog, or an older. */
static int collect_rpm_packages(struct collector *c)
{
	const struct psc_rpm_packages *packages = &c->thread->rpm.packages;
	int r = 0;

	for (size_t i = 0; i < packages->count && !r; i++) {
		const struct psc_rpm_package *package = &packages->package[i];

		if (!is_known(c, &package->facts))
			continue;
		for (size_t k = 0; k < package->paths && !r; k++)
			r = add_path(c, package->path[k], &package->facts);
	}
	return r;
}

/* ---- units -------------------------------------------------------------------------- */

/* The program of a line "ExecStart=-@/path arguments", if it is one. */
static bool program_of(char *line, char **ret)
{
	char *p = strchr(line, '=');

	if (strncmp(line, "Exec", 4) != 0 || !p)
		return false;
	p += 1 + strspn(p + 1, " \t-@:+!\"");
	p[strcspn(p, " \t\r\n\"")] = 0;
	*ret = p;
	return p[0] == '/';
}

static int add_unit(struct collector *c, const char *directory, const char *name)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {};
	_cleanup_fclose_ FILE *f = NULL;
	char path[PATH_MAX], line[4096], *program;
	size_t bytes = 0;
	int r = psc_facts_addf(&facts, PSC_FACT_UNIT, 0, "%s", name);

	if (r || !is_known(c, &facts))
		return r;
	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return 0;
	f = fopen(path, "re");
	while (f && !r && fgets(line, sizeof(line), f) && (bytes += strlen(line)) < UNIT_FILE_MAX) {
		if (program_of(line, &program))
			r = add_path(c, program, &facts);
	}
	return r;
}

static int collect_units(struct collector *c)
{
	static const char *const directories[] = {"/etc/systemd/system", "/usr/lib/systemd/system",
						  "/lib/systemd/system", "/run/systemd/system",
						  "/etc/init.d"};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(directories) && !r; i++) {
		DIR *directory = opendir(directories[i]);
		struct dirent *entry;

		while (directory && !r && (entry = readdir(directory))) {
			if (entry->d_name[0] != '.')
				r = add_unit(c, directories[i], entry->d_name);
		}
		if (directory)
			closedir(directory);
	}
	return r;
}

/* ---- processes ---------------------------------------------------------------------- */

/* One file that a process runs or has mapped; it is reached through @link, below /proc. */
static int add_running(struct collector *c, const char *link, const char *path, bool program)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {};
	const struct psc_mount *mount = psc_bound_mount(&c->thread->mounts, path);
	struct stat st;
	int r = psc_facts_addf(&facts, PSC_FACT_PATH, 0, "%s", path);

	if (mount && mount->kind != PSC_MOUNT_LOCAL)
		return 0;
	if (!r && program)
		r = psc_facts_addf(&facts, PSC_FACT_PROCESS, 0, "%s", strrchr(path, '/') + 1);
	if (r || !is_known(c, &facts) || stat(link, &st) < 0 || !S_ISREG(st.st_mode))
		return r;
	return add_file(c, link, path, &st, false, &facts);
}

/* Executable mappings: a library that is loaded from somewhere, or was deleted since. */
static int add_mapped(struct collector *c, const char *pid, const char *program)
{
	_cleanup_fclose_ FILE *f = NULL;
	char name[64], line[PATH_MAX + 128], link[128];
	unsigned int lines = 0;
	int r = 0;

	snprintf(name, sizeof(name), "/proc/%.20s/maps", pid);
	f = fopen(name, "re");
	while (f && !r && fgets(line, sizeof(line), f) && lines++ < MAPS_MAX) {
		char rights[8], *path = strchr(line, '/');
		unsigned long from, to;

		line[strcspn(line, "\n")] = 0;
		if (!path || !strcmp(path, program) ||
		    sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[2] != 'x')
			continue;
		snprintf(link, sizeof(link), "/proc/%.20s/map_files/%lx-%lx", pid, from, to);
		r = add_running(c, link, path, false);
	}
	return r;
}

/* By its program's path and name, and by the paths of what it has loaded. */
static int add_process(struct collector *c, const char *pid)
{
	char link[64], path[PATH_MAX];
	ssize_t n;
	int r;

	snprintf(link, sizeof(link), "/proc/%.20s/exe", pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || path[0] != '/')
		return 0;
	path[n] = 0;
	r = add_running(c, link, path, true);
	return r ? r : add_mapped(c, pid, path);
}

static int collect_processes(struct collector *c)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	int r = 0;

	while (directory && !r && psc_resolver_progress(c->thread->queue) &&
	       (entry = readdir(directory))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			r = add_process(c, entry->d_name);
	}
	if (directory)
		closedir(directory);
	return r;
}

int psc_resolver_collect(struct psc_resolver_thread *t, const struct psc_resolver_know *know,
			 struct psc_resolver_files *files)
{
	struct collector c = {.thread = t, .know = know, .files = files};
	int r = collect_places(&c);

	if (!r)
		r = collect_packages(&c);
	if (!r)
		r = collect_rpm_packages(&c);
	if (!r)
		r = collect_units(&c);
	if (!r)
		r = collect_processes(&c);
	for (size_t i = 0; i < c.place_count; i++)
		free(c.places[i]);
	free(c.places);
	return r;
}
