/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_policy.c - `proscribe policy ...`: what is printed, compared with the texts in
 * tests/data/policy/golden, on an order of the tests' own and on the shipped Commerce profile;
 * the JSON against the text; errors. PSC_TEST_UPDATE=1 writes the texts anew. The verbs are
 * compiled in, with a clock that stands still.
 */
#include <ctype.h>
#include <errno.h>

#include "user/core/timefmt.h"

/* 2030-06-01T00:00:00Z */
#define NOW 1906502400ULL * PSC_NSEC_PER_SEC

static uint64_t standing_clock(void)
{
	return NOW;
}

#define psc_time_now standing_clock
#include "user/cli/cli.c"
#include "user/cli/client.c"
#include "user/cli/lists.c"
#include "user/cli/output.c"
#include "user/cli/policy_diff_image.c"
#include "user/cli/policy_load.c"
#include "user/cli/policy_svg.c"
#include "user/cli/policy_table.c"
#include "user/cli/policy_words.c"
#include "user/cli/verb_help.c"
#include "user/cli/verb_policy_check.c"
#include "user/cli/verb_policy_diff.c"
#include "user/cli/verb_policy_show.c"
#include "user/cli/verb_policy_test.c"
#include "user/cli/verb_policy_timeline.c"
#undef psc_time_now

#define FIXTURE_OWN char root[PATH_MAX];
#include "tests/unit/cli_harness.h"

#define HELLO_DIGEST "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define COMMERCE     "us-commerce-icts-2021-002"

static const struct psc_verb *const verb_table[] = {
	&psc_verb_policy_check,
	&psc_verb_policy_show,
	&psc_verb_policy_test,
	&psc_verb_policy_diff,
	&psc_verb_policy_timeline,
	&psc_verb_help,
	NULL,
};

/* ---- fixture ------------------------------------------------------------------------------ */

static void copy_file(const struct fixture *f, const char *from, const char *to)
{
	_cleanup_free_ char *path = NULL, *text = NULL;

	assert_true(asprintf(&path, "%s/%s", f->root, from) > 0);
	text = read_text(path);
	if (!text)
		fail_msg("%s cannot be read", path);
	put_file(to, text);
}

/* Paths in the output are relative to a directory of our own, so they are always the same. */
static int setup(void **state)
{
	struct fixture *f = fixture_new();
	mode_t mask = umask(022);

	if (!f || !getcwd(f->root, sizeof(f->root)) || chdir(f->directory) < 0)
		return -1;
	mkdir("profiles", 0755);
	mkdir("catalog", 0755);
	mkdir("catalog/acme", 0755);
	mkdir("catalog/kaspersky", 0755);
	mkdir("objects", 0755);
	mkdir("lists", 0755);
	mkdir("new", 0755);
	umask(mask);
	copy_file(f, "tests/data/policy/profiles/test-order.yaml", "profiles/test-order.yaml");
	copy_file(f, "tests/data/policy/catalog/acme/products.yaml", "catalog/acme/products.yaml");
	copy_file(f, "policy/profiles/" COMMERCE ".yaml", "profiles/" COMMERCE ".yaml");
	copy_file(f, "policy/catalog/kaspersky/products.yaml", "catalog/kaspersky/products.yaml");
	put_file("own.yaml", "mode: enforce\nprofiles: [test-order]\n");
	put_file("commerce.yaml", "profiles: [" COMMERCE "]\n");
	put_file("hello", "hello\n");
	put_file("other", "other\n");
	put_file("lists/a.csv",
		 PSC_LIST_HEADER "\nsha256," HELLO_DIGEST ",6,any,hello,acme/tool,,\n");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	return chdir(f->root) < 0 ? -1 : fixture_free(f);
}

/* ---- running and comparing ---------------------------------------------------------------- */

#define OWN                                                                                        \
	"--config", "own.yaml", "--profiles-dir", "profiles", "--catalog", "catalog", "--objects", \
		"objects"
#define COMMERCE_OPTIONS                                                                           \
	"--config", "commerce.yaml", "--profiles-dir", "profiles", "--catalog", "catalog",         \
		"--objects", "objects"

#define RUN(f, ...)                                                                                \
	run_array(f, verb_table,                                                                   \
		  (char *[ARGUMENTS_MAX]){(char *)"proscribe", (char *)"policy", __VA_ARGS__})

