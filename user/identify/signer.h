/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signer.h - the certificates that a signer's chain may end at. Made once, never changed after
 * that, used by any number of threads. Used by whoever calls psc_identify().
 *
 * A chain is good for code when its first certificate is meant for code signing, those between
 * are not meant for something else, and none but the last is signed with MD5 or older.
 * Revocation is not looked up: nothing here talks to the network.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/error.h"

#define PSC_TRUST_CERTS_MAX 4096 /* of the files given */
#define PSC_TRUST_FILE_MAX  (1U << 20)

struct psc_trust;

/*
 * The host's own store and @directory/<name>.pem (NULL: the site's trust.d; a missing one is
 * empty). With @at_once all of the host's store is read now, for a process that will not be
 * allowed to open files later; otherwise a certificate is looked up when a chain asks for it.
 * A file of @directory that cannot be read, or that others may write, is -EINVAL, -EPERM or
 * the error of reading, with the file in @reterr. -ENOMEM.
 */
int psc_trust_new_host(const char *directory, bool at_once, struct psc_trust **ret,
		       struct psc_error *reterr);

/* Only the certificates in these PEM files, a NULL-terminated array; errors as above. */
int psc_trust_new_files(const char *const *paths, struct psc_trust **ret, struct psc_error *reterr);
struct psc_trust *psc_trust_free(struct psc_trust *trust);
void psc_trust_freep(struct psc_trust **trust);
