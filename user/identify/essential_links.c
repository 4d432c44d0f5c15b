/* SPDX-License-Identifier: Apache-2.0 */
/*
 * essential_links.c - what programs and libraries need to run: interpreters, loaders,
 * libraries. See essential_parts.h.
 *
 * Which of several libraries of one name a loader takes depends on the program, the processor
 * and a cache: all of them are needed. Every directory that one of the files names (DT_RPATH,
 * which whatever that file loads inherits, DT_RUNPATH) is searched for every library.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/identify/elf_links.h"
#include "user/identify/essential_parts.h"

#define INCLUDE_DEPTH_MAX 4

/* Subdirectories that glibc prefers on some processors; since 2.37 only the first. */
static const char *const preferred[] = {"haswell", "haswell/avx512_1", "haswell/x86_64", "x86_64",
					"tls",	   "tls/x86_64",       "tls/haswell"};

/* ---- where libraries are --------------------------------------------------------------- */

static int look_for(struct psc_essential_search *search, const char *directory,
		    const struct psc_essential_library *library)
{
	return psc_essential_add_in(search, directory, library->name, library->needed_by,
				    PSC_ESSENTIAL_LOADED);
}

static bool has_directory(const struct psc_essential_search *search, const struct stat *st)
{
	for (size_t i = 0; i < search->directory_count; i++) {
		if (search->directory[i].inode == st->st_ino &&
		    search->directory[i].device == st->st_dev)
			return true;
	}
	return false;
}

static int append_directory(struct psc_essential_search *search, const char *path,
			    const struct stat *st)
{
	struct psc_essential_directory *directory;

	if (search->directory_count == PSC_ESSENTIAL_DIRECTORIES_MAX) {
		psc_error_set(search->reterr, path, 0, 0,
			      "interlock: the host has more than %u directories of libraries",
			      PSC_ESSENTIAL_DIRECTORIES_MAX);
		return -E2BIG;
	}
	directory =
		reallocarray(search->directory, search->directory_count + 1, sizeof(*directory));
	if (!directory)
		return psc_essential_fail(search, path, "noted", -ENOMEM);
	search->directory = directory;
	directory += search->directory_count;
	*directory = (struct psc_essential_directory){
		.path = strdup(path),
		.device = st->st_dev,
		.inode = st->st_ino,
	};
	if (!directory->path)
		return psc_essential_fail(search, path, "noted", -ENOMEM);
	search->directory_count++;
	return 0;
}

/* Adds one directory, once, with the libraries in it that are needed so far. */
static int take_directory(const char *path, void *data)
{
	struct psc_essential_search *search = data;
	_cleanup_close_ int fd = psc_sysroot_look(&search->root, path, O_PATH | O_DIRECTORY);
	struct stat st;
	int r;

	if (fd < 0)
		return psc_essential_is_absent(fd) ? 0
						   : psc_essential_fail(search, path, "found", fd);
	if (fstat(fd, &st) < 0)
		return psc_essential_fail(search, path, "examined", -errno);
	if (has_directory(search, &st))
		return 0;
	r = append_directory(search, path, &st);
	for (size_t i = 0; i < search->library_count && r >= 0; i++)
		r = look_for(search, path, &search->library[i]);
	return r;
}

static int add_directory(const char *path, void *data)
{
	char below[PATH_MAX];
	int r = take_directory(path, data);

	if (r >= 0 && snprintf(below, sizeof(below), "%s/glibc-hwcaps", path) < (int)sizeof(below))
		r = psc_essential_each(data, below, "*", take_directory, data);
	for (size_t i = 0; i < ARRAY_SIZE(preferred) && r >= 0; i++) {
		if (snprintf(below, sizeof(below), "%s/%s", path, preferred[i]) <
		    (int)sizeof(below))
			r = take_directory(below, data);
	}
	return r;
}

/* The files that one pattern of an ld.so.conf means, for add_conf_words(). */
struct include {
	struct psc_essential_search *search;
	unsigned int depth;
	int (*read)(const char *path, void *data);
};

