/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logkeep.c - when the audit log goes over to a new file, and what becomes of the older ones;
 * see daemon.h.
 */
#include "user/core/util.h"

#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"

#define FILE_AGE_NS (86400 * PSC_NSEC_PER_SEC)

/* A clock that was set back must not begin a file with every tick. */
static bool is_due(const struct psc_daemon *daemon)
{
	uint64_t begun = psc_auditlog_begun(daemon->log), now = psc_time_now();
	uint64_t size = psc_auditlog_size(daemon->log);

	if (size >= daemon->policy.config->log_file_size)
		return true;
	return size && begun < now && now - begun >= FILE_AGE_NS;
}

/* The chain vouches for what is in the old file by the first record of the new one. */
static void rotate(struct psc_daemon *daemon)
{
	int r = psc_auditlog_rotate(daemon->log);

	if (r < 0)
		psc_say("no new file can be begun for the audit log, it goes on in the old one: %s",
			strerror(-r));
	else
		psc_checkpoint_write(daemon);
}

static void record_gone(struct psc_daemon *daemon, const struct psc_keeper_gone *gone)
{
	json_t *record;

	if (psc_journal_record(daemon, "log_given_up", &record) < 0)
		return;
	psc_record_message(record,
			   "%s was removed: the log had more than its total_size; what is left "
			   "begins with record %llu",
			   gone->name, (unsigned long long)gone->next_sequence);
	psc_record_set_string(record, "file", gone->name);
	psc_record_set(record, "bytes", json_integer(gone->bytes));
	psc_record_set(record, "next_sequence", json_integer(gone->next_sequence));
	psc_journal_write(daemon, record);
}

static void say_once(struct psc_daemon *daemon, int r)
{
	if (r < 0 && r != daemon->keeper_error)
		psc_say("older files of the audit log cannot be looked after: %s", strerror(-r));
	daemon->keeper_error = r < 0 ? r : 0;
}

static int look_after(struct psc_daemon *daemon)
{
	struct psc_keeper_gone gone;
	int r = 0;

	if (!daemon->keeper)
		r = psc_keeper_new(daemon->policy.config->log_directory, &daemon->keeper);
	if (!r)
		r = psc_keeper_pack(daemon->keeper);
	if (r < 0)
		return r;
	r = psc_keeper_give_up(daemon->keeper, daemon->policy.config->log_total_size, &gone);
	if (r > 0) {
		record_gone(daemon, &gone);
		psc_sightings_repeat(daemon, gone.next_sequence);
	}
	return r;
}

void psc_logkeep_tick(struct psc_daemon *daemon)
{
	if (!daemon->log)
		return;
	if (is_due(daemon))
		rotate(daemon);
	if (daemon->log)
		say_once(daemon, look_after(daemon));
}

void psc_logkeep_close(struct psc_daemon *daemon)
{
	daemon->keeper = psc_keeper_free(daemon->keeper);
}
