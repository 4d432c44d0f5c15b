/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tamper.c - the look, every few seconds, whether somebody has laid hands on the guard or its log
 * behind our back; see daemon.h. It finds what is left to be seen and who did it is not among that:
 * docs/threat-model.md has the limits.
 */
#include "user/core/util.h"

#include "user/core/names.h"
#include "user/daemon/daemon.h"

static json_t *begin(struct psc_daemon *daemon, const char *what, const char *message,
		     const char *remedy)
{
	json_t *record;

	psc_say("tampering: %s; %s", message, remedy);
	if (psc_journal_record(daemon, "tamper", &record) < 0)
		return NULL;
	psc_record_message(record, "%s; remedy: %s", message, remedy);
	psc_record_failed(record);
	psc_record_set_string(record, "what", what);
	psc_record_set_string(record, "remedy", remedy);
	return record;
}

/* ---- pins ---------------------------------------------------------------------------------- */

static void record_pins(struct psc_daemon *daemon, const char *const *missing, int count)
{
	enum psc_guard_state state = psc_off_state(daemon);
	const char *message =
		state == PSC_GUARD_OFF
			? "the guard was taken away without proscribe off: nothing is refused"
		: state == PSC_GUARD_UNPINNED
			? "the guard's pins were removed without proscribe off: it ends when the "
			  "kernel drops it"
			: "some of the guard's pins were removed: what they held is not attached "
			  "any more";
	const char *remedy = state == PSC_GUARD_ON ? "proscribe off, then start proscribed"
						   : "restart proscribed";
	json_t *record = begin(daemon, "pins", message, remedy);
	json_t *names = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(names, json_string(missing[i]));
	if (!record) {
		json_decref(names);
		return;
	}
	psc_record_set(record, "missing", names);
	psc_record_set_string(record, "guard", psc_guard_state_to_string(state));
	psc_journal_write(daemon, record);
}

static void look_at_pins(struct psc_daemon *daemon)
{
	const char *missing[PSC_GUARD_PINS_MAX];
	int count = psc_guard_missing_pins(daemon->guard, missing);

	if ((size_t)count > daemon->tamper.pins)
		record_pins(daemon, missing, count);
	daemon->tamper.pins = (size_t)count;
}

/* ---- the kernel's table -------------------------------------------------------------------- */

/* Of a policy that is held nobody knows what it was. */
static void look_at_table(struct psc_daemon *daemon)
{
	const struct psc_policy *policy = &daemon->policy;
	bool altered =
		!policy->held && !psc_guard_has(daemon->guard, policy->image, policy->generation);
	json_t *record = NULL;

	if (altered && !daemon->tamper.table)
		record = begin(daemon, "table",
			       "the policy in the kernel is not the one that was put there",
			       "proscribe reload");
	daemon->tamper.table = altered;
	if (record)
		psc_journal_write(daemon, record);
}

/* ---- the log ------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	const char *message;
} log_states[] = {
	[PSC_AUDITLOG_REMOVED] = {"log_removed", "the audit log's file was removed or renamed"},
	[PSC_AUDITLOG_CUT] = {"log_cut", "the audit log's file was made shorter"},
	[PSC_AUDITLOG_ALTERED] = {"log_altered",
				  "somebody else wrote to the audit log's file, or changed its "
				  "owner or mode"},
};

/* The record goes into the log as it is now; into a new file when the old one is gone. */
static void look_at_log(struct psc_daemon *daemon)
{
	enum psc_auditlog_state state;
	json_t *record;

	if (!daemon->log)
		return;
	state = psc_auditlog_look(daemon->log);
	if (state == PSC_AUDITLOG_SOUND)
		return;
	record = begin(daemon, log_states[state].what, log_states[state].message,
		       "see proscribe log verify, with an anchor that was kept elsewhere");
	if (!record)
		return;
	psc_record_set_string(record, "path", psc_auditlog_path(daemon->log));
	psc_record_set(record, "next_sequence",
		       json_integer((json_int_t)daemon->chain_end.sequence + 1));
	if (state == PSC_AUDITLOG_REMOVED)
		psc_journal_close(daemon);
	psc_journal_write(daemon, record);
}

void psc_tamper_tick(struct psc_daemon *daemon)
{
	/* taken off by us, it is not whole for a while */
	if (daemon->leaving[0] || daemon->stopping)
		return;
	look_at_pins(daemon);
	look_at_table(daemon);
	look_at_log(daemon);
}
