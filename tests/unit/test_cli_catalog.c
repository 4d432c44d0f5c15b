/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_catalog.c - `proscribe catalog ...` and `list export` on a vendor of the tests' own
 * beside the shipped one, and on a catalog with everything wrong in it
 * (tests/data/catalog-bad/check.txt has what is found). PSC_TEST_UPDATE=1 writes that anew.
 */
#include <limits.h>

#include "tests/unit/cli_harness.h"

#include "user/cli/catalog_verbs.h"
#include "user/cli/output.h"
#include "user/core/list.h"

#define ACME	"tests/data/catalog"
#define SHIPPED "policy/catalog"
#define BAD	"tests/data/catalog-bad"
#define LISTS	"tests/data/catalog/acme"

static const struct psc_verb *const verb_table[] = {
	&psc_verb_catalog_check,  &psc_verb_catalog_show, &psc_verb_catalog_stats,
	&psc_verb_catalog_search, &psc_verb_list_export,  NULL,
};

#define RUN(f, ...)                                                                                \
	run_array(f, verb_table, (char *[ARGUMENTS_MAX]){(char *)"proscribe", __VA_ARGS__})

static void test_check(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;
	char root[PATH_MAX];
	int code;

	assert_int_equal(RUN(f, "catalog", "check", SHIPPED), PSC_EXIT_OK);
	assert_string_equal(f->out, "nothing wrong\n");
	assert_int_equal(RUN(f, "catalog", "check", ACME), PSC_EXIT_OK);
	assert_int_equal(RUN(f, "catalog", "check", "/nonexistent"), PSC_EXIT_INVALID);
	assert_int_equal(RUN(f, "catalog", "check", "--catalog", ACME, ACME), PSC_EXIT_USAGE);

	assert_non_null(getcwd(root, sizeof(root)));
	assert_int_equal(chdir("tests/data"), 0);
	code = RUN(f, "catalog", "check", "catalog-bad");
	assert_int_equal(chdir(root), 0);
	assert_int_equal(code, PSC_EXIT_INVALID);
	assert_as_in_file(f, BAD "/check.txt");

	assert_int_equal(RUN(f, "catalog", "check", "--json", "--catalog", BAD), PSC_EXIT_INVALID);
	data = data_of(f, "catalog check");
	assert_true(json_is_false(json_object_get(data, "ok")));
	assert_int_equal(json_array_size(json_object_get(data, "findings")), 18);
}

static void test_show(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;
	const json_t *product;

	assert_int_equal(RUN(f, "catalog", "show", "--catalog", ACME), PSC_EXIT_OK);
	assert_contains(f->out, "acme/tool         endpoint              1        3  Acme Tool\n");
	assert_int_equal(RUN(f, "catalog", "show", "--catalog", ACME, "acme/tool"), PSC_EXIT_OK);
	assert_contains(f->out, "digests   3, 2 enforceable\n");
	assert_contains(f->out, "  acme/tool  updater, medium\n"
				"      format is elf\n"
				"      name is acme-update\n"
				"      [V] acme.example/tool\n");
	assert_int_equal(RUN(f, "catalog", "show", "--catalog", ACME, "acme/nothing"),
			 PSC_EXIT_INVALID);
	assert_contains(f->err, "no vendor or product \"acme/nothing\"");
	assert_int_equal(RUN(f, "catalog", "show", "--catalog", ACME, "acm"), PSC_EXIT_INVALID);

	assert_int_equal(RUN(f, "catalog", "show", "--json", "--catalog", ACME, "acme"),
			 PSC_EXIT_OK);
	data = data_of(f, "catalog show");
	assert_int_equal(json_array_size(json_object_get(data, "products")), 3);
	product = json_array_get(json_object_get(data, "products"), 1);
	assert_string_equal(psc_json_text(product, "product", ""), "acme/other");
	assert_string_equal(psc_json_text(json_array_get(json_object_get(product, "indicators"), 0),
					  "source", ""),
			    "acme.example/install");
}

/* The figures, and the digest as a shell would compute it. */
static void test_stats(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;
	char line[80] = "";
	FILE *shell;

	assert_int_equal(RUN(f, "catalog", "stats", "--json", "--catalog", ACME), PSC_EXIT_OK);
	data = data_of(f, "catalog stats");
	assert_int_equal(psc_json_number(data, "vendors", 0), 1);
	assert_int_equal(psc_json_number(data, "products", 0), 3);
	assert_int_equal(psc_json_number(data, "rules.high", 0), 1);
	assert_int_equal(psc_json_number(data, "rules.medium", 0), 1);
	assert_int_equal(psc_json_number(data, "rules.rejected", 0), 1);
	assert_int_equal(psc_json_number(data, "digests.all", 0), 3);
	assert_int_equal(psc_json_number(data, "digests.enforceable", 0), 2);
	assert_int_equal(psc_json_number(data, "digests.other_algorithm", 0), 1);
	assert_int_equal(psc_json_number(data, "digests.without_size_found_by_kernel", 0), 1);
	assert_int_equal(psc_json_number(data, "digests.with_size", 0), 1);
	shell = popen("cd " ACME " && LC_ALL=C sha256sum */* | sha256sum", "r");
	assert_non_null(shell);
	assert_non_null(fgets(line, sizeof(line), shell));
	pclose(shell);
	line[64] = '\0';
	assert_string_equal(psc_json_text(data, "sha256", ""), line);

	assert_int_equal(RUN(f, "catalog", "stats", "--catalog", SHIPPED), PSC_EXIT_OK);
	assert_contains(f->out, "digests         2274 (1 md5, 473 sha1, 1792 sha256, 1 sha512, 7 "
				"blake2b-512)\nenforceable     1792\n");
	/* none of them has a size: nothing is in force before the daemon has met the file */
	assert_contains(f->out, "  with size     0 by the kernel, at once\n"
				"  no size       1792 (1757 pe, 19 deb, 14 rpm, 2 archive)\n");
	assert_contains(f->out, "not enforceable 482 of another algorithm");
	assert_int_equal(RUN(f, "catalog", "stats", "--catalog", BAD), PSC_EXIT_INVALID);
	assert_contains(f->err, "broken/products.yaml:5:5");
}

