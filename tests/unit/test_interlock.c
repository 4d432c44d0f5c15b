/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_interlock.c - what a policy would do to the files that a host needs, for every reason for
 * which the kernel refuses one; overrides; words. The host is built by the tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/magic.h>

#include "tests/unit/fake_host.h"
#include "user/core/compile.h"
#include "user/core/digest.h"
#include "user/core/hex.h"
#include "user/core/timefmt.h"
#include "user/identify/interlock.h"
#include "bpf/decide.h"

#define SUDO "/usr/bin/sudo"
#define LIBC "/usr/lib/libc.so.6"

#define NFS_MAGIC  0x6969
#define EXT4_MAGIC 0xef53

static const uint8_t canary[PSC_DIGEST_SIZE] = {0x7f, 0xca, 0x4a};

/* Everything that one judgement takes; a test changes what it is about. */
static struct {
	struct psc_essential *essential;
	struct psc_config *config;
	struct psc_list *list;
	struct psc_image *image;
	struct psc_interlock_report report;
	struct psc_error error;
	struct psc_object *override;
	uint64_t now;
	uint64_t begun;
} t;

static int begin(void **state)
{
	memset(&t, 0, sizeof(t));
	host_begin();
	host_elf(SUDO, (struct host_elf){.needed = {"libc.so.6"}});
	host_elf(LIBC, (struct host_elf){});
	assert_int_equal(psc_config_new(&t.config), 0);
	assert_int_equal(psc_list_new(&t.list), 0);
	t.now = 1000;
	t.begun = 2000;
	return 0;
}

static int end(void **state)
{
	psc_interlock_report_clear(&t.report);
	psc_essential_free(t.essential);
	psc_image_free(t.image);
	psc_list_free(t.list);
	psc_config_free(t.config);
	psc_object_free(t.override);
	host_end();
	return 0;
}

static void find(void)
{
	t.essential = psc_essential_free(t.essential);
	assert_int_equal(psc_essential_find(host_root, &t.essential, &t.error), 0);
	for (size_t i = 0; i < t.essential->ground_count; i++) {
		t.essential->ground[i].magic = EXT4_MAGIC;
		t.essential->ground[i].on_loop = false;
	}
}

