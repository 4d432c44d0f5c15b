/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.c - what the records of an audit log say about one prohibition, see report.h.
 */
#include <errno.h>

#include "user/core/report.h"
#include "user/core/report_internal.h"
#include "user/core/json.h"
#include "user/core/timefmt.h"

/* What was seen of one product. */
struct seen {
	char *name;			 /* the catalog's id, or what a list calls it */
	const struct psc_product *known; /* in the catalog; NULL: not */
	bool meant;			 /* by the profile */
	bool exempt;			 /* by the profile's own words */
	bool surely;			 /* not only something that looks like it */
	uint64_t first;
	uint64_t last;
	json_t *paths; /* objects with the names as members, to have each once */
	json_t *digests;
	json_t *versions;
	json_t *how;
	uint64_t left_out;
};

struct psc_report {
	struct psc_report_options options;
	struct seen *seen;
	size_t count;
	uint64_t left_out; /* products */
	struct psc_report_guard *guard;
	struct psc_report_notes notes;
	struct psc_report_attempts *attempts;
	json_t *scan; /* the last one of this host in the period; NULL: none */
	char host[256];
	bool hosts; /* records of another host as well */
	uint64_t records;
	uint64_t undated;
	uint64_t first; /* times of the first and last record of the log */
	uint64_t last;
};

/* ---- what the parts share ------------------------------------------------------------------ */

bool psc_report_succeeded(const json_t *record)
{
	const char *outcome =
		json_string_value(json_object_get(json_object_get(record, "event"), "outcome"));

	return !outcome || strcmp(outcome, "failure") != 0;
}

json_t *psc_report_time_json(uint64_t ns)
{
	char text[PSC_TIME_TEXT_MAX];

	return ns ? json_string(psc_time_format_seconds(ns, text)) : json_null();
}

uint64_t psc_report_attempts(const json_t *record)
{
	uint64_t repeats = psc_report_own_number(record, "repeats");

	return repeats ? repeats : 1;
}

/* ---- beginning and end --------------------------------------------------------------------- */

int psc_report_new(const struct psc_report_options *options, struct psc_report **ret)
{
	_cleanup_(psc_report_freep) struct psc_report *report = calloc(1, sizeof(*report));
	int r;

	if (!report)
		return -ENOMEM;
	report->options = *options;
	r = psc_report_guard_new(options->until, &report->guard);
	if (r >= 0)
		r = psc_report_notes_begin(&report->notes);
	if (r >= 0)
		r = psc_report_attempts_new(&report->attempts);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(report);
	return 0;
}

static void seen_clear(struct seen *seen)
{
	free(seen->name);
	json_decref(seen->paths);
	json_decref(seen->digests);
	json_decref(seen->versions);
	json_decref(seen->how);
}

struct psc_report *psc_report_free(struct psc_report *report)
{
	if (!report)
		return NULL;
	for (size_t i = 0; i < report->count; i++)
		seen_clear(&report->seen[i]);
	free(report->seen);
	psc_report_guard_free(report->guard);
	psc_report_notes_clear(&report->notes);
	psc_report_attempts_free(report->attempts);
	json_decref(report->scan);
	free(report);
	return NULL;
}

void psc_report_freep(struct psc_report **report)
{
	*report = psc_report_free(*report);
}

/* ---- products ------------------------------------------------------------------------------ */

static int seen_new(struct psc_report *report, const char *name, const struct psc_product *known,
		    struct seen **ret)
{
	const struct psc_profile *profile = report->options.profile;
	struct seen *grown;
	struct seen one = {
		.name = strdup(name),
		.known = known,
		.paths = json_object(),
		.digests = json_object(),
		.versions = json_object(),
		.how = json_object(),
	};

	one.meant = known && psc_profile_means(profile, known->entity);
	one.exempt = one.meant && psc_profile_exempts(profile, known->class);
	grown = reallocarray(report->seen, report->count + 1, sizeof(*grown));
	if (grown)
		report->seen = grown;
	if (!grown || !one.name || !one.paths || !one.digests || !one.versions || !one.how) {
		seen_clear(&one);
		return -ENOMEM;
	}
	grown[report->count++] = one;
	*ret = &grown[report->count - 1];
	return 0;
}

