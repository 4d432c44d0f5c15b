/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_log_stats.c - `proscribe log stats`: counts what the audit log says; needs no daemon.
 */
#include <errno.h>

#include "user/cli/log_directory.h"
#include "user/cli/log_filter.h"
#include "user/cli/output.h"
#include "user/core/json.h"
#include "user/core/names.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"

/* Different names in one table; more are counted together. */
#define NAMES_MAX  2000
#define NAME_SIZE  256
#define NAME_OTHER "(others)"

/* The tables in which a decision is counted, each {name: {verdict: attempts}}. */
enum {
	BY_OPERATION,
	BY_PRODUCT,
	BY_DAY,
	TABLE_MAX,
};

static const struct {
	const char *member;
	const char *title;
	bool sorted; /* by attempts, else as they came */
} tables[TABLE_MAX] = {
	[BY_OPERATION] = {"by_operation", "operation", true},
	[BY_PRODUCT] = {"by_product", "product", true},
	[BY_DAY] = {"by_day", "day", false},
};

struct stats {
	json_t *table[TABLE_MAX];
	json_t *verdicts;
	json_t *types;
	uint64_t records, attempts, repeats, damaged;
	char first[PSC_TIME_TEXT_MAX], last[PSC_TIME_TEXT_MAX];
	bool failed; /* no memory */
};

static bool stats_new(struct stats *stats)
{
	for (size_t i = 0; i < TABLE_MAX; i++)
		stats->table[i] = json_object();
	stats->verdicts = json_object();
	stats->types = json_object();
	return stats->verdicts && stats->types;
}

static void stats_clear(struct stats *stats)
{
	for (size_t i = 0; i < TABLE_MAX; i++)
		json_decref(stats->table[i]);
	json_decref(stats->verdicts);
	json_decref(stats->types);
}

/* Adds to the number @name of @object. */
static void add(struct stats *stats, json_t *object, const char *name, uint64_t count)
{
	json_t *number = json_object_get(object, name);

	if (number)
		json_integer_set(number, json_integer_value(number) + (json_int_t)count);
	else
		stats->failed |=
			json_object_set_new(object, name, json_integer((json_int_t)count)) < 0;
}

/* A name out of the log, short and safe, or the common one when there are too many. */
static const char *name_in(const json_t *object, const char *text, char safe[NAME_SIZE])
{
	psc_output_safe(text, safe, NAME_SIZE);
	return json_object_get(object, safe) || json_object_size(object) < NAMES_MAX ? safe
										     : NAME_OTHER;
}

static void count_in(struct stats *stats, size_t table, const char *text, const char *verdict,
		     uint64_t count)
{
	char safe[NAME_SIZE];
	const char *name = name_in(stats->table[table], text, safe);
	json_t *row = json_object_get(stats->table[table], name);

	if (!row) {
		row = json_object();
		stats->failed |= json_object_set_new(stats->table[table], name, row) < 0;
		if (stats->failed)
			return;
	}
	add(stats, row, verdict, count);
}

/* Of one record of repeats the attempts are that many; of any other, one. */
static void count_decision(struct stats *stats, const json_t *record)
{
	json_int_t repeats = psc_json_number(record, "proscribe.repeats", 0);
	uint64_t count = repeats > 0 ? (uint64_t)repeats : 1;
	const char *verdict = psc_json_text(record, "proscribe.verdict", "");
	const char *product = psc_json_text(record, "proscribe.product", "");
	enum psc_verdict known;
	char day[sizeof("2026-01-02")];

	if (psc_verdict_from_string(verdict, &known) < 0)
		verdict = "?";
	snprintf(day, sizeof(day), "%s", psc_json_text(record, "@timestamp", "?"));
	stats->attempts += count;
	stats->repeats += repeats > 0 ? count : 0;
	add(stats, stats->verdicts, verdict, count);
	count_in(stats, BY_OPERATION, psc_json_text(record, "proscribe.op", "?"), verdict, count);
	count_in(stats, BY_PRODUCT, *product ? product : "(none)", verdict, count);
	count_in(stats, BY_DAY, day, verdict, count);
}

static void count_record(struct stats *stats, const json_t *record)
{
	const char *type = psc_json_text(record, "proscribe.type", "?");
	const char *time = psc_json_text(record, "@timestamp", "");
	char safe[NAME_SIZE];

	stats->records++;
	if (*time && (!stats->first[0] || strcmp(time, stats->first) < 0))
		psc_output_safe(time, stats->first, sizeof(stats->first));
	if (strcmp(time, stats->last) > 0)
		psc_output_safe(time, stats->last, sizeof(stats->last));
	add(stats, stats->types, name_in(stats->types, type, safe), 1);
	if (strcmp(type, "decision") == 0)
		count_decision(stats, record);
}

static void count_all(struct psc_cli *cli, struct stats *stats, struct psc_auditlog_reader *reader,
		      const struct psc_log_filter *filter)
{
	struct psc_auditlog_line line;
	int r;

	while (!stats->failed && (r = psc_auditlog_reader_next(reader, &line)) != 0) {
		if (r < 0 || !line.json) {
			stats->damaged++;
			psc_log_note_damaged(cli, &line, r);
		} else if (psc_log_filter_matches(filter, line.json)) {
			count_record(stats, line.json);
		}
	}
}

/* ---- printing -------------------------------------------------------------------------------- */

struct row {
	const char *name;
	const json_t *value;
	json_int_t attempts;
};

static json_int_t sum_of(const json_t *object)
{
	json_int_t sum = 0;

	for (void *i = json_object_iter((json_t *)object); i;
	     i = json_object_iter_next((json_t *)object, i))
		sum += json_integer_value(json_object_iter_value(i));
	return sum;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *one = a, *other = b;

	if (one->attempts != other->attempts)
		return one->attempts < other->attempts ? 1 : -1;
	return strcmp(one->name, other->name);
}

