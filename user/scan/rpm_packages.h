/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm_packages.h - what the daemon's resolver asks rpm databases: files of the packages that the
 * catalog knows, digests of everybody else's, who owns a file. librpm ends its process when memory
 * is short and keeps state of its own, and databases may be hostile: a process without rights
 * (user/worker) reads them and writes a stream, which the daemon parses as any input from outside.
 */
#pragma once

#include <stdio.h>

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/core/indicator.h"
#include "bpf/abi.h"

#define PSC_RPM_STREAM_MAX (64U << 20) /* bytes: 400,000 files' digests have a third of it */
#define PSC_RPM_ASKED_MAX  128	       /* paths whose owner is asked for */

struct psc_rpm_package {
	struct psc_facts facts;
	char **path; /* of its files, if the catalog knows the package */
	size_t paths;
	char **asked; /* those whose owner was asked for */
	size_t askeds;
};

struct psc_rpm_packages {
	struct psc_rpm_package *package;
	size_t count;
	uint8_t (*other)[PSC_DIGEST_SIZE]; /* sorted: what packages that no rule knows installed */
	size_t others;
	char *problem; /* what could not be read, in words; NULL: nothing */
};

void psc_rpm_packages_clear(struct psc_rpm_packages *packages);

/*
 * Reads a stream. -EPROTO for one that no psc_rpm_packages_write() made, -ENODATA for one that
 * ends too early, -E2BIG, -ENOMEM.
 */
int psc_rpm_packages_parse(const char *data, size_t size, struct psc_rpm_packages *ret);

/* The package that owns an asked @path, or NULL. */
const struct psc_rpm_package *psc_rpm_packages_owner(const struct psc_rpm_packages *packages,
						     const char *path);

/* Whether it is the digest of something that a package installed which no rule knows. */
bool psc_rpm_packages_has(const struct psc_rpm_packages *packages,
			  const uint8_t digest[PSC_DIGEST_SIZE]);

/* ---- rpmdb_files.c; without librpm these say -EOPNOTSUPP ------------------------------- */

#define PSC_RPM_SOURCES_MAX 6

/* Databases, open: whoever reads them need not be who may open them. */
struct psc_rpm_sources {
	struct {
		int fd, beside_fd; /* -1: there is none */
		unsigned int kind;
	} of[PSC_RPM_SOURCES_MAX];
	size_t count;
	char *problem; /* of one that could not be opened; NULL: none */
};

/* Those below @root ("" is the host's). -ENOMEM. */
int psc_rpm_sources_open(const char *root, struct psc_rpm_sources *ret);
void psc_rpm_sources_close(struct psc_rpm_sources *sources);

/*
 * Reads all of them, in copies below @temporary, and writes the stream, with the owners of the
 * @asked paths (NULL-terminated). What cannot be read is in the stream. -ENOMEM, -EIO.
 */
int psc_rpm_packages_write(const struct psc_rpm_sources *sources, const char *temporary,
			   const struct psc_indicators *indicators, const char *const *asked,
			   FILE *out);
