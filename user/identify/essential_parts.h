/* SPDX-License-Identifier: Apache-2.0 */
/*
 * essential_parts.h - between essential.c, essential_names.c, essential_links.c and
 * essential_ground.c, which make one module.
 */
#pragma once

#include "user/identify/essential.h"
#include "user/identify/essential_words.h"
#include "user/identify/sysroot.h"
#include "bpf/abi.h"

#define PSC_ESSENTIAL_TEXT_MAX (1U << 20) /* bytes of a configuration file */

/* How programs, and what programs load, are used. */
#define PSC_ESSENTIAL_LOADED  (1U << PSC_OP_LOAD | 1U << PSC_OP_OPEN)
#define PSC_ESSENTIAL_PROGRAM (1U << PSC_OP_EXEC | PSC_ESSENTIAL_LOADED)

struct psc_essential_directory {
	char *path;
	dev_t device;
	ino_t inode;
};

/* A library that some file needs, by name. */
struct psc_essential_library {
	char *name;
	size_t needed_by;
};

struct psc_essential_search {
	struct psc_sysroot root;
	struct psc_essential *found;
	struct psc_essential_directory *directory; /* where loaders look */
	size_t directory_count;
	size_t system_directories; /* the first of them, of all programs */
	struct psc_essential_library *library;
	size_t library_count;
	struct psc_error *reterr; /* never NULL */
};

/* ---- essential.c: each returns 0 or, having said why, a negative errno */

/* Not there, or not to be reached by anybody: nothing to find. */
bool psc_essential_is_absent(int error);

/* Says that @path cannot be @done ("read"); returns @error. */
int psc_essential_fail(struct psc_essential_search *search, const char *path, const char *done,
		       int error);

/* Adds a file once; what is not there, or no file, is not needed. */
int psc_essential_add(struct psc_essential_search *search, const char *path, size_t needed_by,
		      uint32_t ops);
int psc_essential_add_in(struct psc_essential_search *search, const char *directory,
			 const char *name, size_t needed_by, uint32_t ops);

/* A program by its path or, without a slash, from the places where programs are. */
int psc_essential_add_program(struct psc_essential_search *search, const char *name,
			      size_t needed_by);

/* Calls @take with the path of everything in @directory that matches @pattern (fnmatch(3)). */
int psc_essential_each(struct psc_essential_search *search, const char *directory,
		       const char *pattern, psc_words_take take, void *data);

/* Calls @take with every word of a file, if it is there. */
int psc_essential_words(struct psc_essential_search *search, const char *path, enum psc_words kind,
			psc_words_take take, void *data);

/* ---- essential_names.c: ends with NULL */
extern const char *const psc_essential_programs[];
extern const char *const psc_essential_libraries[];
struct psc_essential_folder {
	const char *path;
	const char *pattern;
};
extern const struct psc_essential_folder psc_essential_folders[];
/* below each directory of libraries */
extern const struct psc_essential_folder psc_essential_library_folders[];

/* ---- essential_links.c */

/* Where all programs' libraries are. */
int psc_essential_find_directories(struct psc_essential_search *search);

/* A library by its name. */
int psc_essential_need(struct psc_essential_search *search, const char *name, size_t needed_by);

/* Adds what every file needs, until nothing new is needed. */
int psc_essential_follow(struct psc_essential_search *search);

/* ---- essential_ground.c */

/* The file system of @path, open at @fd, on @device. */
int psc_essential_find_ground(struct psc_essential_search *search, const char *path, int fd,
			      dev_t device, size_t *ret);
