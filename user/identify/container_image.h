/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_image.h - container images as files: what `docker save`, `podman save` and OCI
 * layouts put into a tarball. Layers in order, each a tar of its own; files that a later layer
 * deletes or replaces are still in the image, and are handed out with that remark.
 *
 * Bounds and reports as archive.h. Used by the scan. Thread-safe.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/identify/archive.h"

#define PSC_CONTAINER_IMAGES_MAX 256 /* images in one file */
#define PSC_CONTAINER_LAYERS_MAX 512 /* layers of one image */

struct psc_container_image {
	char **names; /* NULL-terminated: "registry/name:tag"; may have none */
	char *config; /* digest of its configuration, or "" */
	char **layer; /* NULL-terminated: names of the entries that hold them, lowest first */
	size_t layers;
};

struct psc_container_images {
	struct psc_container_image *image;
	size_t count;
};

/* Something inside a layer, or beside the layers. */
struct psc_container_file {
	/* the image it was found in; NULL: in a blob that no image names, or no image's at all */
	const struct psc_container_image *image;
	unsigned int layer;	 /* counts from 1; 0: not in a layer of an image */
	unsigned int deleted_in; /* the layer that deletes it; 0: it is there in the end */
	bool replaced;		 /* that layer has something else of the name */
	const struct psc_archive_entry *entry;
};

/* An error ends the walk and comes back. */
typedef int (*psc_container_fn)(const struct psc_container_file *file, void *data);

/*
 * What images the tarball @fd (compressed or not) holds. -ENOEXEC: no container image;
 * -EBADMSG: it has a manifest that cannot be understood; -E2BIG; -ENOMEM; errors of reading.
 * Whatever the error, psc_archive_walk() still looks inside.
 */
int psc_container_images_read(int fd, struct psc_container_images *ret);
void psc_container_images_clear(struct psc_container_images *images);

/*
 * Calls @fn for everything in every layer, in the order of the tarball, once even if several
 * images share the layer: `deleted_in` is 0 if it is there in any of them. Whiteouts themselves
 * are not handed out. Blobs that no image names are handed out too, with layer 0. A layer that is
 * named and missing, encrypted or no tar is reported by `skip`. Errors as above.
 */
int psc_container_walk(int fd, const struct psc_archive_limits *limits, psc_container_fn fn,
		       void *data);
