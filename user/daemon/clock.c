/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.c - keeps the guard's clock: readings of the host's clocks, the trusted time that is
 * known from before, records of what was set. The rules are user/core/clock.c's; see
 * daemon.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>

#include "user/core/durable.h"
#include "user/core/json.h"
#include "user/core/load.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"

#define STATE_SIZE_MAX 4096
#define STATE_EVERY_NS (600ULL * PSC_NSEC_PER_SEC)

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * PSC_NSEC_PER_SEC + ts.tv_nsec;
}

static bool is_synchronised(void)
{
	struct timex state = {};
	int r = adjtimex(&state);

	return r >= 0 && r != TIME_ERROR && !(state.status & STA_UNSYNC);
}

struct psc_clock_reading psc_clock_read(void)
{
	struct psc_clock_reading reading;

	reading.synchronised = is_synchronised();
	reading.wall = read_clock(CLOCK_REALTIME);
	reading.boot = read_clock(CLOCK_BOOTTIME);
	reading.tai = read_clock(CLOCK_TAI);
	return reading;
}

uint64_t psc_clock_guard_now(const struct psc_daemon *daemon)
{
	struct psc_clock_reading reading = psc_clock_read();

	return psc_clock_at(&daemon->clock, &reading);
}

/* ---- the time that is known to have been ---------------------------------------- */

/* What was kept; never less than what this program is sure of, its own release. */
uint64_t psc_clock_kept(void)
{
	const uint64_t released = PSC_RELEASED * PSC_NSEC_PER_SEC;
	_cleanup_json_ json_t *state = NULL;
	_cleanup_free_ char *data = NULL;
	size_t size;
	json_int_t trusted;

	if (psc_load_trusted(PSC_PATH_STATE, STATE_SIZE_MAX, &data, &size, NULL) < 0 ||
	    psc_json_parse(data, size, STATE_SIZE_MAX, &state, NULL, NULL, 0) < 0)
		return released;
	trusted = json_integer_value(json_object_get(state, "trusted_ns"));
	return trusted > 0 && (uint64_t)trusted > released ? (uint64_t)trusted : released;
}

/*
 * The day on which a profile was last checked has passed, unless it is a slip of the pen: that
 * must not hold the host in the future.
 */
static uint64_t newest_profile(const struct psc_policy *policy,
			       const struct psc_clock_reading *reading)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < policy->set.profile_count; i++) {
		uint64_t updated = psc_profile_updated(policy->set.profiles[i]);

		if (updated > newest && psc_clock_believes(updated, reading))
			newest = updated;
	}
	return newest;
}

static int write_state(const char *text)
{
	_cleanup_(psc_durable_end) struct psc_durable file = PSC_DURABLE_NONE;
	int r = psc_durable_begin(AT_FDCWD, PSC_PATH_STATE, &file);

	if (r >= 0)
		r = psc_durable_write(&file, text, strlen(text));
	if (r >= 0)
		r = psc_durable_replace(&file);
	return r < 0 ? r : psc_durable_settle(&file);
}

void psc_clock_keep(struct psc_daemon *daemon)
{
	struct psc_clock_reading reading = psc_clock_read();
	char text[64];

	snprintf(text, sizeof(text), "{\"trusted_ns\": %llu}\n",
		 (unsigned long long)psc_clock_trusted(&daemon->clock, &reading));
	psc_durable_directory(PSC_DIR_STATE, PSC_DIR_STATE_MODE);
	daemon->clock_kept_ns = reading.boot;
	daemon->clock_error = write_state(text);
}

uint64_t psc_clock_trusted_now(const struct psc_daemon *daemon)
{
	struct psc_clock_reading reading = psc_clock_read();

	return psc_clock_trusted(&daemon->clock, &reading);
}

/* ---- taking readings ------------------------------------------------------------- */

/* Wakes when the wall clock is set; it is never reached. */
static int arm_timer(struct psc_daemon *daemon)
{
	struct itimerspec never = {.it_value.tv_sec = 1LL << 40};

	return timerfd_settime(daemon->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
			       &never, NULL) < 0
		       ? -errno
		       : 0;
}

