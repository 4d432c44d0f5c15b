/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain_verify.h - reads a whole audit log and says whether its chain holds: what was edited,
 * put in, taken out, moved or cut off, where. Used by the CLI.
 *
 * What a chain cannot prove: whoever has the signing key can write another one, and records
 * behind the last signature can be taken away without a trace. An anchor, kept elsewhere, binds
 * everything up to its record.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/chain_key.h"
#include "user/core/error.h"

enum psc_chain_fault {
	PSC_CHAIN_INTACT = 0,
	PSC_CHAIN_DAMAGED = 1,	    /* a line that is no record of a chain */
	PSC_CHAIN_EDITED = 2,	    /* a record is not the one that its successor was chained to */
	PSC_CHAIN_MISSING = 3,	    /* records between two others are not there */
	PSC_CHAIN_FILE_MISSING = 4, /* the same between two files */
	PSC_CHAIN_MISPLACED = 5,    /* put in, repeated or moved */
	PSC_CHAIN_SIGNATURE = 6,    /* a signature is not the key's */
	PSC_CHAIN_ANCHOR = 7,	    /* the record of an anchor is another one */
	PSC_CHAIN_CUT = 8,	    /* ends before an anchor's record */
	PSC_CHAIN_UNREADABLE = 9,   /* a file cannot be read to its end */
	PSC_CHAIN_FAULT_MAX = 10,
};

/* "intact", "damaged", ...; NULL out of range. */
const char *psc_chain_fault_to_string(unsigned int fault);

/* A record that was known at some time: what `log anchor` printed. */
struct psc_chain_anchor {
	uint64_t sequence;
	uint8_t head[PSC_DIGEST_SIZE];
};

#define PSC_CHAIN_ANCHOR_TEXT_MAX 512

/*
 * One line: "proscribe-anchor 1 SEQUENCE SHA256 HOST TIME". HOST is escaped by the caller. 0, or
 * -E2BIG. Reading ignores what stands behind the digest; -EINVAL.
 */
int psc_chain_anchor_format(const struct psc_chain_anchor *anchor, const char *host,
			    const char *time, char buffer[PSC_CHAIN_ANCHOR_TEXT_MAX]);
int psc_chain_anchor_parse(const char *line, struct psc_chain_anchor *ret);

struct psc_chain_report {
	enum psc_chain_fault fault; /* the first one */
	struct psc_error place;	    /* file, line and words of it */
	uint64_t files;
	uint64_t records; /* up to the fault */
	uint64_t bytes;
	uint64_t first_sequence; /* 0: no record. Above 1: older files are gone */
	struct psc_chain end;
	uint64_t signatures;	/* that were checked */
	uint64_t unchecked;	/* by a key that was not given */
	uint64_t last_signed;	/* sequence of the last record before a checked signature */
	uint64_t anchors;	/* that were met and hold */
	uint64_t anchors_below; /* of records in files that are gone */
};

struct psc_chain_verify_options {
	const struct psc_chain_key *const *keys; /* public ones; may be NULL */
	size_t key_count;
	const struct psc_chain_anchor *anchors; /* may be NULL */
	size_t anchor_count;
};

/*
 * Reads all files of @directory in the order of their names, stops at the first fault. A fault
 * is no error: 0 and @ret. -errno when the directory cannot be read, -ENOMEM.
 */
int psc_chain_verify(const char *directory, const struct psc_chain_verify_options *options,
		     struct psc_chain_report *ret);