/* Digests of what others write may change; that there is one may not. */
static void mask_digests(char *text)
{
	for (char *p = text; *p; p++) {
		if (strspn(p, "0123456789abcdef") == 64) {
			memcpy(p, "<sha256>", 8);
			memmove(p + 8, p + 64, strlen(p + 64) + 1);
		}
	}
}

/* Nothing that is too wide, but for a word or a table's line that cannot be broken. */
static void assert_narrow(const char *text)
{
	while (*text) {
		size_t width = strcspn(text, "\n");

		if (width > PSC_POLICY_COLUMNS)
			fail_msg("%zu columns: %.*s", width, (int)width, text);
		text += width + (text[width] == '\n');
	}
}

static void assert_golden(struct fixture *f, const char *name)
{
	_cleanup_free_ char *path = NULL;

	mask_digests(f->out);
	assert_true(asprintf(&path, "%s/tests/data/policy/golden/%s", f->root, name) > 0);
	assert_as_in_file(f, path);
	assert_string_equal(f->err, "");
	assert_lacks(f->out, "illegal");
}

/* A profile made of the tests' own one with a text replaced. */
static void put_changed(const char *path, const char *from, const char *to)
{
	_cleanup_free_ char *text = read_text("profiles/test-order.yaml"), *changed = NULL;
	char *at = strstr(text, from);

	assert_non_null(at);
	assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) >
		    0);
	put_file(path, changed);
}

static void put_objects(void)
{
	put_file("objects/EX-1.yaml", "exemption: EX-1\nreason: until the <new> tool & \"all\"\n"
				      "by: CISO\nfrom: 2030-05-01T00:00:00Z\n"
				      "until: 2030-09-01T00:00:00Z\nproducts: [acme/tool]\n");
	put_file("objects/WI-1.yaml", "window: WI-1\nreason: removal\nby: operations\n"
				      "from: 2030-05-31T20:00:00Z\nuntil: 2030-06-01T04:00:00Z\n");
	put_file("objects/DE-1.yaml", "decision: DE-1\nreason: was there before\nby: CISO\n"
				      "document: DMS 1\nfrom: 2030-02-01T00:00:00Z\n"
				      "until: 2030-04-01T00:00:00Z\nproducts: [acme/tool]\n");
}

/* ---- check --------------------------------------------------------------------------------- */

static void test_check(void **state)
{
	struct fixture *f = *state;
	json_t *data;

	put_objects();
	put_file("lists/b.csv",
		 PSC_LIST_HEADER "\nsha256," HELLO_DIGEST ",,any,,acme/tol,,\n"
				 "sha256,0000000000000000000000000000000000000000000000000000000000"
				 "000000,5,elf,,acme/tol,,\n");
	assert_int_equal(RUN(f, "check", OWN, "--lists", "lists"), 0);
	assert_golden(f, "check.txt");
	assert_int_equal(RUN(f, "check", OWN, "--lists", "lists", "--strict"), 4);
	assert_int_equal(RUN(f, "check", OWN, "--lists", "lists", "--json"), 0);
	data = data_of(f, "policy check");
	assert_string_equal(psc_json_text(data, "result", ""), "remarks");
	assert_int_equal(strlen(psc_json_text(data, "digest", "")), 64);
	assert_int_equal(json_array_size(psc_json_at(data, "errors")), 0);
	assert_true(json_array_size(psc_json_at(data, "remarks")) > 3);
	json_decref(data);
}

/* What names something that is not there has no effect, and surely was meant to have one. */
static void test_check_names(void **state)
{
	struct fixture *f = *state;

	put_file("objects/EX-3.yaml", "exemption: EX-3\nreason: x\nby: me\n"
				      "until: 2030-09-01T00:00:00Z\nproducts: [acme/tol]\n"
				      "profiles: [" COMMERCE "]\n");
	assert_int_equal(RUN(f, "check", OWN, "--lists", "lists"), 0);
	assert_contains(f->out, "objects/EX-3.yaml: remark: names profile " COMMERCE
				", which is not active");
	assert_contains(f->out, "objects/EX-3.yaml: remark: names product acme/tol, which the "
				"catalog does not have");
}

