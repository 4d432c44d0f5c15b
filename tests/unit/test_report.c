/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_report.c - what a report keeps of a log: bounds, records that make no sense, days on which
 * a duty is due.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "user/core/json.h"
#include "user/core/report.h"
#include "user/core/report_due.h"
#include "user/core/timefmt.h"

#define BOOT "\"host\":{\"hostname\":\"h\",\"boot\":{\"id\":\"b1\"}}"

static char *entities[] = {(char *)"acme", NULL};
static struct psc_product product = {
	.id = (char *)"acme/tool",
	.name = (char *)"Tool",
	.entity = (char *)"acme",
	.class = (char *)"",
};
static const struct psc_catalog catalog = {&product, 1};
static const struct psc_profile profile = {.id = (char *)"p", .entities = entities};

static uint64_t at(const char *text)
{
	uint64_t ns;

	assert_int_equal(psc_time_parse(text, &ns), 0);
	return ns;
}

static struct psc_report *begin(const char *from, const char *until)
{
	const struct psc_report_options options = {
		.from = from ? at(from) : 0,
		.until = at(until),
		.profile = &profile,
		.catalog = &catalog,
	};
	struct psc_report *report;

	assert_int_equal(psc_report_new(&options, &report), 0);
	return report;
}

static void add(struct psc_report *report, const char *text)
{
	_cleanup_json_ json_t *record = json_loads(text, 0, NULL);

	assert_non_null(record);
	assert_int_equal(psc_report_add(report, record), 0);
}

static json_t *end(struct psc_report *report)
{
	json_t *json;

	assert_int_equal(psc_report_to_json(report, &json), 0);
	psc_report_free(report);
	return json;
}

static json_int_t number(const json_t *json, const char *one, const char *two, const char *three)
{
	json = json_object_get(json, one);
	json = two ? json_object_get(json, two) : json;
	json = three ? json_object_get(json, three) : json;
	assert_true(json_is_integer(json));
	return json_integer_value(json);
}

/* A log that somebody has written has anything in it. */
static void test_nonsense(void **state)
{
	static const char *const lines[] = {
		"{}",
		"{\"@timestamp\":7}",
		"{\"@timestamp\":\"2026-01-01T00:00:00Z\"}",
		"{\"@timestamp\":\"2026-01-01T00:00:00Z\",\"proscribe\":7,\"host\":[]}",
		"{\"@timestamp\":\"2026-01-01T00:00:00Z\",\"proscribe\":{\"type\":\"start\","
		"\"boot_ns\":-1,\"attached_boot_ns\":9223372036854775807}}",
		"{\"@timestamp\":\"1970-01-01T00:00:00Z\",\"proscribe\":{\"type\":\"stop\","
		"\"guard\":\"off\"}}",
		"{\"@timestamp\":\"2026-01-01T00:00:00Z\",\"proscribe\":{\"type\":\"found\","
		"\"files\":[7,{},{\"product\":\"\"},{\"product\":\"x\",\"source\":\"found\"}]}}",
		"{\"@timestamp\":\"2026-01-01T00:00:00Z\",\"proscribe\":{\"type\":\"decision\","
		"\"verdict\":\"none\",\"product\":\"x\"}}",
		"{\"@timestamp\":\"2026-01-01T00:00:00Z\",\"proscribe\":{\"type\":\"decision\","
		"\"verdict\":\"deny\",\"product\":\"x\",\"profiles\":[7],\"reasons\":[7]},"
		"\"file\":7}",
		"{\"@timestamp\":\"2026-01-01T00:00:00Z\",\"proscribe\":{\"type\":\"found_held\"}}",
		"{\"@timestamp\":\"2026-01-01T00:00:00Z\",\"proscribe\":{\"type\":\"ring_loss\","
		"\"lost\":\"x\"},\"message\":7}",
	};
	struct psc_report *report = begin(NULL, "2027-01-01T00:00:00Z");
	_cleanup_json_ json_t *json = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		add(report, lines[i]);
	json = end(report);
	assert_int_equal(number(json, "log", "records", NULL), ARRAY_SIZE(lines));
	assert_int_equal(number(json, "log", "undated", NULL), 2);
	assert_int_equal(json_array_size(json_object_get(json, "products")), 0);
	assert_int_equal(number(json, "attempts", "others", "deny"), 1);
}

