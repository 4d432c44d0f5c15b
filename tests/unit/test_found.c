/* SPDX-License-Identifier: Apache-2.0 */
/* test_found.c - what of the recognised files is fed, the list of them, places, clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/found.h"
#include "user/core/list_edit.h"

#define LIMIT (256ULL << 20)

static const uint8_t digest[PSC_DIGEST_SIZE] = {1, 2, 3};

static struct psc_found_file tool(void)
{
	return (struct psc_found_file){
		.path = "/opt/acme/bin/tool",
		.product = "acme/tool",
		.role = PSC_ROLE_UPDATER,
		.confidence = PSC_CONFIDENCE_HIGH,
		.rule = "acme/place",
		.version = "1.2",
		.format = PSC_FORMAT_ELF,
		.size = 4711,
		.digest = digest,
	};
}

/* What a change of one property leads to; all other properties say "feed it". */
static void test_judge(void **state)
{
	static const struct {
		const char *what;
		size_t offset;
		uint64_t value;
		size_t size;
		enum psc_found_outcome outcome;
	} cases[] = {
#define CHANGE(member, v, o)                                                                       \
	{#member, offsetof(struct psc_found_file, member), v,                                      \
	 sizeof(((struct psc_found_file *)NULL)->member), o}
		CHANGE(listed, 1, PSC_FOUND_LISTED),
		CHANGE(format, PSC_FORMAT_ANY, PSC_FOUND_FORMAT),
		CHANGE(format, PSC_FORMAT_SCRIPT, PSC_FOUND_FED),
		CHANGE(format, PSC_FORMAT_RPM, PSC_FOUND_FED),
		CHANGE(format, PSC_FORMAT_ARCHIVE, PSC_FOUND_FORMAT),
		CHANGE(size, 0, PSC_FOUND_EMPTY),
		CHANGE(size, LIMIT, PSC_FOUND_FED),
		CHANGE(size, LIMIT + 1, PSC_FOUND_TOO_LARGE),
		CHANGE(confidence, PSC_CONFIDENCE_MEDIUM, PSC_FOUND_CONFIDENCE),
		CHANGE(confidence, PSC_CONFIDENCE_LOW, PSC_FOUND_CONFIDENCE),
		CHANGE(linked, 1, PSC_FOUND_LINK),
		CHANGE(essential, 1, PSC_FOUND_ESSENTIAL),
		CHANGE(distribution, 1, PSC_FOUND_DISTRIBUTION),
		CHANGE(claimed, 1, PSC_FOUND_PLACE),
		CHANGE(proven, 1, PSC_FOUND_FED),
		CHANGE(digest, 0, PSC_FOUND_FED),
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct psc_found_file file = tool();

		memcpy((char *)&file + cases[i].offset, &cases[i].value, cases[i].size);
		if (psc_found_judge(&file, PSC_CONFIDENCE_HIGH, LIMIT) != cases[i].outcome)
			fail_msg("%s = %llu", cases[i].what, (unsigned long long)cases[i].value);
	}
}

/* Nothing outweighs harm to the host. */
static void test_harm_comes_first(void **state)
{
	struct psc_found_file file = tool();

	file.listed = file.linked = file.essential = true;
	file.size = 0;
	assert_int_equal(psc_found_judge(&file, PSC_CONFIDENCE_LOW, LIMIT), PSC_FOUND_ESSENTIAL);
	file.essential = false;
	file.distribution = true;
	assert_int_equal(psc_found_judge(&file, PSC_CONFIDENCE_LOW, LIMIT), PSC_FOUND_DISTRIBUTION);
	/* who packaged a vendor's engine does not make it somebody else's */
	file.proven = true;
	file.listed = file.linked = false;
	file.size = 1;
	assert_int_equal(psc_found_judge(&file, PSC_CONFIDENCE_LOW, LIMIT), PSC_FOUND_FED);
	file.essential = true;
	assert_int_equal(psc_found_judge(&file, PSC_CONFIDENCE_LOW, LIMIT), PSC_FOUND_ESSENTIAL);
}

