/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_attempts.c - decisions of an audit log, for a report: attempts of the same kind on the
 * same file are one group, and every day has its counts; see report_internal.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/report_internal.h"
#include "user/core/json.h"
#include "user/core/names.h"
#include "user/core/timefmt.h"

#define DAY_NS (86400 * PSC_NSEC_PER_SEC)

struct group {
	json_t *json; /* what all of them have in common */
	enum psc_verdict verdict;
	bool meant;
	uint64_t count;
	uint64_t first;
	uint64_t last;
};

struct day {
	uint64_t number; /* days since 1970 */
	uint64_t verdict[PSC_VERDICT_MAX];
	uint64_t unverified;
	uint64_t found;
};

struct psc_report_attempts {
	struct group *group;
	size_t count;
	json_t *index; /* by what they have in common, as text */
	uint64_t left_out;
	uint64_t total[PSC_VERDICT_MAX];       /* of products that are meant */
	uint64_t total_other[PSC_VERDICT_MAX]; /* of everything else that is listed */
	json_t *unverified;		       /* by reason and verdict */
	struct day *day;		       /* by number */
	size_t days;
	uint64_t days_left_out;
};

int psc_report_attempts_new(struct psc_report_attempts **ret)
{
	struct psc_report_attempts *attempts = calloc(1, sizeof(*attempts));

	if (!attempts)
		return -ENOMEM;
	attempts->index = json_object();
	attempts->unverified = json_object();
	if (!attempts->index || !attempts->unverified) {
		psc_report_attempts_free(attempts);
		return -ENOMEM;
	}
	*ret = attempts;
	return 0;
}

struct psc_report_attempts *psc_report_attempts_free(struct psc_report_attempts *attempts)
{
	if (!attempts)
		return NULL;
	for (size_t i = 0; i < attempts->count; i++)
		json_decref(attempts->group[i].json);
	free(attempts->group);
	free(attempts->day);
	json_decref(attempts->index);
	json_decref(attempts->unverified);
	free(attempts);
	return NULL;
}

/* ---- days -------------------------------------------------------------------------------- */

/* The log is nearly in the order of time: the place is near the end. NULL: no memory or room. */
static struct day *day_of(struct psc_report_attempts *attempts, uint64_t at)
{
	uint64_t number = at / DAY_NS;
	size_t place = attempts->days;
	struct day *grown;

