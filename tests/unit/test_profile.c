/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_profile.c - profiles: every value, every refusal with its place, what lint finds.
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
#include "user/core/digest.h"
#include "user/core/profile.h"
#include "user/core/timefmt.h"
#include "tests/unit/refusal.h"

/* Everything a profile may hold; the refusals are this with one line replaced. */
static const char *const base[] = {
	"profile: p",
	"title: T",
	"authority: A",
	"summary: S",
	"source: X",
	"label: V",
	"advisory: false",
	"scope: us_person",
	"updated: 2026-11-22",
	"entities: [acme, other-1]",
	"exempt:", /* 11 */
	"  - class: c1",
	"    text: t",
	"    source: s",
	"    label: S",
	"phases:", /* 16 */
	"  - phase: one",
	"    title: t",
	"    from: 2024-01-01T00:00:00Z",
	"    note: n",
	"    source: s",
	"    label: V",
	"  - phase: two", /* 23 */
	"    title: t",
	"    from: 2024-02-01T00:00:00.000000001Z",
	"    source: s",
	"    label: A",
	"clauses:", /* 28 */
	"  - clause: k1",
	"    phase: one",
	"    text: t",
	"    source: s",
	"    label: V",
	"  - clause: k2", /* 34 */
	"    phase: two",
	"    text: t",
	"    source: s",
	"    label: V",
	"rules:", /* 39 */
	"  - rule: r1",
	"    clause: k1",
	"    basis: order",
	"    roles: [program, updater]",
	"    status: [covered_new]",
	"    operations: [exec, load]",
	"    action: deny",
	"    phase: two",
	"  - rule: r2", /* 48 */
	"    clause: k1",
	"    basis: site",
	"    roles: all",
	"    status: all",
	"    operations: all",
	"    action: record",
	"    until: two",
	"    reason: why",
	"  - rule: r3", /* 57 */
	"    clause: k2",
	"    basis: contract",
	"    roles: [library]",
	"    status: [embedded, exempt]",
	"    operations: [open]",
	"    action: allow",
	"    reason: because",
	"reports:", /* 65 */
	"  - report: d1",
	"    text: t",
	"    days: 3",
	"    business_days: true",
	"    after: first_seen",
	"    repeats: false",
	"    source: s",
	"    label: V",
	"  - report: d2", /* 74 */
	"    text: t",
	"    days: 30",
	"    business_days: false",
	"    after: d1",
	"    repeats: true",
	"    source: s",
	"    label: V",
};

/* The base with line @number (from 1) replaced; NULL leaves it out. The caller frees it. */
static char *edited(unsigned int number, const char *line)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(base); i++) {
		if (i + 1 != number)
			fprintf(f, "%s\n", base[i]);
		else if (line)
			fprintf(f, "%s\n", line);
	}
	assert_int_equal(fclose(f), 0);
	return text;
}

static struct psc_profile *parse(const char *text)
{
	struct psc_profile *profile = NULL;
	struct psc_error err = {0};
	char message[700];

	if (psc_profile_parse(text, strlen(text), "p.yaml", &profile, &err) < 0)
		fail_msg("%s", psc_error_format(&err, message, sizeof(message)));
	return profile;
}

