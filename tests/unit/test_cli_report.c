/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_report.c - `proscribe report`: page, JSON and table of a log with a story, compared
 * with the texts in tests/data/report/golden; what untrusted text can do to them; nil statements,
 * dates, logs that are not whole. PSC_TEST_UPDATE=1 writes the texts anew. The verb is compiled
 * in, with a clock that stands still.
 */
#include <errno.h>
#include <limits.h>

#include "user/core/timefmt.h"

/* 2030-06-01T00:00:00Z, a Saturday */
#define NOW 1906502400ULL * PSC_NSEC_PER_SEC

static uint64_t standing_clock(void)
{
	return NOW;
}

#define psc_time_now standing_clock
#include "user/cli/verb_report.c"
#undef psc_time_now

#define FIXTURE_OWN char root[PATH_MAX];
#include "tests/unit/cli_harness.h"
#include "tests/unit/report_log.h"

static const struct psc_verb *const verb_table[] = {
	&psc_verb_report,
	&psc_verb_help,
	NULL,
};

/* ---- fixture ------------------------------------------------------------------------------- */

static void copy_file(const struct fixture *f, const char *from, const char *to)
{
	_cleanup_free_ char *path = NULL, *text = NULL;

	assert_true(asprintf(&path, "%s/%s", f->root, from) > 0);
	text = read_text(path);
	if (!text)
		fail_msg("%s cannot be read", path);
	put_file(to, text);
}

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
	umask(mask);
	copy_file(f, "tests/data/policy/profiles/test-order.yaml", "profiles/test-order.yaml");
	copy_file(f, "tests/data/policy/catalog/acme/products.yaml", "catalog/acme/products.yaml");
	copy_file(f, "policy/profiles/us-bod-17-01.yaml", "profiles/us-bod-17-01.yaml");
	copy_file(f, "policy/profiles/us-ndaa-1634-far-52.204-23.yaml",
		  "profiles/us-ndaa-1634-far-52.204-23.yaml");
	copy_file(f, "policy/catalog/kaspersky/products.yaml", "catalog/kaspersky/products.yaml");
	put_file("own.yaml", "mode: enforce\nprofiles: [test-order]\n");
	put_file("objects/ex-7.yaml", "exemption: ex-7\nreason: migration <b>until June</b>\n"
				      "by: Security officer\nfrom: 2030-05-16T08:00:00Z\n"
				      "until: 2030-06-30T00:00:00Z\nproducts: [acme/tool]\n");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	return chdir(f->root) < 0 ? -1 : fixture_free(f);
}

#define OWN                                                                                        \
	"--config", "own.yaml", "--profiles-dir", "profiles", "--catalog", "catalog", "--objects", \
		"objects", "--dir", "log"

#define RUN(f, ...)                                                                                \
	run_array(f, verb_table,                                                                   \
		  (char *[ARGUMENTS_MAX]){(char *)"proscribe", (char *)"report", __VA_ARGS__})

/* Digests of the catalog and of keys may change; that there is one may not. */
static void mask_digests(char *text)
{
	for (char *p = text; *p; p++) {
		if (strspn(p, "0123456789abcdef") == 64) {
			memcpy(p, "(sha256)", 8);
			memmove(p + 8, p + 64, strlen(p + 64) + 1);
		}
	}
}

static void assert_golden(struct fixture *f, const char *name)
{
	_cleanup_free_ char *path = NULL;

	mask_digests(f->out);
	assert_true(asprintf(&path, "%s/tests/data/report/golden/%s", f->root, name) > 0);
	assert_as_in_file(f, path);
	assert_string_equal(f->err, "");
}

/* ---- the story ----------------------------------------------------------------------------- */

