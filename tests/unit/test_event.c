/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_event.c - ring records: truncated, oversized, every field out of range; and the
 * record of the audit log that becomes of one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "user/core/event.h"
#include "user/core/auditlog.h"
#include "user/core/event_json.h"
#include "user/core/who.h"
#include "user/core/json.h"

static const struct psc_event_context context = {
	.hostname = "host1",
	.boot_id = "0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11",
	.boot_to_wall_ns = 1767323000000000000,
	.product = "Some Tool",
	.name = "tool",
	.version = "1.2",
	.source = "ticket-12",
	.list = "/etc/proscribe/lists.d/local.csv",
	.list_line = 3,
	.layer = "/var/lib/layers/a",
};

static struct psc_event *sample(void)
{
	struct psc_event *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	e->head = (struct psc_event_head){
		.type = PSC_EVENT_DECISION,
		.flags = PSC_EVENT_DIGEST_VALID | PSC_EVENT_SCRIPT_INTERP,
		.length = sizeof(*e),
		.sequence = 7,
		.boot_ns = 45123456789,
		.cpu = 3,
	};
	e->generation = 5;
	e->wall_ns = 1767323045000000000;
	e->class = PSC_CLASS_FIRST;
	e->subject = PSC_SUBJECT_FIRST;
	e->op = PSC_OP_EXEC;
	e->action = PSC_ACTION_DENY;
	e->verdict = PSC_VERDICT_DENY;
	e->mode = PSC_MODE_ENFORCE;
	e->source = PSC_SOURCE_DIGEST;
	memset(e->digest, 0xab, sizeof(e->digest));
	e->size = 760000;
	e->inode = 18446744073709551615U;
	e->device = 8 << 20 | 1;
	e->inode_generation = 99;
	e->real_inode = 4711;
	e->real_device = 259 << 20 | 0xfffff;
	e->filesystem_magic = 0xef53;
	e->cgroup_id = 4242;
	e->mount_namespace = 4026531841;
	e->pid_namespace = 4026531836;
	e->process = (struct psc_event_process){
		.start_ns = 44000000000,
		.tgid = 1234,
		.tid = 1235,
		.uid = 1000,
		.gid = 100,
		.auid = 1000,
		.session = 2,
		.comm = "ba\nsh",
	};
	e->parent = (struct psc_event_process){
		.start_ns = 1000000000,
		.tgid = 1,
		.tid = 1,
		.auid = UINT32_MAX,
		.session = UINT32_MAX,
		.comm = "systemd",
	};
	strncpy(e->path, "/opt/tool/bin/to\xffol", sizeof(e->path) - 1);
	e->path_length = (uint16_t)strlen(e->path);
	return e;
}

static void test_valid(void **state)
{
	_cleanup_free_ struct psc_event *e = sample();
	const struct psc_event *got = NULL;
	size_t least = offsetof(struct psc_event, path) + e->path_length + 1U;

	assert_int_equal(psc_event_decode(e, sizeof(*e), &got), 0);
	assert_ptr_equal(got, e);
	e->head.length = (uint32_t)least;
	assert_int_equal(psc_event_decode(e, least, &got), 0);
	e->head.length = sizeof(*e);
	e->head.type = PSC_EVENT_WANTED;
	assert_int_equal(psc_event_decode(e, sizeof(*e), &got), 0);
	e->head.type = PSC_EVENT_SEEN;
	assert_int_equal(psc_event_decode(e, sizeof(*e), &got), 0);
	/* the longest path */
	memset(e->path, 'x', sizeof(e->path) - 1);
	e->path_length = sizeof(e->path) - 1;
	assert_int_equal(psc_event_decode(e, sizeof(*e), &got), 0);
}

/* Every shorter and some longer sizes, with the length field left alone and set to match. */
static void test_sizes(void **state)
{
	_cleanup_free_ struct psc_event *e = sample();
	const size_t least = offsetof(struct psc_event, path) + e->path_length + 1U;
	const struct psc_event *got = NULL;

	for (size_t size = 0; size <= sizeof(*e) + 16; size++) {
		_cleanup_free_ uint8_t *exact = malloc(size + 1);
		struct psc_event_head *head = (void *)exact;

		memset(exact, 0, size + 1);
		memcpy(exact, e, size < sizeof(*e) ? size : sizeof(*e));
		assert_int_equal(psc_event_decode(exact, size, &got),
				 size == sizeof(*e) ? 0 : -EBADMSG);
		if (size < sizeof(*head))
			continue;
		head->length = (uint32_t)size;
		assert_int_equal(psc_event_decode(exact, size, &got),
				 size >= least && size <= sizeof(*e) ? 0 : -EBADMSG);
	}
}

