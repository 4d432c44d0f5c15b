/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_log.c - `proscribe log` and `log stats`: which records the options select, what they
 * are counted as, and that nothing in a record breaks a line or reaches a terminal.
 */
#include <ctype.h>

#include "tests/unit/cli_harness.h"

#include "user/cli/output.h"
#include "user/core/event_json.h"

static const struct psc_verb *const verb_table[] = {&psc_verb_log, &psc_verb_log_stats, NULL};

#define RUN(f, ...)	  run_array(f, verb_table, (char *[]){(char *)"proscribe", __VA_ARGS__, NULL})
#define LOG(f, ...)	  RUN(f, "log", "--dir", f->directory, __VA_ARGS__)
#define LOG_STATS(f, ...) RUN(f, "log", "stats", "--dir", f->directory, __VA_ARGS__)

#define CHAIN(n)                                                                                   \
	"{\"chain\":{\"sequence\":" #n ",\"previous\":"                                            \
	"\"0000000000000000000000000000000000000000000000000000000000000000\"},"
#define DECISION(n, time, op, verdict, pid, more)                                                  \
	CHAIN(n)                                                                                   \
	"\"@timestamp\":\"" time "\",\"event\":{\"action\":\"" op "\"},\"file\":{\"path\":\"/p" #n \
	"\"},\"process\":{\"pid\":" #pid ",\"name\":\"sh\"},\"user\":{\"id\":\"0\"}," more         \
	"\"proscribe\":{\"type\":\"decision\",\"op\":\"" op "\",\"verdict\":\"" verdict "\""

static const char records[] = DECISION(1, "2026-01-01T00:00:01.000000Z", "exec", "deny", 11,
				       "") ",\"product\":\"v/tool\"}}\n" //
	DECISION(2, "2026-01-01T12:00:00.000000Z", "exec", "record", 12, //
		 "\"container\":{\"id\":\"3f1c00000000\",\"runtime\":\"docker\"},"
		 "\"orchestrator\":{\"resource\":{\"id\":\"9a53-pod\"}},") //
	",\"unverified\":\"writer\"}}\n"				   //
	DECISION(3, "2026-01-01T13:00:00.000000Z", "exec", "record", 12,
		 "") ",\"unverified\":\"writer\",\"repeats\":40}}\n" //
	DECISION(4, "2026-01-02T00:00:00.000000Z", "open", "would_deny", 112,
		 "") ",\"product\":\"v/other\"}}\n" //
	CHAIN(5) "\"@timestamp\":\"2026-01-02T00:00:00.000001Z\",\"event\":{\"action\":\"late\"},"
		 "\"proscribe\":{\"type\":\"late\",\"pid\":11},\"message\":\"was running\"}\n";

static int setup(void **state)
{
	struct fixture *f = fixture_new();
	char path[128];

	if (!f)
		return -1;
	snprintf(path, sizeof(path), "%s/audit-20260101T000000Z.jsonl", f->directory);
	put_file(path, records);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	return fixture_free(*state);
}

/* The numbers of the records that were printed, in their order. */
static void assert_printed(const struct fixture *f, const char *numbers)
{
	char found[64] = "";

	for (const char *p = f->out; p && *p; p = strchr(p, '\n') + 1) {
		const char *path = strstr(p, "/p"), *end = strchr(p, '\n');
		size_t used = strlen(found);

		snprintf(found + used, sizeof(found) - used, "%c",
			 path && path < end ? path[2] : '5');
	}
	assert_string_equal(found, numbers);
}

/* What observe mode saw is not shown to people who did not ask for it. */
static void test_seen(void **state)
{
	static const char seen[] = CHAIN(1) "\"@timestamp\":\"2026-01-01T00:00:01.000000Z\","
					    "\"event\":{\"action\":\"seen\"},"
					    "\"proscribe\":{\"type\":\"seen\",\"op\":\"exec\"},"
					    "\"message\":\"seen execution\"}\n";
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/audit-20260101T000000Z.jsonl", f->directory);
	put_file(path, seen);
	assert_int_equal(LOG(f, NULL), 0);
	assert_string_equal(f->out, "");
	assert_contains(f->err, "1 records of what observe mode saw are left out");
	assert_int_equal(LOG(f, (char *)"--action", (char *)"seen"), 0);
	assert_contains(f->out, "seen execution");
	assert_string_equal(f->err, "");
	assert_int_equal(LOG(f, (char *)"--json"), 0);
	assert_contains(f->out, "seen execution");
}