static void test_page(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(story_tell("log", NULL, true), 0);
	assert_int_equal(RUN(f, OWN, "--since", "2030-05-01", "--format", "html"), 0);
	assert_golden(f, "report.html");
	/* nothing is loaded, nothing runs */
	assert_lacks(f->out, "<script");
	assert_lacks(f->out, " src=");
	assert_lacks(f->out, "url(");
	assert_lacks(f->out, "@import");
	assert_lacks(f->out, "href=\"http");
	assert_lacks(f->out, "<b>until");
	assert_contains(f->out, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\\x0a=cmd");
	/* what must never be claimed */
	assert_lacks(f->out, "illegal");
	assert_lacks(f->out, "compliant");
	assert_lacks(f->out, "Appendix B");
	assert_contains(f->out, "no statement of compliance");
}

/* Each line ends with CR LF; the texts to compare with have none. */
static void plain_ends(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		assert_true(*p != '\n' || (p > text && p[-1] == '\r'));
		if (*p != '\r')
			*to++ = *p;
	}
	*to = '\0';
}

static void test_table(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(story_tell("log", NULL, true), 0);
	assert_int_equal(RUN(f, OWN, "--since", "2030-05-01", "--format", "csv"), 0);
	plain_ends(f->out);
	assert_golden(f, "report.csv");
}

static void test_json(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	assert_int_equal(story_tell("log", NULL, true), 0);
	assert_int_equal(RUN(f, OWN, "--since", "2030-05-01", "--json"), 0);
	data = data_of(f, "report");
	assert_string_equal(psc_json_text(data, "result", ""), "found");
	/* the resolver knew it five minutes before it said so */
	assert_string_equal(
		psc_json_text(json_array_get(psc_json_at(data, "products"), 0), "first_seen", ""),
		"2030-05-01T08:05:00Z");
	assert_string_equal(
		psc_json_text(json_array_get(psc_json_at(data, "products"), 0), "last_seen", ""),
		"2030-05-31T23:10:00Z");
	assert_string_equal(
		psc_json_text(json_array_get(psc_json_at(data, "held"), 0), "product", ""),
		"acme/reader");
	assert_int_equal(psc_json_number(data, "attempts.totals.deny", 0), 4);
	assert_int_equal(psc_json_number(data, "attempts.totals.would_deny", 0), 1);
	assert_int_equal(psc_json_number(data, "unverified.filesystem.record", 0), 42);
	assert_int_equal(psc_json_number(data, "losses.ring_lost", 0), 12);
	assert_int_equal(psc_json_number(data, "guard.boots", 0), 2);
	/* from boot to attach twice: 2 min and 40 s */
	assert_int_equal(psc_json_number(data, "guard.seconds.boot", 0), 160);
	assert_int_equal(psc_json_number(data, "guard.seconds.off", 0), 2 * 3600);
	assert_int_equal(psc_json_number(data, "guard.seconds.stopped", 0), 3600);
	/* 03:10 to 09:02, and 12:30 to 08:00 of the next day */
	assert_int_equal(psc_json_number(data, "guard.seconds.silence", 0), 352 * 60 + 1170 * 60);
	/* 08:02 on the first to 10:00 on the third */
	assert_int_equal(psc_json_number(data, "guard.seconds.observe", 0), (49 * 60 + 58) * 60);
	/* before the host was up on the first, and from 22:02 to 06:00 between the boots */
	assert_int_equal(psc_json_number(data, "guard.seconds.unknown", 0),
			 8 * 3600 + (7 * 60 + 58) * 60);
	assert_string_equal(psc_json_text(data, "chain.result", ""), "intact");
}

/* What was seen before the period still counts as first seen; attempts before it do not. */
static void test_period(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	assert_int_equal(story_tell("log", NULL, true), 0);
	assert_int_equal(
		RUN(f, OWN, "--since", "2030-05-25", "--until", "2030-05-30T00:00:00Z", "--json"),
		0);
	data = data_of(f, "report");
	assert_string_equal(
		psc_json_text(json_array_get(psc_json_at(data, "products"), 0), "first_seen", ""),
		"2030-05-01T08:05:00Z");
	assert_int_equal(psc_json_number(data, "attempts.totals.deny", 0), 0);
	assert_int_equal(psc_json_number(data, "guard.seconds.enforce", 0), 5 * 86400);
	assert_int_equal(json_array_size(psc_json_at(data, "gaps")), 0);
}

