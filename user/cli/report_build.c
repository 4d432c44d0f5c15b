/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_build.c - everything that a report says, as one JSON document: from it come the page and
 * the table. See report_verb.h.
 */
#include <errno.h>
#include <stdarg.h>

#include "user/cli/report_verb.h"
#include "user/core/hex.h"

#define DAY_NS (86400 * PSC_NSEC_PER_SEC)

/* Members that are arrays of strings. */
static void say(json_t *array, const char *format, ...) _printf_(2, 3);

static void say(json_t *array, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	else
		json_array_append_new(array, json_string(text));
}

static json_t *hex_json(const uint8_t digest[PSC_DIGEST_SIZE])
{
	char hex[2 * PSC_DIGEST_SIZE + 1];

	psc_hex_encode(digest, PSC_DIGEST_SIZE, hex);
	return json_string(hex);
}

static json_t *instant_json(uint64_t ns)
{
	char text[PSC_TIME_TEXT_MAX];

	return ns ? json_string(psc_time_format_seconds(ns, text)) : json_null();
}

static json_t *day_json(uint64_t ns)
{
	char text[PSC_TIME_TEXT_MAX];

	if (!ns)
		return json_null();
	psc_time_format_seconds(ns, text);
	text[10] = '\0';
	return json_string(text);
}

/* ---- the chain ----------------------------------------------------------------------------- */

static json_t *not_proven(const struct psc_report_input *input)
{
	const struct psc_chain_report *chain = input->chain;
	json_t *limits = json_array();

	if (chain->first_sequence > 1)
		say(limits, "Older files are gone: the log begins with record %llu.",
		    (unsigned long long)chain->first_sequence);
	if (!chain->signatures)
		say(limits, "No signature was checked: who can write the log could have written "
			    "all of it.");
	else if (chain->last_signed < chain->end.sequence)
		say(limits,
		    "Records behind %llu are not signed yet: they could be taken away without a "
		    "trace.",
		    (unsigned long long)chain->last_signed);
	if (!input->anchored || !chain->anchors)
		say(limits,
		    "No anchor that was kept elsewhere was compared: root on the host could "
		    "have written and signed the whole log anew.");
	say(limits, "An intact chain says that the log was not altered after it was written, not "
		    "that what was written is all that happened.");
	return limits;
}

static json_t *chain_json(const struct psc_report_input *input)
{
	const struct psc_chain_report *chain = input->chain;
	json_t *json = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:o}", "result",
		psc_chain_fault_to_string(chain->fault), "files", (json_int_t)chain->files,
		"records", (json_int_t)chain->records, "first", (json_int_t)chain->first_sequence,
		"last", (json_int_t)chain->end.sequence, "head", hex_json(chain->end.head),
		"signatures", (json_int_t)chain->signatures, "signatures_unchecked",
		(json_int_t)chain->unchecked, "last_signed", (json_int_t)chain->last_signed,
		"anchors", (json_int_t)chain->anchors, "not_proven", not_proven(input));

	if (json && chain->fault)
		json_object_set_new(json, "fault",
				    json_pack("{s:o, s:I, s:o}", "file",
					      psc_json_safe(chain->place.file), "line",
					      (json_int_t)chain->place.line, "message",
					      psc_json_safe(chain->place.message)));
	return json;
}

/* ---- what was signed ----------------------------------------------------------------------- */

static bool concerns(const struct psc_object *object, const struct psc_profile *profile)
{
	if (object->kind == PSC_OBJECT_OVERRIDE)
		return false;
	if (object->kind == PSC_OBJECT_ATTESTATION)
		return strcmp(object->subject, profile->scope) == 0;
	for (char **name = object->profiles; name && *name; name++) {
		if (strcmp(*name, profile->id) == 0)
			return true;
	}
	return !object->profiles;
}

static json_t *object_json(const struct psc_object *object, bool over)
{
	json_t *products = json_array();

	for (char **name = object->products; name && *name; name++)
		json_array_append_new(products, psc_json_safe(*name));
	if (object->kind == PSC_OBJECT_ATTESTATION)
		say(products, "%s: %s", object->subject, object->value ? "yes" : "no");
	else if (!object->products)
		say(products, "all products");
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "kind",
			 psc_object_kind_to_string(object->kind), "id", psc_json_safe(object->id),
			 "products", products, "by", psc_json_safe(object->by), "reason",
			 psc_json_safe(object->reason), "document", psc_json_safe(object->document),
			 "from", psc_policy_time_json(object->from), "until",
			 psc_policy_time_json(object->until), "state", over ? "over" : "in force",
			 "sha256", hex_json(object->digest));
}

