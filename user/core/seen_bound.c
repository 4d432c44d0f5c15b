/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seen_bound.c - see seen_bound.h.
 */
#include "user/core/seen_bound.h"

static void give_back(struct psc_seen_allowance *allowance, uint64_t boot_ns)
{
	uint64_t due;

	if (boot_ns <= allowance->boot_ns)
		return;
	due = (boot_ns - allowance->boot_ns) / PSC_SEEN_INTERVAL_NS;
	if (due >= allowance->used) {
		allowance->used = 0;
		allowance->boot_ns = boot_ns;
		return;
	}
	allowance->used -= due;
	allowance->boot_ns += due * PSC_SEEN_INTERVAL_NS;
}

bool psc_seen_may(struct psc_seen *seen, uint64_t boot_ns)
{
	give_back(&seen->allowance, boot_ns);
	if (seen->allowance.used < PSC_SEEN_BURST) {
		seen->allowance.used++;
		return true;
	}
	seen->pending++;
	return false;
}

void psc_seen_unwritten(struct psc_seen *seen)
{
	seen->allowance.used--;
}

void psc_seen_commit(struct psc_seen *seen)
{
	seen->committed = seen->allowance;
	seen->left_out += seen->pending;
	seen->total += seen->pending;
	seen->pending = 0;
}

void psc_seen_rewind(struct psc_seen *seen)
{
	seen->allowance = seen->committed;
	seen->pending = 0;
}