/* ---- nothing found ------------------------------------------------------------------------- */

static void test_nil(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	assert_int_equal(story_tell("log", NULL, false), 0);
	assert_int_equal(RUN(f, OWN, "--since", "2030-05-21", "--json"), 0);
	data = data_of(f, "report");
	assert_string_equal(psc_json_text(data, "result", ""), "nil");
	assert_contains(psc_json_text(data, "statement", ""), "None found: no product that");
	assert_true(json_array_size(psc_json_at(data, "method")) >= 5);
	assert_int_equal(RUN(f, OWN, "--since", "2030-05-21"), 0);
	assert_golden(f, "nil.html");
}

static void test_nil_with_gaps(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	assert_int_equal(story_tell("log", NULL, false), 0);
	assert_int_equal(RUN(f, OWN, "--since", "2030-05-01", "--json"), 0);
	data = data_of(f, "report");
	assert_string_equal(psc_json_text(data, "result", ""), "nil_with_gaps");
	assert_contains(psc_json_text(data, "statement", ""), "of them nothing is stated");
}

/* A log without records is no evidence of anything. */
static void test_no_evidence(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	assert_int_equal(mkdir("log", 0755), 0);
	assert_int_equal(RUN(f, OWN, "--since", "2030-05-01", "--json"), 0);
	data = data_of(f, "report");
	assert_string_equal(psc_json_text(data, "result", ""), "no_evidence");
	assert_lacks(psc_json_text(data, "statement", ""), "None found");
}

/* ---- a log that is not whole --------------------------------------------------------------- */

static void test_edited(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	assert_int_equal(story_tell("log", NULL, true), 0);
	assert_int_equal(system("sed -i '20s/observe/enforce/' log/audit-*.jsonl"), 0);
	assert_int_equal(RUN(f, OWN, "--since", "2030-05-01", "--json"), 4);
	data = data_of(f, "report");
	assert_string_equal(psc_json_text(data, "chain.result", ""), "edited");
	assert_int_equal(RUN(f, OWN, "--since", "2030-05-01", "--output", "page.html"), 4);
	assert_string_equal(f->out, "");
	assert_contains(f->err, "not whole");
	free(f->out);
	f->out = read_text("page.html");
	assert_contains(f->out, "NOT INTACT");
}

static void test_signed(void **state)
{
	struct fixture *f = *state;
	struct psc_chain_key *key = NULL;
	_cleanup_json_ json_t *data = NULL;
	int r;

	assert_int_equal(psc_chain_key_open("keys", &key, NULL), 0);
	r = story_tell("log", key, true);
	psc_chain_key_free(key);
	assert_int_equal(r, 0);
	assert_int_equal(RUN(f, OWN, "--since", "2030-05-01", "--json", "--key", "keys/log.pub"),
			 0);
	data = data_of(f, "report");
	assert_true(psc_json_number(data, "chain.signatures", 0) > 500);
	assert_contains(f->out, "are not signed yet");
	assert_lacks(f->out, "No signature was checked");
}

/* ---- duties -------------------------------------------------------------------------------- */

static const char scan_text[] =
	"{\"schema\":1,\"verb\":\"scan\",\"data\":{\"result\":\"found\",\"complete\":true,"
	"\"began\":\"2030-05-31T09:00:00Z\",\"ended\":\"2030-05-31T10:00:00Z\","
	"\"method\":{\"rules\":3,\"catalog_sha256\":\"00\"},\"findings\":[{\"product\":"
	"\"kaspersky/kesl\",\"where\":\"/opt/kaspersky/kesl\"}]}}";

static const char *due_date(const json_t *data, size_t duty)
{
	return psc_json_text(json_array_get(psc_json_at(data, "duties"), duty), "due", "none");
}

