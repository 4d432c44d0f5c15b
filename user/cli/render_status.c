/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render_status.c - the daemon's status as a page of text, see render_status.h.
 */
#include "user/cli/output.h"
#include "user/cli/render_resolver.h"
#include "user/cli/render_status.h"

#define LABEL_WIDTH 12

struct page {
	FILE *out;
	const json_t *data;
	bool colour;
};

static void label(const struct page *p, const char *name)
{
	fprintf(p->out, "  %-*s", LABEL_WIDTH, name);
}

/* Prints ", " before every part but the first. */
static void separate(const struct page *p, bool *first)
{
	if (!*first)
		fputs(", ", p->out);
	*first = false;
}

static void number(const struct page *p, json_int_t value)
{
	fprintf(p->out, "%" JSON_INTEGER_FORMAT, value);
}

static void head(const struct page *p)
{
	json_int_t pid = psc_json_number(p->data, "pid", 0);
	const char *kernel = psc_json_text(p->data, "kernel", NULL);

	fputs("proscribe ", p->out);
	psc_output_text(p->out, psc_json_text(p->data, "version", "?"));
	if (pid > 0)
		fprintf(p->out, ", pid %" JSON_INTEGER_FORMAT, pid);
	if (kernel) {
		fputs(", kernel ", p->out);
		psc_output_text(p->out, kernel);
	}
	fputc('\n', p->out);
}

static void guard(const struct page *p)
{
	const char *state = psc_json_text(p->data, "guard", "?");
	const char *mode = psc_json_text(p->data, "mode", "?");
	const char *since = psc_json_text(p->data, "since", NULL);
	bool on = strcmp(state, "on") == 0;
	bool enforce = strcmp(mode, "enforce") == 0;

	label(p, "guard");
	psc_output_toned(p->out, p->colour, on ? PSC_TONE_GOOD : PSC_TONE_BAD, state);
	if (since) {
		fputs(" since ", p->out);
		psc_output_text(p->out, since);
	}
	fputc('\n', p->out);
	label(p, "mode");
	psc_output_toned(p->out, p->colour, enforce ? PSC_TONE_GOOD : PSC_TONE_DOUBT, mode);
	if (strcmp(mode, "observe") == 0)
		fputs(" (nothing is refused; see 'would deny')", p->out);
	if (psc_json_at(p->data, "generation")) {
		fputs(", generation ", p->out);
		number(p, psc_json_number(p->data, "generation", 0));
	}
	fputc('\n', p->out);
}

static void canary(const struct page *p)
{
	const json_t *result = psc_json_at(p->data, "canary");
	json_t *checks = json_object_get(result, "checks");
	const char *op;
	const json_t *outcome;
	bool first = true, passed;

	if (!json_is_object(result))
		return;
	passed = json_is_true(json_object_get(result, "passed"));
	label(p, "canary");
	psc_output_toned(p->out, p->colour, passed ? PSC_TONE_GOOD : PSC_TONE_BAD,
			 passed ? "passed" : "FAILED");
	if (psc_json_text(result, "at", NULL)) {
		fputs(" at ", p->out);
		psc_output_text(p->out, psc_json_text(result, "at", ""));
	}
	json_object_foreach(checks, op, outcome) {
		fputs(first ? ": " : ", ", p->out);
		first = false;
		psc_output_text(p->out, op);
		fputc(' ', p->out);
		psc_output_text(p->out, json_is_string(outcome) ? json_string_value(outcome) : "?");
	}
	fputc('\n', p->out);
}

static void list_files(const struct page *p)
{
	const json_t *files = psc_json_at(p->data, "lists.files"), *file;
	size_t i, width = 0;

	json_array_foreach(files, i, file) {
		size_t own = psc_output_width(psc_json_text(file, "path", "?"));

		width = own > width ? own : width;
	}
	json_array_foreach(files, i, file) {
		json_int_t entries = psc_json_number(file, "entries", 0);
		json_int_t enforceable = psc_json_number(file, "enforceable", entries);

		label(p, "");
		psc_output_padded(p->out, psc_json_text(file, "path", "?"), width + 2);
		psc_output_count(p->out, entries, "entry", "entries");
		if (enforceable != entries) {
			fputs(", enforceable ", p->out);
			number(p, enforceable);
		}
		fputc('\n', p->out);
	}
}

static void not_enforceable(const struct page *p)
{
	json_t *counts = psc_json_at(p->data, "lists.not_enforceable");
	const char *algo;
	const json_t *count;
	bool first = true;

	json_object_foreach(counts, algo, count) {
		if (!json_is_integer(count) || json_integer_value(count) == 0)
			continue;
		if (first)
			label(p, "");
		separate(p, &first);
		number(p, json_integer_value(count));
		fputc(' ', p->out);
		psc_output_text(p->out, algo);
	}
	if (!first) {
		fputs(": ", p->out);
		psc_output_toned(p->out, p->colour, PSC_TONE_DOUBT, "not enforceable");
		fputc('\n', p->out);
	}
}

