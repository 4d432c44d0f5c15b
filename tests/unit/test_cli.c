/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli.c - the command line, verb by verb, against a pretended daemon on a socket of
 * its own: output, exit status, what happens to list files. The verbs are compiled in.
 */
#include <errno.h>
#include <fcntl.h>

#include "user/cli/lists.h"
#include "user/cli/output.h"
#include "user/cli/pins.h"
#include "user/cli/render_status.h"
#include "user/cli/policy_verbs.h"
#include "user/core/hex.h"
#include "user/core/json.h"
#include "user/core/list.h"
int psc_cli_main(int argc, char **argv);
#define main psc_cli_main
#include "user/cli/main.c"
#undef main

#define FIXTURE_OWN char lists[80], local[112], hello[96];
#include "tests/unit/cli_harness.h"

#define HELLO_DIGEST "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

static int setup(void **state)
{
	struct fixture *f = fixture_new();

	if (!f)
		return -1;
	snprintf(f->lists, sizeof(f->lists), "%s/lists.d", f->directory);
	snprintf(f->local, sizeof(f->local), "%s/local.csv", f->lists);
	snprintf(f->hello, sizeof(f->hello), "%s/hello", f->directory);
	f->status_key = "lists";
	f->status_directory = f->lists;
	mkdir(f->lists, 0755);
	put_file(f->hello, "hello\n");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	return fixture_free(*state);
}

#define RUN(f, ...)                                                                                \
	run_array(f, verb_table, (char *[ARGUMENTS_MAX]){(char *)"proscribe", __VA_ARGS__})

/* ---- tests ---------------------------------------------------------------------- */

static void test_usage(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, NULL), 2);
	assert_string_equal(f->err, "proscribe: no verb is given; see 'proscribe help'\n");
	assert_int_equal(RUN(f, "frobnicate"), 2);
	assert_string_equal(f->err,
			    "proscribe: there is no verb 'frobnicate'; see 'proscribe help'\n");
	assert_int_equal(RUN(f, "list"), 2);
	assert_contains(f->err, "'list' needs one of: add, remove, show, import");
	assert_int_equal(RUN(f, "list", "add"), 2);
	assert_string_equal(f->err, "proscribe list add: needs FILE|DIGEST; "
				    "see 'proscribe help list add'\n");
	assert_int_equal(RUN(f, "list", "add", "a", "b"), 2);
	assert_contains(f->err, "what is 'b'?");
	assert_int_equal(RUN(f, "list", "add", "--bogus", "a"), 2);
	assert_contains(f->err, "unknown option --bogus");
	assert_int_equal(RUN(f, "list", "add", "a", "--size"), 2);
	assert_contains(f->err, "--size needs an argument");
	assert_int_equal(RUN(f, "status", "--json", "--json"), 2);
	assert_int_equal(RUN(f, "status", "-x"), 2);
	assert_contains(f->err, "unknown option -x");
	assert_string_equal(f->out, "");
	json_decref((RUN(f, "list", "add", "--json"), envelope(f, "list add", "error")));
	assert_string_equal(f->err, "");
	assert_int_equal(RUN(f, "log", "--verdict", "no\033[0m"), 2);
	assert_contains(f->err, "'no\\x1b[0m' is no verdict");
}

static void test_help(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "help"), 0);
	for (size_t i = 0; verb_table[i]; i++) {
		char help[64];

		assert_contains(f->out, verb_table[i]->name);
		assert_contains(f->out, verb_table[i]->summary);
		snprintf(help, sizeof(help), "proscribe %s", verb_table[i]->name);
		assert_non_null(verb_table[i]->run);
		assert_non_null(verb_table[i]->arguments);
		assert_int_not_equal(verb_table[i]->help[0], '\0');
	}
	assert_int_equal(RUN(f, "help", "list", "add"), 0);
	assert_contains(f->out, "--product PRODUCT");
	assert_contains(f->out, "Examples:");
	assert_int_equal(RUN(f, "list", "add", "--help"), 0);
	assert_contains(f->out, "--product PRODUCT");
	assert_int_equal(RUN(f, "help", "list"), 0);
	assert_contains(f->out, "proscribe list import");
	assert_int_equal(RUN(f, "help", "nothing"), 2);
	assert_int_equal(RUN(f, "--help"), 0);
	assert_int_equal(RUN(f, "--version"), 0);
	assert_contains(f->out, PSC_VERSION);
}