static int take_include(const char *word, void *data)
{
	struct include *include = data;
	const char *name = strrchr(word, '/');
	char pattern[PATH_MAX];

	/* relative to the including file; only /etc/ld.so.conf includes */
	if (snprintf(pattern, sizeof(pattern), "%s%s", word[0] == '/' ? "" : "/etc/", word) >=
	    (int)sizeof(pattern))
		return 0;
	name = strrchr(pattern, '/') + 1;
	pattern[name - 1 - pattern] = 0;
	return psc_essential_each(include->search, pattern[0] ? pattern : "/", name, include->read,
				  include);
}

static int read_conf(const char *path, void *data)
{
	struct include *include = data;
	struct include deeper = *include;
	int r = psc_essential_words(include->search, path, PSC_WORDS_DIRECTORIES, add_directory,
				    include->search);

	if (r < 0 || ++deeper.depth > INCLUDE_DEPTH_MAX)
		return r;
	return psc_essential_words(include->search, path, PSC_WORDS_INCLUDES, take_include,
				   &deeper);
}

int psc_essential_find_directories(struct psc_essential_search *search)
{
	static const char *const usual[] = {"/lib",   "/usr/lib",   "/lib64",  "/usr/lib64",
					    "/lib32", "/usr/lib32", "/libx32", "/usr/local/lib"};
	static const char *const multiarch[] = {"/lib", "/usr/lib", "/usr/local/lib"};
	struct include conf = {.search = search, .read = read_conf};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(usual) && r >= 0; i++)
		r = add_directory(usual[i], search);
	for (size_t i = 0; i < ARRAY_SIZE(multiarch) && r >= 0; i++)
		r = psc_essential_each(search, multiarch[i], "*-linux-*", add_directory, search);
	if (r >= 0)
		r = read_conf("/etc/ld.so.conf", &conf);
	if (r >= 0)
		r = psc_essential_each(search, "/etc/ld.so.conf.d", "*.conf", read_conf, &conf);
	if (r >= 0)
		r = psc_essential_each(search, "/etc", "ld-musl-*.path", read_conf, &conf);
	search->system_directories = search->directory_count;
	return r;
}

/* ---- what a file needs ------------------------------------------------------------------- */

int psc_essential_need(struct psc_essential_search *search, const char *name, size_t needed_by)
{
	struct psc_essential_library *library;
	int r = 0;

	if (name[0] == '/')
		return psc_essential_add(search, name, needed_by, PSC_ESSENTIAL_LOADED);
	if (!name[0] || strchr(name, '/'))
		return 0;
	for (size_t i = 0; i < search->library_count; i++) {
		if (strcmp(search->library[i].name, name) == 0)
			return 0;
	}
	library = reallocarray(search->library, search->library_count + 1, sizeof(*library));
	if (!library)
		return psc_essential_fail(search, name, "noted", -ENOMEM);
	search->library = library;
	library += search->library_count;
	*library = (struct psc_essential_library){.name = strdup(name), .needed_by = needed_by};
	if (!library->name)
		return psc_essential_fail(search, name, "noted", -ENOMEM);
	search->library_count++;
	for (size_t i = 0; i < search->directory_count && r >= 0; i++)
		r = look_for(search, search->directory[i].path, library);
	return r;
}

/* Whether @text begins with $NAME or ${NAME}; its length, or 0. */
static size_t token_length(const char *text, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(text, "$", 1) == 0 && strncmp(text + 1, name, length) == 0)
		return length + 1;
	if (strncmp(text, "${", 2) == 0 && strncmp(text + 2, name, length) == 0 &&
	    text[2 + length] == '}')
		return length + 3;
	return 0;
}