/* *@ret is NULL when there is no room for another product. */
static int seen_of(struct psc_report *report, const char *text, struct seen **ret)
{
	enum psc_role role;
	const struct psc_product *known = psc_catalog_find(report->options.catalog, text, &role);
	const char *name = known ? known->id : text;

	for (size_t i = 0; i < report->count; i++) {
		if (strcmp(report->seen[i].name, name) == 0) {
			*ret = &report->seen[i];
			return 0;
		}
	}
	if (report->count >= PSC_REPORT_PRODUCTS_MAX) {
		report->left_out++;
		*ret = NULL;
		return 0;
	}
	return seen_new(report, name, known, ret);
}

static void name_once(struct seen *seen, json_t *names, const char *name)
{
	if (!name || !*name || json_object_get(names, name))
		return;
	if (json_object_size(names) >= PSC_REPORT_NAMES_MAX)
		seen->left_out++;
	else
		json_object_set_new(names, name, json_true());
}

struct sight {
	const char *product;
	const char *path;
	const char *digest;
	const char *version;
	const char *how;
	uint64_t at;
	bool surely;
	bool meant; /* by the record's own words */
};

/* *@ret_meant (may be NULL): the profile is about it. */
static int see(struct psc_report *report, const struct sight *sight, bool *ret_meant)
{
	struct seen *seen;
	int r = seen_of(report, sight->product, &seen);

	if (r < 0)
		return r;
	if (ret_meant)
		*ret_meant = sight->meant || (seen && seen->meant);
	if (!seen)
		return 0;
	seen->meant = seen->meant || sight->meant;
	seen->surely = seen->surely || sight->surely;
	seen->first = !seen->first || sight->at < seen->first ? sight->at : seen->first;
	seen->last = sight->at > seen->last ? sight->at : seen->last;
	name_once(seen, seen->paths, sight->path);
	name_once(seen, seen->digests, sight->digest);
	name_once(seen, seen->versions, sight->version);
	name_once(seen, seen->how, sight->how);
	return 0;
}

int psc_report_add_seen(struct psc_report *report, const char *product, const char *path,
			const char *how, uint64_t at)
{
	return see(report,
		   &(struct sight){
			   .product = product, .path = path, .how = how, .at = at, .surely = true},
		   NULL);
}

uint64_t psc_report_first_seen(const struct psc_report *report)
{
	uint64_t first = 0;

	for (size_t i = 0; i < report->count; i++) {
		const struct seen *seen = &report->seen[i];

		if (seen->meant && seen->surely && !seen->exempt && (!first || seen->first < first))
			first = seen->first;
	}
	return first;
}

/* ---- records ------------------------------------------------------------------------------- */

/* "found 2026-01-02T03:04:05Z by RULE": what the daemon knew before this record, at most @at. */
static uint64_t found_since(const char *source, uint64_t at)
{
	char time[PSC_TIME_TEXT_MAX];
	uint64_t since;

	if (!source || sscanf(source, "found %39s by", time) != 1 ||
	    psc_time_parse(time, &since) < 0 || since > at)
		return at;
	return since;
}

static int add_found(struct psc_report *report, const json_t *record, uint64_t at)
{
	const json_t *file;
	bool meant = false, one = false;
	size_t i;
	int r = 0;

	json_array_foreach(psc_report_own(record, "files"), i, file) {
		const char *source = json_string_value(json_object_get(file, "source"));
		struct sight sight = {
			.product = json_string_value(json_object_get(file, "product")),
			.path = json_string_value(json_object_get(file, "path")),
			.digest = json_string_value(json_object_get(file, "sha256")),
			.how = "found",
			.at = found_since(source, at),
			.surely = true,
		};

		if (!sight.product)
			continue;
		r = see(report, &sight, NULL);
		if (r >= 0) {
			/* it was there until now as well */
			sight.at = at;
			r = see(report, &sight, &one);
		}
		if (r < 0)
			return r;
		meant = meant || one;
	}
	if (!meant || at < report->options.from)
		return 0;
	return psc_report_attempts_found(report->attempts, at);
}

/* One of the reasons of a decision, the strictest or not. */
static bool names_profile(const json_t *reasons, const char *id)
{
	const json_t *reason;
	size_t i;

	json_array_foreach(reasons, i, reason) {
		const char *name = json_string_value(json_object_get(reason, "profile"));

		if (name && strcmp(name, id) == 0)
			return true;
	}
	return false;
}