/* What the shell's completion asks for. */
static void test_words(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "help", "--words"), 0);
	assert_string_equal(
		f->out,
		"status\ndoctor\ndigest\nscan\nexplain\nlist\ncatalog\npolicy\nmode\nattest\nexempt\ndecide\nwindow\noverride\nclock\n"
		"reload\nlog\nreport\noff\nhelp\nversion\n");
	assert_int_equal(RUN(f, "help", "--words", "list"), 0);
	assert_string_equal(f->out, "add\nremove\nshow\nimport\nexport\n");
	assert_int_equal(RUN(f, "help", "--words", "off"), 0);
	assert_string_equal(f->out, "--yes\n--json\n--help\n");
	assert_int_equal(RUN(f, "help", "--words", "list", "show"), 0);
	assert_string_equal(f->out, "--lists\n--json\n--help\n");
}

static void test_no_daemon(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	assert_int_equal(RUN(f, "status"), 3);
	assert_string_equal(f->out, "");
	assert_contains(f->err, "the daemon is not reachable at ");
	assert_contains(f->err, "remedy: start the daemon");
	assert_int_equal(RUN(f, "reload", "--json"), 3);
	json = envelope(f, "reload", "error");
	assert_contains(psc_json_text(json, "error.remedy", ""), "systemctl start proscribed");
	json_decref(json);
}

static void test_list_without_daemon(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "list", "add", f->hello, "--lists", f->lists, "--product",
			     "Some, Tool", "--source", "here"),
			 0);
	assert_contains(f->out, "added sha256:" HELLO_DIGEST " hello to ");
	assert_contains(f->err, "takes effect at its next start");
	assert_string_equal(get_file(f, f->local), PSC_LIST_HEADER
			    "\nsha256," HELLO_DIGEST ",6,,hello,\"Some, Tool\",,here\n");
	assert_int_equal(RUN(f, "list", "add", f->hello, "--lists", f->lists), 0);
	assert_contains(f->out, "already listed: sha256:" HELLO_DIGEST);
	assert_contains(f->out, "local.csv:2");
	assert_int_equal(RUN(f, "digest", f->hello, "--lists", f->lists), 5);
	assert_contains(f->out, "LISTED: Some, Tool, hello, from here (");
	assert_int_equal(RUN(f, "list", "remove", HELLO_DIGEST, "--lists", f->lists), 0);
	assert_int_equal(RUN(f, "digest", f->hello, "--lists", f->lists), 0);
	assert_contains(f->out, "not listed");
	assert_int_equal(RUN(f, "list", "remove", HELLO_DIGEST, "--lists", f->lists), 1);
	assert_contains(f->err, "is not listed");
	assert_string_equal(get_file(f, f->local), PSC_LIST_HEADER "\n");
}

