/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_due.c - see report_due.h.
 */
#include "user/core/report_due.h"
#include "user/core/timefmt.h"

#define DAY_NS (86400 * PSC_NSEC_PER_SEC)

/* 1970-01-01 was a Thursday: 0 is Monday. */
static unsigned int weekday(uint64_t day)
{
	return (unsigned int)((day + 3) % 7);
}

uint64_t psc_report_days_after(uint64_t at, unsigned int days, bool business_days)
{
	uint64_t day = at / DAY_NS;

	if (!business_days)
		return (day + days) * DAY_NS;
	while (days > 0) {
		day++;
		days -= weekday(day) < 5;
	}
	return day * DAY_NS;
}

uint64_t psc_report_local(const struct psc_report_facts *facts, uint64_t at)
{
	return at && facts->offset ? at + (uint64_t)(facts->offset(at) * (int64_t)PSC_NSEC_PER_SEC)
				   : at;
}

/* The instant at which the day begins. */
static uint64_t instant_of(const struct psc_report_facts *facts, uint64_t day)
{
	return day && facts->offset
		       ? day - (uint64_t)(facts->offset(day) * (int64_t)PSC_NSEC_PER_SEC)
		       : day;
}

static const struct psc_report_duty *find_duty(const struct psc_profile *profile, const char *id,
					       size_t before)
{
	for (size_t i = 0; i < before; i++) {
		if (strcmp(profile->duties[i].id, id) == 0)
			return &profile->duties[i];
	}
	return NULL;
}

static uint64_t phase_of(const struct psc_profile *profile, const char *id)
{
	for (size_t i = 0; i < profile->phase_count; i++) {
		if (strcmp(profile->phases[i].id, id) == 0)
			return profile->phases[i].from;
	}
	return 0;
}

/* What the duty is counted from; each goes back to one that stands before it. */
static uint64_t begins_of(const struct psc_profile *profile, const struct psc_report_duty *duty,
			  const struct psc_report_facts *facts, bool *ret_assumed)
{
	const struct psc_report_duty *earlier;
	uint64_t begins;
	bool ignored = false;

	if (strcmp(duty->after, "first_seen") == 0)
		return facts->first_seen;
	earlier = find_duty(profile, duty->after, (size_t)(duty - profile->duties));
	if (!earlier)
		return phase_of(profile, duty->after);
	/* only what is due on an event of this host is handed in for it */
	if (facts->submitted && strcmp(earlier->after, "first_seen") == 0)
		return facts->submitted;
	begins = begins_of(profile, earlier, facts, &ignored);
	*ret_assumed = true;
	if (!begins)
		return 0;
	return instant_of(facts, psc_report_days_after(psc_report_local(facts, begins),
						       earlier->days, earlier->business_days));
}

void psc_report_due_of(const struct psc_profile *profile, size_t duty,
		       const struct psc_report_facts *facts, struct psc_report_due *ret)
{
	const struct psc_report_duty *of = &profile->duties[duty];
	struct psc_report_due due = {0};

	due.begins = begins_of(profile, of, facts, &due.assumed);
	if (due.begins)
		due.due = psc_report_days_after(psc_report_local(facts, due.begins), of->days,
						of->business_days);
	while (due.due && of->repeats && of->days &&
	       due.due + DAY_NS <= psc_report_local(facts, facts->now)) {
		due.before = due.due;
		due.due = psc_report_days_after(due.due, of->days, of->business_days);
	}
	*ret = due;
}
