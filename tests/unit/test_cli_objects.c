/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_objects.c - attest, exempt, decide, window, override and reload --force against a
 * pretended daemon: output, exit status, what happens to the files of objects.d. The verbs are compiled in.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>

#include "user/cli/output.h"
#include "user/core/json.h"
#include "user/core/object.h"
#include "user/core/timefmt.h"
#define FIXTURE_OWN char objects[80];
#include "tests/unit/cli_harness.h"

static const struct psc_verb *const verb_table[] = {
	&psc_verb_attest,
	&psc_verb_attest_list,
	&psc_verb_attest_remove,
	&psc_verb_exempt,
	&psc_verb_exempt_list,
	&psc_verb_exempt_remove,
	&psc_verb_decide,
	&psc_verb_decide_list,
	&psc_verb_decide_remove,
	&psc_verb_window_open,
	&psc_verb_window_close,
	&psc_verb_window_list,
	&psc_verb_override_list,
	&psc_verb_override_remove,
	&psc_verb_reload,
	&psc_verb_help,
	NULL,
};

#define ACCEPTS "{\"ok\":true,\"data\":{\"generation\":3,\"digests\":1}}"
#define REFUSES                                                                                    \
	"{\"ok\":false,\"exit\":4,\"error\":{\"message\":\"no profile p\","                        \
	"\"file\":\"/x/EX.yaml\",\"line\":7,\"column\":2,\"remedy\":\"mend it\"}}"

/* ---- fixture ------------------------------------------------------------------ */

static const char *path_of(const struct fixture *f, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", f->objects, name);
	return path;
}

static void put_object(const struct fixture *f, const char *name, const char *text)
{
	put_file(path_of(f, name), text);
}

static char *get_object(struct fixture *f, const char *name)
{
	return get_file(f, path_of(f, name));
}

/* Names that are not only "." and ".lock". */
static int count_files(const struct fixture *f)
{
	char command[160], answer[16] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "ls -A '%s' | grep -cvx .lock", f->objects);
	pipe = popen(command, "r");
	assert_non_null(fgets(answer, sizeof(answer), pipe));
	pclose(pipe);
	return (int)strtol(answer, NULL, 10);
}

static int setup(void **state)
{
	struct fixture *f = fixture_new();

	if (!f)
		return -1;
	snprintf(f->objects, sizeof(f->objects), "%s/objects.d", f->directory);
	f->status_key = "objects";
	f->status_directory = f->objects;
	mkdir(f->objects, 0755);
	unsetenv("SUDO_USER");
	umask(0022);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	return fixture_free(*state);
}

/* With the fixture's directory; ALONE is without. */
#define ALONE(f, ...)                                                                              \
	run_array(f, verb_table, (char *[ARGUMENTS_MAX]){(char *)"proscribe", __VA_ARGS__})
#define RUN(f, ...) ALONE(f, __VA_ARGS__, (char *)"--objects", (f)->objects)

/* Of an object that a verb wrote. */
static struct psc_object *load(const struct fixture *f, const char *name)
{
	struct psc_object *object = NULL;
	struct psc_error error = {};

	if (psc_object_load(path_of(f, name), &object, &error) < 0)
		fail_msg("%s:%u:%u: %s", error.file, error.line, error.column, error.message);
	return object;
}

/* ---- making them ------------------------------------------------------------------ */