static void refused(struct psc_event *e)
{
	const struct psc_event *got = NULL;

	assert_int_equal(psc_event_decode(e, sizeof(*e), &got), -EBADMSG);
	assert_null(got);
}

#define REFUSED_WITH(change)                                                                       \
	do {                                                                                       \
		_cleanup_free_ struct psc_event *e = sample();                                     \
		change;                                                                            \
		refused(e);                                                                        \
	} while (0)

static void test_fields(void **state)
{
	REFUSED_WITH(e->head.length = sizeof(*e) - 1);
	REFUSED_WITH(e->head.length = 0);
	REFUSED_WITH(e->head.type = PSC_EVENT_NONE);
	REFUSED_WITH(e->head.type = PSC_EVENT_MAX);
	REFUSED_WITH(e->head.flags |= 1U << 7);
	REFUSED_WITH(e->interval = PSC_INTERVALS_MAX);
	REFUSED_WITH(e->class = PSC_CLASSES_MAX);
	REFUSED_WITH(e->subject = PSC_SUBJECTS_MAX);
	REFUSED_WITH(e->op = PSC_OP_MAX);
	REFUSED_WITH(e->action = PSC_ACTION_MAX);
	REFUSED_WITH(e->verdict = PSC_VERDICT_MAX);
	REFUSED_WITH(e->mode = PSC_MODE_MAX);
	REFUSED_WITH(e->unverified = PSC_UNVERIFIED_MAX);
	REFUSED_WITH(e->source = PSC_SOURCE_MAX);
	REFUSED_WITH(memset(e->process.comm, 'x', sizeof(e->process.comm)));
	REFUSED_WITH(memset(e->parent.comm, 'x', sizeof(e->parent.comm)));
	REFUSED_WITH(e->path_length++);
	REFUSED_WITH(e->path_length--);
	REFUSED_WITH(e->path_length = UINT16_MAX);
	REFUSED_WITH(e->path_length = sizeof(e->path));
	REFUSED_WITH(memset(e->path, 'x', sizeof(e->path)); e->path_length = sizeof(e->path) - 1);
	REFUSED_WITH(memset(e->path, 'x', sizeof(e->path)); e->path_length = sizeof(e->path));
}

static void test_misaligned(void **state)
{
	_cleanup_free_ struct psc_event *e = sample();
	_cleanup_free_ uint8_t *buffer = malloc(sizeof(*e) + 8);
	const struct psc_event *got = NULL;

	memcpy(buffer + 4, e, sizeof(*e));
	assert_int_equal(psc_event_decode(buffer + 4, sizeof(*e), &got), -EBADMSG);
}

static const char *const golden =
	"{\"@timestamp\":\"2026-01-02T03:04:05.123456Z\",\"ecs\":{\"version\":\"8.11.0\"},"
	"\"host\":{\"hostname\":\"host1\",\"boot\":{\"id\":"
	"\"0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11\"}},"
	"\"event\":{\"kind\":\"event\",\"category\":[\"process\"],\"type\":[\"start\",\"denied\"],"
	"\"action\":\"exec\",\"outcome\":\"failure\",\"sequence\":7,\"reason\":\"listed\"},"
	"\"file\":{\"path\":\"/opt/tool/bin/to\\\\xffol\",\"name\":\"to\\\\xffol\",\"size\":760000,"
	"\"inode\":\"18446744073709551615\",\"device\":\"8:1\",\"hash\":{\"sha256\":"
	"\"abababababababababababababababababababababababababababababababab\"}},"
	"\"process\":{\"pid\":1234,\"thread\":{\"id\":1235},\"name\":\"ba\\\\x0ash\","
	"\"start\":\"2026-01-02T03:04:04.000000Z\",\"user\":{\"id\":\"1000\"},"
	"\"group\":{\"id\":\"100\"},\"parent\":{\"pid\":1,\"thread\":{\"id\":1},"
	"\"name\":\"systemd\",\"start\":\"2026-01-02T03:03:21.000000Z\",\"user\":{\"id\":\"0\"},"
	"\"group\":{\"id\":\"0\"}}},\"user\":{\"id\":\"1000\"},\"group\":{\"id\":\"100\"},"
	"\"proscribe\":{\"schema\":1,\"type\":\"decision\",\"op\":\"exec\",\"action\":\"deny\","
	"\"verdict\":\"deny\",\"mode\":\"enforce\",\"generation\":5,\"interval\":0,"
	"\"decided_at\":\"2026-01-02T03:04:05.000000Z\",\"class\":2,\"subject\":2,"
	"\"source\":\"digest\",\"product\":\"Some Tool\",\"name\":\"tool\",\"version\":\"1.2\","
	"\"list_source\":\"ticket-12\",\"list\":\"/etc/proscribe/lists.d/local.csv\","
	"\"list_line\":3,\"layer\":\"/var/lib/layers/a\",\"cpu\":3,\"auid\":1000,\"session\":2,\"cgroup_id\":4242,"
	"\"mount_namespace\":4026531841,\"pid_namespace\":4026531836,\"filesystem_magic\":61267,"
	"\"inode_generation\":99,\"real_inode\":\"4711\",\"real_device\":\"259:1048575\",\"path_truncated\":false,\"flags\":[\"script_interpreter\"],"
	"\"boot_ns\":45123456789},"
	"\"message\":\"denied execution of /opt/tool/bin/to\\\\xffol by ba\\\\x0ash[1234] uid 1000:"
	" listed as Some Tool\"}";

