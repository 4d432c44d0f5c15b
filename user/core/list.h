/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - digests of prohibited content, read from CSV files or sha256sum lines,
 * in memory. Sized for millions of entries. Used by the daemon and the CLI;
 * list_edit.h changes the files.
 *
 * A list file: first line exactly PSC_LIST_HEADER; RFC 4180 quoting; LF or CRLF;
 * UTF-8; lines that begin with # and blank lines are skipped. An empty size is
 * "not known", an empty format is "any". What cannot be understood is an error
 * with its position, never skipped.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/error.h"
#include "user/core/format.h"
#include "bpf/abi.h"

#define PSC_LIST_HEADER	  "algo,digest,size,format,name,product,version,source"
#define PSC_LIST_LINE_MAX 8192 /* bytes of a line without its end */
#define PSC_LIST_SUFFIX	  ".csv"

/* Only sha256 can be enforced: it is what the kernel computes. */
enum psc_algo {
	PSC_ALGO_MD5 = 0,
	PSC_ALGO_SHA1 = 1,
	PSC_ALGO_SHA224 = 2,
	PSC_ALGO_SHA256 = 3,
	PSC_ALGO_SHA384 = 4,
	PSC_ALGO_SHA512 = 5,
	PSC_ALGO_BLAKE2B_512 = 6,
	PSC_ALGO_MAX = 7,
};

#define PSC_ALGO_DIGEST_MAX 64 /* bytes of the longest digest */

/* "md5", ... "blake2b-512"; NULL when out of range. */
const char *psc_algo_to_string(unsigned int algo);
/* -EINVAL when @name is no known algorithm. */
int psc_algo_from_string(const char *name, enum psc_algo *ret);
/* Digest length in bytes; 0 when out of range. */
size_t psc_algo_size(unsigned int algo);

/* Why an entry cannot be enforced by the kernel. */
enum psc_list_enforce {
	PSC_LIST_ENFORCEABLE = 0,
	PSC_LIST_NOT_SHA256 = 1,     /* another algorithm than the kernel's */
	PSC_LIST_SIZE_TOO_LARGE = 2, /* larger than what the kernel digests (UINT32_MAX bytes) */
};

/*
 * One entry. When it comes out of a list all pointers belong to the list and stay
 * valid until it is freed or next written to. Strings are never NULL on the way
 * out; NULL on the way in (psc_list_append()) is "".
 */
struct psc_list_entry {
	enum psc_algo algo;
	const uint8_t *digest;
	size_t digest_size; /* bytes */
	bool has_size;
	uint64_t size; /* bytes; 0 without has_size */
	enum psc_format format;
	const char *name;
	const char *product;
	const char *version;
	const char *source;
	unsigned int file; /* for psc_list_file() */
	unsigned int line;
};

/* What one file (or parse, or run of appends) contributed. */
struct psc_list_file {
	const char *path;
	size_t entries;
	size_t enforceable;
};

struct psc_list_counts {
	size_t entries;
	size_t enforceable;	      /* sha256, size unknown or <= UINT32_MAX */
	size_t by_algo[PSC_ALGO_MAX]; /* others than sha256 are not enforceable */
	size_t too_large;	      /* sha256 of a size > UINT32_MAX: not enforceable */
	size_t without_size;	      /* enforceable ones without a size */
	size_t duplicates;	      /* same algo and digest again; 0 before psc_list_index() */
};

struct psc_list;

/* An empty list; -ENOMEM. */
int psc_list_new(struct psc_list **ret);
struct psc_list *psc_list_free(struct psc_list *list); /* NULL is fine; returns NULL */
void psc_list_freep(struct psc_list **list);

/*
 * Appends the entries of one CSV text. All or nothing: on an error (-EINVAL with
 * the position in @reterr, -ENOMEM, -E2BIG above PSC_LIST_ENTRIES_MAX) the list is
 * as before. @path names the text in errors and in psc_list_file().
 */
int psc_list_parse(struct psc_list *list, const char *path, const char *data, size_t size,
		   struct psc_error *reterr);

/*
 * The same for lines of sha256sum: "HEX  name", "HEX *name", with GNU's leading
 * backslash for escaped names, or BSD's "SHA256 (name) = HEX". Size unknown, format any.
 * Bytes of a name that a list cannot hold become \xNN.
 */
int psc_list_parse_sha256sum(struct psc_list *list, const char *path, const char *data, size_t size,
			     struct psc_error *reterr);

/*
 * The same from a file, read in pieces. Never follows a symbolic link as the last
 * component (-ELOOP), regular files only (-EINVAL).
 */
int psc_list_load_file(struct psc_list *list, const char *path, struct psc_error *reterr);

/*
 * Loads every *.csv of a directory in strcmp() order; names that begin with a dot
 * and other files are ignored. All or nothing. A missing directory is -ENOENT.
 */
int psc_list_load_dir(struct psc_list *list, const char *dir, struct psc_error *reterr);

/*
 * Appends one entry; strings and digest are copied. -EINVAL with @reterr when it
 * could not stand in a list file (digest length, size 0, control characters,
 * invalid UTF-8).
 */
int psc_list_append(struct psc_list *list, const struct psc_list_entry *entry,
		    struct psc_error *reterr);

/* More than the kernel takes, so that lists of other algorithms fit beside. */
#define PSC_LIST_ENTRIES_MAX 16000000

/* Entries, duplicates and those that cannot be enforced included. */
size_t psc_list_count(const struct psc_list *list);

/* Entry @i in the order of reading; -ERANGE. */
int psc_list_get(const struct psc_list *list, size_t i, struct psc_list_entry *ret);

/* Whether the kernel can look for the entry, else why not. */
enum psc_list_enforce psc_list_entry_enforce(const struct psc_list_entry *entry);

/*
 * Sorts for finding and counts duplicates; again after every change. -ENOMEM.
 */
int psc_list_index(struct psc_list *list);

/*
 * First entry (in the order of reading) with the digest: -ENOENT when not listed,
 * -ESTALE when the list was changed since psc_list_index().
 */
int psc_list_find(const struct psc_list *list, const uint8_t sha256[PSC_DIGEST_SIZE],
		  struct psc_list_entry *ret);
int psc_list_find_algo(const struct psc_list *list, enum psc_algo algo, const uint8_t *digest,
		       struct psc_list_entry *ret);

/* Whether an earlier entry has entry @i's algorithm and digest; false before psc_list_index(). */
bool psc_list_is_duplicate(const struct psc_list *list, size_t i);

/*
 * Entry numbers ordered by algorithm, then digest, then order of reading. The
 * caller frees @ret. Copies the index when there is one. -ENOMEM.
 */
int psc_list_sorted(const struct psc_list *list, uint32_t **ret);

size_t psc_list_file_count(const struct psc_list *list);
/* -ERANGE. The path belongs to the list. */
int psc_list_file(const struct psc_list *list, size_t i, struct psc_list_file *ret);

void psc_list_get_counts(const struct psc_list *list, struct psc_list_counts *ret);
