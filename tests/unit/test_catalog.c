/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_catalog.c - products of vendors: every refusal with its place, finding by what a list
 * says, several vendors in one directory.
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
#include "user/core/catalog.h"
#include "tests/unit/refusal.h"

#define HEAD "vendor: v\nentity: e\nproducts:\n"
#define TOOL "  - product: tool\n    name: A Tool\n    source: somewhere\n    label: V\n"

static void parse(struct psc_catalog *catalog, const char *text)
{
	struct psc_error err = {0};

	if (psc_catalog_parse(catalog, text, strlen(text), "products.yaml", &err) < 0)
		fail_msg("%u:%u: %s", err.line, err.column, err.message);
}

static void test_products(void **state)
{
	_cleanup_(psc_catalog_clear) struct psc_catalog catalog = {0};
	enum psc_role role = PSC_ROLE_MAX;
	const struct psc_product *product;

	parse(&catalog, HEAD TOOL "  - product: other\n    name: O\n    class: some-class\n"
				  "    source: s\n    label: S\n");
	parse(&catalog, "vendor: w\nentity: e2\nproducts:\n" TOOL);
	assert_int_equal(catalog.count, 3);
	product = psc_catalog_find(&catalog, "v/tool", &role);
	assert_non_null(product);
	assert_int_equal(role, PSC_ROLE_PROGRAM);
	assert_string_equal(product->name, "A Tool");
	assert_string_equal(product->entity, "e");
	assert_string_equal(product->class, "");
	assert_string_equal(product->cite.source, "somewhere");
	assert_int_equal(product->cite.label, PSC_LABEL_VERIFIED);
	product = psc_catalog_find(&catalog, "v/other/updater", &role);
	assert_string_equal(product->class, "some-class");
	assert_int_equal(role, PSC_ROLE_UPDATER);
	assert_string_equal(psc_catalog_find(&catalog, "w/tool", &role)->entity, "e2");
}

static void test_not_found(void **state)
{
	static const char *const texts[] = {
		"",	  "tool",	    "v",	   "v/",
		"/tool",  "v/tool/",	    "v/tool/boss", "v/tool/program/",
		"v/Tool", "v/tool/Program", "x/tool",	   "v/tool "};
	_cleanup_(psc_catalog_clear) struct psc_catalog catalog = {0};
	enum psc_role role = PSC_ROLE_MAX;

	assert_null(psc_catalog_find(&catalog, "v/tool", &role));
	parse(&catalog, HEAD TOOL);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_null(psc_catalog_find(&catalog, texts[i], &role));
	assert_int_equal(role, PSC_ROLE_MAX);
}

static const struct refusal refusals[] = {
	{"- a\n", 1, 1, "expected a mapping"},
	{"maker: v\n", 1, 1, "unknown key \"maker\": expected vendor, entity or products"},
	{"vendor: V\n", 1, 9, "not a name: expected lower case letters, digits and dashes"},
	{"vendor: [v]\n", 1, 9, "expected a name, found a sequence"},
	{"products: []\n", 1, 1, "expected vendor and entity before it"},
	{"vendor: v\nentity: e\nproducts: x\n", 3, 11, "expected a sequence of products"},
	{HEAD "  - tool\n", 4, 5, "expected a mapping"},
	{HEAD "  - product: tool\n", 4, 5, "\"name\" is missing"},
	{HEAD "  - product: a/b\n", 4, 14, "not a name"},
	{HEAD "  - name: [a]\n", 4, 11, "expected a text, found a sequence"},
	{HEAD "  - product: t\n    name: n\n    source: s\n    label: X\n", 7, 12,
	 "unknown label \"X\": expected V, S, U or A"},
	{HEAD "  - product: t\n    name: n\n    source: s\n    label: V\n    klass: c\n", 8, 5,
	 "unknown key \"klass\": expected product, name, class, source or label"},
	{HEAD TOOL TOOL, 8, 5, "product \"v/tool\" is known already"},
	{HEAD TOOL "vendor: w\n", 8, 1, "duplicate key \"vendor\""},
};

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		_cleanup_(psc_catalog_clear) struct psc_catalog catalog = {0};
		const char *text = refusals[i].text;
		struct psc_error err = {0};

		assert_int_equal(psc_catalog_parse(&catalog, text, strlen(text), "p.yaml", &err),
				 -EINVAL);
		assert_refused(&err, "p.yaml", &refusals[i]);
	}
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* Whatever else lies there is none of our business. */
static void test_directory(void **state)
{
	_cleanup_(psc_catalog_clear) struct psc_catalog catalog = {0};
	char directory[] = "/tmp/psc-test-catalog-XXXXXX";
	char path[200], command[300];
	struct psc_error err = {0};

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/v", directory);
	assert_int_equal(mkdir(path, 0755), 0);
	write_file(path, "products.yaml", HEAD TOOL);
	snprintf(path, sizeof(path), "%s/empty", directory);
	assert_int_equal(mkdir(path, 0755), 0);
	write_file(directory, "README", "not a vendor\n");
	assert_int_equal(psc_catalog_load(&catalog, directory, &err), 0);
	assert_int_equal(catalog.count, 1);
	write_file(path, "products.yaml", "vendor: [\n");
	assert_int_equal(psc_catalog_load(&catalog, directory, &err), -EINVAL);
	assert_non_null(strstr(err.file, "/empty/products.yaml"));
	assert_int_equal(psc_catalog_load(&catalog, "/nonexistent", &err), 0);
	snprintf(command, sizeof(command), "%s/empty/products.yaml", directory);
	unlink(command);
	snprintf(command, sizeof(command), "%s/v/products.yaml", directory);
	unlink(command);
	snprintf(command, sizeof(command), "%s/README", directory);
	unlink(command);
	snprintf(command, sizeof(command), "%s/v", directory);
	rmdir(command);
	rmdir(path);
	assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_products),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
