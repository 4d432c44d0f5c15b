/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_object.c - objects: every key, every refusal with its place, text and back, files.
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
#include "user/core/object.h"
#include "user/core/timefmt.h"
#include "tests/unit/refusal.h"

#define DIGEST "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

#define EXEMPTION                                                                                  \
	"exemption: EX-2026-001\n"                                                                 \
	"reason: incident response until the replacement is active\n"                              \
	"by: CISO\n"                                                                               \
	"document: DMS 4711\n"                                                                     \
	"from: 2026-11-22T10:00:00Z\n"                                                             \
	"until: 2027-01-31T00:00:00Z\n"                                                            \
	"profiles: [us-commerce-icts-2021-002]\n"                                                  \
	"products: [kaspersky/kesl, kaspersky/klnagent]\n"

static struct psc_object *parse(const char *text)
{
	struct psc_object *object = NULL;
	struct psc_error error = {};

	if (psc_object_parse(text, strlen(text), "o.yaml", &object, &error) < 0)
		fail_msg("%u:%u: %s\n%s", error.line, error.column, error.message, text);
	return object;
}

static uint64_t at(const char *text)
{
	uint64_t ns = 0;

	assert_int_equal(psc_time_parse(text, &ns), 0);
	return ns;
}

/* ---- what is understood ------------------------------------------------------- */

static void test_exemption(void **state)
{
	_cleanup_(psc_object_freep) struct psc_object *o = parse(EXEMPTION);
	uint8_t digest[PSC_DIGEST_SIZE];

	assert_int_equal(o->kind, PSC_OBJECT_EXEMPTION);
	assert_string_equal(o->id, "EX-2026-001");
	assert_string_equal(o->reason, "incident response until the replacement is active");
	assert_string_equal(o->by, "CISO");
	assert_string_equal(o->document, "DMS 4711");
	assert_true(o->from == at("2026-11-22T10:00:00Z"));
	assert_true(o->until == at("2027-01-31T00:00:00Z"));
	assert_string_equal(o->profiles[0], "us-commerce-icts-2021-002");
	assert_null(o->profiles[1]);
	assert_string_equal(o->products[0], "kaspersky/kesl");
	assert_string_equal(o->products[1], "kaspersky/klnagent");
	assert_null(o->products[2]);
	assert_string_equal(o->path, "o.yaml");
	assert_int_equal(o->until_line, 6);
	psc_digest_buffer(EXEMPTION, strlen(EXEMPTION), digest);
	assert_memory_equal(o->digest, digest, sizeof(digest));
}

static void test_kinds(void **state)
{
	struct psc_object *o;

	o = parse("attestation: A1\nfact: us_person\nvalue: no\nby: counsel\ndocument: d\n");
	assert_int_equal(o->kind, PSC_OBJECT_ATTESTATION);
	assert_string_equal(o->subject, "us_person");
	assert_false(o->value);
	assert_string_equal(o->reason, "");
	assert_true(o->from == PSC_TIME_ALWAYS);
	assert_true(o->until == PSC_TIME_NEVER);
	assert_int_equal(o->until_line, 0);
	assert_null(o->products);
	assert_null(o->profiles);
	psc_object_free(o);

	o = parse("attestation: A1\nfact: us_person\nvalue: yes\nby: counsel\ndocument: d\n");
	assert_true(o->value);
	psc_object_free(o);

	o = parse("decision: D\nproducts: [a/b]\nreason: r\nby: b\ndocument: d\nuntil: "
		  "2027-01-31\n");
	assert_int_equal(o->kind, PSC_OBJECT_DECISION);
	assert_string_equal(o->document, "d");
	assert_null(o->profiles);
	psc_object_free(o);

	/* 24 hours to the nanosecond */
	o = parse("window: W\nreason: r\nby: b\nfrom: 2026-11-22T10:00:00Z\n"
		  "until: 2026-11-23T10:00:00Z\n");
	assert_int_equal(o->kind, PSC_OBJECT_WINDOW);
	assert_null(o->products);
	psc_object_free(o);

	o = parse("override: O\ndigests: [" DIGEST "]\nreason: r\nby: b\n");
	assert_int_equal(o->kind, PSC_OBJECT_OVERRIDE);
	assert_string_equal(o->digests[0], DIGEST);
	assert_null(o->digests[1]);
	psc_object_free(o);
}