static void lists(const struct page *p)
{
	json_int_t without = psc_json_number(p->data, "lists.without_size", 0);

	if (!psc_json_at(p->data, "lists"))
		return;
	label(p, "lists");
	psc_output_count(p->out, psc_json_number(p->data, "lists.digests", 0), "digest", "digests");
	fputs(" from ", p->out);
	psc_output_text(p->out, psc_json_text(p->data, "lists.directory", "?"));
	fputc('\n', p->out);
	list_files(p);
	not_enforceable(p);
	if (without > 0) {
		label(p, "");
		number(p, without);
		fputs(" without size\n", p->out);
	}
	if (json_is_true(psc_json_at(p->data, "lists.hash_all"))) {
		label(p, "");
		psc_output_toned(p->out, p->colour, PSC_TONE_DOUBT,
				 "everything executed is digested once");
		fputc('\n', p->out);
	}
}

/* The policy: its digest, the active profiles, and until when it stays as it is. */
static void policy(const struct page *p)
{
	const json_t *all = psc_json_at(p->data, "policy.profiles"), *profile;
	size_t i;

	if (!psc_json_at(p->data, "policy"))
		return;
	label(p, "policy");
	fprintf(p->out, "%.16s, ", psc_json_text(p->data, "policy.digest", "?"));
	psc_output_count(p->out, psc_json_number(p->data, "policy.interval.count", 0), "interval",
			 "intervals");
	if (psc_json_text(p->data, "policy.interval.until", NULL)) {
		fputs(", next change ", p->out);
		psc_output_text(p->out, psc_json_text(p->data, "policy.interval.until", ""));
	}
	if (json_is_true(psc_json_at(p->data, "policy.restored")) ||
	    json_is_true(psc_json_at(p->data, "policy.refused"))) {
		fputs(", ", p->out);
		psc_output_toned(p->out, p->colour, PSC_TONE_BAD, "the present one is REFUSED");
	}
	if (json_is_true(psc_json_at(p->data, "policy.disarmed"))) {
		fputs(", ", p->out);
		psc_output_toned(p->out, p->colour, PSC_TONE_BAD, "DISARMED");
	}
	fputc('\n', p->out);
	json_array_foreach(all, i, profile) {
		label(p, "");
		psc_output_text(p->out, psc_json_text(profile, "id", "?"));
		fputs(json_is_true(json_object_get(profile, "advisory")) ? " (advisory)\n" : "\n",
		      p->out);
	}
}

static void clock_line(const struct page *p)
{
	const char *state = psc_json_text(p->data, "clock.state", NULL);
	bool steady = state && strcmp(state, "steady") == 0;

	if (!state)
		return;
	label(p, "clock");
	psc_output_text(p->out, psc_json_text(p->data, "clock.guard_time", "?"));
	fputs(json_is_true(psc_json_at(p->data, "clock.synchronised")) ? ", synchronised"
								       : ", not synchronised",
	      p->out);
	if (!steady) {
		fputs(", ", p->out);
		psc_output_toned(p->out, p->colour, PSC_TONE_DOUBT, state);
	}
	fputc('\n', p->out);
}

static void actions(const struct page *p)
{
	json_t *all = psc_json_at(p->data, "actions");
	const char *op;
	const json_t *action;
	bool first = true;

	json_object_foreach(all, op, action) {
		if (!json_is_string(action))
			continue;
		if (first)
			label(p, "actions");
		separate(p, &first);
		psc_output_text(p->out, op);
		fputc(' ', p->out);
		psc_output_text(p->out, json_string_value(action));
	}
	if (!first)
		fputc('\n', p->out);
}

/* One a line: where, whose, and whether the kernel knows of it. */
static void places(const struct page *p)
{
	const json_t *all = psc_json_at(p->data, "policy.places.listed"), *place;
	size_t i;

	json_array_foreach(all, i, place) {
		const char *path = json_string_value(json_object_get(place, "path"));
		const char *product = json_string_value(json_object_get(place, "product"));

		label(p, i ? "" : "places");
		psc_output_text(p->out, path ?: "?");
		if (product) {
			fputs(": ", p->out);
			psc_output_text(p->out, product);
		}
		if (!json_is_true(json_object_get(place, "marked")))
			fputs(" (not there, or it cannot be marked)", p->out);
		fputc('\n', p->out);
	}
}

static const struct {
	const char *key;
	const char *title;
	int width;
} counter_columns[] = {
	{"allow", "allowed", 10},
	{"record", "recorded", 10},
	{"would_deny", "would deny", 12},
	{"deny", "denied", 10},
};

static bool counters_any(const json_t *row)
{
	for (size_t c = 0; c < ARRAY_SIZE(counter_columns); c++)
		if (psc_json_number(row, counter_columns[c].key, 0))
			return true;
	return false;
}

