/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_csv.c - a report as one table (RFC 4180): a row for everything that has a time or a
 * count; see report_verb.h.
 */
#include "user/cli/report_verb.h"

static const char *const header[] = {
	"section", "from",  "until",  "product", "state",  "operation",
	"path",	   "count", "clause", "basis",	 "detail",
};

struct row {
	const char *section;
	const char *member[ARRAY_SIZE(header) - 1]; /* of the item; NULL: empty */
};

/* "a; b". The caller frees it; NULL: memory is short. */
static char *joined(const json_t *array)
{
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);
	const json_t *item;

	if (!out)
		return NULL;
	json_array_foreach(array, i, item)
		fprintf(out, "%s%s", i ? "; " : "", json_string_value(item) ?: "");
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void put_member(FILE *out, const json_t *item, const char *member)
{
	const json_t *value = member ? psc_json_at(item, member) : NULL;
	_cleanup_free_ char *list = json_is_array(value) ? joined(value) : NULL;
	char number[32];

	fputc(',', out);
	if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		psc_report_put_csv(out, number);
	} else {
		psc_report_put_csv(out, list ?: json_string_value(value));
	}
}

static void put_rows(FILE *out, const struct row *row, const json_t *items)
{
	const json_t *item;
	size_t i;

	json_array_foreach(items, i, item) {
		psc_report_put_csv(out, row->section);
		for (size_t k = 0; k < ARRAY_SIZE(row->member); k++)
			put_member(out, item, row->member[k]);
		fputs("\r\n", out);
	}
}

/* What stands once: the period, the result, the chain. */
static void put_single(FILE *out, const char *section, const char *from, const char *until,
		       const char *state, const char *detail)
{
	const char *const all[] = {section, from, until, "", state, "", "", "", "", "", detail};

	_Static_assert(ARRAY_SIZE(all) == ARRAY_SIZE(header), "one for each column");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (i)
			fputc(',', out);
		psc_report_put_csv(out, all[i]);
	}
	fputs("\r\n", out);
}

void psc_report_csv(FILE *out, const json_t *data)
{
	static const struct {
		const char *items;
		struct row row;
	} parts[] = {
		{"profile.phases",
		 {"phase",
		  {"from", NULL, NULL, "phase", NULL, NULL, NULL, NULL, "label", "title"}}},
		{"profile.rules",
		 {"rule",
		  {"from", "until", NULL, "action", "operations", NULL, NULL, "clause", "basis",
		   "reason"}}},
		{"products",
		 {"product",
		  {"first_seen", "last_seen", "product", "status", "how", "paths", NULL, NULL, NULL,
		   "name"}}},
		{"held",
		 {"looks_like",
		  {"first_seen", "last_seen", "product", NULL, NULL, "paths", NULL, NULL, NULL,
		   "name"}}},
		{"attempts.groups",
		 {"attempts",
		  {"first", "last", "product", "verdict", "operation", "path", "count", "clauses",
		   "basis", "profiles"}}},
		{"objects",
		 {"signed",
		  {"from", "until", "products", "kind", NULL, NULL, NULL, NULL, "by", "reason"}}},
		{"changes",
		 {"change",
		  {"time", NULL, "id", "type", "change", "path", NULL, NULL, "requester",
		   "message"}}},
		{"guard.intervals",
		 {"guard", {"from", "until", NULL, "state", NULL, NULL, "seconds"}}},
		{"losses.records",
		 {"loss", {"time", NULL, NULL, "type", NULL, NULL, "lost", NULL, NULL, "message"}}},
		{"gaps",
		 {"gap", {NULL, NULL, NULL, "kind", NULL, NULL, "count", NULL, NULL, "text"}}},
		{"duties",
		 {"duty",
		  {"begins", "due", NULL, "state", "report", NULL, "days", NULL, NULL, "text"}}},
		{"limits",
		 {"limit", {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "text"}}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(header); i++)
		fprintf(out, "%s%s", i ? "," : "", header[i]);
	fputs("\r\n", out);
	put_single(out, "period", psc_json_text(data, "period.from", ""),
		   psc_json_text(data, "period.until", ""), psc_json_text(data, "result", ""),
		   psc_json_text(data, "statement", ""));
	put_single(out, "chain", psc_json_text(data, "log.first", ""),
		   psc_json_text(data, "log.last", ""), psc_json_text(data, "chain.result", ""),
		   psc_json_text(data, "chain.head", ""));
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		put_rows(out, &parts[i].row, psc_json_at(data, parts[i].items));
}
