/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_diff_image.c - what changes from one compiled policy to another, see policy_diff.h.
 */
#include "user/cli/policy_diff.h"
#include "user/core/names.h"
#include "bpf/decide.h"

/* Both of them; [0] is the old one. */
struct diff_pair {
	const struct psc_image *image[2];
	uint64_t instant[2 * PSC_INTERVALS_MAX]; /* at which one of them changes, ascending */
	size_t instants;
};

/* ---- settings and instants ------------------------------------------------------------- */

static void diff_setting(json_t *settings, const char *name, json_t *old, json_t *new)
{
	if (json_equal(old, new)) {
		json_decref(old);
		json_decref(new);
		return;
	}
	json_array_append_new(settings,
			      json_pack("{s:s,s:o,s:o}", "name", name, "old", old, "new", new));
}

static json_t *diff_unstable(const struct psc_table *table)
{
	json_t *names = json_array();
	char name[16];

	for (size_t i = 0; i < PSC_UNSTABLE_MAX; i++) {
		snprintf(name, sizeof(name), "0x%x", table->unstable_magic[i]);
		if (table->unstable_magic[i])
			json_array_append_new(names, json_string(name));
	}
	if (table->flags & PSC_TABLE_LOOP_UNSTABLE)
		json_array_append_new(names, json_string("loop"));
	return names;
}

static json_t *diff_settings(const struct diff_pair *pair)
{
	const struct psc_table *old = &pair->image[0]->table, *new = &pair->image[1]->table;
	json_t *settings = json_array();
	char name[64];

	diff_setting(settings, "mode", json_string(psc_mode_to_string(old->mode)),
		     json_string(psc_mode_to_string(new->mode)));
	diff_setting(settings, "hash_limit", json_integer((json_int_t)old->hash_limit),
		     json_integer((json_int_t) new->hash_limit));
	diff_setting(settings, "everything is digested",
		     json_boolean(old->flags & PSC_TABLE_HASH_ALL),
		     json_boolean(new->flags &PSC_TABLE_HASH_ALL));
	diff_setting(settings, "unstable_filesystems", diff_unstable(old), diff_unstable(new));
	for (unsigned int op = 0; op < PSC_OP_MAX; op++) {
		for (unsigned int why = 1; why < PSC_UNVERIFIED_MAX; why++) {
			snprintf(name, sizeof(name), "unverified %s at %s",
				 psc_unverified_to_string(why), psc_op_to_string(op));
			diff_setting(
				settings, name,
				json_string(psc_action_to_string(old->unverified[op][why]) ?: "?"),
				json_string(psc_action_to_string(new->unverified[op][why]) ?: "?"));
		}
	}
	return settings;
}

/* Merges the beginnings of the intervals, and says which only one of the two has. */
static json_t *diff_instants(struct diff_pair *pair)
{
	const struct psc_table *old = &pair->image[0]->table, *new = &pair->image[1]->table;
	json_t *added = json_array(), *removed = json_array();
	size_t i = 0, k = 0;

	while (i < old->interval_count || k < new->interval_count) {
		uint64_t a = i < old->interval_count ? old->interval_start[i] : UINT64_MAX;
		uint64_t b = k < new->interval_count ? new->interval_start[k] : UINT64_MAX;
		uint64_t next = a < b ? a : b;

		if (a < b)
			json_array_append_new(removed, psc_policy_time_json(a));
		else if (b < a)
			json_array_append_new(added, psc_policy_time_json(b));
		i += a == next && i < old->interval_count;
		k += b == next && k < new->interval_count;
		pair->instant[pair->instants++] = next;
	}
	return json_pack("{s:o,s:o}", "added", added, "removed", removed);
}

/* ---- digests ----------------------------------------------------------------------------- */

static bool diff_same_subject(const struct psc_image_subject *a, const struct psc_image_subject *b)
{
	return a->site == b->site && strcmp(a->product, b->product) == 0;
}

