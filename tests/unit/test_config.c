/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_config.c - the configuration: defaults, every key, and every refusal with its
 * place.
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
#include "user/core/config.h"
#include "user/core/indicator.h"
#include "tests/unit/refusal.h"

static struct psc_config *parse(const char *text)
{
	struct psc_config *config = NULL;
	struct psc_error err = {0};
	char message[700];

	if (psc_config_parse(text, strlen(text), "c.yaml", &config, &err) < 0)
		fail_msg("%s", psc_error_format(&err, message, sizeof(message)));
	return config;
}

static void test_defaults(void **state)
{
	static const char *const texts[] = {"",	     "\n",   "# nothing\n",
					    "---\n", "{}\n", "--- {}\n...\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(psc_config_freep) struct psc_config *config = parse(texts[i]);

		assert_int_equal(config->mode, PSC_MODE_OBSERVE);
		assert_string_equal(config->lists, "/etc/proscribe/lists.d");
		assert_string_equal(config->log_directory, "/var/log/proscribe");
		assert_string_equal(config->profiles[0], "us-commerce-icts-2021-002");
		assert_null(config->profiles[1]);
		assert_int_equal(config->hash_limit, 268435456);
		assert_int_equal(config->unstable.count, 12);
		assert_true(config->unstable.loop);
		assert_false(config->resolver.enabled);
		assert_int_equal(config->resolver.confidence, PSC_CONFIDENCE_HIGH);
		assert_true(config->resolver.new_files);
		assert_false(config->resolver.stop);
		assert_true(config->resolver.places);
		for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
			assert_int_equal(config->action[op],
					 op <= PSC_OP_MODULE ? PSC_ACTION_DENY : PSC_ACTION_RECORD);
			for (unsigned int reason = 0; reason < 32; reason++) {
				uint8_t expected = PSC_ACTION_RECORD;

				if (reason == 0 || reason >= PSC_UNVERIFIED_MAX)
					expected = PSC_ACTION_ALLOW;
				if (op <= PSC_OP_MODULE && (reason == PSC_UNVERIFIED_DIRECT_IO ||
							    reason == PSC_UNVERIFIED_BUSY ||
							    reason == PSC_UNVERIFIED_SWAP ||
							    reason == PSC_UNVERIFIED_DEEP))
					expected = PSC_ACTION_DENY;
				if (op == PSC_OP_OPEN && reason == PSC_UNVERIFIED_UNCACHED)
					expected = PSC_ACTION_ALLOW;
				assert_int_equal(config->unverified[op][reason], expected);
			}
		}
	}
}

