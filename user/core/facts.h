/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts.h - what is known of one thing (a file, a package, a unit, a process): a bounded bag
 * of kinds and values. identify fills it, indicator.h compares it with the catalog. Values
 * come from hostile files: whoever prints one escapes it. Used by all of user/.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

#define PSC_FACTS_MAX	    16384      /* of one thing */
#define PSC_FACTS_BYTES_MAX (4U << 20) /* of their values */
#define PSC_FACT_VALUE_MAX  4096       /* bytes of one value */

/* Markers that are looked for, by identify/marker.h. */
#define PSC_MARKER_MIN	6 /* bytes: what is shorter is found in anything */
#define PSC_MARKER_MAX	256
#define PSC_MARKERS_MAX 4096

enum psc_fact_kind {
	/* where the thing is and what it is called */
	PSC_FACT_PATH =
		0,	 /* absolute, links resolved; inside a package or image: as stored there */
	PSC_FACT_NAME,	 /* the path's last part */
	PSC_FACT_FORMAT, /* of psc_format_to_string() */
	PSC_FACT_SHA256, /* of the content, hex; only where it was computed */
	PSC_FACT_SIZE,	 /* bytes, decimal */
	/* ELF */
	PSC_FACT_ELF_BUILD_ID, /* hex */
	PSC_FACT_ELF_SONAME,
	PSC_FACT_ELF_NEEDED,
	PSC_FACT_ELF_COMMENT, /* a string of .comment */
	PSC_FACT_ELF_NOTE,    /* "OWNER/TYPE" */
	PSC_FACT_MARKER,      /* one of the catalog's markers, found in the content */
	/* scripts and archives that unpack themselves */
	PSC_FACT_INTERPRETER,	 /* first word behind #! */
	PSC_FACT_ARCHIVE_LABEL,	 /* what a .run archive calls itself */
	PSC_FACT_ENTRY,		 /* name of a file inside an archive */
	PSC_FACT_ARCHIVE_OFFSET, /* bytes of the script in front of a .run archive, decimal */
	/* packages: of a file, or of an entry in a package database */
	PSC_FACT_PACKAGE_FORMAT, /* deb, rpm */
	PSC_FACT_PACKAGE_NAME,
	PSC_FACT_PACKAGE_VERSION,
	PSC_FACT_PACKAGE_ARCHITECTURE,
	PSC_FACT_PACKAGE_VENDOR,     /* rpm: Vendor */
	PSC_FACT_PACKAGE_MAINTAINER, /* deb: Maintainer; rpm: Packager */
	PSC_FACT_PACKAGE_URL,	     /* deb: Homepage; rpm: URL */
	PSC_FACT_PACKAGE_KEY,	     /* OpenPGP key id that the signature names, hex */
	/* signatures; the facts of one signer have one group */
	PSC_FACT_SIGNER_STATE,	 /* of psc_signer_to_string() */
	PSC_FACT_SIGNER_SUBJECT, /* "ATTRIBUTE=value", one fact an attribute: "CN=...", "O=..." */
	PSC_FACT_SIGNER_ISSUER,	 /* the same */
	PSC_FACT_SIGNER_ISSUER_SERIAL, /* "HEX SERIAL@RFC 2253 issuer" */
	PSC_FACT_SIGNER_SERIAL,	       /* hex, lower case */
	PSC_FACT_SIGNER_KEY,	       /* SHA-256 of the SubjectPublicKeyInfo, hex */
	PSC_FACT_SIGNER_KEY_ID,	       /* subject key identifier, hex */
	PSC_FACT_SIGNER_CERT_SHA256,   /* of the DER certificate, hex */
	PSC_FACT_SIGNER_CERT_SHA1,
	PSC_FACT_SIGNER_TIME, /* of a verified timestamp, RFC 3339 */
	/* not files */
	PSC_FACT_UNIT,	  /* systemd unit or init script */
	PSC_FACT_PROCESS, /* name of a process */
	PSC_FACT_USER,	  /* account */
	PSC_FACT_GROUP,
	PSC_FACT_CONTAINER_IMAGE,
	PSC_FACT_ENVIRONMENT, /* NAME=value of a process or unit */
	/* the vendor of a file that a package of somebody else's brought; see indicator.h */
	PSC_FACT_FOREIGN_OWNER,
	/* what could not be read, in words, with the offset */
	PSC_FACT_PROBLEM,
	PSC_FACT_MAX,
};

/* How a signature was found to be; the order says nothing. */
enum psc_signer {
	PSC_SIGNER_TRUSTED = 0,	    /* content and chain verify, up to a root of the host's store */
	PSC_SIGNER_UNTRUSTED = 1,   /* content verifies, the chain ends nowhere */
	PSC_SIGNER_SELF_SIGNED = 2, /* content verifies, the certificate vouches for itself */
	PSC_SIGNER_EXPIRED = 3,	    /* as trusted, but for the time: no valid timestamp */
	PSC_SIGNER_TAMPERED = 4,    /* the content or the signature is not what was signed */
	PSC_SIGNER_MALFORMED = 5,   /* cannot be parsed; a PSC_FACT_PROBLEM says where */
	PSC_SIGNER_UNCHECKED = 6,   /* no key to check it with, or nothing to check it against */
	PSC_SIGNER_MAX = 7,
};

struct psc_fact {
	enum psc_fact_kind kind;
	unsigned int group; /* 0: of the thing itself; else the number of a signer */
	char *value;	    /* no NUL inside; other bytes as found */
};

struct psc_facts {
	struct psc_fact *fact;
	size_t count;
	size_t room;
	size_t bytes;
	unsigned int groups; /* given out by psc_facts_group() */
	bool truncated;	     /* something did not fit: what is missing proves nothing */
};

void psc_facts_clear(struct psc_facts *facts);

/*
 * Adds one. The value is cut at PSC_FACT_VALUE_MAX bytes and at the first NUL. What is too
 * much is left out and `truncated` set; that is no error. -ENOMEM.
 */
int psc_facts_add(struct psc_facts *facts, enum psc_fact_kind kind, unsigned int group,
		  const char *value, size_t length);
int psc_facts_addf(struct psc_facts *facts, enum psc_fact_kind kind, unsigned int group,
		   const char *fmt, ...) _printf_(4, 5);

/* A number for the facts of one more signer. */
unsigned int psc_facts_group(struct psc_facts *facts);

/* The first fact of a kind in any group, or NULL. */
const char *psc_facts_get(const struct psc_facts *facts, enum psc_fact_kind kind);

/* Names as they stand in catalogs and output: "package_vendor", ...; see names.h. */
const char *psc_fact_to_string(unsigned int kind);
int psc_fact_from_string(const char *name, enum psc_fact_kind *ret);
const char *psc_signer_to_string(unsigned int state);
int psc_signer_from_string(const char *name, enum psc_signer *ret);
