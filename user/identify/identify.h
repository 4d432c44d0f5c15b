/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify.h - an open file to the facts about it. Reads hostile input: every reader below is
 * bounded in bytes, memory and depth, and what it cannot read becomes a PSC_FACT_PROBLEM, not
 * an error. A problem in group 0 is about a part of the file that was not read; one in the
 * group of a signer says why that signature does not hold. No global state, no logging; a
 * reader may be used by several threads with files of their own, but for the rpm reader
 * (librpm keeps state of its own).
 *
 * Used by proscribe-identify for the daemon, and by the CLI.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/core/format.h"

/* What to look for; made once, see marker.h. */
struct psc_markers;

/* Certificates that chains may end at; made once, see signer.h. */
struct psc_trust;

struct psc_identify_options {
	const struct psc_markers *markers; /* to look for in ELF and PE; NULL: none */
	const struct psc_trust *trust;	   /* NULL: no chain is trusted */
	bool want_digest;		   /* add PSC_FACT_SHA256 of the content */
	bool unpack_modules; /* look whether a compressed file is a module; not in the worker */
};

/*
 * Adds format, size and what the readers of that format find. @fd is a regular file open for
 * reading; its offset is not kept. -EINVAL: it is no regular file; -ENOMEM, or the errno of a
 * read that failed.
 */
int psc_identify(int fd, const struct psc_identify_options *options, struct psc_facts *facts);

/* The same for who knows already that it is a regular file, of that size and format. */
int psc_identify_known(int fd, uint64_t size, enum psc_format format,
		       const struct psc_identify_options *options, struct psc_facts *facts);