static void test_far(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL, *later = NULL;

	assert_int_equal(story_tell("log", NULL, false), 0);
	put_file("scan.json", scan_text);
	assert_int_equal(RUN(f, OWN, "--profile", "us-ndaa-1634-far-52.204-23", "--scan",
			     "scan.json", "--json"),
			 0);
	data = data_of(f, "report");
	assert_string_equal(psc_json_text(data, "result", ""), "found");
	assert_false(json_is_true(psc_json_at(data, "active")));
	assert_int_equal(psc_json_number(data, "covered", 0), 1);
	assert_string_equal(psc_json_text(data, "first_seen", ""), "2030-05-31T10:00:00Z");
	/* first seen on a Friday; not handed in, so counted from the day on which it is due */
	assert_string_equal(due_date(data, 0), "2030-06-05");
	assert_string_equal(due_date(data, 1), "2030-06-19");
	assert_int_equal(json_array_size(psc_json_at(data, "drafts")), 2);
	assert_contains(f->out, "holidays are not known");
	assert_int_equal(RUN(f, OWN, "--profile", "us-ndaa-1634-far-52.204-23", "--scan",
			     "scan.json", "--submitted", "2030-06-03", "--json"),
			 0);
	later = data_of(f, "report");
	assert_string_equal(due_date(later, 0), "2030-06-05");
	assert_string_equal(due_date(later, 1), "2030-06-17");
	assert_int_equal(RUN(f, OWN, "--profile", "us-ndaa-1634-far-52.204-23", "--scan",
			     "scan.json", "--format", "html"),
			 0);
	assert_contains(f->out, "Contract number");
	assert_contains(f->out, "3 business days");
	assert_lacks(f->out, "1 business day ");
}

static void test_zone(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	assert_int_equal(story_tell("log", NULL, false), 0);
	put_file("scan.json", scan_text);
	assert_int_equal(RUN(f, OWN, "--timezone", "No/Such"), PSC_EXIT_USAGE);
	assert_contains(f->err, "No/Such");
	assert_int_equal(RUN(f, OWN, "--timezone", "../../../etc/passwd"), PSC_EXIT_USAGE);
	if (access("/usr/share/zoneinfo/Pacific/Pago_Pago", R_OK) < 0)
		skip();
	/* still Thursday there */
	assert_int_equal(RUN(f, OWN, "--profile", "us-ndaa-1634-far-52.204-23", "--scan",
			     "scan.json", "--timezone", "Pacific/Pago_Pago", "--submitted",
			     "2030-06-03", "--json"),
			 0);
	data = data_of(f, "report");
	assert_string_equal(psc_json_text(data, "timezone", ""), "Pacific/Pago_Pago");
	assert_string_equal(due_date(data, 0), "2030-06-04");
	assert_string_equal(psc_json_text(data, "submitted", ""), "2030-06-03");
	assert_string_equal(due_date(data, 1), "2030-06-17");
	assert_contains(f->out, "Days are those of Pacific/Pago_Pago.");
}

static void test_bod(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	assert_int_equal(story_tell("log", NULL, false), 0);
	assert_int_equal(
		RUN(f, OWN, "--profile", "us-bod-17-01", "--since", "2030-05-21", "--json"), 0);
	data = data_of(f, "report");
	assert_string_equal(due_date(data, 0), "2017-10-13");
	assert_string_equal(due_date(data, 1), "2017-11-12");
	assert_string_equal(due_date(data, 2), "2017-12-12");
	/* 152 times 30 days after 2017-12-12 */
	assert_string_equal(psc_json_text(data, "timer.due", ""), "2030-06-07");
	assert_string_equal(psc_json_text(data, "timer.last_due", ""), "2030-05-08");
	assert_int_equal(psc_json_number(data, "timer.days_left", 0), 6);
	assert_int_equal(json_array_size(psc_json_at(data, "drafts")), 3);
	/* the plan has 14 elements */
	assert_int_equal(json_array_size(psc_json_at(json_array_get(psc_json_at(data, "drafts"), 1),
						     "fields")),
			 14);
	assert_contains(f->out, "None found: no product that us-bod-17-01 covers");
}

/* ---- untrusted text ------------------------------------------------------------------------ */