static void test_exempt(void **state)
{
	struct fixture *f = *state;
	_cleanup_(psc_object_freep) struct psc_object *o = NULL;
	uint64_t now = psc_time_now();
	struct stat st;

	assert_int_equal(RUN(f, "exempt", "kaspersky/kesl", "kaspersky/klnagent", "--by",
			     "The CISO", "--reason", "incident \"4\"", "--until", "+30d",
			     "--profile", "us-ndaa", "--document", "DMS 4711", "--profile", "us-x",
			     "--id", "EX-1"),
			 0);
	assert_contains(f->out, "exemption EX-1 written: kaspersky/kesl, kaspersky/klnagent under "
				"us-ndaa, us-x\n  until   ");
	assert_contains(f->out, "Z\n  by      The CISO\n  file    ");
	assert_contains(f->out, "What the order says is unchanged.\n");
	assert_contains(f->err, "takes effect at its next start");
	o = load(f, "EX-1.yaml");
	assert_int_equal(o->kind, PSC_OBJECT_EXEMPTION);
	assert_string_equal(o->by, "The CISO");
	assert_string_equal(o->reason, "incident \"4\"");
	assert_string_equal(o->document, "DMS 4711");
	assert_string_equal(o->profiles[1], "us-x");
	assert_string_equal(o->products[1], "kaspersky/klnagent");
	assert_true(o->from % PSC_NSEC_PER_SEC == 0 && o->from <= psc_time_now());
	assert_true(o->from + PSC_NSEC_PER_SEC > now);
	assert_true(o->until == o->from + 30 * 86400 * PSC_NSEC_PER_SEC);
	assert_int_equal(stat(path_of(f, "EX-1.yaml"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	/* not over another one */
	assert_int_equal(RUN(f, "exempt", "a/b", "--by", "x", "--reason", "r", "--until", "+1d",
			     "--id", "EX-1"),
			 4);
	assert_contains(f->err, "EX-1.yaml: there is an object of that id");
	assert_contains(get_object(f, "EX-1.yaml"), "by: \"The CISO\"");
}

static void test_default_ids(void **state)
{
	struct fixture *f = *state;

	/* more than one a second */
	for (int i = 0; i < 4; i++)
		assert_int_equal(RUN(f, "exempt", "a/b", "--by", "x", "--reason", "r", "--until",
				     "1h", "--no-reload"),
				 0);
	assert_int_equal(count_files(f), 4);
	assert_contains(f->out, "exemption EX-20");
	assert_string_equal(f->err, "");
	assert_int_equal(RUN(f, "window", "open", "--for", "30m", "--by", "x", "--reason", "r"), 0);
	assert_contains(f->out, "window WI-20");
	assert_int_equal(RUN(f, "attest", "us_person", "no", "--by", "x", "--document", "d"), 0);
	assert_contains(f->out, "attestation AT-20");
	assert_int_equal(RUN(f, "decide", "a/b", "--legacy", "--by", "x", "--document", "d",
			     "--reason", "r", "--until", "2200-01-01"),
			 0);
	assert_contains(f->out, "decision DE-20");
	assert_int_equal(count_files(f), 7);
}

static void test_attest(void **state)
{
	struct fixture *f = *state;
	_cleanup_(psc_object_freep) struct psc_object *o = NULL;

	assert_int_equal(RUN(f, "attest", "us_person", "no", "--by", "counsel", "--document", "d",
			     "--id", "A"),
			 0);
	assert_contains(f->out, "attestation A written: us_person: no\n  until   removed\n");
	o = load(f, "A.yaml");
	assert_string_equal(o->subject, "us_person");
	assert_false(o->value);
	assert_true(o->until == PSC_TIME_NEVER);
	assert_int_equal(RUN(f, "attest", "us_person", "yes", "--by", "counsel", "--document", "d",
			     "--id", "B", "--until", "2200-01-01T00:00:00Z", "--reason", "because"),
			 0);
	psc_object_free(o);
	o = load(f, "B.yaml");
	assert_true(o->value);
	assert_string_equal(o->reason, "because");
	assert_int_equal(RUN(f, "attest", "us_person", "maybe", "--by", "x", "--document", "d"), 2);
	assert_contains(f->err, "'maybe' is neither yes nor no");
	assert_int_equal(RUN(f, "attest", "US person", "no", "--by", "x", "--document", "d"), 4);
	assert_contains(f->err, "proscribe: \"US person\" is no fact");
	assert_int_equal(RUN(f, "attest", "us_person", "no", "--by", "x"), 2);
	assert_contains(f->err, "needs --document");
	assert_int_equal(RUN(f, "attest", "us_person"), 2);
	assert_int_equal(count_files(f), 2);
}

static void test_decide(void **state)
{
	struct fixture *f = *state;
	_cleanup_(psc_object_freep) struct psc_object *o = NULL;

	assert_int_equal(RUN(f, "decide", "kaspersky/kesl", "--legacy", "--by", "board",
			     "--document", "R", "--reason", "r", "--until", "+90d", "--id", "D",
			     "--profile", "p"),
			 0);
	assert_contains(f->out, "decision D written: kaspersky/kesl under p\n");
	assert_contains(f->out, "at the organisation's own risk");
	o = load(f, "D.yaml");
	assert_int_equal(o->kind, PSC_OBJECT_DECISION);
	for (const char *const *left_out =
		     (const char *const[]){"legacy", "document", "reason", "until", NULL};
	     *left_out; left_out++) {
		char *argv[ARGUMENTS_MAX] = {(char *)"proscribe", (char *)"decide", (char *)"a/b"};
		char *const all[][2] = {{(char *)"legacy", NULL},
					{(char *)"document", (char *)"R"},
					{(char *)"reason", (char *)"r"},
					{(char *)"until", (char *)"+1d"}};
		char words[4][16], expected[32];
		int argc = 3;

		for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
			if (strcmp(all[i][0], *left_out) == 0)
				continue;
			snprintf(words[i], sizeof(words[i]), "--%s", all[i][0]);
			argv[argc++] = words[i];
			if (all[i][1])
				argv[argc++] = all[i][1];
		}
		argv[argc++] = (char *)"--objects";
		argv[argc++] = f->objects;
		snprintf(expected, sizeof(expected), "needs --%s;", *left_out);
		assert_int_equal(run_array(f, verb_table, argv), 2);
		assert_contains(f->err, expected);
	}
	assert_int_equal(count_files(f), 1);
}

static void test_window(void **state)
{
	struct fixture *f = *state;
	_cleanup_(psc_object_freep) struct psc_object *o = NULL;

	assert_int_equal(RUN(f, "window", "open", "--for", "30m", "--reason", "removal", "--by",
			     "ops", "--id", "W"),
			 0);
	assert_contains(f->out, "window W written: all products\n");
	assert_contains(f->out, "run until then, and are recorded");
	o = load(f, "W.yaml");
	assert_true(o->until == o->from + 1800 * PSC_NSEC_PER_SEC);
	assert_null(o->products);
	/* what is open is closed without its id being known */
	assert_int_equal(RUN(f, "window", "close"), 0);
	assert_string_equal(f->out, "window W closed: all products\n");
	assert_int_equal(count_files(f), 0);
	assert_int_equal(RUN(f, "window", "close"), 1);
	assert_contains(f->err, "no window is open in ");

	assert_int_equal(RUN(f, "window", "open", "--for", "24h", "--reason", "r", "--by", "ops",
			     "--product", "a/b", "--product", "c/d", "--id", "W1"),
			 0);
	assert_contains(f->out, "window W1 written: a/b, c/d\n");
	assert_int_equal(
		RUN(f, "window", "open", "--for", "1h", "--reason", "r", "--by", "x", "--id", "W2"),
		0);
	assert_int_equal(RUN(f, "window", "close"), 2);
	assert_contains(f->err, "more than one window is open: which one, W1 or W2?");
	assert_int_equal(RUN(f, "window", "close", "W2"), 0);
	assert_null(get_object(f, "W2.yaml"));
	/* neither what is over nor what is to come counts as open */
	put_object(f, "W0.yaml",
		   "window: W0\nreason: r\nby: b\nfrom: 2020-01-01\nuntil: 2020-01-02\n");
	put_object(f, "W3.yaml",
		   "window: W3\nreason: r\nby: b\nfrom: 2200-01-01\nuntil: 2200-01-02\n");
	assert_int_equal(RUN(f, "window", "close"), 0);
	assert_contains(f->out, "window W1 closed");
	assert_int_equal(RUN(f, "window", "close", "W0"), 0);
	assert_int_equal(count_files(f), 1);

	assert_int_equal(RUN(f, "window", "open", "--for", "25h", "--reason", "r"), 4);
	assert_contains(f->err, "--for 25h: a window is open for 24 hours at most");
	assert_int_equal(RUN(f, "window", "open", "--for", "9999999999w", "--reason", "r"), 4);
	assert_int_equal(RUN(f, "window", "open", "--for", "0m", "--reason", "r"), 2);
	assert_int_equal(RUN(f, "window", "open", "--for", "+1h", "--reason", "r"), 2);
	assert_contains(f->err, "'+1h' is no span");
	assert_int_equal(RUN(f, "window", "open", "--for", "1h"), 2);
	assert_contains(f->err, "needs --reason");
	assert_int_equal(RUN(f, "window", "open", "--reason", "r"), 2);
	assert_contains(f->err, "needs --for");
	assert_int_equal(
		RUN(f, "window", "open", "--for", "1h", "--reason", "r", "--product", "kesl"), 4);
	assert_int_equal(count_files(f), 1);
}

/* ---- what is refused ---------------------------------------------------------------- */

#define EXEMPT(f, ...) RUN(f, "exempt", "a/b", "--by", "x", __VA_ARGS__)

static void test_refused_arguments(void **state)
{
	struct fixture *f = *state;
	char longest[PSC_OBJECT_TEXT_MAX + 2];
	json_t *json;

	assert_int_equal(EXEMPT(f, "--reason", "r", "--until", "2020-01-01"), 4);
	assert_contains(f->err, "--until 2020-01-01T00:00:00Z is not in the future: this exemption "
				"would be over");
	assert_int_equal(EXEMPT(f, "--reason", "r", "--until", "0s"), 4);
	assert_int_equal(EXEMPT(f, "--reason", "r", "--until", "soon"), 2);
	assert_contains(f->err, "'soon' is no time");
	assert_int_equal(EXEMPT(f, "--reason", "r", "--until", "9999999999w"), 2);
	assert_contains(f->err, "too far away");
	assert_int_equal(EXEMPT(f, "--reason", "r"), 2);
	assert_contains(f->err, "needs --until");
	assert_int_equal(EXEMPT(f, "--until", "+1d"), 2);
	assert_contains(f->err, "needs --reason");
	assert_int_equal(EXEMPT(f, "--until", "+1d", "--reason", " "), 2);
	assert_contains(f->err, "--reason is empty");
	assert_int_equal(EXEMPT(f, "--until", "+1d", "--reason", "a\nb"), 4);
	assert_contains(f->err, "--reason: control character");
	assert_int_equal(EXEMPT(f, "--until", "+1d", "--reason", "a\xff"), 4);
	assert_contains(f->err, "--reason: invalid UTF-8");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(EXEMPT(f, "--until", "+1d", "--reason", longest), 4);
	assert_contains(f->err, "--reason: longer than 1024 bytes");
	assert_int_equal(EXEMPT(f, "--until", "+1d", "--reason", "r", "--id", "../x"), 4);
	assert_contains(f->err, "'../x' is no id");
	assert_int_equal(EXEMPT(f, "--until", "+1d", "--reason", "r", "--profile", "a b"), 4);
	assert_contains(f->err, "proscribe: \"a b\": expected the id of a profile");
	assert_int_equal(RUN(f, "exempt", "--reason", "r", "--until", "+1d"), 2);
	assert_int_equal(RUN(f, "exempt", "kesl", "--reason", "r", "--until", "+1d", "--json"), 4);
	json = envelope(f, "exempt", "error");
	assert_string_equal(psc_json_text(json, "error.message", ""),
			    "\"kesl\": expected a product as VENDOR/PRODUCT");
	assert_null(psc_json_at(json, "error.line"));
	json_decref(json);
	assert_int_equal(RUN(f, "exempt", "a/b", "a/b", "--reason", "r", "--until", "+1d"), 4);
	assert_contains(f->err, "is there twice");
	assert_int_equal(count_files(f), 0);
	assert_int_equal(ALONE(f, "exempt", "a/b", "--reason", "r", "--until", "+1d", "--objects",
			       "/nonexistent"),
			 1);
	assert_contains(f->err, "its directory cannot be opened");
}

static void test_signer(void **state)
{
	struct fixture *f = *state;
	const struct passwd *account = getpwuid(getuid());
	char expected[128];
	json_t *json;

	snprintf(expected, sizeof(expected), "by      %s (the account; --by names somebody else)",
		 account ? account->pw_name : "uid");
	assert_int_equal(RUN(f, "attest", "f", "no", "--document", "d"), 0);
	assert_contains(f->out, expected);
	if (geteuid() != 0)
		return;
	setenv("SUDO_USER", "alice", 1);
	assert_int_equal(RUN(f, "attest", "f", "no", "--document", "d"), 0);
	assert_contains(f->out, "by      alice (the login behind sudo; --by names somebody else)");
	assert_int_equal(RUN(f, "attest", "f", "no", "--document", "d", "--json"), 0);
	json = envelope(f, "attest", "data");
	assert_string_equal(psc_json_text(json, "data.by_from", ""), "sudo");
	assert_string_equal(psc_json_text(json, "data.object.by", ""), "alice");
	json_decref(json);
	setenv("SUDO_USER", "a\nb", 1);
	assert_int_equal(RUN(f, "attest", "f", "no", "--document", "d"), 4);
	unsetenv("SUDO_USER");
}

/* ---- lists and removal ----------------------------------------------------------------- */

static void put_some(struct fixture *f)
{
	put_object(f, "E1.yaml",
		   "exemption: E1\nreason: r\nby: \"CISO \\u202e\"\nuntil: 2020-01-01\n"
		   "products: [a/b, c/d]\nprofiles: [p]\n");
	put_object(f, "E2.yaml",
		   "exemption: E2\nreason: r\nby: CISO\nuntil: 2200-01-01\nproducts: [a/b]\n");
	put_object(f, "E3.yaml",
		   "exemption: E3\nreason: r\nby: CISO\nfrom: 2199-01-01\nuntil: 2200-01-01\n"
		   "products: [a/b]\ndocument: d\n");
	put_object(f, "A.yaml", "attestation: A\nfact: us_person\nvalue: no\nby: b\ndocument: d\n");
}

static void test_list(void **state)
{
	struct fixture *f = *state;
	const json_t *first;
	json_t *json;

	assert_int_equal(RUN(f, "exempt", "list"), 0);
	assert_contains(f->out, "no exemption in /tmp/");
	put_some(f);
	assert_int_equal(RUN(f, "exempt", "list"), 0);
	assert_string_equal(f->out,
			    "ID  WHAT              UNTIL                 BY             STATE\n"
			    "E1  a/b, c/d under p  2020-01-01T00:00:00Z  CISO \\u{202e}  expired\n"
			    "E2  a/b               2200-01-01T00:00:00Z  CISO           in force\n"
			    "E3  a/b               2200-01-01T00:00:00Z  CISO           begins "
			    "2199-01-01T00:00:00Z\n");
	assert_int_equal(RUN(f, "attest", "list"), 0);
	assert_string_equal(f->out, "ID  WHAT           UNTIL  BY  STATE\n"
				    "A   us_person: no  -      b   in force\n");
	assert_int_equal(RUN(f, "decide", "list"), 0);
	assert_contains(f->out, "no decision in ");
	assert_int_equal(RUN(f, "window", "list"), 0);
	assert_contains(f->out, "no window in ");
	assert_int_equal(RUN(f, "exempt", "list", "--json"), 0);
	json = envelope(f, "exempt list", "data");
	assert_int_equal(json_array_size(psc_json_at(json, "data.objects")), 3);
	first = json_array_get(psc_json_at(json, "data.objects"), 2);
	assert_string_equal(psc_json_text(first, "kind", ""), "exemption");
	assert_string_equal(psc_json_text(first, "state", ""), "begins");
	assert_string_equal(psc_json_text(first, "from", ""), "2199-01-01T00:00:00Z");
	assert_string_equal(psc_json_text(first, "document", ""), "d");
	assert_string_equal(psc_json_text(first, "file", ""), path_of(f, "E3.yaml"));
	assert_int_equal(strlen(psc_json_text(first, "sha256", "")), 64);
	json_decref(json);
	/* one that is not understood is not passed over */
	put_object(f, "Z.yaml", "exemption: Z\nreason: [r]\n");
	assert_int_equal(RUN(f, "exempt", "list"), 4);
	assert_contains(f->err, "Z.yaml:2:9: expected a text, found a sequence");
}

static void test_remove(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	put_some(f);
	assert_int_equal(RUN(f, "exempt", "remove", "E2"), 0);
	assert_string_equal(f->out, "exemption E2 removed: a/b\n");
	assert_contains(f->err, "takes effect at its next start");
	assert_null(get_object(f, "E2.yaml"));
	assert_int_equal(count_files(f), 3);
	assert_int_equal(RUN(f, "exempt", "remove", "E2"), 1);
	assert_contains(f->err, "there is no exemption E2 in ");
	/* each verb takes away its own */
	assert_int_equal(RUN(f, "exempt", "remove", "A"), 4);
	assert_contains(f->err, "A is no exemption but an object of kind attestation");
	assert_int_equal(RUN(f, "window", "close", "A"), 4);
	assert_int_equal(RUN(f, "decide", "remove", "../A"), 4);
	assert_int_equal(count_files(f), 3);
	assert_int_equal(RUN(f, "attest", "remove", "A", "--json", "--no-reload"), 0);
	json = envelope(f, "attest remove", "data");
	assert_string_equal(psc_json_text(json, "data.removed.id", ""), "A");
	assert_string_equal(psc_json_text(json, "data.effect", ""), "next_start");
	json_decref(json);
	assert_string_equal(f->err, "");
	assert_int_equal(RUN(f, "exempt", "remove"), 2);
}

/* ---- overrides ------------------------------------------------------------------------- */

#define DIGEST_A "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define DIGEST_B "01BA4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b"

/* As many digests as there are, in one object: the daemon is asked once. */
static void test_force(void **state)
{
	struct fixture *f = *state;
	const char *id, *text;
	char name[64];

	daemon_start(f, ACCEPTS);
	assert_int_equal(RUN(f, "reload", "--force", DIGEST_A), 2);
	assert_contains(f->err, "needs --reason");
	assert_int_equal(RUN(f, "reload", "--force", "abc", "--reason", "r"), 2);
	assert_contains(f->err, "'abc' is no digest");
	assert_int_equal(f->reloads, 0);
	assert_int_equal(count_files(f), 0);
	assert_int_equal(RUN(f, "reload", "--force", DIGEST_A, "--force", DIGEST_B, "--reason",
			     "it has to go", "--by", "CISO", "--until", "+1d"),
			 0);
	assert_int_equal(f->reloads, 1);
	assert_int_equal(count_files(f), 1);
	assert_contains(f->out, "override OV-");
	assert_contains(f->out, " in force: " DIGEST_A ", " DIGEST_B "\n");
	id = strstr(f->out, "OV-");
	snprintf(name, sizeof(name), "%.*s.yaml", (int)strcspn(id, " "), id);
	text = get_object(f, name);
	assert_non_null(text);
	assert_contains(text, "digests:\n  - " DIGEST_A "\n  - " DIGEST_B "\nreason: ");
	assert_contains(text, "until: ");
}

static void test_override(void **state)
{
	struct fixture *f = *state;
	json_t *json;

	put_object(f, "O1.yaml",
		   "override: O1\nreason: r\nby: CISO\ndigests: [" DIGEST_A ", " DIGEST_B "]\n");
	put_object(f, "O2.yaml",
		   "override: O2\nreason: r\nby: CISO\nuntil: 2020-01-01\ndigests: [" DIGEST_A
		   "]\n");
	assert_int_equal(RUN(f, "override", "list"), 0);
	assert_contains(f->out,
			"O1  " DIGEST_A " and 1 more  -                     CISO  in force\n");
	assert_contains(f->out, "CISO  expired\n");
	assert_int_equal(RUN(f, "override", "list", "--json"), 0);
	json = data_of(f, "override list");
	assert_int_equal(json_array_size(json_object_get(
				 json_array_get(json_object_get(json, "objects"), 0), "digests")),
			 2);
	json_decref(json);
	assert_int_equal(RUN(f, "exempt", "remove", "O1"), 4);
	/* the policy needs it: it stays */
	daemon_start(f, REFUSES);
	assert_int_equal(RUN(f, "override", "remove", "O1"), 4);
	assert_contains(f->err, "the objects are as before");
	assert_non_null(get_object(f, "O1.yaml"));
	f->reload_reply = ACCEPTS;
	assert_int_equal(RUN(f, "override", "remove", "O1"), 0);
	assert_contains(f->out, "override O1 removed: " DIGEST_A);
	assert_null(get_object(f, "O1.yaml"));
	assert_non_null(get_object(f, "O2.yaml"));
	assert_int_equal(RUN(f, "override", "remove"), 2);
}

/* ---- the daemon ------------------------------------------------------------------------ */

static void test_daemon_reloads(void **state)
{
	struct fixture *f = *state;
	char other[96];
	json_t *json;

	daemon_start(f, ACCEPTS);
	assert_int_equal(EXEMPT(f, "--reason", "r", "--until", "+1d", "--id", "E"), 0);
	assert_contains(f->out, "exemption E in force: a/b\n");
	assert_string_equal(f->err, "");
	assert_int_equal(f->reloads, 1);
	assert_int_equal(EXEMPT(f, "--reason", "r", "--until", "+1d", "--json"), 0);
	json = envelope(f, "exempt", "data");
	assert_string_equal(psc_json_text(json, "data.effect", ""), "active");
	json_decref(json);
	assert_int_equal(f->reloads, 2);
	assert_int_equal(EXEMPT(f, "--reason", "r", "--until", "+1d", "--no-reload"), 0);
	assert_contains(f->out, " written: a/b\n");
	assert_int_equal(f->reloads, 2);
	assert_int_equal(RUN(f, "exempt", "remove", "E"), 0);
	assert_int_equal(f->reloads, 3);
	/* another directory than the daemon's does not pretend to take effect */
	snprintf(other, sizeof(other), "%s/other", f->directory);
	mkdir(other, 0755);
	assert_int_equal(ALONE(f, "attest", "f", "no", "--document", "d", "--objects", other), 0);
	assert_contains(f->err, "this change does not reach it");
	assert_contains(f->out, " written: f: no\n");
	assert_int_equal(f->reloads, 3);
}

static void test_daemon_refuses(void **state)
{
	struct fixture *f = *state;
	const char *mine = "# mine\nexemption: E\nreason: r\nby: b\nuntil: 2200-01-01\n"
			   "products: [a/b]\n";
	json_t *json;

	daemon_start(f, REFUSES);
	assert_int_equal(EXEMPT(f, "--reason", "r", "--until", "+1d"), 4);
	assert_contains(f->err, "the objects are as before");
	assert_contains(f->err, "/x/EX.yaml:7:2: no profile p");
	assert_contains(f->err, "remedy: mend it");
	assert_string_equal(f->out, "");
	assert_int_equal(count_files(f), 0);
	put_object(f, "E.yaml", mine);
	assert_int_equal(RUN(f, "exempt", "remove", "E", "--json"), 4);
	json = envelope(f, "exempt remove", "error");
	assert_int_equal(psc_json_number(json, "error.line", 0), 7);
	json_decref(json);
	assert_string_equal(get_object(f, "E.yaml"), mine);
	assert_int_equal(count_files(f), 1);
	assert_int_equal(f->reloads, 2);
}

/* A daemon that hangs up: the change stays, the doubt is told. */
static void test_daemon_broken(void **state)
{
	struct fixture *f = *state;

	daemon_start(f, "");
	assert_int_equal(EXEMPT(f, "--reason", "r", "--until", "+1d", "--id", "E"), 1);
	assert_contains(f->err, "E.yaml is changed, but it is not known whether the daemon loaded");
	assert_non_null(get_object(f, "E.yaml"));
	assert_int_equal(RUN(f, "exempt", "remove", "E"), 1);
	assert_int_equal(count_files(f), 0);
}

/* ---- help --------------------------------------------------------------------------------- */

static void test_help(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ALONE(f, "help", "--words"), 0);
	assert_string_equal(f->out, "attest\nexempt\ndecide\nwindow\noverride\nreload\nhelp\n");
	assert_int_equal(ALONE(f, "help", "--words", "exempt"), 0);
	assert_string_equal(f->out,
			    "list\nremove\n--reason\n--until\n--profile\n--document\n--by\n--id\n"
			    "--no-reload\n--objects\n--json\n--help\n");
	assert_int_equal(ALONE(f, "help", "--words", "window"), 0);
	assert_string_equal(f->out, "open\nclose\nlist\n");
	assert_int_equal(ALONE(f, "help", "--words", "exempt", "list"), 0);
	assert_string_equal(f->out, "--objects\n--json\n--help\n");
	assert_int_equal(ALONE(f, "help", "--words", "exempt", "a/b"), 0);
	assert_contains(f->out, "--reason\n");
	assert_null(strstr(f->out, "list"));
	assert_int_equal(ALONE(f, "help", "exempt"), 0);
	assert_contains(f->out, "proscribe exempt [OPTIONS] VENDOR/PRODUCT...\n");
	assert_contains(f->out, "\n\nproscribe exempt list      Prints all exemptions");
	assert_int_equal(ALONE(f, "help", "window"), 0);
	assert_contains(f->out, "proscribe window close");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_exempt),	   TEST(test_default_ids),   TEST(test_attest),
		TEST(test_decide),	   TEST(test_window),	     TEST(test_refused_arguments),
		TEST(test_signer),	   TEST(test_list),	     TEST(test_remove),
		TEST(test_force),	   TEST(test_override),	     TEST(test_daemon_reloads),
		TEST(test_daemon_refuses), TEST(test_daemon_broken), TEST(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
