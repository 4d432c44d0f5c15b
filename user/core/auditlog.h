/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditlog.h - the audit log: files audit-<UTC start>.jsonl in one directory, one
 * compact JSON object a line. The daemon writes, the command line reads.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <jansson.h>

#include "user/core/util.h"
#include "user/core/chain.h"

/* Longest line including its newline; neither written nor read beyond it. */
#define PSC_AUDITLOG_LINE_MAX (64U << 10)

struct psc_auditlog;

/* What open found at the end of the file that it continues. */
struct psc_auditlog_repair {
	uint64_t cut_bytes; /* an incomplete last line of so many bytes was cut off */
	bool terminated;    /* the last line was whole but for its newline, which was added */
};

/*
 * Opens the log in @directory, which is created (0750) when missing, its parent not.
 * Continues the newest file, or creates audit-<now>.jsonl (0640). @group: gid that
 * the directory and all files of the log are given if that is allowed, (gid_t)-1: leave. @repair may be NULL; the caller
 * writes a record when it says something. Errors: -EBUSY (another process writes
 * it), -ELOOP or -EINVAL (newest file is a link or not regular), errno of the calls.
 */
int psc_auditlog_open(const char *directory, gid_t group, struct psc_auditlog **ret,
		      struct psc_auditlog_repair *repair);

/* Does not sync. NULL is fine. */
void psc_auditlog_free(struct psc_auditlog *log);

static inline void psc_auditlog_freep(struct psc_auditlog **log)
{
	psc_auditlog_free(*log);
}

/*
 * Appends @json as one line, behind its place in the chain (chain.h): whole, or not at all
 * (what was written of it is cut back, and the chain is as before).
 * Errors: -EMSGSIZE (line too long), -EINVAL (not an object), -ENOSPC and whatever
 * write(2) says, -EIO when cutting back failed too: then nothing is appended until a
 * later call succeeds in cutting.
 */
int psc_auditlog_append(struct psc_auditlog *log, const json_t *json);

/*
 * The same with a checkpoint: signed with @key, it vouches for every record before it. @key may
 * be NULL. -EIO when it cannot be signed.
 */
struct psc_chain_key;
int psc_auditlog_append_signed(struct psc_auditlog *log, const json_t *json,
			       const struct psc_chain_key *key);

/* The same with a record that is text already: an object of @size bytes, compact. */
int psc_auditlog_append_text(struct psc_auditlog *log, const char *text, size_t size);

/* The end of the log's chain; it belongs to @log. */
const struct psc_chain *psc_auditlog_chain(const struct psc_auditlog *log);

/*
 * A log that was opened anew goes on behind @end, the end of the chain before it was closed, if
 * what was found on the disk is older: files that were taken away meanwhile leave a gap then.
 */
void psc_auditlog_continue(struct psc_auditlog *log, const struct psc_chain *end);

/*
 * fdatasync(2), when anything was appended since the last one. -ESTALE: the file has
 * been removed from its directory; the caller opens the log anew and says so in it.
 */
int psc_auditlog_sync(struct psc_auditlog *log);

enum psc_auditlog_state {
	PSC_AUDITLOG_SOUND = 0,
	PSC_AUDITLOG_REMOVED = 1, /* its file has no name any more, or another one has it */
	PSC_AUDITLOG_CUT = 2,	  /* its file has become shorter */
	PSC_AUDITLOG_ALTERED = 3, /* somebody else has written to it, or changed owner or mode */
};

/*
 * Whether the file that is written is as the last sync left it. Says nothing while something is
 * not synced. What was altered within the same tick of the kernel's clock is not seen.
 */
enum psc_auditlog_state psc_auditlog_look(const struct psc_auditlog *log);

/*
 * Goes on in a new file, named by the time: readers and chain go over from one to the other.
 * Syncs the old one. On failure everything stays as it was.
 */
int psc_auditlog_rotate(struct psc_auditlog *log);

/* Bytes of the file that is being written, and when it was begun (wall clock, ns, by its name). */
uint64_t psc_auditlog_size(const struct psc_auditlog *log);
uint64_t psc_auditlog_begun(const struct psc_auditlog *log);

/* Path of the file that is being written; owned by @log. */
const char *psc_auditlog_path(const struct psc_auditlog *log);

/* ---- reader -------------------------------------------------------------- */

struct psc_auditlog_reader;

/* One line. Pointers are valid until the next call on the reader. */
struct psc_auditlog_line {
	const char *file;  /* path */
	uint64_t line;	   /* from 1; 0: the file was not read from its beginning */
	uint64_t offset;   /* where the line begins, in bytes of the text */
	json_t *json;	   /* borrowed from the reader; NULL when the line is damaged */
	const char *text;  /* the line without its newline; NULL when damaged */
	const char *error; /* what is wrong with a damaged line, else NULL */
};

/*
 * Reads all files of @directory, oldest first. Records whose @timestamp is before @since_ns
 * (wall clock, 0: none) are left out without being parsed. So are files that can only hold such
 * records by the names of the ones after them, with 14 hours' allowance for clocks that were set;
 * in a file of more than PSC_AUDITLOG_LARGE bytes their end is found by samples
 * (auditlog_time.h). With @follow the end is waited on, so an incomplete last line is no damage.
 * Errors: -ENOENT (no directory; an empty one is fine), errno of opendir(3), -ENOMEM.
 */
int psc_auditlog_reader_new(const char *directory, uint64_t since_ns, bool follow,
			    struct psc_auditlog_reader **ret);

/* Leaves out records of after @until_ns (not 0), and files that only hold such ones. */
void psc_auditlog_reader_until(struct psc_auditlog_reader *reader, uint64_t until_ns);

/*
 * Only lines that contain @text are parsed and handed out, damaged or not. It is copied; up to
 * PSC_AUDITLOG_NEEDLES of them, all of which must be there. -E2BIG, also for a text of 64 bytes.
 */
#define PSC_AUDITLOG_NEEDLES 4
int psc_auditlog_reader_only(struct psc_auditlog_reader *reader, const char *text);

void psc_auditlog_reader_free(struct psc_auditlog_reader *reader);

static inline void psc_auditlog_reader_freep(struct psc_auditlog_reader **reader)
{
	psc_auditlog_reader_free(*reader);
}

/*
 * The next line. Returns 1 and fills @ret, also for a damaged line (reported once, then
 * skipped); 0 at the end, where with @follow a later call finds what was added since;
 * negative errno when a file cannot be read (its name is in ret->file; the reader goes
 * on with the next file).
 */
int psc_auditlog_reader_next(struct psc_auditlog_reader *reader, struct psc_auditlog_line *ret);

/*
 * One line out of memory, by the reader's rules (for tests and fuzzing): 0 and a new
 * reference in *@ret, or -EBADMSG and the reason in @reason.
 */
int psc_auditlog_parse_line(const char *text, size_t size, json_t **ret, char *reason,
			    size_t reason_size);
