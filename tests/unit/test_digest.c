/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_digest.c - SHA-256 of files and buffers against published values (FIPS 180-4
 * examples), offsets, what is no regular file.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/digest.h"
#include "user/core/hex.h"

#define EMPTY	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define MILLION "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static int temporary(const void *data, size_t size)
{
	FILE *file = tmpfile();
	int fd;

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fflush(file), 0);
	fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
	assert_true(fd >= 0);
	fclose(file);
	return fd;
}

static void check(const uint8_t *digest, const char *expected)
{
	char text[2 * PSC_DIGEST_SIZE + 1];

	psc_hex_encode(digest, PSC_DIGEST_SIZE, text);
	assert_string_equal(text, expected);
}

static void test_buffer(void **state)
{
	uint8_t digest[PSC_DIGEST_SIZE];

	assert_int_equal(psc_digest_buffer("abc", 3, digest), 0);
	check(digest, ABC);
	assert_int_equal(psc_digest_buffer("", 0, digest), 0);
	check(digest, EMPTY);
}

static void test_file(void **state)
{
	_cleanup_free_ char *million = malloc(1000000);
	_cleanup_close_ int fd = -1, empty = -1;
	uint8_t digest[PSC_DIGEST_SIZE];
	uint64_t size = 1;

	assert_non_null(million);
	memset(million, 'a', 1000000);
	fd = temporary(million, 1000000);
	assert_int_equal(lseek(fd, 77, SEEK_SET), 77);
	assert_int_equal(psc_digest_fd(fd, digest, &size), 0);
	check(digest, MILLION);
	assert_int_equal(size, 1000000);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 77);
	assert_int_equal(psc_digest_fd(fd, digest, NULL), 0);
	empty = temporary("", 0);
	assert_int_equal(psc_digest_fd(empty, digest, &size), 0);
	check(digest, EMPTY);
	assert_int_equal(size, 0);
}

static void test_refused(void **state)
{
	_cleanup_close_ int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uint8_t digest[PSC_DIGEST_SIZE] = {7};
	uint64_t size = 7;

	assert_int_equal(psc_digest_fd(dir, digest, &size), -EISDIR);
	assert_int_equal(psc_digest_fd(null, digest, &size), -EINVAL);
	assert_int_equal(psc_digest_fd(-1, digest, &size), -EBADF);
	assert_int_equal(digest[0], 7);
	assert_int_equal(size, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
