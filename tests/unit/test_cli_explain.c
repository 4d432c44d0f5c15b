/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cli_explain.c - `proscribe explain` and `proscribe catalog learn` with a small vendor of
 * the tests' own: what is said of files, processes and digests, and what is learned of files,
 * directories and packages. Packages are stand-ins.
 */
#include <signal.h>
#include <sys/wait.h>

#define FIXTURE_OWN                                                                                \
	char catalog[80], config[80], profile[80], lists[80], objects[80], program[112],           \
		learned[96];
#include "tests/unit/cli_harness.h"

#include "user/cli/output.h"
#include "user/core/list.h"

static const struct psc_verb *const verb_table[] = {&psc_verb_explain, &psc_verb_catalog_learn,
						    NULL};

#define PRODUCTS                                                                                   \
	"vendor: acme\nentity: acme\nproducts:\n"                                                  \
	"  - {product: tool, name: Acme Tool, class: endpoint, source: the test, label: A}\n"      \
	"  - {product: other, name: Acme, class: endpoint, source: the test, label: A}\n"
#define INDICATORS                                                                                 \
	"vendor: acme\nrules:\n"                                                                   \
	"  - rule: by-name\n    product: tool\n    role: updater\n    confidence: high\n"          \
	"    source: the handbook\n    label: V\n    all:\n"                                       \
	"      - {fact: name, value: acme-update}\n"                                               \
	"  - rule: by-package\n    product: tool\n    role: installer\n    confidence: high\n"     \
	"    source: the handbook\n    label: V\n    all:\n"                                       \
	"      - {fact: package_name, value: acme-tool}\n"                                         \
	"  - rule: by-environment\n    product: tool\n    role: program\n    confidence: low\n"    \
	"    source: the handbook\n    label: S\n    all:\n"                                       \
	"      - {fact: environment, value: ACME_HOME=/opt/acme}\n"
#define PROFILE                                                                                    \
	"profile: test\ntitle: t\nauthority: a\nsummary: s\nsource: x\nlabel: A\n"                 \
	"updated: 2024-01-01\nentities: [acme]\n"                                                  \
	"phases:\n  - {phase: begin, title: b, from: 2024-06-01T00:00:00Z, source: x, label: A}\n" \
	"clauses:\n  - {clause: c, phase: begin, text: t, source: x, label: A}\n"                  \
	"rules:\n  - {rule: run, clause: c, basis: order, roles: all, status: [covered_new],\n"    \
	"     operations: [exec], action: deny}\n"

static void path_in(const struct fixture *f, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", f->directory, name);
}

#define PATH_IN(f, name, path) path_in(f, name, path, sizeof(path))

static void make_directory(const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
}

static int setup(void **state)
{
	struct fixture *f = fixture_new();
	char path[160];

	if (!f)
		return -1;
	PATH_IN(f, "catalog", f->catalog);
	PATH_IN(f, "config.yaml", f->config);
	PATH_IN(f, "profiles", f->profile);
	PATH_IN(f, "lists", f->lists);
	PATH_IN(f, "objects", f->objects);
	PATH_IN(f, "acme-update", f->program);
	PATH_IN(f, "learned.csv", f->learned);
	make_directory(f->catalog);
	make_directory(f->profile);
	make_directory(f->lists);
	make_directory(f->objects);
	snprintf(path, sizeof(path), "%s/acme", f->catalog);
	make_directory(path);
	snprintf(path, sizeof(path), "%s/acme/products.yaml", f->catalog);
	put_file(path, PRODUCTS);
	snprintf(path, sizeof(path), "%s/acme/indicators.yaml", f->catalog);
	put_file(path, INDICATORS);
	snprintf(path, sizeof(path), "%s/test.yaml", f->profile);
	put_file(path, PROFILE);
	put_file(f->config, "mode: enforce\nprofiles: [test]\n");
	put_file(f->program, "#!/bin/sh\nexit 0\n");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	return fixture_free(*state);
}

static int explain(struct fixture *f, const char *what, const char *more)
{
	char *argv[] = {"proscribe",	  "explain",  "--catalog",  f->catalog,	  "--config",
			f->config,	  "--lists",  f->lists,	    "--objects",  f->objects,
			"--profiles-dir", f->profile, (char *)what, (char *)more, NULL};

	return run_array(f, verb_table, argv);
}

