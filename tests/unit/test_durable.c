/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_durable.c - a durable file is the old one or the new one, and leaves nothing behind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "user/core/durable.h"

static char directory[] = "/tmp/psc-durable-XXXXXX";

static int setup(void **state)
{
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	signal(SIGXFSZ, SIG_IGN);
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	unlink("file");
	return chdir("/") < 0 || rmdir(directory) < 0 ? -1 : 0;
}

static int put(const char *path, const char *text, int (*publish)(struct psc_durable *))
{
	_cleanup_(psc_durable_end) struct psc_durable file = PSC_DURABLE_NONE;
	int r = psc_durable_begin(AT_FDCWD, path, &file);

	if (r >= 0)
		r = psc_durable_write(&file, text, strlen(text));
	if (r >= 0)
		r = publish(&file);
	return r < 0 ? r : psc_durable_settle(&file);
}

/* "file" and nothing else, with that content; NULL: nothing at all. */
static void assert_is(const char *text)
{
	char content[64] = "";
	struct dirent *entry;
	unsigned int count = 0;
	DIR *dir = opendir(".");
	FILE *f;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(dir);
	assert_int_equal(count, text ? 1 : 0);
	if (!text)
		return;
	f = fopen("file", "re");
	assert_non_null(f);
	assert_int_equal(fread(content, 1, sizeof(content) - 1, f), strlen(text));
	fclose(f);
	assert_string_equal(content, text);
}

static void test_replace(void **state)
{
	char path[64];
	struct stat st;

	assert_int_equal(put("file", "one", psc_durable_replace), 0);
	assert_is("one");
	assert_int_equal(stat("file", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(path, sizeof(path), "%s/file", directory);
	assert_int_equal(put(path, "second", psc_durable_replace), 0);
	assert_is("second");
}

static void test_create(void **state)
{
	assert_int_equal(put("file", "one", psc_durable_create), 0);
	assert_is("one");
	assert_int_equal(put("file", "two", psc_durable_create), -EEXIST);
	assert_is("one");
}

/* Nobody sees what has no name yet, and what gets none is gone. */
static void test_given_up(void **state)
{
	struct psc_durable file = PSC_DURABLE_NONE;

	assert_int_equal(put("file", "old", psc_durable_replace), 0);
	assert_int_equal(psc_durable_begin(AT_FDCWD, "file", &file), 0);
	assert_int_equal(psc_durable_write(&file, "new", 3), 0);
	assert_int_equal(access(".file.new", F_OK), 0);
	psc_durable_end(&file);
	psc_durable_end(&file);
	assert_is("old");
}

/* A crash left its temporary file, or somebody a link in its place. */
static void test_left_over(void **state)
{
	assert_int_equal(put("file", "old", psc_durable_replace), 0);
	assert_int_equal(symlink("file", ".file.new"), 0);
	assert_int_equal(put("file", "new", psc_durable_replace), 0);
	assert_is("new");
}

static void test_no_room(void **state)
{
	struct rlimit limit;

	assert_int_equal(put("file", "old", psc_durable_replace), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 2;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(put("file", "new content", psc_durable_replace), -EFBIG);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_is("old");
}

static void test_bad_paths(void **state)
{
	struct psc_durable file = PSC_DURABLE_NONE;

	assert_int_equal(psc_durable_begin(AT_FDCWD, "", &file), -EISDIR);
	assert_int_equal(psc_durable_begin(AT_FDCWD, "nowhere/", &file), -EISDIR);
	assert_int_equal(psc_durable_begin(AT_FDCWD, "nowhere/file", &file), -ENOENT);
	assert_int_equal(file.fd, -1);
	assert_is(NULL);
}

/* What it is for is told by the mode, not by whoever starts us. */
static void test_directory(void **state)
{
	mode_t mask = umask(0077);
	struct stat st;

	assert_int_equal(psc_durable_directory("made", 0711), 0);
	umask(mask);
	assert_int_equal(stat("made", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_equal(psc_durable_directory("made", 0755), 0);
	assert_int_equal(stat("made", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_equal(psc_durable_directory("nowhere/made", 0711), -ENOENT);
	assert_int_equal(rmdir("made"), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_replace),   TEST(test_create),  TEST(test_given_up),
		TEST(test_left_over), TEST(test_no_room), TEST(test_bad_paths),
		TEST(test_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
