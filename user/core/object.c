/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object.c - kinds of objects and their parser, see object.h. Formatting is in
 * object_format.c, files in object_file.c.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/digest.h"
#include "user/core/hex.h"
#include "user/core/names.h"
#include "user/core/object.h"
#include "user/core/timefmt.h"
#include "user/core/yaml.h"

static const char *const kind_names[] = {
	[PSC_OBJECT_ATTESTATION] = "attestation", [PSC_OBJECT_EXEMPTION] = "exemption",
	[PSC_OBJECT_DECISION] = "decision",	  [PSC_OBJECT_WINDOW] = "window",
	[PSC_OBJECT_OVERRIDE] = "override",
};

_Static_assert(ARRAY_SIZE(kind_names) == PSC_OBJECT_KIND_MAX, "a name for every kind");

const char *psc_object_kind_to_string(unsigned int kind)
{
	return psc_name_of(kind_names, PSC_OBJECT_KIND_MAX, kind);
}

int psc_object_kind_from_string(const char *name, enum psc_object_kind *ret)
{
	int r = psc_name_value(kind_names, PSC_OBJECT_KIND_MAX, name);

	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

static void free_namesp(char ***names)
{
	psc_strings_free(*names);
}

struct psc_object *psc_object_free(struct psc_object *object)
{
	if (!object)
		return NULL;
	free(object->id);
	free(object->reason);
	free(object->by);
	free(object->document);
	free(object->subject);
	psc_strings_free(object->profiles);
	psc_strings_free(object->products);
	psc_strings_free(object->digests);
	free(object->path);
	free(object);
	return NULL;
}

void psc_object_freep(struct psc_object **object)
{
	*object = psc_object_free(*object);
}

/* ---- names ------------------------------------------------------------------ */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Length of the id that @text begins with, 0 when it begins with none. */
static size_t id_length(const char *text)
{
	size_t n = 0;

	if (!is_alnum(text[0]))
		return 0;
	while (is_alnum(text[n]) || (text[n] && strchr("._-", text[n])))
		n++;
	return n <= PSC_OBJECT_ID_MAX ? n : 0;
}

bool psc_object_is_id(const char *text)
{
	size_t n = id_length(text);

	return n && !text[n];
}

static bool is_product(const char *text)
{
	size_t n = id_length(text);

	return n && text[n] == '/' && psc_object_is_id(text + n + 1);
}

static bool is_digest(const char *text)
{
	uint8_t digest[PSC_DIGEST_SIZE];

	return psc_hex_decode(text, strlen(text), digest, sizeof(digest), NULL) >= 0;
}

static bool is_fact(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz_");

	return n && n <= PSC_OBJECT_ID_MAX && !text[n];
}

/* ---- values ----------------------------------------------------------------- */

static int copy_text(char **ret, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

#define ID_EXPECTED "expected up to 64 letters, digits, '.', '_', '-', a letter or digit first"

static int parse_id(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_object *object = data;
	int r;

	r = psc_yaml_expect_scalar(yaml, value, "expected an id such as EX-2026-001");
	if (r < 0)
		return r;
	if (!psc_object_is_id(value->text))
		return psc_yaml_fail(yaml, value, "\"%.40s\" is no id: " ID_EXPECTED, value->text);
	return copy_text(&object->id, value->text);
}

static int parse_text(struct psc_yaml *yaml, const struct psc_yaml_node *value, char **ret)
{
	int r;

	r = psc_yaml_expect_scalar(yaml, value, "expected a text");
	if (r < 0)
		return r;
	if (!value->text[strspn(value->text, " ")])
		return psc_yaml_fail(yaml, value, "expected a text, found blanks");
	if (strlen(value->text) > PSC_OBJECT_TEXT_MAX)
		return psc_yaml_fail(yaml, value, "%s is longer than %u bytes", value->key,
				     PSC_OBJECT_TEXT_MAX);
	return copy_text(ret, value->text);
}

static int parse_reason(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_object *object = data;

	return parse_text(yaml, value, &object->reason);
}

static int parse_by(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_object *object = data;

	return parse_text(yaml, value, &object->by);
}

static int parse_document(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_object *object = data;

	return parse_text(yaml, value, &object->document);
}

static int parse_time(struct psc_yaml *yaml, const struct psc_yaml_node *value, uint64_t *ret)
{
	int r;

	r = psc_yaml_expect_scalar(yaml, value, "expected a time such as 2027-01-31T00:00:00Z");
	if (r < 0)
		return r;
	r = psc_time_parse(value->text, ret);
	if (r == -ERANGE)
		return psc_yaml_fail(yaml, value, "time out of range: expected 1970 to 2261");
	if (r < 0)
		return psc_yaml_fail(yaml, value,
				     "\"%.40s\" is no time: expected one such as "
				     "2027-01-31T00:00:00Z",
				     value->text);
	return 0;
}

static int parse_from(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_object *object = data;

	return parse_time(yaml, value, &object->from);
}

static int parse_until(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_object *object = data;

	object->until_line = value->line;
	return parse_time(yaml, value, &object->until);
}

static int parse_fact(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_object *object = data;
	int r;

	r = psc_yaml_expect_scalar(yaml, value, "expected a fact such as us_person");
	if (r < 0)
		return r;
	if (!is_fact(value->text))
		return psc_yaml_fail(yaml, value,
				     "\"%.40s\" is no fact: expected up to 64 lower-case letters "
				     "and '_', such as us_person",
				     value->text);
	return copy_text(&object->subject, value->text);
}

static int parse_value(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_object *object = data;
	int r;

	r = psc_yaml_expect_scalar(yaml, value, "expected yes or no");
	if (r < 0)
		return r;
	object->value = strcmp(value->text, "yes") == 0;
	if (!object->value && strcmp(value->text, "no") != 0)
		return psc_yaml_fail(yaml, value, "unknown value \"%.40s\": expected yes or no",
				     value->text);
	return 0;
}

static bool has_name(char *const *names, const char *name)
{
	for (; *names; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

/* A sequence of names, each once; @expected says what a name is. */
static int parse_names(struct psc_yaml *yaml, const struct psc_yaml_node *value,
		       bool (*valid)(const char *text), const char *expected, char ***ret)
{
	_cleanup_(free_namesp) char **names = NULL;
	size_t count = 0;
	int r;

	r = psc_yaml_expect_sequence(yaml, value, "expected a sequence ([a, b])");
	if (r < 0)
		return r;
	if (!value->first)
		return psc_yaml_fail(yaml, value, "expected at least one, found none");
	names = calloc(PSC_OBJECT_NAMES_MAX + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (const struct psc_yaml_node *n = value->first; n; n = n->next) {
		r = psc_yaml_expect_scalar(yaml, n, expected);
		if (r < 0)
			return r;
		if (!valid(n->text))
			return psc_yaml_fail(yaml, n, "\"%.140s\": %s", n->text, expected);
		if (has_name(names, n->text))
			return psc_yaml_fail(yaml, n, "\"%.140s\" is there twice", n->text);
		if (count >= PSC_OBJECT_NAMES_MAX)
			return psc_yaml_fail(yaml, n, "more than %u %s", PSC_OBJECT_NAMES_MAX,
					     value->key);
		r = copy_text(&names[count++], n->text);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(names);
	return 0;
}

static int parse_profiles(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_object *object = data;

	return parse_names(yaml, value, psc_object_is_id, "expected the id of a profile",
			   &object->profiles);
}

static int parse_products(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_object *object = data;

	return parse_names(yaml, value, is_product, "expected a product as VENDOR/PRODUCT",
			   &object->products);
}

static int parse_digests(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_object *object = data;

	return parse_names(yaml, value, is_digest,
			   "expected a SHA-256 that the interlock named, 64 hexadecimal digits",
			   &object->digests);
}

/* ---- kinds ------------------------------------------------------------------ */

/* What every kind has. */
/* clang-format off */
#define COMMON_KEYS                                                                                \
	{"reason", parse_reason}, {"by", parse_by}, {"document", parse_document},                  \
	{"from", parse_from}, {"until", parse_until}
/* clang-format on */

static const struct psc_yaml_key attestation_keys[] = {
	{"attestation", parse_id}, COMMON_KEYS, {"fact", parse_fact}, {"value", parse_value}};
static const struct psc_yaml_key exemption_keys[] = {{"exemption", parse_id},
						     COMMON_KEYS,
						     {"profiles", parse_profiles},
						     {"products", parse_products}};
static const struct psc_yaml_key decision_keys[] = {{"decision", parse_id},
						    COMMON_KEYS,
						    {"profiles", parse_profiles},
						    {"products", parse_products}};
static const struct psc_yaml_key window_keys[] = {
	{"window", parse_id}, COMMON_KEYS, {"products", parse_products}};
static const struct psc_yaml_key override_keys[] = {
	{"override", parse_id}, COMMON_KEYS, {"digests", parse_digests}};

static const char *const attestation_needs[] = {"fact", "value", "by", "document"};
static const char *const exemption_needs[] = {"products", "reason", "by", "until"};
static const char *const decision_needs[] = {"products", "reason", "by", "document", "until"};
/* Without its beginning nobody could say how long a window is open. */
static const char *const window_needs[] = {"reason", "by", "from", "until"};
static const char *const override_needs[] = {"digests", "reason", "by"};

#define KIND(name)                                                                                 \
	{                                                                                          \
		name##_keys, ARRAY_SIZE(name##_keys), name##_needs, ARRAY_SIZE(name##_needs)       \
	}

static const struct {
	const struct psc_yaml_key *keys;
	size_t key_count;
	const char *const *needs;
	size_t need_count;
} kinds[] = {
	[PSC_OBJECT_ATTESTATION] = KIND(attestation), [PSC_OBJECT_EXEMPTION] = KIND(exemption),
	[PSC_OBJECT_DECISION] = KIND(decision),	      [PSC_OBJECT_WINDOW] = KIND(window),
	[PSC_OBJECT_OVERRIDE] = KIND(override),
};

_Static_assert(ARRAY_SIZE(kinds) == PSC_OBJECT_KIND_MAX, "keys for every kind");

static int check_span(struct psc_yaml *yaml, const struct psc_object *object)
{
	const struct psc_yaml_node *until = psc_yaml_get(psc_yaml_root(yaml), "until");

	if (!until)
		return 0;
	if (object->until <= object->from)
		return psc_yaml_fail(yaml, until, "until is not after from");
	if (object->kind == PSC_OBJECT_WINDOW &&
	    object->until - object->from > PSC_OBJECT_WINDOW_MAX)
		return psc_yaml_fail(yaml, until, "a window is open for 24 hours at most");
	return 0;
}

static int parse_document_root(struct psc_yaml *yaml, struct psc_object *object)
{
	const struct psc_yaml_node *root = psc_yaml_root(yaml);
	int r;

	r = psc_yaml_expect_mapping(yaml, root);
	if (r < 0)
		return r;
	if (!root->first)
		return psc_yaml_fail(yaml, root, "expected an object, found nothing");
	if (psc_object_kind_from_string(root->first->key, &object->kind) < 0)
		return psc_yaml_fail_key(yaml, root->first,
					 "unknown kind \"%.40s\": expected attestation, exemption, "
					 "decision, window or override as the first key",
					 root->first->key);
	r = psc_yaml_walk(yaml, root, kinds[object->kind].keys, kinds[object->kind].key_count,
			  object);
	if (r >= 0)
		r = psc_yaml_require(yaml, root, kinds[object->kind].needs,
				     kinds[object->kind].need_count);
	return r < 0 ? r : check_span(yaml, object);
}

static int create_object(const char *data, size_t size, const char *path, struct psc_object **ret)
{
	_cleanup_(psc_object_freep) struct psc_object *object = calloc(1, sizeof(*object));

	if (!object)
		return -ENOMEM;
	object->until = PSC_TIME_NEVER;
	object->id = strdup("");
	object->reason = strdup("");
	object->by = strdup("");
	object->document = strdup("");
	object->subject = strdup("");
	object->path = strdup(path ? path : "");
	if (!object->id || !object->reason || !object->by || !object->document ||
	    !object->subject || !object->path)
		return -ENOMEM;
	if (psc_digest_buffer(data, size, object->digest) < 0)
		return -EIO;
	*ret = TAKE_PTR(object);
	return 0;
}

int psc_object_parse(const char *data, size_t size, const char *path, struct psc_object **ret,
		     struct psc_error *reterr)
{
	_cleanup_(psc_object_freep) struct psc_object *object = NULL;
	_cleanup_(psc_yaml_freep) struct psc_yaml *yaml = NULL;
	int r;

	if (size > PSC_OBJECT_SIZE_MAX) {
		psc_error_set(reterr, path, 0, 0, "larger than %u bytes", PSC_OBJECT_SIZE_MAX);
		return -E2BIG;
	}
	r = psc_yaml_parse(data, size, path, &yaml, reterr);
	if (r < 0)
		return r;
	if (!psc_yaml_root(yaml)) {
		psc_error_set(reterr, path, 1, 1, "expected an object, found nothing");
		return -EINVAL;
	}
	r = create_object(data, size, path, &object);
	if (r >= 0)
		r = parse_document_root(yaml, object);
	if (r == -ENOMEM)
		psc_error_set(reterr, path, 0, 0, "out of memory");
	else if (r == -EIO)
		psc_error_set(reterr, path, 0, 0, "cannot be digested");
	if (r < 0)
		return r;
	*ret = TAKE_PTR(object);
	return 0;
}
