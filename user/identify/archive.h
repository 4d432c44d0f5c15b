/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive.h - walks over what files contain: tar and cpio (plain, gzip, bzip2, xz, lzma, zstd),
 * zip, ar, .deb (control.tar and data.tar), .rpm (payload), shell archives that unpack
 * themselves (.run), single compressed files; archives inside archives. By libarchive.
 *
 * Hostile input: everything is bounded, nothing is written to a file system, names are never
 * used as paths. What is not looked at is reported with a reason, nothing silently.
 * Used by the scan (CLI, daemon) and by package.h. Thread-safe.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "bpf/abi.h"

#define PSC_ARCHIVE_DEPTH_MAX 3

struct psc_archive_limits {
	uint64_t bytes_max;	  /* unpacked, of everything inside */
	uint64_t entry_bytes_max; /* of one entry: it is kept in memory */
	uint64_t entries_max;	  /* of everything inside */
	uint64_t ratio_max;	  /* unpacked per packed byte, beyond the first 64 MiB */
	unsigned int depth_max;	  /* archives inside archives, PSC_ARCHIVE_DEPTH_MAX at most */
	bool want_digest;	  /* fill sha256 of every entry that is handed out */
};

/* What scans begin with. */
#define PSC_ARCHIVE_LIMITS_DEFAULT                                                                 \
	{                                                                                          \
		.bytes_max = 64ULL << 30, .entry_bytes_max = 512ULL << 20,                         \
		.entries_max = 4ULL << 20, .ratio_max = 1000, .depth_max = PSC_ARCHIVE_DEPTH_MAX   \
	}

/* Why something was not looked at. */
enum psc_archive_skip {
	PSC_ARCHIVE_SKIP_NONE = 0,
	PSC_ARCHIVE_SKIP_TOO_LARGE = 1,	  /* an entry above entry_bytes_max */
	PSC_ARCHIVE_SKIP_ENCRYPTED = 2,	  /* content under a password */
	PSC_ARCHIVE_SKIP_DAMAGED = 3,	  /* the rest of the archive is not reached */
	PSC_ARCHIVE_SKIP_DEPTH = 4,	  /* an archive nested too deeply: its content */
	PSC_ARCHIVE_SKIP_BYTES = 5,	  /* bytes_max: the rest of everything */
	PSC_ARCHIVE_SKIP_ENTRIES = 6,	  /* entries_max: the rest of everything */
	PSC_ARCHIVE_SKIP_RATIO = 7,	  /* ratio_max: the rest of everything */
	PSC_ARCHIVE_SKIP_UNSUPPORTED = 8, /* a compression or format that is not read */
	PSC_ARCHIVE_SKIP_MISSING = 9,	  /* a layer that its image names and does not hold */
	PSC_ARCHIVE_SKIP_MAX = 10,
};

/* One thing inside. Everything is valid during the call only. */
struct psc_archive_entry {
	/*
	 * As stored, without leading "/" and "./"; where the container stands for a root (deb,
	 * rpm, layer) it is the place below that. "" when `skip` speaks of a whole archive.
	 */
	const char *path;
	const char *container; /* the nested archive that holds it, "a.tar!/b.zip"; NULL: none */
	const char *link;      /* where a symbolic or hard link leads, as stored; else NULL */
	unsigned int depth;    /* 0: directly inside the file */
	uint64_t size;	       /* bytes */
	uint32_t mode;	       /* st_mode, with its type */
	int64_t mtime;	       /* seconds since 1970, 0: not said */
	/*
	 * Content of a regular file: a memory file, its offset at 0; the walk closes it. -1 for
	 * what has no content and for what was skipped.
	 */
	int fd;
	bool archive; /* what is inside follows, one level deeper */
	bool has_sha256;
	uint8_t sha256[PSC_DIGEST_SIZE];
	enum psc_archive_skip skip;
	const char *reason; /* of the skip, in words; not NULL when skipped */
};

/* An error ends the walk and comes back. */
typedef int (*psc_archive_fn)(const struct psc_archive_entry *entry, void *data);

/*
 * Calls @fn for everything inside @fd, a regular file whose offset is not kept; NULL @limits are
 * the defaults. -ENOEXEC: no archive that is read here, @fn was not called. Damage and limits are
 * reported to @fn and no error. -ENOMEM, errors of reading and of @fn.
 */
int psc_archive_walk(int fd, const struct psc_archive_limits *limits, psc_archive_fn fn,
		     void *data);

/*
 * Whether the first @size bytes of a file look like something that psc_archive_walk() opens,
 * from the head alone: 512 bytes say all. A zip behind a program, and shell archives, are
 * recognised by the walk only.
 */
bool psc_archive_detect(const uint8_t *head, size_t size);

/* "too_large", ...; NULL out of range, "none" for PSC_ARCHIVE_SKIP_NONE. */
const char *psc_archive_skip_to_string(unsigned int skip);