static void test_names(void **state)
{
	enum psc_object_kind kind = PSC_OBJECT_KIND_MAX;

	for (unsigned int i = 0; i < PSC_OBJECT_KIND_MAX; i++) {
		assert_int_equal(psc_object_kind_from_string(psc_object_kind_to_string(i), &kind),
				 0);
		assert_int_equal(kind, i);
	}
	assert_null(psc_object_kind_to_string(PSC_OBJECT_KIND_MAX));
	assert_int_equal(psc_object_kind_from_string("exempt", &kind), -EINVAL);
	assert_true(psc_object_is_id("0.a_b-C"));
	assert_true(psc_object_is_id(
		"a123456789012345678901234567890123456789012345678901234567890123"));
	assert_false(psc_object_is_id(
		"a1234567890123456789012345678901234567890123456789012345678901234"));
	assert_false(psc_object_is_id(""));
	assert_false(psc_object_is_id(".a"));
	assert_false(psc_object_is_id("-a"));
	assert_false(psc_object_is_id("a/b"));
	assert_false(psc_object_is_id("a b"));
	assert_false(psc_object_is_id("\xc3\xa4"));
	assert_null(psc_object_free(NULL));
}

/* ---- what is refused ------------------------------------------------------------ */

#define EX	"exemption: E\n"
#define WI	"window: W\n"
#define REST	"reason: r\nby: b\n"
#define PRODUCT "products: [a/b]\n"
#define UNTIL	"until: 2027-01-31T00:00:00Z\n"

