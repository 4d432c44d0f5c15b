/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module.h - who signed a kernel module: the PKCS #7 signature behind the ELF file, which the
 * kernel checks when it loads it. Used by identify.c.
 *
 * Distributions sign without enclosing a certificate; then issuer and serial (or the key id)
 * are what the signature claims, and the state is `unchecked` unless the site's trust.d has
 * the certificate.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/identify/signer.h"

/*
 * @size is the file's; @trust may be NULL. A file without the trailer has no such facts.
 * -ENOMEM, or the error of reading.
 */
int psc_module_identify(int fd, uint64_t size, const struct psc_trust *trust,
			struct psc_facts *facts);
