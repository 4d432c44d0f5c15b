/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_indicator.c - rules of the catalog: every refusal with its place, every way to compare,
 * signers and their groups, the order of what matches.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/indicator.h"
#include "tests/unit/refusal.h"

#define PRODUCTS                                                                                   \
	"vendor: v\nentity: e\nproducts:\n"                                                        \
	"  - {product: tool, name: A Tool, source: s, label: V}\n"                                 \
	"  - {product: feed, name: A Feed, source: s, label: V}\n"                                 \
	"  - {product: other, name: Another, source: s, label: V}\n"

#define HEAD "vendor: v\nrules:\n"

/* A rule that is complete but for its conditions. */
#define RULE_OF(id, product, confidence)                                                           \
	"  - rule: " id "\n    product: " product                                                  \
	"\n    role: library\n    confidence: " confidence                                         \
	"\n    source: s\n    label: V\n    all:\n"
#define RULE(id)   RULE_OF(id, "tool", "high")
#define IF(fields) "      - {" fields "}\n"

static void parse(struct psc_indicators *indicators, const char *text)
{
	_cleanup_(psc_catalog_clear) struct psc_catalog catalog = {0};
	struct psc_error err = {0};

	assert_int_equal(psc_catalog_parse(&catalog, PRODUCTS, strlen(PRODUCTS), "p", &err), 0);
	if (psc_indicators_parse(indicators, &catalog, text, strlen(text), "i.yaml", &err) < 0)
		fail_msg("%u:%u: %s", err.line, err.column, err.message);
}

static struct psc_indicators *make(const char *text)
{
	struct psc_indicators *indicators;

	assert_int_equal(psc_indicators_new(&indicators), 0);
	parse(indicators, text);
	return indicators;
}

/* "KIND=value" of the thing itself, or of a signer: "KIND#GROUP=value". NULL ends. */
static void add_facts(struct psc_facts *facts, const char *const *texts)
{
	for (; *texts; texts++) {
		const char *equals = strchr(*texts, '=');
		unsigned int group = 0;
		enum psc_fact_kind kind;
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)(equals - *texts), *texts);
		if (strchr(name, '#')) {
			group = strtoul(strchr(name, '#') + 1, NULL, 10);
			*strchr(name, '#') = '\0';
		}
		assert_int_equal(psc_fact_from_string(name, &kind), 0);
		assert_int_equal(psc_facts_add(facts, kind, group, equals + 1, strlen(equals + 1)),
				 0);
	}
}

/* The ids of what matches, without the vendor, separated by blanks. */
static const char *match(const struct psc_indicators *indicators, const char *const *texts)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_(psc_matches_clear) struct psc_matches matches = {0};
	static char ids[400];
	size_t length = 0;

	add_facts(&facts, texts);
	assert_int_equal(psc_indicators_match(indicators, &facts, &matches), 0);
	ids[0] = '\0';
	for (size_t i = 0; i < matches.count; i++)
		length += snprintf(ids + length, sizeof(ids) - length, "%s%s", i ? " " : "",
				   matches.rule[i]->id + strlen("v/"));
	return ids;
}

#define MATCH(indicators, ...) match(indicators, (const char *const[]){__VA_ARGS__, NULL})

#define SIXTY_FOUR "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_parsed(void **state)
{
	_cleanup_(psc_indicators_freep) struct psc_indicators *indicators = make(
		HEAD
		"  - rule: one\n    product: tool\n    role: updater\n"
		"    confidence: medium\n    source: somewhere\n    label: S\n"
		"    all:\n" IF("fact: name, match: suffix, value: .x") IF(
			"fact: signer_cert_sha1, value: "
			"ABCDEFabcdef0123456789012345678901234567") IF("fact: marker, value: marker 1")
			RULE("two") IF("fact: marker, value: marker 2") IF(
				"fact: marker, value: marker 1") "rejected:\n  - {fact: marker, value: Bare, source: s, reason: r}\n");
	const struct psc_indicator *rule = psc_indicators_get(indicators, 0);
	const struct psc_rejected *rejected = psc_indicators_rejected(indicators, 0);
	const char *const *markers = psc_indicators_markers(indicators);

	assert_int_equal(psc_indicators_count(indicators), 2);
	assert_null(psc_indicators_get(indicators, 2));
	assert_string_equal(rule->id, "v/one");
	assert_string_equal(rule->product, "v/tool");
	assert_int_equal(rule->role, PSC_ROLE_UPDATER);
	assert_int_equal(rule->confidence, PSC_CONFIDENCE_MEDIUM);
	assert_string_equal(rule->cite.source, "somewhere");
	assert_int_equal(rule->cite.label, PSC_LABEL_SECONDARY);
	assert_string_equal(rule->path, "i.yaml");
	assert_int_equal(rule->line, 3);
	assert_int_equal(rule->conditions, 3);
	assert_int_equal(rule->condition[0].match, PSC_MATCH_SUFFIX);
	assert_int_equal(rule->condition[1].fact, PSC_FACT_SIGNER_CERT_SHA1);
	assert_string_equal(rule->condition[1].value, "abcdefabcdef0123456789012345678901234567");
	assert_string_equal(markers[0], "marker 1");
	assert_string_equal(markers[1], "marker 2");
	assert_null(markers[2]);
	assert_int_equal(psc_indicators_rejected_count(indicators), 1);
	assert_string_equal(rejected->vendor, "v");
	assert_string_equal(rejected->condition.value, "Bare");
	assert_string_equal(rejected->reason, "r");
	assert_null(psc_indicators_rejected(indicators, 1));
}