static int add_decision(struct psc_report *report, const json_t *record, uint64_t at)
{
	const json_t *file = json_object_get(record, "file");
	const char *product = psc_report_own_text(record, "product");
	const char *unverified = psc_report_own_text(record, "unverified");
	struct sight sight = {
		.product = product,
		.path = json_string_value(json_object_get(file, "path")),
		.digest =
			json_string_value(json_object_get(json_object_get(file, "hash"), "sha256")),
		.version = psc_report_own_text(record, "version"),
		.how = "attempt",
		.at = at,
		.surely = true,
		.meant = names_profile(psc_report_own(record, "reasons"),
				       report->options.profile->id),
	};
	bool meant = sight.meant;
	int r = 0;

	/* what is unverified is not known to be the product */
	if (product && *product && !unverified)
		r = see(report, &sight, &meant);
	if (r < 0 || at < report->options.from)
		return r;
	return psc_report_attempts_add(report->attempts, record, product, meant, at);
}

/*
 * What was seen first, perhaps before the log begins: it is said again when older files are given
 * up.
 */
static int add_first_seen(struct psc_report *report, const json_t *record, uint64_t at)
{
	const char *time = psc_report_own_text(record, "first_seen");
	struct sight sight = {
		.product = psc_report_own_text(record, "product"),
		.path = psc_report_own_text(record, "path"),
		.digest = psc_report_own_text(record, "sha256"),
		.how = psc_report_own_text(record, "how"),
		.surely = true,
	};

	if (!sight.product || !time || psc_time_parse(time, &sight.at) < 0 || sight.at > at)
		return 0;
	return see(report, &sight, NULL);
}

/* A scan of this host, as far as the log has it; the last complete one is the report's. */
static int add_scan(struct psc_report *report, const json_t *record, uint64_t at)
{
	const json_t *scan = psc_report_own(record, "scan"), *one;
	size_t i;
	int r = 0;

	json_array_foreach(json_object_get(scan, "scope"), i, one) {
		const char *kind = json_string_value(json_object_get(one, "kind"));

		if (!kind || strcmp(kind, "host") != 0)
			return 0;
	}
	json_array_foreach(json_object_get(scan, "products"), i, one) {
		const struct sight sight = {
			.product = json_string_value(json_object_get(one, "product")),
			.how = "scan",
			.at = at,
			.surely = true,
		};

		r = sight.product ? see(report, &sight, NULL) : 0;
		if (r < 0)
			return r;
	}
	if (at >= report->options.from && json_is_object(scan)) {
		json_decref(report->scan);
		report->scan = json_incref((json_t *)scan);
	}
	return 0;
}

const json_t *psc_report_scan(const struct psc_report *report)
{
	return report->scan;
}

/* Something was recognised in another way than by an attempt. */
static int add_other(struct psc_report *report, const json_t *record, const char *type, uint64_t at)
{
	bool held = strcmp(type, "found_held") == 0;
	bool place = strcmp(type, "place") == 0 && json_is_true(psc_report_own(record, "marked"));
	struct sight sight = {
		.product = psc_report_own_text(record, "product"),
		.path = psc_report_own_text(record, "path"),
		.how = held    ? "looks_like"
		       : place ? "place"
			       : "runs",
		.at = at,
		.surely = !held,
	};

	if (!sight.product || (!held && !place && strcmp(type, "late") != 0))
		return 0;
	return see(report, &sight, NULL);
}

static void note_host(struct psc_report *report, const json_t *record)
{
	const char *name =
		json_string_value(json_object_get(json_object_get(record, "host"), "hostname"));

	if (!name)
		return;
	if (!report->host[0])
		snprintf(report->host, sizeof(report->host), "%s", name);
	else if (strncmp(report->host, name, sizeof(report->host) - 1) != 0)
		report->hosts = true;
}