static void test_check_commerce(void **state)
{
	struct fixture *f = *state;
	char digest[2][65];

	for (size_t i = 0; i < 2; i++) {
		json_t *data;

		assert_int_equal(
			RUN(f, "check", COMMERCE_OPTIONS, "--lists", "lists", "--strict", "--json"),
			0);
		data = data_of(f, "policy check");
		snprintf(digest[i], sizeof(digest[i]), "%s", psc_json_text(data, "digest", ""));
		json_decref(data);
	}
	assert_string_equal(digest[0], digest[1]);
	assert_int_equal(RUN(f, "check", "--profiles-dir", "profiles", COMMERCE, "--strict"), 0);
	assert_contains(f->out, "0 remarks");
	assert_contains(f->out, "result    ok");
}

static void test_check_errors(void **state)
{
	struct fixture *f = *state;
	json_t *data;

	put_changed("new/test-order.yaml", "action: deny", "action: forbid");
	assert_int_equal(RUN(f, "check", "new/test-order.yaml", "./nowhere.yaml", "--profiles-dir",
			     "profiles", COMMERCE),
			 4);
	assert_contains(f->out, "new/test-order.yaml:64:13: error: ");
	assert_contains(f->out, "nowhere.yaml: error: ");
	assert_contains(f->out, "profile   " COMMERCE);
	assert_contains(f->out, "result    invalid");
	assert_int_equal(RUN(f, "check", "new/test-order.yaml", "--json"), 4);
	data = data_of(f, "policy check");
	assert_int_equal(psc_json_number(json_array_get(psc_json_at(data, "errors"), 0), "line", 0),
			 64);
	assert_int_equal(
		psc_json_number(json_array_get(psc_json_at(data, "errors"), 0), "column", 0), 13);
	json_decref(data);
	put_file("own.yaml", "profiles: [no-such]\n");
	assert_int_equal(RUN(f, "check", OWN), 4);
	assert_contains(f->out, "there is no profile \"no-such\" in profiles");
	put_file("own.yaml", "mode: maybe\n");
	assert_int_equal(RUN(f, "check", OWN), 4);
	assert_contains(f->out, "own.yaml:1:7: error: ");
	put_file("own.yaml", "profiles: [test-order]\n");
	put_file("lists/a.csv", PSC_LIST_HEADER "\nsha256,12,,,,,,\n");
	assert_int_equal(RUN(f, "check", OWN, "--lists", "lists"), 4);
	assert_contains(f->out, "lists/a.csv:2:");
	put_file("objects/EX-2.yaml", "exemption: EX-2\n");
	assert_int_equal(RUN(f, "check", OWN), 4);
	assert_contains(f->out, "objects/EX-2.yaml:1:1: error: ");
	assert_int_equal(RUN(f, "check", "test-order", "--output", "x"), 2);
	assert_int_equal(RUN(f, "check", "-o", "x", "--output", "x"), 2);
	assert_int_equal(RUN(f, "show", "-o", "x"), 2);
	assert_contains(f->err, "unknown option -o");
}

/* ---- show ---------------------------------------------------------------------------------- */

static void test_show(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "show", "--config", "own.yaml", "--profiles-dir", "profiles"), 0);
	assert_golden(f, "show.txt");
	assert_narrow(f->out);
	assert_int_equal(RUN(f, "show", "--profiles-dir", "profiles", COMMERCE), 0);
	assert_golden(f, "commerce-show.txt");
	assert_narrow(f->out);
	assert_contains(f->out, "as reported by");
	assert_lacks(f->out, "Appendix B");
	assert_int_equal(RUN(f, "show", "profiles/test-order.yaml", "--matrix"), 0);
	assert_golden(f, "show-matrix.txt");
	put_file("own.yaml", "profiles: []\n");
	assert_int_equal(RUN(f, "show", "--config", "own.yaml"), 0);
	assert_string_equal(f->out, "no profile is active\n");
	assert_int_equal(RUN(f, "show", "no-such", "--profiles-dir", "profiles"), 4);
	assert_contains(f->err, "there is no profile \"no-such\"");
	assert_contains(f->err, "remedy: ");
}

static bool has_text(const json_t *names, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(names, i, item) {
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	}
	return false;
}