static const struct refusal refusals[] = {
	{"", 1, 1, "expected an object, found nothing"},
	{"# nothing\n---\n", 1, 1, "expected an object, found nothing"},
	{"{}", 1, 1, "expected an object, found nothing"},
	{"- exemption\n", 1, 1, "expected a mapping (key: value), found a sequence"},
	{"exemption\n", 1, 1, "expected a mapping (key: value), found a value"},
	{"exempt: E\n", 1, 1,
	 "unknown kind \"exempt\": expected attestation, exemption, decision, window or override "
	 "as the first key"},
	{REST "exemption: E\n" PRODUCT UNTIL, 1, 1, "unknown kind \"reason\""},
	/* ids */
	{"exemption: .E\n", 1, 12,
	 "\".E\" is no id: expected up to 64 letters, digits, '.', '_', '-', a letter or digit "
	 "first"},
	{"window: ../x\n", 1, 9, "\"../x\" is no id"},
	{"window:\n", 1, 1, "expected an id such as EX-2026-001, found nothing"},
	{"window: [W]\n", 1, 9, "expected an id such as EX-2026-001, found a sequence"},
	/* keys of other kinds */
	{EX "fact: us_person\n", 2, 1,
	 "unknown key \"fact\": expected exemption, reason, by, document, from, until, profiles or "
	 "products"},
	{EX "digests: [" DIGEST "]\n", 2, 1, "unknown key \"digests\""},
	{EX "window: W\n", 2, 1, "unknown key \"window\""},
	{WI "profiles: [p]\n", 2, 1,
	 "unknown key \"profiles\": expected window, reason, by, document, from, until or "
	 "products"},
	{"attestation: A\nproducts: [a/b]\n", 2, 1,
	 "unknown key \"products\": expected attestation, reason, by, document, from, until, fact "
	 "or value"},
	{"override: O\nproducts: [a/b]\n", 2, 1,
	 "unknown key \"products\": expected override, reason, by, document, from, until or "
	 "digests"},
	{"decision: D\nvalue: yes\n", 2, 1, "unknown key \"value\": expected decision, "},
	{EX "by: a\nby: b\n", 3, 1, "duplicate key"},
	/* what is missing */
	{EX REST UNTIL, 1, 1, "\"products\" is missing"},
	{EX "by: b\n" PRODUCT UNTIL, 1, 1, "\"reason\" is missing"},
	{EX "reason: r\n" PRODUCT UNTIL, 1, 1, "\"by\" is missing"},
	{"# here\n\n" EX REST PRODUCT, 3, 1, "\"until\" is missing"},
	{"decision: D\n" REST UNTIL "document: d\n", 1, 1, "\"products\" is missing"},
	{"decision: D\nby: b\ndocument: d\n" PRODUCT UNTIL, 1, 1, "\"reason\" is missing"},
	{"decision: D\nreason: r\ndocument: d\n" PRODUCT UNTIL, 1, 1, "\"by\" is missing"},
	{"decision: D\n" REST PRODUCT UNTIL, 1, 1, "\"document\" is missing"},
	{"decision: D\n" REST PRODUCT "document: d\n", 1, 1, "\"until\" is missing"},
	{"attestation: A\nvalue: no\nby: b\ndocument: d\n", 1, 1, "\"fact\" is missing"},
	{"attestation: A\nfact: f\nby: b\ndocument: d\n", 1, 1, "\"value\" is missing"},
	{"attestation: A\nfact: f\nvalue: no\ndocument: d\n", 1, 1, "\"by\" is missing"},
	{"attestation: A\nfact: f\nvalue: no\nby: b\n", 1, 1, "\"document\" is missing"},
	{WI "by: b\nfrom: 2027-01-30T00:00:00Z\n" UNTIL, 1, 1, "\"reason\" is missing"},
	{WI "reason: r\nfrom: 2027-01-30T00:00:00Z\n" UNTIL, 1, 1, "\"by\" is missing"},
	{WI REST UNTIL, 1, 1, "\"from\" is missing"},
	{WI REST "from: 2027-01-30T00:00:00Z\n", 1, 1, "\"until\" is missing"},
	{"override: O\n" REST, 1, 1, "\"digests\" is missing"},
	{"override: O\ndigests: [" DIGEST "]\nby: b\n", 1, 1, "\"reason\" is missing"},
	{"override: O\ndigests: [" DIGEST "]\nreason: r\n", 1, 1, "\"by\" is missing"},
	/* texts */
	{EX "reason: [a]\n", 2, 9, "expected a text, found a sequence"},
	/* a quoted text stands behind its quote */
	{EX "reason: ''\n", 2, 10, "expected a text, found nothing"},
	{EX "by: '  '\n", 2, 6, "expected a text, found blanks"},
	{EX "document: {a: b}\n", 2, 11, "expected a text, found a mapping"},
	{EX "reason: \"a\\nb\"\n", 2, 10, "control character in a value"},
	{EX "reason: |\n  a\n", 3, 1, "control character in a value"},
	{EX "reason: a\xff\n", 2, 10, "invalid UTF-8 (byte 0xff)"},
	/* times */
	{EX "until: [a]\n", 2, 8, "expected a time such as 2027-01-31T00:00:00Z, found a sequence"},
	{EX "until: soon\n", 2, 8,
	 "\"soon\" is no time: expected one such as 2027-01-31T00:00:00Z"},
	{EX "until: +30d\n", 2, 8, "\"+30d\" is no time"},
	{EX "until: 2027-02-30\n", 2, 8, "\"2027-02-30\" is no time"},
	{EX "until: 2027-01-31T00:00:00\n", 2, 8, "is no time"},
	{EX "from: 1969-12-31T00:00:00Z\n", 2, 7, "time out of range: expected 1970 to 2261"},
	{EX "until: 2262-01-31T00:00:00Z\n", 2, 8, "time out of range"},
	{EX REST PRODUCT UNTIL "from: 2027-01-31T00:00:00Z\n", 5, 8, "until is not after from"},
	{EX REST PRODUCT "from: 2027-01-31T00:00:00.000000001Z\n" UNTIL, 6, 8,
	 "until is not after from"},
	{EX REST PRODUCT "until: 1970-01-01\n", 5, 8, "until is not after from"},
	{"attestation: A\nfact: f\nvalue: no\nby: b\ndocument: d\nfrom: 2027-02-01\n" UNTIL, 7, 8,
	 "until is not after from"},
	{"override: O\ndigests: [" DIGEST "]\n" REST "from: 2027-02-01\n" UNTIL, 6, 8,
	 "until is not after from"},
	{WI REST "from: 2027-01-29T23:59:59.999999999Z\n" UNTIL, 5, 8,
	 "a window is open for 24 hours at most"},
	/* facts */
	{"attestation: A\nfact: [f]\n", 2, 7,
	 "expected a fact such as us_person, found a sequence"},
	{"attestation: A\nfact: US person\n", 2, 7,
	 "\"US person\" is no fact: expected up to 64 lower-case letters and '_', such as "
	 "us_person"},
	{"attestation: A\nvalue: maybe\n", 2, 8, "unknown value \"maybe\": expected yes or no"},
	{"attestation: A\nvalue: true\n", 2, 8, "unknown value \"true\": expected yes or no"},
	{"attestation: A\nvalue: [no]\n", 2, 8, "expected yes or no, found a sequence"},
	/* names */
	{EX "products: a/b\n", 2, 11, "expected a sequence ([a, b]), found a value"},
	{EX "products: []\n", 2, 11, "expected at least one, found none"},
	{EX "products: [a/b, [c]]\n", 2, 17,
	 "expected a product as VENDOR/PRODUCT, found a sequence"},
	{EX "products: [kesl]\n", 2, 12, "\"kesl\": expected a product as VENDOR/PRODUCT"},
	{EX "products: [a/b/updater]\n", 2, 12, "expected a product as VENDOR/PRODUCT"},
	{EX "products: [a/]\n", 2, 12, "expected a product as VENDOR/PRODUCT"},
	{EX "products: [/b]\n", 2, 12, "expected a product as VENDOR/PRODUCT"},
	{EX "products:\n  - a/b\n  - a/b\n", 4, 5, "\"a/b\" is there twice"},
	{EX "profiles: [a b]\n", 2, 12, "\"a b\": expected the id of a profile"},
	{EX "profiles: [p, p]\n", 2, 15, "\"p\" is there twice"},
	{EX "profiles: p\n", 2, 11, "expected a sequence ([a, b]), found a value"},
	/* overrides */
	{"override: O\ndigests: " DIGEST "\n", 2, 10, "expected a sequence ([a, b])"},
	{"override: O\ndigests: [abc]\n", 2, 11, "64 hexadecimal digits"},
	{"override: O\ndigests: [" DIGEST "0]\n", 2, 11, "64 hexadecimal digits"},
	{"override: O\ndigests: [" DIGEST ", " DIGEST "]\n", 2, 77, "is there twice"},
	{"override: O\npolicy: " DIGEST "\n", 2, 1, "unknown key \"policy\""},
	/* what yaml.h refuses */
	{EX "by: &a b\n", 2, 0, "anchors"},
	{EX "---\n" EX, 2, 1, "a second document"},
};

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct psc_object *object = (void *)1;
		struct psc_error error = {};
		const char *text = refusals[i].text;

		assert_int_equal(psc_object_parse(text, strlen(text), "o.yaml", &object, &error),
				 -EINVAL);
		assert_ptr_equal(object, (void *)1);
		assert_refused(&error, "o.yaml", &refusals[i]);
		assert_int_equal(psc_object_parse(text, strlen(text), NULL, &object, NULL),
				 -EINVAL);
	}
}

