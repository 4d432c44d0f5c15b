/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_parts.h - between the files of the compiler: compile.c (digests),
 * compile_subjects.c (who they stand for), compile_rulings.c (what comes of it). For them
 * alone.
 */
#pragma once

#include "user/core/compile.h"

/* Finds the subject of a product by name and origin. */
struct psc_subject_slot {
	const char *text; /* belongs to the list, or to a place */
	bool site;
	uint32_t joint; /* number + 1 of the joint of which it is the first, 0 for none */
	uint32_t subject;
};

/* So many products of the catalog one digest may be. */
#define PSC_COMPILER_JOINT_MAX 32

/* A digest that is listed as several products of the catalog: the strictest of them counts. */
struct psc_joint {
	const char *text[PSC_COMPILER_JOINT_MAX]; /* belongs to the list */
	size_t count;
};

struct psc_compiler {
	const struct psc_compile_input *input;
	struct psc_image *image;
	struct psc_error *reterr;
	uint32_t *order; /* entries by digest */
	size_t first;	 /* the sha256 entries: order[first] up to order[end] */
	size_t end;
	struct psc_subject_slot slots[PSC_SUBJECTS_MAX]; /* sorted */
	uint32_t slot_count;
	struct psc_joint *joints;
	uint32_t joint_count;
	uint32_t joint_of[PSC_SUBJECTS_MAX]; /* number + 1, by subject */
	uint64_t first_at;		     /* the instant at which the first interval is judged */
};

static inline int psc_compiler_no_memory(struct psc_compiler *c)
{
	psc_error_set(c->reterr, NULL, 0, 0, "out of memory");
	return -ENOMEM;
}

/* Is it an entry of the site's own lists? What an entry without a product is called. */
bool psc_compiler_is_site(const struct psc_compiler *c, const struct psc_list_entry *entry);
const char *psc_compiler_product_text(const struct psc_list_entry *entry);

/*
 * Gives the products of all entries numbers in the order of reading, so that they do not
 * depend on the digests. -E2BIG, -ENOMEM.
 */
int psc_compiler_number_subjects(struct psc_compiler *c);

/* The number for a pair; a new one if the entries gave none. -E2BIG. */
int psc_compiler_subject(struct psc_compiler *c, const char *text, bool site, uint32_t *ret);

/* The same for a digest that is several products of the catalog. -E2BIG, -ENOMEM. */
int psc_compiler_joint(struct psc_compiler *c, const char *const *texts, size_t count, bool site,
		       uint32_t *ret);

/* What an entry without a product is called. */
#define PSC_COMPILER_UNNAMED "unnamed"

/* Gives the listed places their subjects, and the image a copy of them. -E2BIG, -ENOMEM. */
int psc_compiler_add_places(struct psc_compiler *c);

/* Writes names, roles and origins into the image. -ENOMEM. */
int psc_compiler_name_subjects(struct psc_compiler *c);

/* Intervals, classes, actions and the reasons for them. -E2BIG, -ENOMEM. */
int psc_compiler_rule(struct psc_compiler *c);