/* Place, name, size, format and what runs a file are anybody's choice. */
static void test_proof(void **state)
{
	static const enum psc_fact_kind claims[] = {PSC_FACT_PATH,	   PSC_FACT_NAME,
						    PSC_FACT_FORMAT,	   PSC_FACT_SIZE,
						    PSC_FACT_UNIT,	   PSC_FACT_USER,
						    PSC_FACT_GROUP,	   PSC_FACT_PROCESS,
						    PSC_FACT_ENVIRONMENT,  PSC_FACT_CONTAINER_IMAGE,
						    PSC_FACT_PROBLEM,	   PSC_FACT_PACKAGE_FORMAT,
						    PSC_FACT_FOREIGN_OWNER};

	for (unsigned int kind = 0; kind < PSC_FACT_MAX; kind++) {
		struct psc_indicator rule = {.conditions = 2};
		bool claim = false, package;

		for (size_t i = 0; i < ARRAY_SIZE(claims); i++)
			claim |= claims[i] == kind;
		package = kind >= PSC_FACT_PACKAGE_FORMAT && kind <= PSC_FACT_PACKAGE_KEY;
		rule.condition[0].fact = PSC_FACT_PATH;
		rule.condition[1].fact = kind;
		if (psc_found_is_proof(&rule, true) == claim)
			fail_msg("%s", psc_fact_to_string(kind));
		/* of a database: whose package it is says nothing of the file that is there now */
		assert_int_equal(psc_found_is_proof(&rule, false), !claim && !package);
	}
}

static void test_sift(void **state)
{
	struct psc_indicator place = {.conditions = 1}, marker = {.conditions = 1};
	const struct psc_indicator *rules[] = {&place, &marker, &place};
	struct psc_matches matches = {.rule = rules, .count = 3};

	place.condition[0].fact = PSC_FACT_PATH;
	marker.condition[0].fact = PSC_FACT_MARKER;
	psc_found_sift(&matches, false);
	assert_int_equal(matches.count, 1);
	assert_ptr_equal(matches.rule[0], &marker);
}

static void test_confidence_as_asked(void **state)
{
	struct psc_found_file file = tool();

	for (unsigned int own = 0; own < PSC_CONFIDENCE_MAX; own++) {
		for (unsigned int least = 0; least < PSC_CONFIDENCE_MAX; least++) {
			file.confidence = own;
			assert_int_equal(psc_found_judge(&file, least, LIMIT) == PSC_FOUND_FED,
					 own >= least);
		}
	}
}

/* The product is the best rule's, the confidence the surest's of the same vendor. */
static void test_confidence_of_matches(void **state)
{
	struct psc_indicator best = {.product = (char *)"acme/tool",
				     .confidence = PSC_CONFIDENCE_MEDIUM};
	struct psc_indicator other = {.product = (char *)"acme/other",
				      .confidence = PSC_CONFIDENCE_HIGH};
	struct psc_indicator foreign = {.product = (char *)"acmes/other",
					.confidence = PSC_CONFIDENCE_HIGH};
	const struct psc_indicator *rules[] = {&best, &foreign, &other};
	struct psc_matches matches = {.rule = rules, .count = 2};

	assert_int_equal(psc_found_confidence(&matches), PSC_CONFIDENCE_MEDIUM);
	matches.count = 3;
	assert_int_equal(psc_found_confidence(&matches), PSC_CONFIDENCE_HIGH);
}

static void test_outcomes_have_names(void **state)
{
	for (unsigned int i = 0; i < PSC_FOUND_OUTCOME_MAX; i++)
		assert_non_null(psc_found_outcome_to_string(i));
	assert_null(psc_found_outcome_to_string(PSC_FOUND_OUTCOME_MAX));
}

/* What is appended can be read back from the file's text, whatever a path holds. */
static void test_lines(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL, *again = NULL;
	_cleanup_free_ char *line = NULL, *text = NULL;
	struct psc_found_file file = tool();
	struct psc_list_entry entry;
	struct psc_error error = {0};

	file.path = "/opt/acme/a,\"b\"\n\xff\xe2\x80\xae";
	assert_int_equal(psc_list_new(&list), 0);
	assert_int_equal(psc_found_append(list, &file, 1700000000ULL * 1000000000, &error), 0);
	assert_int_equal(psc_list_get(list, 0, &entry), 0);
	assert_string_equal(entry.product, "acme/tool/updater");
	assert_string_equal(entry.version, "1.2");
	assert_string_equal(entry.source, "found 2023-11-14T22:13:20Z by acme/place (high)");
	assert_true(entry.has_size);
	assert_int_equal(entry.size, 4711);
	assert_int_equal(psc_list_format_line(&entry, &line), 0);
	assert_true(asprintf(&text, PSC_LIST_HEADER "\n%s", line) > 0);
	assert_int_equal(psc_list_new(&again), 0);
	assert_int_equal(psc_list_parse(again, "found.csv", text, strlen(text), &error), 0);
	assert_int_equal(psc_list_get(again, 0, &entry), 0);
	assert_string_equal(entry.name, "/opt/acme/a,\"b\"\\x0a\\xff\\u{202e}");
}