/* The reading of the rules that the text of `show` promises: strictest, then first. */
static const json_t *deciding_rule(const json_t *profile, const json_t *cell)
{
	const char *from = psc_json_text(cell, "from", "");
	const json_t *rule, *best = NULL;
	size_t i;

	json_array_foreach(psc_json_at(profile, "rules"), i, rule) {
		const char *until = psc_json_text(rule, "until", "9999");

		if (strcmp(psc_json_text(rule, "from", ""), from) > 0 || strcmp(from, until) >= 0 ||
		    !has_text(psc_json_at(rule, "roles"), psc_json_text(cell, "role", "")) ||
		    !has_text(psc_json_at(rule, "status"), psc_json_text(cell, "status", "")) ||
		    !has_text(psc_json_at(rule, "operations"),
			      psc_json_text(cell, "operation", "")))
			continue;
		if (!best || (strcmp(psc_json_text(best, "action", ""), "deny") != 0 &&
			      strcmp(psc_json_text(rule, "action", ""), "deny") == 0))
			best = rule;
	}
	return best;
}

/* Every case of the matrix follows from the rules, and stands in the text. */
static void test_matrix(void **state)
{
	static char ids[][32] = {"test-order", COMMERCE};
	struct fixture *f = *state;

	for (size_t k = 0; k < ARRAY_SIZE(ids); k++) {
		const json_t *profile, *cells, *cell;
		size_t i, lines = 0;
		json_t *data;

		assert_int_equal(
			RUN(f, "show", ids[k], "--profiles-dir", "profiles", "--matrix", "--json"),
			0);
		data = data_of(f, "policy show");
		profile = json_array_get(psc_json_at(data, "profiles"), 0);
		cells = psc_json_at(profile, "matrix");
		assert_int_equal(json_array_size(cells),
				 3 * PSC_ROLE_MAX * PSC_STATUS_MAX * PSC_OP_MAX);
		RUN(f, "show", ids[k], "--profiles-dir", "profiles", "--matrix");
		json_array_foreach(cells, i, cell) {
			const json_t *rule = deciding_rule(profile, cell);

			assert_string_equal(psc_json_text(cell, "action", ""),
					    psc_json_text(rule, "action", "allow"));
			assert_string_equal(psc_json_text(cell, "rule", "-"),
					    psc_json_text(rule, "rule", "-"));
			assert_string_equal(psc_json_text(cell, "clause", "-"),
					    psc_json_text(rule, "clause", "-"));
			assert_string_equal(psc_json_text(cell, "basis", "-"),
					    psc_json_text(rule, "basis", "-"));
		}
		for (const char *p = strstr(f->out, "\n  FROM ") + 1; *p; p++)
			lines += *p == '\n';
		assert_int_equal(lines, json_array_size(cells) + 1);
		json_decref(data);
	}
}

/* ---- test ---------------------------------------------------------------------------------- */

static void test_test(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "test", OWN, "--lists", "lists", "--at", "2029-12-31T23:59:59Z",
			     "hello", "other"),
			 5);
	assert_golden(f, "test-before.txt");
	assert_int_equal(
		RUN(f, "test", OWN, "--lists", "lists", "--at", "2030-01-01T00:00:00Z", "hello"),
		5);
	assert_golden(f, "test-first.txt");
	assert_narrow(f->out);
	put_objects();
	assert_int_equal(RUN(f, "test", OWN, "--product", "acme/tool", "--product",
			     "acme/tool/installer", "--product", "acme/reader"),
			 0);
	assert_golden(f, "test-objects.txt");
	assert_int_equal(RUN(f, "test", OWN, "--at", "2031-01-01T00:00:00Z", "--product",
			     "acme/tool/updater"),
			 5);
	assert_golden(f, "test-second.txt");
	put_file("objects/AT-1.yaml", "attestation: AT-1\nfact: us_person\nvalue: no\nby: counsel\n"
				      "document: DMS 2\n");
	assert_int_equal(RUN(f, "test", OWN, "--at", "+365d", "--product", "acme/tool/updater"), 0);
	assert_contains(f->out, "out of the profile's scope by attestation AT-1 (us_person: no), "
				"signed by");
}

