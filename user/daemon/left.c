/* SPDX-License-Identifier: Apache-2.0 */
/*
 * left.c - what a guard told of that was taken off before it was in the log: `proscribe off`
 * without a daemon, or a daemon whose log fails, leaves its ring in the kernel. It is read as the
 * ring of a guard that is on, with the loss and the repeats that belong to it, before there is
 * another guard. See daemon.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>

#include "user/core/paths.h"
#include "user/daemon/daemon.h"

static int write_loss(struct psc_daemon *daemon, uint64_t events, const char *boot_id,
		      const char *why)
{
	json_t *record;
	int r = psc_journal_record(daemon, "ring_loss", &record);

	if (r < 0)
		return r;
	psc_record_message(record, "%llu events are lost: %s; their verdicts stood",
			   (unsigned long long)events, why);
	psc_record_failed(record);
	psc_record_set(record, "lost", json_integer((json_int_t)events));
	psc_record_set_string(record, "reason", "off");
	psc_record_set_string(record, "lost_boot_id", boot_id);
	return psc_journal_write(daemon, record);
}

static int record_loss(struct psc_daemon *daemon, const struct psc_unread *unread)
{
	return write_loss(daemon, unread->events, unread->boot_id,
			  "the guard was taken off before a daemon had read them");
}

/* Without a total: that would be taken for the one of the guard that is on. */
static void record_drops(struct psc_daemon *daemon)
{
	struct psc_control *control = &daemon->guard->shared->control;
	struct psc_counters counters;

	if (psc_guard_counters(daemon->guard, &counters) < 0 ||
	    counters.dropped <= control->dropped_recorded)
		return;
	if (!write_loss(daemon, counters.dropped - control->dropped_recorded, daemon->boot_id,
			"the ring of the guard that was taken off had no room for them"))
		control->dropped_recorded = counters.dropped;
}

/* The counts of repeats are of that guard, and stay with it until they are told. */
static int open_fold(struct psc_daemon *daemon)
{
	const struct psc_fold_ring ring = {
		.boot_id = daemon->boot_id,
		.attached_ns = daemon->guard->shared->control.attached_ns,
		.position = psc_ring_position(daemon->ring),
	};

	if (access(PSC_PATH_FOLD_LEFT, F_OK) < 0)
		rename(PSC_PATH_FOLD, PSC_PATH_FOLD_LEFT);
	if (!psc_fold_open(PSC_PATH_FOLD_LEFT, &ring, &daemon->fold))
		return 0;
	return psc_fold_new(&daemon->fold);
}

/* Whether all of it is in the log now. */
static bool read_all(struct psc_daemon *daemon)
{
	int r = psc_ring_new(daemon->guard->events_fd, &daemon->ring);

	if (!r)
		r = open_fold(daemon);
	if (r < 0) {
		psc_say("what waits in " PSC_PATH_BPFFS_LEFT " cannot be read: %s", strerror(-r));
		return false;
	}
	psc_restored_recognise(daemon);
	psc_journal_drain(daemon);
	psc_journal_repeats(daemon, true);
	record_drops(daemon);
	return daemon->log_error >= 0 &&
	       psc_ring_position(daemon->ring) == psc_ring_produced(daemon->ring);
}

/* Nothing of that guard shall be taken for the next one's. */
static void forget(struct psc_daemon *daemon)
{
	daemon->fold = psc_fold_free(daemon->fold);
	daemon->ring = psc_ring_free(daemon->ring);
	daemon->guard = psc_guard_free(daemon->guard);
	daemon->adopted_generation = 0;
	psc_policy_clear(&daemon->previous);
	psc_journal_close(daemon);
	free(daemon->tail);
	daemon->tail = NULL;
	daemon->recalled = false;
}

