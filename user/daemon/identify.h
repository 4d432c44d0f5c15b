/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify.h - asks proscribe-identify what files are, without ever waiting for it. Used by the
 * daemon's resolver.
 *
 *	psc_identifier_new(&options, &identifier);
 *	watch(psc_identifier_fd(identifier));            epoll, level-triggered, EPOLLIN
 *	psc_identifier_submit(identifier, fd, path, true, tag);
 *	...
 *	when the descriptor is readable, and after each submit:
 *	while (psc_identifier_take(identifier, &result) > 0) {
 *		use(result.tag, result.state, &result.facts);
 *		psc_identification_clear(&result);
 *	}
 *
 * One file is parsed at a time, the others wait in a queue. The worker is started by the first
 * submit and anew whenever it ends: crashed, killed for taking too long, or killed for an answer
 * that is none. How often is limited (worker.h): until it may be started again, files wait. When it cannot
 * be started, or ends before it is ready, all that waits is `unavailable`. Every submit gets exactly one result, in order.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/facts.h"

#define PSC_IDENTIFIER_TIMEOUT_NS (10ULL * 1000000000)
#define PSC_IDENTIFIER_QUEUE_MAX  1024

/* What became of a file. All but the first mean "unverified", never "not listed". */
enum psc_identification_state {
	PSC_IDENTIFIED = 0,	      /* facts; with problems in them, if any */
	PSC_IDENTIFY_UNREADABLE = 1,  /* `error` says why */
	PSC_IDENTIFY_CRASHED = 2,     /* the worker ended over it */
	PSC_IDENTIFY_TIMEOUT = 3,     /* it took too long */
	PSC_IDENTIFY_NONSENSE = 4,    /* the worker did not answer as it should */
	PSC_IDENTIFY_UNAVAILABLE = 5, /* the worker cannot be started: `error` */
	PSC_IDENTIFICATION_STATES = 6,
};

struct psc_identification {
	void *tag;
	char *path;
	enum psc_identification_state state;
	int error;	  /* negative errno, 0: none */
	uint64_t took_ns; /* from being sent to being answered; 0: was not sent */
	struct psc_facts facts;
};

/* NULL and 0 are the defaults; strings belong to the caller and must outlive the identifier. */
struct psc_identifier_options {
	const char *worker;	      /* PSC_PATH_WORKER */
	const char *const *arguments; /* NULL-terminated, without argv[0] */
	uint64_t timeout_ns;
	size_t queue_max;
};

/* For status: since the start. */
struct psc_identifier_counts {
	uint64_t files;
	uint64_t starts;
	uint64_t state[PSC_IDENTIFICATION_STATES];
};

struct psc_identifier;

/* -ENOMEM, errors of epoll and timerfd. Nothing is started yet. */
int psc_identifier_new(const struct psc_identifier_options *options, struct psc_identifier **ret);

/* Ends the worker; files that wait are forgotten, their descriptors closed. */
struct psc_identifier *psc_identifier_free(struct psc_identifier *identifier);
void psc_identifier_freep(struct psc_identifier **identifier);

/* Readable when psc_identifier_take() has something to do. Belongs to the identifier. */
int psc_identifier_fd(const struct psc_identifier *identifier);

/*
 * Takes @fd over, a regular file open for reading, also when it fails. @path is a hint for
 * people and is copied, @tag comes back with the result. -EAGAIN when the queue is full, -ENOMEM.
 */
int psc_identifier_submit(struct psc_identifier *identifier, int fd, const char *path,
			  bool want_digest, void *tag);

/* 1 and the next result, which the caller clears; 0 when there is none yet. Never waits. */
int psc_identifier_take(struct psc_identifier *identifier, struct psc_identification *ret);
void psc_identification_clear(struct psc_identification *identification);

/* How many files were submitted and not taken yet. */
size_t psc_identifier_waiting(const struct psc_identifier *identifier);
struct psc_identifier_counts psc_identifier_counts(const struct psc_identifier *identifier);

/* The catalog has changed: the next file gets a worker that has read it anew. */
void psc_identifier_restart(struct psc_identifier *identifier);

/* "identified", "crashed", ...; NULL out of range. */
const char *psc_identification_to_string(unsigned int state);
