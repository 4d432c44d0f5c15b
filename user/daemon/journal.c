/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - ring events and the daemon's own records into the audit log; see daemon.h. */
#include "user/core/util.h"

#include <errno.h>
#include <grp.h>
#include <time.h>

#include "user/core/auditlog_group.h"
#include "user/core/event.h"
#include "user/core/hex.h"
#include "user/core/names.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"

/* Records between two syncs. */
#define GROUP_MAX 256

static int64_t boot_to_wall(void)
{
	struct timespec wall, boot;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return ((int64_t)wall.tv_sec - boot.tv_sec) * 1000000000 + wall.tv_nsec - boot.tv_nsec;
}

static struct psc_event_context context_of(const struct psc_daemon *daemon)
{
	return (struct psc_event_context){
		.hostname = daemon->hostname,
		.boot_id = daemon->boot_id,
		.boot_to_wall_ns = boot_to_wall(),
	};
}

/*
 * A log that cannot be written is said once, not once an event. It is opened anew for the
 * next attempt: its file may have been taken away.
 */
static void note_log(struct psc_daemon *daemon, int r)
{
	if (r < 0 && r != daemon->log_error)
		psc_say("the audit log in %s cannot be written: %s; the guard goes on, events wait "
			"in the kernel",
			daemon->policy.config->log_directory, strerror(-r));
	if (r >= 0 && daemon->log_error < 0)
		psc_say("the audit log can be written again");
	daemon->log_error = r < 0 ? r : 0;
	if (r < 0)
		psc_journal_close(daemon);
}

void psc_journal_close(struct psc_daemon *daemon)
{
	psc_logkeep_close(daemon);
	psc_auditlog_free(daemon->log);
	daemon->log = NULL;
}

int psc_journal_record(struct psc_daemon *daemon, const char *type, json_t **ret)
{
	struct psc_event_context context = context_of(daemon);

	return psc_record_new(type, &context, ret);
}

void psc_journal_policy(struct psc_daemon *daemon, json_t *record)
{
	char digest[2 * PSC_DIGEST_SIZE + 1];

	psc_record_set(record, "generation",
		       json_integer(daemon->guard->shared->control.generation));
	psc_record_set_string(record, "mode", psc_mode_to_string(daemon->policy.config->mode));
	psc_record_set(record, "digests", json_integer(daemon->policy.image->listed));
	psc_hex_encode(daemon->policy.digest, PSC_DIGEST_SIZE, digest);
	psc_record_set_string(record, "policy", digest);
}

void psc_journal_change(struct psc_daemon *daemon, const char *type, const char *requester,
			bool success, const char *message)
{
	json_t *record;

	if (psc_journal_record(daemon, type, &record) < 0)
		return;
	psc_record_message(record, "%s", message);
	if (!success)
		psc_record_failed(record);
	psc_record_set_string(record, "requester", requester);
	psc_journal_policy(daemon, record);
	psc_journal_write(daemon, record);
}

static void record_repair(struct psc_daemon *daemon, const struct psc_auditlog_repair *repair)
{
	json_t *record;

	if (!repair->cut_bytes || psc_journal_record(daemon, "log_repaired", &record) < 0)
		return;
	psc_record_message(record, "an incomplete last line of %llu bytes was cut off the log",
			   (unsigned long long)repair->cut_bytes);
	psc_record_set(record, "cut_bytes", json_integer(repair->cut_bytes));
	psc_journal_write(daemon, record);
}

/* Their group, or -1. A member may give it files without the capability to change owners. */
static gid_t join_readers(void)
{
	gid_t group;

	if (psc_auditlog_group("/etc/group", &group) < 0 || setgroups(1, &group) < 0)
		return (gid_t)-1;
	return group;
}

static bool is_written(const void *userdata, const struct psc_event_head *head)
{
	const struct psc_daemon *daemon = userdata;

	return daemon->tail && psc_auditlog_tail_has(daemon->tail, head);
}

/*
 * A daemon that was killed may have written what is still in the ring, or counted as repeats, or
 * lost. Once, as soon as there is a log; until then nothing is taken out of the ring.
 */
static void recall(struct psc_daemon *daemon)
{
	struct psc_control *control = &daemon->guard->shared->control;
	struct psc_auditlog_tail *tail = calloc(1, sizeof(*tail));
	int r = -ENOMEM;

	daemon->recalled = true;
	if (tail)
		r = psc_auditlog_tail_read(daemon->policy.config->log_directory, daemon->boot_id,
					   tail);
	daemon->tail = tail;
	if (r < 0)
		psc_say("the end of the audit log cannot be read: %s; records may come twice",
			strerror(-r));
	if (r < 0)
		return;
	psc_fold_forget(daemon->fold, is_written, daemon);
	if (tail->lost_boot_ns > control->attached_ns &&
	    tail->lost_total > control->dropped_recorded)
		control->dropped_recorded = tail->lost_total;
}