/* The largest that is taken, and one more. */
static void test_bounds(void **state)
{
	char text[PSC_OBJECT_TEXT_MAX + 128];
	_cleanup_free_ char *large = malloc(PSC_OBJECT_SIZE_MAX + 1);
	struct psc_object *object = NULL;
	struct psc_error error = {};
	char *names = NULL;
	size_t size;
	FILE *out;

	snprintf(text, sizeof(text), "override: O\ndigests: [" DIGEST "]\nby: b\nreason: %0*d\n",
		 PSC_OBJECT_TEXT_MAX, 1);
	psc_object_free(parse(text));
	snprintf(text, sizeof(text), "override: O\nby: b\nreason: %0*d\n", PSC_OBJECT_TEXT_MAX + 1,
		 1);
	assert_int_equal(psc_object_parse(text, strlen(text), "o", &object, &error), -EINVAL);
	assert_string_equal(error.message, "reason is longer than 1024 bytes");

	for (int extra = 0; extra < 2; extra++) {
		out = open_memstream(&names, &size);
		fprintf(out, EX REST UNTIL "products:\n");
		for (int i = 0; i < PSC_OBJECT_NAMES_MAX + extra; i++)
			fprintf(out, " - v/p%d\n", i);
		fclose(out);
		assert_int_equal(psc_object_parse(names, size, "o", &object, &error),
				 extra ? -EINVAL : 0);
		object = psc_object_free(object);
		free(names);
	}
	assert_string_equal(error.message, "more than 256 products");
	assert_int_equal(error.line, 6 + PSC_OBJECT_NAMES_MAX);

	memset(large, '#', PSC_OBJECT_SIZE_MAX + 1);
	assert_int_equal(psc_object_parse(large, PSC_OBJECT_SIZE_MAX + 1, "o", &object, &error),
			 -E2BIG);
	assert_int_equal(psc_object_parse(large, PSC_OBJECT_SIZE_MAX, "o", &object, &error),
			 -EINVAL);
}

