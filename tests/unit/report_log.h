/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_log.h - an audit log with a story, for tests of `proscribe report`: May 2030 on a host
 * where a stand-in product is found, watched, refused, let go for a while, and where the guard
 * was not always on. Its times are fixed, so that everything made of it is always the same.
 */
#pragma once

#include <jansson.h>

#include "user/core/auditlog.h"
#include "user/core/event_json.h"
#include "user/core/image.h"
#include "user/core/json.h"
#include "user/core/policy.h"
#include "user/core/timefmt.h"

#define STORY_HOST    "db1.example"
#define STORY_PRODUCT "acme/tool"
#define STORY_PROFILE "test-order"

struct story {
	struct psc_auditlog *log;
	const struct psc_chain_key *key; /* NULL: not signed */
	uint64_t booted;
	const char *boot_id;
	int failed; /* the first error */
};

/* "2030-05-01T08:00:00Z" in ns. */
static inline uint64_t story_time(const char *text)
{
	uint64_t ns = 0;

	if (psc_time_parse(text, &ns) < 0)
		abort();
	return ns;
}

static inline void story_write(struct story *s, json_t *record, const struct psc_chain_key *key)
{
	int r = psc_auditlog_append_signed(s->log, record, key);

	if (r < 0 && !s->failed)
		s->failed = r;
	json_decref(record);
}

/* A record of the daemon's own. */
static inline json_t *story_record(const struct story *s, const char *type, const char *at)
{
	const struct psc_event_context context = {.hostname = STORY_HOST, .boot_id = s->boot_id};
	char text[PSC_TIME_TEXT_MAX];
	json_t *record;

	if (psc_record_new(type, &context, &record) < 0)
		abort();
	json_object_set_new(record, "@timestamp",
			    json_string(psc_time_format(story_time(at), text)));
	psc_record_set(record, "boot_ns", json_integer((json_int_t)(story_time(at) - s->booted)));
	psc_record_message(record, "%s", type);
	return record;
}

static inline void story_policy(json_t *record, const char *mode)
{
	psc_record_set(record, "generation", json_integer(1));
	psc_record_set_string(record, "mode", mode);
}

static inline void story_simple(struct story *s, const char *type, const char *at, const char *mode)
{
	json_t *record = story_record(s, type, at);

	if (mode)
		story_policy(record, mode);
	story_write(s, record, NULL);
}

/* @attached: since when the guard is on. */
static inline void story_start(struct story *s, const char *at, const char *attached,
			       const char *mode)
{
	json_t *record = story_record(s, "start", at);

	story_policy(record, mode);
	psc_record_set(record, "adopted", json_boolean(strcmp(at, attached) != 0));
	psc_record_set(record, "attached_boot_ns",
		       json_integer((json_int_t)(story_time(attached) - s->booted)));
	story_write(s, record, NULL);
}

/* One an hour, both ends included. */
static inline void story_heartbeats(struct story *s, const char *from, const char *until,
				    const char *mode)
{
	uint64_t end = story_time(until);

	for (uint64_t at = story_time(from); at <= end; at += 3600 * PSC_NSEC_PER_SEC) {
		char text[PSC_TIME_TEXT_MAX];
		json_t *record = story_record(s, "heartbeat", psc_time_format(at, text));

		story_policy(record, mode);
		story_write(s, record, s->key);
	}
}

struct story_attempt {
	const char *at;
	const char *path;
	size_t path_size; /* 0: of the string */
	enum psc_op op;
	enum psc_verdict verdict;
	enum psc_unverified unverified;
	bool unlisted;
	uint64_t repeats;
};

