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
#include "user/identify/marker.h"
#include "user/identify/signer.h"

/*
 * @size is the file's; @trust may be NULL. A file without the trailer has no such facts.
 * -ENOMEM, or the error of reading.
 */
int psc_module_identify(int fd, uint64_t size, const struct psc_trust *trust,
			struct psc_facts *facts);

/*
 * If what is compressed in the file is a kernel module, the facts of that: ELF and signature. It
 * is unpacked into a memory file. Other files have no such facts; damage is a problem. @markers
 * may be NULL. Errors as above.
 */
int psc_module_identify_compressed(int fd, const struct psc_markers *markers,
				   const struct psc_trust *trust, struct psc_facts *facts);