static int learn(struct fixture *f, const char *what, const char *more)
{
	char *argv[] = {"proscribe", "catalog",	 "learn",      "--catalog",  f->catalog,
			"--output",  f->learned, (char *)what, (char *)more, NULL};

	return run_array(f, verb_table, argv);
}

/* ---- explain ----------------------------------------------------------------------------------- */

static void test_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(explain(f, f->program, NULL), PSC_EXIT_LISTED);
	assert_contains(f->out, "interpreter           /bin/sh");
	assert_contains(f->out, "acme/by-name: acme/tool, updater, confidence high");
	assert_contains(f->out, "the handbook");
	assert_contains(f->out, "not listed");
	assert_contains(f->out, "no list has its digest");
	assert_contains(f->out, "once its digest is listed");
	assert_contains(f->out, "exec: deny");
	assert_contains(f->out, "nothing shows since when it is here");
}

/* What the order said before it began. */
static void test_at(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {"proscribe",
			"explain",
			"--catalog",
			f->catalog,
			"--config",
			f->config,
			"--lists",
			f->lists,
			"--objects",
			f->objects,
			"--profiles-dir",
			f->profile,
			"--at",
			"2024-05-31T23:59:59Z",
			f->program,
			"--json",
			NULL};
	_cleanup_json_ json_t *json = NULL;
	const json_t *thing;

	assert_int_equal(run_array(f, verb_table, argv), PSC_EXIT_LISTED);
	json = json_loads(f->out, 0, NULL);
	assert_non_null(json);
	thing = json_array_get(psc_json_at(json, "data.things"), 0);
	assert_string_equal(psc_json_text(json_array_get(psc_json_at(thing, "then.operations"), 0),
					  "action", ""),
			    "allow");
	assert_string_equal(psc_json_text(json_array_get(psc_json_at(thing, "now.operations"), 0),
					  "action", ""),
			    "deny");
}

static void test_unknown(void **state)
{
	struct fixture *f = *state;
	char path[112];

	PATH_IN(f, "plain", path);
	put_file(path, "nothing\n");
	assert_int_equal(explain(f, path, NULL), PSC_EXIT_OK);
	assert_contains(f->out, "none of the catalog holds");
	assert_lacks(f->out, "mode enforce");
	assert_int_equal(explain(f, f->directory, NULL), PSC_EXIT_FAILED);
	assert_contains(f->err, "proscribe scan");
	assert_int_equal(explain(f, "/nonexistent/file", NULL), PSC_EXIT_FAILED);
	assert_contains(f->err, "No such file");
}

/* The list decides who it is, whatever the file calls itself. */
static void test_listed(void **state)
{
	struct fixture *f = *state;
	char list[112], digest[65] = "", *hex;

	assert_int_equal(explain(f, f->program, NULL), PSC_EXIT_LISTED);
	hex = strstr(f->out, "sha256");
	assert_non_null(hex);
	hex += strcspn(hex, " ");
	hex += strspn(hex, " ");
	memcpy(digest, hex, 64);
	PATH_IN(f, "lists/a.csv", list);
	{
		char text[512];

		snprintf(text, sizeof(text),
			 PSC_LIST_HEADER "\nsha256,%s,17,script,,Own Tool,,whoever says so\n",
			 digest);
		put_file(list, text);
	}
	assert_int_equal(explain(f, f->program, NULL), PSC_EXIT_LISTED);
	assert_contains(f->out, "LISTED");
	assert_contains(f->out, "Own Tool");
	assert_int_equal(explain(f, digest, NULL), PSC_EXIT_LISTED);
	assert_contains(f->out, "      product   Own Tool\n      source    whoever says so\n");
	memset(digest, 'a', 64);
	assert_int_equal(explain(f, digest, NULL), PSC_EXIT_OK);
	assert_contains(f->out, "a digest alone says nothing else");
}

/* Only the variables that a rule asks for are told. */
static void test_process(void **state)
{
	struct fixture *f = *state;
	char pid[24];
	pid_t child = fork();

	if (!child) {
		setenv("ACME_HOME", "/opt/acme", 1);
		setenv("SECRET", "do not tell", 1);
		execl("/bin/sleep", "sleep", "60", NULL);
		_exit(127);
	}
	usleep(300000);
	snprintf(pid, sizeof(pid), "%d", child);
	assert_int_equal(explain(f, pid, NULL), PSC_EXIT_LISTED);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_contains(f->out, "ACME_HOME=/opt/acme");
	assert_contains(f->out, "acme/by-environment");
	assert_lacks(f->out, "do not tell");
	assert_int_equal(explain(f, pid, NULL), PSC_EXIT_FAILED);
}