static void check_rules(const struct psc_profile *profile)
{
	const uint64_t one = 1704067200 * PSC_NSEC_PER_SEC;
	const uint64_t two = 1706745600 * PSC_NSEC_PER_SEC + 1;

	assert_int_equal(profile->rule_count, 3);
	assert_string_equal(profile->rules[0].id, "r1");
	assert_int_equal(profile->rules[0].line, 40);
	assert_int_equal(profile->rules[0].clause, 0);
	assert_int_equal(profile->rules[0].basis, PSC_BASIS_ORDER);
	assert_int_equal(profile->rules[0].roles, 1 << PSC_ROLE_PROGRAM | 1 << PSC_ROLE_UPDATER);
	assert_int_equal(profile->rules[0].statuses, 1 << PSC_STATUS_COVERED_NEW);
	assert_int_equal(profile->rules[0].ops, 1 << PSC_OP_EXEC | 1 << PSC_OP_LOAD);
	assert_int_equal(profile->rules[0].action, PSC_ACTION_DENY);
	assert_true(profile->rules[0].from == two);
	assert_true(profile->rules[0].until == PSC_TIME_NEVER);
	assert_string_equal(profile->rules[0].reason, "");
	assert_int_equal(profile->rules[1].roles, (1 << PSC_ROLE_MAX) - 1);
	assert_int_equal(profile->rules[1].statuses, (1 << PSC_STATUS_MAX) - 1);
	assert_int_equal(profile->rules[1].ops, (1 << PSC_OP_MAX) - 1);
	assert_true(profile->rules[1].from == one);
	assert_true(profile->rules[1].until == two);
	assert_string_equal(profile->rules[1].reason, "why");
	assert_int_equal(profile->rules[2].clause, 1);
	assert_int_equal(profile->rules[2].basis, PSC_BASIS_CONTRACT);
	assert_int_equal(profile->rules[2].action, PSC_ACTION_ALLOW);
	assert_true(profile->rules[2].from == two);
}

static void test_everything(void **state)
{
	_cleanup_free_ char *text = edited(0, NULL);
	_cleanup_(psc_profile_freep) struct psc_profile *profile = parse(text);
	uint8_t digest[PSC_DIGEST_SIZE];

	assert_string_equal(profile->id, "p");
	assert_string_equal(profile->title, "T");
	assert_string_equal(profile->authority, "A");
	assert_string_equal(profile->summary, "S");
	assert_string_equal(profile->cite.source, "X");
	assert_int_equal(profile->cite.label, PSC_LABEL_VERIFIED);
	assert_false(profile->advisory);
	assert_string_equal(profile->scope, "us_person");
	assert_string_equal(profile->updated, "2026-11-22");
	assert_string_equal(profile->path, "p.yaml");
	assert_true(psc_profile_means(profile, "acme"));
	assert_true(psc_profile_means(profile, "other-1"));
	assert_false(psc_profile_means(profile, "acm"));
	assert_string_equal(psc_profile_exempts(profile, "c1")->text, "t");
	assert_int_equal(psc_profile_exempts(profile, "c1")->line, 12);
	assert_null(psc_profile_exempts(profile, ""));
	assert_int_equal(profile->phase_count, 2);
	assert_string_equal(profile->phases[0].note, "n");
	assert_string_equal(profile->phases[1].note, "");
	assert_int_equal(profile->phases[1].cite.label, PSC_LABEL_ANALYSIS);
	assert_int_equal(profile->clause_count, 2);
	assert_int_equal(profile->clauses[1].phase, 1);
	assert_int_equal(profile->duty_count, 2);
	assert_int_equal(profile->duties[0].days, 3);
	assert_true(profile->duties[0].business_days);
	assert_false(profile->duties[0].repeats);
	assert_string_equal(profile->duties[1].after, "d1");
	assert_true(profile->duties[1].repeats);
	check_rules(profile);
	assert_int_equal(psc_digest_buffer(text, strlen(text), digest), 0);
	assert_memory_equal(profile->digest, digest, sizeof(digest));
}

/* What may be left out, and sections in any order. */
static void test_optional(void **state)
{
	_cleanup_(psc_profile_freep) struct psc_profile *profile =
		parse("rules: [{rule: r, clause: k, basis: order, roles: all, status: all, "
		      "operations: all, action: deny}]\n"
		      "clauses: [{clause: k, phase: f, text: t, source: s, label: V}]\n"
		      "phases: [{phase: f, title: t, from: 1970-01-01T00:00:00Z, source: s, label: "
		      "V}]\n"
		      "profile: p\ntitle: t\nauthority: a\nsummary: s\nsource: x\nlabel: U\n"
		      "updated: 2024-02-29\nentities: [a]\n");

	assert_false(profile->advisory);
	assert_string_equal(profile->scope, "");
	assert_int_equal(profile->exempt_count, 0);
	assert_int_equal(profile->duty_count, 0);
	assert_true(profile->rules[0].from == PSC_TIME_ALWAYS);
	assert_int_equal(profile->cite.label, PSC_LABEL_UNVERIFIED);
}

