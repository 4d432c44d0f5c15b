/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_compile_policy.c - profiles, objects and lists to the kernel's table: what decide.h
 * makes of the table is what ruling.h says, for every subject, operation and instant; and the
 * table is the same after it was a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/compile.h"
#include "user/core/image_file.h"
#include "user/core/policy_set.h"
#include "bpf/decide.h"

#define COMMERCE "us-commerce-icts-2021-002"
#define FAR	 "us-ndaa-1634-far-52.204-23"
#define BOD	 "us-bod-17-01"
#define AU	 "au-pspf-002-2025"
#define BSI	 "de-bsi-2022"

static const char *const products[] = {"kaspersky/kesl", "kaspersky/kics", "kaspersky/cybertrace",
				       "kaspersky/unknown", "site tool"};

/* Everything that a compilation needs. */
struct world {
	struct psc_config *config;
	struct psc_policy_set set;
	struct psc_list *list;
	struct psc_compile_input input;
};

static void free_world(struct world *w)
{
	psc_config_free(w->config);
	psc_policy_set_clear(&w->set);
	psc_list_free(w->list);
}

static void add_digest(struct psc_list *list, uint8_t first, const char *product)
{
	uint8_t digest[PSC_DIGEST_SIZE] = {first};
	struct psc_list_entry entry = {
		.algo = PSC_ALGO_SHA256,
		.digest = digest,
		.digest_size = PSC_DIGEST_SIZE,
		.has_size = true,
		.size = 1000 + first,
		.format = PSC_FORMAT_ELF,
		.product = product,
	};

	assert_int_equal(psc_list_append(list, &entry, NULL), 0);
}

/* One digest a product and role; digest n is text n. Those of the site stand first. */
static unsigned int fill_list(struct psc_list *list)
{
	unsigned int n = 1;

	for (size_t i = 0; i < ARRAY_SIZE(products); i++) {
		for (unsigned int role = 0; role < PSC_ROLE_MAX; role++) {
			char text[80];

			snprintf(text, sizeof(text), "%s/%s", products[i],
				 psc_role_to_string(role));
			add_digest(list, n++, text);
		}
	}
	return n;
}

static void add_object(struct world *w, const char *text)
{
	struct psc_objects *objects = &w->set.objects;
	struct psc_error err = {0};
	struct psc_object *object = NULL;

	if (psc_object_parse(text, strlen(text), "objects.d/x.yaml", &object, &err) < 0)
		fail_msg("%u:%u: %s", err.line, err.column, err.message);
	objects->item = realloc(objects->item, (objects->count + 1) * sizeof(*objects->item));
	objects->item[objects->count++] = object;
}

static void make_world(struct world *w, const char *profiles, size_t site_files)
{
	struct psc_policy_places places = {
		.profiles = {"policy/profiles"},
		.catalogs = {"policy/catalog"},
	};
	struct psc_error err = {0};
	char config[200];

	*w = (struct world){.input.site_files = site_files};
	snprintf(config, sizeof(config), "mode: enforce\nprofiles: [%s]\nactions: {open: deny}\n",
		 profiles);
	assert_int_equal(psc_config_parse(config, strlen(config), "c", &w->config, &err), 0);
	if (psc_policy_set_load(w->config, &places, 0, &w->set, &err) < 0)
		fail_msg("%s: %s", err.file, err.message);
	assert_int_equal(psc_list_new(&w->list), 0);
	fill_list(w->list);
	w->input.list = w->list;
	w->input.catalog = &w->set.catalog;
}

static struct psc_image *compile(struct world *w)
{
	struct psc_image *image = NULL;
	struct psc_error err = {0};

	w->input.view = psc_policy_set_view(&w->set, w->config);
	if (psc_compile_policy(&w->input, &image, &err) < 0)
		fail_msg("%s", err.message);
	return image;
}