	while (place && attempts->day[place - 1].number > number)
		place--;
	if (place && attempts->day[place - 1].number == number)
		return &attempts->day[place - 1];
	if (attempts->days >= PSC_REPORT_DAYS_MAX) {
		attempts->days_left_out++;
		return NULL;
	}
	grown = reallocarray(attempts->day, attempts->days + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	attempts->day = grown;
	memmove(grown + place + 1, grown + place, (attempts->days - place) * sizeof(*grown));
	grown[place] = (struct day){.number = number};
	attempts->days++;
	return &grown[place];
}

int psc_report_attempts_found(struct psc_report_attempts *attempts, uint64_t at)
{
	struct day *day = day_of(attempts, at);

	if (day)
		day->found++;
	return 0;
}

/* ---- groups ------------------------------------------------------------------------------ */

/* The one of several strings that a report shows: "a, b". NULL: no memory. */
static json_t *joined(const json_t *array)
{
	const json_t *item;
	char text[256];
	size_t used = 0, i;

	text[0] = '\0';
	json_array_foreach(array, i, item) {
		const char *word = json_string_value(item);
		int n;

		if (!word)
			continue;
		n = snprintf(text + used, sizeof(text) - used, "%s%s", used ? ", " : "", word);
		if (n < 0 || (size_t)n >= sizeof(text) - used)
			break;
		used += (size_t)n;
	}
	/* cut off in the middle of a word, which may be that of a character */
	text[used] = '\0';
	return json_string(text);
}

static void set_text(json_t *json, const char *key, const char *text)
{
	json_object_set_new(json, key, json_string(text ? text : ""));
}

static json_t *group_json(const json_t *record, const char *product, const char *verdict)
{
	const json_t *file = json_object_get(record, "file");
	json_t *json = json_object();

	if (!json)
		return NULL;
	set_text(json, "verdict", verdict);
	set_text(json, "operation", psc_report_own_text(record, "op"));
	set_text(json, "product", product);
	set_text(json, "path", json_string_value(json_object_get(file, "path")));
	set_text(json, "basis", psc_report_own_text(record, "basis"));
	json_object_set_new(json, "profiles", joined(psc_report_own(record, "profiles")));
	json_object_set_new(json, "clauses", joined(psc_report_own(record, "clauses")));
	return json;
}

static int group_new(struct psc_report_attempts *attempts, json_t *json, struct group **ret)
{
	struct group *grown;

	if (attempts->count >= PSC_REPORT_GROUPS_MAX) {
		*ret = NULL;
		return 0;
	}
	grown = reallocarray(attempts->group, attempts->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	attempts->group = grown;
	*ret = &grown[attempts->count++];
	**ret = (struct group){.json = json_incref(json)};
	return 0;
}

/* *@ret is NULL when there is no room for another one. */
static int group_of(struct psc_report_attempts *attempts, json_t *json, struct group **ret)
{
	_cleanup_free_ char *key = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	const json_t *known;
	int r;

	if (!key)
		return -ENOMEM;
	known = json_object_get(attempts->index, key);
	if (known) {
		*ret = &attempts->group[json_integer_value(known)];
		return 0;
	}
	r = group_new(attempts, json, ret);
	if (r < 0 || !*ret)
		return r;
	return json_object_set_new(attempts->index, key, json_integer(*ret - attempts->group)) < 0
		       ? -ENOMEM
		       : 0;
}

static int count_group(struct psc_report_attempts *attempts, const json_t *record,
		       const char *product, bool meant, uint64_t at)
{
	const char *name = psc_report_own_text(record, "verdict");
	_cleanup_json_ json_t *json = group_json(record, product, name);
	uint64_t count = psc_report_attempts(record);
	enum psc_verdict verdict;
	struct group *group = NULL;
	int r = json ? group_of(attempts, json, &group) : -ENOMEM;

	if (r < 0 || psc_verdict_from_string(name, &verdict) < 0)
		return r;
	if (meant)
		attempts->total[verdict] += count;
	else
		attempts->total_other[verdict] += count;
	if (!group) {
		attempts->left_out += count;
		return 0;
	}
	group->verdict = verdict;
	group->meant = group->meant || meant;
	group->count += count;
	group->first = !group->first || at < group->first ? at : group->first;
	group->last = at > group->last ? at : group->last;
	return 0;
}

static int count_unverified(struct psc_report_attempts *attempts, const json_t *record,
			    const char *reason)
{
	const char *verdict = psc_report_own_text(record, "verdict");
	json_t *row = json_object_get(attempts->unverified, reason);

	if (!row) {
		/* reasons are the guard's own words; a log that was tampered with has any */
		if (json_object_size(attempts->unverified) >= PSC_REPORT_NAMES_MAX)
			reason = "other";
		row = json_object_get(attempts->unverified, reason);
	}
	if (!row) {
		row = json_object();
		if (json_object_set_new(attempts->unverified, reason, row) < 0)
			return -ENOMEM;
	}
	return json_object_set_new(row, verdict,
				   json_integer(json_integer_value(json_object_get(row, verdict)) +
						(json_int_t)psc_report_attempts(record))) < 0
		       ? -ENOMEM
		       : 0;
}

int psc_report_attempts_add(struct psc_report_attempts *attempts, const json_t *record,
			    const char *product, bool meant, uint64_t at)
{
	const char *reason = psc_report_own_text(record, "unverified");
	struct day *day = day_of(attempts, at);
	enum psc_verdict verdict;

	if (psc_verdict_from_string(psc_report_own_text(record, "verdict"), &verdict) < 0)
		return 0;
	if (day && reason)
		day->unverified += psc_report_attempts(record);
	if (day && meant && !reason)
		day->verdict[verdict] += psc_report_attempts(record);
	if (reason && (!product || !*product))
		return count_unverified(attempts, record, reason);
	return count_group(attempts, record, product, meant, at);
}

/* ---- result ------------------------------------------------------------------------------ */

static const int severity[PSC_VERDICT_MAX] = {
	[PSC_VERDICT_DENY] = 3,
	[PSC_VERDICT_WOULD_DENY] = 2,
	[PSC_VERDICT_RECORD] = 1,
};

/* What the profile means first, then by severity, then the latest. */
static int compare(const void *one, const void *other)
{
	const struct group *a = one, *b = other;

	if (a->meant != b->meant)
		return a->meant ? -1 : 1;
	if (severity[a->verdict] != severity[b->verdict])
		return severity[b->verdict] - severity[a->verdict];
	if (a->last != b->last)
		return a->last > b->last ? -1 : 1;
	return a->count > b->count ? -1 : a->count < b->count;
}

static json_t *totals_json(const uint64_t total[PSC_VERDICT_MAX])
{
	json_t *json = json_object();

	for (unsigned int i = 0; i < PSC_VERDICT_MAX; i++)
		json_object_set_new(json, psc_verdict_to_string(i),
				    json_integer((json_int_t)total[i]));
	return json;
}

static json_t *groups_json(struct psc_report_attempts *attempts)
{
	json_t *array = json_array();

	/* the numbers in the index are of no use any more */
	if (attempts->count)
		qsort(attempts->group, attempts->count, sizeof(*attempts->group), compare);
	for (size_t i = 0; i < attempts->count; i++) {
		struct group *group = &attempts->group[i];

		json_object_set_new(group->json, "meant", json_boolean(group->meant));
		json_object_set_new(group->json, "count", json_integer((json_int_t)group->count));
		json_object_set_new(group->json, "first", psc_report_time_json(group->first));
		json_object_set_new(group->json, "last", psc_report_time_json(group->last));
		json_array_append(array, group->json);
	}
	return array;
}

static json_t *days_json(const struct psc_report_attempts *attempts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < attempts->days; i++) {
		const struct day *day = &attempts->day[i];
		json_t *json = totals_json(day->verdict);
		char text[PSC_TIME_TEXT_MAX];

		psc_time_format_seconds(day->number * DAY_NS, text);
		text[10] = '\0';
		json_object_set_new(json, "day", json_string(text));
		json_object_set_new(json, "unverified", json_integer((json_int_t)day->unverified));
		json_object_set_new(json, "found", json_integer((json_int_t)day->found));
		json_array_append_new(array, json);
	}
	return array;
}

int psc_report_attempts_json(struct psc_report_attempts *attempts, json_t *into)
{
	json_t *json = json_pack("{s:o, s:o, s:o, s:I}", "totals", totals_json(attempts->total),
				 "others", totals_json(attempts->total_other), "groups",
				 groups_json(attempts), "left_out", (json_int_t)attempts->left_out);

	if (json_object_set_new(into, "attempts", json) < 0 ||
	    json_object_set(into, "unverified", attempts->unverified) < 0 ||
	    json_object_set_new(into, "days", days_json(attempts)) < 0)
		return -ENOMEM;
	return 0;
}