static void digest_of(const char *path, uint8_t ret[PSC_DIGEST_SIZE])
{
	char real[PATH_MAX];
	int fd;

	host_path(path, real);
	fd = open(real, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(psc_digest_fd(fd, ret, NULL), 0);
	close(fd);
}

static void list_digest(const uint8_t *digest, uint64_t size, enum psc_format format)
{
	struct psc_list_entry entry = {
		.algo = PSC_ALGO_SHA256,
		.digest = digest,
		.digest_size = PSC_DIGEST_SIZE,
		.has_size = size != 0,
		.size = size,
		.format = format,
		.product = "Unwanted",
	};

	assert_int_equal(psc_list_append(t.list, &entry, NULL), 0);
}

static void list_file(const char *path, enum psc_format format)
{
	uint8_t digest[PSC_DIGEST_SIZE];

	digest_of(path, digest);
	list_digest(digest, sizeof(struct host_image), format);
}

/* Something of the size of the host's files, and not one of them. */
static void list_size(void)
{
	static const uint8_t other[PSC_DIGEST_SIZE] = {1, 2, 3};

	list_digest(other, sizeof(struct host_image), PSC_FORMAT_ANY);
}

static void compile(void)
{
	t.image = psc_image_free(t.image);
	assert_int_equal(psc_list_index(t.list), 0);
	assert_int_equal(psc_compile(t.list, t.config, canary, 4097, &t.image, &t.error), 0);
	if (!t.essential)
		find();
}

static int judge(void)
{
	struct psc_object *items[] = {t.override};
	const struct psc_objects objects = {.item = items, .count = t.override ? 1 : 0};
	const struct psc_interlock_input input = {
		.image = t.image,
		.essential = t.essential,
		.root = host_root,
		.objects = &objects,
		.now = t.now,
		.begun = t.begun,
	};

	psc_interlock_report_clear(&t.report);
	return psc_interlock_judge(&input, &t.report, &t.error);
}

static void assert_fine(void)
{
	assert_int_equal(judge(), 0);
	for (size_t i = 0; i < t.report.count; i++)
		print_error("objects to %s\n", t.report.item[i].path);
	assert_int_equal(t.report.count, 0);
}

static const struct psc_interlock_objection *only(void)
{
	assert_int_equal(judge(), 0);
	assert_int_equal(t.report.count, 1);
	return &t.report.item[0];
}

/* The statement's digest, made here by hand. */
static void assert_stated(const struct psc_interlock_objection *objection, const char *line)
{
	uint8_t digest[PSC_DIGEST_SIZE];

	assert_int_equal(psc_digest_buffer(line, strlen(line), digest), 0);
	assert_memory_equal(objection->digest, digest, sizeof(digest));
}

/* ---- listed ---------------------------------------------------------------------------------- */

static void test_listed(void **state)
{
	const struct psc_interlock_objection *objection;
	uint8_t digest[PSC_DIGEST_SIZE];

	list_size();
	compile();
	assert_fine();

	list_file(LIBC, PSC_FORMAT_ELF);
	compile();
	assert_true(psc_interlock_concerns(t.image));
	objection = only();
	digest_of(LIBC, digest);
	assert_memory_equal(objection->digest, digest, sizeof(digest));
	assert_string_equal(objection->path, LIBC);
	assert_string_equal(objection->needed_by, SUDO);
	assert_string_equal(objection->product, "Unwanted");
	assert_int_equal(objection->op, PSC_OP_LOAD);
	assert_int_equal(objection->unverified, PSC_UNVERIFIED_NONE);
	assert_int_equal(objection->from, 0);
	assert_int_equal(objection->files, 1);
}

/* A library is not executed; what is recorded is not refused; in observe mode, too. */
static void test_actions(void **state)
{
	t.config->mode = PSC_MODE_OBSERVE;
	t.config->action[PSC_OP_LOAD] = PSC_ACTION_RECORD;
	list_file(LIBC, PSC_FORMAT_ELF);
	compile();
	assert_fine();
	list_file(SUDO, PSC_FORMAT_ELF);
	compile();
	assert_string_equal(only()->path, SUDO);
	assert_int_equal(t.report.item[0].op, PSC_OP_EXEC);
	assert_string_equal(t.report.item[0].needed_by, "");

	t.config->action[PSC_OP_EXEC] = PSC_ACTION_RECORD;
	compile();
	assert_fine();
	assert_false(psc_interlock_concerns(t.image));
	t.config->action[PSC_OP_OPEN] = PSC_ACTION_DENY;
	compile();
	assert_true(psc_interlock_concerns(t.image));
	/* the kernel does not look for programs when a file is opened */
	assert_fine();
	list_file(SUDO, PSC_FORMAT_DEB);
	compile();
	/* of that size, which both have, any listed content is refused */
	assert_int_equal(judge(), 0);
	assert_int_equal(t.report.count, 2);
	assert_int_equal(t.report.item[0].op, PSC_OP_OPEN);
}

static void test_without_size(void **state)
{
	uint8_t digest[PSC_DIGEST_SIZE];

	digest_of(SUDO, digest);
	list_digest(digest, 0, PSC_FORMAT_ELF);
	compile();
	assert_true(t.image->table.flags & PSC_TABLE_HASH_ALL);
	assert_string_equal(only()->path, SUDO);
}

/* Refused from an instant to come; what was before is no matter. */
static void test_later(void **state)
{
	struct psc_table *table;
	uint32_t class;

	list_file(SUDO, PSC_FORMAT_ELF);
	compile();
	table = &t.image->table;
	class = table->class_of[PSC_SUBJECT_FIRST];
	assert_int_equal(table->interval_count, 1);
	memcpy(table->action[1], table->action[0], sizeof(table->action[0]));
	memset(table->action[0][class], PSC_ACTION_ALLOW, PSC_OP_MAX);
	table->interval_start[1] = 5000;
	table->interval_count = 2;
	assert_int_equal(only()->from, 5000);
	t.now = 5000;
	assert_int_equal(only()->from, 0);

	memset(table->action[1][class], PSC_ACTION_ALLOW, PSC_OP_MAX);
	table->action[0][class][PSC_OP_EXEC] = PSC_ACTION_DENY;
	assert_fine();
	t.now = 4999;
	assert_int_equal(only()->from, 0);
}

/* The same content twice is one objection: one override is for both. */
static void test_same_content(void **state)
{
	host_script("/usr/bin/su", "#!/bin/nothing\n");
	host_script("/usr/bin/login", "#!/bin/nothing\n");
	{
		uint8_t digest[PSC_DIGEST_SIZE];

		digest_of("/usr/bin/su", digest);
		list_digest(digest, 15, PSC_FORMAT_SCRIPT);
	}
	compile();
	assert_int_equal(only()->files, 2);
	/* no file but those of a size that is listed is read */
	assert_int_equal(t.essential->count, 4);
}

/* ---- unverified -------------------------------------------------------------------------------- */

static void test_too_large(void **state)
{
	t.config->unverified[PSC_OP_EXEC][PSC_UNVERIFIED_TOO_LARGE] = PSC_ACTION_DENY;
	list_size();
	compile();
	assert_true(psc_interlock_concerns(t.image));
	assert_fine();
	t.image->table.hash_limit = sizeof(struct host_image) - 1;
	assert_string_equal(only()->path, SUDO);
	assert_int_equal(t.report.item[0].unverified, PSC_UNVERIFIED_TOO_LARGE);
	assert_string_equal(t.report.item[0].product, "");
	assert_stated(&t.report.item[0], "unverified too_large " SUDO "\n");

	t.image->table.unverified[PSC_OP_LOAD][PSC_UNVERIFIED_TOO_LARGE] = PSC_ACTION_DENY;
	assert_int_equal(judge(), 0);
	assert_int_equal(t.report.count, 2);
	assert_int_equal(t.report.item[0].files, 1);
	t.image->table.unverified[PSC_OP_EXEC][PSC_UNVERIFIED_TOO_LARGE] = PSC_ACTION_RECORD;
	t.image->table.unverified[PSC_OP_LOAD][PSC_UNVERIFIED_TOO_LARGE] = PSC_ACTION_RECORD;
	assert_fine();
}

/* Whatever is listed is not known to be so when it is too large: it is not refused as listed. */
static void test_too_large_listed(void **state)
{
	list_file(SUDO, PSC_FORMAT_ELF);
	compile();
	t.image->table.hash_limit = sizeof(struct host_image) - 1;
	assert_fine();
}

static void test_filesystem(void **state)
{
	t.config->unverified[PSC_OP_LOAD][PSC_UNVERIFIED_FILESYSTEM] = PSC_ACTION_DENY;
	list_size();
	compile();
	assert_fine();
	t.essential->ground[0].magic = NFS_MAGIC;
	assert_string_equal(only()->path, "/");
	assert_int_equal(t.report.item[0].unverified, PSC_UNVERIFIED_FILESYSTEM);
	assert_int_equal(t.report.item[0].op, PSC_OP_LOAD);
	assert_int_equal(t.report.item[0].files, 2);
	assert_stated(&t.report.item[0], "unverified filesystem /\n");
	/* a file system that is declared stable */
	t.config->unstable.count = 0;
	compile();
	assert_fine();

	t.essential->ground[0].on_loop = true;
	assert_int_equal(only()->unverified, PSC_UNVERIFIED_FILESYSTEM);
	t.config->unstable.loop = false;
	compile();
	assert_fine();
}

/* A match is refused or not by its class, whatever is doubted. */
static void test_match_wins(void **state)
{
	t.config->unverified[PSC_OP_EXEC][PSC_UNVERIFIED_FILESYSTEM] = PSC_ACTION_DENY;
	t.config->unverified[PSC_OP_LOAD][PSC_UNVERIFIED_FILESYSTEM] = PSC_ACTION_DENY;
	t.config->action[PSC_OP_EXEC] = PSC_ACTION_RECORD;
	t.config->action[PSC_OP_LOAD] = PSC_ACTION_RECORD;
	list_file(SUDO, PSC_FORMAT_ELF);
	list_file(LIBC, PSC_FORMAT_ELF);
	compile();
	t.essential->ground[0].magic = NFS_MAGIC;
	assert_fine();
}

/* On overlayfs a size that nobody lists is looked at, too, and the layer decides. */
static void test_overlay(void **state)
{
	compile();
	t.essential->ground[0].magic = OVERLAYFS_SUPER_MAGIC;
	assert_fine();
	t.image->table.unverified[PSC_OP_EXEC][PSC_UNVERIFIED_OVERLAY] = PSC_ACTION_DENY;
	assert_int_equal(only()->unverified, PSC_UNVERIFIED_OVERLAY);
	assert_int_equal(t.report.item[0].files, 1);
	assert_stated(&t.report.item[0], "unverified overlay /\n");
	t.image->table.unverified[PSC_OP_EXEC][PSC_UNVERIFIED_FILESYSTEM] = PSC_ACTION_DENY;
	assert_int_equal(judge(), 0);
	assert_int_equal(t.report.count, 2);
}

/* The row of the kernel's decision that each condition leads to. */
static void test_doubts(void **state)
{
#define R(reason) (1U << PSC_UNVERIFIED_##reason)
	static const struct {
		uint32_t magic;
		bool loop, listed, large, ima;
		enum psc_op op;
		uint32_t doubts;
		bool digested;
	} table[] = {
		{EXT4_MAGIC, 0, 0, 0, 0, PSC_OP_EXEC, 0, false},
		{EXT4_MAGIC, 0, 1, 0, 1, PSC_OP_EXEC, 0, true},
		{EXT4_MAGIC, 0, 1, 1, 0, PSC_OP_LOAD, R(TOO_LARGE), false},
		{EXT4_MAGIC, 1, 0, 1, 0, PSC_OP_LOAD, 0, false},
		{EXT4_MAGIC, 1, 1, 0, 0, PSC_OP_LOAD, R(FILESYSTEM), true},
		{NFS_MAGIC, 0, 0, 0, 0, PSC_OP_EXEC, 0, false},
		{NFS_MAGIC, 0, 1, 0, 0, PSC_OP_EXEC, R(FILESYSTEM), true},
		{NFS_MAGIC, 0, 1, 1, 0, PSC_OP_EXEC, R(TOO_LARGE), false},
		{OVERLAYFS_SUPER_MAGIC, 0, 0, 1, 1, PSC_OP_EXEC, R(OVERLAY) | R(FILESYSTEM), false},
		{OVERLAYFS_SUPER_MAGIC, 0, 0, 0, 1, PSC_OP_OPEN, 0, false},
		{OVERLAYFS_SUPER_MAGIC, 0, 1, 0, 1, PSC_OP_EXEC,
		 R(OVERLAY) | R(FILESYSTEM) | R(IMA_POLICY), true},
		{EXT4_MAGIC, 0, 1, 0, 0, PSC_OP_OPEN, R(UNCACHED), true},
		{NFS_MAGIC, 0, 1, 1, 0, PSC_OP_OPEN, R(UNCACHED) | R(FILESYSTEM) | R(TOO_LARGE),
		 false},
	};

	list_digest(canary, 100, PSC_FORMAT_ANY);
	compile();
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct psc_essential_ground ground = {.magic = table[i].magic,
							    .on_loop = table[i].loop};
		bool digested = !table[i].digested;

		t.image->table.hash_limit = table[i].large ? 99 : 100;
		t.image->table.flags &= ~PSC_TABLE_IMA_POLICY;
		if (table[i].ima)
			t.image->table.flags |= PSC_TABLE_IMA_POLICY;
		assert_int_equal(psc_interlock_doubts(t.image, table[i].listed ? 100 : 101, &ground,
						      table[i].op, &digested),
				 table[i].doubts);
		assert_int_equal(digested, table[i].digested);
	}
#undef R
}