static json_t *objects_json(const struct psc_report_input *input)
{
	const struct psc_objects *objects = &input->host->set.objects;
	const struct psc_objects *expired = &input->host->set.expired;
	json_t *array = json_array();

	for (size_t i = 0; i < objects->count; i++) {
		if (concerns(objects->item[i], input->profile))
			json_array_append_new(array, object_json(objects->item[i], false));
	}
	for (size_t i = 0; i < expired->count; i++) {
		if (concerns(expired->item[i], input->profile))
			json_array_append_new(array, object_json(expired->item[i], true));
	}
	return array;
}

/* ---- gaps ---------------------------------------------------------------------------------- */

/* @count of @unit, in the plural. */
static void add_gap(json_t *gaps, const char *kind, uint64_t count, const char *unit,
		    const char *text)
{
	if (count)
		json_array_append_new(gaps,
				      json_pack("{s:s, s:I, s:s, s:s}", "kind", kind, "count",
						(json_int_t)count, "unit", unit, "text", text));
}

static void add_span(json_t *gaps, const json_t *data, const char *state, const char *text)
{
	char member[64], span[48], sentence[256];
	uint64_t seconds;

	snprintf(member, sizeof(member), "guard.seconds.%s", state);
	seconds = (uint64_t)psc_json_number(data, member, 0);
	snprintf(sentence, sizeof(sentence), "%s: %s", psc_report_span(seconds, span), text);
	add_gap(gaps, state, seconds, "seconds", sentence);
}

static uint64_t count_unverified(const json_t *data)
{
	json_t *row, *value;
	const char *reason, *verdict;
	uint64_t count = 0;

	json_object_foreach(psc_json_at(data, "unverified"), reason, row) {
		json_object_foreach(row, verdict, value)
			count += (uint64_t)json_integer_value(value);
	}
	return count;
}

static json_t *gaps_json(const struct psc_report_input *input, const json_t *data)
{
	json_t *gaps = json_array();

	add_span(gaps, data, "unknown",
		 "no record speaks of this time (before the log began, or "
		 "between two boots, or after its last record)");
	add_span(gaps, data, "boot", "the host was up and the guard not on yet");
	add_span(gaps, data, "off", "the guard had been taken off");
	add_span(gaps, data, "silence",
		 "the daemon wrote nothing for longer than an hour, although "
		 "a heartbeat is due each hour");
	add_span(gaps, data, "stopped",
		 "the daemon was stopped: the guard stayed on, new files "
		 "were not looked for");
	add_gap(gaps, "ring_lost", (uint64_t)psc_json_number(data, "losses.ring_lost", 0), "events",
		"attempts that were decided but could not be recorded: the kernel had no room for "
		"them, or the guard was taken off before they were read");
	add_gap(gaps, "tamper", (uint64_t)psc_json_number(data, "losses.totals.tamper", 0),
		"records",
		"signs that somebody laid hands on the guard or its log behind the daemon's back");
	if (json_is_false(psc_json_at(data, "scan.complete")))
		add_gap(gaps, "scan", 1, "scans",
			"the scan could not read all of its scope: of what was not read nothing "
			"is stated");
	add_gap(gaps, "unverified", count_unverified(data), "attempts",
		"attempts with files that could not be identified");
	add_gap(gaps, "damaged", input->damaged, "lines", "lines of the log that are no records");
	add_gap(gaps, "undated", (uint64_t)psc_json_number(data, "log.undated", 0), "records",
		"records without a time that can be read");
	add_gap(gaps, "clock", (uint64_t)psc_json_number(data, "guard.clock_went_back", 0),
		"records",
		"records that are older than the one before them: the clock was set back");
	add_gap(gaps, "chain", input->chain->fault != PSC_CHAIN_INTACT, "faults",
		"the log's chain does not hold: what stands behind the fault proves nothing");
	add_gap(gaps, "files_gone", input->chain->first_sequence > 1, "gaps",
		"the log's older files are gone, and with them what else they told: first "
		"sightings of products were said again");
	return gaps;
}

/* ---- result -------------------------------------------------------------------------------- */