static inline void story_attempt(struct story *s, const struct story_attempt *a)
{
	static struct psc_image_reason reason = {
		.profile = (char *)STORY_PROFILE,
		.rule = (char *)"use",
		.clause = (char *)"agreements",
		.object = (char *)"",
		.basis = PSC_BASIS_SITE,
		.status = PSC_STATUS_COVERED_NEW,
		.action = PSC_ACTION_DENY,
	};
	static const struct psc_image_ruling ruling = {&reason, 1};
	const struct psc_event_context context = {
		.hostname = STORY_HOST,
		.boot_id = s->boot_id,
		.boot_to_wall_ns = (int64_t)s->booted,
		.product = a->unlisted ? NULL : STORY_PRODUCT,
		.version = a->unlisted ? NULL : "4.2",
		.role = a->unlisted ? NULL : "program",
		.ruling = a->unlisted ? NULL : &ruling,
	};
	struct psc_event event = {
		.head = {.type = PSC_EVENT_DECISION,
			 .flags = PSC_EVENT_DIGEST_VALID,
			 .boot_ns = story_time(a->at) - s->booted},
		.op = a->op,
		.verdict = a->verdict,
		.unverified = a->unverified,
		.mode = a->verdict == PSC_VERDICT_DENY ? PSC_MODE_ENFORCE : PSC_MODE_OBSERVE,
		.subject = a->unlisted ? PSC_SUBJECT_NONE : PSC_SUBJECT_FIRST,
		.size = 4711,
		.process = {.tgid = 151, .comm = "sh"},
		.parent = {.tgid = 1, .comm = "init"},
	};
	json_t *record;

	event.path_length = a->path_size ?: strlen(a->path);
	memcpy(event.path, a->path, event.path_length);
	memset(event.digest, 0x5a, sizeof(event.digest));
	if (psc_event_to_json(&event, &context, &record) < 0)
		abort();
	if (a->repeats)
		psc_record_set(record, "repeats", json_integer((json_int_t)a->repeats));
	story_write(s, record, NULL);
}

#define STORY_ATTEMPT(s, ...) story_attempt(s, &(struct story_attempt){__VA_ARGS__})

static inline void story_found(struct story *s, const char *at)
{
	json_t *record = story_record(s, "found", at), *files = json_array();

	json_array_append_new(
		files, json_pack("{s:s,s:s,s:s,s:s}", "path", "/opt/acme/bin/tool", "sha256",
				 "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
				 "product", STORY_PRODUCT "/program", "source",
				 "found 2030-05-01T08:05:00Z by acme-tool-path (high)"));
	json_array_append_new(
		files, json_pack("{s:s,s:s,s:s,s:s}", "path", "/opt/acme/bin/update", "sha256",
				 "6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b",
				 "product", STORY_PRODUCT "/updater", "source",
				 "found 2030-05-01T08:05:00Z by acme-tool-path (high)"));
	psc_record_set(record, "files", files);
	psc_record_set(record, "added", json_integer(2));
	story_write(s, record, NULL);
}

static inline void story_held(struct story *s, const char *at)
{
	json_t *record = story_record(s, "found_held", at);

	psc_record_set_string(record, "path", "/srv/share/reader");
	psc_record_set_string(record, "product", "acme/reader");
	psc_record_set_string(record, "reason", "confidence");
	story_write(s, record, NULL);
}

static inline void story_exemption(struct story *s, const char *at)
{
	json_t *record = story_record(s, "exemption", at);

	psc_record_message(record, "exemption ex-7 added");
	psc_record_set_string(record, "id", "ex-7");
	psc_record_set_string(record, "change", "added");
	psc_record_set_string(record, "by", "Security officer");
	psc_record_set_string(record, "reason", "migration <b>until June</b>");
	psc_record_set_string(record, "requester", "uid 0");
	story_write(s, record, NULL);
}

static inline void story_loss(struct story *s, const char *at)
{
	json_t *record = story_record(s, "ring_loss", at);

	psc_record_message(record, "12 events had no room in the kernel's ring");
	psc_record_failed(record);
	psc_record_set(record, "lost", json_integer(12));
	story_write(s, record, NULL);
}

static inline void story_stop(struct story *s, const char *at, const char *guard)
{
	json_t *record = story_record(s, "stop", at);

	psc_record_set_string(record, "guard", guard);
	story_write(s, record, NULL);
}

