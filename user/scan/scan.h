/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.h - looks for products of the catalog in directory trees, whole hosts, packages and
 * container images, and says what was looked at and what could not be: the statement that
 * nothing was found is worth as much as that. Used by the CLI and by the daemon's resolver.
 *
 * Read-only; never logs. One struct psc_scan is for one thread; psc_scan_run() starts its own.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/facts.h"
#include "user/core/format.h"
#include "user/core/indicator.h"
#include "user/core/list.h"

/* What a finding is about. */
enum psc_thing {
	PSC_THING_FILE = 0,
	PSC_THING_DIRECTORY = 1,
	PSC_THING_LINK = 2,
	PSC_THING_SPECIAL = 3, /* socket, pipe, device: its name only */
	PSC_THING_PACKAGE = 4, /* an entry of a package database */
	PSC_THING_UNIT = 5,    /* systemd unit or init script */
	PSC_THING_PROCESS = 6, /* a process: its program, environment, or what it has mapped */
	PSC_THING_USER = 7,
	PSC_THING_GROUP = 8,
	PSC_THING_IMAGE = 9, /* a container image, by its name */
	PSC_THING_MAX = 10,
};

/* "file", "directory", ...; NULL out of range. */
const char *psc_thing_to_string(unsigned int thing);

/* All strings may hold any bytes: whoever prints them escapes them. */
struct psc_finding {
	enum psc_thing thing;
	char *where;  /* path of the file on this host; of a process: of its program */
	char *inside; /* of what lies within that file: "layer 2: opt/x"; else NULL */
	char *detail; /* name of the package, unit, account; a remark; or NULL */
	char *owner;  /* package whose database lists the file; or NULL */
	pid_t pid;    /* 0: not a process */
	uint64_t size;
	enum psc_format format;
	const struct psc_indicator **rule; /* all that hold, best first; of the indicators */
	size_t rules;
	struct psc_list_entry *hit; /* digests that are listed; strings belong to the list */
	size_t hits;
	const char *product; /* of the catalog, or a list's own text; never NULL */
	enum psc_role role;
	enum psc_confidence confidence;
	struct psc_facts facts; /* of the kinds that the rules speak of */
};

/* What was looked at. */
struct psc_scan_counts {
	uint64_t names;	      /* everything that has a name, directories too */
	uint64_t directories; /* read */
	uint64_t files;	      /* regular files seen, once each */
	uint64_t bytes;	      /* their sizes */
	uint64_t examined;    /* files whose content was looked into */
	uint64_t digested;    /* files whose digest was computed */
	uint64_t digested_bytes;
	uint64_t again;	   /* names of files that had been examined under another */
	uint64_t vanished; /* gone between their directory's reading and their opening */
	uint64_t archives; /* archives and images opened */
	uint64_t unopened; /* archives seen and not opened */
	uint64_t entries;  /* files inside archives, images, packages */
	uint64_t databases;
	uint64_t packages; /* in databases */
	uint64_t units;
	uint64_t accounts;
	uint64_t processes;
	uint64_t mapped; /* files that processes have mapped for execution */
};

#define PSC_GAP_EXAMPLES 5

/* What was not looked at, by reason. */
struct psc_gap {
	bool excluded; /* outside of what was asked for; else it should have been read */
	char *reason;
	uint64_t count;
	char *example[PSC_GAP_EXAMPLES]; /* NULL: fewer */
};

enum psc_scan_target {
	PSC_SCAN_TREE = 0, /* a file or directory */
	PSC_SCAN_ROOT = 1, /* a directory that is the root of a system */
	PSC_SCAN_HOST = 2, /* "/" and the processes */
	PSC_SCAN_IMAGE = 3,
	PSC_SCAN_PACKAGE = 4,
};

struct psc_scan_scope {
	enum psc_scan_target target;
	char *path;
};

/* Everything belongs to the scan. */
struct psc_scan_result {
	struct psc_finding *finding; /* sorted by product, then where */
	size_t findings;
	struct psc_gap *gap; /* those that count first */
	size_t gaps;
	struct psc_scan_scope *scope;
	size_t scopes;
	struct psc_scan_counts counts;
	bool complete;	       /* no gap that should have been read */
	uint64_t began, ended; /* ns */
};

struct psc_trust;

struct psc_scan_options {
	const struct psc_catalog *catalog;
	const struct psc_indicators *indicators;
	const struct psc_list *list;   /* indexed; NULL: none */
	const struct psc_trust *trust; /* for signers, see signer.h; NULL: no chain is trusted */
	unsigned int threads;	       /* 0: as many as cores that may be used */
	bool network;		       /* enter network file systems and FUSE */
	bool archives;		       /* open archives that lie in directories */
	/* Called by the thread in psc_scan_run() a few times a second; may be NULL. */
	void (*progress)(const struct psc_scan_counts *counts, void *data);
	void *progress_data;
};

struct psc_scan;

/* What @options points to must outlive the scan. -ENOMEM, -EIO when libcrypto fails, -EINVAL: a marker that cannot be one. */
int psc_scan_new(const struct psc_scan_options *options, struct psc_scan **ret);
struct psc_scan *psc_scan_free(struct psc_scan *scan);
void psc_scan_freep(struct psc_scan **scan);

/*
 * Adds something to look at. PSC_SCAN_HOST ignores @path. The errno of finding the path;
 * -ENOTDIR for a root that is no directory.
 */
int psc_scan_add(struct psc_scan *scan, enum psc_scan_target target, const char *path);

/*
 * Looks at all of it, once a scan. What cannot be read is in the result and no error. -ENOMEM,
 * -EAGAIN when not one thread can be started.
 */
int psc_scan_run(struct psc_scan *scan);

const struct psc_scan_result *psc_scan_result(const struct psc_scan *scan);