/* Whatever is in the log, a report stays small, and says what is not in it. */
static void test_bounds(void **state)
{
	struct psc_report *report = begin(NULL, "2027-01-01T00:00:00Z");
	_cleanup_json_ json_t *json = NULL;

	for (unsigned int i = 0; i < 3000; i++) {
		char text[400];

		snprintf(text, sizeof(text),
			 "{\"@timestamp\":\"2026-01-01T00:00:00Z\"," BOOT
			 ",\"file\":{\"path\":\"/p%u\",\"hash\":{\"sha256\":\"%064u\"}},"
			 "\"proscribe\":{\"type\":\"decision\",\"verdict\":\"deny\","
			 "\"op\":\"exec\",\"product\":\"acme/tool\",\"repeats\":%u}}",
			 i, i, i % 2 + 1);
		add(report, text);
		snprintf(text, sizeof(text),
			 "{\"@timestamp\":\"2026-01-01T00:00:00Z\"," BOOT
			 ",\"proscribe\":{\"type\":\"late\",\"product\":\"other/%u\"}}",
			 i);
		add(report, text);
	}
	json = end(report);
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(json, "attempts"), "groups")),
		PSC_REPORT_GROUPS_MAX);
	assert_int_equal(number(json, "attempts", "totals", "deny"), 4500);
	assert_int_equal(number(json, "attempts", "left_out", NULL), 1500);
	assert_int_equal(json_array_size(json_object_get(json, "products")), 1);
	assert_int_equal(json_array_size(json_object_get(json, "others")),
			 PSC_REPORT_PRODUCTS_MAX - 1);
	assert_int_equal(number(json, "products_left_out", NULL, NULL), 3000 - 999);
	assert_int_equal(json_array_size(json_object_get(json, "changes")), PSC_REPORT_NOTES_MAX);
	assert_int_equal(number(json, "notes_left_out", NULL, NULL), 2000);
}

/* A clock that was set back is said, and no interval ends before it begins. */
static void test_clock_back(void **state)
{
	struct psc_report *report = begin(NULL, "2026-03-01T00:00:00Z");
	_cleanup_json_ json_t *json = NULL;
	const json_t *interval;
	size_t i;

	add(report, "{\"@timestamp\":\"2026-02-01T10:00:00Z\"," BOOT
		    ",\"proscribe\":{\"type\":\"start\",\"boot_ns\":10000000000,"
		    "\"attached_boot_ns\":10000000000,\"mode\":\"enforce\"}}");
	add(report, "{\"@timestamp\":\"2026-01-01T10:00:00Z\"," BOOT
		    ",\"proscribe\":{\"type\":\"off\",\"boot_ns\":20000000000}}");
	json = end(report);
	assert_int_equal(number(json, "guard", "clock_went_back", NULL), 1);
	json_array_foreach(json_object_get(json_object_get(json, "guard"), "intervals"), i,
			   interval)
		assert_true(number(interval, "seconds", NULL, NULL) >= 0);
}

/* A daemon that dies and comes back has not taken the guard off. */
static void test_died(void **state)
{
	struct psc_report *report = begin(NULL, "2026-02-01T12:00:00Z");
	_cleanup_json_ json_t *json = NULL;

	add(report, "{\"@timestamp\":\"2026-02-01T10:00:00Z\"," BOOT
		    ",\"proscribe\":{\"type\":\"start\",\"boot_ns\":10000000000,"
		    "\"attached_boot_ns\":10000000000,\"mode\":\"enforce\"}}");
	add(report, "{\"@timestamp\":\"2026-02-01T11:00:00Z\"," BOOT
		    ",\"proscribe\":{\"type\":\"start\",\"boot_ns\":3610000000000,"
		    "\"attached_boot_ns\":10000000000,\"mode\":\"enforce\"}}");
	json = end(report);
	assert_int_equal(number(json, "guard", "seconds", "died"), 3600);
	assert_int_equal(number(json, "guard", "seconds", "off"), 0);
	assert_int_equal(number(json, "guard", "seconds", "enforce"), 7200);
}

