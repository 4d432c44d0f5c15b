/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - what the files of user/scan share. Only for user/scan.
 */
#pragma once

#include <pthread.h>
#include <sys/stat.h>

#include "user/identify/identify.h"
#include "user/identify/marker.h"
#include "user/scan/digests.h"
#include "user/scan/mounts.h"
#include "user/scan/scan.h"

#define PSC_SCAN_DEPTH_MAX   4096 /* directories inside directories */
#define PSC_SCAN_THREADS_MAX 64

struct psc_node;
struct psc_seen;

/* A directory to read, or names in one to look at. */
struct psc_task {
	struct psc_node *node;
	char *names; /* "TYPE NAME NUL" each; NULL: read the directory */
	size_t size;
};

/* A growing string. */
struct psc_path {
	char *text;
	size_t length;
	size_t room;
};

/* Which readers a file is for besides identify, by its place below a root. */
enum psc_place {
	PSC_PLACE_NONE = 0,
	PSC_PLACE_ETC,
	PSC_PLACE_DPKG,
	PSC_PLACE_DPKG_STATUS_D,
	PSC_PLACE_RPM,
	PSC_PLACE_UNITS,
	PSC_PLACE_INIT,
};

struct psc_scan {
	struct psc_scan_options options;
	struct psc_scan_result result;
	struct psc_digest_plan plan;
	struct psc_mounts mounts;
	struct psc_markers *markers;
	struct psc_identify_options identify;
	struct psc_seen *seen;
	int open_flags; /* O_NOATIME when it is ours to ask for */
	int nodes_max;	/* directories kept open */
	int nodes;
	int starts; /* descriptors of scopes; in scope[] order */

	pthread_mutex_t lock; /* of the tasks */
	pthread_cond_t ready;
	struct psc_task *task;
	size_t tasks, room;
	unsigned int busy;
	int error; /* the first that ends the scan: -ENOMEM */

	pthread_mutex_t rpm;	 /* librpm takes one thread at a time */
	pthread_mutex_t results; /* of result */
};

/* One thread's own. */
struct psc_worker {
	struct psc_scan *scan;
	struct psc_digester digester;
	struct psc_path path;
	struct psc_facts facts;
	char *entries; /* of getdents64() */
};

/* What is being looked at, for findings and gaps. */
struct psc_subject {
	enum psc_thing thing;
	const char *path;   /* on this host */
	size_t base;	    /* bytes of it that lead to the root that was asked for */
	size_t root;	    /* and those that lead to another one within; else the same */
	const char *inside; /* the place in an archive, absolute; or NULL */
	const char *label;  /* of the finding's `inside`; or NULL */
	const char *detail;
	pid_t pid;
	/* what is known of the package: one that is looked into, or that this came out of; or NULL */
	const struct psc_facts *package;
	bool shared;	   /* the inode may have been met under another name */
	const char *known; /* product that the directory above is; this one is no news then */
	uint64_t size;
	enum psc_format format;
};

#define PSC_COUNT(scan, member, n)                                                                 \
	__atomic_fetch_add(&(scan)->result.counts.member, (n), __ATOMIC_RELAXED)

/* ---- result.c ------------------------------------------------------------------ */

/*
 * Matches @facts and, when a rule holds or @hits is not 0, adds a finding. *@ret_product (may be
 * NULL) becomes its product, or NULL. -ENOMEM.
 */
int psc_scan_judge(struct psc_scan *scan, const struct psc_subject *subject,
		   const struct psc_facts *facts, const struct psc_list_entry *hit, size_t hits,
		   const char **ret_product);

/* What is found is another product where a @package that is not its vendor's brought it. -ENOMEM. */
int psc_finding_reconsider(const struct psc_scan *scan, const struct psc_facts *package,
			   struct psc_finding *finding);

/* Counts something that was not looked at; @reason in words. Memory that is short ends the scan. */
void psc_scan_gap(struct psc_scan *scan, bool excluded, const char *reason, const char *path,
		  const char *inside);
void psc_scan_gap_errno(struct psc_scan *scan, int error, const char *path);