static void test_list_show(void **state)
{
	struct fixture *f = *state;
	char expected[1024];
	json_t *json;

	put_file(f->local,
		 PSC_LIST_HEADER "\n"
				 "sha256," HELLO_DIGEST ",6,script,hello,Some Tool,1.0,here\n"
				 "md5,d41d8cd98f00b204e9800998ecf8427e,,,,,,\n");
	assert_int_equal(RUN(f, "list", "show", "--lists", f->lists), 0);
	snprintf(expected, sizeof(expected),
		 "DIGEST                                                            SIZE  FORMAT"
		 "  PRODUCT    VERSION  NAME\n" HELLO_DIGEST
		 "     6  script  Some Tool  1.0      hello\n"
		 "md5:d41d8cd98f00b204e9800998ecf8427e                                 -  any   "
		 "  -          -        -      not enforceable: not sha256\n"
		 "2 entries in %s, 1 enforceable, 1 md5 not enforceable\n",
		 f->lists);
	/* the head's own NOTE column is compared by its text alone */
	assert_contains(f->out, "NAME   NOTE\n");
	memmove(strstr(f->out, "NAME   NOTE\n") + 4, strstr(f->out, "NAME   NOTE\n") + 11,
		strlen(strstr(f->out, "NAME   NOTE\n") + 11) + 1);
	assert_string_equal(f->out, expected);
	assert_int_equal(RUN(f, "list", "show", "--lists", f->lists, "--json"), 0);
	json = envelope(f, "list show", "data");
	assert_int_equal(json_array_size(psc_json_at(json, "data.entries")), 2);
	assert_int_equal(psc_json_number(json, "data.counts.not_enforceable.md5", 0), 1);
	json_decref(json);
}

static void test_list_show_empty(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	assert_int_equal(RUN(f, "list", "show", "--lists", f->lists), 0);
	assert_contains(f->out, "0 entries in ");
	assert_int_equal(RUN(f, "list", "show", "--lists", f->lists, "--json"), 0);
	json = envelope(f, "list show", "data");
	assert_int_equal(json_array_size(psc_json_at(json, "data.entries")), 0);
	json_decref(json);
}

static void test_broken_list(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	put_file(f->local, PSC_LIST_HEADER "\nsha256,abc,,,,,,\n");
	assert_int_equal(RUN(f, "list", "show", "--lists", f->lists), 4);
	assert_contains(f->err, "local.csv:2:");
	assert_int_equal(RUN(f, "list", "add", f->hello, "--lists", f->lists, "--json"), 4);
	json = envelope(f, "list add", "error");
	assert_int_equal(psc_json_number(json, "error.line", 0), 2);
	json_decref(json);
	assert_string_equal(get_file(f, f->local), PSC_LIST_HEADER "\nsha256,abc,,,,,,\n");
	assert_int_equal(RUN(f, "list", "show", "--lists", "/nonexistent/x"), 1);
	assert_contains(f->err, "/nonexistent/x");
}

static void test_list_arguments(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(RUN(f, "list", "add", "nonsense", "--lists", f->lists), 1);
	assert_contains(f->err, "nonsense: No such file");
	assert_int_equal(RUN(f, "list", "add", f->directory, "--lists", f->lists), 1);
	assert_contains(f->err, "directory");
	assert_int_equal(RUN(f, "list", "add", "/dev/null", "--lists", f->lists), 1);
	assert_contains(f->err, "not a regular file");
	assert_int_equal(RUN(f, "list", "add", "sha256:12", "--lists", f->lists), 4);
	assert_int_equal(
		RUN(f, "list", "add", "123456789012345678901234567890123", "--lists", f->lists), 4);
	assert_int_equal(RUN(f, "list", "add", HELLO_DIGEST, "--size", "x", "--lists", f->lists),
			 2);
	assert_int_equal(RUN(f, "list", "add", f->hello, "--size", "1", "--lists", f->lists), 2);
	assert_int_equal(RUN(f, "list", "add", HELLO_DIGEST, "--format", "x", "--lists", f->lists),
			 2);
	assert_int_equal(RUN(f, "list", "add", HELLO_DIGEST, "--name", "a\nb", "--lists", f->lists),
			 4);
	assert_null(get_file(f, f->local));
	assert_int_equal(RUN(f, "list", "add", HELLO_DIGEST, "--size", "6", "--format", "elf",
			     "--lists", f->lists),
			 0);
	assert_string_equal(get_file(f, f->local),
			    PSC_LIST_HEADER "\nsha256," HELLO_DIGEST ",6,elf,,,,\n");
	assert_int_equal(
		RUN(f, "list", "add", "md5:d41d8cd98f00b204e9800998ecf8427e", "--lists", f->lists),
		0);
	assert_contains(f->err, "md5 is not enforceable");
	assert_int_equal(
		RUN(f, "list", "remove", HELLO_DIGEST, "--from", "../x", "--lists", f->lists), 2);
}

