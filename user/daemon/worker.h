/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - the process proscribe-identify as the daemon holds it: started with a socket, ended
 * without being waited for, not started too often. Used by identify.c only.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "user/core/util.h"

#define PSC_WORKER_STARTS_MAX 20 /* within PSC_WORKER_STARTS_NS */
#define PSC_WORKER_STARTS_NS  (10ULL * 1000000000)
#define PSC_WORKER_DYING_MAX  16

struct psc_worker {
	const char *program;
	const char *const *arguments; /* NULL-terminated, without argv[0]; NULL: none */
	int socket_fd;		      /* non-blocking stream socket; -1: no worker */
	pid_t pid;
	uint64_t starts;
	pid_t dying[PSC_WORKER_DYING_MAX]; /* killed, not gone yet; 0: free */
	uint64_t start_ns[PSC_WORKER_STARTS_MAX];
	unsigned int next_start;
};

/* 0 when a worker may be started now, else the boot clock's ns at which it may. */
uint64_t psc_worker_may_start_at(const struct psc_worker *worker);

/* Starts one; there is none. -EBUSY when too many do not die, errors of socketpair and spawn. */
int psc_worker_start(struct psc_worker *worker);

/* Kills it. It may hang in a read of a file system that does not answer: nobody waits for it. */
void psc_worker_end(struct psc_worker *worker);

/* Forgets those that are gone. */
void psc_worker_reap(struct psc_worker *worker);