static void test_record(void **state)
{
	_cleanup_free_ struct psc_event *e = sample();
	_cleanup_json_ json_t *json = NULL;
	_cleanup_free_ char *text = NULL;

	assert_int_equal(psc_event_to_json(e, &context, &json), 0);
	text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, golden);
}

static const char *text_at(const json_t *json, const char *a, const char *b)
{
	return json_string_value(json_object_get(json_object_get(json, a), b));
}

/* What ran in observe mode without being listed: nothing was decided. */
static void test_record_seen(void **state)
{
	_cleanup_free_ struct psc_event *e = sample();
	_cleanup_json_ json_t *json = NULL;
	const json_t *own;

	e->head.type = PSC_EVENT_SEEN;
	e->head.flags = PSC_EVENT_PATH_TRUNCATED;
	e->head.attempts = 4;
	e->verdict = e->action = e->mode = 0;
	assert_int_equal(psc_event_to_json(e, &context, &json), 0);
	own = json_object_get(json, "proscribe");
	assert_string_equal(text_at(json, "proscribe", "type"), "seen");
	assert_string_equal(text_at(json, "proscribe", "op"), "exec");
	assert_string_equal(text_at(json, "event", "action"), "seen");
	assert_string_equal(text_at(json, "user", "id"), "1000");
	assert_int_equal(json_integer_value(json_object_get(own, "attempts")), 4);
	assert_true(json_is_true(json_object_get(own, "path_truncated")));
	assert_null(json_object_get(own, "verdict"));
	assert_null(json_object_get(own, "decided_at"));
	assert_non_null(
		strstr(json_string_value(json_object_get(json, "message")), "seen execution of "));
}

/* Nothing is known besides the event; observe mode; a doubt; no path. */
static void test_record_bare(void **state)
{
	static const struct psc_event_context nothing = {};
	_cleanup_free_ struct psc_event *e = sample();
	_cleanup_json_ json_t *json = NULL;
	const json_t *own, *file;

	e->subject = PSC_SUBJECT_NONE;
	e->class = PSC_CLASS_NONE;
	e->op = PSC_OP_LOAD;
	e->mode = PSC_MODE_OBSERVE;
	e->verdict = PSC_VERDICT_WOULD_DENY;
	e->unverified = PSC_UNVERIFIED_WRITER;
	e->head.flags = PSC_EVENT_PATH_MISSING;
	e->path[0] = '\0';
	e->path_length = 0;
	e->inode = 0;
	e->device = 0;
	e->process.auid = UINT32_MAX;
	assert_int_equal(psc_event_to_json(e, &nothing, &json), 0);
	own = json_object_get(json, "proscribe");
	file = json_object_get(json, "file");
	assert_string_equal(text_at(json, "proscribe", "unverified"), "writer");
	assert_string_equal(text_at(json, "proscribe", "verdict"), "would_deny");
	assert_string_equal(text_at(json, "event", "outcome"), "success");
	assert_string_equal(text_at(json, "event", "reason"), "unverified: writer");
	assert_string_equal(
		json_string_value(json_array_get(
			json_object_get(json_object_get(json, "event"), "category"), 0)),
		"library");
	assert_null(json_object_get(own, "product"));
	assert_null(json_object_get(own, "auid"));
	assert_null(json_object_get(file, "path"));
	assert_null(json_object_get(file, "hash"));
	assert_null(json_object_get(file, "inode"));
	assert_null(json_object_get(file, "device"));
	assert_non_null(strstr(json_string_value(json_object_get(json, "message")),
			       "would deny loading of (no path)"));
}

/* No value of any field makes a record that fails, or text that is not safe. */
static void test_record_all(void **state)
{
	for (unsigned int op = 0; op < PSC_OP_MAX; op++)
		for (unsigned int verdict = 0; verdict < PSC_VERDICT_MAX; verdict++)
			for (unsigned int doubt = 0; doubt < PSC_UNVERIFIED_MAX; doubt++) {
				_cleanup_free_ struct psc_event *e = sample();
				_cleanup_json_ json_t *json = NULL;
				const struct psc_event *got;

				e->op = op;
				e->verdict = verdict;
				e->unverified = doubt;
				e->head.flags = PSC_EVENT_FLAGS_ALL;
				assert_int_equal(psc_event_decode(e, sizeof(*e), &got), 0);
				assert_int_equal(psc_event_to_json(got, &context, &json), 0);
				assert_non_null(text_at(json, "proscribe", "op"));
				assert_non_null(text_at(json, "proscribe", "verdict"));
				assert_int_equal(doubt != 0,
						 text_at(json, "proscribe", "unverified") != NULL);
			}
}