static void test_test_commerce(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "test", COMMERCE_OPTIONS, "--at", "2024-07-20T03:59:59Z",
			     "--product", "kaspersky/kesl", "--product", "kaspersky/kesl/updater"),
			 0);
	assert_golden(f, "commerce-test-before.txt");
	assert_int_equal(RUN(f, "test", COMMERCE_OPTIONS, "--at", "2024-07-20T04:00:00Z",
			     "--product", "kaspersky/kesl"),
			 5);
	assert_golden(f, "commerce-test-agreements.txt");
	assert_narrow(f->out);
	assert_contains(f->out, "your organisation's policy, with reference to 89 FR 52434");
	assert_int_equal(RUN(f, "test", COMMERCE_OPTIONS, "--at", "2024-09-29T04:00:00Z",
			     "--product", "kaspersky/kesl/updater"),
			 5);
	assert_golden(f, "commerce-test-updates.txt");
}

/* Each operation has in the text the verdict that the JSON gives. */
static void test_test_json(void **state)
{
	struct fixture *f = *state;
	const json_t *operation;
	json_t *data;
	size_t i, verdicts = 0;

	put_file("own.yaml", "profiles: [test-order]\nactions: {spawn: deny}\n");
	assert_int_equal(RUN(f, "test", OWN, "--lists", "lists", "hello", "--json"), 5);
	data = data_of(f, "policy test");
	assert_string_equal(psc_json_text(data, "mode", ""), "observe");
	assert_string_equal(psc_json_text(data, "at", ""), "2030-06-01T00:00:00Z");
	RUN(f, "test", OWN, "--lists", "lists", "hello");
	json_array_foreach(
		psc_json_at(json_array_get(psc_json_at(data, "subjects"), 0), "operations"), i,
		operation) {
		const char *name = psc_json_text(operation, "operation", "?");
		const char *verdict = psc_json_text(operation, "verdict", "?");

		for (const char *line = f->out; line; line = strchr(line + 1, '\n')) {
			const char *colon = strchrnul(line, ':');
			const char *at = strstr(line, name);

			if (strncmp(line, "\n  ", 3) != 0 || line[3] == ' ' || !at || at > colon ||
			    strcspn(line + 1, "\n") < (size_t)(colon - line))
				continue;
			assert_int_equal(strncmp(colon + 2, verdict, strlen(verdict)), 0);
			verdicts++;
		}
	}
	assert_int_equal(verdicts, PSC_OP_MAX);
	json_decref(data);
}

static void test_test_files(void **state)
{
	struct fixture *f = *state;

	put_file("own.yaml", "profiles: [test-order]\n");
	assert_int_equal(RUN(f, "test", OWN, "--lists", "lists", "other"), 0);
	assert_contains(f->out, "not listed: goes ahead");
	put_file("lists/a.csv", PSC_LIST_HEADER "\nsha256," HELLO_DIGEST ",7,any,,acme/tool,,\n");
	assert_int_equal(RUN(f, "test", OWN, "--lists", "lists", "hello"), 0);
	assert_contains(f->out, "with the size 7, so the kernel will not match it");
	assert_int_equal(RUN(f, "test", OWN, "--lists", "lists", "nowhere", "other"), 1);
	assert_contains(f->err, "nowhere: No such file");
	assert_contains(f->out, "not listed");
	assert_int_equal(RUN(f, "test", OWN), 2);
	assert_contains(f->err, "needs a FILE or --product");
	assert_int_equal(RUN(f, "test", OWN, "--product", "acme/tol"), 4);
	assert_contains(f->err, "the catalog has no product or role \"acme/tol\"");
	assert_int_equal(RUN(f, "test", OWN, "--product", "acme/tool/tol"), 4);
	assert_int_equal(RUN(f, "test", OWN, "--product", "Some\033Tool"), 5);
	assert_contains(f->err, "Some\\x1bTool is not in the catalog");
	assert_contains(f->out, "Some\\x1bTool, program");
}