/* With a daemon: its directory is used, it reloads; its refusal takes the edit back. */
static void test_daemon_reloads(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	daemon_start(f, "{\"ok\":true,\"data\":{\"generation\":3,\"digests\":1}}");
	assert_int_equal(RUN(f, "list", "add", f->hello, "--json"), 0);
	json = envelope(f, "list add", "data");
	assert_string_equal(psc_json_text(json, "data.effect", ""), "active");
	json_decref(json);
	assert_int_equal(f->reloads, 1);
	assert_contains(get_file(f, f->local), HELLO_DIGEST);
	assert_int_equal(RUN(f, "list", "add", f->hello), 0);
	assert_int_equal(f->reloads, 1);
	assert_int_equal(RUN(f, "reload"), 0);
	assert_string_equal(f->out, "reloaded: generation 3, 1 digest\n");
	/* another directory than the daemon's does not pretend to take effect */
	assert_int_equal(RUN(f, "list", "add", f->hello, "--lists", f->directory), 0);
	assert_contains(f->err, "this change does not reach it");
	assert_int_equal(f->reloads, 2);
}

static void test_daemon_refuses(void **state)
{
	struct fixture *f = *state;
	const char *before = PSC_LIST_HEADER "\n# mine\n";
	char *line;

	put_file(f->local, before);
	daemon_start(f, "{\"ok\":false,\"exit\":4,\"error\":{\"message\":\"too much\\u001b\","
			"\"file\":\"/x/b.csv\",\"line\":7,\"column\":2,\"remedy\":\"mend it\"}}");
	assert_int_equal(RUN(f, "list", "add", f->hello), 4);
	assert_string_equal(get_file(f, f->local), before);
	assert_contains(f->err, "is as before");
	assert_contains(f->err, "/x/b.csv:7:2: too much\\x1b");
	assert_contains(f->err, "remedy: mend it");
	assert_string_equal(f->out, "");
	unlink(f->local);
	assert_int_equal(RUN(f, "list", "add", f->hello), 4);
	assert_null(get_file(f, f->local));
	assert_int_equal(RUN(f, "reload"), 4);
	line = strchr(f->err, '\n');
	assert_string_equal(line + 1, "  remedy: mend it\n");
}

/* What the interlock objects to, one after the other, with what overrules it. */
static void test_interlock_objects(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	daemon_start(f, "{\"ok\":false,\"exit\":4,\"error\":{\"message\":\"interlock: two\","
			"\"objections\":[{\"op\":\"load\",\"path\":\"/lib/\\u001bc\","
			"\"reason\":\"listed\",\"product\":\"P\",\"needed_by\":\"/bin/sh\","
			"\"from\":\"2030-01-01T00:00:00Z\",\"files\":1,\"digest\":\"ab\"},"
			"{\"op\":\"exec\",\"path\":\"/\",\"reason\":\"overlay\",\"files\":7,"
			"\"digest\":\"cd\"},7]}}");
	assert_int_equal(RUN(f, "reload"), 4);
	assert_contains(f->err, "proscribe: interlock: two\n"
				"  load  /lib/\\x1bc, needed by /bin/sh: listed as P from "
				"2030-01-01T00:00:00Z\n"
				"        --force ab\n"
				"  exec  / (7 files): overlay\n"
				"        --force cd\n");
	assert_int_equal(RUN(f, "reload", "--json"), 4);
	json = envelope(f, "reload", "error");
	assert_int_equal(json_array_size(psc_json_at(json, "error.objections")), 3);
	json_decref(json);
}