static void test_everything(void **state)
{
	_cleanup_(psc_config_freep) struct psc_config *config =
		parse("# comment\n"
		      "mode: enforce\n"
		      "lists: \"/srv/lists\"\n"
		      "profiles: [a, b]\n"
		      "log: {directory: /srv/log}\n"
		      "hash_limit: 1GiB\n"
		      "unstable_filesystems: [nfs, 0x6969, cifs]\n"
		      "places: [{path: /opt/a/, product: vendor/a}, {path: /srv/b}]\n"
		      "actions: {exec: record, module: allow, open: deny}\n"
		      "resolver: {enabled: true, confidence: low, stop: true, places: false}\n"
		      "metrics: /srv/metrics/proscribe.prom\n"
		      "journald: true\n"
		      "unverified:\n"
		      "  memfd: deny\n"
		      "  direct_io: {exec: record}\n"
		      "  default: allow\n"
		      "  writer: {exec: deny, load: record}\n");

	assert_int_equal(config->mode, PSC_MODE_ENFORCE);
	assert_string_equal(config->lists, "/srv/lists");
	assert_string_equal(config->log_directory, "/srv/log");
	assert_string_equal(config->metrics, "/srv/metrics/proscribe.prom");
	assert_true(config->journald);
	assert_string_equal(config->profiles[1], "b");
	assert_null(config->profiles[2]);
	assert_int_equal(config->hash_limit, 1073741824);
	assert_int_equal(config->unstable.count, 3);
	assert_int_equal(config->unstable.magic[0], 0x6969);
	assert_int_equal(config->unstable.magic[1], 0xff534d42);
	assert_int_equal(config->unstable.magic[2], 0xfe534d42);
	assert_false(config->unstable.loop);
	assert_int_equal(config->place_count, 2);
	assert_string_equal(config->places[0].path, "/opt/a");
	assert_string_equal(config->places[0].product, "vendor/a");
	assert_true(config->places[0].site);
	assert_string_equal(config->places[1].path, "/srv/b");
	assert_null(config->places[1].product);
	assert_int_equal(config->places[1].number, 1);
	assert_true(config->resolver.enabled);
	assert_int_equal(config->resolver.confidence, PSC_CONFIDENCE_LOW);
	assert_true(config->resolver.new_files);
	assert_true(config->resolver.stop);
	assert_false(config->resolver.places);
	assert_int_equal(config->action[PSC_OP_EXEC], PSC_ACTION_RECORD);
	assert_int_equal(config->action[PSC_OP_LOAD], PSC_ACTION_DENY);
	assert_int_equal(config->action[PSC_OP_MODULE], PSC_ACTION_ALLOW);
	assert_int_equal(config->action[PSC_OP_OPEN], PSC_ACTION_DENY);
	assert_int_equal(config->unverified[PSC_OP_CONNECT][PSC_UNVERIFIED_MEMFD], PSC_ACTION_DENY);
	assert_int_equal(config->unverified[PSC_OP_EXEC][PSC_UNVERIFIED_DIRECT_IO],
			 PSC_ACTION_RECORD);
	assert_int_equal(config->unverified[PSC_OP_LOAD][PSC_UNVERIFIED_DIRECT_IO],
			 PSC_ACTION_ALLOW);
	assert_int_equal(config->unverified[PSC_OP_EXEC][PSC_UNVERIFIED_WRITER], PSC_ACTION_DENY);
	assert_int_equal(config->unverified[PSC_OP_LOAD][PSC_UNVERIFIED_WRITER], PSC_ACTION_RECORD);
	assert_int_equal(config->unverified[PSC_OP_OPEN][PSC_UNVERIFIED_WRITER], PSC_ACTION_ALLOW);
	assert_int_equal(config->unverified[PSC_OP_EXEC][PSC_UNVERIFIED_NONE], PSC_ACTION_ALLOW);
}

/* `default` must not make every open of a listed size fail on kernels that digest later. */
static void test_default_spares_uncached_open(void **state)
{
	_cleanup_(psc_config_freep) struct psc_config *config =
		parse("unverified: {default: deny}\n");
	_cleanup_(psc_config_freep) struct psc_config *named =
		parse("unverified: {uncached: deny}\n");

	assert_int_equal(config->unverified[PSC_OP_OPEN][PSC_UNVERIFIED_UNCACHED],
			 PSC_ACTION_ALLOW);
	assert_int_equal(config->unverified[PSC_OP_EXEC][PSC_UNVERIFIED_UNCACHED], PSC_ACTION_DENY);
	assert_int_equal(config->unverified[PSC_OP_OPEN][PSC_UNVERIFIED_ERROR], PSC_ACTION_DENY);
	assert_int_equal(named->unverified[PSC_OP_OPEN][PSC_UNVERIFIED_UNCACHED], PSC_ACTION_DENY);
}

