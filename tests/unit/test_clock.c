/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_clock.c - what becomes of the guard's time when the host's clocks are set, broken or
 * corrected; judged by the function that the kernel programs use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/clock.h"

#define SECOND 1000000000ULL
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define KNOWN 1795000000000000000ULL /* 2026-11-18: the newest trusted fact */
#define Y2040 2208988800000000000ULL

static struct psc_clock_state state;
static struct psc_clock_reading host;

/* A host that booted a minute ago and whose wall clock is @wall. */
static void boot(uint64_t floor, uint64_t wall, bool synchronised)
{
	psc_clock_begin(&state, floor);
	host = (struct psc_clock_reading){wall, MINUTE, wall, synchronised};
}

static void wait(uint64_t ns)
{
	host.wall += ns;
	host.boot += ns;
	host.tai += ns;
}

/* TAI moves with the wall clock, their offset does not. */
static void set_wall(uint64_t wall)
{
	host.tai += wall - host.wall;
	host.wall = wall;
}

static enum psc_clock_change take(void)
{
	return psc_clock_take(&state, &host);
}

static uint64_t now(void)
{
	return psc_clock_at(&state, &host);
}

static void test_steady(void **unused)
{
	boot(KNOWN, KNOWN + HOUR, false);
	assert_int_equal(take(), PSC_CLOCK_STEADY);
	assert_true(now() == KNOWN + HOUR);
	wait(3 * DAY); /* no daemon, or a suspended host: the boot clock counts that */
	assert_true(now() == KNOWN + HOUR + 3 * DAY);
	assert_int_equal(take(), PSC_CLOCK_STEADY);
	assert_true(psc_clock_trusted(&state, &host) == host.wall);
}

static void test_rollback(void **unused)
{
	boot(KNOWN, KNOWN + HOUR, true);
	take();
	set_wall(KNOWN - 400 * DAY);
	assert_true(now() == KNOWN + HOUR);
	assert_int_equal(take(), PSC_CLOCK_ROLLBACK);
	assert_true(state.step_ns == 400 * DAY + HOUR);
	wait(MINUTE);
	assert_int_equal(take(), PSC_CLOCK_STEADY); /* said once */
	assert_true(now() == KNOWN + HOUR + MINUTE);
	set_wall(KNOWN + HOUR + MINUTE);
	assert_int_equal(take(), PSC_CLOCK_RECOVERED);
	assert_int_equal(take(), PSC_CLOCK_STEADY);
}

/* The hardware clock says 1970, or last year. */
static void test_boot_behind(void **unused)
{
	boot(KNOWN, 5 * SECOND, false);
	assert_int_equal(take(), PSC_CLOCK_ROLLBACK);
	assert_true(now() == KNOWN);
	wait(HOUR);
	take();
	assert_true(now() == KNOWN + HOUR);
}

/* It says 2040; hours later the network corrects it. */
static void test_boot_2040(void **unused)
{
	boot(KNOWN, Y2040, false);
	assert_int_equal(take(), PSC_CLOCK_UNTRUSTED);
	assert_true(now() == Y2040); /* followed, but not believed */
	wait(HOUR);
	assert_int_equal(take(), PSC_CLOCK_STEADY);
	assert_true(psc_clock_trusted(&state, &host) == KNOWN + HOUR);
	set_wall(KNOWN + 2 * HOUR);
	host.synchronised = true;
	assert_int_equal(take(), PSC_CLOCK_RECOVERED);
	assert_true(now() == KNOWN + 2 * HOUR);
}

/* Off for a month: true, and only a synchronised clock or a word can tell. */
static void test_boot_after_a_month(void **unused)
{
	boot(KNOWN, KNOWN + 30 * DAY, false);
	assert_int_equal(take(), PSC_CLOCK_UNTRUSTED);
	assert_true(now() == KNOWN + 30 * DAY);
	host.synchronised = true;
	assert_int_equal(take(), PSC_CLOCK_RECOVERED);
	set_wall(KNOWN);
	assert_int_equal(take(), PSC_CLOCK_ROLLBACK);
	assert_true(now() == KNOWN + 30 * DAY);

	boot(KNOWN, KNOWN + 30 * DAY, true);
	assert_int_equal(take(), PSC_CLOCK_STEADY);

	boot(KNOWN, KNOWN + 30 * DAY, false);
	take();
	psc_clock_accept(&state, &host);
	assert_int_equal(take(), PSC_CLOCK_STEADY);
	assert_true(psc_clock_trusted(&state, &host) == host.wall);
}