static void counters(const struct page *p)
{
	json_t *all = psc_json_at(p->data, "counters");
	const json_t *row;
	const char *op;

	if (!json_is_object(all))
		return;
	label(p, "attempts");
	fprintf(p->out, "%-8s", "");
	for (size_t c = 0; c < ARRAY_SIZE(counter_columns); c++)
		fprintf(p->out, "%*s", counter_columns[c].width, counter_columns[c].title);
	fputc('\n', p->out);
	json_object_foreach(all, op, row) {
		if (!counters_any(row))
			continue;
		label(p, "");
		psc_output_padded(p->out, op, 8);
		for (size_t c = 0; c < ARRAY_SIZE(counter_columns); c++)
			fprintf(p->out, "%*" JSON_INTEGER_FORMAT, counter_columns[c].width,
				psc_json_number(row, counter_columns[c].key, 0));
		fputc('\n', p->out);
	}
}

static void unverified(const struct page *p)
{
	json_t *all = psc_json_at(p->data, "unverified"), *row;
	const char *op, *reason;
	const json_t *count;
	bool first = true;

	json_object_foreach(all, op, row) {
		json_object_foreach(row, reason, count) {
			if (!json_is_integer(count) || json_integer_value(count) == 0)
				continue;
			if (first)
				label(p, "unverified");
			separate(p, &first);
			psc_output_text(p->out, op);
			fputc(' ', p->out);
			psc_output_text(p->out, reason);
			fputc(' ', p->out);
			number(p, json_integer_value(count));
		}
	}
	if (!first)
		fputc('\n', p->out);
}

/* A number that should be zero is shown only when it is not. */
static void loss(const struct page *p, const char *path, const char *name)
{
	json_int_t count = psc_json_number(p->data, path, 0);
	char text[64];

	if (count == 0)
		return;
	snprintf(text, sizeof(text), ", %" JSON_INTEGER_FORMAT " %s", count, name);
	psc_output_toned(p->out, p->colour, PSC_TONE_BAD, text);
}

static void events(const struct page *p)
{
	const char *log = psc_json_text(p->data, "log", NULL);
	char bytes[32];

	if (psc_json_at(p->data, "events")) {
		label(p, "events");
		number(p, psc_json_number(p->data, "events.emitted", 0));
		fputs(" emitted, ", p->out);
		number(p, psc_json_number(p->data, "events.written", 0));
		fputs(" written", p->out);
		loss(p, "events.dropped", "dropped by a full ring");
		loss(p, "events.lost_sequence", "missing in the sequence");
		loss(p, "seen.skipped", "seen and not told of: the ring was half full");
		loss(p, "seen.left_out", "seen and left out of the log");
		fputc('\n', p->out);
	}
	if (log) {
		label(p, "log");
		psc_output_text(p->out, log);
		fputc('\n', p->out);
	}
	if (psc_json_at(p->data, "digested")) {
		json_int_t size = psc_json_number(p->data, "digested.bytes", 0);

		label(p, "digested");
		psc_output_count(p->out, psc_json_number(p->data, "digested.files", 0), "file",
				 "files");
		fprintf(p->out, " (%s)", psc_output_bytes(size < 0 ? 0 : (uint64_t)size, bytes));
		if (psc_json_at(p->data, "cache_hits")) {
			fputs(", cache hits ", p->out);
			number(p, psc_json_number(p->data, "cache_hits", 0));
		}
		fputc('\n', p->out);
	}
}

static void features(const struct page *p)
{
	json_t *all = psc_json_at(p->data, "features");
	const char *name;
	const json_t *value;
	bool first = true;

	json_object_foreach(all, name, value) {
		if (first)
			label(p, "features");
		separate(p, &first);
		fputs(json_is_true(value) ? "" : "no ", p->out);
		psc_output_text(p->out, name);
	}
	if (!first)
		fputc('\n', p->out);
}

static void hooks(const struct page *p)
{
	const json_t *all = psc_json_at(p->data, "hooks"), *hook;
	size_t i;

	json_array_foreach(all, i, hook) {
		if (i == 0)
			label(p, "hooks");
		fputs(i == 0 ? "" : ", ", p->out);
		psc_output_text(p->out, json_is_string(hook) ? json_string_value(hook) : "?");
	}
	if (i > 0)
		fputc('\n', p->out);
}

static void warnings(const struct page *p)
{
	const json_t *all = psc_json_at(p->data, "warnings"), *warning;
	size_t i;

	json_array_foreach(all, i, warning) {
		const char *remedy = psc_json_text(warning, "remedy", NULL);

		fputs(i == 0 ? "\n" : "", p->out);
		psc_output_toned(p->out, p->colour, PSC_TONE_DOUBT, "warning: ");
		psc_output_text(p->out, psc_json_text(warning, "message", "?"));
		fputc('\n', p->out);
		if (remedy && *remedy) {
			fputs("  remedy: ", p->out);
			psc_output_text(p->out, remedy);
			fputc('\n', p->out);
		}
	}
}

void psc_render_status(FILE *out, const json_t *data, bool colour)
{
	const struct page page = {.out = out, .data = data, .colour = colour};

	head(&page);
	guard(&page);
	canary(&page);
	policy(&page);
	clock_line(&page);
	lists(&page);
	places(&page);
	psc_render_resolver(out, data, colour);
	actions(&page);
	counters(&page);
	unverified(&page);
	events(&page);
	features(&page);
	hooks(&page);
	warnings(&page);
}