static const struct refusal refusals[] = {
	{"- a\n", 1, 1, "expected a mapping"},
	{"rules: []\n", 1, 1, "expected vendor before it"},
	{"rejected: []\n", 1, 1, "expected vendor before it"},
	{"vendor: V\n", 1, 9, "not a name"},
	{"vendor: ''\n", 1, 10, "expected a name"},
	{"vendor: v\nrule: []\n", 2, 1, "unknown key \"rule\": expected vendor, rules or rejected"},
	{"vendor: v\nrules: x\n", 2, 8, "expected a sequence of rules"},
	{HEAD "  - x\n", 3, 5, "expected a mapping"},
	{HEAD "  - rule: one\n", 3, 5, "\"product\" is missing"},
	{HEAD "  - rule: One\n", 3, 11, "not a name"},
	{HEAD "  - product: nil\n", 3, 14, "products.yaml has no product \"v/nil\""},
	{HEAD "  - role: boss\n", 3, 11, "unknown role \"boss\""},
	{HEAD "  - confidence: certain\n", 3, 17, "unknown confidence \"certain\""},
	{HEAD "  - label: Z\n", 3, 12, "unknown label \"Z\""},
	{HEAD "  - source: ''\n", 3, 14, "expected a text"},
	{HEAD "  - all: x\n", 3, 10, "expected a sequence of conditions"},
	{HEAD "  - all: []\n", 3, 10, "a rule without a condition holds for anything"},
	{HEAD "  - all: [x]\n", 3, 11, "expected a mapping"},
	{HEAD "  - all: [{value: x}]\n", 3, 11, "\"fact\" is missing"},
	{HEAD "  - all: [{fact: name}]\n", 3, 11, "\"value\" is missing"},
	{HEAD "  - all: [{fact: nose, value: x}]\n", 3, 18, "unknown fact \"nose\""},
	{HEAD "  - all: [{fact: name, match: like, value: x}]\n", 3, 31,
	 "unknown way to compare \"like\""},
	{HEAD "  - all: [{fact: name, value: ''}]\n", 3, 32, "expected a text"},
	{HEAD "  - all: [{fact: problem, value: x}]\n", 3, 18, "proves nothing"},
	{HEAD "  - all: [{fact: marker, match: contains, value: x}]\n", 3, 33,
	 "marker is compared as a whole"},
	{HEAD "  - all: [{fact: marker, value: short}]\n", 3, 33,
	 "a marker has 6 to 256 bytes, found 5"},
	{HEAD "  - all: [{fact: marker, value: " SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR
	      "x}]\n",
	 3, 33, "a marker has 6 to 256 bytes, found 257"},
	{HEAD "  - all: [{fact: sha256, match: prefix, value: ab}]\n", 3, 33,
	 "sha256 is compared as a whole"},
	{HEAD "  - all: [{fact: sha256, value: abc}]\n", 3, 33, "sha256 has 64 digits, found 3"},
	{HEAD "  - all: [{fact: sha256, value: xyz}]\n", 3, 33, "sha256 is not hexadecimal"},
	{HEAD "  - all: [{fact: package_key, value: ab}]\n", 3, 38,
	 "package_key has 16 to 64 digits, found 2"},
	{HEAD "  - all: [{fact: format, value: exe}]\n", 3, 33, "unknown format \"exe\""},
	{HEAD "  - all: [{fact: signer_state, value: good}]\n", 3, 39,
	 "unknown state of a signer \"good\""},
	{HEAD "  - all: [{fact: signer_subject, value: A Company}]\n", 3, 41,
	 "expected ATTRIBUTE=value"},
	{HEAD "  - all: [{fact: name, value: a/b}]\n", 3, 31, "a name has no slash"},
	{HEAD "  - all: [{fact: path, value: a/b}]\n", 3, 31, "a path begins with a slash"},
	{HEAD "  - all: [{fact: path, match: under, value: /a/}]\n", 3, 45,
	 "leave out the slash at the end"},
	{HEAD "  - all: [{fact: path, match: under, value: /a/../b}]\n", 3, 45, "a path without"},
	{HEAD "  - all: [{fact: name, match: under, value: a}]\n", 3, 45,
	 "under is for fact path only"},
	{HEAD "  - all:\n" IF("fact: name, value: a") IF("fact: name, value: a")
		 IF("fact: name, value: a") IF("fact: name, value: a") IF("fact: name, value: a")
			 IF("fact: name, value: a") IF("fact: name, value: a")
				 IF("fact: name, value: a") IF("fact: name, value: a"),
	 12, 9, "more than 8 conditions"},
	{HEAD RULE("k") IF("fact: package_key, value: 0123456789abcdef")
		 IF("fact: format, value: rpm"),
	 6, 17, "package_key alone is a claim: expected low"},
	{HEAD RULE("one") IF("fact: name, value: a") RULE("one"), 11, 11,
	 "rule \"v/one\" is there already, at i.yaml:3"},
	{"vendor: v\nrejected: x\n", 2, 11, "expected a sequence of rejected values"},
	{"vendor: v\nrejected:\n  - {fact: name, value: a, source: s}\n", 3, 5,
	 "\"reason\" is missing"},
	{"vendor: v\nrejected:\n  - {fact: sha256, value: a, source: s, reason: r}\n", 3, 27,
	 "sha256 has 64 digits, found 1"},
};