/* A daemon that says nonsense or hangs up: the edit stays, the doubt is told. */
static void test_daemon_broken(void **state)
{
	struct fixture *f = *state;

	daemon_start(f, "{\"what\":1}");
	assert_int_equal(RUN(f, "reload"), 1);
	assert_contains(f->err, "not understood");
	f->reload_reply = "";
	assert_int_equal(RUN(f, "list", "add", f->hello), 1);
	assert_contains(f->err, "not known whether the daemon loaded it");
	assert_contains(f->err, "no reply from the daemon");
	assert_contains(get_file(f, f->local), HELLO_DIGEST);
}

static int import_text(struct fixture *f, const char *text, char *name)
{
	char path[128];
	int saved = dup(STDIN_FILENO), code, fd;

	snprintf(path, sizeof(path), "%s/input", f->directory);
	put_file(path, text);
	fd = open(path, O_RDONLY);
	dup2(fd, STDIN_FILENO);
	close(fd);
	clearerr(stdin);
	rewind(stdin);
	code = RUN(f, "list", "import", "--lists", f->lists, "--product", "P", "--name", name);
	dup2(saved, STDIN_FILENO);
	close(saved);
	return code;
}

static void test_import(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/x.csv", f->lists);
	assert_int_equal(import_text(f, HELLO_DIGEST "  a,b\n" HELLO_DIGEST " *c\n", "x"), 0);
	assert_contains(f->out, "2 entries read, 1 added to ");
	assert_string_equal(get_file(f, path),
			    PSC_LIST_HEADER "\nsha256," HELLO_DIGEST ",,,\"a,b\",P,,\n");
	assert_int_equal(import_text(f,
				     "# c\n\n" PSC_LIST_HEADER "\r\n"
				     "md5,d41d8cd98f00b204e9800998ecf8427e,,,,Q,,\r\n"
				     "sha256," HELLO_DIGEST ",,,,,,\r\n",
				     "x.csv"),
			 4);
	assert_int_equal(import_text(f,
				     PSC_LIST_HEADER "\n"
						     "md5,d41d8cd98f00b204e9800998ecf8427e,,,,Q,,\n"
						     "sha256," HELLO_DIGEST ",,,,,,\n",
				     "x.csv"),
			 0);
	assert_contains(f->out, "2 entries read, 1 added to ");
	assert_contains(get_file(f, path), "\nmd5,d41d8cd98f00b204e9800998ecf8427e,,,,Q,,\n");
	assert_int_equal(import_text(f, HELLO_DIGEST "  ok\nrubbish\n", "y"), 4);
	assert_contains(f->err, "standard input:2:");
	assert_int_equal(import_text(f, "", "y"), 4);
	assert_int_equal(import_text(f, HELLO_DIGEST "  ok\n", "../y"), 2);
	snprintf(path, sizeof(path), "%s/y.csv", f->lists);
	assert_null(get_file(f, path));

	/* from a file: its name in what is wrong with it */
	put_file(f->local, "rubbish\n");
	assert_int_equal(RUN(f, "list", "import", f->local, "--lists", f->lists, "--name", "z"), 4);
	assert_contains(f->err, f->local);
	put_file(f->local, HELLO_DIGEST "  d\n");
	assert_int_equal(RUN(f, "list", "import", f->local, "--lists", f->lists, "--name", "z"), 0);
	assert_contains(f->out, "1 entry read, 1 added to ");
	assert_int_equal(unlink(f->local), 0);
	assert_int_equal(RUN(f, "list", "import", f->local, "--lists", f->lists, "--name", "z"), 1);
}

static void test_digest_errors(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	assert_int_equal(RUN(f, "digest", "/nonexistent", f->hello, "--lists", f->lists), 1);
	assert_contains(f->err, "/nonexistent: No such file");
	assert_contains(f->out, HELLO_DIGEST);
	put_file(f->local, PSC_LIST_HEADER "\nsha256," HELLO_DIGEST ",7,,,,,\n");
	assert_int_equal(RUN(f, "digest", f->hello, "--lists", f->lists, "--json"), 5);
	json = envelope(f, "digest", "data");
	assert_true(json_is_true(json_object_get(json_array_get(psc_json_at(json, "data.files"), 0),
						 "size_mismatch")));
	json_decref(json);
}

