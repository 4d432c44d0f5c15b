/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.h - what people sign: attestations, exemptions, legacy decisions, windows, overrides
 * of the interlock. One YAML file each in objects.d, named ID.yaml; docs/objects.md describes
 * them. Used by the daemon and the CLI.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/error.h"
#include "user/core/policy.h"

#define PSC_OBJECT_SIZE_MAX   (1U << 16) /* bytes of a file */
#define PSC_OBJECT_ID_MAX     64   /* bytes of an id, also of a profile's, of half a product's */
#define PSC_OBJECT_TEXT_MAX   1024 /* bytes of a reason, a signer, a document */
#define PSC_OBJECT_NAMES_MAX  256  /* products, profiles, digests */
#define PSC_OBJECT_WINDOW_MAX (24ULL * 3600 * 1000000000) /* ns from its beginning to its end */
#define PSC_OBJECT_SUFFIX     ".yaml"
#define PSC_OBJECTS_MAX	      1024

enum psc_object_kind {
	PSC_OBJECT_ATTESTATION = 0, /* a fact about the organisation or host */
	PSC_OBJECT_EXEMPTION = 1,   /* a product or digest is let go, until */
	PSC_OBJECT_DECISION = 2,    /* a product is legacy here, until */
	PSC_OBJECT_WINDOW = 3,	    /* removal: uninstallers and installers run */
	PSC_OBJECT_OVERRIDE = 4,    /* the interlock's objections of these digests are overruled */
	PSC_OBJECT_KIND_MAX = 5,
};

/* "attestation", ...: as with names.h. NULL out of range, -EINVAL for an unknown name. */
const char *psc_object_kind_to_string(unsigned int kind);
int psc_object_kind_from_string(const char *name, enum psc_object_kind *ret);

struct psc_object {
	enum psc_object_kind kind;
	char *id;	 /* psc_object_is_id(), also the file's name */
	char *reason;	 /* "" none: of an attestation only */
	char *by;	 /* who signs: name, role or account */
	char *document;	 /* where the signed paper is, "" none */
	uint64_t from;	 /* ns; when it begins; PSC_TIME_ALWAYS unless said */
	uint64_t until;	 /* ns; PSC_TIME_NEVER for attestations and overrides without one */
	char *subject;	 /* attestation: the fact, [a-z_]+ */
	bool value;	 /* attestation: yes or no */
	char **profiles; /* exemption, decision: these only, NULL-terminated; NULL: all */
	char **products; /* "VENDOR/PRODUCT", NULL-terminated; window: NULL for all */
	char **digests;	 /* override: what the interlock named, hexadecimal, NULL-terminated */
	char *path;
	unsigned int until_line;	 /* for messages about expiry */
	uint8_t digest[PSC_DIGEST_SIZE]; /* SHA-256 of the file */
};

/* Whether it can be an id: a letter or digit, then 63 of letters, digits, '.', '_', '-'. */
bool psc_object_is_id(const char *text);

/*
 * Reads an object. -EINVAL with file:line:column and what was expected, -E2BIG, -ENOMEM. One
 * that is over is none the worse for it. The caller frees @ret with psc_object_free().
 */
int psc_object_parse(const char *data, size_t size, const char *path, struct psc_object **ret,
		     struct psc_error *reterr);

/* The same from a file named ID.yaml, on the terms of psc_load_trusted(). */
int psc_object_load(const char *path, struct psc_object **ret, struct psc_error *reterr);
struct psc_object *psc_object_free(struct psc_object *object); /* NULL is fine */
void psc_object_freep(struct psc_object **object);

/*
 * The file's text, as psc_object_parse() reads it, unless the object is one that it would
 * refuse; the caller frees it. -ENOMEM.
 */
int psc_object_format(const struct psc_object *object, char **ret);

/*
 * Writes DIRECTORY/ID.yaml (0640, synced, and its directory). -EEXIST when there is one;
 * -EINVAL as psc_object_parse() says of the text; else what the file system said. Strings
 * and lists that are NULL are none.
 */
int psc_object_save(const struct psc_object *object, const char *directory,
		    struct psc_error *reterr);

/*
 * Takes DIRECTORY/ID.yaml away, durably, but keeps its bytes under a name that nobody loads,
 * until psc_object_restore() puts it back or psc_object_discard() removes them. -ENOENT when
 * it is not there, -EEXIST when restoring finds another of that id.
 */
int psc_object_withdraw(const char *directory, const char *id, struct psc_error *reterr);
int psc_object_restore(const char *directory, const char *id, struct psc_error *reterr);
int psc_object_discard(const char *directory, const char *id, struct psc_error *reterr);

/* All of a directory, in strcmp() order of their names. */
struct psc_objects {
	struct psc_object **item;
	size_t count;
};

/*
 * Loads every *.yaml that begins with no dot. All or nothing; a missing directory is none.
 * Those that are over at @now go to @ret_expired (may be NULL: they are dropped) instead of
 * @ret. More than PSC_OBJECTS_MAX files: -E2BIG. Both are freed with psc_objects_clear().
 */
int psc_objects_load(const char *directory, uint64_t now, struct psc_objects *ret,
		     struct psc_objects *ret_expired, struct psc_error *reterr);
void psc_objects_clear(struct psc_objects *objects);