/* Lines about events that waited in this boot: they were written, or will never be. */
static void settle(const struct psc_daemon *daemon, bool written)
{
	struct psc_unread unread[PSC_UNREAD_MAX];
	int count = psc_unread_read(PSC_PATH_UNREAD, unread), left = 0, r;

	for (int i = 0; i < count; i++) {
		if (unread[i].kept && strcmp(unread[i].boot_id, daemon->boot_id) == 0) {
			if (written)
				continue;
			unread[i].kept = false;
		}
		unread[left++] = unread[i];
	}
	r = count < 0 ? count : psc_unread_write(PSC_PATH_UNREAD, unread, (size_t)left);
	if (r < 0)
		psc_say(PSC_PATH_UNREAD ": %s", strerror(-r));
}

static void end(const struct psc_daemon *daemon, bool written)
{
	int r;

	settle(daemon, written);
	r = psc_guard_remove_left();
	if (r < 0)
		psc_say(PSC_PATH_BPFFS_LEFT " cannot be removed: %s", strerror(-r));
	unlink(PSC_PATH_FOLD_LEFT);
}

void psc_left_collect(struct psc_daemon *daemon)
{
	int r = daemon->policy.config ? psc_guard_open_left(&daemon->guard) : -ENOENT;
	bool written;

	if (r == -ENOENT)
		return;
	if (r == -ESTALE) {
		psc_say("what waits in " PSC_PATH_BPFFS_LEFT " is of a guard of another version: "
			"its events cannot be read");
		end(daemon, false);
		return;
	}
	if (r < 0) {
		psc_say(PSC_PATH_BPFFS_LEFT " cannot be opened: %s", strerror(-r));
		return;
	}
	written = read_all(daemon);
	forget(daemon);
	if (written)
		end(daemon, true);
	else
		psc_say("events of the guard that was taken off wait in " PSC_PATH_BPFFS_LEFT
			" until the next start, or reboot");
}

void psc_left_record(struct psc_daemon *daemon)
{
	struct psc_unread unread[PSC_UNREAD_MAX];
	int count = psc_unread_read(PSC_PATH_UNREAD, unread), waiting = 0, r = 0;

	for (int i = 0; i < count; i++) {
		bool waits = unread[i].kept && access(PSC_PATH_BPFFS_LEFT, F_OK) == 0 &&
			     strcmp(unread[i].boot_id, daemon->boot_id) == 0;

		if (waits || record_loss(daemon, &unread[i]) < 0)
			unread[waiting++] = unread[i];
	}
	if (count > 0 && waiting < count)
		r = psc_unread_write(PSC_PATH_UNREAD, unread, (size_t)waiting);
	if (count < 0 || r < 0)
		psc_say(PSC_PATH_UNREAD ": %s; events that were lost may be told twice, or not",
			strerror(count < 0 ? -count : -r));
}

/* Everything that the ring has, and what it had no room for and no record tells. */
static uint64_t count_unread(const struct psc_daemon *daemon)
{
	struct psc_counters counters;
	uint64_t events = 0;
	const void *data;
	size_t size;

	while (psc_ring_next(daemon->ring, &data, &size) > 0)
		events++;
	psc_ring_rewind(daemon->ring);
	if (psc_guard_counters(daemon->guard, &counters) >= 0)
		events += counters.dropped - daemon->guard->shared->control.dropped_recorded;
	return events;
}

void psc_left_keep(struct psc_daemon *daemon)
{
	struct psc_unread unread = {.kept = true};
	int r;

	if (daemon->log_error >= 0)
		return;
	unread.events = count_unread(daemon);
	/* also without any: counts of repeats are read with their ring */
	r = psc_guard_leave(daemon->guard);
	if (!unread.events)
		return;
	unread.kept = r >= 0;
	snprintf(unread.boot_id, sizeof(unread.boot_id), "%s", daemon->boot_id);
	if (psc_unread_add(PSC_PATH_UNREAD, &unread) < 0)
		psc_say(PSC_PATH_UNREAD " cannot be written");
	psc_say("%llu events that could not be written to the log %s",
		(unsigned long long)unread.events,
		r < 0 ? "are lost" : "wait for the next start; a reboot loses them");
}
