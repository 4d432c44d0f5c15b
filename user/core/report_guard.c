/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_guard.c - when the guard was on, by the records of an audit log: each boot has an id,
 * each record the boot clock, and a start says when the guard was attached; see
 * report_internal.h. Where nothing speaks for the guard, it is "unknown", not on.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/report_internal.h"
#include "user/core/json.h"
#include "user/core/timefmt.h"

/* A daemon that lives writes a heartbeat each hour; a busy host may be late with it. */
#define SILENCE_NS (65 * 60 * PSC_NSEC_PER_SEC)

enum state {
	STATE_UNKNOWN = 0, /* nothing is known of this time */
	STATE_BOOT = 1,	   /* the host is up, the guard not attached yet */
	STATE_OBSERVE = 2,
	STATE_ENFORCE = 3,
	STATE_OFF = 4, /* taken off */
	STATE_SILENCE = 5,
	STATE_STOPPED = 6, /* the daemon, not the guard */
	STATE_DIED = 7,
};

static const char *const state_names[] = {
	[STATE_UNKNOWN] = "unknown", [STATE_BOOT] = "boot", [STATE_OBSERVE] = "observe",
	[STATE_ENFORCE] = "enforce", [STATE_OFF] = "off",   [STATE_SILENCE] = "silence",
	[STATE_STOPPED] = "stopped", [STATE_DIED] = "died",
};

struct interval {
	enum state state;
	uint64_t from;
	uint64_t until;
};

struct psc_report_guard {
	uint64_t until; /* of the period */
	struct interval *interval;
	size_t count;
	uint64_t left_out;
	enum state state; /* since @since */
	uint64_t since;
	char boot[64];
	uint64_t boots;
	uint64_t first; /* times of the first and the last record; 0: none */
	uint64_t last;
	bool running; /* the daemon */
	uint64_t stopped;
	uint64_t heartbeats;
	uint64_t backwards; /* records whose time is before that of the one before */
};

int psc_report_guard_new(uint64_t until, struct psc_report_guard **ret)
{
	struct psc_report_guard *guard = calloc(1, sizeof(*guard));

	if (!guard)
		return -ENOMEM;
	guard->until = until;
	*ret = guard;
	return 0;
}

struct psc_report_guard *psc_report_guard_free(struct psc_report_guard *guard)
{
	if (guard)
		free(guard->interval);
	free(guard);
	return NULL;
}

