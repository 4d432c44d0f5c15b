/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt_clock.c - what a time service does to the clock: steps of it and of the offset
 * between TAI and UTC. Parts of the program `attempt`; see attempt.h.
 */
#include "tests/vm/attempt.h"

#include <stdlib.h>
#include <sys/timex.h>

static int adjust(struct timex *change, const char *what)
{
	if (adjtimex(change) < 0)
		return attempt_untried(what);
	return ALLOWED;
}

int attempt_clock_step(int argc, char **argv)
{
	struct timex change = {
		.modes = ADJ_SETOFFSET,
		.time = {.tv_sec = atol(argv[0])},
	};

	return adjust(&change, "adjtimex(ADJ_SETOFFSET)");
}

int attempt_clock_tai(int argc, char **argv)
{
	struct timex change = {.modes = ADJ_TAI, .constant = atol(argv[0])};

	return adjust(&change, "adjtimex(ADJ_TAI)");
}
