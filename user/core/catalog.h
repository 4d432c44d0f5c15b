/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.h - which products a vendor has and what orders call them. A vendor is a folder
 * with products.yaml, in /usr/share/proscribe/catalog or catalog.d. Used by the daemon and the
 * CLI.
 *
 * A list names a product of the catalog as "VENDOR/PRODUCT" or "VENDOR/PRODUCT/ROLE"; any
 * other text is a product of the site's own.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/error.h"
#include "user/core/policy.h"
#include "bpf/abi.h"

/* Class of the products that are a vendor's engine inside a product of somebody else. */
#define PSC_CLASS_EMBEDDED "embedded-engine"

struct psc_product {
	char *id;     /* "VENDOR/PRODUCT" */
	char *name;   /* "Kaspersky Endpoint Security for Linux" */
	char *entity; /* who answers for it: "kaspersky" */
	char *class;  /* of psc_exempt_class, "endpoint", ...; "" none */
	struct psc_cite cite;
	unsigned int line;
};

struct psc_catalog {
	struct psc_product *products; /* by id */
	size_t count;
};

/* Adds the products of one text; -EINVAL with the place, -EEXIST for a product known already. */
int psc_catalog_parse(struct psc_catalog *catalog, const char *data, size_t size, const char *path,
		      struct psc_error *reterr);

/*
 * Calls @fn for every name in the catalog @directory that may be a vendor, in strcmp() order,
 * until it returns an error, which comes back. A missing directory has none.
 */
int psc_catalog_each_vendor(const char *directory,
			    int (*fn)(const char *directory, const char *name, void *data,
				      struct psc_error *reterr),
			    void *data, struct psc_error *reterr);

/* Adds DIRECTORY/<vendor>/products.yaml of every vendor. A missing directory is none. */
int psc_catalog_load(struct psc_catalog *catalog, const char *directory, struct psc_error *reterr);
void psc_catalog_clear(struct psc_catalog *catalog);

/*
 * What names the content of catalogs, for statements that rest on it: SHA-256 of what
 * `sha256sum` would print of every file of every vendor, "VENDOR/FILE", in strcmp() order, one
 * of @directories after the other. A missing directory has none. -EINVAL for a file name with a
 * backslash or control character, -E2BIG, errors of reading.
 */
int psc_catalog_digest(const char *const *directories, size_t count, uint8_t ret[PSC_DIGEST_SIZE],
		       struct psc_error *reterr);

/*
 * The product that a list's text names, and its role there (program, unless said). NULL when
 * the catalog has none of that name.
 */
const struct psc_product *psc_catalog_find(const struct psc_catalog *catalog, const char *text,
					   enum psc_role *ret_role);
