/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_list.c - lists: what is accepted, every refusal with its place, sha256sum
 * lines, files and directories.
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
#include "user/core/hex.h"
#include "user/core/list.h"
#include "tests/unit/refusal.h"

#define HEADER PSC_LIST_HEADER "\n"
#define D0     "0000000000000000000000000000000000000000000000000000000000000001"
#define D1     "1111111111111111111111111111111111111111111111111111111111111111"
#define D2     "22222222222222222222222222222222222222222222222222222222222222aB"
#define MD5    "d41d8cd98f00b204e9800998ecf8427e"

static struct psc_list *new_list(void)
{
	struct psc_list *list = NULL;

	assert_int_equal(psc_list_new(&list), 0);
	return list;
}

static void parse(struct psc_list *list, const char *text)
{
	/* A copy of just that length, for the address sanitizer to watch. */
	_cleanup_free_ char *copy = malloc(strlen(text));
	struct psc_error err = {0};
	char message[700];

	assert_non_null(copy);
	memcpy(copy, text, strlen(text));
	if (psc_list_parse(list, "l.csv", copy, strlen(text), &err) < 0)
		fail_msg("%s", psc_error_format(&err, message, sizeof(message)));
}

static void digest_of(const char *hex, uint8_t ret[PSC_DIGEST_SIZE])
{
	assert_int_equal(psc_hex_decode(hex, strlen(hex), ret, PSC_DIGEST_SIZE, NULL), 0);
}

static void test_accepted(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	struct psc_list_counts counts;
	struct psc_list_entry e;
	struct psc_list_file file;

	parse(list, HEADER "# a comment, with \"quotes\n"
			   "sha256," D0 ",42,elf,prog,Product,1.0,source\r\n"
			   "\n"
			   "sha256," D2 ",,,\"a, \"\"b\"\"\",\"\",, \xc3\xa4 \n"
			   "md5," MD5 ",7,any,,,,\n"
			   "sha256," D1 ",4294967296,pe,,Product,,\n"
			   "sha256," D0 ",43,deb,again,Other,,\"end\"");
	assert_int_equal(psc_list_count(list), 5);
	assert_int_equal(psc_list_get(list, 0, &e), 0);
	assert_int_equal(e.algo, PSC_ALGO_SHA256);
	assert_int_equal(e.digest_size, 32);
	assert_int_equal(e.digest[31], 1);
	assert_true(e.has_size);
	assert_int_equal(e.size, 42);
	assert_int_equal(e.format, PSC_FORMAT_ELF);
	assert_string_equal(e.name, "prog");
	assert_string_equal(e.product, "Product");
	assert_string_equal(e.version, "1.0");
	assert_string_equal(e.source, "source");
	assert_int_equal(e.line, 3);
	assert_int_equal(psc_list_entry_enforce(&e), PSC_LIST_ENFORCEABLE);
	assert_int_equal(psc_list_get(list, 1, &e), 0);
	assert_int_equal(e.digest[31], 0xab);
	assert_false(e.has_size);
	assert_int_equal(e.format, PSC_FORMAT_ANY);
	assert_string_equal(e.name, "a, \"b\"");
	assert_string_equal(e.product, "");
	assert_string_equal(e.source, " \xc3\xa4 ");
	assert_int_equal(e.line, 5);
	assert_int_equal(psc_list_get(list, 2, &e), 0);
	assert_int_equal(psc_list_entry_enforce(&e), PSC_LIST_NOT_SHA256);
	assert_int_equal(psc_list_get(list, 3, &e), 0);
	assert_int_equal(psc_list_entry_enforce(&e), PSC_LIST_SIZE_TOO_LARGE);
	assert_int_equal(psc_list_get(list, 5, &e), -ERANGE);
	assert_int_equal(psc_list_index(list), 0);
	psc_list_get_counts(list, &counts);
	assert_int_equal(counts.entries, 5);
	assert_int_equal(counts.enforceable, 3);
	assert_int_equal(counts.by_algo[PSC_ALGO_MD5], 1);
	assert_int_equal(counts.by_algo[PSC_ALGO_SHA256], 4);
	assert_int_equal(counts.too_large, 1);
	assert_int_equal(counts.without_size, 1);
	assert_int_equal(counts.duplicates, 1);
	assert_true(psc_list_is_duplicate(list, 4));
	assert_false(psc_list_is_duplicate(list, 0));
	assert_int_equal(psc_list_file_count(list), 1);
	assert_int_equal(psc_list_file(list, 0, &file), 0);
	assert_string_equal(file.path, "l.csv");
	assert_int_equal(file.entries, 5);
	assert_int_equal(file.enforceable, 3);
	assert_int_equal(psc_list_file(list, 1, &file), -ERANGE);
}