static json_t *diff_digests(const struct diff_pair *pair)
{
	const struct psc_image *old = pair->image[0], *new = pair->image[1];
	size_t i = 0, k = 0, added = 0, removed = 0, moved = 0;

	while (i < old->table.digest_count || k < new->table.digest_count) {
		const struct psc_digest_record *a = &old->records[i], *b = &new->records[k];
		int order;

		if (i == old->table.digest_count)
			order = 1;
		else if (k == new->table.digest_count)
			order = -1;
		else
			order = memcmp(a->digest, b->digest, PSC_DIGEST_SIZE);
		removed += order < 0;
		added += order > 0;
		if (order == 0 &&
		    (a->size != b->size ||
		     !diff_same_subject(&old->subjects[a->subject], &new->subjects[b->subject])))
			moved++;
		i += order <= 0;
		k += order >= 0;
	}
	return json_pack("{s:I,s:I,s:I}", "added", (json_int_t)added, "removed",
			 (json_int_t)removed, "moved", (json_int_t)moved);
}

/* ---- subjects ---------------------------------------------------------------------------- */

/* What becomes of a subject; number 0 stands for one that is not listed. */
struct diff_fate {
	const char *action;
	const struct psc_image_ruling *ruling;
};

static struct diff_fate diff_fate(const struct psc_image *image, uint32_t subject, unsigned int op,
				  uint64_t at)
{
	static const struct psc_image_ruling none;
	struct diff_fate fate = {"allow", &none};

	if (subject != PSC_SUBJECT_NONE) {
		uint32_t interval = psc_interval_at(&image->table, at);
		uint32_t class = image->table.class_of[subject];

		fate.action = psc_action_to_string(image->table.action[interval][class][op]) ?: "?";
		fate.ruling = psc_image_ruling_of(image, interval, class, op);
	}
	return fate;
}

static bool diff_same_ruling(const struct psc_image_ruling *a, const struct psc_image_ruling *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct psc_image_reason *x = &a->reason[i], *y = &b->reason[i];

		if (strcmp(x->profile, y->profile) != 0 || strcmp(x->rule, y->rule) != 0 ||
		    strcmp(x->clause, y->clause) != 0 || strcmp(x->object, y->object) != 0 ||
		    x->basis != y->basis || x->status != y->status || x->action != y->action)
			return false;
	}
	return true;
}

/* The reason to name: of those that are as strict as the ruling, one that says something. */
static const struct psc_image_reason *diff_reason(const struct psc_image_ruling *ruling)
{
	for (size_t i = 0; i < ruling->count; i++) {
		const struct psc_image_reason *reason = &ruling->reason[i];

		if (reason->action == ruling->reason[0].action &&
		    (reason->rule[0] || reason->object[0]))
			return reason;
	}
	return &ruling->reason[0];
}

/* "us-commerce-icts-2021-002 use-new as covered_new, EX-1" */
static json_t *diff_by(const struct psc_image_ruling *ruling)
{
	const struct psc_image_reason *reason;
	_cleanup_free_ char *text = NULL;
	bool site;

	if (!ruling->count)
		return json_string("not listed");
	reason = diff_reason(ruling);
	site = strcmp(reason->profile, "site") == 0;
	if (asprintf(&text, "%s%s%s%s%s%s%s", reason->profile, reason->rule[0] ? " " : "",
		     reason->rule, site ? "" : " as ",
		     site ? "" : psc_status_to_string(reason->status),
		     reason->object[0] ? ", " : "", reason->object) < 0) {
		text = NULL;
		return NULL;
	}
	return psc_json_safe(text);
}

static json_t *diff_cell(const struct diff_pair *pair, unsigned int op, size_t first, size_t end,
			 const struct diff_fate fate[2])
{
	uint64_t until = end < pair->instants ? pair->instant[end] : PSC_TIME_NEVER;

	return json_pack("{s:o,s:o,s:s,s:s,s:s,s:o,s:o}", "from",
			 psc_policy_time_json(pair->instant[first]), "until",
			 psc_policy_time_json(until), "operation", psc_op_to_string(op), "old",
			 fate[0].action, "new", fate[1].action, "old_by", diff_by(fate[0].ruling),
			 "new_by", diff_by(fate[1].ruling));
}