/* Products that the profile covers, or exempts. */
static size_t count_status(const json_t *data, const char *status)
{
	const json_t *product;
	size_t i, count = 0;

	json_array_foreach(psc_json_at(data, "products"), i, product) {
		count += strcmp(psc_json_text(product, "status", ""), status) == 0;
	}
	return count;
}

static bool was_watched(const json_t *data)
{
	return psc_json_number(data, "guard.seconds.enforce", 0) +
		       psc_json_number(data, "guard.seconds.observe", 0) >
	       0;
}

static const char *result_of(const json_t *data, const json_t *gaps)
{
	if (count_status(data, "covered"))
		return "found";
	if (!was_watched(data) && !json_is_object(psc_json_at(data, "scan")))
		return "no_evidence";
	return json_array_size(gaps) ? "nil_with_gaps" : "nil";
}

static char *statement(const char *result, const json_t *data, const char *profile)
{
	const char *host = psc_json_text(data, "host", "");
	const char *from = psc_json_text(data, "period.from", "?");
	const char *until = psc_json_text(data, "period.until", "?");
	size_t gaps = json_array_size(psc_json_at(data, "gaps"));
	char *text = NULL;
	int n;

	if (!*host)
		host = "this host";
	if (strcmp(result, "found") == 0)
		n = asprintf(&text,
			     "Found on %s: products that %s covers: %zu. Under \"What was "
			     "found\" each has the time when it was first and last seen.",
			     host, profile, count_status(data, "covered"));
	else if (strcmp(result, "no_evidence") == 0)
		n = asprintf(
			&text,
			"No guard that was on and no scan speaks of %s from %s until %s: nothing "
			"is stated.",
			host, from, until);
	else if (gaps)
		n = asprintf(
			&text,
			"None found: no product that %s covers was recorded on %s from %s until "
			"%s. The gaps below are excepted: of them nothing is stated.",
			profile, host, from, until);
	else
		n = asprintf(
			&text,
			"None found: no product that %s covers was recorded on %s from %s until "
			"%s.",
			profile, host, from, until);
	return n < 0 ? NULL : text;
}

static void say_time(json_t *method, const json_t *data)
{
	char enforce[48], observe[48];

	say(method, "The guard was on, refusing, for %s, and on, only recording, for %s.",
	    psc_report_span((uint64_t)psc_json_number(data, "guard.seconds.enforce", 0), enforce),
	    psc_report_span((uint64_t)psc_json_number(data, "guard.seconds.observe", 0), observe));
}

/* What it looked at, and what it did not. */
static void say_scan(json_t *method, const json_t *scan)
{
	const json_t *one;
	size_t i;

	json_array_foreach(psc_json_at(scan, "scope"), i, one)
		say(method, "The scan's scope: %s %s.", psc_json_text(one, "kind", "?"),
		    psc_json_text(one, "path", "?"));
	say(method,
	    "The scan saw %lld files, examined %lld of them by content, and read %lld package "
	    "databases and %lld processes.",
	    (long long)psc_json_number(scan, "counts.files", 0),
	    (long long)psc_json_number(scan, "counts.examined", 0),
	    (long long)psc_json_number(scan, "counts.databases", 0),
	    (long long)psc_json_number(scan, "counts.processes", 0));
	json_array_foreach(psc_json_at(scan, "gaps"), i, one)
		say(method, "Not read by the scan, within its scope: %lld, %s.",
		    (long long)psc_json_number(one, "count", 0), psc_json_text(one, "reason", "?"));
	json_array_foreach(psc_json_at(scan, "excluded"), i, one)
		say(method, "Left out of the scan, or read in part: %lld, %s.",
		    (long long)psc_json_number(one, "count", 0), psc_json_text(one, "reason", "?"));
}

