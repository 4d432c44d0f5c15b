/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pe.h - facts of a Windows program or an EFI one, which a Linux kernel image is, too: who
 * signed it, and markers. Used by identify.c.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/identify/marker.h"
#include "user/identify/signer.h"

/*
 * @size is the file's; @markers and @trust may be NULL. A DOS program has no further facts. A
 * signature holds only if the image as it lies here has the digest that was signed: every
 * byte but the checksum, the entry that points to the certificate table, and that table.
 * Markers are looked for in .rdata, .rodata and .data; when there are none of these, in all
 * sections. -ENOMEM, or the error of reading.
 */
int psc_pe_identify(int fd, uint64_t size, const struct psc_markers *markers,
		    const struct psc_trust *trust, struct psc_facts *facts);
