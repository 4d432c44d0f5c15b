/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_owner.c - a vendor's file in somebody else's package: which facts tell it, whose package
 * it is by dpkg's lists, and which rule comes first then.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/indicator.h"
#include "user/scan/owner.h"
#include "tests/unit/standin.h"

static const char products[] =
	"vendor: v\nentity: e\nproducts:\n"
	"  - {product: sdk, name: SDK, source: s, label: V}\n"
	"  - {product: embedded, name: Inside, class: embedded-engine, source: s, label: V}\n";

#define RULE(id, product, conditions)                                                              \
	"  - {rule: " id ", product: " product ", role: library, confidence: high, source: s,\n"   \
	"     label: V, all: [" conditions "]}\n"

static const char rules[] = "vendor: v\nrules:\n" RULE(
	"engine", "sdk",
	"{fact: format, value: elf}, {fact: name, match: suffix, value: .ppl}, "
	"{fact: marker, value: ENGINE-1}") RULE("named", "sdk", "{fact: name, value: by-name}")
	RULE("home", "sdk", "{fact: path, match: under, value: /opt/v}")
		RULE("package", "sdk", "{fact: package_maintainer, match: contains, value: vendor}")
			RULE("foreign", "embedded", "{fact: foreign_owner, value: v}");

static struct psc_indicators *indicators;
static char root[96];

static int set_up(void **state)
{
	_cleanup_(psc_catalog_clear) struct psc_catalog catalog = {0};
	struct psc_error error = {0};

	assert_int_equal(standin_setup(state), 0);
	snprintf(root, sizeof(root), "%s/root", standin_directory);
	assert_int_equal(psc_catalog_parse(&catalog, products, strlen(products), "p", &error), 0);
	assert_int_equal(psc_indicators_new(&indicators), 0);
	if (psc_indicators_parse(indicators, &catalog, rules, strlen(rules), "i", &error) < 0)
		fail_msg("%u:%u: %s", error.line, error.column, error.message);
	standin_shell(
		"mkdir -p root/var/lib/dpkg/info && cd root/var/lib/dpkg &&"
		"printf 'Package: mailgate\\nStatus: install ok installed\\nVersion: 1\\n"
		"Maintainer: Somebody\\n\\nPackage: sdk\\nStatus: install ok installed\\n"
		"Version: 1\\nMaintainer: The vendor\\n\\nPackage: gone\\n"
		"Status: deinstall ok config-files\\nVersion: 1\\n\\n' >status &&"
		"printf '/.\\n/opt/mail/av.ppl\\n/opt/v/av.ppl\\n/lib/x/av.ppl\\n"
		"/opt/mail/by-name\\n' >info/mailgate.list &&"
		"echo /srv/av.ppl >info/sdk:amd64.list && echo /srv/gone.ppl >info/gone.list");
	return 0;
}

static int tear_down(void **state)
{
	psc_indicators_free(indicators);
	return standin_teardown(state);
}

static int find(const char *path, void *data, struct psc_facts *ret)
{
	return psc_owner_find_dpkg(root, path, ret);
}

static int find_none(const char *path, void *data, struct psc_facts *ret)
{
	fail_msg("%s was asked for", path);
	return 0;
}

static void test_find(void **state)
{
	static const struct {
		const char *path, *package;
	} files[] = {
		{"/opt/mail/av.ppl", "mailgate"}, {"/usr/lib/x/av.ppl", "mailgate"},
		{"/srv/av.ppl", "sdk"},		  {"/opt/mail", NULL},
		{"/srv/gone.ppl", NULL},	  {"/opt/mail/av.pp", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct psc_facts facts = {0};
		int r = psc_owner_find_dpkg(root, files[i].path, &facts);

		assert_int_equal(r, files[i].package != NULL);
		if (r)
			assert_string_equal(psc_facts_get(&facts, PSC_FACT_PACKAGE_NAME),
					    files[i].package);
		psc_facts_clear(&facts);
	}
	assert_int_equal(psc_owner_find_dpkg("/nonexistent", "/a", &(struct psc_facts){0}), 0);
}

static const char *judge(const char *path, bool marker, psc_owner_fn fn, struct psc_matches *ret)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	const char *name = strrchr(path, '/') + 1;

	psc_facts_add(&facts, PSC_FACT_PATH, 0, path, strlen(path));
	psc_facts_add(&facts, PSC_FACT_NAME, 0, name, strlen(name));
	psc_facts_add(&facts, PSC_FACT_FORMAT, 0, "elf", 3);
	if (marker)
		psc_facts_add(&facts, PSC_FACT_MARKER, 0, "ENGINE-1", 8);
	assert_int_equal(psc_indicators_match(indicators, &facts, ret), 0);
	assert_int_equal(psc_owner_judge(indicators, fn, NULL, &facts, ret), 0);
	return ret->count ? ret->rule[0]->id : "";
}

static void test_judge(void **state)
{
	static const struct {
		const char *path;
		bool marker, asked;
		const char *rule;
	} files[] = {
		/* somebody else's, though other rules have more conditions */
		{"/opt/mail/av.ppl", true, true, "v/foreign"},
		{"/usr/lib/x/av.ppl", true, true, "v/foreign"},
		{"/srv/av.ppl", true, true, "v/engine"},
		{"/home/av.ppl", true, true, "v/engine"},
		{"/srv/gone.ppl", true, true, "v/engine"},
		/* the vendor's own place, and names alone */
		{"/opt/v/av.ppl", true, false, "v/engine"},
		{"/opt/mail/by-name", false, false, "v/named"},
		{"/opt/mail/other", false, false, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct psc_matches matches;
		const char *rule = judge(files[i].path, files[i].marker,
					 files[i].asked ? find : find_none, &matches);

		if (strcmp(rule, files[i].rule) != 0)
			fail_msg("%s: %s, not %s", files[i].path, rule, files[i].rule);
		psc_matches_clear(&matches);
	}
}

/* A vendor asks about its own files only. */
static void test_refused(void **state)
{
	static const char text[] =
		"vendor: v\nrules:\n" RULE("another", "sdk", "{fact: foreign_owner, value: w}");
	_cleanup_(psc_catalog_clear) struct psc_catalog catalog = {0};
	struct psc_error error = {0};

	assert_int_equal(psc_catalog_parse(&catalog, products, strlen(products), "p", &error), 0);
	assert_int_equal(
		psc_indicators_parse(indicators, &catalog, text, strlen(text), "i", &error),
		-EINVAL);
	assert_string_equal(error.message,
			    "foreign_owner is asked by the vendor itself: expected v");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
