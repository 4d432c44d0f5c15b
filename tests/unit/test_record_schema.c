/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_record_schema.c - records against docs/record.schema.json, and that the schema would notice
 * what is missing, unknown or of another kind. Those that a whole daemon writes are held against
 * it after every boot of the lab.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/schema.h"
#include "user/core/auditlog.h"
#include "user/core/event_json.h"
#include "user/core/image.h"
#include "user/core/json.h"
#include "user/core/object.h"
#include "user/core/who.h"

static struct psc_image_reason reasons[] = {
	{.profile = "p", .clause = "c", .rule = "r", .object = "", .action = PSC_ACTION_DENY},
	{.profile = "site", .clause = "", .rule = "", .object = "o", .action = PSC_ACTION_RECORD},
};
static const struct psc_image_ruling ruling = {.count = 2, .reason = reasons};

static const struct psc_event_context context = {
	.hostname = "host\n",
	.boot_id = "0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11",
	.boot_to_wall_ns = 1767323000000000000,
	.product = "v/tool",
	.name = "tool",
	.version = "1.2",
	.source = "site",
	.list = "/etc/proscribe/lists.d/local.csv",
	.list_line = 3,
	.role = "program",
	.ruling = &ruling,
	.place = "/opt/tool",
	.layer = "/var/lib/layers/a",
};

static int setup(void **state)
{
	struct schema *s = calloc(1, sizeof(*s));

	s->root = json_load_file("docs/record.schema.json", JSON_REJECT_DUPLICATES, NULL);
	*state = s;
	return s->root ? 0 : -1;
}

static int teardown(void **state)
{
	struct schema *s = *state;

	json_decref((json_t *)s->root);
	free(s);
	return 0;
}

/* A line of the log begins with its link. */
static void chain_to(json_t *record)
{
	static const char zeros[] =
		"0000000000000000000000000000000000000000000000000000000000000000";

	json_object_set_new(record, "chain",
			    json_pack("{s:i,s:s}", "sequence", 1, "previous", zeros));
}

static void assert_holds(struct schema *s, const json_t *record)
{
	s->fault[0] = '\0';
	if (!schema_holds(s, s->root, record))
		fail_msg("%s", s->fault);
}

static void assert_fault(struct schema *s, json_t *record, const char *fault)
{
	s->fault[0] = '\0';
	assert_false(schema_holds(s, s->root, record));
	if (!strstr(s->fault, fault))
		fail_msg("'%s' is not in: %s", fault, s->fault);
}

static json_t *record_of(unsigned int type, const struct psc_event_process *process,
			 const struct psc_who *who)
{
	struct psc_event_context with = context;
	static struct psc_event e;
	json_t *record;

	with.who = who;

	e.head.type = (uint16_t)type;
	e.head.attempts = type == PSC_EVENT_SEEN;
	e.head.flags = PSC_EVENT_DIGEST_VALID | PSC_EVENT_SCRIPT_INTERP | PSC_EVENT_MPROTECT;
	e.inode = e.real_inode = 7;
	e.verdict = PSC_VERDICT_DENY;
	e.path_length = (uint16_t)snprintf(e.path, sizeof(e.path), "/a\n");
	e.process = *process;
	assert_int_equal(psc_event_to_json(&e, &with, &record), 0);
	chain_to(record);
	return record;
}

static void test_events(void **state)
{
	static const struct psc_event_process process = {.tgid = 1, .comm = "a\n"};
	static struct psc_who who = {
		.process = {.known = true, .executable = "/a", .arguments_size = 2},
		.cgroup = "/a",
		.container = {.id = "a", .runtime = "podman", .named = true, .pod = "u"},
	};
	static const unsigned int types[] = {PSC_EVENT_DECISION, PSC_EVENT_WANTED, PSC_EVENT_CLOCK,
					     PSC_EVENT_SEEN};
	struct schema *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		json_t *record = record_of(types[i], &process, NULL);

		assert_holds(s, record);
		json_decref(record);
		record = record_of(types[i], &process, &who);
		assert_holds(s, record);
		json_decref(record);
	}
	/* every operation and every reason has its name there */
	for (unsigned int n = 0; n < PSC_UNVERIFIED_MAX; n++) {
		struct psc_event e = {.head.type = PSC_EVENT_DECISION};
		json_t *record;

		e.unverified = (uint8_t)n;
		e.op = (uint8_t)(n % PSC_OP_MAX);
		e.verdict = (uint8_t)(n % PSC_VERDICT_MAX);
		assert_int_equal(psc_event_to_json(&e, &context, &record), 0);
		chain_to(record);
		assert_holds(s, record);
		json_decref(record);
	}
}

/* Every kind of object has a type of its own; all types tell what the daemon adds to them. */
static void test_own(void **state)
{
	struct schema *s = *state;
	json_t *record;

	assert_int_equal(psc_record_new("ring_loss", &context, &record), 0);
	chain_to(record);
	assert_fault(s, record, "message: is missing");
	psc_record_message(record, "lost");
	assert_fault(s, record, "proscribe.lost: is missing");
	psc_record_set(record, "lost", json_integer(3));
	psc_record_set(record, "lost_total", json_integer(3));
	assert_holds(s, record);
	psc_record_set(record, "lost", json_integer(-1));
	assert_fault(s, record, "proscribe.lost: is not as it should be (too small)");
	psc_record_set(record, "lost", json_string("3"));
	assert_fault(s, record, "proscribe.lost: is not as it should be (integer)");
	json_decref(record);
	for (unsigned int kind = 0; kind < PSC_OBJECT_KIND_MAX; kind++) {
		const char *name = psc_object_kind_to_string(kind);

		assert_int_equal(
			psc_record_new(kind == PSC_OBJECT_DECISION ? "legacy_decision" : name,
				       &context, &record),
			0);
		chain_to(record);
		psc_record_message(record, "%s", name);
		psc_record_set_string(record, "id", "a");
		psc_record_set_string(record, "change", "added");
		assert_holds(s, record);
		json_decref(record);
	}
}

static void test_faults(void **state)
{
	static const struct psc_event_process process = {.tgid = 1};
	struct schema *s = *state;
	json_t *record = record_of(PSC_EVENT_DECISION, &process, NULL), *copy;

	copy = json_deep_copy(record);
	json_object_set_new(copy, "extra", json_true());
	assert_fault(s, copy, "extra: is not known");
	json_decref(copy);
	copy = json_deep_copy(record);
	json_object_set_new(copy, "@timestamp", json_string("yesterday"));
	assert_fault(s, copy, "@timestamp: is not as it should be");
	json_decref(copy);
	copy = json_deep_copy(record);
	json_object_del(copy, "file");
	assert_fault(s, copy, "file: is missing");
	json_decref(copy);
	copy = json_deep_copy(record);
	psc_record_set_string(copy, "verdict", "perhaps");
	assert_fault(s, copy, "proscribe.verdict: is not as it should be (none of the values)");
	json_decref(copy);
	copy = json_deep_copy(record);
	psc_record_set_string(copy, "type", "gossip");
	assert_fault(s, copy, "proscribe.type: ");
	json_decref(copy);
	copy = json_deep_copy(record);
	json_object_del(json_object_get(json_object_get(copy, "process"), "parent"), "pid");
	assert_fault(s, copy, "process.parent.pid: is missing");
	json_decref(copy);
	json_decref(record);
	/* a schema that asks for more than is understood */
	copy = json_pack("{s:i}", "maxLength", 3);
	s->fault[0] = '\0';
	assert_false(schema_holds(s, copy, copy));
	assert_non_null(strstr(s->fault, "keyword"));
	json_decref(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
