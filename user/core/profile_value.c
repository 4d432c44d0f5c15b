/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_value.c - see profile_internal.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/names.h"
#include "user/core/profile_internal.h"
#include "user/core/timefmt.h"

#define ID_MAX	 64   /* characters of an id */
#define DAYS_MAX 3650 /* of a duty to report */

#define ACTIONS	 "expected allow, record or deny"
#define BASES	 "expected order, contract or site"
#define INSTANT	 "expected an instant in UTC such as 2024-07-20T04:00:00Z"
#define LABELS	 "expected V, S, U or A"
#define OPS	 "expected exec, load, module, open, write, connect, spawn or install"
#define ROLES	 "expected program, updater, ksn_client, installer, library, database or uninstaller"
#define STATUSES "expected covered_new, covered_legacy, embedded or exempt"

#define FIELD_KEYS_MAX 16

/* A mapping that is being read into @item. */
struct walk {
	struct psc_profile_parser *parser;
	const struct psc_profile_field *fields;
	void *item;
};

static int walk_field(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct walk *walk = data;
	const struct psc_profile_field *field = walk->fields;

	/* psc_yaml_walk() takes only keys that are among the fields */
	while (strcmp(field->name, value->key) != 0)
		field++;
	return field->take(walk->parser, value, (char *)walk->item + field->offset);
}

int psc_profile_take_fields(struct psc_profile_parser *p, const struct psc_yaml_node *node,
			    const struct psc_profile_field *fields, size_t count, void *item)
{
	struct walk walk = {.parser = p, .fields = fields, .item = item};
	struct psc_yaml_key keys[FIELD_KEYS_MAX] = {0};
	int r;

	for (size_t i = 0; i < count; i++)
		keys[i] = (struct psc_yaml_key){fields[i].name, walk_field};
	r = psc_yaml_walk(p->yaml, node, keys, count, &walk);
	for (size_t i = 0; i < count && r >= 0; i++) {
		if (!fields[i].optional)
			r = psc_yaml_require(p->yaml, node, &fields[i].name, 1);
	}
	return r;
}

/* ---- single values ------------------------------------------------------------ */