static const struct {
	unsigned int edit; /* line of the base that is replaced */
	const char *by;	   /* NULL: left out */
	unsigned int line, column;
	const char *message; /* a part of it */
} refusals[] = {
	{1, NULL, 1, 1, "\"profile\" is missing"},
	{1, "profile:", 1, 1, "expected an id, found nothing"},
	{1, "profile: [p]", 1, 10, "expected an id, found a sequence"},
	{1, "profile: P", 1, 10, "not an id: expected at most 64 of a-z, 0-9"},
	{1, "profile: ../p", 1, 10, "not an id"},
	{1, "profile: .p", 1, 10, "not an id"},
	{1, "profile: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1, 10,
	 "not an id"},
	{2, NULL, 1, 1, "\"title\" is missing"},
	{2, "title: {a: b}", 2, 8, "expected a text, found a mapping"},
	{2, "title: \"a\\nb\"", 2, 9, "control character in a value"},
	{2, "tilte: T", 2, 1,
	 "unknown key \"tilte\": expected profile, title, authority, summary, source, label, "
	 "advisory, scope, updated, entities, exempt, phases, clauses, rules or reports"},
	{2, "profile: q", 2, 1, "duplicate key \"profile\""},
	{3, NULL, 1, 1, "\"authority\" is missing"},
	{4, NULL, 1, 1, "\"summary\" is missing"},
	{5, NULL, 1, 1, "\"source\" is missing"},
	{6, NULL, 1, 1, "\"label\" is missing"},
	{6, "label: W", 6, 8, "unknown label \"W\": expected V, S, U or A"},
	{6, "label:", 6, 1, "expected V, S, U or A, found nothing"},
	{7, "advisory: yes", 7, 11, "expected true or false, found \"yes\""},
	{7, "advisory: []", 7, 11, "expected true or false, found a sequence"},
	{8, "scope: US", 8, 8, "not the subject of an attestation: expected a-z"},
	{9, NULL, 1, 1, "\"updated\" is missing"},
	{9, "updated: yesterday", 9, 10, "not a day: expected one such as 2026-11-22"},
	{9, "updated: 2026-02-29", 9, 10, "not a day"},
	{9, "updated: 2026-11-22T00:00:00Z", 9, 10, "not a day"},
	{10, NULL, 1, 1, "\"entities\" is missing"},
	{10, "entities: acme", 10, 11, "expected a sequence of entities, found a value"},
	{10, "entities: []", 10, 11, "expected an entity, found none"},
	{10, "entities: [acme, acme]", 10, 18, "duplicate entity \"acme\""},
	{10, "entities: [a b]", 10, 12, "not an id"},
	{10, "entities: [[a]]", 10, 12, "expected an id, found a sequence"},
	{12, "  - class: [c]", 12, 12, "expected an id, found a sequence"},
	{12, "  - class: c1\n    text: t\n    source: s\n    label: S\n  - class: c1", 16, 12,
	 "duplicate class \"c1\""},
	{13, NULL, 12, 5, "\"text\" is missing"},
	{13, "    title: t", 13, 5, "unknown key \"title\": expected class, text, source or label"},
	{14, NULL, 12, 5, "\"source\" is missing"},
	{15, NULL, 12, 5, "\"label\" is missing"},
	{17, "  - phase: one two", 17, 12, "not an id"},
	{17, "  - phase: first_seen", 17, 12, "\"first_seen\" cannot be a phase"},
	{18, NULL, 17, 5, "\"title\" is missing"},
	{19, NULL, 17, 5, "\"from\" is missing"},
	{19, "    from: 2024-01-01", 19, 11,
	 "not an instant: expected an instant in UTC such as 2024-07-20T04:00:00Z"},
	{19, "    from: 2024-01-01T00:00:00-04:00", 19, 11, "not an instant"},
	{19, "    from: 2024-01-01 00:00:00Z", 19, 11, "not an instant"},
	{19, "    from: 2024-02-30T00:00:00Z", 19, 11, "not an instant"},
	{19, "    from: 1969-12-31T00:00:00Z", 19, 11, "not an instant"},
	{19, "    from: 2300-01-01T00:00:00Z", 19, 11, "not an instant"},
	{19, "    from: 2024-02-01T00:00:00.000000001Z", 25, 11, "not after the phase before it"},
	{19, "    from: 2024-02-01T00:00:00.000000002Z", 25, 11,
	 "not after the phase before it: expected phases in the order of time"},
	{20, "    note:", 20, 5, "expected a text, found nothing"},
	{21, NULL, 17, 5, "\"source\" is missing"},
	{22, NULL, 17, 5, "\"label\" is missing"},
	{23, "  - phase: one", 23, 12, "duplicate phase \"one\""},
	{23, "  - phase", 23, 5, "not valid YAML"},
	{29, "  - clause: k2", 34, 13, "duplicate clause \"k2\""},
	{30, NULL, 29, 5, "\"phase\" is missing"},
	{30, "    phase: three", 30, 12,
	 "unknown phase \"three\": expected the id of one under \"phases\""},
	{30, "    phase:", 30, 5, "expected a phase, found nothing"},
	{31, NULL, 29, 5, "\"text\" is missing"},
	{32, NULL, 29, 5, "\"source\" is missing"},
	{33, NULL, 29, 5, "\"label\" is missing"},
	{33, "    label: v", 33, 12, "unknown label \"v\""},
	{40, "  - rule: r2", 48, 11, "duplicate rule \"r2\""},
	{41, NULL, 40, 5, "\"clause\" is missing"},
	{41, "    clause: k3", 41, 13,
	 "unknown clause \"k3\": expected the id of one under \"clauses\""},
	{41, "    clause: {}", 41, 13, "expected a clause, found a mapping"},
	{42, NULL, 40, 5, "\"basis\" is missing"},
	{42, "    basis: law", 42, 12, "unknown basis \"law\": expected order, contract or site"},
	{42, "    basis: []", 42, 12, "expected order, contract or site, found a sequence"},
	{42, "    basis: contract", 40, 5,
	 "\"reason\" is missing: expected why, since the basis is contract"},
	{43, NULL, 40, 5, "\"roles\" is missing"},
	{43, "    roles: program", 43, 12,
	 "expected all, or a sequence ([a, b]): expected program, updater, ksn_client, installer, "
	 "library, database or uninstaller"},
	{43, "    roles: []", 43, 12, "expected all, or a sequence"},
	{43, "    roles: {}", 43, 12, "expected all, or a sequence"},
	{43, "    roles: [program, daemon]", 43, 22, "unknown role \"daemon\": expected program,"},
	{43, "    roles: [all]", 43, 13, "unknown role \"all\""},
	{43, "    roles: [program, program]", 43, 22, "duplicate role \"program\""},
	{43, "    roles: [[program]]", 43, 13, "expected program, updater"},
	{44, NULL, 40, 5, "\"status\" is missing"},
	{44, "    status: [new]", 44, 14,
	 "unknown status \"new\": expected covered_new, covered_legacy, embedded or exempt"},
	{45, NULL, 40, 5, "\"operations\" is missing"},
	{45, "    operations: [run]", 45, 18,
	 "unknown operation \"run\": expected exec, load, module, open, write, connect, spawn or "
	 "install"},
	{46, NULL, 40, 5, "\"action\" is missing"},
	{46, "    action: would_deny", 46, 13,
	 "unknown action \"would_deny\": expected allow, record or deny"},
	{46, "    action: [deny]", 46, 13, "expected allow, record or deny, found a sequence"},
	{47, "    phase: one", 47, 12,
	 "not later than the clause's phase \"one\": expected a later one, or no \"phase\""},
	{47, "    phase: three", 47, 12, "unknown phase \"three\""},
	{47, "    until: one", 47, 12, "ends before it begins: expected a phase after \"one\""},
	{47, "    phase: two\n    until: two", 48, 12, "ends before it begins"},
	{47, "    until: never", 47, 12, "unknown phase \"never\""},
	{47, "    reason:", 47, 5, "expected a text, found nothing"},
	{47, "    label: V", 47, 5,
	 "unknown key \"label\": expected rule, clause, basis, roles, status, operations, action, "
	 "phase, until or reason"},
	{56, NULL, 48, 5, "\"reason\" is missing: expected why, since the basis is site"},
	{66, "  - report: one", 66, 13, "\"one\" is a phase or first_seen: expected another id"},
	{66, "  - report: first_seen", 66, 13, "\"first_seen\" is a phase or first_seen"},
	{74, "  - report: d1", 74, 13, "duplicate report \"d1\""},
	{67, NULL, 66, 5, "\"text\" is missing"},
	{68, NULL, 66, 5, "\"days\" is missing"},
	{68, "    days: three", 68, 11,
	 "not a number of days: expected 0 to 3650, found \"three\""},
	{68, "    days: -1", 68, 11, "not a number of days"},
	{68, "    days: 3651", 68, 11, "not a number of days"},
	{68, "    days: 00000000000000000003", 68, 11, "not a number of days"},
	{68, "    days: [3]", 68, 11, "expected a number of days, found a sequence"},
	{69, NULL, 66, 5, "\"business_days\" is missing"},
	{69, "    business_days: 1", 69, 20, "expected true or false, found \"1\""},
	{70, NULL, 66, 5, "\"after\" is missing"},
	{70, "    after: d2", 70, 12,
	 "unknown \"d2\": expected first_seen, a phase or a report above this one"},
	{70, "    after: d1", 70, 12, "unknown \"d1\""},
	{70, "    after: []", 70, 12, "expected first_seen, a phase or a report, found a sequence"},
	{71, NULL, 66, 5, "\"repeats\" is missing"},
	{72, NULL, 66, 5, "\"source\" is missing"},
	{73, NULL, 66, 5, "\"label\" is missing"},
	{76, "    days: 0", 76, 11, "repeats every 0 days: expected 1 or more"},
	{81, "    label: V\n---\nprofile: p", 82, 1, "a second document"},
	{81, "    label: &a V", 81, 15, "anchors"},
	{81, "    label: 'V", 81, 0, "not valid YAML"},
	{81, "    label: \xff", 81, 12, "invalid UTF-8"},
};

