/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_compile.c - lists and configuration to an image: what is listed is found,
 * what is not is not, limits are refusals, a million entries are no trouble.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/compile.h"
#include "user/core/sizeless.h"
#include "bpf/decide.h"

#define HEADER	    PSC_LIST_HEADER "\n"
#define CANARY_SIZE 4097u

#if defined(__SANITIZE_ADDRESS__)
#define MANY 20000 /* everything is instrumented: no figures to take */
#else
#define MANY 1000000
#endif

static const uint8_t canary[PSC_DIGEST_SIZE] = {0x7f, 0xca, 0x4a};

/* splitmix64 of a number: a digest that looks like one. */
static uint64_t scramble(uint64_t n)
{
	uint64_t z = n * 0x9E3779B97F4A7C15ULL + 0x9E3779B97F4A7C15ULL;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
	return z ^ (z >> 31);
}

static void made_digest(uint64_t n, uint8_t ret[PSC_DIGEST_SIZE])
{
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t part = scramble(4 * n + i);

		memcpy(ret + 8 * i, &part, 8);
	}
}

static struct psc_list *new_list(void)
{
	struct psc_list *list = NULL;

	assert_int_equal(psc_list_new(&list), 0);
	return list;
}

static void add(struct psc_list *list, const uint8_t *digest, uint64_t size, enum psc_format format,
		const char *product)
{
	struct psc_list_entry entry = {
		.algo = PSC_ALGO_SHA256,
		.digest = digest,
		.digest_size = PSC_DIGEST_SIZE,
		.has_size = size != 0,
		.size = size,
		.format = format,
		.product = product,
	};

	assert_int_equal(psc_list_append(list, &entry, NULL), 0);
}

static int try_compile(const struct psc_list *list, struct psc_image **ret, struct psc_error *err)
{
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;

	assert_int_equal(psc_config_new(&config), 0);
	config->action[PSC_OP_OPEN] = PSC_ACTION_ALLOW;
	config->unverified[PSC_OP_LOAD][PSC_UNVERIFIED_BUSY] = PSC_ACTION_DENY;
	config->mode = PSC_MODE_ENFORCE;
	config->hash_limit = 12345678;
	return psc_compile(list, config, canary, CANARY_SIZE, ret, err);
}

static struct psc_image *compile(const struct psc_list *list)
{
	struct psc_image *image = NULL;
	struct psc_error err = {0};

	if (try_compile(list, &image, &err) < 0)
		fail_msg("%s", err.message);
	return image;
}

static void test_empty(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	_cleanup_(psc_image_freep) struct psc_image *image = compile(list);
	const struct psc_digest_record *record = psc_image_lookup(image, canary);
	const struct psc_table *table = &image->table;
	uint8_t digest[PSC_DIGEST_SIZE] = {0};

	assert_non_null(record);
	assert_int_equal(record->subject, PSC_SUBJECT_CANARY);
	assert_int_equal(record->size, CANARY_SIZE);
	assert_null(psc_image_lookup(image, digest));
	assert_int_equal(table->generation, 0);
	assert_int_equal(table->hash_limit, 12345678);
	assert_true(table->busy_limit >= table->hash_limit);
	assert_int_equal(table->mode, PSC_MODE_ENFORCE);
	assert_int_equal(table->flags, PSC_TABLE_LOOP_UNSTABLE);
	assert_int_equal(table->index_bits, PSC_INDEX_BITS_MIN);
	assert_int_equal(table->digest_count, 1);
	assert_int_equal(table->subject_count, 2);
	assert_int_equal(table->class_count, 2);
	assert_int_equal(table->interval_count, 1);
	assert_int_equal(table->interval_start[0], 0);
	assert_int_equal(table->unverified[PSC_OP_LOAD][PSC_UNVERIFIED_BUSY], PSC_ACTION_DENY);
	assert_int_equal(image->listed, 0);
}

