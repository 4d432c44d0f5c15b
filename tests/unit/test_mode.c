/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mode.c - the mode in the text of a configuration, and `proscribe mode`: what it shows, that
 * it changes one word and nothing else, and that a refusal leaves the file as it was.
 */
#include <errno.h>

#define FIXTURE_OWN char own[128], lists[128], *status;
#include "tests/unit/cli_harness.h"

#include "user/core/config_edit.h"

static const struct psc_verb *const verb_table[] = {&psc_verb_mode, NULL};

#define RELOADED "{\"ok\":true,\"data\":{\"generation\":8}}"
#define REFUSED	 "{\"ok\":false,\"exit\":4,\"error\":{\"message\":\"the interlock\"}}"

#define OBSERVING                                                                                  \
	"# the site's own\nprofiles: []   # none\nmode: observe # for now\n"                       \
	"actions: {exec: record, load: record, module: record}\n"
#define ENFORCING                                                                                  \
	"# the site's own\nprofiles: []   # none\nmode: enforce # for now\n"                       \
	"actions: {exec: record, load: record, module: record}\n"

#define MODE(f, ...)                                                                               \
	run_array(f, verb_table, (char *[]){(char *)"proscribe", (char *)"mode", __VA_ARGS__, NULL})
#define PLACES                                                                                     \
	(char *)"--config", f->own, (char *)"--lists", f->lists, (char *)"--catalog", f->lists,    \
		(char *)"--objects", f->lists, (char *)"--dir", f->lists

/* ---- the text -------------------------------------------------------------------------------- */

static const struct {
	const char *before;
	enum psc_mode mode;
	const char *after; /* NULL: it cannot be done */
} texts[] = {
	{"", PSC_MODE_ENFORCE, "mode: enforce\n"},
	{"# nothing yet", PSC_MODE_ENFORCE, "# nothing yet\nmode: enforce\n"},
	{"mode: observe\n", PSC_MODE_ENFORCE, "mode: enforce\n"},
	{"mode: observe", PSC_MODE_ENFORCE, "mode: enforce"},
	{"mode: enforce\n", PSC_MODE_ENFORCE, "mode: enforce\n"},
	{OBSERVING, PSC_MODE_ENFORCE, ENFORCING},
	{ENFORCING, PSC_MODE_OBSERVE, OBSERVING},
	{"profiles: []\r\nmode:   'observe'\r\n", PSC_MODE_ENFORCE,
	 "profiles: []\r\nmode:   'enforce'\r\n"},
	{"\"mode\": \"observe\"\n", PSC_MODE_ENFORCE, "\"mode\": \"enforce\"\n"},
	{"mode:\n  observe\nseen: false\n", PSC_MODE_ENFORCE, "mode:\n  enforce\nseen: false\n"},
	{"{mode: observe, seen: false}\n", PSC_MODE_ENFORCE, "{mode: enforce, seen: false}\n"},
	{"# mode: enforce\nlists: /mode:/observe\nmode: observe\n", PSC_MODE_ENFORCE,
	 "# mode: enforce\nlists: /mode:/observe\nmode: enforce\n"},
	{"---\nseen: true\n", PSC_MODE_ENFORCE, "---\nseen: true\nmode: enforce\n"},
	{"mode: |-\n  observe\n", PSC_MODE_ENFORCE, NULL},
	{"{seen: false}\n", PSC_MODE_ENFORCE, NULL},
	{"seen: true\n...\n", PSC_MODE_ENFORCE, NULL},
	{"mode: \"obs\\u0065rve\"\n", PSC_MODE_ENFORCE, NULL},
	{"mode: perhaps\n", PSC_MODE_ENFORCE, NULL},
	{"mode: observe\nmode: observe\n", PSC_MODE_ENFORCE, NULL},
};

static void test_texts(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct psc_error error = {0};
		char *after = NULL;
		size_t size = 0;
		int r = psc_config_edit_mode(texts[i].before, strlen(texts[i].before), "c.yaml",
					     texts[i].mode, &after, &size, &error);

		if (!texts[i].after) {
			if (r != -EINVAL || after)
				fail_msg("%s: %d: %s", texts[i].before, r, after ? after : "");
			assert_true(error.message[0]);
			continue;
		}
		if (r < 0)
			fail_msg("%s: %s", texts[i].before, error.message);
		assert_string_equal(after, texts[i].after);
		assert_int_equal(size, strlen(after));
		free(after);
	}
}

/* ---- the verb -------------------------------------------------------------------------------- */

static void set_status(struct fixture *f, const char *mode, const char *from)
{
	free(f->status);
	assert_true(asprintf(&f->status,
			     "{\"guard\":\"on\",\"mode\":\"%s\",\"mode_from\":\"%s\","
			     "\"generation\":8,\"configuration\":\"%s\"}",
			     mode, from, f->own) > 0);
	f->status_data = f->status;
}

static int setup(void **state)
{
	struct fixture *f = fixture_new();
	mode_t mask = umask(022);

	if (!f)
		return -1;
	snprintf(f->own, sizeof(f->own), "%s/own.yaml", f->directory);
	snprintf(f->lists, sizeof(f->lists), "%s/lists", f->directory);
	mkdir(f->lists, 0755);
	umask(mask);
	put_file(f->own, OBSERVING);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->status);
	return fixture_free(f);
}