static void test_step_forward(void **unused)
{
	boot(KNOWN, KNOWN, true);
	take();
	set_wall(KNOWN + 5 * MINUTE);
	assert_true(now() == KNOWN + 5 * MINUTE); /* at once, without us */
	assert_int_equal(take(), PSC_CLOCK_FORWARD);
	assert_true(state.step_ns == 5 * MINUTE);
	set_wall(KNOWN + 1); /* and back */
	assert_int_equal(take(), PSC_CLOCK_ROLLBACK);
	assert_true(now() == KNOWN + 5 * MINUTE);
}

/* chrony tells the kernel that TAI is 37 s ahead. */
static void test_tai_offset(void **unused)
{
	boot(KNOWN, KNOWN, true);
	take();
	host.tai += 37 * SECOND;
	assert_true(now() == KNOWN + 37 * SECOND); /* until the daemon looks */
	assert_int_equal(take(), PSC_CLOCK_TAI);
	assert_true(state.step_ns == 37 * SECOND);
	assert_true(now() == KNOWN);
	host.tai += SECOND;
	assert_int_equal(take(), PSC_CLOCK_TAI);
	assert_true(now() == KNOWN);
}

static void test_slewing_is_no_change(void **unused)
{
	boot(KNOWN, KNOWN, true);
	take();
	for (int i = 0; i < 1000; i++) {
		wait(SECOND);
		set_wall(host.wall + (i % 3 - 1) * 500000LL);
		assert_int_equal(take(), PSC_CLOCK_STEADY);
	}
}

/* An administrator takes a wrong time back. */
static void test_accept_behind(void **unused)
{
	boot(KNOWN, KNOWN + 20 * HOUR, false);
	take();
	set_wall(KNOWN + HOUR);
	assert_int_equal(take(), PSC_CLOCK_ROLLBACK);
	psc_clock_accept(&state, &host);
	assert_true(now() == KNOWN + HOUR);
	assert_int_equal(take(), PSC_CLOCK_STEADY);
}

/* A profile's date: one nanosecond more than a day ahead says nothing of the time. */
static void test_claims(void **state_)
{
	boot(0, KNOWN, false);
	assert_true(psc_clock_believes(0, &host));
	assert_true(psc_clock_believes(KNOWN, &host));
	assert_true(psc_clock_believes(KNOWN + DAY, &host));
	assert_false(psc_clock_believes(KNOWN + DAY + 1, &host));
	assert_false(psc_clock_believes(Y2040, &host));
	host.synchronised = true;
	assert_true(psc_clock_believes(KNOWN, &host));
	assert_false(psc_clock_believes(KNOWN + 1, &host));
}

/* However it is set, the guard's time never goes back by itself. */
static void test_never_back(void **unused)
{
	uint64_t seed = 88172645463325252ULL, before = 0;

	boot(KNOWN, KNOWN, true);
	take();
	for (int i = 0; i < 20000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		wait(seed % MINUTE);
		if (seed % 5 == 0)
			set_wall(KNOWN - 50 * DAY + seed % (51 * DAY));
		take();
		assert_true(psc_clock_trusted(&state, &host) >= before);
		assert_true(now() >= before);
		before = psc_clock_trusted(&state, &host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_boot_behind),
		cmocka_unit_test(test_boot_2040),
		cmocka_unit_test(test_boot_after_a_month),
		cmocka_unit_test(test_step_forward),
		cmocka_unit_test(test_tai_offset),
		cmocka_unit_test(test_slewing_is_no_change),
		cmocka_unit_test(test_accept_behind),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_never_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