static const struct refusal refusals[] = {
	{"mod: observe\n", 1, 1,
	 "unknown key \"mod\": expected mode, lists, profiles, log, metrics, journald, seen, hash_limit, "
	 "unstable_filesystems, places, actions, unverified or resolver"},
	{"mode: watch\n", 1, 7, "unknown mode \"watch\": expected observe or enforce"},
	{"mode:\n", 1, 1, "expected observe or enforce, found nothing"},
	{"mode: [enforce]\n", 1, 7, "expected observe or enforce, found a sequence"},
	{"mode: {a: b}\n", 1, 7, "expected observe or enforce, found a mapping"},
	{"mode: observe\n\nmode: enforce\n", 3, 1, "duplicate key \"mode\""},
	{"lists: lists.d\n", 1, 8, "not an absolute path"},
	{"lists: \"/a\\0b\"\n", 1, 9, "control character in a value"},
	{"lists: \"/a\\nb\"\n", 1, 9, "control character in a value"},
	{"profiles: all\n", 1, 11, "expected a sequence of profiles"},
	{"profiles: [a, [b]]\n", 1, 15, "expected the name of a profile"},
	{"profiles: [../a]\n", 1, 12, "not the name of a profile"},
	{"profiles: [a, b, a]\n", 1, 18, "profile \"a\" stands twice"},
	{"profiles: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]\n", 1, 51, "more than 16 profiles"},
	{"places: /opt/x\n", 1, 9, "expected a sequence of {path: PATH}"},
	{"places: [/opt/x]\n", 1, 10, "expected a mapping"},
	{"places: [{product: a}]\n", 1, 10, "path"},
	{"places: [{path: opt/x}]\n", 1, 17, "not an absolute path"},
	{"places: [{path: ///}]\n", 1, 17, "the root directory holds everything"},
	{"places: [{path: /a, role: b}]\n", 1, 21, "unknown key \"role\""},
	{"places: [{path: /a/}, {path: /a}]\n", 1, 23, "this path stands here twice"},
	{"log: /var/log\n", 1, 6, "expected a mapping (key: value), found a value"},
	{"log:\n  directory: /a\n  directory: /b\n", 3, 3, "duplicate key \"directory\""},
	{"log:\n  dir: /a\n", 2, 3, "unknown key \"dir\": expected directory"},
	{"resolver: yes\n", 1, 11, "expected a mapping (key: value), found a value"},
	{"resolver: {stop: yes}\n", 1, 18, "\"yes\" is neither true nor false"},
	{"resolver: {stop: []}\n", 1, 18, "expected true or false"},
	{"resolver: {confidence: sure}\n", 1, 24, "unknown confidence \"sure\": expected high"},
	{"resolver: {halt: true}\n", 1, 12, "unknown key \"halt\""},
	{"hash_limit: big\n", 1, 13, "not a size"},
	{"hash_limit: -1\n", 1, 13, "not a size"},
	{"hash_limit: 1 MiB\n", 1, 13, "not a size"},
	{"hash_limit: 1MB\n", 1, 13, "not a size"},
	{"hash_limit: 1048575\n", 1, 13, "size out of range"},
	{"hash_limit: 4GiB\n", 1, 13, "size out of range"},
	{"hash_limit: 99999999999999999999\n", 1, 13, "size out of range"},
	{"hash_limit: 17179869184GiB\n", 1, 13, "size out of range"},
	{"unstable_filesystems: nfs\n", 1, 23, "expected a sequence of file systems"},
	{"unstable_filesystems: [nfs, ext9]\n", 1, 29,
	 "unknown file system \"ext9\": expected fuse, nfs,"},
	{"unstable_filesystems: [nfs, [a]]\n", 1, 29, "expected a file system, found a sequence"},
	{"unstable_filesystems: [0x0]\n", 1, 24, "unknown file system"},
	{"unstable_filesystems: [0x123456789]\n", 1, 24, "unknown file system"},
	{"unstable_filesystems: [0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, 0x9, 0xa, 0xb, 0xc, 0xd, "
	 "0xe, 0xf, 0x10, 0x10, 0x11]\n",
	 1, 111, "more than 16 file systems"},
	{"a: [[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]\n", 1, 0, "unknown key"},
	{"a: [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]\n", 1, 19, "more than 16 levels"},
	{"actions:\n  execute: deny\n", 2, 3, "unknown operation \"execute\": expected exec, load"},
	{"actions:\n  exec: block\n", 2, 9,
	 "unknown action \"block\": expected allow, record or deny"},
	{"actions: {exec: deny, exec: allow}\n", 1, 23, "duplicate key \"exec\""},
	{"actions: {exec: {a: b}}\n", 1, 17, "expected allow, record or deny, found a mapping"},
	{"actions: deny\n", 1, 10, "expected a mapping"},
	{"actions: {[a]: deny}\n", 1, 11, "expected a key, found a sequence"},
	{"unverified: deny\n", 1, 13, "expected a mapping"},
	{"unverified: {none: deny}\n", 1, 14,
	 "unknown reason \"none\": expected default, algorithm"},
	{"unverified: {memfd: deny, memfd: deny}\n", 1, 27, "duplicate key \"memfd\""},
	{"unverified: {default: deny, default: deny}\n", 1, 29, "duplicate key \"default\""},
	{"unverified: {default: {exec: deny}}\n", 1, 23, "found a mapping"},
	{"unverified: {memfd: {run: deny}}\n", 1, 22, "unknown operation \"run\""},
	{"unverified: {memfd: would_deny}\n", 1, 21, "unknown action \"would_deny\""},
	{"mode: &m observe\n", 1, 10, "anchors"},
	{"log: &l {directory: /a}\n", 1, 9, "anchors"},
	{"mode: *m\n", 1, 8, "aliases"},
	{"mode: !!str observe\n", 1, 13, "tags"},
	{"mode: observe\n---\nmode: enforce\n", 2, 1, "a second document"},
	{"---\n---\n", 2, 1, "a second document"},
	{"observe\n", 1, 1, "expected a mapping"},
	{"- mode\n", 1, 1, "expected a mapping (key: value), found a sequence"},
	{"mode: 'observe\n", 1, 0, "not valid YAML"},
	{"log: {directory: /a\n", 0, 0, "not valid YAML"},
	{"mode: obs\xff\n", 1, 10, "invalid UTF-8 (byte 0xff)"},
	{"# \xc3\xa4\xc3\xb6\n# \x01\n", 2, 3, "control character (byte 0x01)"},
	{"# \xed\xa0\x80\n", 1, 3, "invalid UTF-8"},
};

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct psc_config *config = (void *)1;
		struct psc_error err = {0};
		const char *text = refusals[i].text;

		assert_int_equal(psc_config_parse(text, strlen(text), "c.yaml", &config, &err),
				 -EINVAL);
		assert_ptr_equal(config, (void *)1);
		assert_refused(&err, "c.yaml", &refusals[i]);
		/* Nobody need listen. */
		assert_int_equal(psc_config_parse(text, strlen(text), "c.yaml", &config, NULL),
				 -EINVAL);
	}
}