static inline void story_first_boot(struct story *s)
{
	s->booted = story_time("2030-05-01T08:00:00Z");
	s->boot_id = "0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11";
	story_start(s, "2030-05-01T08:02:00Z", "2030-05-01T08:02:00Z", "observe");
	story_found(s, "2030-05-01T08:10:00Z");
	story_held(s, "2030-05-01T08:11:00Z");
	story_heartbeats(s, "2030-05-01T09:02:00Z", "2030-05-03T09:02:00Z", "observe");
	STORY_ATTEMPT(s, .at = "2030-05-03T09:30:00Z", .path = "/opt/acme/bin/tool",
		      .op = PSC_OP_EXEC, .verdict = PSC_VERDICT_WOULD_DENY);
	STORY_ATTEMPT(s, .at = "2030-05-03T09:31:00Z", .path = "/tmp/unknown", .op = PSC_OP_EXEC,
		      .verdict = PSC_VERDICT_RECORD, .unlisted = true,
		      .unverified = PSC_UNVERIFIED_FILESYSTEM);
	STORY_ATTEMPT(s, .at = "2030-05-03T09:32:00Z", .path = "/tmp/unknown", .op = PSC_OP_EXEC,
		      .verdict = PSC_VERDICT_RECORD, .unlisted = true,
		      .unverified = PSC_UNVERIFIED_FILESYSTEM, .repeats = 41);
	story_simple(s, "reload", "2030-05-03T10:00:00Z", "enforce");
	story_heartbeats(s, "2030-05-03T10:02:00Z", "2030-05-10T03:02:00Z", "enforce");
	STORY_ATTEMPT(s, .at = "2030-05-10T03:10:00Z", .path = "/opt/acme/bin/tool",
		      .op = PSC_OP_EXEC, .verdict = PSC_VERDICT_DENY);
	/* silent for six hours */
	story_heartbeats(s, "2030-05-10T09:02:00Z", "2030-05-12T11:02:00Z", "enforce");
	STORY_ATTEMPT(s, .at = "2030-05-12T11:40:00Z", .path = "/opt/acme/bin/tool",
		      .op = PSC_OP_EXEC, .verdict = PSC_VERDICT_DENY);
	STORY_ATTEMPT(s, .at = "2030-05-12T11:41:00Z",
		      .path = "/tmp/<script>alert('1')</script>\n=cmd|\"x\"&\x80",
		      .op = PSC_OP_EXEC, .verdict = PSC_VERDICT_DENY);
	story_loss(s, "2030-05-12T11:45:00Z");
	story_stop(s, "2030-05-12T12:00:00Z", "on");
	story_start(s, "2030-05-12T13:00:00Z", "2030-05-01T08:02:00Z", "enforce");
	story_heartbeats(s, "2030-05-12T14:00:00Z", "2030-05-15T10:00:00Z", "enforce");
	story_simple(s, "off", "2030-05-15T10:30:00Z", "enforce");
	story_stop(s, "2030-05-15T10:30:01Z", "off");
	story_start(s, "2030-05-15T12:30:00Z", "2030-05-15T12:30:00Z", "enforce");
	story_exemption(s, "2030-05-16T08:00:00Z");
	story_heartbeats(s, "2030-05-16T08:02:00Z", "2030-05-19T22:02:00Z", "enforce");
}

static inline void story_second_boot(struct story *s, bool found)
{
	s->booted = story_time("2030-05-20T06:00:00Z");
	s->boot_id = "e3a1d5f0-0d0e-4c51-8f1b-5b1b1d4b8c22";
	story_start(s, "2030-05-20T06:00:40Z", "2030-05-20T06:00:40Z", "enforce");
	story_heartbeats(s, "2030-05-20T07:00:00Z", "2030-05-31T23:00:00Z", "enforce");
	if (found)
		STORY_ATTEMPT(s, .at = "2030-05-31T23:10:00Z", .path = "/opt/acme/lib/libacme.so",
			      .op = PSC_OP_LOAD, .verdict = PSC_VERDICT_DENY);
	story_simple(s, "heartbeat", "2030-05-31T23:59:00Z", "enforce");
}

/* Writes all of it into @directory. @found: whether anything of the product is in it. */
static inline int story_tell(const char *directory, const struct psc_chain_key *key, bool found)
{
	_cleanup_(psc_auditlog_freep) struct psc_auditlog *log = NULL;
	struct story s = {.key = key};
	int r = psc_auditlog_open(directory, (gid_t)-1, &log, NULL);

	if (r < 0)
		return r;
	s.log = log;
	if (found)
		story_first_boot(&s);
	story_second_boot(&s, found);
	return s.failed;
}
