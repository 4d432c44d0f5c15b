/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_scan.c - `proscribe scan`: exit statuses, the statement, JSON and CSV, text from
 * outside. What is found is test_scan.c's.
 */
/* for what it keeps to itself */
#include "user/cli/scan_render.c"
#include "tests/unit/cli_harness.h"
#include "tests/unit/standin.h"

static const struct psc_verb *const verb_table[] = {&psc_verb_scan, NULL};

static char root[128], lists[128];

#define RUN(f, ...)                                                                                \
	run_array(f, verb_table,                                                                   \
		  (char *[ARGUMENTS_MAX]){(char *)"proscribe", (char *)"scan",                     \
					  (char *)"--catalog", (char *)"policy/catalog",           \
					  (char *)"--lists", lists, __VA_ARGS__})

static void make_root(const char *more)
{
	standin_shell("rm -rf root && mkdir -p root/etc root/usr/bin lists && "
		      "cp /bin/true root/usr/bin && echo root:x:0:0::/:/bin/sh >root/etc/passwd");
	if (more)
		standin_shell(more);
}

static void test_nil(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	make_root(NULL);
	assert_int_equal(RUN(f, "--root", root), PSC_EXIT_OK);
	assert_contains(f->out, "NIL STATEMENT: nothing");
	assert_contains(f->out, "looked at 2 files");
	assert_contains(f->out, "catalog   sha256:");
	assert_int_equal(RUN(f, "--root", root, "--json"), PSC_EXIT_OK);
	data = data_of(f, "scan");
	assert_string_equal(psc_json_text(data, "result", "?"), "nil");
	assert_true(json_is_true(json_object_get(data, "complete")));
	assert_int_equal(psc_json_number(data, "counts.accounts", 0), 1);
	assert_string_equal(
		psc_json_text(json_array_get(json_object_get(data, "scope"), 0), "path", "?"),
		root);
	assert_int_equal(strlen(psc_json_text(data, "method.catalog_sha256", "")), 64);
	assert_true(psc_json_number(data, "method.digests.sha256", 0) > 1000);
	assert_true(psc_json_number(data, "method.rules", 0) > 100);
	assert_int_equal(RUN(f, "--root", root, "--csv"), PSC_EXIT_OK);
	assert_string_equal(f->out, "kind,where,inside,detail,package,product,role,confidence,pid,"
				    "rules,sources,digests\n");
}

static void test_found(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;
	const json_t *finding, *rule;

	make_root("cd root && mkdir -p opt/kaspersky/kesl && "
		  "touch \"opt/kaspersky/kesl/$(printf 'a\\033[2J\\n\"b')\" && "
		  "mkdir -p opt/kaspersky/ktfs && touch opt/kaspersky/ktfs/x");
	assert_int_equal(RUN(f, "--root", root), PSC_EXIT_LISTED);
	assert_contains(f->out, "FOUND: ");
	assert_contains(f->out, "Kaspersky Endpoint Security for Linux (kaspersky/kesl");
	assert_contains(f->out, "threat-intelligence");
	assert_contains(f->out, "/opt/kaspersky/kesl/a\\x1b[2J\\x0a\"b");
	assert_contains(f->out, "by kaspersky/kesl-opt");
	assert_null(strchr(f->out, '\033'));
	assert_int_equal(RUN(f, "--root", root, "--json"), PSC_EXIT_LISTED);
	data = data_of(f, "scan");
	assert_string_equal(psc_json_text(data, "result", "?"), "found");
	finding = json_array_get(json_object_get(data, "findings"), 0);
	rule = json_array_get(json_object_get(finding, "rules"), 0);
	assert_true(strlen(psc_json_text(rule, "source", "")) > 0);
	assert_true(json_array_size(json_object_get(rule, "conditions")) > 0);
	assert_true(json_array_size(json_object_get(finding, "facts")) > 0);
	assert_int_equal(RUN(f, "--root", root, "--csv"), PSC_EXIT_LISTED);
	assert_contains(f->out, "\"\"b\",\"\",\"\",\"\",\"kaspersky/kesl\",\"program\",\"high\"");
}

static void test_formula(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	scan_field(file, "=1+1", false);
	scan_field(file, "a\"b", true);
	fclose(file);
	assert_string_equal(text, "\"'=1+1\",\"a\"\"b\"\n");
	free(text);
}

static void test_incomplete(void **state)
{
	struct fixture *f = *state;
	make_root("chmod 755 . && echo x >root/usr/closed && chmod 0 root/usr/closed");
	if (getuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(RUN(f, "--root", root), PSC_EXIT_FAILED);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_contains(f->out, "INCOMPLETE: nothing was found, but 1 within");
	assert_contains(f->out, "Run it as root");
	assert_contains(f->out, "Permission denied");
	assert_contains(f->out, "/usr/closed");
	assert_null(strstr(f->out, "NIL STATEMENT"));
}

static void test_site_list(void **state)
{
	struct fixture *f = *state;
	make_root(
		"printf hello >root/usr/h; { echo algo,digest,size,format,name,product,version,source;"
		"echo sha256,$(printf hello | sha256sum | cut -d' ' -f1),5,any,x,Acme thing,1,us; }"
		" >lists/local.csv");
	assert_int_equal(RUN(f, "--root", root), PSC_EXIT_LISTED);
	assert_contains(f->out, "Acme thing (Acme thing): 1 finding, confidence high");
	assert_contains(f->out, "by sha256 of x");
	standin_shell("rm lists/local.csv");
}

static void test_wrong_use(void **state)
{
	struct fixture *f = *state;
	make_root(NULL);
	assert_int_equal(RUN(f, "--threads", "0", "--root", root), PSC_EXIT_USAGE);
	assert_int_equal(RUN(f, "--threads", "many", "--root", root), PSC_EXIT_USAGE);
	assert_int_equal(RUN(f, "--csv", "--json", "--root", root), PSC_EXIT_USAGE);
	assert_int_equal(RUN(f, "/nowhere"), PSC_EXIT_INVALID);
	assert_contains(f->err, "/nowhere");
	assert_int_equal(RUN(f, "--root", "/etc/passwd"), PSC_EXIT_INVALID);
	standin_shell("mkdir -p nothing");
	assert_int_equal(
		run_array(f, verb_table,
			  (char *[]){(char *)"proscribe", (char *)"scan", (char *)"--catalog",
				     standin_directory, (char *)"--lists", lists, root, NULL}),
		PSC_EXIT_INVALID);
	assert_contains(f->err, "nothing to look for");
}

static int setup(void **state)
{
	*state = fixture_new();
	if (!*state || standin_setup(NULL) < 0)
		return -1;
	snprintf(root, sizeof(root), "%s/root", standin_directory);
	snprintf(lists, sizeof(lists), "%s/lists", standin_directory);
	return 0;
}

static int teardown(void **state)
{
	return standin_teardown(NULL) == 0 ? fixture_free(*state) : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nil),	  cmocka_unit_test(test_found),
		cmocka_unit_test(test_formula),	  cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_site_list), cmocka_unit_test(test_wrong_use),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