/* A whole group is out of the ring: what was written before can be no other. */
static void forget_tail(struct psc_daemon *daemon)
{
	free(daemon->tail);
	daemon->tail = NULL;
}

int psc_journal_fold(struct psc_daemon *daemon)
{
	const struct psc_fold_ring ring = {
		.boot_id = daemon->boot_id,
		.attached_ns = daemon->guard->shared->control.attached_ns,
		.position = psc_ring_position(daemon->ring),
	};
	int r = psc_fold_open(PSC_PATH_FOLD, &ring, &daemon->fold);

	if (!r)
		return 0;
	psc_say("%s: %s; counts of repeated records are lost when the daemon is killed",
		PSC_PATH_FOLD, strerror(-r));
	return psc_fold_new(&daemon->fold);
}

void psc_journal_open(struct psc_daemon *daemon)
{
	struct psc_auditlog_repair repair = {};
	int r;

	if (daemon->log)
		return;
	r = psc_auditlog_open(daemon->policy.config->log_directory, join_readers(), &daemon->log,
			      &repair);
	/* that it can be opened does not say that it can be written */
	if (r < 0) {
		note_log(daemon, r);
		return;
	}
	/* what was taken away while the log was closed leaves a gap that can be seen */
	psc_auditlog_continue(daemon->log, &daemon->chain_end);
	daemon->chain_end = *psc_auditlog_chain(daemon->log);
	if (!daemon->recalled)
		recall(daemon);
	record_repair(daemon, &repair);
}

static void note_appended(struct psc_daemon *daemon)
{
	daemon->log_written++;
	daemon->chain_end = *psc_auditlog_chain(daemon->log);
}

/* @key: to sign with, or NULL. */
static int append(struct psc_daemon *daemon, json_t *record, const struct psc_chain_key *key)
{
	int r;

	psc_journal_open(daemon);
	if (!daemon->log)
		return daemon->log_error;
	r = psc_auditlog_append_signed(daemon->log, record, key);
	if (r < 0)
		return r;
	note_appended(daemon);
	if (key)
		daemon->log_signed = daemon->chain_end.sequence;
	psc_sinks_record(daemon, record, daemon->chain_end.sequence);
	return 0;
}

/* The record of an event, which never becomes a tree unless somebody else wants it. */
static int append_event(struct psc_daemon *daemon, const struct psc_event *event,
			const struct psc_event_context *context)
{
	char text[PSC_AUDITLOG_LINE_MAX];
	size_t length;
	int r;

	psc_journal_open(daemon);
	if (!daemon->log)
		return daemon->log_error;
	r = psc_event_format(event, context, text, sizeof(text), &length);
	if (!r)
		r = psc_auditlog_append_text(daemon->log, text, length);
	if (r < 0)
		return r;
	note_appended(daemon);
	psc_sinks_event(daemon, text, length, daemon->chain_end.sequence);
	return 0;
}

int psc_journal_append(struct psc_daemon *daemon, const json_t *record)
{
	return append(daemon, (json_t *)record, NULL);
}

/* Proves that the log can be written again, and is evidence that it could not be. */
static int append_resumption(struct psc_daemon *daemon)
{
	json_t *record;
	int r = psc_journal_record(daemon, "log_resumed", &record);

	if (r < 0)
		return r;
	psc_record_message(record,
			   "the audit log can be written again, after: %s; events that the "
			   "kernel had no room for meanwhile are counted as ring_loss",
			   strerror(-daemon->log_error));
	r = append(daemon, record, NULL);
	json_decref(record);
	return r;
}

static int sync_log(struct psc_daemon *daemon)
{
	int r = 0;

	psc_journal_open(daemon);
	if (daemon->log && daemon->log_error < 0)
		r = append_resumption(daemon);
	if (!daemon->log)
		return daemon->log_error;
	return r < 0 ? r : psc_auditlog_sync(daemon->log);
}

/* After an error: nothing is appended to a log that fails. */
static int sync_only(struct psc_daemon *daemon)
{
	return daemon->log ? psc_auditlog_sync(daemon->log) : daemon->log_error;
}

static int write_record(struct psc_daemon *daemon, json_t *record, const struct psc_chain_key *key)
{
	int r = append(daemon, record, key);

	if (!r)
		r = sync_log(daemon);
	json_decref(record);
	note_log(daemon, r);
	return r;
}