/* ---- learn ------------------------------------------------------------------------------------- */

static void load_learned(const struct fixture *f, struct psc_list **ret)
{
	assert_int_equal(psc_list_new(ret), 0);
	assert_int_equal(psc_list_load_file(*ret, f->learned, NULL), 0);
}

static void test_learn_file(void **state)
{
	struct fixture *f = *state;
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	struct psc_list_entry entry;

	assert_int_equal(learn(f, f->program, NULL), PSC_EXIT_OK);
	assert_contains(f->out, "1 file learned, 1 of them new");
	load_learned(f, &list);
	assert_int_equal(psc_list_count(list), 1);
	assert_int_equal(psc_list_get(list, 0, &entry), 0);
	assert_string_equal(entry.product, "acme/tool/updater");
	assert_true(entry.has_size);
	assert_int_equal(entry.size, 17);
	assert_int_equal(entry.format, PSC_FORMAT_SCRIPT);
	assert_int_equal(learn(f, f->program, NULL), PSC_EXIT_OK);
	assert_contains(f->out, "0 of them new");
}

static void test_learn_refused(void **state)
{
	struct fixture *f = *state;
	char path[112];

	PATH_IN(f, "plain", path);
	put_file(path, "#!/bin/sh\n");
	assert_int_equal(learn(f, path, NULL), PSC_EXIT_INVALID);
	assert_contains(f->err, "no indicator tells which product");
	assert_int_equal(learn(f, path, "--product=acme/nothing"), PSC_EXIT_INVALID);
	assert_contains(f->err, "no product or role");
	assert_int_equal(learn(f, path, "--product=acme/other/library"), PSC_EXIT_OK);
	assert_int_equal(learn(f, "/nonexistent", NULL), PSC_EXIT_INVALID);
}

/* Licences and pictures are in other products, too. */
static void test_learn_directory(void **state)
{
	struct fixture *f = *state;
	char path[112];

	PATH_IN(f, "tree", path);
	make_directory(path);
	PATH_IN(f, "tree/LICENSE", path);
	put_file(path, "free\n");
	PATH_IN(f, "tree/acme-update", path);
	put_file(path, "#!/bin/sh\nexit 1\n");
	PATH_IN(f, "tree", path);
	assert_int_equal(learn(f, path, NULL), PSC_EXIT_OK);
	assert_contains(f->out, "1 file learned");
	assert_contains(f->out, "1 file left out: empty, or no code");
	assert_int_equal(learn(f, path, "--all"), PSC_EXIT_OK);
	assert_contains(f->out, "1 file left out: no indicator tells the product");
}

/* The package itself is an installer, what it installs is not. */
static void test_learn_package(void **state)
{
	struct fixture *f = *state;
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	struct psc_list_entry entry;
	char command[512], path[112];

	snprintf(command, sizeof(command),
		 "cd %s && mkdir -p p/DEBIAN p/opt/acme && printf '#!/bin/sh\\nexit 2\\n' > "
		 "p/opt/acme/run && chmod 755 p/opt/acme/run && echo free > p/opt/acme/LICENSE && "
		 "printf 'Package: acme-tool\\nVersion: 1.2\\nArchitecture: all\\nMaintainer: Acme "
		 "<a@acme.invalid>\\nDescription: stand-in\\n' > p/DEBIAN/control && dpkg-deb -b "
		 "--root-owner-group p acme.deb >/dev/null",
		 f->directory);
	assert_int_equal(system(command), 0);
	PATH_IN(f, "acme.deb", path);
	assert_int_equal(learn(f, path, "--product=acme/tool"), PSC_EXIT_OK);
	assert_contains(f->out, "2 files learned");
	load_learned(f, &list);
	assert_int_equal(psc_list_get(list, 1, &entry), 0);
	assert_string_equal(entry.name, "/opt/acme/run");
	assert_string_equal(entry.version, "1.2");
	assert_int_equal(unlink(f->learned), 0);
	/* by its name alone */
	assert_int_equal(learn(f, path, NULL), PSC_EXIT_OK);
	assert_contains(f->out, "2 files learned");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file),	  TEST(test_at),
		TEST(test_unknown),	  TEST(test_listed),
		TEST(test_process),	  TEST(test_learn_file),
		TEST(test_learn_refused), TEST(test_learn_directory),
		TEST(test_learn_package),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
