/* SPDX-License-Identifier: Apache-2.0 */
/*
 * absence.c - when the guard was not on: from boot to its first start, after `proscribe off`, and
 * when somebody has taken it away while no daemon looked. A daemon, or `proscribe off` without one,
 * leaves a line in PSC_PATH_ABSENCE for the next one; it goes with the boot. See daemon.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <inttypes.h>

#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"

#define LINE_MAX_SIZE 256

/* "BOOT-ID on|off NS REQUESTER": whoever wrote it last saw the guard at that time. */
static bool parse(const char *line, const char *boot_id, struct psc_daemon *daemon)
{
	char boot[64], state[8], requester[64] = "";
	uint64_t ns;
	int n = sscanf(line, "%63s %7s %" SCNu64 " %63[^\n]", boot, state, &ns, requester);

	if (n < 3 || strcmp(boot, boot_id) != 0 || ns > psc_time_boot())
		return false;
	daemon->absence.from_ns = ns;
	daemon->absence.reason = strcmp(state, "off") == 0 ? "off" : "lost";
	if (n == 4)
		snprintf(daemon->absence.requester, sizeof(daemon->absence.requester), "%s",
			 requester);
	return true;
}

void psc_absence_read(struct psc_daemon *daemon)
{
	_cleanup_fclose_ FILE *f = fopen(PSC_PATH_ABSENCE, "re");
	char line[LINE_MAX_SIZE];

	daemon->absence.reason = "boot";
	daemon->absence.from_ns = 0;
	if (f && fgets(line, sizeof(line), f))
		parse(line, daemon->boot_id, daemon);
}

static void write_line(const struct psc_daemon *daemon, const char *state, const char *requester)
{
	psc_handover_guard(PSC_PATH_ABSENCE, daemon->boot_id, state, psc_time_boot(), requester);
}

void psc_absence_tick(struct psc_daemon *daemon)
{
	if (!daemon->leaving[0] && !daemon->stopping && psc_off_state(daemon) == PSC_GUARD_ON)
		write_line(daemon, "on", "");
}

void psc_absence_off(struct psc_daemon *daemon, const char *requester)
{
	write_line(daemon, "off", requester);
}

static json_t *time_of(uint64_t boot_ns)
{
	uint64_t now = psc_time_boot();
	char text[PSC_TIME_TEXT_MAX];

	return json_string(
		psc_time_format(psc_time_now() - (now > boot_ns ? now - boot_ns : 0), text));
}

void psc_absence_record(struct psc_daemon *daemon)
{
	static const struct {
		const char *reason;
		const char *words;
	} reasons[] = {
		{"boot", "from the boot until it was attached"},
		{"off", "taken off"},
		{"lost", "somebody else took it away, after it was seen on last"},
	};
	uint64_t from = daemon->absence.from_ns;
	uint64_t until = daemon->guard->shared->control.attached_ns;
	const char *words = "";
	json_t *record;

	if (!daemon->guard->adopted && until > from &&
	    psc_journal_record(daemon, "guard_off", &record) >= 0) {
		for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
			if (strcmp(daemon->absence.reason, reasons[i].reason) == 0)
				words = reasons[i].words;
		}
		psc_record_message(record, "the guard was not on for %llu s: %s",
				   (unsigned long long)((until - from) / PSC_NSEC_PER_SEC), words);
		psc_record_set_string(record, "reason", daemon->absence.reason);
		psc_record_set(record, "from", time_of(from));
		psc_record_set(record, "until", time_of(until));
		psc_record_set(record, "from_boot_ns", json_integer((json_int_t)from));
		psc_record_set(record, "until_boot_ns", json_integer((json_int_t)until));
		if (daemon->absence.requester[0])
			psc_record_set_string(record, "requester", daemon->absence.requester);
		psc_journal_write(daemon, record);
	}
	psc_absence_tick(daemon);
}