/* ---- text and back ---------------------------------------------------------------- */

static void assert_same_names(char *const *a, char *const *b)
{
	assert_int_equal(!a, !b);
	for (; a && *a; a++, b++)
		assert_string_equal(*a, *b ? *b : "(none)");
	assert_true(!b || !*b);
}

static void assert_same(const struct psc_object *a, const struct psc_object *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->reason, b->reason);
	assert_string_equal(a->by, b->by);
	assert_string_equal(a->document, b->document);
	assert_string_equal(a->subject, b->subject);
	assert_true(a->value == b->value && a->from == b->from && a->until == b->until);
	assert_same_names(a->profiles, b->profiles);
	assert_same_names(a->products, b->products);
	assert_same_names(a->digests, b->digests);
}

static void test_round_trip(void **state)
{
	static const char *const texts[] = {
		EXEMPTION,
		"attestation: A1\nfact: us_person\nvalue: yes\nby: counsel\ndocument: d\n",
		"attestation: A1\nfact: f\nvalue: no\nby: '~'\ndocument: null\nuntil: 2027-01-01\n",
		"decision: D\nproducts: [a/b]\nreason: r\nby: b\ndocument: d\nuntil: 2027-01-31\n",
		"window: 2026-11-22\nreason: r\nby: b\nfrom: 1970-01-01\n"
		"until: 1970-01-01T00:00:00.000000001Z\n",
		"override: O\ndigests: [" DIGEST "]\nreason: r\nby: b\n",
		EX PRODUCT "by: ' \"a\\b\" # c: d '\nreason: \"\\u2028 \\ufeff\\u2029\"\n" UNTIL,
		EX PRODUCT "by: '- \xc3\xa4 \xf0\x9f\x94\x92'\nreason: '{%@`'\n"
			   "until: 2261-01-31T00:00:00.123456789Z\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(psc_object_freep) struct psc_object *a = parse(texts[i]), *b = NULL;
		_cleanup_free_ char *text = NULL, *again = NULL;

		assert_int_equal(psc_object_format(a, &text), 0);
		b = parse(text);
		assert_same(a, b);
		assert_int_equal(psc_object_format(b, &again), 0);
		assert_string_equal(text, again);
	}
}