static void test_long_path(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	_cleanup_free_ char *path = malloc(100001), *line = NULL;
	struct psc_found_file file = tool();
	struct psc_list_entry entry;
	struct psc_error error = {0};

	memset(path, 1, 100000);
	path[100000] = 0;
	file.path = path;
	assert_int_equal(psc_list_new(&list), 0);
	assert_int_equal(psc_found_append(list, &file, 1, &error), 0);
	assert_int_equal(psc_list_get(list, 0, &entry), 0);
	assert_int_equal(psc_list_format_line(&entry, &line), 0);
	assert_true(strlen(line) <= PSC_LIST_LINE_MAX);
}

static void test_summary(void **state)
{
	static const char text[] = PSC_LIST_HEADER
		"\n"
		"sha256,0000000000000000000000000000000000000000000000000000000000000001,1,elf,a,"
		"acme/tool/program,,found 2026-02-01T00:00:00Z by acme/place (high)\n"
		"sha256,0000000000000000000000000000000000000000000000000000000000000002,1,elf,b,"
		"acme/tool/library,,found 2026-01-01T00:00:00Z by acme/package (high)\n"
		"sha256,0000000000000000000000000000000000000000000000000000000000000003,1,elf,c,"
		"acme/tool,,found 2026-03-01T00:00:00Z by acme/place (high)\n"
		"sha256,0000000000000000000000000000000000000000000000000000000000000004,1,elf,d,"
		"acme/too/program,,found nonsense by nobody\n"
		"sha256,0000000000000000000000000000000000000000000000000000000000000005,1,elf,e,"
		"other,,\n";
	_cleanup_(psc_found_summary_clear) struct psc_found_summary summary = {0};
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	struct psc_error error = {0};

	assert_int_equal(psc_list_new(&list), 0);
	assert_int_equal(psc_list_parse(list, "site.csv", text, sizeof(text) - 1, &error), 0);
	assert_int_equal(psc_found_summarize(list, "found.csv", &summary), 0);
	assert_int_equal(summary.count, 0);
	assert_int_equal(psc_list_parse(list, "found.csv", text, sizeof(text) - 1, &error), 0);
	assert_int_equal(psc_found_summarize(list, "found.csv", &summary), 0);
	assert_int_equal(summary.count, 3);
	assert_string_equal(summary.product[0].product, "acme/too");
	assert_int_equal(summary.product[0].first_ns, 0);
	assert_int_equal(summary.product[0].rule_count, 0);
	assert_string_equal(summary.product[1].product, "acme/tool");
	assert_int_equal(summary.product[1].files, 3);
	assert_int_equal(summary.product[1].first_ns, 1767225600ULL * 1000000000);
	assert_int_equal(summary.product[1].rule_count, 2);
	assert_string_equal(summary.product[1].rules[0], "acme/place");
	assert_string_equal(summary.product[1].rules[1], "acme/package");
	assert_string_equal(summary.product[2].product, "other");
}

static void test_places(void **state)
{
	static const struct {
		enum psc_match match;
		const char *value;
		enum psc_found_place place;
		const char *text;
	} cases[] = {
		{PSC_MATCH_EXACT, "/opt/acme/bin/tool", PSC_FOUND_PLACE_PATH, "/opt/acme/bin/tool"},
		{PSC_MATCH_UNDER, "/opt/acme", PSC_FOUND_PLACE_PATH, "/opt/acme"},
		{PSC_MATCH_PREFIX, "/opt/acme/", PSC_FOUND_PLACE_PATH, "/opt/acme/"},
		{PSC_MATCH_PREFIX, "/opt/acme-", PSC_FOUND_PLACE_GLOB, "/opt/acme-*"},
		{PSC_MATCH_PREFIX, "/opt", PSC_FOUND_PLACE_NONE, NULL},
		{PSC_MATCH_PREFIX, "/opt/a[b", PSC_FOUND_PLACE_NONE, NULL},
		{PSC_MATCH_GLOB, "/opt/acme*/bin/tool", PSC_FOUND_PLACE_GLOB,
		 "/opt/acme*/bin/tool"},
		{PSC_MATCH_GLOB, "/*/tool", PSC_FOUND_PLACE_NONE, NULL},
		{PSC_MATCH_GLOB, "*/tool", PSC_FOUND_PLACE_NONE, NULL},
		{PSC_MATCH_SUFFIX, "/tool", PSC_FOUND_PLACE_NONE, NULL},
		{PSC_MATCH_CONTAINS, "/opt/acme", PSC_FOUND_PLACE_NONE, NULL},
		{PSC_MATCH_EXACT, "tool", PSC_FOUND_PLACE_NONE, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct psc_condition condition = {
			.fact = PSC_FACT_PATH,
			.match = cases[i].match,
			.value = (char *)cases[i].value,
		};
		char text[64];

		assert_int_equal(psc_found_place_of(&condition, text, sizeof(text)),
				 cases[i].place);
		if (cases[i].text)
			assert_string_equal(text, cases[i].text);
	}
}

static void test_other_conditions_name_no_place(void **state)
{
	const struct psc_condition condition = {
		.fact = PSC_FACT_NAME, .match = PSC_MATCH_EXACT, .value = (char *)"/opt/acme"};
	char text[64];

	assert_int_equal(psc_found_place_of(&condition, text, sizeof(text)), PSC_FOUND_PLACE_NONE);
}

static void test_links(void **state)
{
	static const char *const open[] = {"/var/opt/acme/install_1", "/srv/acme", "/opt/acme",
					   "/usr/local/acme/1", "/data/a/acme"};
	static const char *const closed[] = {
		"/",	     "/bin", "/usr/bin",       "/usr",	  "/usr/local", "/lib64/x",
		"/etc/acme", "/srv", "/usr/local/bin", "/proc/1", "/sys/fs",	"/boot/efi"};

	for (size_t i = 0; i < ARRAY_SIZE(open); i++)
		assert_true(psc_found_may_follow(open[i]));
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++)
		assert_false(psc_found_may_follow(closed[i]));
}

