/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sinks.h - what the daemon tells others besides the audit log: PSC_PATH_STATUS_JSON, a file of
 * metrics, the journal. They come after the log and never hold it up: what cannot be written is counted and
 * left. Part of daemon.h.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "user/core/util.h"

struct psc_daemon;

/* One of them. */
struct psc_sink {
	int error;	  /* of the last attempt: negative errno, 0 fine */
	uint64_t written; /* times */
	uint64_t lost;
};

struct psc_sinks {
	struct psc_sink status; /* PSC_PATH_STATUS_JSON */
	struct psc_sink metrics;
	struct psc_sink journald;
	int journald_fd;   /* -1: not opened yet */
	char *status_text; /* as it was written last, without the time; NULL: not yet */
};

/* A record is in the log, under that number: the journal gets it too, if it is to. */
void psc_sinks_record(struct psc_daemon *daemon, const json_t *record, uint64_t sequence);

/* The same of an event's record, which is text. */
void psc_sinks_event(struct psc_daemon *daemon, const char *text, size_t size, uint64_t sequence);

/* With every tick: writes what has changed. */
void psc_sinks_tick(struct psc_daemon *daemon);

/* The daemon ends: the status file would go on telling of it. */
void psc_sinks_close(struct psc_daemon *daemon);

/* [{"name", "written", "lost", "error"?}], for the status; NULL: no memory. */
json_t *psc_sinks_json(const struct psc_daemon *daemon);

/* Adds what fails to the status' warnings. */
void psc_sinks_warn(const struct psc_daemon *daemon, json_t *warnings);

/* ---- sink_file.c */

/*
 * Gives @path this content and @mode, so that a reader sees the old or the new one, whole. Not
 * synced: it is made anew all the time. Errors of the calls; what was there stays then.
 */
int psc_sink_file_write(const char *path, mode_t mode, const char *text, size_t size);

/* ---- sink_journald.c */

/* The datagram for a record; may hold NULs. The caller frees *@ret. -ENOMEM. */
int psc_sink_journald_format(const json_t *record, uint64_t sequence, char **ret, size_t *ret_size);

/*
 * Sends it to the socket @path without waiting, and counts. @fd is opened when it is -1. Errors
 * of the calls; -EAGAIN: the journal has no room.
 */
int psc_sink_journald_send(struct psc_sink *sink, int *fd, const char *path, const json_t *record,
			   uint64_t sequence);

/* ---- metrics.c */

/*
 * The `data` of psc_status_json() in the text format of Prometheus, for node_exporter's textfile
 * collector. The caller frees *@ret. -ENOMEM.
 */
int psc_metrics_format(const json_t *status, char **ret);