static json_t *method_json(const struct psc_report_input *input, const json_t *data)
{
	const json_t *scan = psc_json_at(data, "scan");
	json_t *method = json_array();
	_cleanup_free_ char *directory = NULL;
	json_t *safe = psc_json_safe(input->directory);

	directory = strdup(json_string_value(safe) ?: "?");
	json_decref(safe);
	say(method,
	    "Audit log in %s: %llu records, the first of %s, the last of %s; its chain is %s.",
	    directory ?: "?", (unsigned long long)psc_json_number(data, "log.records", 0),
	    psc_json_text(data, "log.first", "(none)"), psc_json_text(data, "log.last", "(none)"),
	    psc_chain_fault_to_string(input->chain->fault));
	say(method, "Files that were executed, mapped as code, loaded as kernel modules or opened "
		    "were compared in the kernel by content (SHA-256 and size) and by listed "
		    "places.");
	say(method, "Products are those of the catalog: %zu products, SHA-256 %s.",
	    input->host->set.catalog.count, psc_json_text(data, "catalog.sha256", "?"));
	say_time(method, data);
	if (json_is_object(scan))
		say(method,
		    "A scan from %s until %s is %s: result %s, %s, by %lld rules and the "
		    "catalog with SHA-256 %s.",
		    psc_json_text(scan, "began", "?"), psc_json_text(scan, "ended", "?"),
		    input->scan_recorded ? "on record in the log" : "attached",
		    psc_json_text(scan, "result", "?"),
		    json_is_true(psc_json_at(scan, "complete")) ? "complete" : "not complete",
		    (long long)psc_json_number(scan, "method.rules", 0),
		    psc_json_text(scan, "method.catalog_sha256", "?"));
	else
		say(method, "No scan is attached or on record in the period: files that nobody "
			    "used and the daemon was not asked to look for are not covered "
			    "(proscribe scan).");
	if (json_is_object(scan))
		say_scan(method, scan);
	return method;
}

static json_t *limits_json(const struct psc_profile *profile)
{
	static const char *const limits[] = {
		"This report is evidence, not legal advice, and no statement of compliance: whether "
		"an order applies to you, and whether you obey it, is not for a program to say.",
		"A host cannot tell who is a U.S. person, what a contract says, whether something "
		"was sold, licensed or agreed upon, or what another machine does.",
		"It proves what was recorded; the absence of a record proves an absence only as far "
		"as the method reaches and outside the gaps.",
		"The time before the guard was installed is not covered.",
	};
	json_t *array = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		json_array_append_new(array, json_pack("{s:s}", "text", limits[i]));
	if (strstr(profile->id, "commerce"))
		json_array_append_new(
			array,
			json_pack("{s:s}", "text",
				  "No duty of users to report under this order is known; the "
				  "authority's own questions and answers were not checked."));
	return array;
}

/* ---- duties -------------------------------------------------------------------------------- */

static json_t *assumptions_json(const struct psc_report_duty *duty,
				const struct psc_report_due *due, const char *zone)
{
	json_t *array = json_array();

	if (duty->business_days)
		say(array, "Earliest date: Saturdays and Sundays are left out; holidays are not "
			   "known here and would make it later.");
	if (strcmp(duty->after, "first_seen") == 0)
		say(array,
		    "Counted from the first record, or scan, on this host. The clock of the clause "
		    "starts when you identify the article or are notified of it, which may "
		    "be earlier.");
	if (due->assumed)
		say(array, "Counted from the day on which the one before it is due: give "
			   "--submitted DATE once it is handed in.");
	if (strcmp(zone, "UTC") == 0)
		say(array,
		    "Days are those of UTC. West of it, it may have been the day before, and "
		    "the date is a day earlier then: give --timezone ZONE.");
	else
		say(array, "Days are those of %s.", zone);
	return array;
}

static const char *duty_state(const struct psc_report_due *due, uint64_t now)
{
	if (!due->due)
		return "not begun";
	return now >= due->due + DAY_NS ? "passed" : now >= due->due ? "due today" : "to come";
}

static json_t *duty_json(const struct psc_report_duty *duty, const struct psc_report_due *due,
			 uint64_t now, const char *zone)
{
	json_t *json = json_pack(
		"{s:o, s:o, s:i, s:b, s:o, s:b, s:o, s:s, s:o, s:o, s:o, s:s, s:o}", "report",
		psc_json_safe(duty->id), "text", psc_json_safe(duty->text), "days", (int)duty->days,
		"business_days", duty->business_days, "after", psc_json_safe(duty->after),
		"repeats", duty->repeats, "source", psc_json_safe(duty->cite.source), "label",
		psc_label_to_string(duty->cite.label), "begins", instant_json(due->begins), "due",
		day_json(due->due), "last_due", day_json(due->before), "state",
		duty_state(due, now), "assumptions", assumptions_json(duty, due, zone));

	if (json && due->due > now)
		json_object_set_new(json, "days_left",
				    json_integer((json_int_t)(due->due / DAY_NS - now / DAY_NS)));
	return json;
}

