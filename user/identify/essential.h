/* SPDX-License-Identifier: Apache-2.0 */
/*
 * essential.h - what a host needs to start, to be logged into and to be repaired: the files as
 * they are there, with everything that these need to run. For the interlock (interlock.h);
 * used by the daemon and the CLI.
 *
 * Found are, where they exist: init with its helpers and generators, shells, login with the PAM
 * and NSS modules that its configuration names, sshd, sudo with its plugins, package managers
 * with their methods, container runtimes, tools to repair with, proscribe itself; of these the
 * interpreters, loaders and libraries, in every place where a loader may take them from.
 * Not found is what a program loads by a name of its own (conversions of character sets, modules
 * of Perl and Python, engines): without it less works, but the host can be repaired.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "user/core/util.h"
#include "user/core/error.h"

#define PSC_ESSENTIAL_FILES_MAX	      8192
#define PSC_ESSENTIAL_DIRECTORIES_MAX 512
#define PSC_ESSENTIAL_NONE	      SIZE_MAX

/* A file system with such files. */
struct psc_essential_ground {
	dev_t device;
	char *path;	/* the topmost directory of it above the first file that was found */
	uint32_t magic; /* as statfs(2) */
	bool on_loop;	/* on a loop device */
};

struct psc_essential_file {
	char *path;	  /* the real one */
	size_t needed_by; /* the file that it was first needed by, or PSC_ESSENTIAL_NONE */
	size_t ground;
	ino_t inode;
	uint64_t size;
	uint32_t ops; /* 1 << enum psc_op: how it is used */
};

struct psc_essential {
	struct psc_essential_file *file;
	size_t count;
	struct psc_essential_ground *ground;
	size_t ground_count;
};

/*
 * Finds them on the host below the directory @root, "/" for this one. A file that is there but
 * cannot be read, an ELF file that is damaged (-EBADMSG), more files or library directories than
 * the limits (-E2BIG) are errors that @reterr names; -ENOMEM. Free with psc_essential_free().
 */
int psc_essential_find(const char *root, struct psc_essential **ret, struct psc_error *reterr);
struct psc_essential *psc_essential_free(struct psc_essential *essential); /* NULL is fine */
void psc_essential_freep(struct psc_essential **essential);

/*
 * Whether any of them is, or lies below, one of the places @paths (NULL-terminated; absolute,
 * of the host @root): -EPERM with place and file in @reterr. A place that does not exist holds
 * nothing; one that cannot be looked at is the error of doing so.
 */
int psc_essential_check_places(const struct psc_essential *essential, const char *root,
			       const char *const *paths, struct psc_error *reterr);
