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

#include "user/core/dpkg.h"
#include "user/daemon/resolver_internal.h"

#define DEPTH_MAX     32
#define PLACES_MAX    1024
#define DIR_DPKG      "/var/lib/dpkg"
#define UNIT_FILE_MAX (256U << 10)

struct collector {
	const struct psc_resolver_know *know;
	struct psc_resolver_files *files;
	char **places; /* resolved directories that were walked or wait for it */
	size_t place_count;
	size_t walked;
};

/* ---- the files ---------------------------------------------------------------------- */

static void file_free(struct psc_resolver_found *file)
{
	if (!file)
		return;
	free(file->path);
	psc_facts_clear(&file->facts);
	free(file);
}

void psc_resolver_files_clear(struct psc_resolver_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		file_free(files->file[i]);
	free(files->file);
	*files = (struct psc_resolver_files){};
}

static int compare_identity(const struct stat *a, const struct stat *b)
{
	if (a->st_dev != b->st_dev)
		return a->st_dev < b->st_dev ? -1 : 1;
	return a->st_ino < b->st_ino ? -1 : a->st_ino > b->st_ino;
}

/* Where it is, or is to be put in. */
static size_t slot_of(const struct psc_resolver_files *files, const struct stat *st,
		      bool *ret_found)
{
	size_t low = 0, high = files->count;

	*ret_found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int r = compare_identity(&files->file[middle]->st, st);

		if (!r) {
			*ret_found = true;
			return middle;
		}
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct psc_resolver_found *psc_resolver_files_find(const struct psc_resolver_files *files,
						   const struct stat *st)
{
	bool found;
	size_t at = slot_of(files, st, &found);

	return found ? files->file[at] : NULL;
}

static struct psc_resolver_found *insert(struct psc_resolver_files *files, size_t at,
					 const char *path, const struct stat *st)
{
	struct psc_resolver_found *file = calloc(1, sizeof(*file));
	struct psc_resolver_found **grown = files->file;

	if (file)
		file->path = strdup(path);
	if (!(files->count & (files->count + 1)))
		grown = reallocarray(files->file, 2 * (files->count + 1), sizeof(void *));
	if (grown)
		files->file = grown;
	if (!file || !file->path || !grown) {
		file_free(file);
		return NULL;
	}
	memmove(&grown[at + 1], &grown[at], (files->count - at) * sizeof(void *));
	grown[at] = file;
	files->count++;
	file->st = *st;
	file->linked = true;
	return file;
}

/* @alias: another path by which it was reached, or NULL. */
static int add_file(struct collector *c, const char *path, const char *alias, const struct stat *st,
		    bool linked, const struct psc_facts *facts)
{
	struct psc_resolver_found *file;
	bool found;
	size_t at = slot_of(c->files, st, &found);
	int r = 0;

	if (!found && c->files->count >= PSC_RESOLVER_FILES_MAX) {
		c->files->full = true;
		return 0;
	}
	file = found ? c->files->file[at] : insert(c->files, at, path, st);
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

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 && (!path[length] || path[length] == '/');
}

static bool is_placed(const struct collector *c, const char *path)
{
	for (size_t i = 0; i < c->place_count; i++) {
		if (is_below(path, c->places[i]))
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

/* A link in a vendor's place: what it leads to is the vendor's only if it is in a place, too. */
static int follow(struct collector *c, const char *link, const char *alias, unsigned int depth)
{
	char real[PATH_MAX];
	bool linked;
	struct stat st;

	if (!realpath(link, real) || stat(real, &st) < 0)
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
	    lstat(path, &st) < 0)
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
	while (!r && (entry = readdir(directory))) {
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

	if (length >= sizeof(alias) || !realpath(path, real) || stat(real, &st) < 0)
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

static int take_condition(struct collector *c, const struct psc_condition *condition, bool look)
{
	char place[PATH_MAX];
	glob_t found = {};
	int r = 0;

	switch (psc_found_place_of(condition, place, sizeof(place))) {
	case PSC_FOUND_PLACE_PATH:
		return take_place(c, place, look);
	case PSC_FOUND_PLACE_GLOB:
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

static int add_text(struct psc_facts *facts, enum psc_fact_kind kind, struct psc_dpkg_text text)
{
	return text.length ? psc_facts_add(facts, kind, 0, text.data, text.length) : 0;
}

static bool is_known(const struct collector *c, const struct psc_facts *facts)
{
	struct psc_matches matches = {};
	bool known = !psc_indicators_match(c->know->indicators, facts, &matches) && matches.count;

	psc_matches_clear(&matches);
	return known;
}

/* DIR/info/PACKAGE.list or PACKAGE:ARCHITECTURE.list: a path a line. */
static FILE *open_files_of(const struct psc_dpkg_entry *entry)
{
	char path[PATH_MAX];
	FILE *f;

	if (memchr(entry->package.data, '/', entry->package.length) ||
	    memchr(entry->architecture.data ?: "", '/', entry->architecture.length))
		return NULL;
	snprintf(path, sizeof(path), DIR_DPKG "/info/%.*s.list", (int)entry->package.length,
		 entry->package.data);
	f = fopen(path, "re");
	if (f)
		return f;
	snprintf(path, sizeof(path), DIR_DPKG "/info/%.*s:%.*s.list", (int)entry->package.length,
		 entry->package.data, (int)entry->architecture.length,
		 entry->architecture.data ?: "");
	return fopen(path, "re");
}

static int add_path(struct collector *c, const char *path, const struct psc_facts *facts)
{
	char real[PATH_MAX];
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || !realpath(path, real))
		return 0;
	return add_file(c, real, path, &st, false, facts);
}

static int add_package(struct collector *c, const struct psc_dpkg_entry *entry)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {};
	_cleanup_fclose_ FILE *f = NULL;
	char line[PATH_MAX];
	int r;

	r = psc_facts_addf(&facts, PSC_FACT_PACKAGE_FORMAT, 0, "deb");
	if (!r)
		r = add_text(&facts, PSC_FACT_PACKAGE_NAME, entry->package);
	if (!r)
		r = add_text(&facts, PSC_FACT_PACKAGE_VERSION, entry->version);
	if (!r)
		r = add_text(&facts, PSC_FACT_PACKAGE_ARCHITECTURE, entry->architecture);
	if (!r)
		r = add_text(&facts, PSC_FACT_PACKAGE_MAINTAINER, entry->maintainer);
	if (!r)
		r = add_text(&facts, PSC_FACT_PACKAGE_URL, entry->homepage);
	if (r || !is_known(c, &facts))
		return r;
	f = open_files_of(entry);
	while (f && !r && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		r = line[0] == '/' ? add_path(c, line, &facts) : 0;
	}
	return r;
}

static int collect_packages(struct collector *c)
{
	_cleanup_close_ int fd = open(DIR_DPKG "/status", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct psc_dpkg_entry entry;
	size_t at = 0, size = 0;
	struct stat st;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > PSC_DPKG_STATUS_MAX)
		return 0;
	text = malloc(st.st_size + 1);
	if (!text)
		return -ENOMEM;
	for (ssize_t n = 1; n > 0 && size<(size_t)st.st_size; size += n> 0 ? n : 0)
		n = read(fd, text + size, st.st_size - size);
	while (!r && psc_dpkg_next(text, size, &at, &entry)) {
		if (entry.installed)
			r = add_package(c, &entry);
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

/* By its program's path and name; the file itself is reached through /proc. */
static int add_process(struct collector *c, const char *pid)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {};
	char link[64], path[PATH_MAX];
	const char *name;
	struct stat st;
	ssize_t n;
	int r;

	snprintf(link, sizeof(link), "/proc/%.20s/exe", pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || path[0] != '/' || stat(link, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	path[n] = 0;
	name = strrchr(path, '/') + 1;
	r = psc_facts_addf(&facts, PSC_FACT_PROCESS, 0, "%s", name);
	if (!r)
		r = psc_facts_addf(&facts, PSC_FACT_PATH, 0, "%s", path);
	if (r || !is_known(c, &facts))
		return r;
	return add_file(c, link, path, &st, false, &facts);
}

static int collect_processes(struct collector *c)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	int r = 0;

	while (directory && !r && (entry = readdir(directory))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			r = add_process(c, entry->d_name);
	}
	if (directory)
		closedir(directory);
	return r;
}

int psc_resolver_collect(const struct psc_resolver_know *know, struct psc_resolver_files *files)
{
	struct collector c = {.know = know, .files = files};
	int r = collect_places(&c);

	if (!r)
		r = collect_packages(&c);
	if (!r)
		r = collect_units(&c);
	if (!r)
		r = collect_processes(&c);
	for (size_t i = 0; i < c.place_count; i++)
		free(c.places[i]);
	free(c.places);
	return r;
}