static bool diff_differs(const struct diff_fate fate[2])
{
	return strcmp(fate[0].action, fate[1].action) != 0 ||
	       !diff_same_ruling(fate[0].ruling, fate[1].ruling);
}

/* The same change over several instants is one cell. */
static void diff_operation(const struct diff_pair *pair, const uint32_t subject[2], unsigned int op,
			   json_t *cells)
{
	struct diff_fate open[2] = {0}, now[2] = {0};
	size_t first = pair->instants;

	for (size_t i = 0; i <= pair->instants; i++) {
		bool end = i == pair->instants;

		for (unsigned int k = 0; k < 2 && !end; k++)
			now[k] = diff_fate(pair->image[k], subject[k], op, pair->instant[i]);
		if (first < i && (end || strcmp(open[0].action, now[0].action) != 0 ||
				  strcmp(open[1].action, now[1].action) != 0 ||
				  !diff_same_ruling(open[0].ruling, now[0].ruling) ||
				  !diff_same_ruling(open[1].ruling, now[1].ruling))) {
			json_array_append_new(cells, diff_cell(pair, op, first, i, open));
			first = pair->instants;
		}
		if (!end && first == pair->instants && diff_differs(now)) {
			first = i;
			memcpy(open, now, sizeof(open));
		}
	}
}

static void diff_subject(const struct diff_pair *pair, const uint32_t subject[2], json_t *subjects)
{
	unsigned int side = subject[0] == PSC_SUBJECT_NONE;
	const struct psc_image_subject *who = &pair->image[side]->subjects[subject[side]];
	const char *change = "changed";
	json_int_t digests[2] = {0, 0};
	json_t *cells = json_array();

	for (unsigned int k = 0; k < 2; k++) {
		if (subject[k] != PSC_SUBJECT_NONE)
			digests[k] = (json_int_t)pair->image[k]->subjects[subject[k]].digests;
	}
	if (subject[0] == PSC_SUBJECT_NONE)
		change = "added";
	else if (subject[1] == PSC_SUBJECT_NONE)
		change = "removed";
	for (unsigned int op = 0; op < PSC_OP_MAX; op++)
		diff_operation(pair, subject, op, cells);
	if (subject[0] && subject[1] && !json_array_size(cells) && digests[0] == digests[1]) {
		json_decref(cells);
		return;
	}
	json_array_append_new(subjects,
			      json_pack("{s:o,s:b,s:s,s:[I,I],s:o}", "product",
					psc_json_safe(who->product), "site", who->site, "change",
					change, "digests", digests[0], digests[1], "cells", cells));
}

static uint32_t diff_find(const struct psc_image *image, const struct psc_image_subject *who)
{
	for (uint32_t i = PSC_SUBJECT_FIRST; i < image->table.subject_count; i++) {
		if (diff_same_subject(&image->subjects[i], who))
			return i;
	}
	return PSC_SUBJECT_NONE;
}

static json_t *diff_subjects(const struct diff_pair *pair)
{
	const struct psc_image *old = pair->image[0], *new = pair->image[1];
	json_t *subjects = json_array();
	uint32_t subject[2];

	for (uint32_t i = PSC_SUBJECT_FIRST; i < old->table.subject_count; i++) {
		subject[0] = i;
		subject[1] = diff_find(new, &old->subjects[i]);
		diff_subject(pair, subject, subjects);
	}
	for (uint32_t i = PSC_SUBJECT_FIRST; i < new->table.subject_count; i++) {
		subject[0] = PSC_SUBJECT_NONE;
		subject[1] = i;
		if (!diff_find(old, &new->subjects[i]))
			diff_subject(pair, subject, subjects);
	}
	return subjects;
}

json_t *psc_policy_diff_images(const struct psc_image *old, const struct psc_image *new)
{
	struct diff_pair pair = {.image = {old, new}};
	json_t *instants = diff_instants(&pair);

	return json_pack("{s:o,s:o,s:o,s:o}", "settings", diff_settings(&pair), "instants",
			 instants, "digests", diff_digests(&pair), "subjects",
			 diff_subjects(&pair));
}
