/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_filesystems.c - which file systems the kernel half takes for unstable, asked with its
 * own function.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/filesystems.h"
#include "bpf/decide.h"

static const uint32_t ordinary[] = {0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0};

static struct psc_table *compile(const struct psc_filesystems *set)
{
	struct psc_table *table = calloc(1, sizeof(*table));

	assert_non_null(table);
	psc_filesystems_compile(set, table);
	return table;
}

static void test_default(void **state)
{
	static const uint32_t unstable[] = {0x65735546, 0x6969,	    0xff534d42, 0xfe534d42,
					    0x01021997, 0x6b414653, 0x00c36400, 0x01161970};
	struct psc_filesystems set = psc_filesystems_default();
	_cleanup_free_ struct psc_table *table = compile(&set);

	for (size_t i = 0; i < ARRAY_SIZE(unstable); i++)
		assert_true(psc_is_unstable(table, unstable[i]));
	for (size_t i = 0; i < ARRAY_SIZE(ordinary); i++)
		assert_false(psc_is_unstable(table, ordinary[i]));
	assert_true(table->flags & PSC_TABLE_LOOP_UNSTABLE);
}

static void test_none(void **state)
{
	struct psc_filesystems set = {0};
	_cleanup_free_ struct psc_table *table = compile(&set);

	assert_false(psc_is_unstable(table, 0x6969));
	assert_false(psc_is_unstable(table, 0));
	assert_int_equal(table->flags, 0);
}

/* The filter in front of the comparison must not hide a member, nor add one. */
static void test_every_member(void **state)
{
	for (uint32_t magic = 1; magic < 5000; magic++) {
		struct psc_filesystems set = {0};
		_cleanup_free_ struct psc_table *table = NULL;
		char name[16];

		snprintf(name, sizeof(name), "0x%x", magic * 2654435761U | 1);
		assert_int_equal(psc_filesystems_add(&set, name), 0);
		assert_int_equal(psc_filesystems_add(&set, name), 0);
		assert_int_equal(set.count, 1);
		table = compile(&set);
		assert_true(psc_is_unstable(table, magic * 2654435761U | 1));
		assert_false(psc_is_unstable(table, magic * 2654435761U ^ 0x10));
	}
}

static void test_add(void **state)
{
	struct psc_filesystems set = {0};

	assert_int_equal(psc_filesystems_add(&set, "smb"), -EINVAL);
	assert_int_equal(psc_filesystems_add(&set, ""), -EINVAL);
	assert_int_equal(psc_filesystems_add(&set, "0x"), -EINVAL);
	assert_int_equal(psc_filesystems_add(&set, "0x-1"), -EINVAL);
	assert_int_equal(psc_filesystems_add(&set, "0x1g"), -EINVAL);
	assert_int_equal(set.count, 0);
	for (unsigned int i = 1; i <= PSC_UNSTABLE_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "0x%x", i);
		assert_int_equal(psc_filesystems_add(&set, name), 0);
	}
	assert_int_equal(psc_filesystems_add(&set, "nfs"), -E2BIG);
	assert_int_equal(psc_filesystems_add(&set, "0x1"), 0);
	assert_int_equal(set.count, PSC_UNSTABLE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_every_member),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