/* What the kernel would do against what the ruling says. */
static void check_cell(const struct world *w, const struct psc_image *image, unsigned int n,
		       uint64_t at)
{
	const struct psc_digest_record *record = &image->records[n - 1];
	const struct psc_image_subject *entry = &image->subjects[record->subject];
	struct psc_subject subject = {.text = entry->product, .site = entry->site};

	subject.product = psc_catalog_find(&w->set.catalog, entry->product, &subject.role);
	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		const struct psc_image_ruling *why;
		struct psc_decision decision;
		struct psc_ruling ruling;

		psc_decide(&image->table, op, record->subject, 0, at, &decision);
		psc_rule_on(&w->input.view, &subject, op, at, &ruling);
		if (decision.action != ruling.action)
			fail_msg("%s op %u at %llu: table %u, ruling %u", entry->product, op,
				 (unsigned long long)at, decision.action, ruling.action);
		why = psc_image_ruling_of(image, decision.interval, decision.class, op);
		assert_int_equal(why->count, ruling.count);
		for (size_t i = 0; i < why->count; i++) {
			const struct psc_profile *profile = ruling.reason[i].profile;

			assert_string_equal(why->reason[i].profile, profile ? profile->id : "site");
			assert_int_equal(why->reason[i].action, ruling.reason[i].action);
		}
	}
}

static void check_world(struct world *w)
{
	_cleanup_(psc_image_freep) struct psc_image *image = compile(w);
	_cleanup_free_ uint64_t *instants = NULL;
	size_t count;

	assert_int_equal(psc_policy_instants(&w->input.view, &instants, &count), 0);
	assert_int_equal(image->table.interval_count, count);
	for (unsigned int n = 1; n <= image->table.digest_count; n++) {
		for (size_t i = 0; i < count; i++) {
			check_cell(w, image, n, instants[i]);
			check_cell(w, image, n, instants[i] + 1);
			if (instants[i])
				check_cell(w, image, n, instants[i] - 1);
		}
		check_cell(w, image, n, UINT64_MAX - 1);
	}
}

static void test_every_cell(void **state)
{
	static const char *const sets[] = {
		"", COMMERCE, FAR, BOD, AU, BSI, COMMERCE ", " FAR ", " BOD ", " AU ", " BSI};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		for (size_t site = 0; site < 2; site++) {
			struct world w;

			make_world(&w, sets[i], site ? SIZE_MAX : 0);
			check_world(&w);
			free_world(&w);
		}
	}
}

static void test_objects(void **state)
{
	struct world w;

	make_world(&w, COMMERCE ", " FAR, SIZE_MAX);
	add_object(&w, "exemption: EX-1\nreason: r\nby: b\nfrom: 2024-10-01T00:00:00Z\n"
		       "until: 2024-12-01T00:00:00Z\nproducts: [kaspersky/kesl]\n");
	add_object(&w, "exemption: EX-2\nreason: r\nby: b\nfrom: 2024-08-01T00:00:00Z\n"
		       "until: 2025-01-01T00:00:00Z\nprofiles: [" COMMERCE "]\n"
		       "products: [kaspersky/kics]\n");
	add_object(&w, "decision: DE-1\nreason: r\nby: b\ndocument: d\n"
		       "from: 2024-09-01T00:00:00Z\nuntil: 2025-06-01T00:00:00Z\n"
		       "products: [kaspersky/kesl]\n");
	add_object(&w, "window: WI-1\nreason: r\nby: b\nfrom: 2025-02-01T00:00:00Z\n"
		       "until: 2025-02-01T01:00:00Z\n");
	add_object(&w, "attestation: AT-1\nreason: r\nby: b\ndocument: d\n"
		       "from: 2025-03-01T00:00:00Z\nuntil: 2025-04-01T00:00:00Z\n"
		       "fact: us_person\nvalue: no\n");
	check_world(&w);
	free_world(&w);
}

