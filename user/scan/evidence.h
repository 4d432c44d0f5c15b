/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.h - since when a product is on this host: whatever logs, package records, directories
 * and signed statements tell, each with its source and what it is worth. Used by `explain` and
 * the daemon's resolver: an installation before an order's cut-off is another matter than one
 * behind it.
 *
 * None of it is proof. Logs and times of files can be forged by root; what is missing proves
 * nothing, as logs are rotated away.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/object.h"

enum psc_evidence_kind {
	PSC_EVIDENCE_DPKG_LOG = 0,
	PSC_EVIDENCE_APT_HISTORY = 1,
	PSC_EVIDENCE_DNF_LOG = 2,
	PSC_EVIDENCE_YUM_LOG = 3,    /* has no years: the file's own tells the last one */
	PSC_EVIDENCE_DPKG_INFO = 4,  /* when the package's list was written: also by an upgrade */
	PSC_EVIDENCE_RPM_RECORD = 5, /* when the package was installed: also by an upgrade */
	PSC_EVIDENCE_BIRTH = 6,	     /* of a directory: also by a copy or a restored backup */
	PSC_EVIDENCE_STATEMENT = 7,  /* signed by somebody: attestation or decision */
	PSC_EVIDENCE_MAX = 8,
};

enum psc_evidence_weight {
	PSC_EVIDENCE_WEAK = 0,	 /* tells a time that other things change, too */
	PSC_EVIDENCE_MEDIUM = 1, /* tells the last installation, maybe not the first */
	PSC_EVIDENCE_STRONG = 2, /* tells the act itself */
	PSC_EVIDENCE_WEIGHT_MAX = 3,
};

const char *psc_evidence_to_string(unsigned int kind);
const char *psc_evidence_weight_to_string(unsigned int weight);

/* Strings may hold any bytes. */
struct psc_evidence_item {
	enum psc_evidence_kind kind;
	enum psc_evidence_weight weight;
	uint64_t time; /* ns */
	char *source;  /* "/var/log/dpkg.log.2.gz:812", a path, "decision ID" */
	char *text;    /* the line, or what it says in words */
};

struct psc_evidence {
	struct psc_evidence_item *item; /* earliest first */
	size_t count;
	char **unread; /* sources that could not be read, with why; NULL-terminated, or NULL */
	size_t unread_count;
};

struct psc_evidence_query {
	const char *root;		/* of the system, "" is the host's */
	const char *product;		/* "VENDOR/PRODUCT", for statements; NULL: none */
	const char *const *packages;	/* names, NULL-terminated; NULL: none */
	const char *const *directories; /* absolute below the root, NULL-terminated; NULL: none */
	const struct psc_objects *objects; /* NULL: none */
};

/*
 * All that is found. Times without a zone are taken for the host's own. A source that is missing
 * is none, one that cannot be read is named. -ENOMEM. Free with psc_evidence_clear().
 */
int psc_evidence_collect(const struct psc_evidence_query *query, struct psc_evidence *ret);
void psc_evidence_clear(struct psc_evidence *evidence);

/*
 * One log of a kind up to PSC_EVIDENCE_YUM_LOG, plain or gzip. @name stands in the items. -ENOMEM,
 * errors of reading; what came before them was added.
 */
int psc_evidence_read_log(int fd, enum psc_evidence_kind kind, const char *name,
			  const struct psc_evidence_query *query, struct psc_evidence *evidence);