/* What each subject leads to, by the very code the kernel runs. */
static void test_decisions(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	static const uint8_t listed[PSC_OP_MAX] = {
		PSC_ACTION_DENY,   PSC_ACTION_DENY,   PSC_ACTION_DENY,	 PSC_ACTION_ALLOW,
		PSC_ACTION_RECORD, PSC_ACTION_RECORD, PSC_ACTION_RECORD, PSC_ACTION_RECORD,
	};
	uint8_t digest[PSC_DIGEST_SIZE];

	made_digest(1, digest);
	add(list, digest, 10, PSC_FORMAT_ELF, "Product");
	image = compile(list);
	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		struct psc_decision d;

		psc_decide(&image->table, op, psc_image_lookup(image, digest)->subject, 0,
			   UINT64_MAX, &d);
		assert_int_equal(d.action, listed[op]);
		assert_int_equal(d.class, PSC_CLASS_FIRST);
		psc_decide(&image->table, op, PSC_SUBJECT_CANARY, 0, 0, &d);
		assert_int_equal(d.action, op <= PSC_OP_OPEN ? PSC_ACTION_DENY : PSC_ACTION_ALLOW);
		psc_decide(&image->table, op, PSC_SUBJECT_NONE, 0, 0, &d);
		assert_int_equal(d.action, PSC_ACTION_ALLOW);
	}
}

static void test_round_trip(void **state)
{
	for (unsigned int count = 1; count <= 30000; count = count * 3 + 1) {
		_cleanup_(psc_list_freep) struct psc_list *list = new_list();
		_cleanup_(psc_image_freep) struct psc_image *image = NULL;
		uint8_t digest[PSC_DIGEST_SIZE];
		uint64_t total = 0;

		for (unsigned int i = 0; i < count; i++) {
			made_digest(i, digest);
			add(list, digest, i + 1, PSC_FORMAT_ELF, i % 3 ? "odd" : NULL);
		}
		image = compile(list);
		assert_int_equal(image->table.digest_count, count + 1);
		assert_int_equal(image->listed, count);
		for (unsigned int i = 0; i < 2 * count; i++) {
			const struct psc_digest_record *record;

			made_digest(i, digest);
			record = psc_image_lookup(image, digest);
			if (i >= count) {
				assert_null(record);
				continue;
			}
			assert_non_null(record);
			assert_int_equal(record->size, i + 1);
			assert_string_equal(image->subjects[record->subject].product,
					    i % 3 ? "odd" : "unnamed");
		}
		assert_int_equal(psc_image_lookup(image, canary)->subject, PSC_SUBJECT_CANARY);
		/* Buckets cover the records without gap, and few digests share one. */
		for (unsigned int i = 0; i < 1U << image->table.index_bits; i++) {
			if (image->buckets[i].count)
				assert_int_equal(image->buckets[i].start, total);
			assert_true(image->buckets[i].count <= PSC_BUCKET_MAX);
			total += image->buckets[i].count;
		}
		assert_int_equal(total, count + 1);
		assert_true(total <= 4ULL << image->table.index_bits);
		for (unsigned int i = 1; i < image->table.digest_count; i++)
			assert_true(memcmp(image->records[i - 1].digest, image->records[i].digest,
					   PSC_DIGEST_SIZE) < 0);
	}
}

/* Digests with one 20 bit prefix: 16 can be found, 17 cannot and are refused. */
static void test_overfull_bucket(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	struct psc_image *untouched = (void *)1;
	uint8_t digest[PSC_DIGEST_SIZE] = {0xab, 0xcd, 0xe0};
	struct psc_error err = {0};

	for (unsigned int i = 0; i < PSC_BUCKET_MAX; i++) {
		digest[31] = i;
		add(list, digest, 5, PSC_FORMAT_ELF, "p");
	}
	image = compile(list);
	for (unsigned int i = 0; i < PSC_BUCKET_MAX; i++) {
		digest[31] = i;
		assert_non_null(psc_image_lookup(image, digest));
	}
	digest[31] = 200;
	add(list, digest, 5, PSC_FORMAT_ELF, "p");
	assert_int_equal(try_compile(list, &untouched, &err), -E2BIG);
	assert_ptr_equal(untouched, (void *)1);
	assert_non_null(
		strstr(err.message, "17 listed digests begin with the same 20 bits (abcde)"));
}