static void test_log(void **state)
{
	struct fixture *f = *state;
	char path[128];
	json_t *json;

	assert_int_equal(RUN(f, "log", "--dir", "/nonexistent"), 1);
	assert_int_equal(RUN(f, "log", "--dir", f->directory, "--since", "soon"), 2);
	snprintf(path, sizeof(path), "%s/audit-20260101T000000Z.jsonl", f->directory);
	put_file(path,
		 "{\"@timestamp\":\"2026-01-02T03:04:05.123456Z\",\"proscribe\":{\"type\":"
		 "\"decision\",\"op\":\"exec\",\"verdict\":\"deny\",\"product\":\"Some Tool\"},"
		 "\"file\":{\"path\":\"/a\\\\x0ab\\u001b[31m\"},\"process\":{\"name\":\"bash\","
		 "\"pid\":12},\"user\":{\"id\":\"0\"}}\n"
		 "{broken\n"
		 "{\"@timestamp\":\"2026-01-03T03:04:05.000000Z\",\"proscribe\":{\"type\":"
		 "\"decision\",\"op\":\"load\",\"verdict\":\"record\",\"unverified\":\"writer\"},"
		 "\"process\":{\"name\":\"x\",\"pid\":13},\"user\":{\"id\":\"7\"}}\n"
		 "{\"@timestamp\":\"2026-01-04T03:04:05.000000Z\",\"proscribe\":{\"type\":"
		 "\"start\"},\"message\":\"started\"}\n"
		 "{}\n");
	assert_int_equal(RUN(f, "log", "--dir", f->directory), 4);
	assert_string_equal(
		f->out,
		"2026-01-02 03:04:05.123Z  deny        exec     /a\\x0ab\\x1b[31m  Some Tool  "
		"bash(12) uid 0\n"
		"2026-01-03 03:04:05.000Z  record      load     (no path)  unverified:writer  x(13) "
		"uid 7\n"
		"2026-01-04 03:04:05.000Z  start       started\n"
		"?                         ?           \n");
	assert_contains(f->err, "audit-20260101T000000Z.jsonl:2: damaged record: ");
	RUN(f, "log", "--dir", f->directory, "--verdict", "deny", "--product", "some tool");
	assert_contains(f->out, "bash(12)");
	assert_null(strstr(f->out, "x(13)"));
	RUN(f, "log", "--dir", f->directory, "--op", "load");
	assert_null(strstr(f->out, "bash(12)"));
	assert_contains(f->out, "x(13)");
	RUN(f, "log", "--dir", f->directory, "--since", "2026-01-03");
	assert_null(strstr(f->out, "bash(12)"));
	assert_contains(f->out, "started");
	assert_int_equal(RUN(f, "log", "--dir", f->directory, "--json"), 4);
	json = envelope(f, "log", "data");
	assert_int_equal(json_array_size(psc_json_at(json, "data.records")), 4);
	assert_int_equal(psc_json_number(json, "data.damaged", 0), 1);
	json_decref(json);
}