/* A directory that others use is no product's, whatever a rule says. */
static void test_marks(void **state)
{
	static const char *const good[] = {
		"/var/opt/acme/install_1", "/srv/acme",	    "/opt/acme",
		"/usr/local/acme/1",	   "/var/lib/acme", "/var/log/acme"};
	static const char *const bad[] = {"/",
					  "/opt",
					  "/srv",
					  "/usr/local",
					  "/usr/local/lib",
					  "/var",
					  "/var/lib",
					  "/var/cache",
					  "/var/log",
					  "/home/acme",
					  "/home",
					  "/root/acme",
					  "/usr/lib/acme",
					  "/etc/acme",
					  "/tmp/acme",
					  "/var/lib/dpkg",
					  "/var/tmp",
					  "/var/spool"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (!psc_found_may_mark(good[i]))
			fail_msg("%s", good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (psc_found_may_mark(bad[i]))
			fail_msg("%s", bad[i]);
	}
}

static void test_debounce(void **state)
{
	struct psc_debounce debounce = {.quiet_ns = 10, .most_ns = 25};

	assert_int_equal(psc_debounce_due(&debounce), UINT64_MAX);
	assert_false(psc_debounce_take(&debounce, UINT64_MAX - 1));
	psc_debounce_trigger(&debounce, 100);
	assert_false(psc_debounce_take(&debounce, 109));
	psc_debounce_trigger(&debounce, 109);
	assert_int_equal(psc_debounce_due(&debounce), 119);
	psc_debounce_trigger(&debounce, 118);
	/* not for ever */
	assert_int_equal(psc_debounce_due(&debounce), 125);
	assert_false(psc_debounce_take(&debounce, 124));
	assert_true(psc_debounce_take(&debounce, 125));
	assert_false(psc_debounce_take(&debounce, 1000));
	psc_debounce_trigger(&debounce, 2000);
	assert_int_equal(psc_debounce_due(&debounce), 2010);
}

static void test_latency(void **state)
{
	struct psc_latency latency = {.count = 0};

	assert_int_equal(psc_latency_quantile(&latency, 50), 0);
	psc_latency_add(&latency, 7);
	assert_int_equal(psc_latency_quantile(&latency, 1), 7);
	assert_int_equal(psc_latency_quantile(&latency, 99), 7);
	latency.count = 0;
	for (uint64_t i = 100; i >= 1; i--)
		psc_latency_add(&latency, i);
	assert_int_equal(psc_latency_quantile(&latency, 50), 50);
	assert_int_equal(psc_latency_quantile(&latency, 99), 99);
	assert_int_equal(psc_latency_quantile(&latency, 100), 100);
	/* the oldest go */
	for (uint64_t i = 0; i < PSC_LATENCY_SAMPLES; i++)
		psc_latency_add(&latency, 1000);
	assert_int_equal(psc_latency_quantile(&latency, 1), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_harm_comes_first),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_sift),
		cmocka_unit_test(test_confidence_as_asked),
		cmocka_unit_test(test_confidence_of_matches),
		cmocka_unit_test(test_outcomes_have_names),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_other_conditions_name_no_place),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_debounce),
		cmocka_unit_test(test_latency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