/* A text that is refused adds nothing, and what was there goes on matching. */
static void test_refusals(void **state)
{
	_cleanup_(psc_indicators_freep) struct psc_indicators *indicators =
		make(HEAD RULE("before") IF("fact: name, value: b"));

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		_cleanup_(psc_catalog_clear) struct psc_catalog catalog = {0};
		const char *text = refusals[i].text;
		struct psc_error err = {0};

		psc_catalog_parse(&catalog, PRODUCTS, strlen(PRODUCTS), "p", &err);
		assert_int_equal(psc_indicators_parse(indicators, &catalog, text, strlen(text),
						      "i.yaml", &err),
				 -EINVAL);
		assert_refused(&err, "i.yaml", &refusals[i]);
		assert_int_equal(psc_indicators_count(indicators), 1);
		assert_string_equal(MATCH(indicators, "name=b", "name=a"), "before");
	}
}

static void test_ways(void **state)
{
	static const struct {
		const char *condition, *yes[4], *no[6];
	} ways[] = {
		{"fact: name, value: tool",
		 {"name=tool"},
		 {"name=tools", "name=Tool", "name=", "path=tool"}},
		{"fact: path, value: /opt/v/x",
		 {"path=/opt/v/x"},
		 {"path=/opt/v/x/y", "path=/opt/v/X", "path=/opt/v"}},
		{"fact: path, match: under, value: /opt/v",
		 {"path=/opt/v", "path=/opt/v/", "path=/opt/v/a/b"},
		 {"path=/opt/v2", "path=/opt/vv/a", "path=/opt", "path=/a/opt/v/x", "path="}},
		{"fact: name, match: prefix, value: to",
		 {"name=to", "name=tool"},
		 {"name=t", "name=ato"}},
		{"fact: name, match: suffix, value: .ppl",
		 {"name=.ppl", "name=a.ppl"},
		 {"name=a.ppl.gz", "name=ppl", "name=a.PPL"}},
		{"fact: path, match: glob, value: '/data/*/X_Data'",
		 {"path=/data/a/X_Data"},
		 {"path=/data/a/b/X_Data", "path=/data/X_Data", "path=/data/a/X_Data/y"}},
		{"fact: package_vendor, match: contains, value: acme",
		 {"package_vendor=ACME", "package_vendor=\"Acme\" <info@acme.example>"},
		 {"package_vendor=acm", "package_vendor=", "package_maintainer=acme"}},
		{"fact: size, value: 12", {"size=12"}, {"size=123"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		_cleanup_(psc_indicators_freep) struct psc_indicators *indicators = NULL;
		_cleanup_free_ char *text = NULL;

		assert_true(asprintf(&text, HEAD RULE("w") "      - {%s}\n", ways[i].condition) >
			    0);
		indicators = make(text);
		for (size_t k = 0; k < ARRAY_SIZE(ways[i].yes) && ways[i].yes[k]; k++) {
			if (strcmp(MATCH(indicators, ways[i].yes[k]), "w") != 0)
				fail_msg("%s does not match %s", ways[i].condition, ways[i].yes[k]);
		}
		for (size_t k = 0; k < ARRAY_SIZE(ways[i].no) && ways[i].no[k]; k++) {
			if (MATCH(indicators, ways[i].no[k])[0])
				fail_msg("%s matches %s", ways[i].condition, ways[i].no[k]);
		}
	}
}

/* Every condition, whichever of them finds the rule. */
static void test_all(void **state)
{
	_cleanup_(psc_indicators_freep) struct psc_indicators *indicators =
		make(HEAD RULE("plugin") IF("fact: format, value: elf")
			     IF("fact: name, match: suffix, value: .ppl")
				     IF("fact: marker, value: PATH_OF_PLUGINS"));

	assert_string_equal(MATCH(indicators, "format=elf", "name=a.ppl", "marker=PATH_OF_PLUGINS"),
			    "plugin");
	assert_string_equal(MATCH(indicators, "marker=a", "marker=PATH_OF_PLUGINS", "name=b",
				  "name=a.ppl", "format=pe", "format=elf"),
			    "plugin");
	assert_string_equal(MATCH(indicators, "format=elf", "name=a.ppl"), "");
	assert_string_equal(MATCH(indicators, "format=elf", "marker=PATH_OF_PLUGINS"), "");
	assert_string_equal(MATCH(indicators, "name=a.ppl", "marker=PATH_OF_PLUGINS"), "");
	assert_string_equal(MATCH(indicators, "problem=x"), "");
}

static void test_order(void **state)
{
	_cleanup_(psc_indicators_freep) struct psc_indicators *indicators = make(
		HEAD RULE_OF("z-other", "other", "high") IF(
			"fact: path, match: under, value: /opt/v/long/one") IF("fact: name, value: a")
			RULE_OF("low", "tool", "low") IF("fact: name, value: a") IF(
				"fact: format, value: elf") RULE_OF("medium", "tool", "medium")
				IF("fact: name, value: a") RULE_OF("short", "tool", "high") IF(
					"fact: path, match: under, value: /opt/v") RULE_OF("long",
											   "feed",
											   "high")
					IF("fact: path, match: under, value: /opt/v/long") RULE_OF(
						"b", "feed", "high") IF("fact: format, value: elf")
						RULE_OF("a", "tool",
							"high") IF("fact: format, value: elf")
							RULE_OF("two", "tool",
								"high") IF("fact: name, value: a")
								IF("fact: format, value: elf"));

	assert_string_equal(MATCH(indicators, "format=elf", "name=a", "path=/opt/v/long/one/a"),
			    "two long short a b medium low z-other");
}

/* What proves a signature is one signer's, and depends on how it was found to be. */
static void test_signers(void **state)
{
	static const char *const states[] = {"trusted",	 "untrusted", "self_signed", "expired",
					     "tampered", "malformed", "unchecked",   "Trusted"};
	static const char *const facts[] = {
		"signer_subject", "signer_issuer",	"signer_serial",    "signer_key_id",
		"signer_key",	  "signer_cert_sha256", "signer_cert_sha1", "signer_issuer_serial"};
	static const char digits[] =
		"0123456789012345678901234567890123456789012345678901234567890123";

	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		_cleanup_(psc_indicators_freep) struct psc_indicators *indicators = NULL;
		_cleanup_free_ char *text = NULL, *fact = NULL;
		char value[80];

		snprintf(value, sizeof(value), "%s%.*s", i < 2 ? "CN=" : "", i == 6 ? 40 : 64,
			 digits);
		assert_true(asprintf(&text, HEAD RULE("w") IF("fact: %s, value: '%s'"), facts[i],
				     value) > 0);
		assert_true(asprintf(&fact, "%s#2=%s", facts[i], value) > 0);
		indicators = make(text);
		assert_string_equal(MATCH(indicators, fact), "");
		for (size_t k = 0; k < ARRAY_SIZE(states); k++) {
			bool expected = k == 0 || (i >= 4 && k < 4);
			char is[40], other[40];

			snprintf(is, sizeof(is), "signer_state#2=%s", states[k]);
			snprintf(other, sizeof(other), "signer_state#1=%s", states[k]);
			if (strcmp(MATCH(indicators, is, fact), expected ? "w" : "") != 0)
				fail_msg("%s of a signer who is %s", facts[i], states[k]);
			assert_string_equal(MATCH(indicators, other, fact), "");
			if (k > 3)
				assert_string_equal(
					MATCH(indicators, is, fact, "signer_state#2=trusted"), "");
		}
	}
}

static void test_groups(void **state)
{
	_cleanup_(psc_indicators_freep) struct psc_indicators *indicators =
		make(HEAD RULE("both") IF("fact: signer_subject, value: O=A Company")
			     IF("fact: signer_issuer, value: CN=An Authority")
				     IF("fact: format, value: pe"));

	assert_string_equal(MATCH(indicators, "format=pe", "signer_state#1=trusted",
				  "signer_subject#1=O=A Company",
				  "signer_issuer#1=CN=An Authority"),
			    "both");
	assert_string_equal(MATCH(indicators, "signer_state#1=trusted",
				  "signer_subject#1=O=A Company",
				  "signer_issuer#1=CN=An Authority"),
			    "");
	assert_string_equal(MATCH(indicators, "format=pe", "signer_state#1=trusted",
				  "signer_state#2=trusted", "signer_subject#1=O=A Company",
				  "signer_issuer#2=CN=An Authority"),
			    "");
	assert_string_equal(MATCH(indicators, "format=pe", "signer_state#1=tampered",
				  "signer_state#2=trusted", "signer_subject#1=O=A Company",
				  "signer_issuer#1=CN=An Authority", "signer_subject#2=O=A Company",
				  "signer_issuer#2=CN=An Authority"),
			    "both");
	/* 0 is no signer, and a number that nobody gives out is nobody's */
	assert_string_equal(MATCH(indicators, "format=pe", "signer_state=trusted",
				  "signer_subject=O=A Company", "signer_issuer=CN=An Authority"),
			    "");
	assert_string_equal(MATCH(indicators, "format=pe", "signer_state#4000000000=trusted",
				  "signer_subject#4000000000=O=A Company",
				  "signer_issuer#4000000000=CN=An Authority"),
			    "");
}

/* More rules than fit on the stack, from several texts. */
static void test_many(void **state)
{
	_cleanup_(psc_indicators_freep) struct psc_indicators *indicators = make("");
	_cleanup_free_ char *text = calloc(1, 2 << 20);
	size_t length = 0;

	assert_string_equal(MATCH(indicators, "name=n1"), "");
	for (unsigned int half = 0; half < 2; half++) {
		length = snprintf(text, 2 << 20, HEAD);
		for (unsigned int i = 3000 * half; i < 3000 * (half + 1); i++)
			length += snprintf(text + length, (2 << 20) - length,
					   RULE("r%u") IF("fact: name, value: n%u"), i, i);
		parse(indicators, text);
	}
	assert_int_equal(psc_indicators_count(indicators), 6000);
	assert_string_equal(MATCH(indicators, "name=n1"), "r1");
	assert_string_equal(MATCH(indicators, "name=n5999", "name=n0"), "r5999 r0");
	assert_string_equal(MATCH(indicators, "name=n6000"), "");
}

static void test_names(void **state)
{
	enum psc_confidence confidence;
	enum psc_match way;

	for (unsigned int i = 0; i < PSC_MATCH_MAX; i++) {
		assert_int_equal(psc_match_from_string(psc_match_to_string(i), &way), 0);
		assert_int_equal(way, i);
	}
	for (unsigned int i = 0; i < PSC_CONFIDENCE_MAX; i++) {
		assert_int_equal(
			psc_confidence_from_string(psc_confidence_to_string(i), &confidence), 0);
		assert_int_equal(confidence, i);
	}
	assert_null(psc_match_to_string(PSC_MATCH_MAX));
	assert_null(psc_confidence_to_string(PSC_CONFIDENCE_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parsed), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_ways),   cmocka_unit_test(test_all),
		cmocka_unit_test(test_order),  cmocka_unit_test(test_signers),
		cmocka_unit_test(test_groups), cmocka_unit_test(test_many),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
