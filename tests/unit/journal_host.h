/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_host.h - the rest of the daemon for tests that include user/daemon/journal.c: a guard
 * without a kernel, and nobody else to tell. The ring is the test's own.
 */
#pragma once

static struct psc_shared host_shared;
static struct psc_guard host_guard = {.shared = &host_shared};

/* Called when journal.c calls; NULL: nothing is. */
static void (*host_called)(void);

int psc_guard_counters(const struct psc_guard *guard, struct psc_counters *ret)
{
	return -ENOSYS;
}

int psc_wanted_digest(struct psc_daemon *daemon, const struct psc_event *event)
{
	return 0;
}

void psc_checkpoint_tick(struct psc_daemon *daemon)
{
}

void psc_logkeep_close(struct psc_daemon *daemon)
{
}

void psc_who_ask(struct psc_who_reader *reader, const struct psc_event *event, struct psc_who *ret)
{
	if (host_called)
		host_called();
	memset(ret, 0, sizeof(*ret));
}

static unsigned int sightings;

int psc_sightings_see(struct psc_daemon *daemon, const struct psc_sighting *sighting)
{
	sightings++;
	return 0;
}

void psc_sinks_record(struct psc_daemon *daemon, const json_t *record, uint64_t sequence)
{
	if (host_called)
		host_called();
}

void psc_sinks_event(struct psc_daemon *daemon, const char *text, size_t size, uint64_t sequence)
{
	psc_sinks_record(daemon, NULL, sequence);
}

const char *psc_layer_of(struct psc_layer *layer, const struct psc_event *event)
{
	return NULL;
}

static unsigned int said;

void psc_say(const char *fmt, ...)
{
	said++;
}
