/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - the one way in which bytes from outside become JSON: size cap, depth
 * limit, duplicate keys refused. Used by frames, the audit log's reader and tests.
 */
#pragma once

#include <stddef.h>
#include <jansson.h>

#include "user/core/util.h"

/* Deepest nesting that is accepted; our own records need five. */
#define PSC_JSON_DEPTH_MAX 32

static inline void psc_json_decrefp(json_t **json)
{
	json_decref(*json);
}

#define _cleanup_json_ _cleanup_(psc_json_decrefp)

/*
 * A JSON string of @text, which may hold any bytes: escaped (escape.h), since jansson
 * makes nothing at all of text that is not valid UTF-8. NULL when memory is short or
 * @text is NULL.
 */
json_t *psc_json_safe(const char *text);

/*
 * Parses the @size bytes at @data, which must be one JSON object and nothing but
 * whitespace around it. On success *@ret is a new reference. Errors: -EMSGSIZE
 * (more than @max bytes), -ELOOP (nested too deeply), -EBADMSG (not a JSON object,
 * duplicate key, NUL, invalid UTF-8), -ENOMEM. On -EBADMSG from the parser the byte
 * offset goes to *@ret_offset and the reason to @reason, if these are not NULL.
 */
int psc_json_parse(const void *data, size_t size, size_t max, json_t **ret, size_t *ret_offset,
		   char *reason, size_t reason_size);