static void test_show(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;

	assert_int_equal(MODE(f, (char *)"--config", f->own), 0);
	assert_contains(f->out, "observe, by ");
	assert_contains(f->out, "own.yaml; no daemon answers\n");
	set_status(f, "enforce", "command_line");
	daemon_start(f, RELOADED);
	assert_int_equal(MODE(f, NULL), 0);
	assert_string_equal(f->out, "enforce, by the command line of proscribed (--mode), "
				    "generation 8\n");
	assert_int_equal(MODE(f, (char *)"--json"), 0);
	data = data_of(f, "mode");
	assert_string_equal(json_string_value(json_object_get(data, "from")), "command_line");
	assert_int_equal(MODE(f, (char *)"watch"), PSC_EXIT_USAGE);
	assert_int_equal(MODE(f, (char *)"observe", (char *)"enforce"), PSC_EXIT_USAGE);
}

static void test_enforce(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *data = NULL;
	struct stat st;

	set_status(f, "observe", "configuration");
	daemon_start(f, RELOADED);
	assert_int_equal(chmod(f->own, 0640), 0);
	/* nobody can be asked */
	assert_int_equal(MODE(f, (char *)"enforce", (char *)"--json", PLACES), PSC_EXIT_USAGE);
	assert_contains(f->out, "--yes");
	assert_string_equal(get_file(f, f->own), OBSERVING);
	assert_int_equal(MODE(f, (char *)"enforce", (char *)"--yes", PLACES), 0);
	assert_contains(f->out, "would have refused nothing\n");
	assert_contains(f->out, "the interlock has no objection");
	assert_contains(f->out, "enforce is in force: generation 8\n");
	assert_string_equal(get_file(f, f->own), ENFORCING);
	assert_int_equal(f->reloads, 1);
	assert_int_equal(stat(f->own, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	set_status(f, "enforce", "configuration");
	assert_int_equal(MODE(f, (char *)"observe", (char *)"--json", PLACES), 0);
	data = data_of(f, "mode");
	assert_string_equal(json_string_value(json_object_get(data, "effect")), "active");
	assert_string_equal(get_file(f, f->own), OBSERVING);
	set_status(f, "observe", "configuration");
	assert_int_equal(MODE(f, (char *)"observe", PLACES), 0);
	assert_string_equal(f->out, "observe: it was that already\n");
	assert_int_equal(f->reloads, 2);
}

/* The daemon refuses: the file is as before. */
static void test_refused(void **state)
{
	struct fixture *f = *state;

	set_status(f, "observe", "configuration");
	daemon_start(f, REFUSED);
	assert_int_equal(MODE(f, (char *)"enforce", (char *)"--yes", PLACES), PSC_EXIT_INVALID);
	assert_contains(f->err, "the interlock");
	assert_contains(f->err, "the configuration is as before");
	assert_string_equal(get_file(f, f->own), OBSERVING);
	/* nor is a file left that was not there */
	assert_int_equal(unlink(f->own), 0);
	snprintf(f->own, sizeof(f->own), "%s/new.yaml", f->directory);
	set_status(f, "enforce", "configuration");
	assert_int_equal(MODE(f, (char *)"observe", PLACES), PSC_EXIT_INVALID);
	assert_int_equal(access(f->own, F_OK), -1);
}

static void test_command_line(void **state)
{
	struct fixture *f = *state;

	set_status(f, "observe", "command_line");
	daemon_start(f, RELOADED);
	assert_int_equal(MODE(f, (char *)"enforce", (char *)"--yes", PLACES), PSC_EXIT_FAILED);
	assert_contains(f->err, "--mode observe, which wins over");
	set_status(f, "observe", "configuration");
	assert_int_equal(
		MODE(f, (char *)"observe", (char *)"--config", (char *)"/nonexistent.yaml"),
		PSC_EXIT_FAILED);
	assert_contains(f->err, "own.yaml, not /nonexistent.yaml");
	assert_int_equal(f->reloads, 0);
	assert_string_equal(get_file(f, f->own), OBSERVING);
}

static void test_without_daemon(void **state)
{
	struct fixture *f = *state;
	char link[128];

	snprintf(link, sizeof(link), "%s/link.yaml", f->directory);
	assert_int_equal(symlink(f->own, link), 0);
	snprintf(f->own, sizeof(f->own), "%s", link);
	assert_int_equal(MODE(f, (char *)"enforce", (char *)"--yes", PLACES), 0);
	assert_contains(f->out, "enforce, from the next start of proscribed on\n");
	snprintf(link, sizeof(link), "%s/own.yaml", f->directory);
	assert_string_equal(get_file(f, link), ENFORCING);
	/* the link is one still */
	assert_true(readlink(f->own, link, sizeof(link)) > 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts), TEST(test_show),	       TEST(test_enforce),
		TEST(test_refused),	      TEST(test_command_line), TEST(test_without_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
