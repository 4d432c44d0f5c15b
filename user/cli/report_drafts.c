/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_drafts.c - drafts of the reports that FAR 52.204-23 and BOD 17-01 ask for: the fields
 * that they name, filled as far as a host knows them; see report_verb.h. Nothing is handed in.
 */
#include <errno.h>
#include <stdarg.h>

#include "user/cli/report_verb.h"

#define FILL "to be filled in"

/* @value NULL: a host cannot know it. */
static void field(json_t *fields, const char *name, const char *value)
{
	json_array_append_new(fields, json_pack("{s:s, s:s, s:b}", "name", name, "value",
						value ?: FILL, "filled", value != NULL));
}

static void _printf_(3, 4) fieldf(json_t *fields, const char *name, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	field(fields, name, text);
}

static json_t *draft(const char *title, const char *source, const char *due, json_t *fields)
{
	return json_pack("{s:s, s:s, s:s?, s:o}", "title", title, "source", source, "due", due,
			 "fields", fields);
}

static const char *due_of(const json_t *data, const char *report)
{
	const json_t *duty;
	size_t i;

	json_array_foreach(psc_json_at(data, "duties"), i, duty) {
		if (strcmp(psc_json_text(duty, "report", ""), report) == 0)
			return psc_json_text(duty, "due", NULL);
	}
	return NULL;
}

/* ---- words out of the document ------------------------------------------------------------- */

