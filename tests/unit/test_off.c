/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_off.c - what `proscribe off` says and leaves behind: all of it gone, pins that cannot be
 * removed, programs that somebody else holds.
 */
#include "user/core/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/paths.h"

static char pins[] = "/tmp/psc-off-XXXXXX";
static unsigned int waited_us;

#undef PSC_PATH_BPFFS
#define PSC_PATH_BPFFS pins
#define usleep(us)     (waited_us += (us))
#include "user/daemon/off.c"

/* ---- the rest of the daemon -------------------------------------------------------- */

static int remove_result;
static unsigned int refusals; /* how often the canary is refused still */
static char said[4][400];     /* "success|message" of each record */
static unsigned int count;
static unsigned int absences, kept;

int psc_guard_remove(void)
{
	if (remove_result == 0)
		rmdir(pins);
	return remove_result;
}

bool psc_canary_refused(const struct psc_canary *canary)
{
	if (!refusals)
		return false;
	refusals--;
	return true;
}

void psc_journal_drain(struct psc_daemon *daemon)
{
}

void psc_journal_change(struct psc_daemon *daemon, const char *type, const char *requester,
			bool success, const char *message)
{
	assert_string_equal(type, "off");
	assert_string_equal(requester, "uid 0, pid 1");
	assert_true(count < ARRAY_SIZE(said));
	snprintf(said[count++], sizeof(said[0]), "%s|%s", success ? "yes" : "no", message);
}

void psc_absence_off(struct psc_daemon *daemon, const char *requester)
{
	absences++;
}

void psc_left_keep(struct psc_daemon *daemon)
{
	kept++;
}

void psc_say(const char *fmt, ...)
{
}

/* ---- tests --------------------------------------------------------------------------- */

static struct psc_daemon daemon_;
static struct psc_error error;

static int setup(void **state)
{
	daemon_ = (struct psc_daemon){};
	error = (struct psc_error){};
	waited_us = count = refusals = remove_result = absences = kept = 0;
	memcpy(pins + sizeof(pins) - 7, "XXXXXX", 6);
	return mkdtemp(pins) ? 0 : -1;
}

static int teardown(void **state)
{
	rmdir(pins);
	return 0;
}

static int off(void)
{
	return psc_daemon_off(&daemon_, "uid 0, pid 1", &error);
}

/* The kernel takes a moment. */
static void test_gone(void **state)
{
	refusals = 3;
	assert_int_equal(psc_off_state(&daemon_), PSC_GUARD_ON);
	assert_int_equal(refusals, 3); /* nothing was tried: every attempt is counted */
	assert_int_equal(off(), 0);
	assert_true(daemon_.stopping);
	assert_int_equal(waited_us, 60000);
	assert_int_equal(count, 1);
	assert_string_equal(said[0], "yes|the guard was removed");
	assert_int_equal(absences, 1);
	assert_int_equal(kept, 1);
	assert_int_equal(psc_off_state(&daemon_), PSC_GUARD_OFF);
}

/* Somebody holds the programs. The daemon goes on, says so, and ends when they are let go. */
static void test_held_elsewhere(void **state)
{
	refusals = UINT32_MAX;
	assert_int_equal(off(), -ETIMEDOUT);
	assert_false(daemon_.stopping);
	assert_int_equal(waited_us, 10000000);
	assert_non_null(strstr(error.message, "the kernel still has the guard"));
	assert_int_equal(strncmp(said[0], "no|", 3), 0);
	assert_int_equal(psc_off_state(&daemon_), PSC_GUARD_UNPINNED);
	psc_off_tick(&daemon_);
	assert_false(daemon_.stopping);
	refusals = 0;
	psc_off_tick(&daemon_);
	assert_true(daemon_.stopping);
	assert_int_equal(count, 2);
	assert_string_equal(said[1], "yes|the guard was removed");
}

static void test_pins_stay(void **state)
{
	remove_result = -EROFS;
	refusals = 1;
	assert_int_equal(off(), -EROFS);
	assert_non_null(strstr(error.message, "the guard still refuses"));
	assert_int_equal(off(), -EROFS);
	assert_non_null(strstr(error.message, "the guard is not whole any more"));
	assert_false(daemon_.stopping);
	assert_int_equal(waited_us, 0);
	psc_off_tick(&daemon_); /* nobody waits for it to go */
	assert_false(daemon_.stopping);
}

/* A second `off`, or pins that somebody removed by hand. */
static void test_no_pins(void **state)
{
	rmdir(pins);
	remove_result = -ENOENT;
	assert_int_equal(off(), 0);
	assert_true(daemon_.stopping);
}

/* Without a canary in force there is no proof, and none is claimed. */
static void test_held_policy(void **state)
{
	daemon_.policy.held = true;
	assert_int_equal(off(), 0);
	assert_non_null(strstr(said[0], "is not proven"));
	assert_int_equal(psc_off_state(&daemon_), PSC_GUARD_UNPINNED);
}

static void test_names(void **state)
{
	assert_string_equal(psc_guard_state_to_string(PSC_GUARD_ON), "on");
	assert_string_equal(psc_guard_state_to_string(PSC_GUARD_UNPINNED), "unpinned");
	assert_string_equal(psc_guard_state_to_string(PSC_GUARD_OFF), "off");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_gone),    TEST(test_held_elsewhere), TEST(test_pins_stay),
		TEST(test_no_pins), TEST(test_held_policy),    TEST(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