/* ---- days ---------------------------------------------------------------------------------- */

/* What was seen before the log begins is said again in it, with the time that it had. */
static void test_first_seen(void **state)
{
	struct psc_report *report = begin("2030-01-01", "2030-02-01");
	_cleanup_json_ json_t *json = NULL;
	const json_t *one;

	add(report, "{\"@timestamp\":\"2030-01-03T00:00:00Z\"," BOOT
		    ",\"proscribe\":{\"type\":\"first_seen\",\"product\":\"acme/tool\","
		    "\"first_seen\":\"2029-05-01T00:00:00Z\",\"how\":\"attempt\","
		    "\"path\":\"/a\",\"again\":true}}");
	/* a time to come is nobody's sighting */
	add(report, "{\"@timestamp\":\"2030-01-03T00:00:00Z\"," BOOT
		    ",\"proscribe\":{\"type\":\"first_seen\",\"product\":\"acme/tool\","
		    "\"first_seen\":\"2031-05-01T00:00:00Z\",\"how\":\"attempt\","
		    "\"again\":true}}");
	assert_true(psc_report_first_seen(report) == at("2029-05-01T00:00:00Z"));
	json = end(report);
	one = json_array_get(json_object_get(json, "products"), 0);
	assert_string_equal(json_string_value(json_object_get(one, "first_seen")),
			    "2029-05-01T00:00:00Z");
	assert_string_equal(json_string_value(json_object_get(one, "last_seen")),
			    "2029-05-01T00:00:00Z");
}

#define SCAN(day, kind, result)                                                                    \
	"{\"@timestamp\":\"2030-01-" day "T00:00:00Z\"," BOOT                                      \
	",\"proscribe\":{\"type\":\"scan\",\"scan\":{\"result\":\"" result                         \
	"\",\"scope\":[{\"kind\":\"" kind                                                          \
	"\",\"path\":\"/\"}],\"products\":[{\"product\":\"acme/tool\",\"confidence\":\"high\","    \
	"\"findings\":1}]}}}"

/* The last one of this host in the period speaks for it; one of an image does not. */
static void test_scan(void **state)
{
	struct psc_report *report = begin("2030-01-05", "2030-02-01");
	_cleanup_json_ json_t *json = NULL;

	assert_null(psc_report_scan(report));
	add(report, SCAN("06", "image", "nil"));
	assert_null(psc_report_scan(report));
	assert_true(psc_report_first_seen(report) == 0);
	add(report, SCAN("03", "host", "nil"));
	assert_null(psc_report_scan(report));
	assert_true(psc_report_first_seen(report) == at("2030-01-03T00:00:00Z"));
	add(report, SCAN("07", "host", "nil"));
	add(report, SCAN("08", "host", "found"));
	assert_string_equal(json_string_value(json_object_get(psc_report_scan(report), "result")),
			    "found");
	json = end(report);
}

/*
 * Somebody took the guard away, or off while no daemon ran: told by the daemon after it, with nothing
 * from the one before. Or the daemon saw it.
 */
static void taken_away(const char *absence)
{
	struct psc_report *report = begin("2030-01-01", "2030-01-02");
	_cleanup_json_ json_t *json = NULL;

	add(report, "{\"@timestamp\":\"2030-01-01T00:00:00Z\"," BOOT
		    ",\"proscribe\":{\"type\":\"start\",\"mode\":\"enforce\",\"boot_ns\":1,"
		    "\"attached_boot_ns\":1}}");
	add(report, absence);
	add(report, "{\"@timestamp\":\"2030-01-01T01:00:00Z\"," BOOT
		    ",\"proscribe\":{\"type\":\"start\",\"mode\":\"enforce\","
		    "\"boot_ns\":3600000000001,\"attached_boot_ns\":3600000000001}}");
	add(report, "{\"@timestamp\":\"2030-01-01T02:00:00Z\"," BOOT
		    ",\"proscribe\":{\"type\":\"tamper\",\"what\":\"pins\",\"guard\":\"on\"}}");
	json = end(report);
	assert_int_equal(number(json, "guard", "seconds", "enforce"), 20 * 60 + 3600);
	assert_int_equal(number(json, "guard", "seconds", "off"), 40 * 60);
	assert_int_equal(number(json, "guard", "seconds", "unknown"), 22 * 3600);
	assert_int_equal(number(json, "losses", "totals", "tamper"), 1);
}

