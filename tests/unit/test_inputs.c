/* SPDX-License-Identifier: Apache-2.0 */
/* test_inputs.c - the files that a policy is made of: which there are, and what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "user/core/hex.h"
#include "user/core/inputs.h"

static char directory[64];

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
	char command[512];
	va_list ap;
	int n = snprintf(command, sizeof(command), "cd %s && ", directory);

	va_start(ap, format);
	vsnprintf(command + n, sizeof(command) - (size_t)n, format, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/test_inputs.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static struct psc_inputs take(void)
{
	struct psc_inputs inputs = {};
	char path[128];

	snprintf(path, sizeof(path), "%s/config", directory);
	assert_int_equal(psc_inputs_add(&inputs, PSC_INPUT_CONFIGURATION, path), 0);
	snprintf(path, sizeof(path), "%s/lists", directory);
	assert_int_equal(psc_inputs_add(&inputs, PSC_INPUT_LIST, path), 0);
	snprintf(path, sizeof(path), "%s/catalog", directory);
	assert_int_equal(psc_inputs_add(&inputs, PSC_INPUT_CATALOG, path), 0);
	return inputs;
}

static void make(void)
{
	shell("rm -rf * && mkdir -p lists catalog/vendor/deep/deeper && printf abc >config && "
	      "touch lists/a.csv lists/.hidden lists/note.txt lists/b.csv catalog/vendor/products.yaml "
	      "catalog/vendor/deep/deeper/nobody");
}

static void test_which(void **state)
{
	static const char abc[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct psc_inputs inputs, none = {};
	char text[2 * PSC_DIGEST_SIZE + 1];

	make();
	inputs = take();
	/* missing ones are none; names are sorted */
	assert_int_equal(inputs.count, 4);
	assert_non_null(strstr(inputs.item[1].path, "lists/a.csv"));
	assert_non_null(strstr(inputs.item[2].path, "lists/b.csv"));
	assert_int_equal(psc_inputs_add(&none, PSC_INPUT_LIST, "/nonexistent/x"), 0);
	assert_int_equal(none.count, 0);
	psc_inputs_digest(&inputs, NULL);
	assert_true(inputs.item[0].digested);
	psc_hex_encode(inputs.item[0].digest, PSC_DIGEST_SIZE, text);
	assert_string_equal(text, abc);
	assert_true(inputs.item[1].digested);
	/* as a whole only */
	assert_false(inputs.item[3].digested);
	psc_inputs_clear(&inputs);
}

static void assert_difference(const char *what, const char *path)
{
	struct psc_inputs before, after;
	const char *found;

	make();
	before = take();
	shell("%s", what);
	after = take();
	found = psc_inputs_difference(&before, &after);
	if (path) {
		assert_non_null(found);
		assert_non_null(strstr(found, path));
		found = psc_inputs_difference(&after, &before);
		assert_non_null(strstr(found, path));
	} else {
		assert_null(found);
	}
	psc_inputs_clear(&before);
	psc_inputs_clear(&after);
}

static void test_difference(void **state)
{
	assert_difference("true", NULL);
	assert_difference("touch lists/.other lists/other", NULL);
	assert_difference("printf abd >config", "/config");
	/* of the same size and time */
	assert_difference("touch -r config t && printf abd >c && touch -r t c && mv c config",
			  "/config");
	assert_difference("rm config", "/config");
	assert_difference("touch lists/aa.csv", "lists/aa.csv");
	assert_difference("touch lists/z.csv", "lists/z.csv");
	assert_difference("rm lists/a.csv", "lists/a.csv");
	assert_difference("echo >>catalog/vendor/products.yaml", "vendor/products.yaml");
}

/* What is known need not be read again; what changed under our hands has no digest. */
static void test_digest_again(void **state)
{
	struct psc_inputs before, after;

	make();
	before = take();
	psc_inputs_digest(&before, NULL);
	shell("printf new >lists/b.csv");
	after = take();
	before.item[1].digest[0] ^= 1;
	psc_inputs_digest(&after, &before);
	/* taken over */
	assert_memory_equal(after.item[1].digest, before.item[1].digest, PSC_DIGEST_SIZE);
	assert_true(after.item[2].digested);
	assert_memory_not_equal(after.item[2].digest, before.item[2].digest, PSC_DIGEST_SIZE);
	assert_false(psc_inputs_same(&before, &after, PSC_INPUT_LIST));
	assert_true(psc_inputs_same(&before, &after, PSC_INPUT_CATALOG));
	psc_inputs_clear(&after);
	after = take();
	shell("printf later >lists/a.csv");
	psc_inputs_digest(&after, NULL);
	assert_false(after.item[1].digested);
	psc_inputs_clear(&before);
	psc_inputs_clear(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_difference),
		cmocka_unit_test(test_digest_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