/* "Name 1.2, Name 3.4". The caller frees it; NULL: no memory. */
static char *products_text(const json_t *data, bool versions)
{
	const json_t *product, *version;
	char *text = NULL;
	size_t size, i, k, said = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	json_array_foreach(psc_json_at(data, "products"), i, product) {
		const char *id = psc_json_text(product, "product", "?");

		if (strcmp(psc_json_text(product, "status", ""), "exempt") == 0)
			continue;
		fprintf(out, "%s%s (%s)", said++ ? "; " : "", psc_json_text(product, "name", id),
			id);
		json_array_foreach(psc_json_at(product, "versions"), k, version) {
			if (versions)
				fprintf(out, "%s%s", k ? ", " : " version ",
					json_string_value(version));
		}
	}
	if (!said)
		fputs("none found", out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* What was done about it by this guard. */
static char *mitigation_text(const json_t *data)
{
	char enforce[48], observe[48];
	char *text = NULL;

	if (asprintf(&text,
		     "Guard on this host in the period: refusing for %s, only recording for %s. "
		     "Attempts refused: %lld; that enforce mode would have refused: %lld.",
		     psc_report_span((uint64_t)psc_json_number(data, "guard.seconds.enforce", 0),
				     enforce),
		     psc_report_span((uint64_t)psc_json_number(data, "guard.seconds.observe", 0),
				     observe),
		     (long long)psc_json_number(data, "attempts.totals.deny", 0),
		     (long long)psc_json_number(data, "attempts.totals.would_deny", 0)) < 0)
		return NULL;
	return text;
}

/* Each sentence of the method. */
static char *method_text(const json_t *data)
{
	const json_t *sentence;
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	json_array_foreach(psc_json_at(data, "method"), i, sentence)
		fprintf(out, "%s%s", i ? " " : "", json_string_value(sentence));
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static size_t removals(const json_t *data)
{
	const json_t *object;
	size_t i, count = 0;

	json_array_foreach(psc_json_at(data, "objects"), i, object)
		count += strcmp(psc_json_text(object, "kind", ""), "window") == 0;
	return count;
}

/* ---- FAR 52.204-23(c) ---------------------------------------------------------------------- */

static json_t *far_first(const json_t *data)
{
	_cleanup_free_ char *items = products_text(data, true);
	_cleanup_free_ char *mitigation = mitigation_text(data);
	json_t *fields = json_array();

	field(fields, "Contract number", NULL);
	field(fields, "Order number(s), if applicable", NULL);
	field(fields, "Supplier name", NULL);
	field(fields, "Brand", items);
	field(fields,
	      "Model number (original equipment manufacturer number, manufacturer part number, or "
	      "wholesaler number)",
	      NULL);
	fieldf(fields, "Item description", "Software on host %s: %s; first seen %s.",
	       psc_json_text(data, "host", "?"), items ?: "?",
	       psc_json_text(data, "first_seen", "-"));
	field(fields,
	      "Readily available information about mitigation actions undertaken or "
	      "recommended",
	      mitigation);
	return draft("First report: within 3 business days of identification or notification "
		     "(clause of DEC 2023)",
		     "48 CFR 52.204-23(c)(2)(i)", due_of(data, "first"), fields);
}

static json_t *far_follow_up(const json_t *data)
{
	_cleanup_free_ char *mitigation = mitigation_text(data);
	json_t *fields = json_array();

	field(fields,
	      "Any further available information about mitigation actions undertaken or "
	      "recommended",
	      mitigation);
	fieldf(fields, "Efforts undertaken to prevent use or submission of a covered article",
	       "Profile %s (SHA-256 %s) %s on this host; changes of policy, exemptions and who "
	       "asked for them are listed in this report. Others: " FILL ".",
	       psc_json_text(data, "profile.profile", "?"),
	       psc_json_text(data, "profile_sha256", "?"),
	       json_is_true(psc_json_at(data, "active")) ? "is active" : "is not active");
	field(fields, "Reasons that led to the use or submission of the covered article", NULL);
	field(fields,
	      "Additional efforts that will be incorporated to prevent future use or "
	      "submission",
	      NULL);
	return draft("Follow-up: within 10 business days of submitting the first report",
		     "48 CFR 52.204-23(c)(2)(ii)", due_of(data, "follow-up"), fields);
}

/* ---- BOD 17-01 ----------------------------------------------------------------------------- */

static json_t *bod_inventory(const json_t *data)
{
	_cleanup_free_ char *products = products_text(data, true);
	_cleanup_free_ char *method = method_text(data);
	bool found = strcmp(psc_json_text(data, "result", ""), "found") == 0;
	json_t *fields = json_array();

	field(fields, "Products found, or a statement that none were found",
	      found ? products : psc_json_text(data, "statement", NULL));
	field(fields, "Number of endpoints impacted by each product",
	      found ? "1, this host; the other hosts' reports are to be added"
		    : "0 on this host; the other hosts' reports are to be added");
	field(fields, "Methodologies employed to identify use or presence", method);
	return draft("Inventory: day 30", "BOD 17-01 (1)", due_of(data, "inventory"), fields);
}

static json_t *bod_plan(const json_t *data)
{
	static const char *const rest[] = {
		"Components impacted",
		"Mission function of impacted systems",
		"Contracts, service-level agreements and other agreements with Kaspersky",
		"Timeline of removal",
		"FISMA controls affected by removal (anti-malware, whitelisting, DLP, ...)",
		"Replacement product",
		"Timeline of replacement",
		"Foreseeable challenges",
		"Costs",
	};
	_cleanup_free_ char *products = products_text(data, false);
	_cleanup_free_ char *method = method_text(data);
	bool found = strcmp(psc_json_text(data, "result", ""), "found") == 0;
	json_t *fields = json_array();

	field(fields, "Agency", NULL);
	field(fields, "Point of contact", NULL);
	field(fields, "Products", products);
	field(fields, "Number of endpoints", found ? "1, this host" : "0 on this host");
	field(fields, "Methodologies", method);
	for (size_t i = 0; i < ARRAY_SIZE(rest); i++)
		field(fields, rest[i], NULL);
	return draft("Plan of action: day 60", "BOD 17-01 (2)", due_of(data, "plan"), fields);
}

static json_t *bod_status(const json_t *data)
{
	_cleanup_free_ char *products = products_text(data, true);
	_cleanup_free_ char *mitigation = mitigation_text(data);
	json_t *fields = json_array();

	field(fields, "Products still present, by what was last seen", products);
	fieldf(fields, "Removal", "%zu removal windows are on file. Progress: " FILL ".",
	       removals(data));
	field(fields, "Discontinuance of use", mitigation);
	return draft("Status: every 30 calendar days until removal and discontinuance are complete",
		     "BOD 17-01 (3)", due_of(data, "status"), fields);
}

static void add(json_t *drafts, json_t *one)
{
	json_array_append_new(drafts, one);
}

json_t *psc_report_drafts(const struct psc_profile *profile, const json_t *data)
{
	json_t *drafts = json_array();

	if (!drafts)
		return NULL;
	if (strstr(profile->id, "far-52.204-23")) {
		add(drafts, far_first(data));
		add(drafts, far_follow_up(data));
	}
	if (strstr(profile->id, "bod-17-01")) {
		add(drafts, bod_inventory(data));
		add(drafts, bod_plan(data));
		add(drafts, bod_status(data));
	}
	return drafts;
}