static void record_clock(struct psc_daemon *daemon, enum psc_clock_change change,
			 const struct psc_clock_reading *reading)
{
	static const char *const messages[] = {
		[PSC_CLOCK_FORWARD] = "the clock was set forward",
		[PSC_CLOCK_ROLLBACK] = "the clock is behind the time that has been: the guard's "
				       "time goes on",
		[PSC_CLOCK_UNTRUSTED] = "the clock is more than a day ahead and not synchronised: "
					"followed, not remembered",
		[PSC_CLOCK_TAI] = "the offset between TAI and UTC changed",
		[PSC_CLOCK_RECOVERED] = "the clock is in line with the guard's time again",
	};
	char now[PSC_TIME_TEXT_MAX];
	json_t *record;

	if (psc_journal_record(daemon, "clock", &record) < 0)
		return;
	psc_record_message(record, "%s", messages[change]);
	psc_record_set_string(record, "change", psc_clock_change_to_string(change));
	psc_record_set(record, "step_ns", json_integer(daemon->clock.step_ns));
	psc_record_set_string(record, "guard_time",
			      psc_time_format(psc_clock_at(&daemon->clock, reading), now));
	psc_record_set(record, "synchronised", json_boolean(reading->synchronised));
	psc_journal_write(daemon, record);
}

int psc_clock_open(struct psc_daemon *daemon, uint64_t guard_time)
{
	struct psc_clock_reading reading = psc_clock_read();
	uint64_t floor = psc_clock_kept();
	uint64_t newest = newest_profile(&daemon->policy, &reading);

	if (newest > floor)
		floor = newest;
	if (guard_time > floor)
		floor = guard_time;
	psc_clock_begin(&daemon->clock, floor);
	daemon->clock_first = psc_clock_take(&daemon->clock, &reading);
	daemon->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	return daemon->clock_fd < 0 ? -errno : arm_timer(daemon);
}

void psc_clock_started(struct psc_daemon *daemon)
{
	struct psc_clock_reading reading = psc_clock_read();

	if (daemon->clock_first != PSC_CLOCK_STEADY)
		record_clock(daemon, daemon->clock_first, &reading);
	psc_clock_keep(daemon);
}

void psc_clock_tick(struct psc_daemon *daemon)
{
	struct psc_clock_reading reading = psc_clock_read();
	enum psc_clock_change change = psc_clock_take(&daemon->clock, &reading);
	uint64_t expirations;

	psc_guard_set_clock(daemon->guard, &daemon->clock.clock);
	/* ECANCELED: it was set; the timer is spent then */
	if (read(daemon->clock_fd, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED)
		arm_timer(daemon);
	if (change != PSC_CLOCK_STEADY)
		record_clock(daemon, change, &reading);
	if (change != PSC_CLOCK_STEADY || reading.boot - daemon->clock_kept_ns > STATE_EVERY_NS)
		psc_clock_keep(daemon);
}

void psc_clock_trust(struct psc_daemon *daemon, const char *requester)
{
	struct psc_clock_reading reading = psc_clock_read();
	uint64_t before = psc_clock_at(&daemon->clock, &reading);
	uint64_t trusted = psc_clock_trusted(&daemon->clock, &reading);
	struct psc_error error;
	char from[PSC_TIME_TEXT_MAX], to[PSC_TIME_TEXT_MAX];
	json_t *record;

	psc_clock_accept(&daemon->clock, &reading);
	psc_guard_set_clock(daemon->guard, &daemon->clock.clock);
	psc_clock_keep(daemon);
	if (psc_journal_record(daemon, "clock", &record) < 0)
		return;
	psc_record_message(record,
			   "the wall clock was declared right: the guard's time went from "
			   "%s to %s",
			   psc_time_format(before, from), psc_time_format(reading.wall, to));
	psc_record_set_string(record, "change", "accepted");
	psc_record_set_string(record, "requester", requester);
	psc_journal_write(daemon, record);
	/* what was left out for being over is not, after all */
	if (reading.wall < trusted)
		psc_daemon_reload(daemon, requester, &error);
}

int psc_clock_json(const struct psc_daemon *daemon, json_t **ret)
{
	struct psc_clock_reading reading = psc_clock_read();
	char now[PSC_TIME_TEXT_MAX], wall[PSC_TIME_TEXT_MAX], trusted[PSC_TIME_TEXT_MAX];

	*ret = json_pack("{s:s, s:s, s:s, s:s, s:b, s:I}", "guard_time",
			 psc_time_format(psc_clock_at(&daemon->clock, &reading), now), "wall",
			 psc_time_format(reading.wall, wall), "trusted",
			 psc_time_format(psc_clock_trusted(&daemon->clock, &reading), trusted),
			 "state", psc_clock_change_to_string(daemon->clock.standing),
			 "synchronised", reading.synchronised, "tai_minus_utc",
			 (json_int_t)((int64_t)(reading.tai - reading.wall + 500000000) /
				      (int64_t)PSC_NSEC_PER_SEC));
	return *ret ? 0 : -ENOMEM;
}
