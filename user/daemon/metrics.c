/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.c - the status as metrics; see sinks.h. Counters begin anew when the guard is attached,
 * as Prometheus expects of counters.
 */
#include "user/core/util.h"

#include <errno.h>

#include "user/daemon/sinks.h"

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP proscribe_%s %s\n# TYPE proscribe_%s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline are escaped, as the format says. */
static void put_label(FILE *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			fputs("\\n", out);
		else if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else
			fputc(*p, out);
	}
}

static json_int_t number_of(const json_t *json, const char *one, const char *two)
{
	json = json_object_get(json, one);
	return json_integer_value(two ? json_object_get(json, two) : json);
}

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key)) ?: "";
}

static void single(FILE *out, const char *name, const char *type, const char *help,
		   json_int_t value)
{
	head(out, name, type, help);
	fprintf(out, "proscribe_%s %" JSON_INTEGER_FORMAT "\n", name, value);
}

/* {"op": {"KEY": count}} */
static void by_op(FILE *out, const char *name, const char *key, const char *help,
		  const json_t *counts)
{
	json_t *row, *count;
	const char *op, *value;

	head(out, name, "counter", help);
	json_object_foreach((json_t *)counts, op, row) {
		json_object_foreach(row, value, count) {
			fprintf(out, "proscribe_%s{op=\"", name);
			put_label(out, op);
			fprintf(out, "\",%s=\"", key);
			put_label(out, value);
			fprintf(out, "\"} %" JSON_INTEGER_FORMAT "\n", json_integer_value(count));
		}
	}
}

static void put_info(FILE *out, const json_t *status)
{
	head(out, "info", "gauge", "What runs; always 1.");
	fputs("proscribe_info{version=\"", out);
	put_label(out, text_of(status, "version"));
	fputs("\",kernel=\"", out);
	put_label(out, text_of(status, "kernel"));
	fputs("\",mode=\"", out);
	put_label(out, text_of(status, "mode"));
	fputs("\"} 1\n", out);
}

static void put_warnings(FILE *out, const json_t *status)
{
	const json_t *warning;
	size_t i;

	head(out, "warning", "gauge", "A warning of proscribe status; 1 while it stands.");
	json_array_foreach(json_object_get(status, "warnings"), i, warning) {
		const char *id = text_of(warning, "id");
		bool again = false;

		/* a series stands once, a warning may stand several times */
		for (size_t k = 0; k < i && !again; k++)
			again = !strcmp(
				id, text_of(json_array_get(json_object_get(status, "warnings"), k),
					    "id"));
		if (again)
			continue;
		fputs("proscribe_warning{id=\"", out);
		put_label(out, id);
		fputs("\"} 1\n", out);
	}
}

static void put_sinks(FILE *out, const json_t *status)
{
	const json_t *sink;
	size_t i;

	head(out, "sink_lost_total", "counter", "Times that a sink could not be written.");
	json_array_foreach(json_object_get(status, "sinks"), i, sink) {
		fputs("proscribe_sink_lost_total{sink=\"", out);
		put_label(out, text_of(sink, "name"));
		fprintf(out, "\"} %" JSON_INTEGER_FORMAT "\n", number_of(sink, "lost", NULL));
	}
}

/* Of the last files; a summary without samples has no quantiles. */
static void put_new_files(FILE *out, const json_t *status)
{
	static const char *const keys[][2] = {{"0.5", "p50_ms"}, {"0.99", "p99_ms"}};
	const json_t *latency = json_object_get(json_object_get(status, "resolver"), "latency");

	if (!number_of(latency, "files", NULL))
		return;
	head(out, "new_file_seconds", "summary",
	     "From a new file's last change to its digest in force, of the last 256.");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		fprintf(out, "proscribe_new_file_seconds{quantile=\"%s\"} %.6f\n", keys[i][0],
			json_number_value(json_object_get(latency, keys[i][1])) / 1e3);
	fprintf(out, "proscribe_new_file_seconds_count %" JSON_INTEGER_FORMAT "\n",
		number_of(latency, "files", NULL));
}

static void put_all(FILE *out, const json_t *status)
{
	put_info(out, status);
	single(out, "guard_on", "gauge", "1 while the guard is in the kernel and pinned.",
	       !strcmp(text_of(status, "guard"), "on"));
	single(out, "enforcing", "gauge", "1 in enforce mode, 0 in observe mode.",
	       !strcmp(text_of(status, "mode"), "enforce"));
	single(out, "generation", "gauge", "Generation of the policy in force.",
	       number_of(status, "generation", NULL));
	single(out, "listed_digests", "gauge", "Digests in force.",
	       number_of(status, "lists", "digests"));
	by_op(out, "decisions_total", "verdict", "Attempts judged, by operation and verdict.",
	      json_object_get(status, "counters"));
	by_op(out, "unverified_total", "reason",
	      "Attempts with files that could not be identified.",
	      json_object_get(status, "unverified"));
	single(out, "events_emitted_total", "counter", "Events that the kernel handed over.",
	       number_of(status, "events", "emitted"));
	single(out, "events_dropped_total", "counter",
	       "Events that had no room in the kernel's ring; their verdicts stood.",
	       number_of(status, "events", "dropped"));
	single(out, "seen_skipped_total", "counter",
	       "Attempts of observe mode not told of while the kernel's ring was half full.",
	       number_of(status, "seen", "skipped"));
	single(out, "digested_files_total", "counter", "Files that were digested.",
	       number_of(status, "digested", "files"));
	single(out, "digested_bytes_total", "counter", "Bytes that were digested.",
	       number_of(status, "digested", "bytes"));
	single(out, "log_records_total", "counter", "Records written since the daemon's start.",
	       number_of(status, "events", "written"));
	single(out, "log_sequence", "gauge", "Number of the audit log's last record.",
	       number_of(status, "log_chain", "sequence"));
	single(out, "log_signed_sequence", "gauge", "Number of the last signed record.",
	       number_of(status, "log_chain", "signed"));
	put_new_files(out, status);
	put_warnings(out, status);
	put_sinks(out, status);
}

int psc_metrics_format(const json_t *status, char **ret)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	put_all(out, status);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}