/* What the catalog lists is judged by the profiles, and not by the site's actions. */
static void test_catalog_lists(void **state)
{
	struct fixture *f = *state;

	put_file("lists/a.csv", PSC_LIST_HEADER "\n");
	put_file("catalog/acme/files.csv",
		 PSC_LIST_HEADER "\nsha256," HELLO_DIGEST ",6,any,hello,acme/tool,,\n");
	assert_int_equal(RUN(f, "test", OWN, "--lists", "lists", "hello"), 5);
	assert_contains(f->out, "listed in catalog/acme/files.csv:2 as acme/tool, program");
	assert_contains(f->out, "test-order: deny, as covered_new, rule use");
	assert_lacks(f->out, "site:");
	assert_int_equal(RUN(f, "test", OWN, "--lists", "nowhere", "hello"), 4);
	assert_contains(f->err, "nowhere: ");
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t seconds;
	} times[] = {
		{"now", 0, 1000000},
		{"+30d", 0, 1000000 + 30 * 86400},
		{"1h", 0, 1003600},
		{"-2m", 0, 999880},
		{"1970-01-02", 0, 86400},
		{"1970-01-01T00:00:01Z", 0, 1},
		{"", -EINVAL, 0},
		{"-", -EINVAL, 0},
		{"-1970-01-02", -EINVAL, 0},
		{"+1970-01-02", -EINVAL, 0},
		{"yesterday", -EINVAL, 0},
		{"+99999999w", -ERANGE, 0},
		{"-99999999w", -ERANGE, 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		uint64_t ns = 7;
		int r = psc_policy_time_parse(times[i].text, 1000000 * PSC_NSEC_PER_SEC, &ns);

		if (r != times[i].result || (r == 0 && ns != times[i].seconds * PSC_NSEC_PER_SEC))
			fail_msg("'%s' is %d, %ju", times[i].text, r, (uintmax_t)ns);
		if (r < 0)
			assert_int_equal(ns, 7);
	}
	assert_int_equal(RUN(f, "test", OWN, "--product", "x", "--at", "soon"), 2);
	assert_contains(f->err, "--at 'soon' is no time: 2026-01-31T12:00:00Z, now, +30d, -12h");
}

/* ---- diff ---------------------------------------------------------------------------------- */

static void test_diff_profiles(void **state)
{
	struct fixture *f = *state;
	json_t *data;

	put_changed("new/test-order.yaml", "status: [covered_new, covered_legacy]", "status: all");
	assert_int_equal(RUN(f, "diff", "profiles/test-order.yaml", "new/test-order.yaml"), 1);
	assert_golden(f, "diff-changed.txt");
	put_changed("new/test-order.yaml", "  - rule: idle", "  - rule: busy");
	assert_int_equal(
		RUN(f, "diff", "profiles/test-order.yaml", "new/test-order.yaml", "--json"), 1);
	data = data_of(f, "policy diff");
	assert_int_equal(json_array_size(psc_json_at(data, "changes")), 2);
	json_decref(data);
}

/* Of rules that are as strict the first is named, so their order counts. */
static void test_diff_order(void **state)
{
	_cleanup_free_ char *text = read_text("profiles/test-order.yaml"), *moved = NULL;
	const char *packed = strstr(text, "  - rule: packed");
	const char *idle = strstr(text, "  - rule: idle");
	const char *reports = strstr(text, "reports:");
	struct fixture *f = *state;

	assert_true(asprintf(&moved, "%.*s%.*s%.*s%s", (int)(packed - text), text,
			     (int)(reports - idle), idle, (int)(idle - packed), packed,
			     reports) > 0);
	put_file("new/test-order.yaml", moved);
	assert_int_equal(RUN(f, "diff", "profiles/test-order.yaml", "new/test-order.yaml"), 1);
	assert_contains(f->out, "~ rule idle: moved\n");
	assert_lacks(f->out, "changed");
}

static void test_diff_same(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "diff", "test-order", "profiles/test-order.yaml", "--profiles-dir",
			     "profiles"),
			 0);
	assert_contains(f->out, "\nequal\n");
	put_changed("new/test-order.yaml", "# An order that nobody gave", "# Another order");
	assert_int_equal(RUN(f, "diff", "profiles/test-order.yaml", "new/test-order.yaml"), 0);
	assert_contains(f->out, "\nequal but for comments and layout\n");
	assert_int_equal(RUN(f, "diff", "profiles/test-order.yaml", "nowhere.yaml"), 4);
	assert_contains(f->err, "nowhere.yaml: ");
	put_file("bad.bin", "x");
	assert_int_equal(RUN(f, "diff", "profiles/test-order.yaml", "./bad.bin"), 4);
}

