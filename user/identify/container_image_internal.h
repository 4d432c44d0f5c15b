/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_image_internal.h - what the parts of container_image.h share: the survey of a
 * tarball, and the reading of its manifests. Used by user/identify only.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/identify/container_image.h"

/* A path that a layer deletes. */
struct psc_whiteout {
	char *path;  /* without the mark; "" for all of the image */
	bool opaque; /* what is below it, not the directory itself */
};

/* An entry of the tarball. */
struct psc_blob {
	char *path;
	char *link; /* the entry that it stands for, or NULL */
	char *json; /* its text when it may be a manifest, or NULL */
	size_t json_size;
	bool tar;     /* it opens as a tar */
	bool visited; /* for the walk's use */
	struct psc_whiteout *whiteout;
	size_t whiteouts;
	uint64_t *name; /* of everything else in the layer, see container_image_names.c; sorted */
	size_t names;
};

/* Everything that a tarball holds, by name. */
struct psc_survey {
	struct psc_blob *blob;
	size_t count;
	size_t bytes;	/* of what is kept */
	bool truncated; /* not all whiteouts and names are known */
};

/*
 * Looks through the tarball; with @whiteouts also through its layers. -ENOEXEC: no tar; -E2BIG;
 * -ENOMEM; errors of reading. Damage ends it early and is no error.
 */
int psc_survey_read(int fd, bool whiteouts, const struct psc_archive_limits *limits,
		    struct psc_survey *ret);
void psc_survey_clear(struct psc_survey *survey);

/* The entry with that name, links followed; NULL when there is none. */
struct psc_blob *psc_survey_find(const struct psc_survey *survey, const char *path);

/* The images that the manifests name. Errors as psc_container_images_read(). */
int psc_survey_images(const struct psc_survey *survey, struct psc_container_images *ret);

/* Whether a layer deletes @path of the layers below it. */
bool psc_blob_deletes(const struct psc_blob *blob, const char *path);

/* Keeps a name of the layer; psc_blob_names_sort() behind the last one. -ENOMEM. */
int psc_blob_name_add(struct psc_blob *blob, const char *path, bool directory);
void psc_blob_names_sort(struct psc_blob *blob);

/*
 * Whether the layer has something else in the place of @path: of that name, or no directory
 * above it. A directory stays one under another layer's.
 */
bool psc_blob_replaces(const struct psc_blob *blob, const char *path, bool directory);
