/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_json.c - the daemon's own records, see event_json.h. They are few, and whoever writes one
 * adds to it, so that each is a tree.
 */
#include <errno.h>
#include <stdarg.h>

#include "user/core/escape.h"
#include "user/core/event_json.h"
#include "user/core/json.h"
#include "user/core/timefmt.h"

int psc_record_new(const char *type, const struct psc_event_context *context, json_t **ret)
{
	_cleanup_free_ char *hostname = psc_escape_string(context->hostname);
	_cleanup_free_ char *boot_id = psc_escape_string(context->boot_id);
	_cleanup_free_ char *name = psc_escape_string(type);
	uint64_t boot_ns = psc_time_boot();
	char time[PSC_TIME_TEXT_MAX];
	json_t *record;

	psc_time_format(boot_ns + (uint64_t)context->boot_to_wall_ns, time);
	record =
		json_pack("{s:s, s:{s:s}, s:{s:s*, s:o*}, s:{s:s, s:[s], s:[s], s:s, s:s},"
			  " s:{s:i, s:s, s:I}}",
			  "@timestamp", time, "ecs", "version", PSC_ECS_VERSION, "host", "hostname",
			  hostname, "boot", boot_id ? json_pack("{s:s}", "id", boot_id) : NULL,
			  "event", "kind", "event", "category", "configuration", "type", "info",
			  "action", name, "outcome", "success", "proscribe", "schema",
			  PSC_RECORD_SCHEMA, "type", name, "boot_ns", (json_int_t)boot_ns);
	if (!record)
		return -ENOMEM;
	*ret = record;
	return 0;
}

int psc_record_message(json_t *record, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *safe = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	/* What was escaped on its own must not be escaped twice. */
	n = (int)psc_escape_to(NULL, 0, text, (size_t)n, PSC_ESCAPE_KEEP_BACKSLASH);
	safe = malloc((size_t)n + 1);
	if (!safe)
		return -ENOMEM;
	psc_escape_to(safe, (size_t)n + 1, text, strlen(text), PSC_ESCAPE_KEEP_BACKSLASH);
	return json_object_set_new(record, "message", json_string(safe)) < 0 ? -ENOMEM : 0;
}

int psc_record_failed(json_t *record)
{
	json_t *event = json_object_get(record, "event");

	return json_object_set_new(event, "outcome", json_string("failure")) < 0 ? -ENOMEM : 0;
}

int psc_record_happened(json_t *record, uint64_t at)
{
	char text[PSC_TIME_TEXT_MAX];

	if (json_object_set(json_object_get(record, "event"), "created",
			    json_object_get(record, "@timestamp")) < 0 ||
	    json_object_set_new(record, "@timestamp", json_string(psc_time_format(at, text))) < 0)
		return -ENOMEM;
	return 0;
}

int psc_record_set(json_t *record, const char *key, json_t *value)
{
	json_t *own = json_object_get(record, "proscribe");

	return json_object_set_new(own, key, value) < 0 ? -ENOMEM : 0;
}

int psc_record_set_string(json_t *record, const char *key, const char *value)
{
	_cleanup_free_ char *text = psc_escape_string(value);

	if (!value)
		return 0;
	return psc_record_set(record, key, text ? json_string(text) : NULL);
}
