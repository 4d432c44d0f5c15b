/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_catalog_shipped.c - the catalog as it is shipped: every rule finds what it describes,
 * a product that is named goes before the vendor, exempt and embedded ones are told apart under
 * one root, what only mentions the vendor is nobody's; and its digests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/indicator.h"
#include "user/core/list.h"
#include "user/core/policy_set.h"

#define DIRECTORY "policy/catalog"

static struct psc_catalog catalog;
static struct psc_indicators *indicators;

static int load(void **state)
{
	struct psc_error err = {0};

	if (psc_catalog_load(&catalog, DIRECTORY, &err) < 0 ||
	    psc_indicators_new(&indicators) < 0 ||
	    psc_indicators_load(indicators, &catalog, DIRECTORY, &err) < 0)
		fail_msg("%s:%u:%u: %s", err.file, err.line, err.column, err.message);
	return 0;
}

static int unload(void **state)
{
	psc_indicators_free(indicators);
	psc_catalog_clear(&catalog);
	return 0;
}

/* Something that the pattern matches: ? and * become x, a set its first letter. */
static void from_glob(const char *glob, char *text, size_t size)
{
	size_t length = 0;

	for (; *glob && length + 1 < size; glob++) {
		if (*glob == '[') {
			text[length++] = glob[1];
			glob = strchr(glob, ']');
		} else {
			text[length++] = strchr("?*", *glob) ? 'x' : *glob;
		}
	}
	text[length] = '\0';
}

static void add_condition(struct psc_facts *facts, const struct psc_condition *condition)
{
	char text[PSC_FACT_VALUE_MAX];
	unsigned int group = 0;

	switch (condition->match) {
	case PSC_MATCH_GLOB:
		from_glob(condition->value, text, sizeof(text));
		break;
	case PSC_MATCH_PREFIX:
		snprintf(text, sizeof(text), "%s0", condition->value);
		break;
	case PSC_MATCH_SUFFIX:
		snprintf(text, sizeof(text), "%s%s", condition->fact == PSC_FACT_PATH ? "/x" : "x",
			 condition->value);
		break;
	case PSC_MATCH_CONTAINS:
		snprintf(text, sizeof(text), "/x%s/x", condition->value);
		break;
	case PSC_MATCH_UNDER:
		snprintf(text, sizeof(text), "%s/x/y", condition->value);
		break;
	default:
		snprintf(text, sizeof(text), "%s", condition->value);
		break;
	}
	if (condition->fact >= PSC_FACT_SIGNER_STATE && condition->fact <= PSC_FACT_SIGNER_TIME) {
		group = 1;
		assert_int_equal(psc_facts_add(facts, PSC_FACT_SIGNER_STATE, group, "trusted", 7),
				 0);
	}
	assert_int_equal(psc_facts_add(facts, condition->fact, group, text, strlen(text)), 0);
}

static void test_rules(void **state)
{
	size_t count = psc_indicators_count(indicators);

	assert_true(count > 300);
	for (size_t i = 0; i < count; i++) {
		_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
		_cleanup_(psc_matches_clear) struct psc_matches matches = {0};
		const struct psc_indicator *rule = psc_indicators_get(indicators, i);
		bool named = strcmp(rule->product, "kaspersky/other") != 0;
		size_t at = 0;

		for (size_t k = 0; k < rule->conditions; k++)
			add_condition(&facts, &rule->condition[k]);
		assert_int_equal(psc_indicators_match(indicators, &facts, &matches), 0);
		while (at < matches.count && matches.rule[at] != rule)
			at++;
		if (at == matches.count)
			fail_msg("%s does not find what it describes", rule->id);
		if (named && strcmp(matches.rule[0]->product, "kaspersky/other") == 0)
			fail_msg("%s is beaten by %s", rule->id, matches.rule[0]->id);
	}
}

/* The best match for a thing; "" for none. */
static const char *best(const char *const *texts, enum psc_role *ret_role)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	_cleanup_(psc_matches_clear) struct psc_matches matches = {0};

	for (; *texts; texts++) {
		const char *equals = strchr(*texts, '=');
		enum psc_fact_kind kind;
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)(equals - *texts), *texts);
		assert_int_equal(psc_fact_from_string(name, &kind), 0);
		assert_int_equal(psc_facts_add(&facts, kind, strncmp(name, "signer", 6) == 0,
					       equals + 1, strlen(equals + 1)),
				 0);
	}
	assert_int_equal(psc_indicators_match(indicators, &facts, &matches), 0);
	if (!matches.count)
		return "";
	*ret_role = matches.rule[0]->role;
	return matches.rule[0]->product;
}