static int put(struct psc_report_guard *guard, enum state state, uint64_t from, uint64_t until)
{
	struct interval *grown;

	if (from >= until)
		return 0;
	if (guard->count >= PSC_REPORT_INTERVALS_MAX) {
		guard->left_out++;
		return 0;
	}
	grown = reallocarray(guard->interval, guard->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	guard->interval = grown;
	grown[guard->count++] = (struct interval){state, from, until};
	return 0;
}

/* From @at on it is @state. */
static int change(struct psc_report_guard *guard, enum state state, uint64_t at)
{
	int r;

	if (state == guard->state)
		return 0;
	if (at < guard->since)
		at = guard->since;
	r = put(guard, guard->state, guard->since, at);
	guard->state = state;
	guard->since = at;
	return r;
}

static bool is_on(const struct psc_report_guard *guard)
{
	return guard->state == STATE_OBSERVE || guard->state == STATE_ENFORCE;
}

/* How long the boot clock says that @boot_ns is ago, @at being now: as wall clock. */
static uint64_t wall_of(uint64_t at, uint64_t boot_now, uint64_t boot_ns)
{
	uint64_t ago = boot_now > boot_ns ? boot_now - boot_ns : 0;

	return at > ago ? at - ago : 0;
}

/* Between the last record of a boot and the next boot nobody knows. */
static int next_boot(struct psc_report_guard *guard, const char *boot, uint64_t at,
		     uint64_t boot_now)
{
	uint64_t began = wall_of(at, boot_now, 0);
	int r = 0;

	if (guard->boots)
		r = change(guard, STATE_UNKNOWN, guard->last);
	guard->boots++;
	guard->running = false;
	guard->stopped = 0;
	snprintf(guard->boot, sizeof(guard->boot), "%s", boot);
	if (r >= 0)
		r = change(guard, STATE_BOOT, began);
	return r;
}

/* The daemon said nothing for longer than it can, or began anew without having ended. */
static int note_silence(struct psc_report_guard *guard, const char *type, uint64_t at)
{
	if (guard->running && strcmp(type, "start") == 0)
		return put(guard, STATE_DIED, guard->last, at);
	if (guard->running && at > guard->last && at - guard->last > SILENCE_NS)
		return put(guard, STATE_SILENCE, guard->last, at);
	if (guard->stopped && strcmp(type, "start") == 0 && is_on(guard))
		return put(guard, STATE_STOPPED, guard->stopped, at);
	return 0;
}

static int take_mode(struct psc_report_guard *guard, const json_t *record, uint64_t at)
{
	const char *mode = psc_report_own_text(record, "mode");

	if (!mode || !is_on(guard))
		return 0;
	return change(guard, strcmp(mode, "enforce") == 0 ? STATE_ENFORCE : STATE_OBSERVE, at);
}

static int take_start(struct psc_report_guard *guard, const json_t *record, uint64_t at)
{
	uint64_t attached = psc_report_own_number(record, "attached_boot_ns");
	const char *mode = psc_report_own_text(record, "mode");
	enum state on = mode && strcmp(mode, "enforce") == 0 ? STATE_ENFORCE : STATE_OBSERVE;
	uint64_t since = wall_of(at, psc_report_own_number(record, "boot_ns"), attached);

	guard->running = true;
	guard->stopped = 0;
	/* one that was on already may have got another mode only now */
	return change(guard, on, is_on(guard) ? at : since);
}

static int take_stop(struct psc_report_guard *guard, const json_t *record, uint64_t at)
{
	const char *left = psc_report_own_text(record, "guard");

	guard->running = false;
	guard->stopped = at;
	if (!left || strcmp(left, "on") == 0 || !is_on(guard))
		return 0;
	return change(guard, strcmp(left, "off") == 0 ? STATE_OFF : STATE_UNKNOWN, at);
}

/*
 * Somebody took the guard away when no daemon looked: since when is told afterwards, and of `off`
 * as well if no daemon was there to write a record of it.
 */
static int take_absence(struct psc_report_guard *guard, const json_t *record)
{
	const char *from = psc_report_own_text(record, "from");
	const char *reason = psc_report_own_text(record, "reason");
	uint64_t since;

	if (!is_on(guard) || !reason || !from || psc_time_parse(from, &since) < 0 ||
	    (strcmp(reason, "lost") != 0 && strcmp(reason, "off") != 0))
		return 0;
	return change(guard, STATE_OFF, since);
}

/* A guard that is not whole is not known to be on. */
static int take_tampering(struct psc_report_guard *guard, const json_t *record, uint64_t at)
{
	const char *what = psc_report_own_text(record, "what");
	const char *left = psc_report_own_text(record, "guard");

	if (!is_on(guard) || !what || strcmp(what, "pins") != 0)
		return 0;
	return change(guard, left && strcmp(left, "off") == 0 ? STATE_OFF : STATE_UNKNOWN, at);
}

static int take(struct psc_report_guard *guard, const json_t *record, const char *type, uint64_t at)
{
	if (strcmp(type, "start") == 0)
		return take_start(guard, record, at);
	if (strcmp(type, "stop") == 0)
		return take_stop(guard, record, at);
	if (strcmp(type, "guard_off") == 0)
		return take_absence(guard, record);
	if (strcmp(type, "tamper") == 0)
		return take_tampering(guard, record, at);
	if (strcmp(type, "off") == 0)
		return psc_report_succeeded(record) ? change(guard, STATE_OFF, at) : 0;
	guard->heartbeats += strcmp(type, "heartbeat") == 0;
	return take_mode(guard, record, at);
}

int psc_report_guard_add(struct psc_report_guard *guard, const json_t *record, uint64_t at)
{
	const json_t *host = json_object_get(record, "host");
	const char *boot = json_string_value(json_object_get(json_object_get(host, "boot"), "id"));
	const char *type = psc_report_own_text(record, "type");
	int r = 0;

	if (!type || at >= guard->until)
		return 0;
	if (boot && strncmp(boot, guard->boot, sizeof(guard->boot) - 1) != 0)
		r = next_boot(guard, boot, at, psc_report_own_number(record, "boot_ns"));
	if (r >= 0)
		r = note_silence(guard, type, at);
	if (!guard->first)
		guard->first = at;
	/* attempts wait in the kernel until they are recorded: their order is not that of the log */
	if (psc_report_own_text(record, "verdict")) {
		guard->last = at > guard->last ? at : guard->last;
		return r;
	}
	if (r >= 0)
		r = take(guard, record, type, at);
	guard->backwards += at + PSC_NSEC_PER_SEC < guard->last;
	guard->last = at;
	return r;
}

/* What is known of the time after the last record: that a daemon which lives may still be quiet. */
static int end(struct psc_report_guard *guard)
{
	int r;

	if (!guard->last)
		return put(guard, STATE_UNKNOWN, 0, guard->until);
	if (guard->running && guard->until - guard->last <= SILENCE_NS)
		return put(guard, guard->state, guard->since, guard->until);
	r = guard->running ? put(guard, STATE_SILENCE, guard->last, guard->until) : 0;
	/* taken off stays off until somebody says otherwise */
	if (r >= 0 && guard->state != STATE_OFF)
		r = change(guard, STATE_UNKNOWN, guard->last);
	return r < 0 ? r : put(guard, guard->state, guard->since, guard->until);
}

json_t *psc_report_guard_json(struct psc_report_guard *guard, uint64_t from)
{
	uint64_t seconds[ARRAY_SIZE(state_names)] = {0};
	json_t *intervals = json_array(), *sums = json_object();

	if (end(guard) < 0 || !intervals || !sums) {
		json_decref(intervals);
		json_decref(sums);
		return NULL;
	}
	for (size_t i = 0; i < guard->count; i++) {
		const struct interval *part = &guard->interval[i];
		uint64_t begin = part->from > from ? part->from : from;

		if (part->until <= begin)
			continue;
		seconds[part->state] += (part->until - begin) / PSC_NSEC_PER_SEC;
		json_array_append_new(
			intervals,
			json_pack("{s:s, s:s, s:o, s:o, s:I}", "of",
				  part->state < STATE_SILENCE ? "guard" : "daemon", "state",
				  state_names[part->state], "from", psc_report_time_json(begin),
				  "until", psc_report_time_json(part->until), "seconds",
				  (json_int_t)((part->until - begin) / PSC_NSEC_PER_SEC)));
	}
	for (size_t i = 0; i < ARRAY_SIZE(state_names); i++)
		json_object_set_new(sums, state_names[i], json_integer((json_int_t)seconds[i]));
	return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I}", "intervals", intervals, "seconds", sums,
			 "left_out", (json_int_t)guard->left_out, "boots", (json_int_t)guard->boots,
			 "heartbeats", (json_int_t)guard->heartbeats, "clock_went_back",
			 (json_int_t)guard->backwards);
}
