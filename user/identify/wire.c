/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.c - see wire.h. Values of facts are bytes: they travel escaped (escape.h).
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/escape.h"
#include "user/core/json.h"
#include "user/identify/wire.h"

#define ERRNO_MAX 4095
/* Of a reply's facts as text; the frame has room for what is around them. */
#define FACTS_TEXT_MAX (PSC_WIRE_REPLY_MAX - (1U << 20))
/* Around a value: brackets, quotes, its kind, its group. */
#define FACT_OVERHEAD 64

int psc_wire_ready_encode(json_t **ret)
{
	json_t *json = json_pack("{s:i, s:b}", "version", PSC_WIRE_VERSION, "ready", true);

	if (!json)
		return -ENOMEM;
	*ret = json;
	return 0;
}

bool psc_wire_is_ready(const json_t *json)
{
	return json_integer_value(json_object_get(json, "version")) == PSC_WIRE_VERSION &&
	       json_is_true(json_object_get(json, "ready")) && json_object_size(json) == 2;
}

int psc_wire_request_encode(const struct psc_wire_request *request, json_t **ret)
{
	_cleanup_free_ char *path = psc_escape_string(request->path ? request->path : "");
	json_t *json;

	if (!path)
		return -ENOMEM;
	/* a hint that is too long is none; the request may not fail for it */
	if (strlen(path) > PSC_WIRE_REQUEST_MAX / 4)
		path[0] = 0;
	json = json_pack("{s:i, s:s, s:s, s:b}", "version", PSC_WIRE_VERSION, "op", "identify",
			 "path", path, "digest", request->want_digest);
	if (!json)
		return -ENOMEM;
	*ret = json;
	return 0;
}

void psc_wire_request_clear(struct psc_wire_request *request)
{
	free(request->path);
	*request = (struct psc_wire_request){0};
}

int psc_wire_request_decode(const json_t *json, struct psc_wire_request *ret)
{
	const char *op = json_string_value(json_object_get(json, "op"));
	const char *text = json_string_value(json_object_get(json, "path"));
	char *path;
	size_t size;
	int r;

	if (json_integer_value(json_object_get(json, "version")) != PSC_WIRE_VERSION || !op ||
	    strcmp(op, "identify") != 0 || !text || json_object_size(json) != 4)
		return -EPROTO;
	r = psc_unescape(text, &path, &size);
	if (r < 0)
		return r == -ENOMEM ? r : -EPROTO;
	*ret = (struct psc_wire_request){
		.path = path,
		.want_digest = json_is_true(json_object_get(json, "digest")),
	};
	return 0;
}

static int add_fact(json_t *list, const struct psc_fact *fact, size_t *text)
{
	_cleanup_free_ char *value = psc_escape_string(fact->value);
	json_t *json;

	if (!value)
		return -ENOMEM;
	/* JSON escapes backslashes once more */
	*text += 2 * strlen(value) + FACT_OVERHEAD;
	if (*text > FACTS_TEXT_MAX)
		return -EMSGSIZE;
	json = json_pack("[s, i, s]", psc_fact_to_string(fact->kind), (int)fact->group, value);
	return json_array_append_new(list, json) < 0 ? -ENOMEM : 0;
}

int psc_wire_reply_encode(int error, const struct psc_facts *facts, json_t **ret)
{
	_cleanup_json_ json_t *list = json_array();
	bool truncated = facts->truncated;
	json_t *json;
	size_t text = 0;
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < facts->count; i++)
		r = add_fact(list, &facts->fact[i], &text);
	if (r == -EMSGSIZE)
		truncated = true;
	else if (r < 0)
		return r;
	json = json_pack("{s:i, s:i, s:b, s:O}", "version", PSC_WIRE_VERSION, "error", -error,
			 "truncated", truncated, "facts", list);
	if (!json)
		return -ENOMEM;
	*ret = json;
	return 0;
}

static int decode_fact(const json_t *json, struct psc_facts *facts)
{
	const char *name = json_string_value(json_array_get(json, 0));
	const json_t *group = json_array_get(json, 1);
	const char *text = json_string_value(json_array_get(json, 2));
	_cleanup_free_ char *value = NULL;
	enum psc_fact_kind kind;
	size_t size;
	int r;

	if (json_array_size(json) != 3 || !name || !text || !json_is_integer(group) ||
	    json_integer_value(group) < 0 || json_integer_value(group) > PSC_FACTS_MAX ||
	    psc_fact_from_string(name, &kind) < 0)
		return -EPROTO;
	r = psc_unescape(text, &value, &size);
	if (r < 0)
		return r == -ENOMEM ? r : -EPROTO;
	if (size > PSC_FACT_VALUE_MAX || memchr(value, 0, size))
		return -EPROTO;
	if (json_integer_value(group) > facts->groups)
		facts->groups = json_integer_value(group);
	return psc_facts_add(facts, kind, json_integer_value(group), value, size);
}

int psc_wire_reply_decode(const json_t *json, int *ret_error, struct psc_facts *ret_facts)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	const json_t *error = json_object_get(json, "error");
	const json_t *truncated = json_object_get(json, "truncated");
	const json_t *list = json_object_get(json, "facts"), *fact;
	size_t i;

	if (json_integer_value(json_object_get(json, "version")) != PSC_WIRE_VERSION ||
	    !json_is_integer(error) || json_integer_value(error) < 0 ||
	    json_integer_value(error) > ERRNO_MAX || !json_is_boolean(truncated) ||
	    !json_is_array(list) || json_array_size(list) > PSC_FACTS_MAX ||
	    json_object_size(json) != 4)
		return -EPROTO;
	json_array_foreach(list, i, fact) {
		int r = decode_fact(fact, &facts);

		if (r < 0)
			return r;
	}
	facts.truncated = facts.truncated || json_is_true(truncated);
	*ret_error = -(int)json_integer_value(error);
	*ret_facts = facts;
	facts = (struct psc_facts){0};
	return 0;
}
