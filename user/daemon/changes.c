/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes.c - what is different between two policies, as records: the mode and each file, profile
 * and object that came, went or was altered, with its digest before and after. See daemon.h.
 */
#include "user/core/util.h"

#include "user/core/hex.h"
#include "user/core/names.h"
#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"

static void set_digest(json_t *record, const char *key, const uint8_t *digest)
{
	char text[2 * PSC_DIGEST_SIZE + 1];

	if (!digest)
		return;
	psc_hex_encode(digest, PSC_DIGEST_SIZE, text);
	psc_record_set_string(record, key, text);
}

/* @before or @after is NULL when it was not there. Returns NULL when nothing changed. */
static json_t *change_record(struct psc_daemon *daemon, const char *type, const char *id,
			     const uint8_t *before, const uint8_t *after)
{
	const char *what = !before ? "added" : !after ? "removed" : "changed";
	json_t *record;

	if (before && after && memcmp(before, after, PSC_DIGEST_SIZE) == 0)
		return NULL;
	if (psc_journal_record(daemon, type, &record) < 0)
		return NULL;
	psc_record_message(record, "%s %s %s", type, id, what);
	psc_record_set_string(record, "id", id);
	psc_record_set_string(record, "change", what);
	set_digest(record, "digest_before", before);
	set_digest(record, "digest_after", after);
	return record;
}

static void record_profile(struct psc_daemon *daemon, const char *requester,
			   const struct psc_profile *before, const struct psc_profile *after)
{
	json_t *record =
		change_record(daemon, "profile", before ? before->id : after->id,
			      before ? before->digest : NULL, after ? after->digest : NULL);

	if (!record)
		return;
	psc_record_set_string(record, "requester", requester);
	psc_record_set_string(record, "path", after ? after->path : before->path);
	psc_journal_write(daemon, record);
}

static void set_terms(json_t *record, const struct psc_object *object)
{
	char until[PSC_TIME_TEXT_MAX];

	psc_record_set_string(record, "by", object->by);
	psc_record_set_string(record, "reason", object->reason);
	psc_record_set_string(record, "document", object->document);
	if (object->until != PSC_TIME_NEVER)
		psc_record_set_string(record, "until",
				      psc_time_format_seconds(object->until, until));
}

/* "decision" is what the kernel's are called. */
static const char *type_of(const struct psc_object *object)
{
	return object->kind == PSC_OBJECT_DECISION ? "legacy_decision"
						   : psc_object_kind_to_string(object->kind);
}

static void record_object(struct psc_daemon *daemon, const char *requester,
			  const struct psc_object *before, const struct psc_object *after)
{
	const struct psc_object *object = after ?: before;
	json_t *record =
		change_record(daemon, type_of(object), object->id, before ? before->digest : NULL,
			      after ? after->digest : NULL);

	if (!record)
		return;
	psc_record_set_string(record, "requester", requester);
	set_terms(record, object);
	psc_journal_write(daemon, record);
}

/* Nobody did that, and not now: it happened when the object said. */
static void record_expiry(struct psc_daemon *daemon, const struct psc_object *object)
{
	const char *kind = type_of(object);
	json_t *record;

	if (psc_journal_record(daemon, kind, &record) < 0)
		return;
	psc_record_message(record, "%s %s expired", kind, object->id);
	psc_record_happened(record, object->until);
	psc_record_set_string(record, "id", object->id);
	psc_record_set_string(record, "change", "expired");
	set_digest(record, "digest_before", object->digest);
	set_terms(record, object);
	psc_journal_write(daemon, record);
}

static const struct psc_profile *find_profile(const struct psc_policy_set *set, const char *id)
{
	for (size_t i = 0; i < set->profile_count; i++) {
		if (strcmp(set->profiles[i]->id, id) == 0)
			return set->profiles[i];
	}
	return NULL;
}

static const struct psc_object *find_object(const struct psc_objects *objects, const char *id)
{
	for (size_t i = 0; i < objects->count; i++) {
		if (strcmp(objects->item[i]->id, id) == 0)
			return objects->item[i];
	}
	return NULL;
}