static char *put_text(void (*put_one)(FILE *out, const char *text), const char *text)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	assert_non_null(out);
	put_one(out, text);
	assert_int_equal(fclose(out), 0);
	return result;
}

/* Neither in text nor in an attribute, with whatever quotes, can it end what it stands in. */
static void test_markup_bytes(void **state)
{
	for (unsigned int byte = 1; byte < 256; byte++) {
		const char text[] = {'a', (char)byte, 'b', '\0'};
		_cleanup_free_ char *markup = put_text(psc_report_put, text);
		_cleanup_json_ json_t *utf8 = NULL;

		for (const char *p = markup; *p; p++) {
			if ((unsigned char)*p < 0x20 || *p == 0x7f || strchr("<>\"'`", *p))
				fail_msg("byte %u gives %s", byte, markup);
			if (*p == '&' &&
			    !strncmp(p, "&amp;", 5) + !strncmp(p, "&lt;", 4) +
					    !strncmp(p, "&gt;", 4) + !strncmp(p, "&quot;", 6) +
					    !strncmp(p, "&#39;", 5) + !strncmp(p, "&#96;", 5) !=
				    1)
				fail_msg("byte %u gives %s", byte, markup);
		}
		assert_true(markup[0] == 'a' && markup[strlen(markup) - 1] == 'b');
		utf8 = json_string(markup);
		assert_non_null(utf8);
	}
}

/* A field begins with a quote, and nothing in it ends it or is a formula. */
static void test_csv_bytes(void **state)
{
	for (unsigned int byte = 1; byte < 256; byte++) {
		const char text[] = {(char)byte, '1', '"', '\n', '\0'};
		_cleanup_free_ char *field = put_text(psc_report_put_csv, text);
		size_t size = strlen(field);

		assert_true(size > 2 && field[0] == '"' && field[size - 1] == '"');
		assert_null(strchr("=+-@|%\t\r", field[1]));
		for (size_t i = 1; i < size - 1; i++) {
			if ((unsigned char)field[i] < 0x20)
				fail_msg("byte %u gives %s", byte, field);
			if (field[i] == '"' && field[++i] != '"')
				fail_msg("byte %u gives %s", byte, field);
		}
	}
}

/* ---- wrong use ----------------------------------------------------------------------------- */

static void test_usage(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(story_tell("log", NULL, false), 0);
	assert_int_equal(RUN(f, OWN, "--since", "yesterday"), 2);
	assert_int_equal(RUN(f, OWN, "--format", "pdf"), 2);
	assert_int_equal(RUN(f, OWN, "--submitted", "soon"), 2);
	assert_int_equal(RUN(f, OWN, "--since", "1d", "--until", "2030-05-01T00:00:00Z"), 2);
	assert_int_equal(RUN(f, OWN, "--profile", "none-such"), 4);
	put_file("scan.json", "{\"verb\":\"log\"}");
	assert_int_equal(RUN(f, OWN, "--scan", "scan.json"), 4);
	assert_contains(f->err, "scan.json: not the result of a scan");
	put_file("scan.json", "{");
	assert_int_equal(RUN(f, OWN, "--scan", "scan.json"), 4);
	assert_int_equal(RUN(f, OWN, "--key", "own.yaml"), 4);
	assert_int_equal(RUN(f, OWN, "--anchor", "own.yaml"), 4);
	put_file("own.yaml", "profiles: [test-order, us-bod-17-01]\n");
	assert_int_equal(RUN(f, OWN), 2);
	assert_contains(f->err, "give --profile: more than one is active");
	assert_int_equal(RUN(f, OWN, "--profile", "test-order", "--output", "no/where.html"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_page, setup, teardown),
		cmocka_unit_test_setup_teardown(test_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_period, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nil, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nil_with_gaps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_evidence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_edited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_far, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bod, setup, teardown),
		cmocka_unit_test(test_markup_bytes),
		cmocka_unit_test(test_csv_bytes),
		cmocka_unit_test_setup_teardown(test_usage, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