/* More bits are taken when the mean is fine and one bucket is not. */
static void test_index_bits(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	uint8_t digest[PSC_DIGEST_SIZE] = {0x12, 0x30};

	for (unsigned int i = 0; i < 17; i++) {
		digest[1] = 0x30 | i % 16; /* 12 bits in common, 16 not */
		digest[31] = i;
		add(list, digest, 5, PSC_FORMAT_ELF, "p");
	}
	image = compile(list);
	assert_int_equal(image->table.index_bits, 13);
}

static void test_duplicates(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	const struct psc_digest_record *record;
	uint8_t a[PSC_DIGEST_SIZE], b[PSC_DIGEST_SIZE], c[PSC_DIGEST_SIZE];

	made_digest(1, a);
	made_digest(2, b);
	made_digest(3, c);
	/* The first names it; formats add up. */
	add(list, a, 100, PSC_FORMAT_ELF, "first");
	add(list, a, 100, PSC_FORMAT_DEB, "second");
	/* Sizes that differ: any matches, both get through the filter. */
	add(list, b, 200, PSC_FORMAT_ELF, "first");
	add(list, b, 300, PSC_FORMAT_ELF, "first");
	add(list, b, 300, PSC_FORMAT_ELF, "first");
	/* An entry that cannot be enforced does not name anything. */
	add(list, c, 1ULL << 32, PSC_FORMAT_ELF, "third");
	add(list, c, 400, PSC_FORMAT_ELF, "second");
	image = compile(list);
	assert_int_equal(image->table.digest_count, 4);
	assert_int_equal(image->table.subject_count, 4);
	record = psc_image_lookup(image, a);
	assert_string_equal(image->subjects[record->subject].product, "first");
	assert_int_equal(record->size, 100);
	assert_true(psc_image_filter(image, PSC_FILTER_EXEC, 100));
	assert_true(psc_image_filter(image, PSC_FILTER_OPEN, 100));
	record = psc_image_lookup(image, b);
	assert_int_equal(record->size, 0);
	assert_true(psc_image_filter(image, PSC_FILTER_EXEC, 200));
	assert_true(psc_image_filter(image, PSC_FILTER_EXEC, 300));
	record = psc_image_lookup(image, c);
	assert_int_equal(record->size, 400);
	assert_string_equal(image->subjects[record->subject].product, "second");
	assert_int_equal(image->table.flags & PSC_TABLE_HASH_ALL, 0);
	assert_int_equal(image->without_size, 0);
	assert_int_equal(image->subjects[2].digests, 2);
}

/* A size that is given elsewhere, and may be wrong, hides no entry without one. */
static void test_wrong_size(void **state)
{
	for (unsigned int format = 0; format < PSC_FORMAT_MAX; format++) {
		for (unsigned int turned = 0; turned < 2; turned++) {
			_cleanup_(psc_list_freep) struct psc_list *list = new_list();
			_cleanup_(psc_image_freep) struct psc_image *image = NULL;
			bool kernel = format <= PSC_FORMAT_SCRIPT;
			uint8_t digest[PSC_DIGEST_SIZE];

			made_digest(1, digest);
			add(list, digest, turned ? 100 : 0, format, "p");
			add(list, digest, turned ? 0 : 100, format, "p");
			image = compile(list);
			assert_int_equal(!!(image->table.flags & PSC_TABLE_HASH_ALL), kernel);
			assert_int_equal(image->without_size, kernel);
			assert_int_equal(image->needs_userspace, 0);
			assert_int_equal(psc_image_lookup(image, digest)->size, 0);
			assert_int_equal(image->table.digest_count, 2);
		}
	}
}