static void test_algorithms(void **state)
{
	for (unsigned int algo = 0; algo < PSC_ALGO_MAX; algo++) {
		_cleanup_(psc_list_freep) struct psc_list *list = new_list();
		char digits[2 * PSC_ALGO_DIGEST_MAX + 1], text[512];
		enum psc_algo back = PSC_ALGO_MAX;
		struct psc_list_entry e;

		memset(digits, '5', sizeof(digits));
		digits[2 * psc_algo_size(algo)] = '\0';
		snprintf(text, sizeof(text), HEADER "%s,%s,,,,,,\n", psc_algo_to_string(algo),
			 digits);
		parse(list, text);
		assert_int_equal(psc_list_get(list, 0, &e), 0);
		assert_int_equal(e.algo, algo);
		assert_int_equal(e.digest_size, psc_algo_size(algo));
		assert_int_equal(e.digest[e.digest_size - 1], 0x55);
		assert_int_equal(psc_algo_from_string(psc_algo_to_string(algo), &back), 0);
		assert_int_equal(back, algo);
	}
	assert_null(psc_algo_to_string(PSC_ALGO_MAX));
	assert_int_equal(psc_algo_size(PSC_ALGO_MAX), 0);
}

/* The header goes before each text that does not begin with '!' (which is left out). */
static const struct refusal refusals[] = {
	{"!", 1, 1, "expected the header line \"algo,digest,size,format,name,"},
	{"!algo,digest\n", 1, 1, "expected the header"},
	{"!# comment\n" HEADER, 1, 1, "expected the header"},
	{"!\xef\xbb\xbf" HEADER, 1, 1, "byte order mark"},
	{"!\n" HEADER, 1, 1, "expected the header"},
	{"sha1024," D0 ",,,,,,", 2, 1, "unknown algorithm \"sha1024\": expected md5, sha1,"},
	{"SHA256," D0 ",,,,,,", 2, 1, "unknown algorithm"},
	{"," D0 ",,,,,,", 2, 1, "unknown algorithm \"\""},
	{"sha256,00,,,,,,", 2, 8, "digest of 2 digits: expected 64 for sha256"},
	{"sha256," D0 "00,,,,,,", 2, 8, "digest of 66 digits: expected 64"},
	{"sha256,,,,,,,", 2, 8, "digest of 0 digits"},
	{"md5," D0 ",,,,,,", 2, 5, "digest of 64 digits: expected 32 for md5"},
	{"sha256,0000000000000000x,,,,,,", 2, 24, "not a hexadecimal digit: a sha256 digest is 64"},
	{"sha256,\"00g\",,,,,,", 2, 11, "not a hexadecimal digit"},
	{"sha256, " D0 ",,,,,,", 2, 8, "not a hexadecimal digit"},
	{"sha256," D0 ",0,,,,,", 2, 73, "size 0"},
	{"sha256," D0 ",000,,,,,", 2, 73, "size 0"},
	{"sha256," D0 ",12k,,,,,", 2, 75, "not a decimal digit"},
	{"sha256," D0 ",-1,,,,,", 2, 73, "not a decimal digit"},
	{"sha256," D0 ",18446744073709551616,,,,,", 2, 73, "does not fit"},
	{"sha256," D0 ",1,exe,,,,", 2, 75, "unknown format \"exe\": expected elf, script, pe"},
	{"sha256," D0 ",1,ELF,,,,", 2, 75, "unknown format"},
	{"sha256," D0 ",1,elf", 2, 78, "4 fields: expected 8"},
	{"sha256," D0 ",1,elf,,,,,", 2, 83, "too many fields: expected 8"},
	{"sha256", 2, 7, "1 fields: expected 8"},
	{" ", 2, 2, "1 fields: expected 8"},
	{"sha256," D0 ",1,elf,\"a,,,", 2, 79, "unterminated quote"},
	{"sha256," D0 ",1,elf,\"a\nb\",,,", 2, 79, "unterminated quote"},
	{"sha256," D0 ",1,elf,\"a\"b,,,", 2, 82, "expected a comma after the closing quote"},
	{"sha256," D0 ",1,elf,a\"b,,,", 2, 80, "quote inside a field"},
	{"sha256," D0 ",1,elf,a\tb,,,", 2, 80, "control character (byte 0x09)"},
	{"sha256," D0 ",1,elf,a\rb,,,", 2, 80, "control character (byte 0x0d)"},
	{"sha256," D0 ",1,elf,a\x7f,,,", 2, 80, "control character (byte 0x7f)"},
	{"sha256," D0 ",1,elf,\xc2\x85,,,", 2, 79, "control character (byte 0xc2)"},
	{"sha256," D0 ",1,elf,\xff,,,", 2, 79, "invalid UTF-8 (byte 0xff)"},
	{"sha256," D0 ",1,elf,\xc0\xaf,,,", 2, 79, "invalid UTF-8"},
	{"sha256," D0 ",1,elf,\xe0\x80\xaf,,,", 2, 79, "invalid UTF-8"},
	{"sha256," D0 ",1,elf,\xed\xa0\x80,,,", 2, 79, "invalid UTF-8"},
	{"sha256," D0 ",1,elf,\xf4\x90\x80\x80,,,", 2, 79, "invalid UTF-8"},
	{"sha256," D0 ",1,elf,,,,\xe2\x82", 2, 82, "invalid UTF-8"},
	{"sha256," D0 ",,,,,,\n\n#\nmd5,0,,,,,,\n", 5, 5, "digest of 1 digits"},
};

