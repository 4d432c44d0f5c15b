/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_changes.c - the records of what is different between two policies: who is named for
 * what, and that an object which came to its end was removed by nobody.
 */
#include "user/core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/daemon/changes.c"

#define NEW_YEAR 1798761600ULL /* 2027-01-01T00:00:00Z */

static json_t *records;

int psc_journal_record(struct psc_daemon *daemon, const char *type, json_t **ret)
{
	static const struct psc_event_context context = {.hostname = "host"};

	return psc_record_new(type, &context, ret);
}

int psc_journal_write(struct psc_daemon *daemon, json_t *record)
{
	return json_array_append_new(records, record);
}

static struct psc_object exemption = {
	.kind = PSC_OBJECT_EXEMPTION,
	.id = (char *)"EX-1",
	.reason = (char *)"test",
	.by = (char *)"CISO",
	.document = (char *)"",
	.until = NEW_YEAR * PSC_NSEC_PER_SEC,
	.digest = {1},
};

/* What @before and @after have of it; the last two: in force, over. */
static json_t *change(struct psc_object *before, struct psc_object *after, struct psc_object *over)
{
	struct psc_policy_set from = {.objects = {&before, before ? 1 : 0}};
	struct psc_policy_set to = {.objects = {&after, after ? 1 : 0},
				    .expired = {&over, over ? 1 : 0}};

	json_decref(records);
	records = json_array();
	psc_changes_record(NULL, &from, &to, "uid 0, pid 1");
	assert_true(json_array_size(records) <= 1);
	return json_array_get(records, 0);
}

static const char *own(const json_t *record, const char *key)
{
	return json_string_value(json_object_get(json_object_get(record, "proscribe"), key));
}

static void assert_change(const json_t *record, const char *what, const char *requester)
{
	assert_non_null(record);
	assert_string_equal(own(record, "change"), what);
	assert_string_equal(own(record, "id"), "EX-1");
	if (requester)
		assert_string_equal(own(record, "requester"), requester);
	else
		assert_null(own(record, "requester"));
}

static void test_people(void **state)
{
	struct psc_object altered = exemption;

	altered.digest[0]++;
	assert_null(change(&exemption, &exemption, NULL));
	assert_change(change(NULL, &exemption, NULL), "added", "uid 0, pid 1");
	assert_change(change(&exemption, NULL, NULL), "removed", "uid 0, pid 1");
	assert_change(change(&exemption, &altered, NULL), "changed", "uid 0, pid 1");
}

static void test_expired(void **state)
{
	const json_t *record = change(&exemption, NULL, &exemption);
	const char *created;

	assert_change(record, "expired", NULL);
	assert_string_equal(json_string_value(json_object_get(record, "@timestamp")),
			    "2027-01-01T00:00:00.000000Z");
	created = json_string_value(json_object_get(json_object_get(record, "event"), "created"));
	assert_non_null(created);
	assert_string_not_equal(created, "2027-01-01T00:00:00.000000Z");
	assert_string_equal(own(record, "by"), "CISO");
	assert_string_equal(own(record, "until"), "2027-01-01T00:00:00Z");
	assert_string_equal(json_string_value(json_object_get(record, "message")),
			    "exemption EX-1 expired");
}

/* Somebody cut it short: that was a change, by whoever had it read. */
static void test_ended_by_hand(void **state)
{
	struct psc_object shortened = exemption;

	shortened.digest[0]++;
	shortened.until = 5;
	assert_change(change(&exemption, NULL, &shortened), "changed", "uid 0, pid 1");
}

/* One that was over before is no news. */
static void test_over_before(void **state)
{
	assert_null(change(NULL, NULL, &exemption));
}

/* What comes of files and modes of two policies. */
static void change_inputs(const struct psc_policy *before, const struct psc_policy *after)
{
	json_decref(records);
	records = json_array();
	psc_changes_record_inputs(NULL, before, after, "uid 0, pid 1");
}

static void assert_record(size_t i, const char *type, const char *id, const char *what)
{
	const json_t *record = json_array_get(records, i);

	assert_string_equal(own(record, "type"), type);
	assert_string_equal(own(record, "id"), id);
	assert_string_equal(own(record, "change"), what);
	assert_string_equal(own(record, "requester"), "uid 0, pid 1");
	assert_int_equal(!own(record, "digest_before"), !strcmp(what, "added"));
	assert_int_equal(!own(record, "digest_after"), !strcmp(what, "removed"));
}

static void test_files(void **state)
{
	struct psc_input old[] = {
		{.path = (char *)"/c", .kind = PSC_INPUT_CONFIGURATION, .digested = true},
		{.path = (char *)"/l/a.csv", .kind = PSC_INPUT_LIST, .digested = true},
		{.path = (char *)"/l/b.csv", .kind = PSC_INPUT_LIST, .digested = true},
		{.path = (char *)"/p", .kind = PSC_INPUT_OTHER},
	};
	struct psc_input new[] = {
		{.path = (char *)"/c", .kind = PSC_INPUT_CONFIGURATION, .digested = true},
		{.path = (char *)"/l/a.csv", .kind = PSC_INPUT_LIST, .digested = true},
		{.path = (char *)"/l/c.csv", .kind = PSC_INPUT_LIST, .digested = true},
	};
	struct psc_config observe = {.mode = PSC_MODE_OBSERVE},
			  enforce = {.mode = PSC_MODE_ENFORCE};
	struct psc_policy before = {
		.config = &observe, .inputs = {old, ARRAY_SIZE(old)}, .catalog_known = true};
	struct psc_policy after = {
		.config = &enforce, .inputs = {new, ARRAY_SIZE(new)}, .catalog_known = true};

	change_inputs(&before, &before);
	assert_int_equal(json_array_size(records), 0);
	new[1].digest[0] = after.catalog[0] = 1;
	change_inputs(&before, &after);
	assert_int_equal(json_array_size(records), 5);
	assert_string_equal(own(json_array_get(records, 0), "type"), "mode");
	assert_string_equal(own(json_array_get(records, 0), "before"), "observe");
	assert_string_equal(own(json_array_get(records, 0), "mode"), "enforce");
	assert_record(1, "list", "/l/a.csv", "changed");
	assert_record(2, "list", "/l/c.csv", "added");
	assert_record(3, "list", "/l/b.csv", "removed");
	assert_record(4, "catalog", "all", "changed");
	/* what is in force at a start */
	change_inputs(NULL, &after);
	assert_int_equal(json_array_size(records), 4);
	assert_record(0, "configuration", "/c", "added");
	assert_record(3, "catalog", "all", "added");
}

static int teardown(void **state)
{
	json_decref(records);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_people),	      cmocka_unit_test(test_expired),
		cmocka_unit_test(test_ended_by_hand), cmocka_unit_test(test_over_before),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
