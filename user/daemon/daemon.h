/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.h - the state of proscribed, passed to all of its parts. One thread; nothing
 * that the kernel decides ever waits for it.
 */
#pragma once

#include <jansson.h>

#include "user/core/util.h"
#include "user/core/auditlog.h"
#include "user/core/config.h"
#include "user/core/error.h"
#include "user/core/event_json.h"
#include "user/core/fold.h"
#include "user/core/image.h"
#include "user/core/list.h"
#include "user/daemon/canary.h"
#include "user/daemon/loader.h"
#include "user/daemon/ring.h"

/* From the command line; they win over the configuration at every reload. */
struct psc_options {
	const char *config; /* NULL: PSC_PATH_CONFIG if it is there */
	const char *lists;
	const char *log;
	int mode;	  /* enum psc_mode, -1: not given */
	uint64_t without; /* 1 << enum psc_feature: not to be used though the kernel has it */
	bool debug;
};

/* What is in force: replaced as one. */
struct psc_policy {
	struct psc_config *config;
	struct psc_list *list;
	struct psc_image *image;
};

/* Where the content of a file on overlayfs was found last. */
struct psc_layer {
	uint64_t boot_ns; /* of the event it was looked for */
	uint64_t real_inode;
	uint32_t real_device;
	uint32_t device;
	char *path; /* NULL: not found */
};

struct psc_daemon {
	struct psc_options options;
	struct psc_policy policy;
	struct psc_canary canary;
	struct psc_guard *guard;
	struct psc_ring *ring;
	struct psc_fold *fold;
	struct psc_layer layer;
	struct psc_auditlog *log; /* NULL while it cannot be opened */
	int log_error;		  /* negative errno of the last attempt to write, 0 fine */
	uint64_t log_written;
	int epoll_fd;
	int signal_fd;
	int timer_fd;
	int control_fd;
	int lock_fd;
	bool stopping;
	char hostname[256];
	char boot_id[64];
};

/* ---- daemon.c */

/* Runs until a signal or `off`; the exit status of the process. */
int psc_daemon_run(struct psc_daemon *daemon);

/*
 * Reads configuration and lists anew and puts them into force, or changes nothing and
 * says why. @requester (may be NULL) goes into the record. Writes the record.
 */
int psc_daemon_reload(struct psc_daemon *daemon, const char *requester, struct psc_error *reterr);

/* Removes the guard and waits until it is gone; -ETIMEDOUT when it still refuses. */
int psc_daemon_off(struct psc_daemon *daemon, const char *requester);

/* ---- policy.c */

void psc_policy_clear(struct psc_policy *policy);

/* Loads and compiles; @ret untouched on failure. */
int psc_policy_load(const struct psc_options *options, const struct psc_canary *canary,
		    struct psc_policy *ret, struct psc_error *reterr);

/* ---- journal.c: what goes into the audit log */

/* Opens the log if it is not open. Failure is remembered in log_error, tried again later. */
void psc_journal_open(struct psc_daemon *daemon);

/* Closes the log; the next record opens it, perhaps in another directory. */
void psc_journal_close(struct psc_daemon *daemon);

/* A record of the daemon's own, see psc_record_new(); the caller adds to it and writes it. */
int psc_journal_record(struct psc_daemon *daemon, const char *type, json_t **ret);

/* Appends and syncs, takes the reference. An error is kept in log_error as well. */
int psc_journal_write(struct psc_daemon *daemon, json_t *record);

/* Appends the record of a decision, with what the lists say of its digest. Does not sync. */
int psc_journal_decision(struct psc_daemon *daemon, const struct psc_event *event);

/*
 * Takes everything out of the ring, into the log, in groups: written, synced, only then
 * given back. When the log fails, the events stay in the ring.
 */
void psc_journal_drain(struct psc_daemon *daemon);

/* Writes the counts of repeats whose window has ended, or @all of them. */
void psc_journal_repeats(struct psc_daemon *daemon, bool all);

/* Records how many events the ring had no room for since the last time. */
void psc_journal_losses(struct psc_daemon *daemon);

/* ---- wanted.c */

/*
 * A file was opened that could not be digested in the hook: has the kernel digest and
 * remember it, and records the open if the content is listed.
 */
void psc_wanted_digest(struct psc_daemon *daemon, const struct psc_event *event);

/* ---- layer.c */

/*
 * The directory that holds the content of a file on overlayfs: the upper one, or one of the
 * lower ones. NULL when it is not an overlay of this mount table, or not found. Belongs to
 * @layer, which remembers it for the attempts that follow.
 */
const char *psc_layer_of(struct psc_layer *layer, const struct psc_event *event);
void psc_layer_clear(struct psc_layer *layer);

/* ---- control.c */

/* Listens on the control socket; from now on `proscribe status` succeeds. */
int psc_control_open(struct psc_daemon *daemon);
/* Serves one waiting client. */
void psc_control_serve(struct psc_daemon *daemon);

/* ---- status.c */

/* The `data` of the status reply, a new reference; -ENOMEM. */
int psc_status_json(struct psc_daemon *daemon, json_t **ret);

/* ---- say.c */

/* One line on stderr, with the daemon's name; untrusted strings must be escaped. */
void psc_say(const char *fmt, ...) _printf_(1, 2);