/* @expected with @text instead of its own, which may have a NUL. */
static void check_refusal(const char *text, size_t size, const struct refusal *expected)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	struct psc_list_counts before, after;
	struct psc_error err = {0};

	parse(list, HEADER "sha256," D1 ",5,elf,name,product,,\n");
	psc_list_get_counts(list, &before);
	assert_int_equal(psc_list_parse(list, "bad.csv", text, size, &err), -EINVAL);
	assert_refused(&err, "bad.csv", expected);
	/* All or nothing, and the list still works. */
	psc_list_get_counts(list, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(psc_list_file_count(list), 1);
	parse(list, HEADER "sha256," D2 ",5,elf,name,product,,\n");
	assert_int_equal(psc_list_count(list), 2);
	assert_int_equal(psc_list_parse(list, "bad.csv", text, size, NULL), -EINVAL);
}

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const char *text = refusals[i].text;
		char whole[1024];

		if (text[0] == '!')
			snprintf(whole, sizeof(whole), "%s", text + 1);
		else
			snprintf(whole, sizeof(whole), HEADER "%s", text);
		check_refusal(whole, strlen(whole), &refusals[i]);
	}
	/* A NUL, with something behind it that must not be lost. */
	check_refusal(HEADER "md5,\0,,,,,,\n", strlen(HEADER) + 12,
		      &(struct refusal){"NUL", 2, 5, "control character"});
}

static void test_long_line(void **state)
{
	static const char head[] = HEADER "sha256," D0 ",1,elf,";
	size_t fixed = strlen(head) - strlen(HEADER);
	char text[sizeof(head) + PSC_LIST_LINE_MAX + 16];

	/* Just fits, then one byte more; both with CRLF. */
	for (size_t more = 0; more < 2; more++) {
		size_t length = PSC_LIST_LINE_MAX - fixed - 3 + more;

		memcpy(text, head, strlen(head));
		memset(text + strlen(head), 'n', length);
		memcpy(text + strlen(head) + length, ",,,\r\n", 6);
		if (more == 0) {
			_cleanup_(psc_list_freep) struct psc_list *list = new_list();
			struct psc_list_entry e;

			parse(list, text);
			assert_int_equal(psc_list_get(list, 0, &e), 0);
			assert_int_equal(strlen(e.name), length);
		} else {
			check_refusal(text, strlen(text),
				      &(struct refusal){text, 2, PSC_LIST_LINE_MAX + 1,
							"line is longer than 8192 bytes"});
		}
	}
}