static void test_format(void **state)
{
	_cleanup_(psc_object_freep) struct psc_object *o = parse(EXEMPTION);
	_cleanup_free_ char *text = NULL;

	assert_int_equal(psc_object_format(o, &text), 0);
	assert_string_equal(text, "exemption: EX-2026-001\n"
				  "products:\n"
				  "  - kaspersky/kesl\n"
				  "  - kaspersky/klnagent\n"
				  "profiles:\n"
				  "  - us-commerce-icts-2021-002\n"
				  "reason: \"incident response until the replacement is active\"\n"
				  "by: CISO\n"
				  "document: \"DMS 4711\"\n"
				  "from: 2026-11-22T10:00:00Z\n"
				  "until: 2027-01-31T00:00:00Z\n");
}

/* ---- files -------------------------------------------------------------------------- */

struct place {
	char directory[64];
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->directory, sizeof(place->directory), "/tmp/psc-test-objects-XXXXXX");
	*state = place;
	return mkdtemp(place->directory) ? 0 : -1;
}

static int teardown(void **state)
{
	struct place *place = *state;
	char command[128];
	int r;

	snprintf(command, sizeof(command), "rm -rf '%s'", place->directory);
	r = system(command);
	free(place);
	return r;
}

static const char *path_of(const struct place *place, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", place->directory, name);
	return path;
}