int psc_journal_write(struct psc_daemon *daemon, json_t *record)
{
	return write_record(daemon, record, NULL);
}

int psc_journal_write_signed(struct psc_daemon *daemon, json_t *record)
{
	return write_record(daemon, record, daemon->log_key);
}

const struct psc_policy *psc_journal_policy_of(const struct psc_daemon *daemon, uint64_t generation)
{
	if (generation == daemon->policy.generation || generation == daemon->adopted_generation)
		return &daemon->policy;
	return daemon->previous.generation == generation && daemon->previous.image
		       ? &daemon->previous
		       : NULL;
}

static void explain(const struct psc_policy *policy, const struct psc_event *event,
		    struct psc_event_context *context)
{
	const struct psc_image *image = policy->image;
	const struct psc_place *place = NULL;

	if (policy->held || event->subject < PSC_SUBJECT_FIRST ||
	    event->subject >= image->table.subject_count)
		return;
	if (event->place)
		place = psc_image_place(image, event->place - 1);
	context->place = place ? place->path : NULL;
	context->product = image->subjects[event->subject].product;
	context->role = psc_role_to_string(image->subjects[event->subject].role);
	context->ruling = psc_image_ruling_of(image, event->interval, event->class, event->op);
}

/* What is unverified is not known to be the product. */
static int see_product(struct psc_daemon *daemon, const struct psc_event *event,
		       const struct psc_event_context *context)
{
	char digest[2 * PSC_DIGEST_SIZE + 1];
	struct psc_sighting sighting = {
		.product = context->product,
		.how = "attempt",
		.path = event->path_length ? event->path : NULL,
		.at = event->head.boot_ns + (uint64_t)context->boot_to_wall_ns,
	};

	if (!context->product || event->unverified != PSC_UNVERIFIED_NONE)
		return 0;
	if (event->head.flags & PSC_EVENT_DIGEST_VALID) {
		psc_hex_encode(event->digest, PSC_DIGEST_SIZE, digest);
		sighting.digest = digest;
	}
	return psc_sightings_see(daemon, &sighting);
}

/* @repeats: how often the attempt came again since it was recorded, or NULL. */
static int append_decision(struct psc_daemon *daemon, const struct psc_event *event,
			   const struct psc_fold_repeats *repeats)
{
	const struct psc_policy *policy = psc_journal_policy_of(daemon, event->generation);
	struct psc_event_context context = context_of(daemon);
	struct psc_list_entry entry;
	struct psc_list_file file;
	struct psc_who who;
	int r;

	if (policy)
		explain(policy, event, &context);
	if (policy && event->head.flags & PSC_EVENT_DIGEST_VALID &&
	    !psc_list_find(policy->list, event->digest, &entry)) {
		context.product = entry.product;
		context.name = entry.name;
		context.version = entry.version;
		context.source = entry.source;
		context.list_line = entry.line;
		if (!psc_list_file(policy->list, entry.file, &file))
			context.list = file.path;
	}
	context.layer = psc_layer_of(&daemon->layer, event);
	if (repeats) {
		context.repeats = repeats->count;
		context.first_boot_ns = repeats->first_boot_ns;
	} else {
		/* What came again is not asked for anew: its first record says it. */
		psc_who_ask(daemon->who, event, &who);
		context.who = &who;
		/* before it: what fails behind it would have it written twice */
		r = see_product(daemon, event, &context);
		if (r < 0)
			return r;
	}
	return append_event(daemon, event, &context);
}

int psc_journal_decision(struct psc_daemon *daemon, const struct psc_event *event)
{
	int r;

	if (is_written(daemon, &event->head) || psc_fold_hold(daemon->fold, event))
		return 0;
	r = append_decision(daemon, event, NULL);
	if (r < 0)
		psc_fold_unwritten(daemon->fold);
	return r;
}

void psc_journal_repeats(struct psc_daemon *daemon, bool all)
{
	uint64_t until = all ? UINT64_MAX : psc_time_boot();
	struct psc_fold_repeats repeats;
	int r = 0, s;

	while (r >= 0 && psc_fold_take(daemon->fold, until, &repeats))
		r = append_decision(daemon, &repeats.event, &repeats);
	if (r < 0)
		psc_fold_put_back(daemon->fold);
	/* what was written before it failed is written */
	s = r < 0 ? sync_only(daemon) : sync_log(daemon);
	if (s < 0)
		psc_fold_rewind(daemon->fold);
	else
		psc_fold_commit(daemon->fold);
	r = r < 0 ? r : s;
	note_log(daemon, r);
	if (r < 0 && all)
		psc_say("counts of repeated records could not be written: they are kept in %s "
			"until the next start, or reboot",
			PSC_PATH_FOLD);
}