/* An exemption takes away what it names, when it is in force, and nothing else. */
static void test_exemption(void **state)
{
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	const uint64_t from = 1727740800000000000ULL, until = 1733011200000000000ULL;
	struct psc_decision d;
	struct world w;

	make_world(&w, FAR, 0);
	add_object(&w, "exemption: EX-1\nreason: r\nby: b\nfrom: 2024-10-01T00:00:00Z\n"
		       "until: 2024-12-01T00:00:00Z\nproducts: [kaspersky/kesl]\n");
	image = compile(&w);
	psc_decide(&image->table, PSC_OP_EXEC, image->records[0].subject, 0, from - 1, &d);
	assert_int_equal(d.verdict, PSC_VERDICT_DENY);
	psc_decide(&image->table, PSC_OP_EXEC, image->records[0].subject, 0, from, &d);
	assert_int_equal(d.verdict, PSC_VERDICT_ALLOW);
	assert_string_equal(
		psc_image_ruling_of(image, d.interval, d.class, PSC_OP_EXEC)->reason[0].object,
		"EX-1");
	psc_decide(&image->table, PSC_OP_EXEC, image->records[0].subject, 0, until - 1, &d);
	assert_int_equal(d.verdict, PSC_VERDICT_ALLOW);
	psc_decide(&image->table, PSC_OP_EXEC, image->records[0].subject, 0, until, &d);
	assert_int_equal(d.verdict, PSC_VERDICT_DENY);
	/* another product */
	psc_decide(&image->table, PSC_OP_EXEC, image->records[PSC_ROLE_MAX].subject, 0, from, &d);
	assert_int_equal(d.verdict, PSC_VERDICT_DENY);
	free_world(&w);
}

/* Of a digest in both kinds of lists the catalog's name counts, and the site's actions too. */
static void test_both_lists(void **state)
{
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	struct psc_decision d;
	struct world w;

	make_world(&w, COMMERCE, 1);
	psc_list_free(w.list);
	w.list = NULL;
	assert_int_equal(psc_list_new(&w.list), 0);
	assert_int_equal(psc_list_parse(w.list, "site.csv",
					PSC_LIST_HEADER
					"\nsha256,"
					"0100000000000000000000000000000000000000000000000000000000"
					"000000,9,elf,n,our name,,\n",
					strlen(PSC_LIST_HEADER) + 91, NULL),
			 0);
	assert_int_equal(psc_list_parse(w.list, "catalog.csv",
					PSC_LIST_HEADER
					"\nsha256,"
					"0100000000000000000000000000000000000000000000000000000000"
					"000000,9,elf,n,kaspersky/kesl,,\n",
					strlen(PSC_LIST_HEADER) + 97, NULL),
			 0);
	w.input.list = w.list;
	image = compile(&w);
	assert_int_equal(image->table.digest_count, 1);
	assert_string_equal(image->subjects[image->records[0].subject].product, "kaspersky/kesl");
	assert_true(image->subjects[image->records[0].subject].site);
	psc_decide(&image->table, PSC_OP_OPEN, image->records[0].subject, 0, 1, &d);
	assert_int_equal(d.verdict, PSC_VERDICT_DENY);
	free_world(&w);
}

/* What the rulings say of a product of the catalog. */
static enum psc_action ruled(const struct world *w, const char *text, enum psc_op op, uint64_t at)
{
	struct psc_subject subject = {.text = text};
	struct psc_ruling ruling;

	subject.product = psc_catalog_find(&w->set.catalog, text, &subject.role);
	assert_non_null(subject.product);
	psc_rule_on(&w->input.view, &subject, op, at, &ruling);
	return ruling.action;
}

/*
 * A digest that is two products of the catalog, one of them exempt: at each instant and for each
 * operation the strictest counts, whichever stands first. What is listed as one is as before.
 */
