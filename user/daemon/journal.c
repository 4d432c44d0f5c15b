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
	record_repair(daemon, &repair);
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
	daemon->log_written++;
	daemon->chain_end = *psc_auditlog_chain(daemon->log);
	if (key)
		daemon->log_signed = daemon->chain_end.sequence;
	psc_sinks_record(daemon, record, daemon->chain_end.sequence);
	return 0;
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

/*
 * By now the process may be another program, or gone. What came again is not asked for anew: its
 * first record says it.
 */
static int append_who(struct psc_daemon *daemon, const struct psc_event *event, json_t *record)
{
	struct psc_who who;

	psc_who_ask(daemon->who, event, &who);
	return psc_who_record(record, &who);
}

/* @repeats: how often the attempt came again since it was recorded, or NULL. */
static int append_decision(struct psc_daemon *daemon, const struct psc_event *event,
			   const struct psc_fold_repeats *repeats)
{
	const struct psc_policy *policy = psc_journal_policy_of(daemon, event->generation);
	struct psc_event_context context = context_of(daemon);
	struct psc_list_entry entry;
	struct psc_list_file file;
	json_t *record;
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
	r = psc_event_to_json(event, &context, &record);
	if (r < 0)
		return r;
	if (repeats) {
		psc_record_set(record, "repeats", json_integer(repeats->count));
		psc_record_set(record, "first_boot_ns", json_integer(repeats->first_boot_ns));
	} else {
		r = append_who(daemon, event, record);
	}
	if (!r)
		r = append(daemon, record, NULL);
	json_decref(record);
	return r;
}

int psc_journal_decision(struct psc_daemon *daemon, const struct psc_event *event)
{
	return psc_fold_hold(daemon->fold, event) ? 0 : append_decision(daemon, event, NULL);
}

void psc_journal_repeats(struct psc_daemon *daemon, bool all)
{
	uint64_t until = all ? UINT64_MAX : psc_time_boot();
	struct psc_fold_repeats repeats;
	int r = 0;

	while (r >= 0 && psc_fold_take(daemon->fold, until, &repeats))
		r = append_decision(daemon, &repeats.event, &repeats);
	if (r >= 0)
		r = sync_log(daemon);
	if (r < 0)
		psc_fold_rewind(daemon->fold);
	else
		psc_fold_commit(daemon->fold);
	note_log(daemon, r);
	if (r < 0 && all)
		psc_say("counts of repeated records that could not be written are lost");
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
	return psc_journal_decision(daemon, event);
}

/* One group; how many events it had, or the error for which they are still in the ring. */
static int drain_group(struct psc_daemon *daemon)
{
	const void *data;
	size_t size;
	int taken = 0, r = 0;

	while (taken < GROUP_MAX && psc_ring_next(daemon->ring, &data, &size) > 0) {
		r = take_event(daemon, data, size);
		if (r < 0)
			break;
		taken++;
	}
	if (!r && taken)
		r = sync_log(daemon);
	if (r < 0) {
		psc_ring_rewind(daemon->ring);
		psc_fold_rewind(daemon->fold);
		return r;
	}
	psc_ring_commit(daemon->ring);
	psc_fold_commit(daemon->fold);
	return taken;
}

void psc_journal_drain(struct psc_daemon *daemon)
{
	unsigned long end = psc_ring_produced(daemon->ring);
	int taken;

	do {
		taken = drain_group(daemon);
	} while (taken > 0 && psc_ring_position(daemon->ring) < end);
	note_log(daemon, taken);
}

void psc_journal_drain_some(struct psc_daemon *daemon)
{
	note_log(daemon, drain_group(daemon));
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
