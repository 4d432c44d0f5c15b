/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render_resolver.c - see render_resolver.h.
 */
#include "user/cli/render_resolver.h"

#define RESOLVER_LABEL_WIDTH 12

static void resolver_label(FILE *out, const char *name)
{
	fprintf(out, "  %-*s", RESOLVER_LABEL_WIDTH, name);
}

static void resolver_product(FILE *out, const json_t *product)
{
	const json_t *rules = psc_json_at(product, "indicators"), *rule;
	size_t i;

	resolver_label(out, "");
	psc_output_text(out, psc_json_text(product, "product", "?"));
	fputs(": ", out);
	psc_output_count(out, psc_json_number(product, "files", 0), "file", "files");
	if (psc_json_text(product, "first_seen", NULL)) {
		fputs(", first seen ", out);
		psc_output_text(out, psc_json_text(product, "first_seen", ""));
	}
	json_array_foreach(rules, i, rule) {
		fputs(i == 0 ? ", by " : ", ", out);
		psc_output_text(out, json_is_string(rule) ? json_string_value(rule) : "?");
	}
	fputc('\n', out);
}

static void resolver_run(FILE *out, const json_t *resolver)
{
	const json_t *run = psc_json_at(resolver, "run");
	json_t *outcomes = json_object_get(run, "outcomes"), *count;
	const char *outcome;

	if (!json_is_object(run)) {
		fputs("the first look is under way\n", out);
		return;
	}
	fputs("last look ", out);
	psc_output_text(out, psc_json_text(run, "at", "?"));
	fputs(": ", out);
	psc_output_count(out, psc_json_number(run, "examined", 0), "file", "files");
	fprintf(out, ", %" JSON_INTEGER_FORMAT " recognised",
		psc_json_number(run, "recognised", 0));
	json_object_foreach(outcomes, outcome, count) {
		fputs(", ", out);
		psc_output_text(out, outcome);
		fprintf(out, " %" JSON_INTEGER_FORMAT, json_integer_value(count));
	}
	fputc('\n', out);
}

static void resolver_new_files(FILE *out, const json_t *resolver, bool colour)
{
	json_int_t overflows = psc_json_number(resolver, "watch.overflows", 0);
	const json_t *latency = psc_json_at(resolver, "latency");

	resolver_label(out, "new files");
	if (!json_is_true(psc_json_at(resolver, "watch.new_files"))) {
		psc_output_toned(out, colour, PSC_TONE_DOUBT, "not looked at");
		fputc('\n', out);
		return;
	}
	psc_output_count(out, psc_json_number(resolver, "watch.file_systems", 0), "file system",
			 "file systems");
	fprintf(out, ", %" JSON_INTEGER_FORMAT " closed, %" JSON_INTEGER_FORMAT " waiting",
		psc_json_number(resolver, "watch.seen", 0), psc_json_number(resolver, "queue", 0));
	if (psc_json_number(latency, "files", 0) > 0)
		fprintf(out, ", in force after %.0f ms (p50), %.0f ms (p99)",
			json_number_value(psc_json_at(latency, "p50_ms")),
			json_number_value(psc_json_at(latency, "p99_ms")));
	if (overflows > 0)
		fprintf(out, ", %" JSON_INTEGER_FORMAT " overflows", overflows);
	fputc('\n', out);
}

void psc_render_resolver(FILE *out, const json_t *status, bool colour)
{
	const json_t *resolver = psc_json_at(status, "resolver"), *one;
	const json_t *products = psc_json_at(resolver, "products");
	size_t i;

	if (!json_is_object(resolver))
		return;
	resolver_label(out, "resolver");
	if (json_is_true(psc_json_at(resolver, "enabled")))
		resolver_run(out, resolver);
	else
		fputs("switched off (resolver: enabled)\n", out);
	json_array_foreach(products, i, one)
		resolver_product(out, one);
	if (json_is_true(psc_json_at(resolver, "enabled")))
		resolver_new_files(out, resolver, colour);
}