static void test_two_products(void **state)
{
	static const char *const names[] = {"kaspersky/kesl/updater", "kaspersky/cybertrace",
					    "kaspersky/kesl"};
	for (unsigned int first = 0; first < ARRAY_SIZE(names); first++) {
		_cleanup_(psc_image_freep) struct psc_image *image = NULL;
		unsigned int stricter = 0;
		struct world w;

		make_world(&w, COMMERCE, 0);
		psc_list_free(w.list);
		w.list = NULL;
		assert_int_equal(psc_list_new(&w.list), 0);
		for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
			add_digest(w.list, 7, names[(first + i) % ARRAY_SIZE(names)]);
			add_digest(w.list, 8 + i, names[i]);
		}
		w.input.list = w.list;
		add_object(&w, "exemption: EX-1\nreason: r\nby: b\nfrom: 2026-01-01T00:00:00Z\n"
			       "until: 2027-01-01T00:00:00Z\nproducts: [kaspersky/kesl]\n");
		image = compile(&w);
		assert_int_equal(image->table.digest_count, 1 + ARRAY_SIZE(names));
		/* called as one that is refused, so that it is explained */
		assert_string_not_equal(image->subjects[image->records[0].subject].product,
					names[1]);
		for (uint32_t i = 0; i < image->table.interval_count; i++) {
			uint64_t at = image->table.interval_start[i];

			for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
				enum psc_action strictest = PSC_ACTION_ALLOW;
				struct psc_decision d;

				for (unsigned int k = 0; k < ARRAY_SIZE(names); k++) {
					enum psc_action action = ruled(&w, names[k], op, at);

					strictest = action > strictest ? action : strictest;
					psc_decide(&image->table, op, image->records[1 + k].subject,
						   0, at, &d);
					assert_int_equal(d.action, action);
				}
				psc_decide(&image->table, op, image->records[0].subject, 0, at, &d);
				assert_int_equal(d.action, strictest);
				stricter += strictest > ruled(&w, names[first], op, at);
				if (d.action != PSC_ACTION_ALLOW)
					assert_int_equal(
						psc_image_ruling_of(image, d.interval, d.class, op)
							->reason[0]
							.action,
						d.action);
			}
		}
		/* which of them is first has to matter somewhere, or nothing was tried */
		if (first == 1)
			assert_true(stricter > 0);
		free_world(&w);
	}
}

/* @count exemptions, the first from 2030 to mid-2030, the next a year later. */
static void add_exemptions(struct world *w, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "exemption: EX-%u\nreason: r\nby: b\nfrom: 20%02u-01-01T00:00:00Z\n"
			 "until: 20%02u-06-01T00:00:00Z\nproducts: [a/b]\n",
			 i, 30 + i, 30 + i);
		add_object(w, text);
	}
	w->input.view = psc_policy_set_view(&w->set, w->config);
}

static void test_too_many_instants(void **state)
{
	struct psc_image *image = NULL;
	struct psc_error err = {0};
	struct world w;

	make_world(&w, "", 0);
	add_exemptions(&w, PSC_INTERVALS_MAX / 2);
	assert_int_equal(psc_compile_policy(&w.input, &image, &err), -E2BIG);
	assert_null(image);
	assert_non_null(strstr(err.message, "64 instants to come"));
	psc_object_free(w.set.objects.item[--w.set.objects.count]);
	image = compile(&w);
	assert_int_equal(image->table.interval_count, PSC_INTERVALS_MAX - 1);
	psc_image_free(image);
	free_world(&w);
}

/* What has passed makes room, and from then on everything is as the rulings say. */
static void test_instants_that_have_passed(void **state)
{
	uint64_t first, *instants;
	struct psc_image *image = NULL, *later;
	struct psc_error err = {0};
	struct world w;
	size_t count;

	make_world(&w, "us-commerce-icts-2021-002", SIZE_MAX);
	add_exemptions(&w, 31);
	assert_int_equal(psc_policy_instants(&w.input.view, &instants, &count), 0);
	assert_true(count > PSC_INTERVALS_MAX);
	first = instants[count - PSC_INTERVALS_MAX];
	w.input.now = first - 1; /* one nanosecond short */
	assert_int_equal(psc_compile_policy(&w.input, &image, &err), -E2BIG);
	assert_non_null(strstr(err.message, "64 instants to come"));
	w.input.now = first;
	image = compile(&w);
	assert_int_equal(image->table.interval_count, PSC_INTERVALS_MAX);
	assert_true(image->table.interval_start[0] == 0);
	assert_true(image->table.interval_start[1] > first);
	for (size_t i = 0; i < count; i++) {
		for (unsigned int n = 1; n <= image->table.digest_count && instants[i] >= first;
		     n++) {
			check_cell(&w, image, n, instants[i]);
			check_cell(&w, image, n, instants[i] + 1);
			if (instants[i] > first)
				check_cell(&w, image, n, instants[i] - 1);
		}
	}
	/* no more is left out than it takes: the digest does not change with every instant */
	w.input.now = instants[count / 2];
	later = compile(&w);
	assert_memory_equal(&image->table, &later->table, sizeof(image->table));
	free(instants);
	psc_image_free(image);
	psc_image_free(later);
	free_world(&w);
}