static void test_filters(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *option, *value, *printed;
	} table[] = {
		{"--since", "2026-01-01T12:00:00Z", "2345"},
		{"--since", "2026-01-02T00:00:00.0000005Z", "5"},
		{"--until", "2026-01-01T12:00:00Z", "12"},
		{"--until", "2026-01-02", "1234"},
		{"--until", "2025-12-01", ""},
		{"--verdict", "record", "23"},
		{"--op", "open", "4"},
		{"--action", "exec", "123"},
		{"--action", "late", "5"},
		{"--product", "V/TOOL", "1"},
		{"--pid", "11", "15"},
		{"--pid", "12", "23"},
		{"--container", "3f1c", "2"},
		{"--container", "9a53", "2"},
		{"--container", "f1c", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(LOG(f, (char *)table[i].option, (char *)table[i].value), 0);
		assert_printed(f, table[i].printed);
	}
	assert_int_equal(LOG(f, "--op", "exec", "--pid", "12", "--since", "2026-01-01T12:30:00Z"),
			 0);
	assert_printed(f, "3");
	LOG(f, "--pid", "12");
	assert_contains(f->out, "sh(12) uid 0  in docker 3f1c00000000\n");
	assert_contains(f->out, "(40 times more)\n");
}

static void test_refused_options(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(LOG(f, "--pid", "0"), 2);
	assert_int_equal(LOG(f, "--pid", "1x"), 2);
	assert_int_equal(LOG(f, "--pid", "99999999999"), 2);
	assert_int_equal(LOG(f, "--container", ""), 2);
	assert_int_equal(LOG(f, "--action", "a\"b"), 2);
	assert_int_equal(LOG(f, "--until", "later"), 2);
	assert_int_equal(LOG(f, "--until", "1h", "--follow"), 2);
	assert_int_equal(LOG_STATS(f, "--verdict", "no"), 2);
}

static void test_stats(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	assert_int_equal(LOG_STATS(f, "--json"), 0);
	json = envelope(f, "log stats", "data");
	assert_int_equal(psc_json_number(json, "data.records", 0), 5);
	assert_int_equal(psc_json_number(json, "data.attempts", 0), 43);
	assert_int_equal(psc_json_number(json, "data.repeats", 0), 40);
	assert_int_equal(psc_json_number(json, "data.by_verdict.record", 0), 41);
	assert_int_equal(psc_json_number(json, "data.by_product.v/tool.deny", 0), 1);
	assert_int_equal(psc_json_number(json, "data.by_product.(none).record", 0), 41);
	assert_int_equal(psc_json_number(json, "data.by_day.2026-01-01.record", 0), 41);
	assert_int_equal(psc_json_number(json, "data.by_operation.open.would_deny", 0), 1);
	assert_int_equal(psc_json_number(json, "data.by_type.late", 0), 1);
	assert_string_equal(psc_json_text(json, "data.first", ""), "2026-01-01T00:00:01.000000Z");
	assert_string_equal(psc_json_text(json, "data.last", ""), "2026-01-02T00:00:00.000001Z");
	json_decref(json);
	assert_int_equal(LOG_STATS(f, "--op", "exec"), 0);
	assert_string_equal(
		f->out, "3 records with 42 attempts, 40 of them repeats\n"
			"first  2026-01-01T00:00:01.000000Z\n"
			"last   2026-01-01T13:00:00.000000Z\n\n"
			"operation       allow      record        deny  would_deny         all\n"
			"exec                0          41           1           0          42\n\n"
			"product       allow      record        deny  would_deny         all\n"
			"(none)            0          41           0           0          41\n"
			"v/tool            0           0           1           0           1\n\n"
			"day              allow      record        deny  would_deny         all\n"
			"2026-01-01           0          41           1           0          42\n\n"
			"records\n"
			"          3  decision\n");
	assert_int_equal(LOG_STATS(f, "--since", "2027-01-01"), 0);
	assert_string_equal(f->out, "0 records with 0 attempts\n");
}

/* A log with more names than anybody wants to see costs no more memory than that. */
static void test_stats_bounded(void **state)
{
	struct fixture *f = *state;
	char path[128];
	json_t *json;
	FILE *file;

	snprintf(path, sizeof(path), "%s/audit-20260101T000000Z.jsonl", f->directory);
	file = fopen(path, "we");
	for (int n = 0; n < 5000; n++)
		fprintf(file,
			"{\"proscribe\":{\"type\":\"decision\",\"product\":\"p%d\",\"verdict\":"
			"\"deny\",\"op\":\"exec\"}}\n",
			n);
	fclose(file);
	assert_int_equal(LOG_STATS(f, "--json"), 0);
	json = envelope(f, "log stats", "data");
	assert_int_equal(json_object_size(psc_json_at(json, "data.by_product")), 2001);
	assert_int_equal(psc_json_number(json, "data.by_product.(others).deny", 0), 3000);
	json_decref(json);
}