static void test_search(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(RUN(f, "catalog", "search", "--catalog", ACME, "ACME-UPDATE"),
			 PSC_EXIT_OK);
	assert_contains(f->out, "rules\n  acme/tool  updater, medium\n");
	assert_int_equal(RUN(f, "catalog", "search", "--catalog", ACME, "f572d396"), PSC_EXIT_OK);
	assert_contains(f->out, "acme/tool/library");
	assert_contains(f->out, "not enforceable");
	assert_int_equal(RUN(f, "catalog", "search", "--catalog", ACME, "every other"),
			 PSC_EXIT_OK);
	assert_contains(f->out, "rejected\n  name is acme: every other test");
	assert_int_equal(RUN(f, "catalog", "search", "--catalog", ACME, "nothing of it"),
			 PSC_EXIT_FAILED);
	assert_int_equal(RUN(f, "catalog", "search", "--catalog", ACME), PSC_EXIT_USAGE);
}

#define ONE "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define TWO "0000000000000000000000000000000000000000000000000000000000000001"

/* The catalog and, as the site's list, the same file: each digest comes out once. */
static void test_export(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *csv = read_text(LISTS "/digests.csv");
	char *any = strstr(csv, ",any,");

	memmove(any + 1, any + 4, strlen(any + 4) + 1);
	assert_int_equal(RUN(f, "list", "export", "--catalog", ACME, "--lists", LISTS),
			 PSC_EXIT_OK);
	assert_string_equal(f->out, csv);
	assert_int_equal(RUN(f, "list", "export", "--site", "--lists", LISTS), PSC_EXIT_OK);
	assert_string_equal(f->out, csv);
	assert_int_equal(RUN(f, "list", "export", "--catalog", ACME, "--lists", LISTS, "--format",
			     "sha256sum"),
			 PSC_EXIT_OK);
	assert_string_equal(f->out, ONE "  acme, the tool\n" TWO "  " TWO "\n");
	assert_contains(f->err, "1 left out: they are not sha256");
	assert_int_equal(
		RUN(f, "list", "export", "--catalog", ACME, "--lists", LISTS, "--format", "clamav"),
		PSC_EXIT_OK);
	assert_string_equal(f->out,
			    ONE ":6:Proscribe.acme.tool.1.0\n"
				"f572d396fae9206628714fb2ce00f72e94f2258f:*:Proscribe."
				"acme.tool.library:73\n" TWO ":*:Proscribe.acme.tool.1.1:73\n");
	assert_int_equal(RUN(f, "list", "export", "--catalog", ACME, "--lists", LISTS, "--format",
			     "fapolicyd"),
			 PSC_EXIT_OK);
	assert_string_equal(f->out, "deny perm=execute all : sha256hash=" ONE
				    "\ndeny perm=execute all : sha256hash=" TWO
				    "\nallow perm=any all : all\n");
	assert_int_equal(RUN(f, "list", "export", "--format", "exe"), PSC_EXIT_USAGE);
}

/* A file is whole or not there. */
static void test_export_file(void **state)
{
	struct fixture *f = *state;
	char directory[] = "/tmp/psc-test-export-XXXXXX";
	_cleanup_free_ char *text = NULL;
	char path[100], none[120];

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/out", directory);
	assert_int_equal(RUN(f, "list", "export", "--catalog", ACME, "--lists", LISTS, "-o", path,
			     "--format", "fapolicyd"),
			 PSC_EXIT_OK);
	assert_string_equal(f->out, "");
	text = read_text(path);
	assert_contains(text, "allow perm=any all : all\n");
	assert_int_equal(unlink(path), 0);
	snprintf(none, sizeof(none), "%s/no/out", directory);
	assert_int_equal(RUN(f, "list", "export", "--catalog", ACME, "--lists", LISTS, "-o", none),
			 PSC_EXIT_FAILED);
	assert_int_equal(rmdir(directory), 0);
}

static int setup(void **state)
{
	*state = fixture_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	return fixture_free(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),  cmocka_unit_test(test_show),
		cmocka_unit_test(test_stats),  cmocka_unit_test(test_search),
		cmocka_unit_test(test_export), cmocka_unit_test(test_export_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