/* ---- the file --------------------------------------------------------------------- */

static char path[] = "/tmp/psc-test-image-XXXXXX/active.bin";

static int make_directory(void **state)
{
	char *slash = strrchr(path, '/');

	*slash = 0;
	if (!mkdtemp(path))
		return -1;
	*slash = '/';
	return 0;
}

static int remove_directory(void **state)
{
	unlink(path);
	*strrchr(path, '/') = 0;
	return rmdir(path);
}

static void test_round_trip(void **state)
{
	_cleanup_(psc_image_freep) struct psc_image *image = NULL, *again = NULL;
	uint8_t digest[PSC_DIGEST_SIZE], loaded[PSC_DIGEST_SIZE], canary[PSC_DIGEST_SIZE] = {7, 7};
	struct psc_error err = {0};
	struct stat st;
	struct world w;

	make_world(&w, COMMERCE ", " BOD, 1);
	image = compile(&w);
	assert_int_equal(psc_image_digest(image, digest), 0);
	assert_null(psc_image_lookup(image, image->records[0].digest)); /* not armed yet */
	assert_int_equal(psc_image_save(image, digest, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	if (psc_image_load(path, &again, loaded, &err) < 0)
		fail_msg("%s", err.message);
	assert_memory_equal(digest, loaded, sizeof(digest));
	assert_memory_equal(&image->table, &again->table, sizeof(image->table));
	assert_memory_equal(image->records, again->records,
			    image->table.digest_count * sizeof(*image->records));
	assert_int_equal(image->ruling_count, again->ruling_count);
	for (size_t i = 1; i < image->ruling_count; i++) {
		assert_int_equal(image->rulings[i].count, again->rulings[i].count);
		for (size_t k = 0; k < image->rulings[i].count; k++)
			assert_string_equal(image->rulings[i].reason[k].clause,
					    again->rulings[i].reason[k].clause);
	}
	for (uint32_t i = 0; i < image->table.subject_count; i++)
		assert_string_equal(image->subjects[i].product, again->subjects[i].product);
	assert_int_equal(again->listed, image->listed);
	assert_int_equal(psc_image_digest(again, loaded), 0);
	assert_memory_equal(digest, loaded, sizeof(digest));
	/* and both can be armed */
	assert_int_equal(psc_image_arm(again, canary, 4096, &err), 0);
	assert_int_equal(psc_image_lookup(again, canary)->subject, PSC_SUBJECT_CANARY);
	assert_non_null(psc_image_lookup(again, image->records[3].digest));
	free_world(&w);
}

/* Any byte that is another one, and any length that is another one, is refused. */
static void test_damaged(void **state)
{
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	_cleanup_free_ uint8_t *data = NULL;
	_cleanup_close_ int fd = -1;
	uint8_t digest[PSC_DIGEST_SIZE];
	struct psc_image *got = NULL;
	struct stat st;
	struct world w;

	make_world(&w, COMMERCE, 1);
	image = compile(&w);
	assert_int_equal(psc_image_digest(image, digest), 0);
	assert_int_equal(psc_image_save(image, digest, path), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	data = malloc(st.st_size);
	assert_int_equal(read(fd, data, st.st_size), st.st_size);
	for (off_t at = 0; at < st.st_size; at += at < 200 ? 1 : 39119) {
		struct psc_error err = {0};

		data[at] ^= 1;
		assert_int_equal(psc_image_parse(data, st.st_size, "a", &got, &err), -EBADMSG);
		assert_non_null(strstr(err.message, "offset"));
		data[at] ^= 1;
	}
	for (off_t size = 0; size < st.st_size; size += size < 100 ? 1 : 70001)
		assert_int_equal(psc_image_parse(data, size, "a", &got, NULL), -EBADMSG);
	assert_null(got);
	assert_int_equal(psc_image_parse(data, st.st_size, "a", &got, NULL), 0);
	psc_image_free(got);
	free_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_exemption),
		cmocka_unit_test(test_both_lists),
		cmocka_unit_test(test_two_products),
		cmocka_unit_test(test_too_many_instants),
		cmocka_unit_test(test_instants_that_have_passed),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