/* What cannot be digested is no file that is not listed. */
static void test_undigested(void **state)
{
	char path[PATH_MAX];

	list_size();
	compile();
	host_path(SUDO, path);
	assert_int_equal(unlink(path), 0);
	assert_fine(); /* nothing is there to be refused */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(judge(), -EISDIR);
	assert_string_equal(t.error.file, SUDO);
	assert_non_null(strstr(t.error.message, "cannot be digested"));
}

/* ---- overrides ------------------------------------------------------------------------------------ */

static void override(const char *digests, const char *rest)
{
	char text[512];

	t.override = psc_object_free(t.override);
	snprintf(text, sizeof(text), "override: O\ndigests: [%s]\nreason: r\nby: b\n%s", digests,
		 rest);
	assert_int_equal(psc_object_parse(text, strlen(text), "o", &t.override, &t.error), 0);
}

static void test_override(void **state)
{
	char hex[2][2 * PSC_DIGEST_SIZE + 1], both[256];
	uint8_t digest[PSC_DIGEST_SIZE];

	list_file(SUDO, PSC_FORMAT_ELF);
	list_file(LIBC, PSC_FORMAT_ELF);
	compile();
	assert_int_equal(judge(), 0);
	assert_int_equal(t.report.count, 2);

	digest_of(SUDO, digest);
	psc_hex_encode(digest, sizeof(digest), hex[0]);
	digest_of(LIBC, digest);
	psc_hex_encode(digest, sizeof(digest), hex[1]);
	for (char *c = hex[1]; *c; c++)
		*c = *c >= 'a' ? *c - 'a' + 'A' : *c;
	override(hex[0], "");
	assert_string_equal(only()->path, LIBC);
	override(hex[1], "");
	assert_string_equal(only()->path, SUDO);
	snprintf(both, sizeof(both), "%s, %s", hex[1], hex[0]);
	override(both, "");
	assert_fine();

	/* another policy in which they are listed: it is about the files */
	list_size();
	t.config->hash_limit = 1 << 20;
	compile();
	assert_fine();

	override(both, "from: 1970-01-01T00:00:00.000002001Z\n");
	assert_int_equal(judge(), 0);
	assert_int_equal(t.report.count, 2);
	t.begun = 2001;
	assert_fine();
}