static void test_find(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	uint8_t digest[PSC_DIGEST_SIZE], md5[16];
	struct psc_list_entry e;

	digest_of(D0, digest);
	assert_int_equal(psc_list_find(list, digest, &e), -ENOENT);
	parse(list, HEADER "sha256," D2 ",1,,two,,,\nsha256," D0 ",2,,first,,,\n"
			   "md5," MD5 ",,,,,,\nsha256," D0 ",3,,second,,,\n");
	assert_int_equal(psc_list_find(list, digest, &e), -ESTALE);
	assert_int_equal(psc_list_index(list), 0);
	assert_int_equal(psc_list_find(list, digest, &e), 0);
	assert_string_equal(e.name, "first");
	digest_of(D2, digest);
	assert_int_equal(psc_list_find(list, digest, &e), 0);
	assert_string_equal(e.name, "two");
	digest_of(D1, digest);
	assert_int_equal(psc_list_find(list, digest, &e), -ENOENT);
	assert_int_equal(psc_hex_decode(MD5, 32, md5, 16, NULL), 0);
	assert_int_equal(psc_list_find_algo(list, PSC_ALGO_MD5, md5, &e), 0);
	assert_int_equal(e.line, 4);
	assert_int_equal(psc_list_find_algo(list, PSC_ALGO_SHA1, digest, &e), -ENOENT);
	parse(list, HEADER "sha256," D1 ",1,,one,,,\n");
	assert_int_equal(psc_list_find(list, digest, &e), -ESTALE);
	assert_int_equal(psc_list_index(list), 0);
	assert_int_equal(psc_list_find(list, digest, &e), 0);
	assert_int_equal(e.file, 1);
}

/*
 * Many strings: each comes back as it went in, also when a failed parse in between
 * had stored it first.
 */
static void test_interning(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	struct psc_list_entry e;
	char text[600];

	for (unsigned int i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text),
			 HEADER "sha256,%064x,1,elf,name-%u,product-%u,,same\n%s", i,
			 i + (i % 5 == 4), i % 7, i % 5 == 4 ? "oops" : "");
		assert_int_equal(psc_list_parse(list, "l", text, strlen(text), NULL),
				 i % 5 == 4 ? -EINVAL : 0);
	}
	assert_int_equal(psc_list_count(list), 2400);
	for (unsigned int i = 0, n = 0; i < 3000; i++) {
		char name[32], product[32];

		if (i % 5 == 4)
			continue;
		snprintf(name, sizeof(name), "name-%u", i);
		snprintf(product, sizeof(product), "product-%u", i % 7);
		assert_int_equal(psc_list_get(list, n++, &e), 0);
		assert_string_equal(e.name, name);
		assert_string_equal(e.product, product);
		assert_string_equal(e.version, "");
		assert_string_equal(e.source, "same");
	}
}

static void test_sha256sum(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	static const char text[] = D0 "  plain name\n"
				      "# comment\n" D1 " *binary\r\n"
				      "\\" D2 "  back\\\\slash\\nline\n"
				      "SHA256 (a) = b) = " D0 "\n" D1 "  raw\xff\x01";
	static const char *const names[] = {"plain name", "binary", "back\\slash\\nline", "a) = b",
					    "raw\\xff\\x01"};
	struct psc_list_entry e;

	assert_int_equal(psc_list_parse_sha256sum(list, "-", text, strlen(text), NULL), 0);
	assert_int_equal(psc_list_count(list), ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(psc_list_get(list, i, &e), 0);
		assert_int_equal(e.algo, PSC_ALGO_SHA256);
		assert_string_equal(e.name, names[i]);
		assert_false(e.has_size);
		assert_int_equal(e.format, PSC_FORMAT_ANY);
	}
	assert_int_equal(e.line, 6);
}