int psc_profile_copy_text(const char *text, char **ret)
{
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

int psc_profile_take_text(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	int r = psc_yaml_expect_scalar(p->yaml, value, "expected a text");

	return r < 0 ? r : psc_profile_copy_text(value->text, to);
}

/* An id also names files and stands in records: a plain word. */
static int expect_id(struct psc_profile_parser *p, const struct psc_yaml_node *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
	int r = psc_yaml_expect_scalar(p->yaml, value, "expected an id");

	if (r < 0)
		return r;
	if (value->text[strspn(value->text, letters)] || strchr("-._", value->text[0]) ||
	    strlen(value->text) > ID_MAX)
		return psc_yaml_fail(p->yaml, value,
				     "not an id: expected at most %u of a-z, 0-9, \"-\", \".\" and "
				     "\"_\", a letter or digit first",
				     ID_MAX);
	return 0;
}

int psc_profile_take_id(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	int r = expect_id(p, value);

	return r < 0 ? r : psc_profile_copy_text(value->text, to);
}

int psc_profile_take_scope(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			   void *to)
{
	int r = psc_yaml_expect_scalar(p->yaml, value, "expected the subject of an attestation");

	if (r < 0)
		return r;
	if (value->text[strspn(value->text, "abcdefghijklmnopqrstuvwxyz_")])
		return psc_yaml_fail(p->yaml, value,
				     "not the subject of an attestation: expected a-z and \"_\" "
				     "(us_person)");
	return psc_profile_copy_text(value->text, to);
}

int psc_profile_take_label(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			   void *to)
{
	int r = psc_yaml_expect_scalar(p->yaml, value, LABELS);

	if (r < 0)
		return r;
	if (psc_label_from_string(value->text, to) < 0)
		return psc_yaml_fail(p->yaml, value, "unknown label \"%.40s\": " LABELS,
				     value->text);
	return 0;
}

int psc_profile_take_action(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			    void *to)
{
	int r = psc_yaml_expect_scalar(p->yaml, value, ACTIONS);

	if (r < 0)
		return r;
	if (psc_action_from_string(value->text, to) < 0)
		return psc_yaml_fail(p->yaml, value, "unknown action \"%.40s\": " ACTIONS,
				     value->text);
	return 0;
}

int psc_profile_take_basis(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			   void *to)
{
	int r = psc_yaml_expect_scalar(p->yaml, value, BASES);

	if (r < 0)
		return r;
	if (psc_basis_from_string(value->text, to) < 0)
		return psc_yaml_fail(p->yaml, value, "unknown basis \"%.40s\": " BASES,
				     value->text);
	return 0;
}

int psc_profile_take_bool(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	bool *flag = to;
	int r = psc_yaml_expect_scalar(p->yaml, value, "expected true or false");

	if (r < 0)
		return r;
	*flag = strcmp(value->text, "true") == 0;
	if (!*flag && strcmp(value->text, "false") != 0)
		return psc_yaml_fail(p->yaml, value, "expected true or false, found \"%.40s\"",
				     value->text);
	return 0;
}

int psc_profile_take_days(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	unsigned int *days = to;
	int r = psc_yaml_expect_scalar(p->yaml, value, "expected a number of days");

	if (r < 0)
		return r;
	if (value->text[strspn(value->text, "0123456789")] || strlen(value->text) > 4 ||
	    strtoul(value->text, NULL, 10) > DAYS_MAX)
		return psc_yaml_fail(p->yaml, value,
				     "not a number of days: expected 0 to %u, found \"%.40s\"",
				     DAYS_MAX, value->text);
	*days = strtoul(value->text, NULL, 10);
	return 0;
}

/* In UTC to the letter: a date alone, or a local hour, is how phases begin a day off. */
int psc_profile_take_instant(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			     void *to)
{
	int r = psc_yaml_expect_scalar(p->yaml, value, INSTANT);
	size_t length;

	if (r < 0)
		return r;
	length = strlen(value->text);
	if (length <= 10 || value->text[10] != 'T' || value->text[length - 1] != 'Z' ||
	    psc_time_parse(value->text, to) < 0)
		return psc_yaml_fail(p->yaml, value, "not an instant: " INSTANT);
	return 0;
}

int psc_profile_take_day(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	int r = psc_yaml_expect_scalar(p->yaml, value, "expected a day such as 2026-11-22");
	uint64_t instant;

	if (r < 0)
		return r;
	if (strlen(value->text) != 10 || psc_time_parse(value->text, &instant) < 0)
		return psc_yaml_fail(p->yaml, value, "not a day: expected one such as 2026-11-22");
	return psc_profile_copy_text(value->text, to);
}

/* ---- several values of one key -------------------------------------------------- */

int psc_profile_take_entities(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			      void *to)
{
	size_t count = 0;
	char **list;
	int r;

	r = psc_yaml_expect_sequence(p->yaml, value, "expected a sequence of entities");
	if (r < 0)
		return r;
	if (!value->first)
		return psc_yaml_fail(p->yaml, value, "expected an entity, found none");
	for (const struct psc_yaml_node *n = value->first; n; n = n->next) {
		if (++count > PSC_PROFILE_ITEMS_MAX)
			return psc_yaml_fail(p->yaml, n, "more than %u entities",
					     PSC_PROFILE_ITEMS_MAX);
	}
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	*(char ***)to = list;
	count = 0;
	for (const struct psc_yaml_node *n = value->first; n && r >= 0; n = n->next) {
		r = expect_id(p, n);
		for (size_t i = 0; i < count && r >= 0; i++) {
			if (strcmp(list[i], n->text) == 0)
				r = psc_yaml_fail(p->yaml, n, "duplicate entity \"%.64s\"",
						  n->text);
		}
		if (r >= 0)
			r = psc_profile_copy_text(n->text, &list[count++]);
	}
	return r;
}

/* The words of a set: numbers below @max. */
struct vocabulary {
	const char *what;
	const char *expected;
	unsigned int max;
	const char *(*to_string)(unsigned int value);
};

static int take_member(struct psc_profile_parser *p, const struct psc_yaml_node *value,
		       const struct vocabulary *words, uint32_t *set)
{
	int r = psc_yaml_expect_scalar(p->yaml, value, words->expected);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < words->max; i++) {
		if (strcmp(words->to_string(i), value->text) != 0)
			continue;
		if (*set & 1U << i)
			return psc_yaml_fail(p->yaml, value, "duplicate %s \"%.40s\"", words->what,
					     value->text);
		*set |= 1U << i;
		return 0;
	}
	return psc_yaml_fail(p->yaml, value, "unknown %s \"%.40s\": %s", words->what, value->text,
			     words->expected);
}

/* "all", or a sequence of words that is not empty. */
static int take_set(struct psc_profile_parser *p, const struct psc_yaml_node *value,
		    const struct vocabulary *words, uint32_t *ret)
{
	uint32_t set = 0;
	int r = 0;

	if (value->type == PSC_YAML_SCALAR && strcmp(value->text, "all") == 0) {
		*ret = (1U << words->max) - 1;
		return 0;
	}
	if (value->type != PSC_YAML_SEQUENCE || !value->first)
		return psc_yaml_fail(p->yaml, value, "expected all, or a sequence ([a, b]): %s",
				     words->expected);
	for (const struct psc_yaml_node *n = value->first; n && r >= 0; n = n->next)
		r = take_member(p, n, words, &set);
	if (r >= 0)
		*ret = set;
	return r;
}

int psc_profile_take_roles(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			   void *to)
{
	static const struct vocabulary words = {"role", ROLES, PSC_ROLE_MAX, psc_role_to_string};

	return take_set(p, value, &words, to);
}

int psc_profile_take_statuses(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			      void *to)
{
	static const struct vocabulary words = {"status", STATUSES, PSC_STATUS_MAX,
						psc_status_to_string};

	return take_set(p, value, &words, to);
}

int psc_profile_take_ops(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	static const struct vocabulary words = {"operation", OPS, PSC_OP_MAX, psc_op_to_string};

	return take_set(p, value, &words, to);
}
