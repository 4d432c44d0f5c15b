/* SPDX-License-Identifier: Apache-2.0 */
/* test_bound.c - whose word a path is: links, directories of others, mounts that are not touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "user/core/util.h"
#include "user/scan/bound.h"

static char directory[] = "/tmp/psc-bound-XXXXXX";
static int root = -1;

static void put(const char *name)
{
	_cleanup_close_ int fd = openat(root, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0755), 0);
}

/* DIR/vendor/tool and links to it, from inside and from a directory that all may write. */
static int set_up(void **state)
{
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chmod(directory, 0755), 0);
	root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(root, "vendor", 0755), 0);
	assert_int_equal(mkdirat(root, "open", 0755), 0);
	assert_int_equal(fchmodat(root, "open", 01777, 0), 0);
	put("vendor/tool");
	put("vendor/loose");
	assert_int_equal(fchmodat(root, "vendor/loose", 0757, 0), 0);
	put("open/tool");
	assert_int_equal(symlinkat("/vendor", root, "absolute"), 0);
	assert_int_equal(symlinkat("../vendor/tool", root, "vendor/relative"), 0);
	assert_int_equal(symlinkat("../vendor", root, "open/link"), 0);
	assert_int_equal(symlinkat("round", root, "round"), 0);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const files[] = {"vendor/tool", "vendor/loose",    "open/tool",
					    "absolute",	   "vendor/relative", "open/link",
					    "round"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlinkat(root, files[i], 0);
	unlinkat(root, "vendor", AT_REMOVEDIR);
	unlinkat(root, "open", AT_REMOVEDIR);
	close(root);
	return rmdir(directory);
}

static void test_paths(void **state)
{
	static const struct {
		const char *path, *real;
		bool alone;
	} cases[] = {
		{"/vendor/tool", "/vendor/tool", true},
		{"//vendor/./tool", "/vendor/tool", true},
		{"/absolute/tool", "/vendor/tool", true},
		{"/vendor/relative", "/vendor/tool", true},
		{"/vendor/../vendor/tool", "/vendor/tool", true},
		{"/vendor/loose", "/vendor/loose", false},
		{"/open/tool", "/open/tool", false},
		{"/open/link/tool", "/vendor/tool", false},
		{"/open/../vendor/tool", "/vendor/tool", false},
		{"/vendor/", "/vendor", true},
	};
	const struct psc_mounts none = {0};
	const struct psc_bound bound = {&none, root, geteuid()};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char real[PATH_MAX];
		struct stat st;
		bool alone;

		assert_int_equal(
			psc_bound_resolve(&bound, cases[i].path, real, sizeof(real), &st, &alone),
			0);
		assert_string_equal(real, cases[i].real);
		if (alone != cases[i].alone)
			fail_msg("%s: %d", cases[i].path, alone);
	}
}

static void test_owner(void **state)
{
	const struct psc_mounts none = {0};
	const struct psc_bound other = {&none, root, geteuid() + 1};
	const struct psc_bound own = {&none, root, geteuid()};
	struct stat st, another;

	assert_int_equal(fstatat(root, "vendor/tool", &st, 0), 0);
	assert_int_equal(fstatat(root, "vendor/loose", &another, 0), 0);
	assert_true(psc_bound_is(&own, "/vendor/tool", &st));
	/* somebody's file that is called like this in a name space of theirs */
	assert_false(psc_bound_is(&own, "/vendor/tool", &another));
	assert_false(psc_bound_is(&own, "/vendor/tool (deleted)", &st));
	assert_false(psc_bound_is(&own, "/vendor", &st));
	assert_false(psc_bound_is(&own, "vendor/tool", &st));
	assert_false(psc_bound_is(&other, "/vendor/tool", &st));
}

static void test_errors(void **state)
{
	static const struct {
		const char *path;
		int error;
	} cases[] = {
		{"vendor/tool", -EINVAL},	  {"", -EINVAL},      {"/vendor/none", -ENOENT},
		{"/vendor/tool/below", -ENOTDIR}, {"/round", -ELOOP},
	};
	const struct psc_mounts none = {0};
	const struct psc_bound bound = {&none, root, geteuid()};
	_cleanup_free_ char *path = malloc(PATH_MAX + 2);
	char real[PATH_MAX];
	struct stat st;
	bool alone;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			psc_bound_resolve(&bound, cases[i].path, real, sizeof(real), &st, &alone),
			cases[i].error);
	memset(path, '/', PATH_MAX + 1);
	path[PATH_MAX + 1] = 0;
	assert_int_equal(psc_bound_resolve(&bound, path, real, sizeof(real), &st, &alone),
			 -ENAMETOOLONG);
	assert_int_equal(psc_bound_resolve(&bound, "/vendor/tool", real, 5, &st, &alone),
			 -ENAMETOOLONG);
}

/* What is not local is left alone, however one gets there. */
static void test_mounts(void **state)
{
	struct psc_mount mount[] = {
		{.path = (char *)"/", .kind = PSC_MOUNT_LOCAL},
		{.path = (char *)"/vendor", .type = "nfs4", .kind = PSC_MOUNT_NETWORK},
	};
	const struct psc_mounts mounts = {mount, ARRAY_SIZE(mount)};
	const struct psc_bound bound = {&mounts, root, geteuid()};
	char real[PATH_MAX];
	struct stat st;
	bool alone;

	assert_int_equal(psc_bound_resolve(&bound, "/vendor/tool", real, sizeof(real), &st, &alone),
			 -EREMOTE);
	assert_int_equal(
		psc_bound_resolve(&bound, "/absolute/tool", real, sizeof(real), &st, &alone),
		-EREMOTE);
	assert_int_equal(psc_bound_resolve(&bound, "/open/tool", real, sizeof(real), &st, &alone),
			 0);
	assert_ptr_equal(psc_bound_mount(&mounts, "/vendor/a/b"), &mount[1]);
	assert_ptr_equal(psc_bound_mount(&mounts, "/vendors"), &mount[0]);
	assert_null(psc_bound_mount(&mounts, "vendor"));
	assert_true(psc_bound_reachable(&mounts, "/"));
	assert_true(psc_bound_reachable(&mounts, "/vendors/a"));
	assert_false(psc_bound_reachable(&mounts, "/vendor"));
	/* a disk below a server's directory */
	assert_false(psc_bound_reachable(&mounts, "/vendor/a/disk"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_mounts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