static void test_sha256sum_refusals(void **state)
{
	static const struct refusal cases[] = {
		{MD5 "  file\n", 1, 33, "32 hexadecimal digits: expected 64"},
		{D0 "0  file\n", 1, 66, "65 hexadecimal digits"},
		{D0 " file\n", 1, 65, "expected \"DIGEST  NAME\""},
		{D0 "\n", 1, 65, "expected \"DIGEST  NAME\""},
		{D0 "  \n", 1, 65, "expected \"DIGEST  NAME\""},
		{D0 "  a\nhello\n", 2, 1, "expected \"DIGEST  NAME\""},
		{"SHA256 (a) = 12\n", 1, 1, "expected"},
		{"SHA256 () = " D0 "\n", 1, 1, "expected"},
		{"SHA256 (a) = 000000000000000000000000000000000000000000000000000000000000000g\n",
		 1, 77, "not a hexadecimal digit"},
		{"MD5 (a) = " MD5 "\n", 1, 1, "expected"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(psc_list_freep) struct psc_list *list = new_list();
		struct psc_error err = {0};

		assert_int_equal(psc_list_parse_sha256sum(list, "-", cases[i].text,
							  strlen(cases[i].text), &err),
				 -EINVAL);
		assert_refused(&err, "-", &cases[i]);
		assert_int_equal(psc_list_count(list), 0);
	}
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

static void test_load_dir(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	struct psc_list_file file;
	struct psc_error err;

	write_file(in_directory("b.csv"), HEADER "sha256," D0 ",1,elf,b,,,\n");
	write_file(in_directory("B.csv"), HEADER "sha256," D0 ",1,elf,B,,,\n");
	write_file(in_directory("a.csv"), HEADER);
	write_file(in_directory(".c.csv"), "not a list");
	write_file(in_directory("c.csv~"), "not a list");
	write_file(in_directory("README"), "not a list");
	assert_int_equal(psc_list_load_dir(list, directory, NULL), 0);
	assert_int_equal(psc_list_count(list), 2);
	assert_int_equal(psc_list_file_count(list), 3);
	assert_int_equal(psc_list_file(list, 0, &file), 0);
	assert_string_equal(file.path, in_directory("B.csv"));
	assert_int_equal(psc_list_file(list, 2, &file), 0);
	assert_string_equal(file.path, in_directory("b.csv"));
	/* The last of the files is broken: none of them counts. */
	write_file(in_directory("z.csv"), HEADER "sha256,0,,,,,,\n");
	assert_int_equal(psc_list_load_dir(list, directory, &err), -EINVAL);
	assert_string_equal(err.file, in_directory("z.csv"));
	assert_int_equal(err.line, 2);
	assert_int_equal(err.column, 8);
	assert_int_equal(psc_list_count(list), 2);
	assert_int_equal(psc_list_file_count(list), 3);
	assert_int_equal(unlink(in_directory("z.csv")), 0);
	/* What is no regular file is said, not skipped. */
	assert_int_equal(symlink("a.csv", in_directory("z.csv")), 0);
	assert_int_equal(psc_list_load_dir(list, directory, &err), -ELOOP);
	assert_non_null(strstr(err.message, "symbolic link"));
	assert_int_equal(unlink(in_directory("z.csv")), 0);
	assert_int_equal(mkfifo(in_directory("z.csv"), 0600), 0);
	assert_int_equal(psc_list_load_dir(list, directory, &err), -EINVAL);
	assert_non_null(strstr(err.message, "not a regular file"));
	assert_int_equal(psc_list_load_dir(list, in_directory("none"), &err), -ENOENT);
	assert_string_equal(err.file, in_directory("none"));
	assert_int_equal(psc_list_load_file(list, in_directory("none"), &err), -ENOENT);
	assert_int_equal(psc_list_load_file(list, directory, &err), -EINVAL);
}

/* Lines that lie across the pieces in which a file is read. */
static void test_load_large(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	_cleanup_fclose_ FILE *out = fopen(in_directory("l.csv"), "we");
	struct psc_list_entry e;
	struct psc_error err;
	char name[4001];

	assert_non_null(out);
	fputs(HEADER, out);
	for (unsigned int i = 0; i < 400; i++) {
		memset(name, 'a' + i % 26, sizeof(name));
		name[i * 10] = '\0';
		fprintf(out, "sha256,%064x,%u,elf,%s,,,%s", i, i + 1, name, i < 399 ? "\r\n" : "");
	}
	assert_int_equal(fflush(out), 0);
	assert_int_equal(psc_list_load_file(list, in_directory("l.csv"), NULL), 0);
	assert_int_equal(psc_list_count(list), 400);
	for (unsigned int i = 0; i < 400; i++) {
		assert_int_equal(psc_list_get(list, i, &e), 0);
		assert_int_equal(e.size, i + 1);
		assert_int_equal(e.line, i + 2);
		assert_int_equal(strlen(e.name), i * 10);
	}
	/* A line without an end, longer than any buffer, is refused and not collected. */
	fputc('\n', out);
	for (unsigned int i = 0; i < 300000; i++)
		fputc('x', out);
	assert_int_equal(fflush(out), 0);
	assert_int_equal(psc_list_load_file(list, in_directory("l.csv"), &err), -EINVAL);
	assert_int_equal(err.line, 402);
	assert_non_null(strstr(err.message, "line is longer"));
	assert_int_equal(psc_list_count(list), 400);
}

#define in_temporary(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),  cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_refusals),  cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_find),	  cmocka_unit_test(test_interning),
		cmocka_unit_test(test_sha256sum), cmocka_unit_test(test_sha256sum_refusals),
		in_temporary(test_load_dir),	  in_temporary(test_load_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
