/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h - holds JSON against a schema, for as much of JSON Schema (draft 2020-12) as
 * docs/record.schema.json uses. A keyword that it does not know is a fault of the schema, not
 * something to read over. For the tests.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <jansson.h>

#include "user/core/util.h"

struct schema {
	const json_t *root;
	char fault[512]; /* where, and what; "" as long as there is none */
};

/* The outermost place comes last, and stands first. */
static inline bool schema_fault(struct schema *s, const char *where, const char *what)
{
	char before[256];

	if (!s->fault[0])
		snprintf(s->fault, sizeof(s->fault),
			 where ? ": %s" : ": is not as it should be (%s)", what);
	if (!where)
		return false;
	snprintf(before, sizeof(before), "%.250s", s->fault);
	snprintf(s->fault, sizeof(s->fault), "%.100s%s%s", where, before[0] == ':' ? "" : ".",
		 before);
	return false;
}

static inline bool schema_holds(struct schema *s, const json_t *schema, const json_t *value);

static inline bool schema_type(const json_t *value, const char *type)
{
	return (strcmp(type, "object") == 0 && json_is_object(value)) ||
	       (strcmp(type, "array") == 0 && json_is_array(value)) ||
	       (strcmp(type, "string") == 0 && json_is_string(value)) ||
	       (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
	       (strcmp(type, "boolean") == 0 && json_is_boolean(value));
}

/* Patterns are few and asked for often. */
static inline bool schema_pattern(const char *pattern, const char *text)
{
	static struct {
		const char *pattern;
		regex_t regex;
	} known[32];
	size_t i = 0;

	while (i < ARRAY_SIZE(known) && known[i].pattern && known[i].pattern != pattern)
		i++;
	if (i == ARRAY_SIZE(known))
		return false;
	if (!known[i].pattern && regcomp(&known[i].regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	known[i].pattern = pattern;
	return regexec(&known[i].regex, text, 0, NULL, 0) == 0;
}

static inline bool schema_listed(const json_t *list, const json_t *value)
{
	const json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item)
		if (json_equal((json_t *)item, (json_t *)value))
			return true;
	return false;
}

static inline bool schema_required(struct schema *s, const json_t *names, const json_t *value)
{
	const json_t *name;
	size_t i;

	json_array_foreach((json_t *)names, i, name)
		if (!json_object_get(value, json_string_value(name)))
			return schema_fault(s, json_string_value(name), "is missing");
	return true;
}

/* Members by their schemas; @closed: no others. */
static inline bool schema_members(struct schema *s, const json_t *properties, bool closed,
				  const json_t *value)
{
	const char *key;
	json_t *member;

	json_object_foreach((json_t *)value, key, member) {
		const json_t *schema = json_object_get(properties, key);

		if (!schema && closed)
			return schema_fault(s, key, "is not known");
		if (schema && !schema_holds(s, schema, member))
			return schema_fault(s, key, "");
	}
	return true;
}

static inline bool schema_items(struct schema *s, const json_t *schema, const json_t *value)
{
	const json_t *item;
	size_t i;

	json_array_foreach((json_t *)value, i, item)
		if (!schema_holds(s, schema, item))
			return schema_fault(s, "[]", "");
	return true;
}

/* Only to ask: what does not hold is no fault. */
static inline bool schema_asks(struct schema *s, const json_t *schema, const json_t *value)
{
	struct schema other = {.root = s->root};

	return schema_holds(&other, schema, value);
}

static inline bool schema_all(struct schema *s, const json_t *list, const json_t *value)
{
	const json_t *schema;
	size_t i;

	json_array_foreach((json_t *)list, i, schema)
		if (!schema_holds(s, schema, value))
			return false;
	return true;
}

static inline bool schema_keyword(struct schema *s, const json_t *schema, const char *key,
				  const json_t *rule, const json_t *value)
{
	const char *text = json_string_value(rule);

	if (strcmp(key, "type") == 0)
		return schema_type(value, text) || schema_fault(s, NULL, text);
	if (strcmp(key, "const") == 0)
		return json_equal((json_t *)rule, (json_t *)value) ||
		       schema_fault(s, NULL, "another value");
	if (strcmp(key, "enum") == 0)
		return schema_listed(rule, value) || schema_fault(s, NULL, "none of the values");
	if (strcmp(key, "pattern") == 0)
		return !json_is_string(value) || schema_pattern(text, json_string_value(value)) ||
		       schema_fault(s, NULL, text);
	if (strcmp(key, "minimum") == 0)
		return !json_is_integer(value) ||
		       json_integer_value(value) >= json_integer_value(rule) ||
		       schema_fault(s, NULL, "too small");
	if (strcmp(key, "required") == 0)
		return schema_required(s, rule, value);
	if (strcmp(key, "properties") == 0)
		return schema_members(
			s, rule, json_is_false(json_object_get(schema, "additionalProperties")),
			value);
	if (strcmp(key, "items") == 0)
		return schema_items(s, rule, value);
	if (strcmp(key, "allOf") == 0)
		return schema_all(s, rule, value);
	if (strcmp(key, "if") == 0)
		return !schema_asks(s, rule, value) ||
		       schema_holds(s, json_object_get(schema, "then"), value);
	if (strcmp(key, "$ref") == 0 && strncmp(text, "#/$defs/", 8) == 0)
		return schema_holds(s, json_object_get(json_object_get(s->root, "$defs"), text + 8),
				    value);
	if (strcmp(key, "then") == 0 || strcmp(key, "additionalProperties") == 0 ||
	    strcmp(key, "$schema") == 0 || strcmp(key, "$defs") == 0 || strcmp(key, "title") == 0 ||
	    strcmp(key, "description") == 0)
		return true;
	return schema_fault(s, key, "the schema has a keyword that is not known");
}

/* Does @value do what @schema (s->root, or a part of it) says? If not, s->fault says where. */
static inline bool schema_holds(struct schema *s, const json_t *schema, const json_t *value)
{
	const char *key;
	json_t *rule;

	if (!json_is_object(schema))
		return schema_fault(s, NULL, "the schema names a part that is not there");
	json_object_foreach((json_t *)schema, key, rule)
		if (!schema_keyword(s, schema, key, rule, value))
			return false;
	return true;
}