static void test_diff_compiled(void **state)
{
	struct fixture *f = *state;
	FILE *file;

	assert_int_equal(RUN(f, "check", OWN, "--lists", "lists", "--output", "old.bin"), 0);
	put_objects();
	put_file("lists/b.csv", PSC_LIST_HEADER
		 "\nsha256,00000000000000000000000000000000000000000000000000000000000000"
		 "00,5,elf,,Some Tool,,\n");
	put_file("own.yaml", "profiles: [test-order]\n");
	assert_int_equal(RUN(f, "check", OWN, "--lists", "lists", "-o", "new.bin"), 0);
	assert_contains(f->out, "written   new.bin");
	assert_int_equal(RUN(f, "diff", "./old.bin", "./old.bin"), 0);
	assert_int_equal(RUN(f, "diff", "old.bin", "new.bin"), 1);
	assert_golden(f, "diff-compiled.txt");
	assert_int_equal(RUN(f, "diff", "new.bin", "profiles/test-order.yaml"), 4);
	assert_contains(f->err, "one is a profile, the other a compiled policy");
	file = fopen("new.bin", "r+");
	assert_non_null(file);
	fseek(file, 500, SEEK_SET);
	fputc('x', file);
	fclose(file);
	assert_int_equal(RUN(f, "diff", "old.bin", "new.bin"), 4);
	assert_contains(f->err, "new.bin: ");
}

/* ---- timeline ------------------------------------------------------------------------------ */

/* A strict reading of XML without entities of its own: tags balance, text is escaped. */
static void assert_well_formed(const char *text)
{
	char open[16][32];
	size_t depth = 0, length;

	for (const char *p = text; *p;) {
		if (*p == '&') {
			assert_true(!strncmp(p, "&amp;", 5) || !strncmp(p, "&lt;", 4) ||
				    !strncmp(p, "&gt;", 4) || !strncmp(p, "&quot;", 6) ||
				    !strncmp(p, "&#39;", 5));
			p++;
		} else if (*p == '>') {
			fail_msg("a bare > at: %.40s", p);
		} else if (*p != '<') {
			assert_true((unsigned char)*p >= 0x20 || *p == '\n');
			assert_true(depth > 0 || *p == '\n');
			p++;
		} else if (p[1] == '/') {
			length = strcspn(p + 2, ">");
			assert_true(depth-- > 0);
			assert_int_equal(length, strlen(open[depth]));
			assert_memory_equal(p + 2, open[depth], length);
			p += length + 3;
		} else {
			length = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz");
			assert_in_range(length, 1, sizeof(open[0]) - 1);
			snprintf(open[depth], sizeof(open[0]), "%.*s", (int)length, p + 1);
			p += length + 1;
			while (*p == ' ') {
				p += strspn(p, " ");
				p += strspn(p, "abcdefghijklmnopqrstuvwxyzBLABC-0123456789");
				assert_int_equal(strncmp(p, "=\"", 2), 0);
				p += 2 + strcspn(p + 2, "\"<&") + 1;
				assert_int_equal(p[-1], '"');
			}
			if (*p == '/')
				p++;
			else
				assert_true(++depth < ARRAY_SIZE(open));
			assert_int_equal(*p++, '>');
		}
	}
	assert_int_equal(depth, 0);
}

static void test_timeline(void **state)
{
	struct fixture *f = *state;
	json_t *data;

	put_objects();
	assert_int_equal(RUN(f, "timeline", OWN), 0);
	assert_golden(f, "timeline.txt");
	assert_narrow(f->out);
	assert_int_equal(RUN(f, "timeline", OWN, "--from", "-1d", "--until", "+1d"), 0);
	assert_golden(f, "timeline-days.txt");
	assert_int_equal(RUN(f, "timeline", OWN, "--json"), 0);
	data = data_of(f, "policy timeline");
	assert_int_equal(json_array_size(psc_json_at(data, "rows")), 5);
	assert_string_equal(psc_json_text(data, "now", ""), "2030-06-01T00:00:00Z");
	json_decref(data);
	assert_int_equal(RUN(f, "timeline", COMMERCE_OPTIONS), 0);
	assert_golden(f, "commerce-timeline.txt");
	assert_int_equal(RUN(f, "timeline", OWN, "--from", "now", "--until", "now"), 2);
	assert_int_equal(RUN(f, "timeline", OWN, "--format", "png"), 2);
	assert_int_equal(RUN(f, "timeline", OWN, "--format", "svg", "--json"), 2);
	put_changed("profiles/test-order.yaml", "from: 2031-01-01T00:00:00Z",
		    "from: 2031-01-01T00:00:00Y");
	assert_int_equal(RUN(f, "timeline", OWN), 4);
	assert_contains(f->err, "profiles/test-order.yaml:");
}

