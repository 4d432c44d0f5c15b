/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.h - finds listed products on this host by any indicator of the catalog, digests
 * their files and has the kernel guard these digests: at start, when a package database
 * changes, and when the writer of a file closes it. Only for user/daemon.
 *
 * Looking, reading and digesting happen in a thread of its own, so that a slow disk or a
 * file system that never answers holds nothing else up; it touches nothing of the daemon's
 * but two queues. Everything that decides or writes happens in the daemon's loop.
 */
#pragma once

#include <jansson.h>

#include "user/core/util.h"

struct psc_daemon;
struct psc_resolver;

/*
 * Begins: loads the indicators, watches, asks for a first run. Returns the descriptor that
 * psc_resolver_handle() is to be called for when it is readable, or a negative errno. What
 * does not work is recorded and shown by the status; the guard does without.
 */
int psc_resolver_start(struct psc_daemon *daemon);

/* Something is to be done. */
void psc_resolver_handle(struct psc_daemon *daemon);

/* Another policy is in force, which the resolver did not ask for. */
void psc_resolver_reloaded(struct psc_daemon *daemon);

/* Every few seconds: is the thread alive, has a phase begun? */
void psc_resolver_tick(struct psc_daemon *daemon);

/* Puts what was found into force while the guard is on, ends the watches and the thread. */
void psc_resolver_stop(struct psc_daemon *daemon);

/* The `resolver` of the status; NULL: no memory. */
json_t *psc_resolver_json(const struct psc_daemon *daemon);

/* Adds to @warnings ({message, remedy}) what an administrator should know. */
void psc_resolver_warn(const struct psc_daemon *daemon, json_t *warnings);
