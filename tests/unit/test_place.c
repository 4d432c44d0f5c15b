/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_place.c - listed places: their numbers over reloads, who they stand for after the
 * compilation, and that the compiled policy's file keeps them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/compile.h"
#include "user/core/image_file.h"
#include "user/core/policy_set.h"

static struct psc_place place(const char *path, const char *product)
{
	return (struct psc_place){.path = (char *)path, .product = (char *)product, .site = true};
}

static void test_numbers(void **state)
{
	struct psc_place first[] = {place("/a", "x"), place("/b", NULL), place("/c", "x")};
	struct psc_place second[] = {place("/c", "x"), place("/a", "y"), place("/b", NULL),
				     place("/d", NULL)};
	struct psc_place many[PSC_PLACES_SITE_MAX + 1];

	assert_int_equal(psc_places_number(first, 3, NULL, 0), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(first[i].number, i);
	/* who stays keeps its number; who is new, or another product, gets one nobody had */
	assert_int_equal(psc_places_number(second, 4, first, 3), 0);
	assert_int_equal(second[0].number, 2);
	assert_int_equal(second[1].number, 3);
	assert_int_equal(second[2].number, 1);
	assert_int_equal(second[3].number, 4);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = place("/x", NULL);
	assert_int_equal(psc_places_number(many, ARRAY_SIZE(many), NULL, 0), -E2BIG);
}

/* Those that were found have numbers of their own, and keep them while others come and go. */
static void test_numbers_found(void **state)
{
	struct psc_place first[] = {place("/a", "x"), place("/b", "x")};
	struct psc_place second[] = {place("/c", "x"), place("/b", "x")};
	struct psc_place many[PSC_PLACES_FOUND_MAX + 1];

	for (size_t i = 0; i < 2; i++)
		first[i].site = second[i].site = false;
	assert_int_equal(psc_places_number_found(first, 2, NULL, 0), 0);
	assert_int_equal(first[0].number, PSC_PLACES_SITE);
	assert_int_equal(psc_places_number_found(second, 2, first, 2), 0);
	assert_int_equal(second[0].number, PSC_PLACES_SITE + 2);
	assert_int_equal(second[1].number, PSC_PLACES_SITE + 1);
	/* the site's own of the same name is another */
	second[1].site = true;
	assert_int_equal(psc_places_number(&second[1], 1, first, 2), 0);
	assert_int_equal(second[1].number, 0);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = place("/x", NULL);
	assert_int_equal(psc_places_number_found(many, ARRAY_SIZE(many), NULL, 0), -E2BIG);
}

/* Two full sets, one after the other, never share a number. */
static void test_numbers_full(void **state)
{
	struct psc_place old[PSC_PLACES_SITE_MAX], new[PSC_PLACES_SITE_MAX];
	static char names[2 * PSC_PLACES_SITE_MAX][8];

	for (int i = 0; i < 2 * PSC_PLACES_SITE_MAX; i++)
		snprintf(names[i], sizeof(names[i]), "/%d", i);
	for (int i = 0; i < PSC_PLACES_SITE_MAX; i++) {
		old[i] = place(names[i], NULL);
		new[i] = place(names[PSC_PLACES_SITE_MAX + i], NULL);
	}
	assert_int_equal(psc_places_number(old, PSC_PLACES_SITE_MAX, NULL, 0), 0);
	assert_int_equal(psc_places_number(new, PSC_PLACES_SITE_MAX, old, PSC_PLACES_SITE_MAX), 0);
	for (int i = 0; i < PSC_PLACES_SITE_MAX; i++) {
		assert_true(new[i].number < PSC_PLACES_SITE);
		for (int k = 0; k < PSC_PLACES_SITE_MAX; k++)
			assert_int_not_equal(new[i].number, old[k].number);
	}
}

struct world {
	struct psc_config *config;
	struct psc_list *list;
	struct psc_policy_set set;
	struct psc_image *image;
};

static int make_world(void **state)
{
	static const char text[] =
		"mode: enforce\n"
		"profiles: [us-commerce-icts-2021-002]\n"
		"places: [{path: /opt/a, product: kaspersky/kesl},\n"
		"         {path: /opt/b}, {path: /opt/c, product: kaspersky/kesl}]\n";
	struct psc_policy_places files = {
		.profiles = {"policy/profiles"},
		.catalogs = {"policy/catalog"},
	};
	struct world *w = calloc(1, sizeof(*w));
	struct psc_compile_input input = {.site_files = 1};
	struct psc_error err = {0};

	*state = w;
	if (psc_config_parse(text, strlen(text), "c", &w->config, &err) < 0 ||
	    psc_policy_set_load(w->config, &files, 0, &w->set, &err) < 0 ||
	    psc_list_new(&w->list) < 0)
		fail_msg("%s", err.message);
	input.list = w->list;
	input.catalog = &w->set.catalog;
	input.places = w->config->places;
	input.place_count = w->config->place_count;
	input.view = psc_policy_set_view(&w->set, w->config);
	if (psc_compile_policy(&input, &w->image, &err) < 0)
		fail_msg("%s", err.message);
	return 0;
}

static int free_world(void **state)
{
	struct world *w = *state;

	psc_image_free(w->image);
	psc_list_free(w->list);
	psc_policy_set_clear(&w->set);
	psc_config_free(w->config);
	free(w);
	return 0;
}

static void test_compiled(void **state)
{
	const struct psc_image *image = ((struct world *)*state)->image;
	const struct psc_table *table = &image->table;
	uint16_t kesl = table->place_subject[0], unnamed = table->place_subject[1];

	assert_true(table->flags & PSC_TABLE_PLACES);
	assert_string_equal(image->subjects[kesl].product, "kaspersky/kesl");
	assert_string_equal(image->subjects[unnamed].product, "unnamed");
	assert_int_equal(table->place_subject[2], kesl);
	assert_int_equal(table->place_subject[3], PSC_SUBJECT_NONE);
	/* as digests of the site's lists */
	for (uint32_t i = 0; i < table->interval_count; i++) {
		assert_int_equal(table->action[i][table->class_of[kesl]][PSC_OP_EXEC],
				 PSC_ACTION_DENY);
		assert_int_equal(table->action[i][table->class_of[unnamed]][PSC_OP_LOAD],
				 PSC_ACTION_DENY);
	}
	assert_string_equal(psc_image_place(image, 2)->path, "/opt/c");
	assert_null(psc_image_place(image, 3));
}

static void test_kept(void **state)
{
	const struct psc_image *image = ((struct world *)*state)->image;
	_cleanup_(psc_image_freep) struct psc_image *again = NULL;
	uint8_t digest[PSC_DIGEST_SIZE], loaded[PSC_DIGEST_SIZE];
	char directory[] = "/tmp/psc-test-place-XXXXXX";
	struct psc_error err = {0};
	char path[64];
	int r;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/active.bin", directory);
	assert_int_equal(psc_image_digest(image, digest), 0);
	assert_int_equal(psc_image_save(image, digest, path), 0);
	r = psc_image_load(path, &again, loaded, &err);
	unlink(path);
	rmdir(directory);
	if (r < 0)
		fail_msg("%s", err.message);
	assert_memory_equal(image->table.place_subject, again->table.place_subject,
			    sizeof(image->table.place_subject));
	assert_int_equal(again->place_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(again->places[i].path, image->places[i].path);
		assert_int_equal(again->places[i].number, image->places[i].number);
		assert_true(again->places[i].site);
	}
	assert_string_equal(again->places[0].product, "kaspersky/kesl");
	assert_null(again->places[1].product);
	assert_int_equal(psc_image_digest(again, loaded), 0);
	assert_memory_equal(digest, loaded, sizeof(digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	     cmocka_unit_test(test_numbers_found),
		cmocka_unit_test(test_numbers_full), cmocka_unit_test(test_compiled),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, make_world, free_world);
}
