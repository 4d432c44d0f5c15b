/* SPDX-License-Identifier: Apache-2.0 */
/* test_dpkg.c - paragraphs of dpkg's status file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/dpkg.h"

static void assert_text(struct psc_dpkg_text text, const char *expected)
{
	assert_int_equal(text.length, strlen(expected));
	assert_memory_equal(text.data ?: "", expected, text.length);
}

static void test_paragraphs(void **state)
{
	static const char text[] = "\n\nPackage: acme\nStatus: install ok installed\n"
				   "Maintainer:  Acme <a@acme.example>\t\r\n"
				   "Architecture: amd64\nVersion: 1:2-3\n"
				   "Description: Version: 9\n Package: no\n\tHomepage: no\n"
				   "Homepage: https://acme.example\n \t\n"
				   "Nothing: here\n\n"
				   "package: last\nStatus: deinstall ok config-files";
	struct psc_dpkg_entry entry;
	size_t at = 0;

	assert_true(psc_dpkg_next(text, sizeof(text) - 1, &at, &entry));
	assert_text(entry.package, "acme");
	assert_text(entry.version, "1:2-3");
	assert_text(entry.architecture, "amd64");
	assert_text(entry.maintainer, "Acme <a@acme.example>");
	assert_text(entry.homepage, "https://acme.example");
	assert_true(entry.installed);
	assert_true(psc_dpkg_next(text, sizeof(text) - 1, &at, &entry));
	assert_text(entry.package, "last");
	assert_text(entry.version, "");
	assert_false(entry.installed);
	assert_false(psc_dpkg_next(text, sizeof(text) - 1, &at, &entry));
	assert_int_equal(at, sizeof(text) - 1);
}

static void test_states(void **state)
{
	static const struct {
		const char *status;
		bool installed;
	} cases[] = {
		{"install ok installed", true},
		{"install ok unpacked", true},
		{"hold ok half-configured", true},
		{"install reinstreq half-installed", true},
		{"install ok triggers-pending", true},
		{"deinstall ok config-files", false},
		{"purge ok not-installed", false},
		{"installed-not", false},
		{"", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;
		struct psc_dpkg_entry entry;
		size_t at = 0;

		assert_true(asprintf(&text, "Package: a\nStatus: %s\n", cases[i].status) > 0);
		assert_true(psc_dpkg_next(text, strlen(text), &at, &entry));
		assert_int_equal(entry.installed, cases[i].installed);
	}
}

static void test_nothing(void **state)
{
	static const char *const texts[] = {"",	   "\n",	"no colon\n", "Version: 1\n\n",
					    ":\n", "Package:\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct psc_dpkg_entry entry;
		size_t at = 0;

		assert_false(psc_dpkg_next(texts[i], strlen(texts[i]), &at, &entry));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paragraphs),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
