/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scanned.c - the record of a scan that somebody made with `proscribe scan`: what was looked at,
 * by which rules, and what came of it, the nil statement included. Whoever asks is root, and could
 * have written anything into the log's files; members are taken by name and kind all the same, so
 * that the log keeps its schema. See daemon.h.
 */
#include "user/core/util.h"

#include <errno.h>

#include "user/core/escape.h"
#include "user/core/json.h"
#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"

#define ITEMS_MAX 100 /* of each array */

struct member {
	const char *name;
	json_type type; /* JSON_TRUE stands for both booleans */
};

/* Escaped before it came, and made safe whatever came: NULL for no string. */
static json_t *text_of(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t size =
		text ? psc_escape_to(NULL, 0, text, strlen(text), PSC_ESCAPE_KEEP_BACKSLASH) : 0;
	_cleanup_free_ char *safe = text ? malloc(size + 1) : NULL;

	if (!safe)
		return NULL;
	psc_escape_to(safe, size + 1, text, strlen(text), PSC_ESCAPE_KEEP_BACKSLASH);
	return json_string(safe);
}

static json_t *value_of(const json_t *value, json_type type)
{
	if (type == JSON_STRING)
		return text_of(value);
	if (type == JSON_INTEGER && json_is_integer(value) && json_integer_value(value) >= 0)
		return json_integer(json_integer_value(value));
	if (type == JSON_TRUE && json_is_boolean(value))
		return json_boolean(json_is_true(value));
	return NULL;
}

/* The members of @from that are named and of their kind. All of them must be there. */
static json_t *pick(const json_t *from, const struct member *members, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++) {
		json_t *value = value_of(json_object_get(from, members[i].name), members[i].type);

		if (!value || json_object_set_new(object, members[i].name, value) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *pick_each(const json_t *from, const struct member *members, size_t count)
{
	json_t *array = json_is_array(from) ? json_array() : NULL;
	const json_t *item;
	size_t i;

	json_array_foreach((json_t *)from, i, item) {
		json_t *one = i < ITEMS_MAX ? pick(item, members, count) : NULL;

		if (i >= ITEMS_MAX)
			break;
		if (!one || json_array_append_new(array, one) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* Whatever is counted; names are the scanner's own. */
static json_t *pick_counts(const json_t *from)
{
	json_t *counts = json_is_object(from) ? json_object() : NULL, *value;
	const char *name;

	json_object_foreach((json_t *)from, name, value) {
		bool ours = !name[strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789")] &&
			    json_object_size(counts) < ITEMS_MAX;
		json_t *count = ours ? value_of(value, JSON_INTEGER) : NULL;

		if (!count || json_object_set_new(counts, name, count) < 0) {
			json_decref(counts);
			return NULL;
		}
	}
	return counts;
}

/* NULL: no scan. */
static json_t *scan_of(const json_t *from)
{
	static const struct member plain[] = {
		{"result", JSON_STRING},  {"complete", JSON_TRUE},  {"began", JSON_STRING},
		{"ended", JSON_STRING},	  {"version", JSON_STRING}, {"root", JSON_TRUE},
		{"network", JSON_TRUE},	  {"archives", JSON_TRUE},  {"findings", JSON_INTEGER},
		{"unread", JSON_INTEGER}, {"host", JSON_STRING},
	};
	static const struct member method[] = {{"products", JSON_INTEGER},
					       {"rules", JSON_INTEGER},
					       {"catalog_sha256", JSON_STRING}};
	static const struct member scope[] = {{"kind", JSON_STRING}, {"path", JSON_STRING}};
	static const struct member product[] = {
		{"product", JSON_STRING}, {"confidence", JSON_STRING}, {"findings", JSON_INTEGER}};
	static const struct member gap[] = {{"reason", JSON_STRING}, {"count", JSON_INTEGER}};
	static const struct {
		const char *name;
		const struct member *members;
		size_t count;
	} lists[] = {
		{"scope", scope, ARRAY_SIZE(scope)},
		{"products", product, ARRAY_SIZE(product)},
		{"gaps", gap, ARRAY_SIZE(gap)},
		{"excluded", gap, ARRAY_SIZE(gap)},
	};
	json_t *scan = pick(from, plain, ARRAY_SIZE(plain));
	bool whole = scan != NULL;

	whole = whole && !json_object_set_new(
				 scan, "method",
				 pick(json_object_get(from, "method"), method, ARRAY_SIZE(method)));
	for (size_t i = 0; whole && i < ARRAY_SIZE(lists); i++)
		whole = !json_object_set_new(scan, lists[i].name,
					     pick_each(json_object_get(from, lists[i].name),
						       lists[i].members, lists[i].count));
	if (whole &&
	    !json_object_set_new(scan, "counts", pick_counts(json_object_get(from, "counts"))))
		return scan;
	json_decref(scan);
	return NULL;
}

static const char *text_in(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static bool is_result(const json_t *scan)
{
	const char *result = text_in(scan, "result");
	uint64_t at;

	return (!strcmp(result, "nil") || !strcmp(result, "found") ||
		!strcmp(result, "incomplete")) &&
	       psc_time_parse(text_in(scan, "began"), &at) >= 0 &&
	       psc_time_parse(text_in(scan, "ended"), &at) >= 0;
}

/* Of this host only: what a scan sees in an image or below another root is not installed here. */
static void see_products(struct psc_daemon *daemon, const json_t *scan)
{
	const json_t *scope = json_object_get(scan, "scope"), *one;
	size_t i;

	json_array_foreach((json_t *)scope, i, one) {
		if (strcmp(text_in(one, "kind"), "host") != 0)
			return;
	}
	json_array_foreach(json_object_get(scan, "products"), i, one)
		psc_sightings_see(daemon, &(struct psc_sighting){.product = text_in(one, "product"),
								 .how = "scan",
								 .at = psc_time_now()});
}

int psc_scanned_record(struct psc_daemon *daemon, const json_t *from, const char *requester,
		       uint64_t *ret_sequence)
{
	_cleanup_json_ json_t *scan = scan_of(from);
	const char *result = text_in(scan, "result");
	json_t *record;
	int r;

	if (!scan || !is_result(scan))
		return -EINVAL;
	r = psc_journal_record(daemon, "scan", &record);
	if (r < 0)
		return r;
	psc_record_message(
		record, "a scan %s: %lld files examined, %lld places not read, %lld findings",
		!strcmp(result, "nil")	   ? "found nothing, and read everything in its scope"
		: !strcmp(result, "found") ? "found listed products"
					   : "found nothing, but is incomplete",
		(long long)json_integer_value(
			json_object_get(json_object_get(scan, "counts"), "examined")),
		(long long)json_integer_value(json_object_get(scan, "unread")),
		(long long)json_integer_value(json_object_get(scan, "findings")));
	psc_record_set_string(record, "requester", requester);
	psc_record_set(record, "scan", json_incref(scan));
	see_products(daemon, scan);
	r = psc_journal_write(daemon, record);
	if (!r)
		*ret_sequence = daemon->chain_end.sequence;
	return r;
}
