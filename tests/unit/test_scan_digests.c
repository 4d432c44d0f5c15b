/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scan_digests.c - which files are digested: those that could be listed, and no others.
 */
#include "user/core/util.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/scan/digests.h"

static char directory[] = "/tmp/psc-digests-XXXXXX";
static struct psc_list *list;
static struct psc_digest_plan plan;

static int setup(void **state)
{
	char command[256];

	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	if (!mkdtemp(directory) || psc_list_new(&list) < 0)
		return -1;
	snprintf(command, sizeof(command),
		 "cd %s && seq 1000 >text && tar -czf tar.gz text && gzip -k text && "
		 "tar -cJf tar.xz text && printf '\\037\\213\\b' >cut.gz",
		 directory);
	return system(command);
}

static int teardown(void **state)
{
	char command[64];

	psc_digest_plan_clear(&plan);
	list = psc_list_free(list);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static void add(enum psc_algo algo, size_t digest_size, enum psc_format format, const char *name,
		uint64_t size)
{
	static uint8_t digest[PSC_ALGO_DIGEST_MAX];
	const struct psc_list_entry entry = {.algo = algo,
					     .digest = digest,
					     .digest_size = digest_size,
					     .has_size = size,
					     .size = size,
					     .format = format,
					     .name = name,
					     .product = "lab/product"};

	digest[0]++;
	assert_int_equal(psc_list_append(list, &entry, NULL), 0);
}

static void make_plan(void)
{
	assert_int_equal(psc_list_index(list), 0);
	assert_int_equal(psc_digest_plan_make(list, &plan), 0);
}

static unsigned int algos_of(const char *name, enum psc_format format, uint64_t size)
{
	_cleanup_close_ int fd = -1;
	char path[64];
	bool too_large;
	unsigned int algos;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	algos = psc_digest_plan_algos(&plan, fd, format, size ?: (uint64_t)lseek(fd, 0, SEEK_END),
				      &too_large);
	assert_int_equal(too_large, size > PSC_DIGEST_BYTES_MAX && !algos);
	return algos;
}

static void test_by_size_and_format(void **state)
{
	add(PSC_ALGO_SHA256, 32, PSC_FORMAT_ELF, "with a size", 4711);
	add(PSC_ALGO_MD5, 16, PSC_FORMAT_PE, "without", 0);
	make_plan();
	assert_int_equal(algos_of("text", PSC_FORMAT_ANY, 4711), 1U << PSC_ALGO_SHA256);
	assert_int_equal(algos_of("text", PSC_FORMAT_ELF, 4712), 0);
	assert_int_equal(algos_of("text", PSC_FORMAT_PE, 4712), 1U << PSC_ALGO_MD5);
	assert_int_equal(algos_of("text", PSC_FORMAT_PE, 1ULL << 33), 0);
	assert_int_equal(algos_of("text", PSC_FORMAT_PE, 4711),
			 1U << PSC_ALGO_SHA256 | 1U << PSC_ALGO_MD5);
}

/* A listed .tar.gz without a size is looked for among what is gzip of a tar. */
static void test_tar_gz(void **state)
{
	add(PSC_ALGO_SHA256, 32, PSC_FORMAT_ARCHIVE, "product-1.2.tar.gz", 0);
	make_plan();
	assert_int_equal(algos_of("tar.gz", PSC_FORMAT_ARCHIVE, 0), 1U << PSC_ALGO_SHA256);
	assert_int_equal(algos_of("text.gz", PSC_FORMAT_ARCHIVE, 0), 0);
	/* what cannot be told from one is taken for one */
	assert_int_equal(algos_of("cut.gz", PSC_FORMAT_ARCHIVE, 0), 1U << PSC_ALGO_SHA256);
	assert_int_equal(algos_of("tar.gz", PSC_FORMAT_ANY, 0), 0);
}

static void test_other_archives(void **state)
{
	add(PSC_ALGO_SHA256, 32, PSC_FORMAT_ARCHIVE, "product-1.2.tar.gz", 0);
	add(PSC_ALGO_SHA1, 20, PSC_FORMAT_ARCHIVE, "update.gz", 0);
	make_plan();
	assert_int_equal(algos_of("tar.gz", PSC_FORMAT_ARCHIVE, 0),
			 1U << PSC_ALGO_SHA256 | 1U << PSC_ALGO_SHA1);
	assert_int_equal(algos_of("text.gz", PSC_FORMAT_ARCHIVE, 0), 1U << PSC_ALGO_SHA1);
	assert_int_equal(algos_of("tar.xz", PSC_FORMAT_ARCHIVE, 0) & 1U << PSC_ALGO_SHA1,
			 1U << PSC_ALGO_SHA1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_size_and_format, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tar_gz, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_archives, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
