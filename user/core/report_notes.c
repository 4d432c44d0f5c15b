/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_notes.c - records of what was changed and of what was lost, for a report; see
 * report_internal.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/report_internal.h"
#include "user/core/json.h"

static const char *const change_types[] = {
	"start",     "stop",   "off",		"guard_off",	   "reload",  "reload_refused",
	"mode",	     "list",   "catalog",	"configuration",   "profile", "attestation",
	"exemption", "window", "override",	"legacy_decision", "clock",   "clock_set",
	"place",     "late",   "found_refused", "disarmed",	   "scan",    "first_seen",
};

static const char *const loss_types[] = {
	"ring_loss",	"event_damaged",  "log_repaired",      "log_resumed",
	"log_given_up", "resolver_blind", "resolver_overflow", "found_unverified",
	"canary",	"resolver_stuck", "found_full",	       "tamper",
};

/* What a record of a change says besides its message. */
static const char *const terms[] = {
	"id",	     "change", "by",   "reason",  "document",	   "until",
	"requester", "mode",   "path", "product", "digest_before", "digest_after",
};

static bool is_one(const char *const *types, size_t count, const char *type)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(types[i], type) == 0)
			return true;
	}
	return false;
}

int psc_report_notes_begin(struct psc_report_notes *notes)
{
	*notes = (struct psc_report_notes){
		.changes = json_array(), .losses = json_array(), .totals = json_object()};
	return notes->changes && notes->losses && notes->totals ? 0 : -ENOMEM;
}

void psc_report_notes_clear(struct psc_report_notes *notes)
{
	json_decref(notes->changes);
	json_decref(notes->losses);
	json_decref(notes->totals);
}

static json_t *note_json(const json_t *record, const char *type, uint64_t at)
{
	json_t *note = json_pack("{s:o, s:s, s:b}", "time", psc_report_time_json(at), "type", type,
				 "success", psc_report_succeeded(record));

	for (size_t i = 0; note && i < ARRAY_SIZE(terms); i++) {
		const char *text = psc_report_own_text(record, terms[i]);

		if (text)
			json_object_set_new(note, terms[i], json_string(text));
	}
	if (note && json_is_string(json_object_get(record, "message")))
		json_object_set(note, "message", json_object_get(record, "message"));
	return note;
}

static int append(struct psc_report_notes *notes, json_t *array, json_t *note)
{
	if (json_array_size(array) >= PSC_REPORT_NOTES_MAX) {
		notes->left_out++;
		json_decref(note);
		return 0;
	}
	return json_array_append_new(array, note) < 0 ? -ENOMEM : 0;
}

static int add_loss(struct psc_report_notes *notes, const json_t *record, const char *type,
		    uint64_t at)
{
	json_int_t so_far = json_integer_value(json_object_get(notes->totals, type));
	uint64_t lost = psc_report_own_number(record, "lost");
	json_t *note = note_json(record, type, at);

	if (lost) {
		notes->ring_lost += lost;
		if (note)
			json_object_set_new(note, "lost", json_integer((json_int_t)lost));
	}
	if (json_object_set_new(notes->totals, type, json_integer(so_far + 1)) < 0) {
		json_decref(note);
		return -ENOMEM;
	}
	return append(notes, notes->losses, note);
}

int psc_report_notes_add(struct psc_report_notes *notes, const json_t *record, uint64_t at)
{
	const char *type = psc_report_own_text(record, "type");

	/* an attempt has a verdict */
	if (!type || psc_report_own_text(record, "verdict"))
		return 0;
	if (is_one(loss_types, ARRAY_SIZE(loss_types), type) &&
	    (strcmp(type, "canary") != 0 || !psc_report_succeeded(record)))
		return add_loss(notes, record, type, at);
	if (is_one(change_types, ARRAY_SIZE(change_types), type))
		return append(notes, notes->changes, note_json(record, type, at));
	return 0;
}
