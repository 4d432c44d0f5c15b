/* SPDX-License-Identifier: Apache-2.0 */
/*
 * off.c - taking the guard away, and what state it is in meanwhile; see daemon.h.
 *
 * Removing the pins is ours to do. Dropping the programs is the kernel's, a little later, or
 * much later when somebody else holds them. Until it has, the guard refuses, and that is said.
 */
#include "user/core/util.h"

#include <errno.h>
#include <stdarg.h>

#include "user/core/paths.h"
#include "user/daemon/daemon.h"

#define OFF_TIMEOUT_MS 10000

enum psc_guard_state psc_off_state(const struct psc_daemon *daemon)
{
	if (access(PSC_PATH_BPFFS, F_OK) == 0)
		return PSC_GUARD_ON;
	/* a policy that is held does not have our canary: nobody can tell */
	return daemon->policy.held || psc_canary_refused(&daemon->canary) ? PSC_GUARD_UNPINNED
									  : PSC_GUARD_OFF;
}

const char *psc_guard_state_to_string(enum psc_guard_state state)
{
	static const char *const names[] = {"on", "unpinned", "off"};

	return names[state];
}

static void finish(struct psc_daemon *daemon, const char *requester)
{
	psc_journal_drain(daemon);
	psc_absence_off(daemon, requester);
	psc_journal_change(daemon, "off", requester, true,
			   daemon->policy.held ? "the guard's pins were removed; that the kernel "
						 "has dropped it is not proven"
					       : "the guard was removed");
	psc_left_keep(daemon);
	psc_say("the guard is off (%s)", requester);
	daemon->stopping = true;
}

static void _printf_(4, 5) report(struct psc_daemon *daemon, const char *requester,
				  struct psc_error *reterr, const char *fmt, ...)
{
	char message[PSC_ERROR_MESSAGE_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	psc_error_set(reterr, NULL, 0, 0, "%s", message);
	psc_say("off (%s): %s", requester, message);
	psc_journal_change(daemon, "off", requester, false, message);
}

/* Whether the canary is refused still after a while; the kernel drops programs a little later. */
static bool refuses_still(const struct psc_daemon *daemon)
{
	for (int ms = 0; psc_canary_refused(&daemon->canary); ms += 20) {
		if (ms >= OFF_TIMEOUT_MS)
			return true;
		usleep(20000);
	}
	return false;
}

int psc_daemon_off(struct psc_daemon *daemon, const char *requester, struct psc_error *reterr)
{
	int r = psc_guard_remove();

	if (r < 0 && r != -ENOENT) {
		report(daemon, requester, reterr,
		       "its pins cannot all be removed: %s; the guard %s", strerror(-r),
		       psc_canary_refused(&daemon->canary) ? "still refuses"
							   : "is not whole any more");
		return r;
	}
	if (refuses_still(daemon)) {
		snprintf(daemon->leaving, sizeof(daemon->leaving), "%s", requester);
		report(daemon, requester, reterr,
		       "its pins are removed, but after %d s the kernel still has the guard: it "
		       "refuses until whoever holds it lets go",
		       OFF_TIMEOUT_MS / 1000);
		return -ETIMEDOUT;
	}
	finish(daemon, requester);
	return 0;
}

void psc_off_tick(struct psc_daemon *daemon)
{
	if (daemon->leaving[0] && psc_off_state(daemon) == PSC_GUARD_OFF)
		finish(daemon, daemon->leaving);
}