/* ---- words ------------------------------------------------------------------------------------------ */

static void test_words(void **state)
{
	struct psc_interlock_objection items[] = {
		{.op = PSC_OP_LOAD,
		 .path = "/usr/lib/lib\nc",
		 .needed_by = SUDO,
		 .product = "Un\x01wanted",
		 .from = 86400 * PSC_NSEC_PER_SEC,
		 .files = 1},
		{.op = PSC_OP_EXEC,
		 .unverified = PSC_UNVERIFIED_OVERLAY,
		 .path = "/",
		 .needed_by = "",
		 .product = "",
		 .files = 7},
	};
	struct psc_interlock_report report = {.item = items, .count = 2};
	char digest[2 * PSC_DIGEST_SIZE + 1], *text, want[256];
	struct psc_error error = {0};
	json_t *json;

	memset(items[0].digest, 0xab, PSC_DIGEST_SIZE);
	psc_hex_encode(items[0].digest, PSC_DIGEST_SIZE, digest);
	psc_interlock_describe(&report, &error);
	assert_string_equal(error.file, "");
	snprintf(want, sizeof(want),
		 "interlock: it would refuse load of /usr/lib/lib\\x0ac (listed) later, which the "
		 "host needs, and refuse 1 more; if it is meant: proscribe reload --force %s",
		 digest);
	assert_string_equal(error.message, want);
	json = psc_interlock_json(&report, 8);
	text = json_dumps(json, JSON_COMPACT);
	assert_non_null(strstr(text, "{\"op\":\"load\",\"path\":\"/usr/lib/lib\\\\x0ac\","
				     "\"reason\":\"listed\",\"product\":\"Un\\\\x01wanted\","
				     "\"needed_by\":\"/usr/bin/sudo\","
				     "\"from\":\"1970-01-02T00:00:00Z\",\"files\":1,"));
	assert_non_null(strstr(text, "{\"op\":\"exec\",\"path\":\"/\",\"reason\":\"overlay\","
				     "\"files\":7,\"digest\":\"00000"));
	free(text);
	json_decref(json);
	json = psc_interlock_json(&report, 1);
	assert_int_equal(json_array_size(json), 1);
	json_decref(json);

	/* a long path keeps its end; the digest is whole */
	report = (struct psc_interlock_report){.item = items + 1, .count = 1};
	items[1].path = malloc(4096);
	memset(items[1].path, 'x', 4095);
	items[1].path[4095] = 0;
	psc_interlock_describe(&report, &error);
	memset(digest, '0', sizeof(digest) - 1);
	assert_non_null(strstr(error.message, "what lies below x"));
	assert_string_equal(error.message + strlen(error.message) - 64, digest);
	free(items[1].path);
}

#define ON_HOST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_HOST(test_listed),		ON_HOST(test_actions),
		ON_HOST(test_without_size),	ON_HOST(test_later),
		ON_HOST(test_same_content),	ON_HOST(test_too_large),
		ON_HOST(test_too_large_listed), ON_HOST(test_filesystem),
		ON_HOST(test_match_wins),	ON_HOST(test_overlay),
		ON_HOST(test_doubts),		ON_HOST(test_undigested),
		ON_HOST(test_override),		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