static void check_refusal(const char *text, const struct refusal *expected)
{
	struct psc_profile *profile = (void *)1;
	struct psc_error err = {0};

	assert_int_equal(psc_profile_parse(text, strlen(text), "p.yaml", &profile, &err), -EINVAL);
	assert_ptr_equal(profile, (void *)1);
	assert_refused(&err, "p.yaml", expected);
	/* Nobody need listen. */
	assert_int_equal(psc_profile_parse(text, strlen(text), "p.yaml", &profile, NULL), -EINVAL);
}

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		_cleanup_free_ char *text = edited(refusals[i].edit, refusals[i].by);

		check_refusal(text, &(struct refusal){refusals[i].by ?: base[refusals[i].edit - 1],
						      refusals[i].line, refusals[i].column,
						      refusals[i].message});
	}
}

/* Whole texts, and sections without anything in them. */
static void test_refusals_whole(void **state)
{
	static const char head[] = "profile: p\ntitle: t\nauthority: a\nsummary: s\nsource: x\n"
				   "label: V\nupdated: 2024-02-29\nentities: [a]\n";
	static const struct refusal whole[] = {
		{"", 1, 1, "nothing in it: expected a profile"},
		{"---\n", 1, 1, "nothing in it: expected a profile"},
		{"p\n", 1, 1, "expected a mapping (key: value), found a value"},
		{"- profile: p\n", 1, 1, "expected a mapping (key: value)"},
	};
	/* behind the head */
	static const struct refusal cases[] = {
		{"", 1, 1, "\"phases\" is missing"},
		{"phases: []\nclauses: []\nrules: []\n", 9, 9,
		 "expected a sequence of phases, found none"},
		{"phases: {}\nclauses: []\nrules: []\n", 9, 9,
		 "expected a sequence of phases, found a mapping"},
		{"phases: [one]\nclauses: []\nrules: []\n", 9, 10,
		 "expected a mapping (key: value), found a value"},
		{"exempt: []\nphases: []\nclauses: []\nrules: []\n", 9, 9,
		 "expected a sequence of classes, found none"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		check_refusal(whole[i].text, &whole[i]);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;

		assert_true(asprintf(&text, "%s%s", head, cases[i].text) > 0);
		check_refusal(text, &cases[i]);
	}
}

static void test_too_much(void **state)
{
	_cleanup_free_ char *text = malloc(PSC_PROFILE_SIZE_MAX + 1);
	struct psc_profile *profile = NULL;
	struct psc_error err = {0};
	size_t size = 0;

	assert_non_null(text);
	memset(text, '#', PSC_PROFILE_SIZE_MAX + 1);
	assert_int_equal(psc_profile_parse(text, PSC_PROFILE_SIZE_MAX + 1, "p", &profile, &err),
			 -E2BIG);
	assert_int_equal(psc_profile_parse(text, PSC_PROFILE_SIZE_MAX, "p", &profile, &err),
			 -EINVAL);
	size = snprintf(text, PSC_PROFILE_SIZE_MAX, "entities: [");
	for (unsigned int i = 0; i <= PSC_PROFILE_ITEMS_MAX; i++)
		size += snprintf(text + size, PSC_PROFILE_SIZE_MAX - size, "\n  e%u,", i);
	size += snprintf(text + size, PSC_PROFILE_SIZE_MAX - size, "\n  ]\n");
	assert_int_equal(psc_profile_parse(text, size, "p", &profile, &err), -EINVAL);
	assert_string_equal(err.message, "more than 256 entities");
	assert_int_equal(err.line, PSC_PROFILE_ITEMS_MAX + 2);
	assert_null(profile);
}

/* ---- lint ----------------------------------------------------------------------- */

struct heard {
	unsigned int line;
	char message[PSC_ERROR_MESSAGE_SIZE];
	size_t count;
};

static void hear(const struct psc_remark *remark, void *data)
{
	struct heard *heard = data;

	if (!heard->count++) {
		heard->line = remark->line;
		memcpy(heard->message, remark->message, sizeof(heard->message));
	}
}

static const struct {
	unsigned int edit;
	const char *by;
	size_t count;
	unsigned int line; /* of the first remark */
	const char *message;
} remarks[] = {
	{0, NULL, 0, 0, ""},
	/* others of the same action cover all of it, one or two together */
	{40,
	 "  - rule: r0\n    clause: k1\n    basis: order\n    roles: [program, updater]\n"
	 "    status: all\n    operations: [exec, load, spawn]\n    action: deny\n"
	 "    phase: two\n  - rule: r1",
	 1, 48, "rule \"r1\" can never decide"},
	{56,
	 "    reason: why\n"
	 "  - rule: a\n    clause: k2\n    basis: order\n    roles: [updater]\n"
	 "    status: all\n    operations: [spawn, connect]\n    action: deny\n"
	 "  - rule: b\n    clause: k2\n    basis: order\n    roles: [updater]\n"
	 "    status: all\n    operations: [spawn, install]\n    action: deny\n"
	 "  - rule: c\n    clause: k2\n    basis: order\n    roles: [updater]\n"
	 "    status: [covered_new]\n    operations: [connect, install]\n    action: deny",
	 1, 71, "rule \"c\" can never decide: others are as strict and cover all of it"},
	/* in front it decides, although it is covered */
	{40,
	 "  - rule: r0\n    clause: k1\n    basis: order\n    roles: [program]\n"
	 "    status: [covered_new]\n    operations: [exec]\n    action: deny\n    phase: two\n"
	 "  - rule: r1",
	 0, 0, ""},
	/* a stricter one behind it */
	{63,
	 "    action: allow\n    reason: x\n  - rule: r4\n    clause: k1\n    basis: order\n"
	 "    phase: two\n    roles: [library]\n    status: all\n    operations: [open]\n"
	 "    action: deny",
	 1, 57, "rule \"r3\" can never decide"},
	{55, NULL, 2, 56, "rule \"r3\" can never decide"},
	{47, "    until: two", 1, 48,
	 "rule \"r2\" contradicts \"r1\": of the same clause and, in part, of"},
	{34,
	 "  - clause: k0\n    phase: two\n    text: t\n    source: s\n    label: V\n  - clause: "
	 "k2",
	 1, 34, "clause \"k0\" has no rule"},
	{23,
	 "  - phase: half\n    title: t\n    from: 2024-01-02T00:00:00Z\n    source: s\n"
	 "    label: V\n  - phase: two",
	 1, 23, "phase \"half\" has no clause, no rule and no report"},
	{6, "label: U", 1, 1, "labelled U"},
	{15, "    label: U", 1, 12, "labelled U"},
	{22, "    label: U", 1, 17, "labelled U"},
	{33, "    label: U", 1, 29, "labelled U"},
	{73, "    label: U", 1, 66, "labelled U: not verified, and never shown as a fact"},
	{43, "    roles: [uninstaller]", 1, 40, "rule \"r1\" refuses to run the uninstaller"},
	{43, "    roles: all", 1, 40, "rule \"r1\" refuses to run the uninstaller"},
};

static void test_lint(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(remarks); i++) {
		_cleanup_free_ char *text = edited(remarks[i].edit, remarks[i].by);
		_cleanup_(psc_profile_freep) struct psc_profile *profile = parse(text);
		struct heard heard = {0};
		size_t count = psc_profile_lint(profile, PSC_TIME_NEVER, hear, &heard);

		assert_int_equal(count, heard.count);
		if (heard.count != remarks[i].count || heard.line != remarks[i].line ||
		    !strstr(heard.message, remarks[i].message))
			fail_msg("%zu: %zu remarks, %u: %s", i, heard.count, heard.line,
				 heard.message);
		assert_int_equal(psc_profile_lint(profile, PSC_TIME_NEVER, NULL, NULL), count);
	}
}