static int put_duties(const struct psc_report_input *input, json_t *data)
{
	const struct psc_report_facts facts = {
		.now = input->now,
		.first_seen = psc_report_first_seen(input->report),
		.submitted = input->submitted,
		.offset = psc_report_zone_offset,
	};
	uint64_t now = psc_report_local(&facts, input->now);
	json_t *duties = json_array(), *timer = json_null();

	for (size_t i = 0; i < input->profile->duty_count; i++) {
		struct psc_report_due due;
		json_t *json;

		psc_report_due_of(input->profile, i, &facts, &due);
		json = duty_json(&input->profile->duties[i], &due, now, input->zone);
		json_array_append_new(duties, json);
		if (input->profile->duties[i].repeats && due.due)
			timer = json_deep_copy(json);
	}
	if (json_object_set_new(data, "duties", duties) < 0 ||
	    json_object_set_new(data, "timer", timer) < 0 ||
	    json_object_set_new(data, "timezone", json_string(input->zone)) < 0 ||
	    json_object_set_new(data, "submitted",
				day_json(psc_report_local(&facts, input->submitted))) < 0)
		return -ENOMEM;
	return 0;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static uint64_t log_begins(const json_t *data, uint64_t fallback)
{
	const char *text = psc_json_text(data, "log.first", NULL);
	uint64_t ns;

	return text && psc_time_parse(text, &ns) >= 0 ? ns : fallback;
}

static bool is_active(const struct psc_report_input *input)
{
	for (char **name = input->host->config->profiles; name && *name; name++) {
		if (strcmp(*name, input->profile->id) == 0)
			return true;
	}
	return false;
}

static int put_result(const struct psc_report_input *input, json_t *data)
{
	json_t *gaps = gaps_json(input, data);
	_cleanup_free_ char *text = NULL;
	const char *result = result_of(data, gaps);

	if (json_object_set_new(data, "gaps", gaps) < 0 ||
	    json_object_set_new(data, "covered",
				json_integer((json_int_t)count_status(data, "covered"))) < 0 ||
	    json_object_set_new(data, "exempt",
				json_integer((json_int_t)count_status(data, "exempt"))) < 0 ||
	    json_object_set_new(data, "first_seen",
				instant_json(psc_report_first_seen(input->report))) < 0)
		return -ENOMEM;
	text = statement(result, data, input->profile->id);
	if (!text || json_object_set_new(data, "result", json_string(result)) < 0 ||
	    json_object_set_new(data, "statement", json_string(text)) < 0 ||
	    json_object_set_new(data, "method", method_json(input, data)) < 0 ||
	    json_object_set_new(data, "limits", limits_json(input->profile)) < 0)
		return -ENOMEM;
	return 0;
}

int psc_report_build(const struct psc_report_input *input, json_t **ret)
{
	_cleanup_json_ json_t *data = NULL, *period = NULL;
	uint64_t from = input->from;
	int r = psc_report_to_json(input->report, &data);

	if (r < 0)
		return r;
	if (!from)
		from = log_begins(data, input->until);
	period = json_pack("{s:o, s:o, s:o, s:s}", "from", instant_json(from), "until",
			   instant_json(input->until), "made", instant_json(input->now), "version",
			   PSC_VERSION);
	if (json_object_set(data, "period", period) < 0 ||
	    json_object_set_new(data, "profile", psc_policy_profile_json(input->profile)) < 0 ||
	    json_object_set_new(data, "active", json_boolean(is_active(input))) < 0 ||
	    json_object_set_new(data, "profile_sha256", hex_json(input->profile->digest)) < 0 ||
	    json_object_set_new(data, "catalog",
				json_pack("{s:I, s:o}", "products",
					  (json_int_t)input->host->set.catalog.count, "sha256",
					  hex_json(input->catalog))) < 0 ||
	    json_object_set_new(data, "scan",
				input->scan ? json_deep_copy(input->scan) : json_null()) < 0 ||
	    json_object_set_new(data, "objects", objects_json(input)) < 0 ||
	    json_object_set_new(data, "chain", chain_json(input)) < 0)
		return -ENOMEM;
	r = put_result(input, data);
	if (r >= 0)
		r = put_duties(input, data);
	if (r >= 0 &&
	    json_object_set_new(data, "drafts", psc_report_drafts(input->profile, data)) < 0)
		r = -ENOMEM;
	if (r >= 0)
		*ret = TAKE_PTR(data);
	return r;
}
