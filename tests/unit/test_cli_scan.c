/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_scan.c - `proscribe scan`: exit statuses, the statement, JSON and CSV, text from
 * outside. What is found is test_scan.c's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "user/cli/cli.c"
#include "user/cli/client.c"
#include "user/cli/output.c"
#include "user/cli/policy_load.c"
#include "user/cli/policy_table.c"
#include "user/cli/policy_words.c"
#include "user/cli/scan_json.c"
#include "user/cli/scan_knowledge.c"
#include "user/cli/scan_render.c"
#include "user/cli/verb_scan.c"
#include "tests/unit/standin.h"

static const struct psc_verb *const verb_table[] = {&psc_verb_scan, NULL};

static char *out_text, *err_text;
static char root[128], lists[128];

static int run_array(char **argv)
{
	size_t out_size, err_size;
	FILE *out, *err;
	int argc = 0, code;

	while (argv[argc])
		argc++;
	free(out_text);
	free(err_text);
	out = open_memstream(&out_text, &out_size);
	err = open_memstream(&err_text, &err_size);
	code = psc_cli_run(verb_table, argc, argv, out, err);
	fclose(out);
	fclose(err);
	return code;
}

#define RUN(...)                                                                                   \
	run_array((char *[16]){(char *)"proscribe", (char *)"scan", (char *)"--catalog",           \
			       (char *)"policy/catalog", (char *)"--lists", lists, __VA_ARGS__})

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static json_t *parse_data(void)
{
	json_error_t error;
	json_t *json = json_loads(out_text, 0, &error);
	json_t *data = json_incref(json_object_get(json, "data"));

	assert_non_null(data);
	json_decref(json);
	return data;
}

static void make_root(const char *more)
{
	standin_shell("rm -rf root && mkdir -p root/etc root/usr/bin lists && "
		      "cp /bin/true root/usr/bin && echo root:x:0:0::/:/bin/sh >root/etc/passwd");
	if (more)
		standin_shell(more);
}

static void test_nil(void **state)
{
	_cleanup_json_ json_t *data = NULL;

	make_root(NULL);
	assert_int_equal(RUN("--root", root), PSC_EXIT_OK);
	assert_contains(out_text, "NIL STATEMENT: nothing");
	assert_contains(out_text, "looked at 2 files");
	assert_contains(out_text, "catalog   sha256:");
	assert_int_equal(RUN("--root", root, "--json"), PSC_EXIT_OK);
	data = parse_data();
	assert_string_equal(psc_json_text(data, "result", "?"), "nil");
	assert_true(json_is_true(json_object_get(data, "complete")));
	assert_int_equal(psc_json_number(data, "counts.accounts", 0), 1);
	assert_string_equal(
		psc_json_text(json_array_get(json_object_get(data, "scope"), 0), "path", "?"),
		root);
	assert_int_equal(strlen(psc_json_text(data, "method.catalog_sha256", "")), 64);
	assert_true(psc_json_number(data, "method.digests.sha256", 0) > 1000);
	assert_true(psc_json_number(data, "method.rules", 0) > 100);
	assert_int_equal(RUN("--root", root, "--csv"), PSC_EXIT_OK);
	assert_string_equal(out_text,
			    "kind,where,inside,detail,package,product,role,confidence,pid,"
			    "rules,sources,digests\n");
}

static void test_found(void **state)
{
	_cleanup_json_ json_t *data = NULL;
	const json_t *finding, *rule;

	make_root("cd root && mkdir -p opt/kaspersky/kesl && "
		  "touch \"opt/kaspersky/kesl/$(printf 'a\\033[2J\\n\"b')\" && "
		  "mkdir -p opt/kaspersky/ktfs && touch opt/kaspersky/ktfs/x");
	assert_int_equal(RUN("--root", root), PSC_EXIT_LISTED);
	assert_contains(out_text, "FOUND: ");
	assert_contains(out_text, "Kaspersky Endpoint Security for Linux (kaspersky/kesl");
	assert_contains(out_text, "threat-intelligence");
	assert_contains(out_text, "/opt/kaspersky/kesl/a\\x1b[2J\\x0a\"b");
	assert_contains(out_text, "by kaspersky/kesl-opt");
	assert_null(strchr(out_text, '\033'));
	assert_int_equal(RUN("--root", root, "--json"), PSC_EXIT_LISTED);
	data = parse_data();
	assert_string_equal(psc_json_text(data, "result", "?"), "found");
	finding = json_array_get(json_object_get(data, "findings"), 0);
	rule = json_array_get(json_object_get(finding, "rules"), 0);
	assert_true(strlen(psc_json_text(rule, "source", "")) > 0);
	assert_true(json_array_size(json_object_get(rule, "conditions")) > 0);
	assert_true(json_array_size(json_object_get(finding, "facts")) > 0);
	assert_int_equal(RUN("--root", root, "--csv"), PSC_EXIT_LISTED);
	assert_contains(out_text, "\"\"b\",\"\",\"\",\"\",\"kaspersky/kesl\",\"program\",\"high\"");
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
	make_root("chmod 755 . && echo x >root/usr/closed && chmod 0 root/usr/closed");
	if (getuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(RUN("--root", root), PSC_EXIT_FAILED);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_contains(out_text, "INCOMPLETE: nothing was found, but 1 within");
	assert_contains(out_text, "Run it as root");
	assert_contains(out_text, "Permission denied");
	assert_contains(out_text, "/usr/closed");
	assert_null(strstr(out_text, "NIL STATEMENT"));
}

static void test_site_list(void **state)
{
	make_root(
		"printf hello >root/usr/h; { echo algo,digest,size,format,name,product,version,source;"
		"echo sha256,$(printf hello | sha256sum | cut -d' ' -f1),5,any,x,Acme thing,1,us; }"
		" >lists/local.csv");
	assert_int_equal(RUN("--root", root), PSC_EXIT_LISTED);
	assert_contains(out_text, "Acme thing (Acme thing): 1 finding, confidence high");
	assert_contains(out_text, "by sha256 of x");
	standin_shell("rm lists/local.csv");
}

static void test_wrong_use(void **state)
{
	make_root(NULL);
	assert_int_equal(RUN("--threads", "0", "--root", root), PSC_EXIT_USAGE);
	assert_int_equal(RUN("--threads", "many", "--root", root), PSC_EXIT_USAGE);
	assert_int_equal(RUN("--csv", "--json", "--root", root), PSC_EXIT_USAGE);
	assert_int_equal(RUN("/nowhere"), PSC_EXIT_INVALID);
	assert_contains(err_text, "/nowhere");
	assert_int_equal(RUN("--root", "/etc/passwd"), PSC_EXIT_INVALID);
	standin_shell("mkdir -p nothing");
	assert_int_equal(
		run_array((char *[]){(char *)"proscribe", (char *)"scan", (char *)"--catalog",
				     standin_directory, (char *)"--lists", lists, root, NULL}),
		PSC_EXIT_INVALID);
	assert_contains(err_text, "nothing to look for");
}

static int setup(void **state)
{
	int r = standin_setup(state);

	snprintf(root, sizeof(root), "%s/root", standin_directory);
	snprintf(lists, sizeof(lists), "%s/lists", standin_directory);
	return r;
}

static int teardown(void **state)
{
	free(out_text);
	free(err_text);
	return standin_teardown(state);
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