static void test_taken_away(void **state)
{
#define ABSENCE(reason)                                                                            \
	"{\"@timestamp\":\"2030-01-01T01:00:00Z\"," BOOT                                           \
	",\"proscribe\":{\"type\":\"guard_off\",\"reason\":\"" reason "\","                        \
	"\"from\":\"2030-01-01T00:20:00Z\"}}"
	taken_away(ABSENCE("lost"));
	taken_away(ABSENCE("off"));
}

static void test_days(void **state)
{
	static const struct {
		const char *from;
		unsigned int days;
		bool business;
		const char *due;
	} cases[] = {
		/* 2026-11-20 is a Friday */
		{"2026-11-20T23:59:59Z", 3, true, "2026-11-25"},
		{"2026-11-20T00:00:00Z", 1, true, "2026-11-23"},
		{"2026-11-21T12:00:00Z", 1, true, "2026-11-23"},
		{"2026-11-22T12:00:00Z", 3, true, "2026-11-25"},
		{"2026-11-23T12:00:00Z", 10, true, "2026-12-07"},
		{"2026-11-23T12:00:00Z", 5, true, "2026-11-30"},
		{"2026-11-23T12:00:00Z", 0, true, "2026-11-23"},
		{"2024-02-28T12:00:00Z", 2, false, "2024-03-01"},
		{"2017-09-13T04:00:00Z", 30, false, "2017-10-13"},
		{"2017-09-13T04:00:00Z", 90, false, "2017-12-12"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[PSC_TIME_TEXT_MAX];

		psc_time_format_seconds(
			psc_report_days_after(at(cases[i].from), cases[i].days, cases[i].business),
			text);
		assert_memory_equal(text, cases[i].due, 10);
	}
}

static int64_t offset;

static int64_t offset_at(uint64_t at)
{
	return offset;
}

/* The day is the one that calendars show in the zone. */
static void test_zones(void **state)
{
	static struct psc_report_duty duties[] = {
		{.id = (char *)"first",
		 .after = (char *)"first_seen",
		 .days = 3,
		 .business_days = true},
		{.id = (char *)"next", .after = (char *)"first", .days = 10, .business_days = true},
	};
	static const struct {
		int64_t offset;
		const char *seen, *first, *next;
	} cases[] = {
		/* a Monday in UTC, still Sunday in the west, as early as Tuesday in the east */
		{0, "2026-11-23T02:00:00Z", "2026-11-26", "2026-12-10"},
		{-5 * 3600, "2026-11-23T02:00:00Z", "2026-11-25", "2026-12-09"},
		{13 * 3600, "2026-11-23T12:00:00Z", "2026-11-27", "2026-12-11"},
	};
	const struct psc_profile with_duties = {.duties = duties, .duty_count = 2};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct psc_report_facts facts = {.now = at("2026-12-01"),
						       .first_seen = at(cases[i].seen),
						       .offset = offset_at};
		struct psc_report_due due;
		char text[PSC_TIME_TEXT_MAX];

		offset = cases[i].offset;
		psc_report_due_of(&with_duties, 0, &facts, &due);
		assert_true(due.begins == facts.first_seen);
		assert_memory_equal(psc_time_format_seconds(due.due, text), cases[i].first, 10);
		psc_report_due_of(&with_duties, 1, &facts, &due);
		assert_true(due.assumed);
		assert_memory_equal(psc_time_format_seconds(due.due, text), cases[i].next, 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nonsense),   cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_clock_back), cmocka_unit_test(test_died),
		cmocka_unit_test(test_first_seen), cmocka_unit_test(test_scan),
		cmocka_unit_test(test_taken_away), cmocka_unit_test(test_zones),
		cmocka_unit_test(test_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