static void test_without_size(void **state)
{
	for (unsigned int format = 0; format < PSC_FORMAT_MAX; format++) {
		_cleanup_(psc_list_freep) struct psc_list *list = new_list();
		_cleanup_(psc_image_freep) struct psc_image *image = NULL;
		bool kernel = format <= PSC_FORMAT_SCRIPT;
		uint8_t digest[PSC_DIGEST_SIZE];

		made_digest(1, digest);
		add(list, digest, 0, format, "p");
		image = compile(list);
		assert_int_equal(!!(image->table.flags & PSC_TABLE_HASH_ALL), kernel);
		assert_int_equal(image->needs_userspace, !kernel);
		assert_int_equal(image->without_size, 1);
		assert_int_equal(psc_image_lookup(image, digest)->size, 0);
	}
}

#define DIGEST_OF(c) c c c c c c c c

/* What a site can mend: its own, of kinds that the kernel looks for by their size alone. */
static void test_sizeless(void **state)
{
	static const char site[] = HEADER "sha256," DIGEST_OF(
		"11111111") ",,rpm,a,p,,\n"
			    "sha256," DIGEST_OF(
				    "22222222") ",,deb,b,p,,\n"
						"sha256," DIGEST_OF(
							"33333333") ",,elf,c,p,,\n"
								    "sha256," DIGEST_OF(
									    "44444444") ",7,rpm,d,p,,\n";
	static const char catalog[] = HEADER
		"sha256," DIGEST_OF("22222222") ",9,deb,b,p,,\n"
						"sha256," DIGEST_OF("55555555") ",,rpm,e,p,,\n";
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;

	assert_int_equal(psc_list_parse(list, "site", site, strlen(site), NULL), 0);
	assert_int_equal(psc_list_parse(list, "catalog", catalog, strlen(catalog), NULL), 0);
	assert_int_equal(psc_list_index(list), 0);
	image = compile(list);
	assert_int_equal(image->needs_userspace, 2);
	assert_int_equal(psc_sizeless_count(list, 1), 2);
	assert_int_equal(psc_sizeless_count(list, 2), 3);
	assert_int_equal(psc_sizeless_count(list, 0), 0);
}

static void test_not_enforceable(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	static const char text[] =
		HEADER "md5,d41d8cd98f00b204e9800998ecf8427e,,,,md5 only,,\n"
		       "sha512,"
		       "1111111111111111111111111111111111111111111111111111111111111111"
		       "1111111111111111111111111111111111111111111111111111111111111111,5,,,,,\n"
		       "sha256,1111111111111111111111111111111111111111111111111111111111111111,"
		       "4294967296,,,,,\n"
		       "sha256,2222222222222222222222222222222222222222222222222222222222222222,"
		       "4294967295,,,,,\n";
	uint8_t digest[PSC_DIGEST_SIZE];

	assert_int_equal(psc_list_parse(list, "l", text, strlen(text), NULL), 0);
	image = compile(list);
	assert_int_equal(image->listed, 1);
	assert_int_equal(image->table.subject_count, 3);
	memset(digest, 0x11, sizeof(digest));
	assert_null(psc_image_lookup(image, digest));
	memset(digest, 0x22, sizeof(digest));
	assert_int_equal(psc_image_lookup(image, digest)->size, UINT32_MAX);
	assert_int_equal(image->table.flags & PSC_TABLE_HASH_ALL, 0);
}

static void test_listed_canary(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;

	add(list, canary, 9, PSC_FORMAT_ELF, "p");
	image = compile(list);
	assert_int_equal(image->table.digest_count, 1);
	assert_int_equal(psc_image_lookup(image, canary)->subject, PSC_SUBJECT_CANARY);
	assert_int_equal(psc_image_lookup(image, canary)->size, CANARY_SIZE);
}