/* ld.so(8), "Dynamic string tokens"; false when it becomes too long. */
static bool expand(const char *text, const char *origin, const char *lib, char ret[PATH_MAX])
{
	const struct {
		const char *name;
		const char *value;
	} tokens[] = {{"ORIGIN", origin}, {"LIB", lib}, {"PLATFORM", "x86_64"}};
	size_t used = 0;

	while (*text) {
		char one[] = {*text, 0};
		const char *piece = one;
		size_t length = 0;

		for (size_t i = 0; i < ARRAY_SIZE(tokens) && !length; i++) {
			length = token_length(text, tokens[i].name);
			piece = length ? tokens[i].value : one;
		}
		text += length ?: 1;
		length = strlen(piece);
		if (used + length >= PATH_MAX)
			return false;
		memcpy(ret + used, piece, length);
		used += length;
	}
	ret[used] = 0;
	return true;
}

static int add_runpath(struct psc_essential_search *search, size_t file, const char *runpath)
{
	static const char *const libs[] = {"lib", "lib64", "lib/x86_64-linux-gnu"};
	_cleanup_free_ char *directories = strdup(runpath);
	_cleanup_free_ char *origin = strdup(search->found->file[file].path);
	char path[PATH_MAX];
	int r = 0;

	if (!directories || !origin)
		return psc_essential_fail(search, search->found->file[file].path, "followed",
					  -ENOMEM);
	*strrchr(origin, '/') = 0;
	for (char *save = NULL, *text = strtok_r(directories, ":", &save); text && r >= 0;
	     text = strtok_r(NULL, ":", &save)) {
		size_t choices = strstr(text, "LIB") ? ARRAY_SIZE(libs) : 1;

		for (size_t i = 0; i < choices && r >= 0; i++) {
			if (expand(text, origin, libs[i], path) && path[0] == '/')
				r = add_directory(path, search);
		}
	}
	return r;
}

static int add_interpreter(struct psc_essential_search *search, size_t file, int fd)
{
	struct psc_essential_file *f = &search->found->file[file];
	char data[PSC_SCRIPT_LINE_MAX + 1];
	struct psc_script script;
	ssize_t n = pread(fd, data, PSC_SCRIPT_LINE_MAX, 0);
	int r;

	if (n < 0)
		return psc_essential_fail(search, f->path, "read", -errno);
	f->ops &= ~(1U << PSC_OP_LOAD);
	if (psc_script_read(data, n, &script) < 0)
		return 0;
	r = script.interpreter[0] == '/'
		    ? psc_essential_add_program(search, script.interpreter, file)
		    : 0;
	if (r >= 0 && script.program)
		r = psc_essential_add_program(search, script.program, file);
	return r;
}

static int add_links(struct psc_essential_search *search, size_t file)
{
	_cleanup_(psc_elf_links_clear) struct psc_elf_links links = {0};
	const char *path = search->found->file[file].path;
	_cleanup_close_ int fd =
		psc_sysroot_look(&search->root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	int r;

	/* an upgrade took it away meanwhile */
	if (psc_essential_is_absent(fd))
		return 0;
	if (fd < 0)
		return psc_essential_fail(search, path, "read", fd);
	r = psc_elf_links_read(fd, &links);
	if (r == -ENOEXEC)
		return add_interpreter(search, file, fd);
	if (r == -EBADMSG) {
		psc_error_set(search->reterr, path, 0, 0,
			      "interlock: the host needs it, and it is a damaged ELF file");
		return r;
	}
	if (r < 0)
		return psc_essential_fail(search, path, "read", r);
	if (links.interpreter && links.interpreter[0] == '/')
		r = psc_essential_add(search, links.interpreter, file, PSC_ESSENTIAL_LOADED);
	if (r >= 0 && links.runpath)
		r = add_runpath(search, file, links.runpath);
	for (size_t i = 0; links.needed[i] && r >= 0; i++)
		r = psc_essential_need(search, links.needed[i], file);
	return r;
}

int psc_essential_follow(struct psc_essential_search *search)
{
	int r = 0;

	/* the list grows while it is walked */
	for (size_t i = 0; i < search->found->count && r >= 0; i++)
		r = add_links(search, i);
	return r;
}
