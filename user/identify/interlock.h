/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interlock.h - what a policy would do to the files that a host needs (essential.h): each is
 * judged as the programs in the kernel would, now and later. Used by the daemon, before a policy
 * comes into force, and by the CLI.
 */
#pragma once

#include <jansson.h>

#include "user/core/util.h"
#include "user/core/error.h"
#include "user/core/image.h"
#include "user/core/object.h"
#include "user/identify/essential.h"

/*
 * Something that would be refused. It is let in by an override that names its digest: of the
 * file's content when that is listed, else of the line "unverified REASON PATH\n", where PATH is
 * the file or, when the reason is the file system, the directory that it begins at.
 */
struct psc_interlock_objection {
	uint8_t digest[PSC_DIGEST_SIZE];
	uint8_t op;	    /* enum psc_op, the first of them */
	uint8_t unverified; /* enum psc_unverified; PSC_UNVERIFIED_NONE: listed */
	uint64_t from;	    /* ns; when it begins, 0: now */
	size_t files;	    /* how many files share it */
	char *path;
	char *needed_by; /* "" when it is essential itself */
	char *product;	 /* as listed; "" when it is not */
};

struct psc_interlock_report {
	struct psc_interlock_objection *item;
	size_t count;
};

struct psc_interlock_input {
	const struct psc_image *image; /* armed */
	const struct psc_essential *essential;
	const char *root;		   /* of these files */
	const struct psc_objects *objects; /* for the overrides among them */
	uint64_t now;			   /* ns; what was before is no matter */
	uint64_t begun;			   /* ns; overrides that begin later do not count */
};

/* Whether the policy refuses anything at all that a host could need: else nothing need be found. */
bool psc_interlock_concerns(const struct psc_image *image);

/*
 * For which reasons (1 << enum psc_unverified) the kernel may not know a file of @size on
 * @ground at @op, unless its content is listed. *@ret_digested: whether it will be looked up in
 * the lists. Of a file on overlayfs the layer below decides, which is not known here: either it
 * is not found, or its file system is taken for an unstable one.
 */
uint32_t psc_interlock_doubts(const struct psc_image *image, uint64_t size,
			      const struct psc_essential_ground *ground, enum psc_op op,
			      bool *ret_digested);

/*
 * Judges all of them. 0, also with objections; clear @ret with psc_interlock_report_clear(). A
 * file that has to be digested and cannot be is an error, with the file in @reterr; -ENOMEM.
 */
int psc_interlock_judge(const struct psc_interlock_input *input, struct psc_interlock_report *ret,
			struct psc_error *reterr);
void psc_interlock_report_clear(struct psc_interlock_report *report);

/* One sentence about @report, which has objections; strings are escaped. */
void psc_interlock_describe(const struct psc_interlock_report *report, struct psc_error *reterr);

/*
 * An array of {"op", "path", "reason" ("listed" or of names.h), "product"?, "needed_by"?,
 * "from"?, "files", "digest"} with safe strings; the first @most. NULL: no memory.
 */
json_t *psc_interlock_json(const struct psc_interlock_report *report, size_t most);
