/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - see clock.h.
 */
#include "user/core/util.h"
#include "user/core/clock.h"
#include "bpf/decide.h"

#define SECOND 1000000000LL
#define DAY    (86400 * SECOND)

/* Slewing and reading three clocks one after the other are no change. */
#define TOLERANCE (2 * SECOND)

const char *psc_clock_change_to_string(enum psc_clock_change change)
{
	static const char *const names[] = {"steady",	 "set_forward", "set_back",
					    "untrusted", "tai_offset",	"recovered"};

	return change < ARRAY_SIZE(names) ? names[change] : NULL;
}

void psc_clock_begin(struct psc_clock_state *state, uint64_t floor)
{
	*state = (struct psc_clock_state){.clock = {.floor = floor}};
}

uint64_t psc_clock_at(const struct psc_clock_state *state, const struct psc_clock_reading *reading)
{
	return psc_clock_now(&state->clock, reading->boot, reading->tai);
}

uint64_t psc_clock_trusted(const struct psc_clock_state *state,
			   const struct psc_clock_reading *reading)
{
	uint64_t by_boot = reading->boot + state->clock.boot_offset;

	return by_boot > state->clock.floor ? by_boot : state->clock.floor;
}

/* Until the first reading nothing but the floor is known of the time. */
static void start(struct psc_clock_state *state, const struct psc_clock_reading *reading)
{
	state->clock.boot_offset = state->clock.floor - reading->boot;
	state->clock.tai_offset = reading->wall - reading->tai;
	state->started = true;
}

static enum psc_clock_change stand(struct psc_clock_state *state, enum psc_clock_change change,
				   uint64_t step)
{
	if (state->standing == change)
		return PSC_CLOCK_STEADY;
	state->standing = change;
	state->step_ns = step;
	return change;
}

/* What the wall clock says is taken for true. */
static enum psc_clock_change rise(struct psc_clock_state *state,
				  const struct psc_clock_reading *reading, uint64_t known,
				  bool first)
{
	uint64_t step = reading->wall > known ? reading->wall - known : 0;

	if (reading->wall > known)
		state->clock.boot_offset = reading->wall - reading->boot;
	if (state->standing != PSC_CLOCK_STEADY) {
		state->standing = PSC_CLOCK_STEADY;
		state->step_ns = step;
		return PSC_CLOCK_RECOVERED;
	}
	if (first || step <= TOLERANCE)
		return PSC_CLOCK_STEADY;
	state->step_ns = step;
	return PSC_CLOCK_FORWARD;
}

enum psc_clock_change psc_clock_take(struct psc_clock_state *state,
				     const struct psc_clock_reading *reading)
{
	int64_t tai_offset = reading->wall - reading->tai;
	bool first = !state->started;
	enum psc_clock_change change;
	int64_t tai_step;
	uint64_t known;

	if (first)
		start(state, reading);
	known = psc_clock_trusted(state, reading);
	tai_step = tai_offset - state->clock.tai_offset;
	state->clock.tai_offset = tai_offset;
	if (reading->wall + TOLERANCE < known)
		change = stand(state, PSC_CLOCK_ROLLBACK, known - reading->wall);
	else if (reading->wall > known + DAY && !reading->synchronised)
		change = stand(state, PSC_CLOCK_UNTRUSTED, reading->wall - known);
	else
		change = rise(state, reading, known, first);
	/* half a second: the offset moves in whole ones */
	if (change == PSC_CLOCK_STEADY && (tai_step > SECOND / 2 || tai_step < -SECOND / 2)) {
		state->step_ns = tai_step < 0 ? -tai_step : tai_step;
		return PSC_CLOCK_TAI;
	}
	return change;
}

bool psc_clock_believes(uint64_t claim, const struct psc_clock_reading *reading)
{
	return claim <= reading->wall + (reading->synchronised ? 0 : DAY);
}

void psc_clock_accept(struct psc_clock_state *state, const struct psc_clock_reading *reading)
{
	state->clock.floor = reading->wall;
	state->clock.boot_offset = reading->wall - reading->boot;
	state->clock.tai_offset = reading->wall - reading->tai;
	state->standing = PSC_CLOCK_STEADY;
	state->started = true;
}