/* Bytes of every kind: quotes, controls, directions, what is no UTF-8. */
static size_t fill(char *to, size_t size, uint32_t *seed)
{
	for (size_t i = 0; i < size; i++) {
		*seed = *seed * 1103515245 + 12345;
		to[i] = (char)(*seed >> 24 ?: 1);
		if (i > 2 && *seed % 16 == 0)
			memcpy(to + i - 2, "\xe2\x80\xae", 3);
	}
	return size;
}

/*
 * Written without a tree, and the same to the byte as what a parser makes of it and writes again.
 * A buffer that is too small is an error, and nothing behind it is touched.
 */
static void test_text(void **state)
{
	static struct psc_who who;
	struct psc_event_context with = context;
	char text[PSC_AUDITLOG_LINE_MAX];
	uint32_t seed = 1;

	with.who = &who;
	who.process.known = who.parent.known = true;
	with.repeats = 3;
	for (unsigned int n = 0; n < 300; n++) {
		_cleanup_free_ struct psc_event *e = sample();
		_cleanup_json_ json_t *json = NULL;
		_cleanup_free_ char *again = NULL;
		size_t length = 0;

		e->path_length = (uint16_t)fill(e->path, seed % 1023, &seed);
		e->path[e->path_length] = '\0';
		fill(e->process.comm, seed % 15, &seed);
		e->head.type = PSC_EVENT_DECISION + n % 3;
		fill(who.process.executable, n, &seed);
		who.process.arguments_size = fill(who.process.arguments, n, &seed) + 1;
		fill(who.cgroup, n, &seed);
		fill(who.container.id, n % PSC_WHO_ID_MAX, &seed);
		assert_int_equal(psc_event_format(e, &with, text, sizeof(text), &length), 0);
		assert_int_equal(psc_json_parse(text, length, length, &json, NULL, NULL, 0), 0);
		again = json_dumps(json, JSON_COMPACT);
		assert_int_equal(strlen(again), length);
		assert_memory_equal(again, text, length);
		for (size_t size = n % 7; size < length; size += 1 + seed % 97) {
			memset(text + size, '#', length - size);
			assert_int_equal(psc_event_format(e, &with, text, size, &length),
					 -EMSGSIZE);
			for (size_t i = size; i < length; i++)
				assert_int_equal(text[i], '#');
		}
	}
}

static void test_own_record(void **state)
{
	_cleanup_json_ json_t *json = NULL;

	assert_int_equal(psc_record_new("reload_refused", &context, &json), 0);
	assert_int_equal(psc_record_message(json, "refused: %s", "a\nb\\x0a"), 0);
	assert_int_equal(psc_record_failed(json), 0);
	assert_int_equal(psc_record_set(json, "generation", json_integer(4)), 0);
	assert_int_equal(psc_record_set(json, "nothing", NULL), -ENOMEM);
	assert_int_equal(psc_record_set_string(json, "file", "x\ny"), 0);
	assert_int_equal(psc_record_set_string(json, "absent", NULL), 0);
	assert_string_equal(text_at(json, "proscribe", "type"), "reload_refused");
	assert_string_equal(text_at(json, "proscribe", "file"), "x\\x0ay");
	assert_null(text_at(json, "proscribe", "absent"));
	assert_string_equal(text_at(json, "event", "action"), "reload_refused");
	assert_string_equal(text_at(json, "event", "outcome"), "failure");
	assert_string_equal(text_at(json, "host", "hostname"), "host1");
	assert_string_equal(json_string_value(json_object_get(json, "message")),
			    "refused: a\\x0ab\\x0a");
	assert_string_not_equal(json_string_value(json_object_get(json, "@timestamp")), "");
}

static void test_wrong_type(void **state)
{
	_cleanup_free_ struct psc_event *e = sample();
	json_t *json = NULL;

	e->head.type = PSC_EVENT_NONE;
	assert_int_equal(psc_event_to_json(e, &context, &json), -EINVAL);
	assert_null(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),	    cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_fields),	    cmocka_unit_test(test_misaligned),
		cmocka_unit_test(test_record),	    cmocka_unit_test(test_record_bare),
		cmocka_unit_test(test_record_all),  cmocka_unit_test(test_own_record),
		cmocka_unit_test(test_wrong_type),  cmocka_unit_test(test_text),
		cmocka_unit_test(test_record_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