static void test_off(void **state)
{
	struct fixture *f = *state;
	int saved = dup(STDIN_FILENO), fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	dup2(fd, STDIN_FILENO);
	close(fd);
	/* neither asks nor acts: nobody is there to answer */
	assert_int_equal(RUN(f, "off"), geteuid() == 0 ? 2 : 1);
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void test_pins(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/pins", f->directory);
	assert_int_equal(psc_pins_look(path), PSC_PINS_ABSENT);
	assert_int_equal(psc_pins_remove(path), -ENOENT);
	mkdir(path, 0700);
	assert_int_equal(psc_pins_look(path), PSC_PINS_PRESENT);
	for (const char *const *name = (const char *const[]){"psc_exec", "shared", "events", NULL};
	     *name; name++) {
		char pin[160];

		snprintf(pin, sizeof(pin), "%s/%s", path, *name);
		put_file(pin, "");
	}
	assert_int_equal(psc_pins_remove(path), 3);
	assert_int_equal(psc_pins_look(path), PSC_PINS_ABSENT);
}

static char *render(const char *data)
{
	json_t *json = json_loads(data, 0, NULL);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(json);
	psc_render_status(out, json, false);
	fclose(out);
	json_decref(json);
	return text;
}

static void test_status_page(void **state)
{
	_cleanup_free_ char *text = render(
		"{\"version\":\"0.1.0\",\"pid\":123,\"mode\":\"observe\",\"generation\":3,"
		"\"guard\":\"on\",\"since\":\"2026-01-02T03:04:05Z\",\"kernel\":\"6.1.0-1-amd64\","
		"\"lists\":{\"directory\":\"/etc/proscribe/lists.d\",\"files\":["
		"{\"path\":\"local.csv\",\"entries\":1,\"enforceable\":1},"
		"{\"path\":\"vendor\\u001b.csv\",\"entries\":20,\"enforceable\":15}],"
		"\"digests\":16,\"not_enforceable\":{\"md5\":5,\"sha1\":0},\"without_size\":2,"
		"\"hash_all\":true},"
		"\"policy\":{\"digest\":\"0123456789abcdef01\",\"interval\":{\"count\":2},\"places\":{\"listed\":[{\"path\":\"/opt/a\",\"product\":\"v/a\",\"marked\":true},"
		"{\"path\":\"/opt/b\",\"product\":null,\"marked\":false}]}},"
		"\"actions\":{\"exec\":\"deny\",\"load\":\"deny\",\"open\":\"record\"},"
		"\"counters\":{\"exec\":{\"allow\":1200,\"record\":1,\"deny\":0,\"would_deny\":2},"
		"\"load\":{\"allow\":0,\"record\":0,\"deny\":0,\"would_deny\":0}},"
		"\"unverified\":{\"exec\":{\"writer\":1},\"load\":{\"writer\":0}},"
		"\"log\":\"/var/log/proscribe/a.jsonl\",\"events\":{\"emitted\":3,\"dropped\":1,\"written\":2,\"lost_sequence\":0},"
		"\"digested\":{\"files\":1,\"bytes\":1468006},\"cache_hits\":9,"
		"\"features\":{\"execve_check\":false,\"file_post_open\":true},"
		"\"hooks\":[\"bprm_check_security\",\"mmap_file\"],"
		"\"canary\":{\"passed\":true,\"at\":\"2026-01-02T03:04:05Z\",\"checks\":"
		"{\"exec\":\"refused\",\"load\":\"refused\"}},"
		"\"warnings\":[{\"message\":\"no key\",\"remedy\":\"enrol one\"},"
		"{\"message\":\"x\"}]}");

	assert_string_equal(
		text, "proscribe 0.1.0, pid 123, kernel 6.1.0-1-amd64\n"
		      "  guard       on since 2026-01-02T03:04:05Z\n"
		      "  mode        observe (nothing is refused; see 'would deny'), generation 3\n"
		      "  canary      passed at 2026-01-02T03:04:05Z: exec refused, load refused\n"
		      "  policy      0123456789abcdef, 2 intervals\n"
		      "  lists       16 digests from /etc/proscribe/lists.d\n"
		      "              local.csv       1 entry\n"
		      "              vendor\\x1b.csv  20 entries, enforceable 15\n"
		      "              5 md5: not enforceable\n"
		      "              2 without size\n"
		      "              everything executed is digested once\n"
		      "  places      /opt/a: v/a\n"
		      "              /opt/b (not there, or it cannot be marked)\n"
		      "  actions     exec deny, load deny, open record\n"
		      "  attempts               allowed  recorded  would deny    denied\n"
		      "              exec          1200         1           2         0\n"
		      "  unverified  exec writer 1\n"
		      "  events      3 emitted, 2 written, 1 dropped by a full ring\n"
		      "  log         /var/log/proscribe/a.jsonl\n"
		      "  digested    1 file (1.4 MiB), cache hits 9\n"
		      "  features    no execve_check, file_post_open\n"
		      "  hooks       bprm_check_security, mmap_file\n"
		      "\n"
		      "warning: no key\n"
		      "  remedy: enrol one\n"
		      "warning: x\n");
}

/* How long a new file takes until it is guarded, once there was one. */
static void test_status_resolver(void **state)
{
	static const char status[] =
		"{\"resolver\":{\"enabled\":true,\"queue\":2,\"watch\":{\"new_files\":true,"
		"\"file_systems\":3,\"seen\":40,\"overflows\":0},\"latency\":{\"files\":%d,"
		"\"p50_ms\":120.4,\"p99_ms\":2500.0}}}";
	_cleanup_free_ char *some = NULL, *none = NULL, *text = NULL, *without = NULL;

	assert_true(asprintf(&some, status, 5) > 0 && asprintf(&none, status, 0) > 0);
	text = render(some);
	assert_contains(text, "  new files   3 file systems, 40 closed, 2 waiting, in force after "
			      "120 ms (p50), 2500 ms (p99)\n");
	without = render(none);
	assert_contains(without, "40 closed, 2 waiting\n");
}

/* What is in force is not what the files say: that stands where everybody looks. */
static void test_status_refused(void **state)
{
	static const char *const members[] = {"restored", "refused", "other"};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		_cleanup_free_ char *status = NULL, *text = NULL;

		assert_true(
			asprintf(&status,
				 "{\"canary\":null,\"guard\":\"unpinned\",\"policy\":{\"digest\":"
				 "\"aa\",\"%s\":true,\"interval\":{\"count\":1}}}",
				 members[i]) > 0);
		text = render(status);
		assert_contains(text, "  guard       unpinned\n");
		if (i < 2)
			assert_contains(text, "aa, 1 interval, the present one is REFUSED\n");
		else
			assert_lacks(text, "REFUSED");
	}
}

