/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - what an authority or a site orders, as data: the words that profiles
 * (profile.h), objects (object.h), the catalog (catalog.h) and rulings (ruling.h) share.
 * Used by all of user/.
 */
#pragma once

#include "user/core/util.h"
#include "bpf/abi.h"

/* What a file is in its product. */
enum psc_role {
	PSC_ROLE_PROGRAM = 0,
	PSC_ROLE_UPDATER = 1,
	PSC_ROLE_KSN_CLIENT = 2, /* talks to the vendor's reputation service */
	PSC_ROLE_INSTALLER = 3,	 /* package, setup program */
	PSC_ROLE_LIBRARY = 4,
	PSC_ROLE_DATABASE = 5, /* signatures, keys, other content that programs read */
	PSC_ROLE_UNINSTALLER = 6,
	PSC_ROLE_MAX = 7,
};

/* How the order regards a product on this host. */
enum psc_status {
	PSC_STATUS_COVERED_NEW = 0,    /* installed after the cut-off, or nobody knows when */
	PSC_STATUS_COVERED_LEGACY = 1, /* evidence of an installation before the cut-off */
	PSC_STATUS_EMBEDDED = 2,       /* the vendor's engine in another vendor's product */
	PSC_STATUS_EXEMPT = 3,	       /* the order names the product as not meant */
	PSC_STATUS_MAX = 4,
};

/* On whose authority something is refused. */
enum psc_basis {
	PSC_BASIS_ORDER = 0,	/* the order prohibits this very act */
	PSC_BASIS_CONTRACT = 1, /* a contract clause does */
	PSC_BASIS_SITE = 2,	/* the organisation's decision, taken with reference to the order */
	PSC_BASIS_MAX = 3,
};

/* How well a statement about an order is supported. */
enum psc_label {
	PSC_LABEL_VERIFIED = 0,	  /* [V] in the primary text, or a published copy of it */
	PSC_LABEL_SECONDARY = 1,  /* [S] as reported by somebody */
	PSC_LABEL_UNVERIFIED = 2, /* [U] never shown as a fact */
	PSC_LABEL_ANALYSIS = 3,	  /* [A] a conclusion of ours */
	PSC_LABEL_MAX = 4,
};

/* As with names.h: NULL out of range, -EINVAL for an unknown name. Labels are V, S, U, A. */
const char *psc_role_to_string(unsigned int role);
const char *psc_status_to_string(unsigned int status);
const char *psc_basis_to_string(unsigned int basis);
const char *psc_label_to_string(unsigned int label);
int psc_role_from_string(const char *name, enum psc_role *ret);
int psc_status_from_string(const char *name, enum psc_status *ret);
int psc_basis_from_string(const char *name, enum psc_basis *ret);
int psc_label_from_string(const char *name, enum psc_label *ret);

#define PSC_PROFILES_MAX 16 /* that are active at one time */

#define PSC_TIME_ALWAYS 0ULL	   /* as the beginning of a span */
#define PSC_TIME_NEVER	UINT64_MAX /* as its end */

/* The place of a statement: text and how well it is known. */
struct psc_cite {
	char *source; /* "89 FR 52434", a URL, a document */
	enum psc_label label;
};
