/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_interlock.c - `proscribe policy check --root`: the interlock, asked of a host in a
 * directory.
 */
#include "tests/unit/cli_harness.h"

#include "user/cli/output.h"
#include "user/cli/policy_verbs.h"
#include "user/core/list.h"
#include "tests/unit/fake_host.h"

#define HELLO_DIGEST "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

static const struct psc_verb *const verb_table[] = {&psc_verb_policy_check, &psc_verb_help, NULL};

static int setup(void **state)
{
	*state = fixture_new();
	if (!*state)
		return -1;
	host_begin();
	host_text("/p/own.yaml", "profiles: []\n");
	host_text("/p/objects/x", "");
	host_text("/p/lists/a.csv", PSC_LIST_HEADER "\nsha256," HELLO_DIGEST ",6,any,,Tool,,\n");
	return 0;
}

static int teardown(void **state)
{
	host_end();
	return fixture_free(*state);
}

/* Checks the policy in /p for the host below it; @more may be NULL. */
static int check(struct fixture *f, const char *root, char *more)
{
	char config[PATH_MAX], lists[PATH_MAX], objects[PATH_MAX], of[PATH_MAX];
	char *argv[] = {"proscribe", "policy", "check",	    "--config", config,
			"--lists",   lists,    "--catalog", objects,	"--objects",
			objects,     "--root", of,	    more,	NULL};

	host_path("/p/own.yaml", config);
	host_path("/p/lists", lists);
	host_path("/p/objects", objects);
	host_path(root, of);
	return run_array(f, verb_table, argv);
}

static void test_check(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *json = NULL;

	host_script("/usr/bin/sudo", "other\n");
	host_text("/usr/bin/su", "hello\n");
	assert_int_equal(check(f, "", NULL), 0);
	assert_contains(f->out, "interlock 2 files that the host needs\n");
	/* what cannot be executed was not refused */
	host_script("/usr/bin/su", "hello\n");
	assert_int_equal(check(f, "", NULL), 4);
	assert_contains(f->out,
			"error: interlock: it would refuse exec of /usr/bin/su (listed), which");
	assert_contains(f->out,
			"  exec  /usr/bin/su: listed as Tool\n        --force " HELLO_DIGEST "\n");
	assert_contains(f->out, "result    invalid\n");
	assert_int_equal(check(f, "", "--json"), 4);
	json = json_loads(f->out, 0, NULL);
	assert_int_equal(psc_json_number(json, "data.essential", 0), 2);
	assert_int_equal(json_array_size(psc_json_at(json, "data.objections")), 1);
	host_text("/p/objects/O.yaml",
		  "override: O\ndigests: [" HELLO_DIGEST "]\nreason: r\nby: b\n");
	assert_int_equal(check(f, "", NULL), 0);
}

static void test_errors(void **state)
{
	struct fixture *f = *state;
	const char damaged[] = "\177ELF";

	host_write("/usr/bin/sudo", damaged, 4, 0755);
	assert_int_equal(check(f, "", NULL), 4);
	assert_contains(f->out,
			"/usr/bin/sudo: error: interlock: the host needs it, and it is a damaged");
	assert_int_equal(check(f, "/nowhere", NULL), 4);
	assert_contains(f->out, "nowhere: error: interlock: ");
	assert_int_equal(check(f, "", "us-commerce-icts-2021-002"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