/* Advice refuses nothing, so that it cannot keep anybody from removing. */
static void test_lint_advisory(void **state)
{
	_cleanup_free_ char *text = edited(7, "advisory: true");
	_cleanup_(psc_profile_freep) struct psc_profile *profile = parse(text);
	struct heard heard = {0};

	profile->rules[0].roles |= 1U << PSC_ROLE_UNINSTALLER;
	assert_int_equal(psc_profile_lint(profile, PSC_TIME_NEVER, hear, &heard), 0);
	profile->advisory = false;
	assert_int_equal(psc_profile_lint(profile, PSC_TIME_NEVER, hear, &heard), 1);
}

/* The day itself has begun: checked today is no remark. */
static void test_lint_updated(void **state)
{
	_cleanup_free_ char *text = edited(9, "updated: 2030-01-02");
	_cleanup_(psc_profile_freep) struct psc_profile *profile = parse(text);
	const uint64_t day = 1893542400ULL * 1000000000;
	struct heard heard = {0};

	assert_true(psc_profile_updated(profile) == day);
	assert_int_equal(psc_profile_lint(profile, day, hear, &heard), 0);
	assert_int_equal(psc_profile_lint(profile, day - 1, hear, &heard), 1);
	assert_int_equal(heard.line, 9);
	assert_non_null(strstr(heard.message, "updated 2030-01-02 is in the future"));
}

