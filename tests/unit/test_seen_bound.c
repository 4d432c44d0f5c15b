/* SPDX-License-Identifier: Apache-2.0 */
/* test_seen_bound.c - how many records there may be of what was seen; what is left out is counted. */
#include "user/core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "bpf/decide.h"
#include "user/core/seen_bound.h"

static unsigned int take(struct psc_seen *seen, unsigned int count, uint64_t boot_ns)
{
	unsigned int taken = 0;

	while (count--)
		taken += psc_seen_may(seen, boot_ns);
	psc_seen_commit(seen);
	return taken;
}

static void test_burst(void **state)
{
	struct psc_seen seen = {0};

	assert_int_equal(take(&seen, PSC_SEEN_BURST + 10, 1), PSC_SEEN_BURST);
	assert_int_equal(seen.left_out, 10);
	assert_int_equal(take(&seen, 5, 1 + 3 * PSC_SEEN_INTERVAL_NS), 3);
	assert_int_equal(seen.left_out, 12);
	/* halves of a second add up, and the clock does not go back */
	assert_int_equal(take(&seen, 1, 1 + 3 * PSC_SEEN_INTERVAL_NS + PSC_SEEN_INTERVAL_NS / 2),
			 0);
	assert_int_equal(take(&seen, 1, 1), 0);
	assert_int_equal(take(&seen, 2, 1 + 4 * PSC_SEEN_INTERVAL_NS), 1);
	assert_int_equal(take(&seen, 2 * PSC_SEEN_BURST, UINT64_MAX), PSC_SEEN_BURST);
	assert_int_equal(seen.total, seen.left_out);
}

/* The events of a group that could not be written come again: they are not counted twice. */
static void test_rewind(void **state)
{
	struct psc_seen seen = {0};

	take(&seen, PSC_SEEN_BURST - 1, 1);
	for (int i = 0; i < 3; i++) {
		assert_true(psc_seen_may(&seen, 1));
		assert_false(psc_seen_may(&seen, 1));
		psc_seen_rewind(&seen);
	}
	assert_int_equal(seen.left_out, 0);
	assert_int_equal(take(&seen, 2, 1), 1);
	assert_int_equal(seen.left_out, 1);
}

/* Users that follow each other, as a host's do, have bits of their own. */
static void test_users(void **state)
{
	uint64_t bits = 0;

	for (uint32_t uid = 1000; uid < 1040; uid++)
		bits |= psc_user_bit(uid);
	assert_true(__builtin_popcountll(bits) >= 32);
	assert_int_equal(__builtin_popcountll(psc_user_bit(UINT32_MAX)), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_rewind),
		cmocka_unit_test(test_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
