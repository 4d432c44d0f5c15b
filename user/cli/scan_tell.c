/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_tell.c - has the daemon write a record of a scan: what was looked at, by which rules, what
 * came of it. Findings stay with whoever scanned; the record has their products. See scan.h.
 */
#include "user/cli/client.h"
#include "user/cli/output.h"
#include "user/cli/scan.h"
#include "user/core/json.h"

#define ITEMS_MAX 100 /* of an array, as many as the daemon takes */

/* Members of each of an array's objects. */
static json_t *tell_each(const json_t *from, const char *one, const char *two, const char *three)
{
	const char *names[] = {one, two, three};
	json_t *array = json_array();
	const json_t *item;
	size_t i;

	json_array_foreach(from, i, item) {
		json_t *object = i < ITEMS_MAX ? json_object() : NULL;

		if (!object)
			break;
		for (size_t k = 0; k < ARRAY_SIZE(names) && names[k]; k++)
			json_object_set(object, names[k], json_object_get(item, names[k]));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *tell_data(const json_t *data)
{
	static const char *const same[] = {"result", "complete", "began",    "ended", "version",
					   "root",   "network",	 "archives", "host",  "counts"};
	json_t *told = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		json_object_set(told, same[i], json_object_get(data, same[i]));
	json_object_set_new(told, "method",
			    json_pack("{s:O, s:O, s:O}", "products",
				      psc_json_at(data, "method.products"), "rules",
				      psc_json_at(data, "method.rules"), "catalog_sha256",
				      psc_json_at(data, "method.catalog_sha256")));
	json_object_set_new(told, "scope",
			    tell_each(json_object_get(data, "scope"), "kind", "path", NULL));
	json_object_set_new(
		told, "products",
		tell_each(json_object_get(data, "products"), "product", "confidence", "findings"));
	json_object_set_new(told, "gaps",
			    tell_each(json_object_get(data, "gaps"), "reason", "count", NULL));
	json_object_set_new(told, "excluded",
			    tell_each(json_object_get(data, "excluded"), "reason", "count", NULL));
	json_object_set_new(
		told, "findings",
		json_integer((json_int_t)json_array_size(json_object_get(data, "findings"))));
	json_object_set_new(told, "unread",
			    json_integer(psc_scan_unread(json_object_get(data, "gaps"))));
	return told;
}

static void tell_why_not(json_t *data, const char *why)
{
	json_object_set_new(data, "recorded", json_false());
	json_object_set_new(data, "not_recorded", psc_json_safe(why));
}

void psc_scan_tell(json_t *data, bool wanted)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};
	_cleanup_json_ json_t *told = NULL;

	if (!wanted) {
		tell_why_not(data, "as asked for (--no-record)");
		return;
	}
	/* whoever is not root has not seen everything, and is not listened to */
	if (geteuid() != 0) {
		tell_why_not(data, "only what root scans is");
		return;
	}
	told = tell_data(data);
	psc_client_tell("scanned", told, &answer);
	if (answer.kind != PSC_ANSWER_OK) {
		tell_why_not(data, answer.error.message);
		return;
	}
	json_object_set_new(data, "recorded", json_true());
	json_object_set_new(data, "sequence",
			    json_integer(psc_json_number(answer.data, "sequence", 0)));
}