int psc_journal_timeout(const struct psc_daemon *daemon)
{
	uint64_t due = psc_fold_due(daemon->fold), now = psc_time_boot();

	/* a log that failed is tried again by the tick */
	if (due == UINT64_MAX || daemon->log_error < 0)
		return -1;
	return due <= now ? 0 : (int)((due - now + 999999) / 1000000);
}

/* Only a failing log is an error: a record that cannot be understood is counted and left. */
static int take_event(struct psc_daemon *daemon, const void *data, size_t size)
{
	const struct psc_event *event;
	json_t *record;

	if (psc_event_decode(data, size, &event) < 0) {
		if (psc_journal_record(daemon, "event_damaged", &record) < 0)
			return -ENOMEM;
		psc_record_message(record, "the kernel sent a record of %zu bytes that is damaged",
				   size);
		psc_record_failed(record);
		return psc_journal_write(daemon, record);
	}
	if (event->head.flags & PSC_EVENT_CANARY)
		return 0;
	if (event->head.type == PSC_EVENT_WANTED)
		return psc_wanted_digest(daemon, event);
	if (event->head.type == PSC_EVENT_SEEN)
		return psc_seen_record(daemon, event);
	return psc_journal_decision(daemon, event);
}

/*
 * The events that were taken are on disk: the ring gives them up, and the counts of repeats
 * become lasting. A daemon that is killed in between goes on by where the ring is.
 */
static void give_back(struct psc_daemon *daemon)
{
	psc_fold_ready(daemon->fold, psc_ring_position(daemon->ring));
	psc_ring_commit(daemon->ring);
	psc_fold_commit(daemon->fold);
	psc_seen_commit(&daemon->seen);
}

/*
 * One group; how many events it had, or the error for which some are still in the ring: those
 * whose record could not be appended, or all when it is not certain that they are on disk.
 */
static int drain_group(struct psc_daemon *daemon)
{
	unsigned long position = psc_ring_position(daemon->ring);
	const void *data;
	size_t size;
	int taken = 0, r = 0, s;

	psc_journal_open(daemon);
	if (!daemon->recalled)
		return daemon->log_error;
	for (; taken < GROUP_MAX; taken++) {
		r = psc_ring_next(daemon->ring, &data, &size);
		if (r <= 0)
			break;
		r = take_event(daemon, data, size);
		if (r < 0)
			break;
		position = psc_ring_position(daemon->ring);
	}
	if (!taken && !r)
		return 0;
	psc_ring_back(daemon->ring, position);
	s = r < 0 ? sync_only(daemon) : sync_log(daemon);
	if (s < 0) {
		psc_ring_rewind(daemon->ring);
		psc_fold_rewind(daemon->fold);
		psc_seen_rewind(&daemon->seen);
	} else {
		give_back(daemon);
	}
	if (r >= 0 && s >= 0)
		forget_tail(daemon);
	return r < 0 ? r : s < 0 ? s : taken;
}

void psc_journal_drain(struct psc_daemon *daemon)
{
	unsigned long end = psc_ring_produced(daemon->ring);
	int taken;

	do {
		taken = drain_group(daemon);
	} while (taken > 0 && psc_ring_position(daemon->ring) < end);
	if (taken)
		note_log(daemon, taken);
}

void psc_journal_drain_some(struct psc_daemon *daemon)
{
	int taken = drain_group(daemon);

	/* with nothing to write the log was not tried */
	if (taken)
		note_log(daemon, taken);
	psc_checkpoint_tick(daemon);
}

void psc_journal_losses(struct psc_daemon *daemon)
{
	struct psc_control *control = &daemon->guard->shared->control;
	struct psc_counters counters;
	uint64_t lost;
	json_t *record;

	if (psc_guard_counters(daemon->guard, &counters) < 0)
		return;
	lost = counters.dropped - control->dropped_recorded;
	if (!lost || psc_journal_record(daemon, "ring_loss", &record) < 0)
		return;
	psc_record_message(record,
			   "%llu events had no room in the kernel's ring; their verdicts stood",
			   (unsigned long long)lost);
	psc_record_failed(record);
	psc_record_set(record, "lost", json_integer(lost));
	psc_record_set(record, "lost_total", json_integer(counters.dropped));
	if (!psc_journal_write(daemon, record))
		control->dropped_recorded = counters.dropped;
}
