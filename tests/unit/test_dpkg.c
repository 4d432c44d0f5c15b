/* SPDX-License-Identifier: Apache-2.0 */
/* test_dpkg.c - dpkg's status file and lists of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/scan/dpkg.h"

/* What was given, one a line: "NAME VERSION ARCHITECTURE MAINTAINER HOMEPAGE INSTALLED LINE". */
struct given {
	char text[1024];
	int stop; /* returned for each */
};

static int file_of(const char *text)
{
	int fd = memfd_create("in", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static int package_one(const struct psc_dpkg_package *package, void *data)
{
	struct given *given = data;
	size_t at = strlen(given->text);

	snprintf(given->text + at, sizeof(given->text) - at, "%s|%s|%s|%s|%s|%d|%u\n",
		 package->name, package->version, package->architecture, package->maintainer,
		 package->homepage, package->is_installed, package->line);
	return given->stop;
}

static void test_paragraphs(void **state)
{
	_cleanup_close_ int fd = file_of("\n\nPackage: acme\nStatus: install ok installed\n"
					 "Maintainer:  Acme <a@acme.example>\n"
					 "Architecture: amd64\nVersion: 1:2-3\n"
					 "Description: Version: 9\n Package: no\n\tHomepage: no\n"
					 "Homepage: https://acme.example\n \t\n"
					 "Nothing: here\n\n"
					 "package: last\nStatus: deinstall ok config-files");
	struct given given = {0};
	unsigned int line = 0;

	assert_int_equal(psc_dpkg_read_status(fd, package_one, &given, &line), 0);
	assert_string_equal(given.text,
			    "acme|1:2-3|amd64|Acme <a@acme.example>|https://acme.example|1|3\n"
			    "last|||||0|15\n");
}

static void test_states(void **state)
{
	static const struct {
		const char *status;
		bool installed;
	} cases[] = {
		{"Status: install ok installed\n", true},
		{"Status: install ok unpacked\n", true},
		{"Status: hold ok half-configured\n", true},
		{"Status: install reinstreq half-installed\n", true},
		{"Status: install ok triggers-pending\n", true},
		{"Status: deinstall ok config-files\n", false},
		{"Status: purge ok not-installed\n", false},
		{"", true}, /* status.d of images without dpkg */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;
		_cleanup_close_ int fd = -1;
		struct given given = {0};
		unsigned int line = 0;

		assert_true(asprintf(&text, "Package: a\n%s", cases[i].status) > 0);
		fd = file_of(text);
		assert_int_equal(psc_dpkg_read_status(fd, package_one, &given, &line), 0);
		assert_string_equal(given.text, cases[i].installed ? "a|||||1|1\n" : "a|||||0|1\n");
	}
}

/* What came before a line that is none was given, and the line is told. */
static void test_damage(void **state)
{
	_cleanup_close_ int fd = file_of("Package: a\n\nPackage: b\nno field\n");
	_cleanup_close_ int none = file_of("Version: 1\n\n:\n\nPackage:\n");
	struct given given = {0};
	unsigned int line = 0;

	assert_int_equal(psc_dpkg_read_status(fd, package_one, &given, &line), -EBADMSG);
	assert_int_equal(line, 4);
	assert_string_equal(given.text, "a|||||1|1\n");
	given.text[0] = 0;
	assert_int_equal(psc_dpkg_read_status(none, package_one, &given, &line), 0);
	assert_string_equal(given.text, "");
}

static void test_error_of_reader(void **state)
{
	_cleanup_close_ int fd = file_of("Package: a\n\nPackage: b\n");
	struct given given = {.stop = -ECANCELED};
	unsigned int line = 0;

	assert_int_equal(psc_dpkg_read_status(fd, package_one, &given, &line), -ECANCELED);
	assert_string_equal(given.text, "a|||||1|1\n");
}

static int path_one(const char *path, size_t length, void *data)
{
	struct given *given = data;

	size_t at = strlen(given->text);

	assert_int_equal(strlen(path), length);
	snprintf(given->text + at, sizeof(given->text) - at, "%s\n", path);
	return given->stop;
}

static void test_list(void **state)
{
	_cleanup_close_ int fd = file_of("/.\n/opt\nrelative\n\n/opt/a b");
	struct given given = {0};

	assert_int_equal(psc_dpkg_read_list(fd, path_one, &given), 0);
	assert_string_equal(given.text, "/.\n/opt\n/opt/a b\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paragraphs), cmocka_unit_test(test_states),
		cmocka_unit_test(test_damage),	   cmocka_unit_test(test_error_of_reader),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
