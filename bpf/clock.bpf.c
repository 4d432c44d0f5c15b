// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * clock.bpf.c - who sets the clock. Nothing is refused: the guard's time does not follow a
 * clock that is set back (decide.h), but the record of it says who did it, daemon or not.
 *
 * lsm/settime: settimeofday and clock_settime, once they are permitted. Steps of adjtimex
 *   (NTP) pass no hook; the daemon sees them by its timer.
 */
#include "guard.bpf.h"

#define NSEC_PER_SEC 1000000000ULL

SEC("lsm/settime")
int BPF_PROG(psc_settime, const struct timespec64 *ts, const struct timezone *tz)
{
	if (ts)
		psc_emit_clock(BPF_CORE_READ(ts, tv_sec) * NSEC_PER_SEC +
			       BPF_CORE_READ(ts, tv_nsec));
	return 0;
}
