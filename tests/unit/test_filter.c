/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_filter.c - the size filters: no listed size is ever missed, the format decides
 * which filter, and a full filter still says no nearly always.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/compile.h"
#include "bpf/decide.h"

#define ENTRIES	    20000
#define CANARY_SIZE 0x12345u

static uint64_t random_state = 42;

/* splitmix64: the same numbers in every run. */
static uint64_t random_number(void)
{
	uint64_t z = (random_state += 0x9E3779B97F4A7C15ULL);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
	return z ^ (z >> 31);
}

static struct psc_image *compile(const struct psc_list *list)
{
	static const uint8_t canary[PSC_DIGEST_SIZE] = {0xca};
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;
	struct psc_image *image = NULL;

	assert_int_equal(psc_config_new(&config), 0);
	assert_int_equal(psc_compile(list, config, canary, CANARY_SIZE, &image, NULL), 0);
	return image;
}

static void add(struct psc_list *list, uint64_t size, enum psc_format format)
{
	uint64_t digest[4];
	struct psc_list_entry entry = {
		.algo = PSC_ALGO_SHA256,
		.digest = (const uint8_t *)digest,
		.digest_size = sizeof(digest),
		.has_size = size != 0,
		.size = size,
		.format = format,
	};

	for (size_t i = 0; i < ARRAY_SIZE(digest); i++)
		digest[i] = random_number();
	assert_int_equal(psc_list_append(list, &entry, NULL), 0);
}

/* Sizes of every magnitude, powers of two and their neighbours among them. */
static uint64_t random_size(unsigned int i)
{
	uint64_t size;

	if (i % 4 == 0)
		size = (1ULL << (random_number() % 32)) + random_number() % 3 - 1;
	else
		size = random_number() >> (32 + random_number() % 31);
	return size == 0 ? 1 : size > UINT32_MAX ? UINT32_MAX : size;
}

static void test_no_false_negative(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;

	assert_int_equal(psc_list_new(&list), 0);
	for (unsigned int i = 0; i < ENTRIES; i++)
		add(list, random_size(i), i % PSC_FORMAT_MAX);
	image = compile(list);
	for (size_t i = 0; i < ENTRIES; i++) {
		struct psc_list_entry entry;

		assert_int_equal(psc_list_get(list, i, &entry), 0);
		if (psc_format_in_exec_filter(entry.format))
			assert_true(psc_image_filter(image, PSC_FILTER_EXEC, entry.size));
		if (psc_format_in_open_filter(entry.format))
			assert_true(psc_image_filter(image, PSC_FILTER_OPEN, entry.size));
	}
	assert_true(psc_image_filter(image, PSC_FILTER_EXEC, CANARY_SIZE));
	assert_true(psc_image_filter(image, PSC_FILTER_OPEN, CANARY_SIZE));
}

static void test_format_selects(void **state)
{
	for (unsigned int format = 0; format < PSC_FORMAT_MAX; format++) {
		_cleanup_(psc_list_freep) struct psc_list *list = NULL;
		_cleanup_(psc_image_freep) struct psc_image *image = NULL;

		assert_int_equal(psc_list_new(&list), 0);
		add(list, 777, format);
		image = compile(list);
		assert_int_equal(psc_image_filter(image, PSC_FILTER_EXEC, 777),
				 format != PSC_FORMAT_DEB && format != PSC_FORMAT_RPM &&
					 format != PSC_FORMAT_ARCHIVE);
		assert_int_equal(psc_image_filter(image, PSC_FILTER_OPEN, 777),
				 format != PSC_FORMAT_ELF && format != PSC_FORMAT_SCRIPT);
		assert_int_equal(psc_image_filter(image, PSC_FILTER_EXEC, 778), 0);
		assert_int_equal(psc_image_filter(image, PSC_FILTER_OPEN, 778), 0);
	}
}

/* Without listed sizes nothing but the canary gets through. */
static void test_sizeless_sets_nothing(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;

	assert_int_equal(psc_list_new(&list), 0);
	for (unsigned int format = 0; format < PSC_FORMAT_MAX; format++)
		add(list, 0, format);
	image = compile(list);
	for (unsigned int kind = 0; kind < PSC_FILTER_MAX; kind++) {
		unsigned int bits = 0;

		for (unsigned int i = 0; i < PSC_FILTER_WORDS; i++)
			bits += __builtin_popcountll(image->filter[kind][i]);
		assert_int_equal(bits, 1);
	}
}

static void test_bits(void **state)
{
	unsigned int hits = 0;
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;

	assert_int_equal(psc_list_new(&list), 0);
	for (unsigned int i = 0; i < ENTRIES; i++)
		add(list, 1000 + i * 8, PSC_FORMAT_ELF);
	image = compile(list);
	for (uint64_t size = 0; size < 1000000; size++) {
		assert_true(psc_filter_bit(size) < 1U << PSC_FILTER_BITS);
		if (size >= 1000 && size < 1000 + ENTRIES * 8 && size % 8 == 0)
			continue;
		hits += psc_image_filter(image, PSC_FILTER_EXEC, size);
	}
	assert_true(psc_filter_bit(UINT64_MAX) < 1U << PSC_FILTER_BITS);
	/* 20000 of 4 M bits are 0.5 %; evenly spaced sizes must not do much worse. */
	assert_true(hits < 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_false_negative),
		cmocka_unit_test(test_format_selects),
		cmocka_unit_test(test_sizeless_sets_nothing),
		cmocka_unit_test(test_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
