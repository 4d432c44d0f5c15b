/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_names.h - the names in a compiled policy's file: subjects and the reasons of
 * rulings, as JSON. For image_file.c alone.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/image.h"

#define PSC_IMAGE_NAMES_MAX (64U << 20) /* bytes */

/* The caller frees @ret; -ENOMEM. */
int psc_image_names_format(const struct psc_image *image, char **ret, size_t *ret_size);

/*
 * Fills subjects (table.subject_count of them, allocated by the caller), rulings and counts.
 * -EBADMSG with the reason, -ENOMEM.
 */
int psc_image_names_parse(struct psc_image *image, const char *data, size_t size, const char *path,
			  struct psc_error *reterr);