/* One row: what there is, and what it is taken for. */
static const struct {
	const char *facts[6];
	const char *product;
	enum psc_role role;
} things[] = {
	/* a version's own tree, behind the link in /opt */
	{{"path=/var/opt/kaspersky/kesl/install_12.4.0.1225/opt/kaspersky/kesl/libexec/kesl",
	  "format=elf", "name=kesl"},
	 "kaspersky/kesl",
	 PSC_ROLE_PROGRAM},
	{{"path=/var/opt/kaspersky/kesl/install_12.4.0.1225/opt/kaspersky/kesl/lib64/libx.so"},
	 "kaspersky/kesl",
	 PSC_ROLE_LIBRARY},
	{{"path=/var/opt/kaspersky/kesl/private/updates/base.dat"},
	 "kaspersky/kesl",
	 PSC_ROLE_DATABASE},
	{{"path=/opt/kaspersky/nothing-known/x"}, "kaspersky/other", PSC_ROLE_PROGRAM},
	/* moved or copied away */
	{{"path=/tmp/x", "name=x", "format=elf", "marker=KL_PLUGINS_PATH"},
	 "kaspersky/kavsdk",
	 PSC_ROLE_LIBRARY},
	{{"path=/srv/a.ppl", "name=a.ppl", "format=elf"}, "", 0},
	{{"path=/srv/ppl/a.ppl", "name=a.ppl", "format=elf"}, "kaspersky/kavsdk", PSC_ROLE_LIBRARY},
	{{"name=a.ppl", "format=elf", "marker=KL_PLUGINS_PATH"},
	 "kaspersky/kavsdk",
	 PSC_ROLE_LIBRARY},
	/* exempt under the vendor's root, but no engine or agent is exempt by lying there */
	{{"path=/opt/kaspersky/ktfs/bin/kl_feed_service", "name=kl_feed_service", "format=elf"},
	 "kaspersky/cybertrace",
	 PSC_ROLE_PROGRAM},
	{{"path=/opt/kaspersky/ktfs2/x"}, "kaspersky/other", PSC_ROLE_PROGRAM},
	{{"path=/opt/kaspersky/ktfs/bin/x", "name=x", "format=elf", "marker=KL_PLUGINS_PATH"},
	 "kaspersky/kavsdk",
	 PSC_ROLE_LIBRARY},
	{{"path=/opt/kaspersky/ktfs/bin/kavhttpd", "name=kavhttpd", "format=elf"},
	 "kaspersky/scanengine",
	 PSC_ROLE_PROGRAM},
	{{"path=/opt/kaspersky/ktfs/x", "package_name=kesl"}, "kaspersky/kesl", PSC_ROLE_PROGRAM},
	/* inside products of others */
	{{"path=/opt/icewarp/kaspersky/kavehost", "name=kavehost", "format=elf",
	  "marker=KL_PLUGINS_PATH"},
	 "kaspersky/embedded-icewarp",
	 PSC_ROLE_LIBRARY},
	{{"path=/opt/kav/sdk8l3/ppl/a.ppl", "name=a.ppl", "format=elf", "marker=KL_PLUGINS_PATH"},
	 "kaspersky/embedded-oem",
	 PSC_ROLE_LIBRARY},
	{{"path=/opt/icewarp/kasperskyupdater", "name=kasperskyupdater", "format=elf"},
	 "kaspersky/embedded-icewarp",
	 PSC_ROLE_UPDATER},
	/* packages */
	{{"format=deb", "name=x.deb", "package_name=kesl", "package_maintainer=Kaspersky <a@b.c>"},
	 "kaspersky/kesl",
	 PSC_ROLE_INSTALLER},
	{{"package_name=kesl", "package_format=deb"}, "kaspersky/kesl", PSC_ROLE_PROGRAM},
	{{"format=rpm", "package_name=new-thing",
	  "package_vendor=\"Kaspersky\" <info@kaspersky.com>"},
	 "kaspersky/other",
	 PSC_ROLE_PROGRAM},
	{{"format=deb", "name=kesl_12.4.0-1225_amd64.deb"}, "kaspersky/kesl", PSC_ROLE_INSTALLER},
	/* signers */
	{{"format=pe", "name=x.exe", "signer_state=trusted", "signer_subject=O=AO Kaspersky Lab"},
	 "kaspersky/other",
	 PSC_ROLE_PROGRAM},
	{{"format=pe", "name=x.exe", "signer_state=self_signed",
	  "signer_subject=O=AO Kaspersky Lab", "signer_subject=CN=Kaspersky Lab"},
	 "",
	 0},
	{{"format=pe", "signer_state=tampered",
	  "signer_cert_sha1=59ba5959f83525c0e8a1383553a65358f59d4917"},
	 "",
	 0},
	/* what mentions the vendor, or has a name that others have as well */
	{{"path=/usr/share/perl5/GLPI/Agent/Task/Inventory/Linux/AntiVirus/KESL.pm",
	  "name=KESL.pm"},
	 "",
	 0},
	{{"path=/srv/rules/APT_Kaspersky_Duqu2.yar", "name=APT_Kaspersky_Duqu2.yar"}, "", 0},
	{{"marker=AO Kaspersky Lab", "format=elf", "name=uif"}, "", 0},
	{{"name=libssp.so.0", "format=elf", "elf_soname=libssp.so.0"}, "", 0},
	{{"name=photo.kdc", "path=/srv/photo.kdc"}, "", 0},
	{{"name=kuma", "format=elf", "path=/usr/bin/kuma"}, "", 0},
	{{"package_name=kaspresso", "package_format=deb"}, "", 0},
	{{"unit=node-agent.service", "process=node-agent", "container_image=node-agent:1"}, "", 0},
	{{"package_key=6afe173577c4cbd621df217fd093435aa3ed2c4a"}, "", 0},
};

