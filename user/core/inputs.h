/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inputs.h - the files that a policy is made of, as they were when it was read: so that what
 * changed can be told, also while nobody has read it yet. Used by the daemon.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "user/core/util.h"
#include "bpf/abi.h"

#define PSC_INPUTS_MAX 10000 /* files */

enum psc_input_kind {
	PSC_INPUT_CONFIGURATION = 0,
	PSC_INPUT_LIST = 1,
	PSC_INPUT_CATALOG = 2, /* has a digest as a whole (psc_catalog_digest()) */
	PSC_INPUT_OTHER = 3,   /* profiles and objects know their digests themselves */
	PSC_INPUT_KIND_MAX = 4,
};

/* By which a file is seen to be another one, or changed. */
struct psc_input_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed;
};

struct psc_input {
	char *path;
	enum psc_input_kind kind;
	struct psc_input_stamp stamp;
	bool digested; /* by psc_inputs_digest() */
	uint8_t digest[PSC_DIGEST_SIZE];
};

struct psc_inputs {
	struct psc_input *item; /* in the order in which they were added, names sorted */
	size_t count;
};

/*
 * Adds the file @path, or the files in the directory @path and in the directories in it, but for
 * names that begin with a dot; of lists, *.csv. What is missing, or may not be read, is none. Links are followed as
 * far as they lead to files. -ENOMEM, -E2BIG.
 */
int psc_inputs_add(struct psc_inputs *inputs, enum psc_input_kind kind, const char *path);
void psc_inputs_clear(struct psc_inputs *inputs);

/*
 * Digests the configuration and the lists, unless @before (may be NULL) has the same file
 * unchanged. One that is another by now, or cannot be read, stays without.
 */
void psc_inputs_digest(struct psc_inputs *inputs, const struct psc_inputs *before);

/* NULL: none of that path. */
const struct psc_input *psc_inputs_find(const struct psc_inputs *inputs, const char *path);

/* Whether the files of @kind are the same ones, unchanged. */
bool psc_inputs_same(const struct psc_inputs *one, const struct psc_inputs *other,
		     enum psc_input_kind kind);

/* The first file that is only in one of them, or changed; NULL: there is none. */
const char *psc_inputs_difference(const struct psc_inputs *one, const struct psc_inputs *other);