/* ---- what is hostile ------------------------------------------------------------------------- */

/* Nothing but printable text and the newlines of as many lines. */
static void assert_tame(const char *text, size_t lines)
{
	size_t newlines = 0;

	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '\n')
			newlines++;
		else if (*p < 0x20 || *p == 0x7f)
			fail_msg("byte 0x%02x in: %s", *p, text);
		/* C1 controls, marks of direction, separators of lines */
		else if ((p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) ||
			 (p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae))
			fail_msg("invisible letter in: %s", text);
	}
	assert_int_equal(newlines, lines);
}

static const char hostile[] = "/a\n2026-01-01 deny\033]0;x\a\r\x7f\x9b"
			      "31m\xc2\x9b\xe2\x80\xae\xff\"\\";

/* The name of a file and of a process, on their way through the record. */
static void test_hostile_names(void **state)
{
	static struct psc_event e;
	struct psc_event_context context = {.hostname = hostile,
					    .product = hostile,
					    .layer = hostile,
					    .boot_to_wall_ns = 1767323000000000000};
	struct fixture *f = *state;
	char path[128], *text;
	json_t *record;
	FILE *file;

	e.head.type = PSC_EVENT_DECISION;
	e.path_length = sizeof(hostile) - 1;
	memcpy(e.path, hostile, sizeof(hostile));
	memcpy(e.process.comm, hostile, sizeof(e.process.comm));
	assert_int_equal(psc_event_to_json(&e, &context, &record), 0);
	text = json_dumps(record, JSON_COMPACT);
	assert_tame(text, 0);
	snprintf(path, sizeof(path), "%s/audit-20260101T000000Z.jsonl", f->directory);
	file = fopen(path, "we");
	fprintf(file, "%s\n", text);
	fclose(file);
	free(text);
	json_decref(record);
	assert_int_equal(RUN(f, "log", "--dir", f->directory), 0);
	assert_tame(f->out, 1);
	assert_contains(f->out, "/a\\x0a2026-01-01 deny\\x1b]0;x\\x07\\x0d\\x7f\\x9b31m");
	assert_int_equal(LOG(f, "--json"), 0);
	assert_tame(f->out, 3);
	assert_int_equal(RUN(f, "log", "stats", "--dir", f->directory), 0);
	assert_tame(f->out, 15);
	assert_int_equal(LOG_STATS(f, "--json"), 0);
	json_decref(envelope(f, "log stats", "data"));
}

/* A log that somebody else wrote: letters that no record of ours has, in every member. */
static void test_forged_log(void **state)
{
	static const char bad[] = "a\\u000a\\u001b[31m\\u009b\\u202e\\u2028";
	static const char *const lines[] = {
		"{\"@timestamp\":\"%1$s\",\"proscribe\":{\"type\":\"decision\",\"op\":\"%1$s\","
		"\"verdict\":\"%1$s\",\"product\":\"%1$s\",\"unverified\":\"%1$s\"},\"user\":{\"id\":"
		"\"%1$s\"},\"process\":{\"name\":\"%1$s\"},\"file\":{\"path\":\"%1$s\"},"
		"\"container\":{\"id\":\"%1$s\",\"runtime\":\"%1$s\"}}\n",
		"{\"@timestamp\":\"%1$s\",\"proscribe\":{\"type\":\"%1$s\",\"%1$s\":1},\"message\":"
		"\"%1$s\"}\n",
	};
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/audit-20260101T000000Z.jsonl", f->directory);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		FILE *file = fopen(path, "we");

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		fprintf(file, lines[i], bad);
#pragma GCC diagnostic pop
		fclose(file);
		assert_int_equal(RUN(f, "log", "--dir", f->directory), 0);
		assert_tame(f->out, 1);
		assert_int_equal(LOG(f, "--json"), 0);
		assert_tame(f->out, 3);
		assert_int_equal(RUN(f, "log", "stats", "--dir", f->directory), 0);
		assert_tame(f->out, i ? 6 : 15);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_seen),       TEST(test_filters),	 TEST(test_refused_options),
		TEST(test_stats),      TEST(test_stats_bounded), TEST(test_hostile_names),
		TEST(test_forged_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