/* Members that are missing or of another type are no reason to fall over. */
static void test_status_odd(void **state)
{
	static const char *const odd[] = {
		"{}",
		"{\"lists\":1,\"actions\":[],\"counters\":[1],\"canary\":{},\"hooks\":{},"
		"\"features\":3,\"warnings\":[1,null,{}],\"events\":null,\"unverified\":{\"a\":1},"
		"\"version\":5,\"guard\":null,\"mode\":{},\"pid\":\"x\"}",
		"{\"lists\":{\"files\":[null,1,{}],\"not_enforceable\":{\"md5\":\"x\"}},"
		"\"actions\":{\"exec\":1},\"counters\":{\"exec\":1},\"canary\":{\"checks\":"
		"{\"exec\":1}},\"hooks\":[1],\"digested\":{\"bytes\":-1}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		_cleanup_free_ char *text = render(odd[i]);

		assert_contains(text, "proscribe ?");
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_usage),
		TEST(test_help),
		TEST(test_words),
		TEST(test_no_daemon),
		TEST(test_list_without_daemon),
		TEST(test_list_show),
		TEST(test_list_show_empty),
		TEST(test_broken_list),
		TEST(test_list_arguments),
		TEST(test_daemon_reloads),
		TEST(test_daemon_refuses),
		TEST(test_interlock_objects),
		TEST(test_daemon_broken),
		TEST(test_import),
		TEST(test_digest_errors),
		TEST(test_log),
		TEST(test_off),
		TEST(test_pins),
		TEST(test_status_page),
		TEST(test_status_resolver),
		TEST(test_status_refused),
		TEST(test_status_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