/* The rows of a table, to be freed; NULL when it has none. */
static struct row *rows_of(const json_t *table, bool sorted)
{
	size_t n = 0;
	struct row *rows = calloc(json_object_size(table) + 1, sizeof(*rows));

	for (void *i = rows ? json_object_iter((json_t *)table) : NULL; i;
	     i = json_object_iter_next((json_t *)table, i), n++)
		rows[n] = (struct row){
			.name = json_object_iter_key(i),
			.value = json_object_iter_value(i),
			.attempts = json_is_integer(json_object_iter_value(i))
					    ? json_integer_value(json_object_iter_value(i))
					    : sum_of(json_object_iter_value(i)),
		};
	if (rows && sorted)
		qsort(rows, n, sizeof(*rows), compare_rows);
	return rows;
}

static void render_table(FILE *out, const json_t *data, size_t which)
{
	const json_t *table = json_object_get(data, tables[which].member);
	_cleanup_free_ struct row *rows = rows_of(table, tables[which].sorted);
	size_t width = strlen(tables[which].title);

	if (!rows || !rows[0].name)
		return;
	for (const struct row *row = rows; row->name; row++)
		if (psc_output_width(row->name) > width)
			width = psc_output_width(row->name);
	fputc('\n', out);
	psc_output_padded(out, tables[which].title, width);
	for (int verdict = 0; verdict < PSC_VERDICT_MAX; verdict++)
		fprintf(out, " %11s", psc_verdict_to_string((enum psc_verdict)verdict));
	fputs("         all\n", out);
	for (const struct row *row = rows; row->name; row++) {
		psc_output_padded(out, row->name, width);
		for (int verdict = 0; verdict < PSC_VERDICT_MAX; verdict++)
			fprintf(out, " %11" JSON_INTEGER_FORMAT,
				psc_json_number(row->value,
						psc_verdict_to_string((enum psc_verdict)verdict),
						0));
		fprintf(out, " %11" JSON_INTEGER_FORMAT "\n", row->attempts);
	}
}

static void stats_render(FILE *out, const json_t *data, bool colour)
{
	_cleanup_free_ struct row *types = rows_of(json_object_get(data, "by_type"), true);
	json_int_t repeats = psc_json_number(data, "repeats", 0);

	psc_output_count(out, psc_json_number(data, "records", 0), "record", "records");
	fputs(" with ", out);
	psc_output_count(out, psc_json_number(data, "attempts", 0), "attempt", "attempts");
	if (repeats)
		fprintf(out, ", %" JSON_INTEGER_FORMAT " of them repeats", repeats);
	fputc('\n', out);
	if (psc_json_at(data, "first"))
		fprintf(out, "first  %s\nlast   %s\n", psc_json_text(data, "first", ""),
			psc_json_text(data, "last", ""));
	for (size_t i = 0; i < TABLE_MAX; i++)
		render_table(out, data, i);
	if (types && types[0].name)
		fputs("\nrecords\n", out);
	for (const struct row *row = types; row && row->name; row++) {
		fprintf(out, "%11" JSON_INTEGER_FORMAT "  ", row->attempts);
		psc_output_text(out, row->name);
		fputc('\n', out);
	}
}

static json_t *stats_json(const struct stats *stats, const char *directory)
{
	json_t *data;

	if (stats->failed)
		return NULL;
	data = json_pack("{s:o,s:I,s:I,s:I,s:I,s:O,s:O}", "directory", psc_json_safe(directory),
			 "records", (json_int_t)stats->records, "attempts",
			 (json_int_t)stats->attempts, "repeats", (json_int_t)stats->repeats,
			 "damaged", (json_int_t)stats->damaged, "by_verdict", stats->verdicts,
			 "by_type", stats->types);
	for (size_t i = 0; data && i < TABLE_MAX; i++)
		json_object_set(data, tables[i].member, stats->table[i]);
	if (data && stats->first[0]) {
		json_object_set_new(data, "first", json_string(stats->first));
		json_object_set_new(data, "last", json_string(stats->last));
	}
	return data;
}

static int stats_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	_cleanup_(psc_log_filter_clear) struct psc_log_filter filter = {};
	_cleanup_(stats_clear) struct stats stats = {};
	_cleanup_free_ char *directory = NULL;
	int r = psc_log_filter_read(cli, &filter);

	if (r == PSC_EXIT_OK)
		r = psc_log_directory(cli, &directory);
	if (r != PSC_EXIT_OK)
		return r;
	if (!stats_new(&stats))
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	r = psc_log_filter_open(&filter, directory, false, &reader);
	if (r < 0)
		return psc_log_directory_fail(cli, directory, r);
	count_all(cli, &stats, reader, &filter);
	return psc_cli_report(cli, stats.damaged ? PSC_EXIT_INVALID : PSC_EXIT_OK,
			      stats_json(&stats, directory), stats_render);
}

static const struct psc_option stats_options[] = {PSC_LOG_OPTIONS_FILTER, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_log_stats = {
	.name = "log stats",
	.run = stats_run,
	.arguments = "",
	.summary = "Counts what the audit log says",
	.options = stats_options,
	.help = "Attempts by verdict, operation, product and day, and records by type, with the\n"
		"first and the last time. Repeats that one record stands for are all counted.\n"
		"Damaged lines are named and left out; the exit status is 4 then.\n\n"
		"Examples:\n"
		"  proscribe log stats --since 30d\n"
		"  proscribe log stats --verdict deny --json | jq .data.by_product\n",
};
