/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.c - records that are signed with the host's key: they vouch for what stands before
 * them in the audit log, and say that the daemon lived when nothing else happened; see daemon.h.
 */
#include "user/core/util.h"

#include "user/core/hex.h"
#include "user/core/names.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"

#define RECORDS_MAX  1000
#define AGE_NS	     (60 * PSC_NSEC_PER_SEC)
#define HEARTBEAT_NS (3600 * PSC_NSEC_PER_SEC)

void psc_checkpoint_open(struct psc_daemon *daemon)
{
	struct psc_error error = {0};
	char text[640];

	daemon->log_key_error = psc_chain_key_open(PSC_PATH_KEYS, &daemon->log_key, &error);
	if (daemon->log_key_error < 0)
		psc_say("the audit log is not signed: %s",
			psc_error_format(&error, text, sizeof(text)));
}

/* What has happened since the guard was attached, operation by operation. */
static void add_counts(struct psc_daemon *daemon, json_t *record)
{
	struct psc_counters counters;
	json_t *operations = json_object();

	if (psc_guard_counters(daemon->guard, &counters) < 0) {
		json_decref(operations);
		return;
	}
	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		json_t *verdicts = json_object();
		uint64_t all = 0;

		for (unsigned int verdict = 0; verdict < PSC_VERDICT_MAX; verdict++) {
			json_object_set_new(verdicts, psc_verdict_to_string(verdict),
					    json_integer(counters.verdict[op][verdict]));
			all += counters.verdict[op][verdict];
		}
		if (all)
			json_object_set_new(operations, psc_op_to_string(op), verdicts);
		else
			json_decref(verdicts);
	}
	psc_record_set(record, "counts", operations);
	psc_record_set(record, "events_emitted", json_integer(counters.emitted));
	psc_record_set(record, "events_dropped", json_integer(counters.dropped));
}

static void write_signed(struct psc_daemon *daemon, const char *type, const char *message)
{
	json_t *record;

	if (psc_journal_record(daemon, type, &record) < 0)
		return;
	psc_record_message(record, "%s", message);
	psc_journal_policy(daemon, record);
	add_counts(daemon, record);
	psc_journal_write_signed(daemon, record);
}

void psc_checkpoint_write(struct psc_daemon *daemon)
{
	daemon->checkpoint_boot_ns = psc_time_boot();
	if (daemon->log_key)
		write_signed(daemon, "checkpoint", "what stands before this record is signed");
}

void psc_checkpoint_tick(struct psc_daemon *daemon)
{
	uint64_t now = psc_time_boot();
	uint64_t open = daemon->chain_end.sequence - daemon->log_signed;

	if (now - daemon->heartbeat_boot_ns >= HEARTBEAT_NS) {
		daemon->heartbeat_boot_ns = daemon->checkpoint_boot_ns = now;
		write_signed(daemon, "heartbeat", "the daemon runs");
	} else if (open >= RECORDS_MAX || (open && now - daemon->checkpoint_boot_ns >= AGE_NS)) {
		psc_checkpoint_write(daemon);
	}
}
