/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_list_edit.c - edits of list files: what they write, what they leave alone,
 * the way back, two at the same time.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/hex.h"
#include "user/core/list.h"
#include "user/core/list_edit.h"

#define HEADER PSC_LIST_HEADER "\n"
#define D0     "0000000000000000000000000000000000000000000000000000000000000001"
#define D1     "1111111111111111111111111111111111111111111111111111111111111111"
#define MD5    "d41d8cd98f00b204e9800998ecf8427e"

static struct psc_list *new_list(void)
{
	struct psc_list *list = NULL;

	assert_int_equal(psc_list_new(&list), 0);
	return list;
}

static void parse(struct psc_list *list, const char *text)
{
	struct psc_error err = {0};
	char message[700];

	if (psc_list_parse(list, "l.csv", text, strlen(text), &err) < 0)
		fail_msg("%s", psc_error_format(&err, message, sizeof(message)));
}

static void digest_of(const char *hex, uint8_t ret[PSC_DIGEST_SIZE])
{
	assert_int_equal(psc_hex_decode(hex, strlen(hex), ret, PSC_DIGEST_SIZE, NULL), 0);
}

/* ---- files --------------------------------------------------------------- */

static char directory[64];

static int make_directory(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/psc-test-list-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

static const char *in_directory(const char *name)
{
	static char paths[4][128];
	static unsigned int turn;
	char *path = paths[turn++ % ARRAY_SIZE(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

static void write_file(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
}

static void expect_file(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char buffer[4096];
	size_t n;

	assert_non_null(file);
	n = fread(buffer, 1, sizeof(buffer) - 1, file);
	buffer[n] = '\0';
	assert_string_equal(buffer, text);
}

static struct psc_list *one_entry(const char *digits, const char *name)
{
	struct psc_list *list = new_list();
	uint8_t digest[PSC_DIGEST_SIZE];
	struct psc_list_entry entry = {
		.algo = PSC_ALGO_SHA256,
		.digest = digest,
		.digest_size = sizeof(digest),
		.has_size = true,
		.size = 9,
		.format = PSC_FORMAT_ELF,
		.name = name,
	};

	digest_of(digits, digest);
	assert_int_equal(psc_list_append(list, &entry, NULL), 0);
	return list;
}

static void test_append_refuses(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	uint8_t digest[PSC_DIGEST_SIZE] = {0};
	const struct psc_list_entry good = {
		.digest = digest, .digest_size = 32, .algo = PSC_ALGO_SHA256};
	struct psc_list_entry bad = good;
	struct psc_error err;

	bad.digest_size = 31;
	assert_int_equal(psc_list_append(list, &bad, &err), -EINVAL);
	bad = good;
	bad.algo = PSC_ALGO_MAX;
	assert_int_equal(psc_list_append(list, &bad, &err), -EINVAL);
	bad = good;
	bad.has_size = true;
	assert_int_equal(psc_list_append(list, &bad, &err), -EINVAL);
	assert_non_null(strstr(err.message, "size 0"));
	bad = good;
	bad.product = "a\nb";
	assert_int_equal(psc_list_append(list, &bad, &err), -EINVAL);
	assert_string_equal(err.message, "control character at byte 1 of the product");
	bad = good;
	bad.name = "\xff";
	assert_int_equal(psc_list_append(list, &bad, &err), -EINVAL);
	assert_int_equal(psc_list_count(list), 0);
	assert_int_equal(psc_list_append(list, &good, &err), 0);
	assert_int_equal(psc_list_count(list), 1);
}

static void test_format_line(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	static const char text[] = HEADER "sha256," D0 ",9,elf,\"a,\"\"b\"\"\",p,\" v\",\n"
					  "md5," MD5 ",,,#x,,,\n";
	_cleanup_free_ char *first = NULL;
	_cleanup_free_ char *second = NULL;
	struct psc_list_entry e;

	parse(list, text);
	assert_int_equal(psc_list_get(list, 0, &e), 0);
	assert_int_equal(psc_list_format_line(&e, &first), 0);
	assert_string_equal(first, "sha256," D0 ",9,elf,\"a,\"\"b\"\"\",p, v,\n");
	e.name = "a\nb";
	assert_int_equal(psc_list_format_line(&e, &second), -EINVAL);
	assert_null(second);
	assert_int_equal(psc_list_get(list, 1, &e), 0);
	assert_int_equal(psc_list_format_line(&e, &second), 0);
	assert_string_equal(second, "md5," MD5 ",,,#x,,,\n");
}

static void test_add(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *first = one_entry(D0, "one");
	_cleanup_(psc_list_freep) struct psc_list *second = one_entry(D1, "t,wo");
	const char *path = in_directory("local.csv");
	struct stat st;
	size_t added = 9;

	/* Twice the same in one go is once. */
	parse(first, HEADER "sha256," D0 ",9,elf,again,,,\n");
	assert_int_equal(psc_list_file_add(path, first, &added, NULL, NULL), 0);
	assert_int_equal(added, 1);
	expect_file(path, HEADER "sha256," D0 ",9,elf,one,,,\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(psc_list_file_add(path, first, &added, NULL, NULL), 0);
	assert_int_equal(added, 0);
	/* What stands there stays, byte for byte; a missing line end is supplied. */
	write_file(path, HEADER "# mine\r\n\r\nsha256," D0 ",9,elf,\"one\",,,");
	assert_int_equal(chmod(path, 0604), 0);
	assert_int_equal(psc_list_file_add(path, second, &added, NULL, NULL), 0);
	assert_int_equal(added, 1);
	expect_file(path, HEADER "# mine\r\n\r\nsha256," D0 ",9,elf,\"one\",,,\n"
				 "sha256," D1 ",9,elf,\"t,wo\",,,\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	assert_int_equal(access(in_directory(".local.csv.new"), F_OK), -1);
}

static void test_add_refuses(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = one_entry(D0, "one");
	const char *path = in_directory("local.csv");
	struct psc_list_backup *backup = (void *)1;
	struct psc_error err = {0};
	size_t added = 9;

	write_file(path, HEADER "sha256,0,,,,,,\n");
	assert_int_equal(psc_list_file_add(path, list, &added, &backup, &err), -EINVAL);
	assert_string_equal(err.file, path);
	assert_int_equal(err.line, 2);
	assert_int_equal(added, 9);
	assert_ptr_equal(backup, (void *)1);
	expect_file(path, HEADER "sha256,0,,,,,,\n");
	assert_int_equal(psc_list_file_add(in_directory("none/l.csv"), list, &added, &backup, &err),
			 -ENOENT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(psc_list_file_add(path, list, &added, &backup, &err), -ELOOP);
	assert_int_equal(access(in_directory("elsewhere"), F_OK), -1);
	assert_int_equal(psc_list_file_add(directory, list, &added, &backup, &err), -EINVAL);
}

/* No room for the new content: the old stays, and nothing is left lying about. */
static void test_add_without_room(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = one_entry(D0, "one");
	const char *path = in_directory("local.csv");
	struct psc_error err = {0};
	struct rlimit old, tight;

	write_file(path, HEADER "# kept\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = strlen(HEADER);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_equal(psc_list_file_add(path, list, NULL, NULL, &err), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(strstr(err.message, "cannot be written"));
	expect_file(path, HEADER "# kept\n");
	assert_int_equal(access(in_directory(".local.csv.new"), F_OK), -1);
	/* What a crash left is no obstacle. */
	write_file(in_directory(".local.csv.new"), "debris");
	assert_int_equal(psc_list_file_add(path, list, NULL, NULL, NULL), 0);
	expect_file(path, HEADER "# kept\nsha256," D0 ",9,elf,one,,,\n");
}

static void test_remove(void **state)
{
	const char *path = in_directory("local.csv");
	uint8_t digest[PSC_DIGEST_SIZE];
	size_t removed = 9;

	digest_of(D0, digest);
	assert_int_equal(psc_list_file_remove(path, PSC_ALGO_SHA256, digest, &removed, NULL, NULL),
			 0);
	assert_int_equal(removed, 0);
	assert_int_equal(access(path, F_OK), -1);
	write_file(path, HEADER "# " D0 "\r\nsha256," D0 ",,,,,,\n\n\"sha256\",\"" D1
				"\",,,,,,\r\nsha256," D0 ",7,elf,,,,\nmd5," MD5 ",,,,,," D0);
	assert_int_equal(psc_list_file_remove(path, PSC_ALGO_SHA256, digest, &removed, NULL, NULL),
			 0);
	assert_int_equal(removed, 2);
	expect_file(path,
		    HEADER "# " D0 "\r\n\n\"sha256\",\"" D1 "\",,,,,,\r\nmd5," MD5 ",,,,,," D0);
	assert_int_equal(psc_list_file_remove(path, PSC_ALGO_SHA256, digest, &removed, NULL, NULL),
			 0);
	assert_int_equal(removed, 0);
	digest_of(D1, digest);
	assert_int_equal(psc_list_file_remove(path, PSC_ALGO_SHA256, digest, &removed, NULL, NULL),
			 0);
	assert_int_equal(removed, 1);
	expect_file(path, HEADER "# " D0 "\r\n\nmd5," MD5 ",,,,,," D0);
}

static void test_restore(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *one = one_entry(D0, "one");
	_cleanup_(psc_list_freep) struct psc_list *two = one_entry(D1, "two");
	_cleanup_(psc_list_backup_freep) struct psc_list_backup *missing = NULL;
	_cleanup_(psc_list_backup_freep) struct psc_list_backup *before = NULL;
	_cleanup_(psc_list_backup_freep) struct psc_list_backup *nothing = NULL;
	_cleanup_(psc_list_backup_freep) struct psc_list_backup *stale = NULL;
	const char *path = in_directory("local.csv");
	uint8_t digest[PSC_DIGEST_SIZE];
	struct psc_error err = {0};

	/* The file was not there: it goes away again. */
	assert_int_equal(psc_list_file_add(path, one, NULL, &missing, NULL), 0);
	assert_int_equal(psc_list_file_restore(path, missing, NULL), 0);
	assert_int_equal(access(path, F_OK), -1);
	/* It was there: content and mode come back. */
	write_file(path, HEADER "sha256," D0 ",,,,,,");
	assert_int_equal(chmod(path, 0600), 0);
	digest_of(D0, digest);
	assert_int_equal(psc_list_file_remove(path, PSC_ALGO_SHA256, digest, NULL, &before, NULL),
			 0);
	expect_file(path, HEADER);
	assert_int_equal(psc_list_file_restore(path, before, NULL), 0);
	expect_file(path, HEADER "sha256," D0 ",,,,,,");
	/* An edit that changed nothing has nothing to put back. */
	assert_int_equal(psc_list_file_add(path, one, NULL, &nothing, NULL), 0);
	write_file(path, HEADER);
	assert_int_equal(psc_list_file_restore(path, nothing, NULL), 0);
	expect_file(path, HEADER);
	/* Somebody else's edit is not undone. */
	assert_int_equal(psc_list_file_add(path, one, NULL, &stale, NULL), 0);
	assert_int_equal(psc_list_file_add(path, two, NULL, NULL, NULL), 0);
	assert_int_equal(psc_list_file_restore(path, stale, &err), -ESTALE);
	expect_file(path, HEADER "sha256," D0 ",9,elf,one,,,\nsha256," D1 ",9,elf,two,,,\n");
}

/* Eight processes, 20 entries each, at the same time: none is lost. */
static void test_concurrent(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	const char *path = in_directory("local.csv");

	for (unsigned int child = 0; child < 8; child++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid > 0)
			continue;
		for (unsigned int i = 0; i < 20; i++) {
			struct psc_list *one = NULL;
			char text[256];

			snprintf(text, sizeof(text), HEADER "sha256,%064x,,,,,,\n",
				 child * 100 + i);
			if (psc_list_new(&one) < 0 ||
			    psc_list_parse(one, "", text, strlen(text), NULL) < 0 ||
			    psc_list_file_add(path, one, NULL, NULL, NULL) < 0)
				_exit(1);
			psc_list_free(one);
		}
		_exit(0);
	}
	for (unsigned int child = 0; child < 8; child++) {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(psc_list_load_file(list, path, NULL), 0);
	assert_int_equal(psc_list_count(list), 160);
}

#define in_temporary(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_refuses),
		cmocka_unit_test(test_format_line),
		in_temporary(test_add),
		in_temporary(test_add_refuses),
		in_temporary(test_add_without_room),
		in_temporary(test_remove),
		in_temporary(test_restore),
		in_temporary(test_concurrent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