static void test_timeline_svg(void **state)
{
	struct fixture *f = *state;

	put_objects();
	assert_int_equal(RUN(f, "timeline", OWN, "--format", "svg"), 0);
	assert_golden(f, "timeline.svg");
	assert_well_formed(f->out);
	assert_contains(f->out, "until the &lt;new&gt; tool &amp; &quot;all&quot;");
	assert_contains(f->out, "role=\"img\"");
	assert_contains(f->out, "<title id=\"title\">");
	assert_contains(f->out, "<desc id=\"desc\">");
	assert_contains(f->out, "prefers-color-scheme: dark");
	assert_lacks(f->out, "<script");
	assert_lacks(f->out, "href");
	assert_lacks(f->out, "url(");
	assert_int_equal(RUN(f, "timeline", COMMERCE_OPTIONS, "--format", "svg"), 0);
	assert_well_formed(f->out);
	assert_contains(f->out, "2024-09-29T04:00:00Z");
}

/* However much is signed, the drawing has an end. */
static void test_timeline_bounded(void **state)
{
	struct fixture *f = *state;
	size_t bars = 0;

	for (unsigned int i = 0; i < PSC_TIMELINE_ROWS_MAX + 10; i++) {
		char path[64], text[256];

		snprintf(path, sizeof(path), "objects/EX-%04u.yaml", i);
		snprintf(text, sizeof(text),
			 "exemption: EX-%04u\nreason: \"a\\u202Eb\"\nby: me\n"
			 "until: 2030-09-01T00:00:00Z\nproducts: [acme/tool]\n",
			 i);
		put_file(path, text);
	}
	assert_int_equal(RUN(f, "timeline", OWN, "--format", "svg"), 0);
	assert_well_formed(f->out);
	for (const char *p = f->out; (p = strstr(p, "<rect ")); p++)
		bars++;
	assert_int_equal(bars, PSC_TIMELINE_ROWS_MAX);
	assert_contains(f->out, ">and 12 more: see --json</text>");
	assert_lacks(f->out, "\u202E");
	assert_int_equal(RUN(f, "timeline", OWN), 0);
	assert_contains(f->out, "\nand 12 more: see --json\n");
}

/* ---- tables -------------------------------------------------------------------------------- */

static void test_wrapping(void **state)
{
	static const struct psc_grid_column columns[] = {{"A", 5}, {"B", 0}, {"C", 8}};
	_cleanup_json_ json_t *rows = json_pack(
		"[[s,s,s],[s,s,s],s,[s,s,s]]", "one, two", "x", "s\u00fc\u00df,\u00fc\u00df,x", "",
		"", "stra\u00dfe,und,weiter", "heading", "", "longer", "unbreakable");
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	psc_grid_print(out, false, 1, columns, ARRAY_SIZE(columns), rows);
	fclose(out);
	assert_string_equal(text, " A     B       C\n"
				  " one,  x       s\u00fc\u00df,\u00fc\u00df,x\n"
				  " two\n"
				  "               stra\u00dfe,\n"
				  "               und,\n"
				  "               weiter\n"
				  " heading\n"
				  "       longer  unbreakable\n");
	free(text);
	out = open_memstream(&text, &size);
	fputs("  ", out);
	psc_output_wrapped(out, 2, "");
	fclose(out);
	assert_string_equal(text, "  \n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_commerce, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_show, setup, teardown),
		cmocka_unit_test_setup_teardown(test_matrix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_test, setup, teardown),
		cmocka_unit_test_setup_teardown(test_test_commerce, setup, teardown),
		cmocka_unit_test_setup_teardown(test_test_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_test_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_catalog_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(test_times, setup, teardown),
		cmocka_unit_test_setup_teardown(test_diff_profiles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_diff_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_diff_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_diff_compiled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timeline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timeline_svg, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timeline_bounded, setup, teardown),
		cmocka_unit_test(test_wrapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
