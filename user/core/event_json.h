/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_json.h - records of the audit log: one JSON object each, names of the Elastic
 * Common Schema where it has one, the rest under "proscribe". The daemon makes records
 * with it; the command line only reads them.
 */
#pragma once

#include <jansson.h>

#include "bpf/abi.h"

#include "user/core/util.h"

struct psc_image_ruling;
struct psc_who;

#define PSC_RECORD_SCHEMA 1
#define PSC_ECS_VERSION	  "8.11.0"

/*
 * What the kernel does not know. Strings are borrowed for the call; NULL leaves the
 * member out. They may hold any bytes: they are escaped like everything else.
 */
struct psc_event_context {
	const char *hostname;
	const char *boot_id;	 /* /proc/sys/kernel/random/boot_id without the newline */
	int64_t boot_to_wall_ns; /* wall clock = boot clock + this */
	const char *product;	 /* of the matched subject or list entry */
	const char *name;	 /* the list entry's */
	const char *version;	 /* the list entry's */
	const char *source;	 /* the list entry's: where the digest comes from */
	const char *list;	 /* file that the entry stands in */
	unsigned int list_line;	 /* 0: not known */
	const char *role;	 /* of the subject in its product */
	const struct psc_image_ruling *ruling; /* why: what profiles and the site say */
	const char *place;		       /* the listed one that the file lies under */
	const char *layer;		       /* directory of an overlay that holds the content */
	const struct psc_who *who;	       /* who.h, as /proc says by now; NULL: not asked */
	uint64_t repeats;		       /* how often it came again; 0: it is the first */
	uint64_t first_boot_ns;		       /* with repeats: when it came first */
};

/*
 * Writes the record of one checked event (psc_event_decode()) of type PSC_EVENT_DECISION into
 * @buffer; PSC_EVENT_WANTED is accepted too and gives proscribe.type "wanted", PSC_EVENT_CLOCK
 * gives "clock_set", PSC_EVENT_SEEN gives "seen". The text is not terminated. -EINVAL for another
 * type, -EMSGSIZE.
 */
int psc_event_format(const struct psc_event *event, const struct psc_event_context *context,
		     char *buffer, size_t size, size_t *ret_length);

/* The same, parsed, for tests and tools: *@ret is a new reference. -ENOMEM as well. */
int psc_event_to_json(const struct psc_event *event, const struct psc_event_context *context,
		      json_t **ret);

/*
 * A record of the daemon's own: @type such as "start", "stop", "reload",
 * "reload_refused", "off", "canary", "ring_loss"; same envelope, the time is now
 * (boot clock + boot_to_wall_ns). *@ret is a new reference. -ENOMEM.
 */
int psc_record_new(const char *type, const struct psc_event_context *context, json_t **ret);

/* Sets "message", escaped. Returns 0 or -ENOMEM. */
int psc_record_message(json_t *record, const char *format, ...) _printf_(2, 3);

/* event.outcome is "success" in a new record; a refused reload or failed canary is not. */
int psc_record_failed(json_t *record);

/*
 * The record tells what happened at @at (ns, wall clock) and was noticed now: event.created
 * becomes the time that the record had.
 */
int psc_record_happened(json_t *record, uint64_t at);

/*
 * Sets proscribe.@key, taking the reference @value (also on failure; NULL is -ENOMEM,
 * so that json_xxx() can be given directly).
 */
int psc_record_set(json_t *record, const char *key, json_t *value);

/* As psc_record_set() with a string of any bytes, escaped; NULL sets nothing. */
int psc_record_set_string(json_t *record, const char *key, const char *value);