static void put_file(const struct place *place, const char *name, const char *text, mode_t mode)
{
	int fd = open(path_of(place, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void assert_gone(const struct place *place, const char *name)
{
	assert_int_equal(access(path_of(place, name), F_OK), -1);
}

static void test_save(void **state)
{
	_cleanup_(psc_object_freep) struct psc_object *o = parse(EXEMPTION), *loaded = NULL;
	const struct place *place = *state;
	struct psc_error error = {};
	mode_t mask = umask(0077);
	struct stat st;

	assert_int_equal(psc_object_save(o, place->directory, &error), 0);
	umask(mask);
	assert_int_equal(stat(path_of(place, "EX-2026-001.yaml"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_nlink, 1);
	assert_gone(place, ".EX-2026-001.yaml.new");
	assert_int_equal(psc_object_load(path_of(place, "EX-2026-001.yaml"), &loaded, &error), 0);
	assert_same(o, loaded);

	/* not a second time, and what is there stays */
	free(o->by);
	o->by = strdup("somebody else");
	assert_int_equal(psc_object_save(o, place->directory, &error), -EEXIST);
	assert_non_null(strstr(error.message, "there is an object of that id"));
	assert_string_equal(error.file, path_of(place, "EX-2026-001.yaml"));
	loaded = psc_object_free(loaded);
	assert_int_equal(psc_object_load(path_of(place, "EX-2026-001.yaml"), &loaded, &error), 0);
	assert_string_equal(loaded->by, "CISO");

	/* left over from a crash */
	unlink(path_of(place, "EX-2026-001.yaml"));
	put_file(place, ".EX-2026-001.yaml.new", "half", 0600);
	assert_int_equal(psc_object_save(o, place->directory, &error), 0);

	assert_int_equal(psc_object_save(o, "/nonexistent/objects.d", &error), -ENOENT);
	assert_string_equal(error.file, "/nonexistent/objects.d/EX-2026-001.yaml");
}

/* Nothing is written that would not load. */
static void test_save_refuses(void **state)
{
	const struct place *place = *state;
	_cleanup_(psc_object_freep) struct psc_object *o = parse(EXEMPTION);
	struct psc_error error = {};
	char *good = o->reason, *id = o->id;
	const struct psc_object nothing = {};
	static const char *const bad[] = {"a\nb",  "a\n b",    "",  "\x1b[31m",
					  "a\xff", "\xc2\x85", " ", "\t"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		o->reason = (char *)bad[i];
		assert_int_equal(psc_object_save(o, place->directory, &error), -EINVAL);
		assert_gone(place, "EX-2026-001.yaml");
	}
	o->reason = good;
	o->until = o->from;
	assert_int_equal(psc_object_save(o, place->directory, &error), -EINVAL);
	assert_string_equal(error.message, "until is not after from");
	o->until = PSC_TIME_NEVER;
	assert_int_equal(psc_object_save(o, place->directory, &error), -EINVAL);
	assert_string_equal(error.message, "\"until\" is missing");
	o->id = (char *)"../E";
	assert_int_equal(psc_object_save(o, place->directory, &error), -EINVAL);
	assert_non_null(strstr(error.message, "\"../E\" is no id"));
	o->id = id;
	assert_int_equal(psc_object_save(&nothing, place->directory, &error), -EINVAL);
}

static void test_withdraw(void **state)
{
	const struct place *place = *state;
	struct psc_error error = {};
	struct stat before, after;

	put_file(place, "E.yaml", "# mine\n" EX REST PRODUCT UNTIL, 0600);
	assert_int_equal(stat(path_of(place, "E.yaml"), &before), 0);
	assert_int_equal(psc_object_withdraw(place->directory, "E", &error), 0);
	assert_gone(place, "E.yaml");
	assert_int_equal(psc_object_restore(place->directory, "E", &error), 0);
	assert_int_equal(stat(path_of(place, "E.yaml"), &after), 0);
	assert_true(before.st_ino == after.st_ino && before.st_mode == after.st_mode &&
		    before.st_size == after.st_size);
	assert_int_equal(psc_object_restore(place->directory, "E", &error), -ENOENT);

	assert_int_equal(psc_object_withdraw(place->directory, "E", &error), 0);
	put_file(place, "E.yaml", "other", 0600);
	assert_int_equal(psc_object_restore(place->directory, "E", &error), -EEXIST);
	unlink(path_of(place, "E.yaml"));
	assert_int_equal(psc_object_discard(place->directory, "E", &error), 0);
	assert_gone(place, ".E.yaml.withdrawn");
	assert_int_equal(psc_object_discard(place->directory, "E", &error), -ENOENT);
	assert_int_equal(psc_object_withdraw(place->directory, "E", &error), -ENOENT);
	assert_string_equal(error.file, path_of(place, "E.yaml"));
	assert_int_equal(psc_object_withdraw(place->directory, "../E", &error), -EINVAL);
}

static void test_load(void **state)
{
	const struct place *place = *state;
	struct psc_object *o = NULL;
	struct psc_error error = {};

	put_file(place, "E.yaml", EX REST PRODUCT UNTIL, 0640);
	assert_int_equal(psc_object_load(path_of(place, "E.yaml"), &o, &error), 0);
	assert_string_equal(o->path, path_of(place, "E.yaml"));
	o = psc_object_free(o);
	put_file(place, "F.yaml", EX REST PRODUCT UNTIL, 0640);
	assert_int_equal(psc_object_load(path_of(place, "F.yaml"), &o, &error), -EINVAL);
	assert_string_equal(error.message, "the file of E is named F.yaml: expected E.yaml");
	put_file(place, "E.yml", EX REST PRODUCT UNTIL, 0640);
	assert_int_equal(psc_object_load(path_of(place, "E.yml"), &o, &error), -EINVAL);
	assert_int_equal(chmod(path_of(place, "E.yaml"), 0664), 0);
	assert_int_equal(psc_object_load(path_of(place, "E.yaml"), &o, &error), -EPERM);
	assert_non_null(strstr(error.message, "mode 0664"));
	assert_int_equal(psc_object_load(path_of(place, "G.yaml"), &o, &error), -ENOENT);
	assert_null(o);
}

static void test_load_all(void **state)
{
	const struct place *place = *state;
	const uint64_t end = at("2027-01-31T00:00:00Z");
	struct psc_objects objects = {.count = 7};
	struct psc_objects expired = {};
	struct psc_error error = {};

	put_file(place, "b.yaml", "exemption: b\n" REST PRODUCT UNTIL, 0640);
	put_file(place, "B.yaml", "exemption: B\n" REST PRODUCT "until: 2028-01-31\n", 0640);
	put_file(place, "a-1.yaml", "override: a-1\ndigests: [" DIGEST "]\n" REST, 0640);
	put_file(place, "a.1.yaml", "decision: a.1\ndocument: d\n" REST PRODUCT UNTIL, 0640);
	put_file(place, ".c.yaml", "not read", 0666);
	put_file(place, "c.yaml~", "not read", 0666);
	put_file(place, "README", "not read", 0666);
	put_file(place, ".yaml", "not read", 0666);

	assert_int_equal(psc_objects_load(place->directory, end - 1, &objects, &expired, &error),
			 0);
	assert_int_equal(objects.count, 4);
	assert_string_equal(objects.item[0]->id, "B");
	assert_string_equal(objects.item[1]->id, "a-1");
	assert_string_equal(objects.item[2]->id, "a.1");
	assert_string_equal(objects.item[3]->id, "b");
	assert_int_equal(expired.count, 0);
	psc_objects_clear(&objects);
	psc_objects_clear(&expired);
	assert_int_equal(objects.count, 0);

	/* over at the very instant */
	assert_int_equal(psc_objects_load(place->directory, end, &objects, &expired, &error), 0);
	assert_int_equal(objects.count, 2);
	assert_string_equal(objects.item[0]->id, "B");
	assert_string_equal(objects.item[1]->id, "a-1");
	assert_int_equal(expired.count, 2);
	assert_string_equal(expired.item[0]->id, "a.1");
	assert_string_equal(expired.item[1]->id, "b");
	psc_objects_clear(&objects);
	psc_objects_clear(&expired);
	assert_int_equal(psc_objects_load(place->directory, end, &objects, NULL, &error), 0);
	assert_int_equal(objects.count, 2);
	psc_objects_clear(&objects);

	/* all or nothing */
	put_file(place, "z.yaml", "exemption: z\n", 0640);
	objects.count = expired.count = 7;
	assert_int_equal(psc_objects_load(place->directory, end, &objects, &expired, &error),
			 -EINVAL);
	assert_int_equal(objects.count, 7);
	assert_int_equal(expired.count, 7);
	assert_string_equal(error.file, path_of(place, "z.yaml"));
	assert_int_equal(error.line, 1);
	put_file(place, "z.yaml", "exemption: z\n" REST PRODUCT UNTIL, 0660);
	assert_int_equal(psc_objects_load(place->directory, end, &objects, NULL, &error), -EPERM);
}

static void test_load_none(void **state)
{
	const struct place *place = *state;
	struct psc_objects objects = {.count = 7};
	struct psc_error error = {};

	assert_int_equal(psc_objects_load(place->directory, 0, &objects, NULL, &error), 0);
	assert_int_equal(objects.count, 0);
	psc_objects_clear(&objects);
	objects.count = 7;
	assert_int_equal(psc_objects_load(path_of(place, "none"), 0, &objects, NULL, &error), 0);
	assert_int_equal(objects.count, 0);
	psc_objects_clear(&objects);
	put_file(place, "file", "", 0600);
	assert_int_equal(psc_objects_load(path_of(place, "file"), 0, &objects, NULL, &error),
			 -ENOTDIR);
}

static void test_load_too_many(void **state)
{
	const struct place *place = *state;
	struct psc_objects objects = {};
	struct psc_error error = {};

	for (int i = 0; i <= PSC_OBJECTS_MAX; i++) {
		char name[32], text[160];

		snprintf(name, sizeof(name), "E%d.yaml", i);
		snprintf(text, sizeof(text), "exemption: E%d\n" REST PRODUCT UNTIL, i);
		put_file(place, name, text, 0640);
	}
	assert_int_equal(psc_objects_load(place->directory, 0, &objects, NULL, &error), -E2BIG);
	assert_string_equal(error.message, "1025 objects: expected 1024 at most");
	unlink(path_of(place, "E7.yaml"));
	assert_int_equal(psc_objects_load(place->directory, 0, &objects, NULL, &error), 0);
	assert_int_equal(objects.count, PSC_OBJECTS_MAX);
	psc_objects_clear(&objects);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exemption),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_format),
		TEST(test_save),
		TEST(test_save_refuses),
		TEST(test_withdraw),
		TEST(test_load),
		TEST(test_load_all),
		TEST(test_load_none),
		TEST(test_load_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
