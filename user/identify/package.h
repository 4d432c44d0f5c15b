/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package.h - what a package says of itself, without installing it: .deb (libarchive), .rpm
 * (librpm) and shell archives that unpack themselves (.run). Reads hostile input: bounded in
 * bytes, entries and memory; what cannot be read becomes a PSC_FACT_PROBLEM.
 *
 * Used by psc_identify(), by the scan and by `catalog learn`. Thread-safe: librpm keeps state of
 * its own, so rpm headers are read by one thread at a time.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/facts.h"
#include "bpf/abi.h"

/* Names of files inside a package that become facts; a PSC_FACT_PROBLEM says when there are more. */
#define PSC_PACKAGE_ENTRIES_MAX 8192

/*
 * Package and control fields, names of the files inside (PSC_FACT_ENTRY, as psc_archive_entry
 * has them), for rpm and signed deb the key ids that signatures name. @fd is a regular file; its
 * offset is not kept. What is no such file, or is damaged, leaves a PSC_FACT_PROBLEM and is no
 * error. -ENOMEM, or the errno of a read that failed.
 */
int psc_identify_deb(int fd, struct psc_facts *facts);

/* Where librpm was not there at build time: "rpm: not covered" as PSC_FACT_PROBLEM. */
int psc_identify_rpm(int fd, struct psc_facts *facts);

/*
 * A #! script with an archive behind it: label, names of the files in the archive. A script
 * that has none adds nothing.
 */
int psc_identify_run(int fd, struct psc_facts *facts);

/* Whether this program was built with librpm. */
bool psc_package_rpm_covered(void);

/* A regular file that a package installs. */
struct psc_package_file {
	const char *path; /* absolute, as it is installed; valid during the call */
	uint64_t size;	  /* bytes */
	uint32_t mode;	  /* st_mode */
	bool has_sha256;  /* false: the package has digests of another kind, or none */
	uint8_t sha256[PSC_DIGEST_SIZE];
};

/* An error ends the walk and comes back. */
typedef int (*psc_package_file_fn)(const struct psc_package_file *file, void *data);

/*
 * Calls @fn for every regular file of a .deb or .rpm. An rpm is not unpacked: digests are those
 * of its header (FILEDIGESTS). A deb's are computed while its data.tar streams by. -ENOEXEC:
 * neither deb nor rpm; -EBADMSG: damaged, files may have been given already; -E2BIG: beyond the
 * limits of archive.h; -ENOTSUP: an rpm and no librpm; -ENOMEM; errors of reading and of @fn.
 */
int psc_package_files(int fd, psc_package_file_fn fn, void *data);