static void test_products(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	unsigned int most = PSC_SUBJECTS_MAX - PSC_SUBJECT_FIRST;
	struct psc_image *untouched = NULL;
	struct psc_error err = {0};
	uint8_t digest[PSC_DIGEST_SIZE];
	char product[32];

	for (unsigned int i = 0; i < most; i++) {
		made_digest(i, digest);
		snprintf(product, sizeof(product), "product %u", i);
		add(list, digest, 5, PSC_FORMAT_ELF, product);
	}
	image = compile(list);
	assert_int_equal(image->table.subject_count, PSC_SUBJECTS_MAX);
	for (unsigned int i = 0; i < most; i++) {
		/* In the order of reading, and all in the class of what is listed. */
		snprintf(product, sizeof(product), "product %u", i);
		assert_string_equal(image->subjects[PSC_SUBJECT_FIRST + i].product, product);
		assert_int_equal(image->table.class_of[PSC_SUBJECT_FIRST + i], PSC_CLASS_FIRST);
		made_digest(i, digest);
		assert_int_equal(psc_image_lookup(image, digest)->subject, PSC_SUBJECT_FIRST + i);
	}
	add(list, digest, 5, PSC_FORMAT_ELF, "one more");
	assert_int_equal(try_compile(list, &untouched, &err), -E2BIG);
	assert_non_null(strstr(err.message, "more than 4094 different products"));
}

/* ---- many ---------------------------------------------------------------- */

/* Of our own work: others may keep the machine busy. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Resident memory of this process in bytes. */
static size_t resident(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/statm", "re");
	unsigned long total, pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &total, &pages), 2);
	return pages * sysconf(_SC_PAGESIZE);
}

static void write_many(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(HEADER, file);
	for (unsigned int i = 0; i < MANY; i++) {
		uint64_t part[4];

		for (unsigned int k = 0; k < 4; k++)
			part[k] = scramble(4ULL * i + k);
		/* As a catalogue is: names differ, the rest repeats. */
		fprintf(file,
			"sha256,%016llx%016llx%016llx%016llx,%llu,elf,file-%u.so,Product "
			"%u,12.%u,catalogue\n",
			(unsigned long long)part[0], (unsigned long long)part[1],
			(unsigned long long)part[2], (unsigned long long)part[3],
			(unsigned long long)(scramble(i) % 100000000 + 1), i, i % 50, i % 20);
	}
}

static void test_many(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = new_list();
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	char path[] = "/tmp/psc-test-compile-XXXXXX";
	_cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);
	double start, loaded, indexed, compiled;
	struct psc_list_entry entry;
	size_t memory, after;

	assert_true(fd >= 0);
	write_many(path);
	memory = resident();
	start = seconds();
	assert_int_equal(psc_list_load_file(list, path, NULL), 0);
	loaded = seconds();
	unlink(path);
	after = resident();
	assert_int_equal(psc_list_index(list), 0);
	indexed = seconds();
	image = compile(list);
	compiled = seconds();
	print_message("%d entries: %.1f MB, loaded in %.2f s, indexed in %.2f s, compiled in "
		      "%.2f s, %u index bits\n",
		      MANY, (after - memory) / 1e6, loaded - start, indexed - loaded,
		      compiled - indexed, image->table.index_bits);
	assert_int_equal(psc_list_count(list), MANY);
	assert_int_equal(image->table.digest_count, MANY + 1);
	for (size_t i = 0; i < MANY; i += 97) {
		struct psc_list_entry again;

		assert_int_equal(psc_list_get(list, i, &entry), 0);
		assert_int_equal(psc_list_find(list, entry.digest, &again), 0);
		assert_int_equal(again.line, i + 2);
		assert_int_equal(psc_image_lookup(image, entry.digest)->size, entry.size);
	}
#if MANY == 1000000
	assert_true(after - memory < 120000000);
	/* Far above what it takes on any machine, far below anything quadratic. */
	assert_true(compiled - start < 30);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	      cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_overfull_bucket),
		cmocka_unit_test(test_index_bits),    cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_without_size),  cmocka_unit_test(test_wrong_size),
		cmocka_unit_test(test_sizeless),      cmocka_unit_test(test_not_enforceable),
		cmocka_unit_test(test_listed_canary), cmocka_unit_test(test_products),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
