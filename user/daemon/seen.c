/* SPDX-License-Identifier: Apache-2.0 */
/* seen.c - records of code that ran in observe mode without being listed; see daemon.h. */
#include "user/core/util.h"

#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"

#define TELL_NS (60 * PSC_NSEC_PER_SEC)

int psc_seen_record(struct psc_daemon *daemon, const struct psc_event *event)
{
	int r;

	if (!psc_seen_may(&daemon->seen, psc_time_boot()))
		return 0;
	r = psc_journal_decision(daemon, event);
	if (r < 0)
		psc_seen_unwritten(&daemon->seen);
	return r;
}

void psc_seen_tick(struct psc_daemon *daemon, bool now)
{
	struct psc_seen *seen = &daemon->seen;
	uint64_t boot_ns = psc_time_boot();
	json_t *record;

	if (!seen->left_out || (!now && boot_ns - seen->told_boot_ns < TELL_NS) ||
	    psc_journal_record(daemon, "seen_left_out", &record) < 0)
		return;
	psc_record_message(record,
			   "%llu attempts that were seen have no record: there may be %u at once "
			   "and one a second",
			   (unsigned long long)seen->left_out, PSC_SEEN_BURST);
	psc_record_set(record, "left_out", json_integer(seen->left_out));
	if (psc_journal_write(daemon, record))
		return;
	seen->left_out = 0;
	seen->told_boot_ns = boot_ns;
}

json_t *psc_seen_json(const struct psc_daemon *daemon, const struct psc_counters *counters)
{
	const struct psc_table *table = &daemon->policy.image->table;

	return json_pack("{s:b, s:I, s:I}", "recorded", !!(table->flags & PSC_TABLE_SEEN),
			 "skipped", (json_int_t)counters->seen_skipped, "left_out",
			 (json_int_t)daemon->seen.total);
}