/* What became of an object that is not in force any more. */
static void record_end(struct psc_daemon *daemon, const char *requester,
		       const struct psc_object *before, const struct psc_policy_set *after)
{
	const struct psc_object *over = find_object(&after->expired, before->id);

	if (over && memcmp(over->digest, before->digest, PSC_DIGEST_SIZE) == 0)
		record_expiry(daemon, over);
	else /* taken away, or somebody has written an end that is past into it */
		record_object(daemon, requester, before, over);
}

/* ---- files and the mode ------------------------------------------------------------------- */

static void record_file(struct psc_daemon *daemon, const char *requester, const char *type,
			const struct psc_input *before, const struct psc_input *after)
{
	json_t *record;

	/* without a digest it is only known that it is there */
	if ((before && !before->digested) || (after && !after->digested))
		return;
	record = change_record(daemon, type, before ? before->path : after->path,
			       before ? before->digest : NULL, after ? after->digest : NULL);
	if (!record)
		return;
	psc_record_set_string(record, "requester", requester);
	psc_journal_write(daemon, record);
}

static void record_files(struct psc_daemon *daemon, const char *requester, const char *type,
			 enum psc_input_kind kind, const struct psc_inputs *before,
			 const struct psc_inputs *after)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct psc_input *input = &after->item[i];

		if (input->kind == kind)
			record_file(daemon, requester, type, psc_inputs_find(before, input->path),
				    input);
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct psc_input *input = &before->item[i];

		if (input->kind == kind && !psc_inputs_find(after, input->path))
			record_file(daemon, requester, type, input, NULL);
	}
}

static void record_catalog(struct psc_daemon *daemon, const struct psc_policy *before,
			   const struct psc_policy *after, const char *requester)
{
	json_t *record;

	if (!after->catalog_known)
		return;
	record = change_record(daemon, "catalog", "all",
			       before && before->catalog_known ? before->catalog : NULL,
			       after->catalog);
	if (!record)
		return;
	psc_record_set_string(record, "requester", requester);
	psc_journal_write(daemon, record);
}

static void record_mode(struct psc_daemon *daemon, enum psc_mode before, enum psc_mode after,
			const char *requester)
{
	json_t *record;

	if (before == after || psc_journal_record(daemon, "mode", &record) < 0)
		return;
	psc_record_message(record, "mode %s, before: %s", psc_mode_to_string(after),
			   psc_mode_to_string(before));
	psc_record_set_string(record, "before", psc_mode_to_string(before));
	psc_record_set_string(record, "mode", psc_mode_to_string(after));
	psc_record_set_string(record, "requester", requester);
	psc_journal_write(daemon, record);
}

void psc_changes_record_inputs(struct psc_daemon *daemon, const struct psc_policy *before,
			       const struct psc_policy *after, const char *requester)
{
	static const struct psc_inputs none;
	const struct psc_inputs *from = before ? &before->inputs : &none;

	if (before)
		record_mode(daemon, before->config->mode, after->config->mode, requester);
	record_files(daemon, requester, "configuration", PSC_INPUT_CONFIGURATION, from,
		     &after->inputs);
	record_files(daemon, requester, "list", PSC_INPUT_LIST, from, &after->inputs);
	record_catalog(daemon, before, after, requester);
}

/* ---- profiles and objects ------------------------------------------------------------------ */

void psc_changes_record(struct psc_daemon *daemon, const struct psc_policy_set *before,
			const struct psc_policy_set *after, const char *requester)
{
	for (size_t i = 0; i < after->profile_count; i++) {
		const struct psc_profile *profile = after->profiles[i];

		record_profile(daemon, requester, find_profile(before, profile->id), profile);
	}
	for (size_t i = 0; i < before->profile_count; i++) {
		if (!find_profile(after, before->profiles[i]->id))
			record_profile(daemon, requester, before->profiles[i], NULL);
	}
	for (size_t i = 0; i < after->objects.count; i++) {
		const struct psc_object *object = after->objects.item[i];

		record_object(daemon, requester, find_object(&before->objects, object->id), object);
	}
	for (size_t i = 0; i < before->objects.count; i++) {
		const struct psc_object *object = before->objects.item[i];

		if (!find_object(&after->objects, object->id))
			record_end(daemon, requester, object, after);
	}
}