static void test_too_large(void **state)
{
	_cleanup_free_ char *text = malloc(PSC_CONFIG_SIZE_MAX + 1);
	struct psc_config *config = NULL;
	struct psc_error err = {0};

	assert_non_null(text);
	memset(text, '#', PSC_CONFIG_SIZE_MAX + 1);
	assert_int_equal(psc_config_parse(text, PSC_CONFIG_SIZE_MAX + 1, "c", &config, &err),
			 -E2BIG);
	assert_int_equal(psc_config_parse(text, PSC_CONFIG_SIZE_MAX, "c", &config, &err), 0);
	psc_config_free(config);
}

static void test_load(void **state)
{
	char path[] = "/tmp/psc-test-config-XXXXXX";
	struct psc_config *config = NULL;
	struct psc_error err = {0};
	int fd = mkostemp(path, O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "mode: enforce\n", 14), 14);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(psc_config_load(path, &config, &err), 0);
	assert_int_equal(config->mode, PSC_MODE_ENFORCE);
	config = psc_config_free(config);
	assert_int_equal(fchmod(fd, 0664), 0);
	assert_int_equal(psc_config_load(path, &config, &err), -EPERM);
	assert_non_null(strstr(err.message, "mode 0664"));
	assert_int_equal(fchmod(fd, 0646), 0);
	assert_int_equal(psc_config_load(path, &config, &err), -EPERM);
	if (geteuid() == 0) {
		assert_int_equal(fchmod(fd, 0600), 0);
		assert_int_equal(fchown(fd, 65534, 0), 0);
		assert_int_equal(psc_config_load(path, &config, &err), -EPERM);
		assert_non_null(strstr(err.message, "belongs to uid 65534"));
	}
	close(fd);
	unlink(path);
	assert_int_equal(psc_config_load(path, &config, &err), -ENOENT);
	assert_string_equal(err.file, path);
	assert_int_equal(psc_config_load("/tmp", &config, &err), -EINVAL);
	assert_null(config);
}

static void test_sizes(void **state)
{
	uint64_t size = 7;

	assert_int_equal(psc_size_from_string("0", &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(psc_size_from_string("18446744073709551615", &size), 0);
	assert_true(size == UINT64_MAX);
	assert_int_equal(psc_size_from_string("18446744073709551616", &size), -ERANGE);
	assert_int_equal(psc_size_from_string("3KiB", &size), 0);
	assert_int_equal(size, 3072);
	assert_int_equal(psc_size_from_string("18014398509481983KiB", &size), 0);
	assert_int_equal(psc_size_from_string("18014398509481984KiB", &size), -ERANGE);
	assert_int_equal(psc_size_from_string("", &size), -EINVAL);
	assert_int_equal(psc_size_from_string("MiB", &size), -EINVAL);
	assert_int_equal(psc_size_from_string("1mib", &size), -EINVAL);
	assert_int_equal(psc_size_from_string("+1", &size), -EINVAL);
	assert_int_equal(psc_size_from_string(" 1", &size), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_default_spares_uncached_open),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
