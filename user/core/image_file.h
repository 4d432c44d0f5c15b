/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_file.h - a compiled policy as a file (active.bin): what was put into force last, to
 * be there again after a reboot without lists and profiles being read, or when they cannot
 * be. Used by the daemon and the CLI.
 *
 * Layout, little-endian: struct head (magic, version, sizes, SHA-256 of the file with this
 * field zero), struct psc_table, the two filters, ruling numbers of each interval, digest
 * records, JSON with the names. Neither canary nor index are in it: they are made anew.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/durable.h"
#include "user/core/image.h"

/*
 * SHA-256 of the file that the image makes: the policy's digest. The same input gives the
 * same digest. The image must not be armed. -ENOMEM, -EIO.
 */
int psc_image_digest(const struct psc_image *image, uint8_t ret[PSC_DIGEST_SIZE]);

/*
 * Writes the image, with the @digest that psc_image_digest() gave for this very one, into @file
 * or to @path (0600, durable: there is the old file or the new one). The image must not be armed.
 */
int psc_image_write(const struct psc_image *image, const uint8_t digest[PSC_DIGEST_SIZE],
		    struct psc_durable *file);
int psc_image_save(const struct psc_image *image, const uint8_t digest[PSC_DIGEST_SIZE],
		   const char *path);

/*
 * Reads what psc_image_save() wrote. -EBADMSG with the offset and reason in @reterr for
 * anything else, or for a file of another version; errors of opening and reading. The image
 * is not armed; the caller frees it.
 */
int psc_image_parse(const void *data, size_t size, const char *path, struct psc_image **ret,
		    struct psc_error *reterr);
int psc_image_load(const char *path, struct psc_image **ret, uint8_t ret_digest[PSC_DIGEST_SIZE],
		   struct psc_error *reterr);