static void test_things(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(things); i++) {
		const char *facts[ARRAY_SIZE(things[0].facts) + 1] = {0};
		enum psc_role role = 0;
		const char *product;

		memcpy(facts, things[i].facts, sizeof(things[0].facts));
		product = best(facts, &role);
		if (strcmp(product, things[i].product) != 0 || role != things[i].role)
			fail_msg("row %zu, %s: got \"%s\", %s", i, things[i].facts[0], product,
				 psc_role_to_string(role));
	}
}

/* Those that are an engine inside something else, and no others. */
static void test_products(void **state)
{
	for (size_t i = 0; i < catalog.count; i++) {
		const struct psc_product *product = &catalog.products[i];
		bool embedded = strncmp(product->id, "kaspersky/embedded", 18) == 0;

		assert_int_equal(strcmp(product->class, PSC_CLASS_EMBEDDED) == 0, embedded);
	}
}

/* Nothing in it makes the kernel digest whatever runs, and every product is known. */
static void test_digests(void **state)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	struct psc_list_counts counts;
	struct psc_list_entry entry;
	struct psc_error err = {0};

	assert_int_equal(psc_list_new(&list), 0);
	if (psc_policy_load_digests(list, DIRECTORY, &err) < 0)
		fail_msg("%s:%u:%u: %s", err.file, err.line, err.column, err.message);
	assert_int_equal(psc_list_index(list), 0);
	psc_list_get_counts(list, &counts);
	assert_int_equal(counts.entries, 2274);
	assert_int_equal(counts.enforceable, 1792);
	assert_int_equal(counts.duplicates, 0);
	for (size_t i = 0; psc_list_get(list, i, &entry) == 0; i++) {
		enum psc_role role;

		if (!psc_catalog_find(&catalog, entry.product, &role))
			fail_msg("line %u: no product \"%s\"", entry.line, entry.product);
		if (psc_list_entry_enforce(&entry) == PSC_LIST_ENFORCEABLE && !entry.has_size &&
		    psc_format_forces_hashing(entry.format))
			fail_msg("line %u makes the kernel digest everything", entry.line);
		assert_true(entry.name[0] && entry.source[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_things),
		cmocka_unit_test(test_products),
		cmocka_unit_test(test_digests),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
