/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_walk.h - the walk behind archive.h, for readers that know more of what they walk over
 * (container images). Used by user/identify only.
 */
#pragma once

#include "user/core/util.h"
#include "user/identify/archive.h"
#include "user/identify/archive_input.h"

struct psc_archive_walk {
	struct psc_archive_limits limits;
	psc_archive_fn fn;
	void *data;
	uint64_t packed; /* bytes of the file that is walked over */
	uint64_t bytes;	 /* unpacked so far */
	uint64_t entries;
	bool stopped;			       /* a limit was reached, and reported */
	int memory[PSC_ARCHIVE_DEPTH_MAX + 1]; /* the memory file of each depth */
};

/* NULL @limits are the defaults. Clear with psc_archive_walk_clear(), also after an error. */
int psc_archive_walk_init(struct psc_archive_walk *walk, int fd,
			  const struct psc_archive_limits *limits, psc_archive_fn fn, void *data);
void psc_archive_walk_clear(struct psc_archive_walk *walk);

/* Hands out everything in @input, and what is inside that. Errors as psc_archive_walk(). */
int psc_archive_walk_input(struct psc_archive_walk *walk, struct psc_archive_input *input,
			   const char *container, unsigned int depth);

/* The same for the current entry of @input alone. */
int psc_archive_walk_one(struct psc_archive_walk *walk, struct psc_archive_input *input,
			 struct archive_entry *entry, const char *container, unsigned int depth);

/*
 * Counts one entry, or @bytes that were unpacked. When that is too much, says so to fn, stops
 * the walk and returns 1.
 */
int psc_archive_walk_entry(struct psc_archive_walk *walk, const char *container,
			   unsigned int depth);
int psc_archive_walk_charge(struct psc_archive_walk *walk, uint64_t bytes, const char *container,
			    unsigned int depth);

/* Reports that a whole archive, or its rest, was not looked at. */
int psc_archive_walk_skip(struct psc_archive_walk *walk, const char *path, const char *container,
			  unsigned int depth, enum psc_archive_skip skip, const char *reason);

/*
 * Opens what is inside a file: an archive, or the one behind a script. -ENOEXEC: none that is
 * read here; if it was recognised as one nevertheless, @ret_skip and @ret_reason say why, else
 * @ret_skip is PSC_ARCHIVE_SKIP_NONE. -ENOMEM, errors of reading.
 */
int psc_archive_open(int fd, struct psc_archive_input **ret, enum psc_archive_skip *ret_skip,
		     const char **ret_reason);