/* Sorts, once nothing runs any more. */
void psc_scan_settle(struct psc_scan *scan);
void psc_scan_result_clear(struct psc_scan_result *result);

/* Ends the scan for an error that leaves it worthless. */
void psc_scan_fail(struct psc_scan *scan, int error);

/* ---- content.c ------------------------------------------------------------------ */

/* Content facts and listed digests of an open regular file. */
struct psc_content {
	struct psc_facts facts;
	enum psc_format format;
	struct psc_list_entry hit[PSC_ALGO_MAX];
	size_t hits;
	bool archive; /* something psc_archive_walk() may open */
};

void psc_content_clear(struct psc_content *content);

/*
 * Looks into @fd. What cannot be read becomes a gap. @ret->facts is added to, not cleared.
 * -ENOMEM.
 */
int psc_content_read(struct psc_worker *worker, int fd, const struct stat *st,
		     const struct psc_subject *subject, struct psc_content *ret);

/* Adds path and name of the subject. -ENOMEM. */
int psc_subject_facts(const struct psc_subject *subject, struct psc_facts *facts);

/*
 * Everything about an open regular file: counts, content, databases, archives, findings.
 * -ENOMEM.
 */
int psc_examine(struct psc_worker *worker, int fd, const struct stat *st,
		struct psc_subject *subject, enum psc_place place, bool open_archives);

/* ---- seen.c --------------------------------------------------------------------- */

int psc_seen_new(struct psc_seen **ret);
struct psc_seen *psc_seen_free(struct psc_seen *seen);

/* How often this inode was asked for before, by any thread; -ENOMEM. */
int psc_seen_visit(struct psc_seen *seen, dev_t device, ino_t inode, unsigned int *ret_before);

/*
 * Content facts that another name of the inode had; NULL: not kept. They stay valid as long as
 * @seen.
 */
const struct psc_content *psc_seen_content(struct psc_seen *seen, dev_t device, ino_t inode);

/* Keeps a copy of @content from fact @first on, if there is room. -ENOMEM is not an error here. */
void psc_seen_keep(struct psc_seen *seen, dev_t device, ino_t inode,
		   const struct psc_content *content, size_t first);

/* ---- task.c --------------------------------------------------------------------- */

/* Appends a name, behind a slash. -ENOMEM. */
int psc_path_append(struct psc_path *path, const char *text, size_t length);

/* Takes over the node's reference and the names, also when it fails. -ENOMEM. */
int psc_task_push(struct psc_scan *scan, struct psc_task task);

/* Waits for a task; false when there are none any more. psc_task_done() after each. */
bool psc_task_pop(struct psc_scan *scan, struct psc_task *ret);
void psc_task_done(struct psc_scan *scan);

/* ---- walk.c --------------------------------------------------------------------- */

int psc_walk_add(struct psc_scan *scan, const char *path, bool is_root);

/* Does tasks until there are none. */
void psc_walk_work(struct psc_worker *worker);
void psc_node_unref(struct psc_scan *scan, struct psc_node *node);

/* ---- places.c ------------------------------------------------------------------- */

/* Of a directory below a root: "/etc". */
enum psc_place psc_place_of(const char *directory, size_t length);

/* Reads the database, unit or account file that @name is there, if it is one. -ENOMEM. */
int psc_place_read(struct psc_worker *worker, int fd, const struct psc_subject *subject,
		   enum psc_place place, const char *name);

/* ---- rpmdb.c, process.c, owner.c, contain.c --------------------------------------- */

/* Whether a file of that name in a directory of rpm's is its database, and what it tells. */
bool psc_rpmdb_is(const char *name);
int psc_rpmdb_read(struct psc_worker *worker, int fd, const struct psc_subject *subject,
		   const char *name);

/* Every process of this host. */
int psc_processes_read(struct psc_worker *worker);

/* Names the packages that own the files that were found. */
int psc_owners_find(struct psc_scan *scan);

/* What an archive, package or image holds; -ENOEXEC when it is none. */
int psc_contain_archive(struct psc_worker *worker, int fd, const struct psc_subject *subject);
int psc_contain_image(struct psc_worker *worker, int fd, const struct psc_subject *subject);