/* Without exempt classes a rule on what is exempt is one on nothing. */
static void test_lint_exempt(void **state)
{
	_cleanup_free_ char *text = edited(61, "    status: [exempt]");
	_cleanup_(psc_profile_freep) struct psc_profile *profile = parse(text);
	struct heard heard = {0};
	size_t count = profile->exempt_count;

	profile->exempt_count = 0;
	assert_int_equal(psc_profile_lint(profile, PSC_TIME_NEVER, hear, &heard), 1);
	assert_string_equal(heard.message,
			    "rule \"r3\" can never decide: nothing is exempt under this profile");
	profile->exempt_count = count;
}

/* ---- files and names ------------------------------------------------------------- */

static void test_load(void **state)
{
	char directory[] = "/tmp/psc-test-profile-XXXXXX";
	_cleanup_free_ char *text = edited(0, NULL);
	_cleanup_free_ char *good = NULL;
	_cleanup_free_ char *other = NULL;
	_cleanup_free_ char *unnamed = NULL;
	struct psc_profile *profile = NULL;
	struct psc_error err = {0};
	int fd;

	assert_non_null(mkdtemp(directory));
	assert_true(asprintf(&good, "%s/p.yaml", directory) > 0);
	assert_true(asprintf(&other, "%s/q.yaml", directory) > 0);
	assert_true(asprintf(&unnamed, "%s/.yaml", directory) > 0);
	fd = open(good, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(psc_profile_load(good, &profile, &err), 0);
	assert_string_equal(profile->path, good);
	profile = psc_profile_free(profile);
	assert_int_equal(rename(good, other), 0);
	assert_int_equal(psc_profile_load(other, &profile, &err), -EINVAL);
	assert_string_equal(err.message, "not what the file is named: expected \"q\"");
	assert_int_equal(err.line, 1);
	assert_int_equal(err.column, 10);
	assert_int_equal(psc_profile_load(good, &profile, &err), -ENOENT);
	assert_int_equal(psc_profile_load(unnamed, &profile, &err), -EINVAL);
	assert_string_equal(err.message, "not named as a profile: expected ID.yaml");
	assert_int_equal(psc_profile_load(directory, &profile, &err), -EINVAL);
	assert_int_equal(fchmod(fd, 0664), 0);
	assert_int_equal(psc_profile_load(other, &profile, &err), -EPERM);
	assert_null(profile);
	close(fd);
	unlink(other);
	rmdir(directory);
}

static void test_names(void **state)
{
	enum psc_label label = PSC_LABEL_MAX;
	enum psc_basis basis = PSC_BASIS_MAX;
	enum psc_status status = PSC_STATUS_MAX;
	enum psc_role role = PSC_ROLE_MAX;

	assert_null(psc_role_to_string(PSC_ROLE_MAX));
	assert_null(psc_status_to_string(PSC_STATUS_MAX));
	assert_null(psc_basis_to_string(PSC_BASIS_MAX));
	assert_null(psc_label_to_string(PSC_LABEL_MAX));
	assert_int_equal(psc_role_from_string("ksn_client", &role), 0);
	assert_int_equal(role, PSC_ROLE_KSN_CLIENT);
	assert_int_equal(psc_role_from_string("ksn-client", &role), -EINVAL);
	assert_int_equal(psc_status_from_string("embedded", &status), 0);
	assert_int_equal(status, PSC_STATUS_EMBEDDED);
	assert_int_equal(psc_status_from_string("", &status), -EINVAL);
	assert_int_equal(psc_basis_from_string("site", &basis), 0);
	assert_int_equal(basis, PSC_BASIS_SITE);
	assert_int_equal(psc_basis_from_string("Site", &basis), -EINVAL);
	assert_int_equal(psc_label_from_string("A", &label), 0);
	assert_int_equal(label, PSC_LABEL_ANALYSIS);
	assert_int_equal(psc_label_from_string("a", &label), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),    cmocka_unit_test(test_optional),
		cmocka_unit_test(test_refusals),      cmocka_unit_test(test_refusals_whole),
		cmocka_unit_test(test_too_much),      cmocka_unit_test(test_lint),
		cmocka_unit_test(test_lint_advisory), cmocka_unit_test(test_lint_updated),
		cmocka_unit_test(test_lint_exempt),   cmocka_unit_test(test_load),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
