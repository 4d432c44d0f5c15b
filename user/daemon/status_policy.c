/* SPDX-License-Identifier: Apache-2.0 */
/* status_policy.c - the policy's part of `proscribe status`; see daemon.h. */
#include "user/core/util.h"

#include "user/core/hex.h"
#include "user/core/json.h"
#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"
#include "bpf/decide.h"

static json_t *time_json(uint64_t ns)
{
	char text[PSC_TIME_TEXT_MAX];

	return json_string(psc_time_format(ns, text));
}

static json_t *digest_json(const uint8_t digest[PSC_DIGEST_SIZE])
{
	char text[2 * PSC_DIGEST_SIZE + 1];

	psc_hex_encode(digest, PSC_DIGEST_SIZE, text);
	return json_string(text);
}

static json_t *profiles_json(const struct psc_policy_set *set)
{
	json_t *array = json_array();

	for (size_t i = 0; i < set->profile_count; i++) {
		const struct psc_profile *profile = set->profiles[i];

		json_array_append_new(array, json_pack("{s:s, s:s, s:o, s:b, s:o}", "id",
						       profile->id, "title", profile->title, "path",
						       psc_json_safe(profile->path), "advisory",
						       profile->advisory, "digest",
						       digest_json(profile->digest)));
	}
	return array;
}

static json_t *objects_json(const struct psc_objects *objects)
{
	json_t *array = json_array();

	for (size_t i = 0; i < objects->count; i++) {
		const struct psc_object *object = objects->item[i];
		json_t *json = json_pack("{s:s, s:s}", "id", object->id, "kind",
					 psc_object_kind_to_string(object->kind));

		if (object->until != PSC_TIME_NEVER)
			json_object_set_new(json, "until", time_json(object->until));
		json_array_append_new(array, json);
	}
	return array;
}

/* The interval in force and when the next one begins. */
static json_t *interval_json(const struct psc_table *table, uint64_t now)
{
	uint32_t i = psc_interval_at(table, now);
	json_t *json =
		json_pack("{s:i, s:i, s:o}", "number", (int)i, "count", (int)table->interval_count,
			  "since", time_json(table->interval_start[i]));

	if (i + 1 < table->interval_count)
		json_object_set_new(json, "until", time_json(table->interval_start[i + 1]));
	return json;
}

json_t *psc_mode_from_json(const struct psc_daemon *daemon)
{
	if (daemon->policy.disarmed || daemon->policy.held)
		return json_string("last");
	if (daemon->options.mode >= 0)
		return json_string("command_line");
	return json_string(daemon->policy.restored ? "last" : "configuration");
}

json_t *psc_status_policy(const struct psc_daemon *daemon)
{
	const struct psc_policy *policy = &daemon->policy;
	const struct psc_table *table = &policy->image->table;

	return json_pack("{s:o, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:i, s:i}", "digest",
			 digest_json(policy->digest), "restored", policy->restored, "disarmed",
			 policy->disarmed, "refused", policy->held, "profiles",
			 profiles_json(&policy->set), "objects", objects_json(&policy->set.objects),
			 "expired", objects_json(&policy->set.expired), "interval",
			 interval_json(table, psc_clock_guard_now(daemon)), "places",
			 psc_places_json(daemon), "subjects",
			 (int)(table->subject_count - PSC_SUBJECT_FIRST), "classes",
			 (int)(table->class_count - PSC_CLASS_FIRST));
}
