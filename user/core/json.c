/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c - guarded JSON parsing, see json.h.
 */
#include <errno.h>
#include <stdbool.h>

#include "user/core/escape.h"
#include "user/core/json.h"

json_t *psc_json_safe(const char *text)
{
	_cleanup_free_ char *safe = psc_escape_string(text);

	return safe ? json_string(safe) : NULL;
}

/*
 * Nesting as the brackets outside strings show it. The parser recurses once a level
 * and has a limit of its own that is far above what a small stack should bear.
 */
static bool nested_too_deep(const char *p, size_t size)
{
	unsigned int depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < size; i++) {
		if (quoted) {
			if (p[i] == '\\')
				i++;
			else if (p[i] == '"')
				quoted = false;
			continue;
		}
		if (p[i] == '"')
			quoted = true;
		else if ((p[i] == '{' || p[i] == '[') && ++depth > PSC_JSON_DEPTH_MAX)
			return true;
		else if ((p[i] == '}' || p[i] == ']') && depth > 0)
			depth--;
	}
	return false;
}

static void give_reason(size_t offset, const char *text, size_t *ret_offset, char *reason,
			size_t reason_size)
{
	if (ret_offset)
		*ret_offset = offset;
	if (reason && reason_size > 0)
		snprintf(reason, reason_size, "%s", text);
}

int psc_json_parse(const void *data, size_t size, size_t max, json_t **ret, size_t *ret_offset,
		   char *reason, size_t reason_size)
{
	_cleanup_json_ json_t *json = NULL;
	json_error_t error;

	if (size > max) {
		give_reason(max, "too long", ret_offset, reason, reason_size);
		return -EMSGSIZE;
	}
	if (nested_too_deep(data, size)) {
		give_reason(0, "nested too deeply", ret_offset, reason, reason_size);
		return -ELOOP;
	}
	json = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
	if (!json) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return -ENOMEM;
		give_reason(error.position < 0 ? 0 : (size_t)error.position, error.text, ret_offset,
			    reason, reason_size);
		return -EBADMSG;
	}
	if (!json_is_object(json)) {
		give_reason(0, "not a JSON object", ret_offset, reason, reason_size);
		return -EBADMSG;
	}
	*ret = TAKE_PTR(json);
	return 0;
}