static int add_dated(struct psc_report *report, const json_t *record, uint64_t at)
{
	const char *type = psc_report_own_text(record, "type");
	int r;

	if (!report->first)
		report->first = at;
	report->last = at > report->last ? at : report->last;
	r = psc_report_guard_add(report->guard, record, at);
	if (r < 0 || !type)
		return r;
	if (psc_report_own_text(record, "verdict"))
		return strcmp(type, "decision") == 0 ? add_decision(report, record, at) : 0;
	if (strcmp(type, "found") == 0)
		return add_found(report, record, at);
	if (strcmp(type, "first_seen") == 0)
		r = add_first_seen(report, record, at);
	else if (strcmp(type, "scan") == 0)
		r = add_scan(report, record, at);
	if (r < 0)
		return r;
	r = add_other(report, record, type, at);
	if (r < 0 || at < report->options.from)
		return r;
	return psc_report_notes_add(&report->notes, record, at);
}

int psc_report_add(struct psc_report *report, const json_t *record)
{
	const char *time = json_string_value(json_object_get(record, "@timestamp"));
	uint64_t at;

	report->records++;
	note_host(report, record);
	if (!time || psc_time_parse(time, &at) < 0) {
		report->undated++;
		return 0;
	}
	return at < report->options.until ? add_dated(report, record, at) : 0;
}

/* ---- result -------------------------------------------------------------------------------- */

static json_t *names_json(json_t *names)
{
	json_t *array = json_array(), *value;
	const char *name;

	json_object_foreach(names, name, value)
		json_array_append_new(array, json_string(name));
	return array;
}

static json_t *seen_json(const struct seen *seen)
{
	const struct psc_product *known = seen->known;

	return json_pack("{s:s, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "product",
			 seen->name, "name", known ? psc_json_safe(known->name) : json_null(),
			 "entity", known ? psc_json_safe(known->entity) : json_null(), "status",
			 seen->exempt ? "exempt" : "covered", "certain", seen->surely, "first_seen",
			 psc_report_time_json(seen->first), "last_seen",
			 psc_report_time_json(seen->last), "paths", names_json(seen->paths),
			 "sha256", names_json(seen->digests), "versions",
			 names_json(seen->versions), "how", names_json(seen->how), "left_out",
			 (json_int_t)seen->left_out);
}

static int by_name(const void *one, const void *other)
{
	return strcmp(((const struct seen *)one)->name, ((const struct seen *)other)->name);
}

/* What was recognised as the product, what only looks like it, and what is none of the profile's. */
static int put_products(struct psc_report *report, json_t *into)
{
	json_t *products = json_array(), *held = json_array(), *others = json_array();

	if (report->count)
		qsort(report->seen, report->count, sizeof(*report->seen), by_name);
	for (size_t i = 0; i < report->count; i++) {
		const struct seen *seen = &report->seen[i];
		json_t *array = !seen->meant ? others : !seen->surely ? held : products;

		json_array_append_new(array, seen_json(seen));
	}
	if (json_object_set_new(into, "products", products) < 0 ||
	    json_object_set_new(into, "held", held) < 0 ||
	    json_object_set_new(into, "others", others) < 0 ||
	    json_object_set_new(into, "products_left_out",
				json_integer((json_int_t)report->left_out)) < 0)
		return -ENOMEM;
	return 0;
}

int psc_report_to_json(struct psc_report *report, json_t **ret)
{
	const struct psc_report_notes *notes = &report->notes;
	uint64_t from = report->options.from ? report->options.from : report->first;
	_cleanup_json_ json_t *json = NULL;
	json_t *guard;
	int r;

	json = json_pack("{s:s, s:b, s:{s:I, s:I, s:o, s:o}, s:O, s:I, s:{s:O, s:O, s:I}}", "host",
			 report->host, "several_hosts", report->hosts, "log", "records",
			 (json_int_t)report->records, "undated", (json_int_t)report->undated,
			 "first", psc_report_time_json(report->first), "last",
			 psc_report_time_json(report->last), "changes", notes->changes,
			 "notes_left_out", (json_int_t)notes->left_out, "losses", "totals",
			 notes->totals, "records", notes->losses, "ring_lost",
			 (json_int_t)notes->ring_lost);
	if (!json)
		return -ENOMEM;
	r = put_products(report, json);
	if (r >= 0)
		r = psc_report_attempts_json(report->attempts, json);
	guard = r >= 0 ? psc_report_guard_json(report->guard, from) : NULL;
	if (r < 0 || !guard || json_object_set_new(json, "guard", guard) < 0)
		return r < 0 ? r : -ENOMEM;
	*ret = TAKE_PTR(json);
	return 0;
}
