/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_policy_timeline.c - `proscribe policy timeline`: phases of the active profiles and what
 * the site has signed, on a line of time. Works without daemon and root.
 */
#include <errno.h>

#include "user/cli/policy_timeline.h"

#define TIMELINE_LABEL 44 /* columns of the labels in the text */
#define TIMELINE_BAR   54 /* columns of the line of time */
#define TIMELINE_DAY   (86400ULL * PSC_NSEC_PER_SEC)

/* ---- what there is --------------------------------------------------------------------- */

struct timeline {
	uint64_t now;
	uint64_t from;
	uint64_t until;
	json_t *rows;
	json_t *unverified;
};

static const char *timeline_state(uint64_t from, uint64_t until, uint64_t now)
{
	if (until <= now)
		return "over";
	return from <= now ? "in force" : "to come";
}

static json_t *timeline_row(const struct timeline *t, const char *kind, const char *id,
			    const char *profile, const char *title, uint64_t from, uint64_t until)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:s}", "kind", kind, "id", psc_json_safe(id),
			 "profile", profile ? psc_json_safe(profile) : json_null(), "title",
			 psc_json_safe(title), "from", psc_policy_time_json(from), "until",
			 psc_policy_time_json(until), "state", timeline_state(from, until, t->now));
}

static int timeline_phases(struct timeline *t, const struct psc_profile *profile)
{
	for (size_t i = 0; i < profile->phase_count; i++) {
		const struct psc_phase *phase = &profile->phases[i];
		_cleanup_free_ char *cite = psc_policy_cite_text(
			psc_label_to_string(phase->cite.label), phase->cite.source);
		_cleanup_free_ char *title = NULL;
		bool unverified = phase->cite.label == PSC_LABEL_UNVERIFIED;
		json_t *row;

		if (asprintf(&title, "%s%s%s%s", phase->title, phase->note[0] ? " (" : "",
			     phase->note, phase->note[0] ? ")" : "") < 0) {
			title = NULL;
			return -ENOMEM;
		}
		row = timeline_row(t, "phase", phase->id, profile->id, title, phase->from,
				   PSC_TIME_NEVER);
		if (!row || !cite)
			return -ENOMEM;
		json_object_set_new(row, "cite", psc_json_safe(cite));
		json_array_append_new(unverified ? t->unverified : t->rows, row);
	}
	return 0;
}

static bool timeline_concerns(const struct psc_object *object, const struct psc_policy_host *host)
{
	if (object->kind == PSC_OBJECT_OVERRIDE)
		return false;
	for (char **name = object->profiles; name && *name; name++) {
		for (size_t i = 0; i < host->set.profile_count; i++) {
			if (strcmp(host->set.profiles[i]->id, *name) == 0)
				return true;
		}
		if (strcmp(*name, "site") == 0)
			return true;
	}
	return !object->profiles;
}

/* "kaspersky/kesl: incident response, signed by CISO" */
static char *timeline_title(const struct psc_object *object)
{
	char *title = NULL;
	size_t size;
	FILE *out = open_memstream(&title, &size);

	if (!out)
		return NULL;
	if (object->kind == PSC_OBJECT_ATTESTATION)
		fprintf(out, "%s: %s", object->subject, object->value ? "yes" : "no");
	else if (!object->products)
		fputs("all products", out);
	for (char **name = object->products; name && *name; name++)
		fprintf(out, "%s%s", name == object->products ? "" : ", ", *name);
	if (object->reason[0])
		fprintf(out, ": %s", object->reason);
	fprintf(out, "; signed by %s", object->by);
	if (fclose(out) == 0)
		return title;
	free(title);
	return NULL;
}

static int timeline_objects(struct timeline *t, const struct psc_policy_host *host,
			    const struct psc_objects *objects)
{
	for (size_t i = 0; i < objects->count; i++) {
		const struct psc_object *object = objects->item[i];
		_cleanup_free_ char *title = NULL;

		if (!timeline_concerns(object, host))
			continue;
		title = timeline_title(object);
		if (!title)
			return -ENOMEM;
		json_array_append_new(t->rows,
				      timeline_row(t, psc_object_kind_to_string(object->kind),
						   object->id, NULL, title, object->from,
						   object->until));
	}
	return 0;
}

/* ---- the piece of time that is shown ------------------------------------------------------ */

uint64_t psc_timeline_time(const json_t *json, const char *member, uint64_t fallback)
{
	const char *text = psc_json_text(json, member, NULL);
	uint64_t ns;

	return text && psc_time_parse(text, &ns) >= 0 ? ns : fallback;
}

/* From the first to the last thing that happens, now included, with some air around. */
static void timeline_fit(const struct timeline *t, uint64_t *ret_from, uint64_t *ret_until)
{
	uint64_t first = t->now, last = t->now, air;
	const json_t *row;
	size_t i;

	json_array_foreach(t->rows, i, row) {
		uint64_t from = psc_timeline_time(row, "from", t->now);
		uint64_t until = psc_timeline_time(row, "until", from);

		first = from < first ? from : first;
		last = until > last ? until : last;
		last = from > last ? from : last;
	}
	air = (last - first) / 20;
	if (air < TIMELINE_DAY)
		air = TIMELINE_DAY;
	*ret_from = first > air ? first - air : 0;
	*ret_until = last + air;
}

/* Takes away the rows that lie outside; returns how many. */
static size_t timeline_crop(struct timeline *t)
{
	size_t before = json_array_size(t->rows);

	for (size_t i = before; i-- > 0;) {
		const json_t *row = json_array_get(t->rows, i);

		if (psc_timeline_time(row, "from", 0) > t->until ||
		    psc_timeline_time(row, "until", PSC_TIME_NEVER) < t->from)
			json_array_remove(t->rows, i);
	}
	return before - json_array_size(t->rows);
}

/* ---- output ------------------------------------------------------------------------------ */

char *psc_timeline_label(const json_t *row)
{
	const char *profile = psc_json_text(row, "profile", NULL);
	char *label = NULL;

	if (asprintf(&label, "%s %s%s%s", psc_json_text(row, "kind", "?"),
		     psc_json_text(row, "id", "?"), profile ? " of " : "",
		     profile ? profile : "") < 0)
		return NULL;
	return label;
}

char *psc_timeline_span(const json_t *row)
{
	const char *from = psc_json_text(row, "from", NULL);
	const char *until = psc_json_text(row, "until", NULL);
	char *span = NULL;

	if (asprintf(&span, "%s%s%s%s%s", from ? "from " : "", from ? from : "",
		     from && until ? " " : "", until ? "until " : "", until ? until : "") < 0)
		return NULL;
	return span;
}

static int timeline_column(const json_t *data, uint64_t at)
{
	uint64_t from = psc_timeline_time(data, "from", 0);
	uint64_t until = psc_timeline_time(data, "until", 1);

	if (at < from)
		return -1;
	if (at > until)
		return TIMELINE_BAR;
	return (int)((double)(at - from) / (double)(until - from) * (TIMELINE_BAR - 1));
}

static char timeline_mark(int column, int from, int until, int now)
{
	if (column == 0 && from < 0 && until > 0)
		return '<';
	if (column == TIMELINE_BAR - 1 && from < column && until >= TIMELINE_BAR)
		return '>';
	if (column == until && column == from)
		return '#';
	if (column == until)
		return ']';
	if (column == from)
		return '[';
	if (column == now)
		return '|';
	return from < column && column < until ? '=' : ' ';
}

static void timeline_bar(FILE *out, const json_t *data, const json_t *row)
{
	int from = timeline_column(data, psc_timeline_time(row, "from", 0));
	int until = timeline_column(data, psc_timeline_time(row, "until", PSC_TIME_NEVER));
	int now = timeline_column(data, psc_timeline_time(data, "now", 0));

	for (int i = 0; i < TIMELINE_BAR && (i <= until || i <= now); i++)
		fputc(timeline_mark(i, from, until, now), out);
	fputc('\n', out);
}

/* The ends of the line, and below them where now is. */
static void timeline_head(FILE *out, const json_t *data)
{
	const char *from = psc_json_text(data, "from", "?");
	const char *until = psc_json_text(data, "until", "?");
	int now = timeline_column(data, psc_timeline_time(data, "now", 0));

	fprintf(out, "%*s%s%*s%s\n", TIMELINE_LABEL + 2, "", from,
		TIMELINE_BAR - (int)(strlen(from) + strlen(until)), "", until);
	if (now >= 0 && now < TIMELINE_BAR)
		fprintf(out, "%*snow\n", TIMELINE_LABEL + 2 + (now > 1 ? now - 1 : 0), "");
}

static void timeline_bars(FILE *out, const json_t *data, bool colour)
{
	const json_t *rows = psc_json_at(data, "rows"), *row;
	const char *last = "";
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *profile = psc_json_text(row, "profile", "signed by your organisation");
		char label[256];

		if (i == PSC_TIMELINE_ROWS_MAX) {
			fprintf(out, "and %zu more: see --json\n", json_array_size(rows) - i);
			return;
		}
		if (strcmp(profile, last) != 0) {
			psc_output_toned(out, colour, PSC_TONE_STRONG, profile);
			fputc('\n', out);
		}
		last = profile;
		snprintf(label, sizeof(label), "  %s %s", psc_json_text(row, "kind", "?"),
			 psc_json_text(row, "id", "?"));
		psc_output_padded(out, label, TIMELINE_LABEL);
		fputs("  ", out);
		timeline_bar(out, data, row);
	}
}

/* Something that begins or ends, for sorting. */
struct timeline_instant {
	uint64_t at;
	const char *what; /* "begins", "ends", "now" */
	const json_t *row;
};

static int timeline_by_time(const void *a, const void *b)
{
	const struct timeline_instant *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void timeline_instant_print(FILE *out, const struct timeline_instant *instant)
{
	_cleanup_free_ char *label = instant->row ? psc_timeline_label(instant->row) : NULL;
	bool begins = instant->row && strcmp(instant->what, "begins") == 0;
	char at[PSC_TIME_TEXT_MAX];
	char *line = NULL;

	if (asprintf(&line, "%s%s%s%s%s%s%s", label ? label : "", label ? " " : "", instant->what,
		     begins ? ": " : "", begins ? psc_json_text(instant->row, "title", "") : "",
		     begins && psc_json_at(instant->row, "cite") ? " " : "",
		     begins ? psc_json_text(instant->row, "cite", "") : "") < 0)
		return;
	fprintf(out, "%s  ", psc_time_format_seconds(instant->at, at));
	psc_output_wrapped(out, 22, line);
	free(line);
}

static void timeline_instants(FILE *out, const json_t *data)
{
	uint64_t from = psc_timeline_time(data, "from", 0);
	uint64_t until = psc_timeline_time(data, "until", 0);
	const json_t *rows = psc_json_at(data, "rows"), *row;
	_cleanup_free_ struct timeline_instant *instants =
		calloc(2 * json_array_size(rows) + 1, sizeof(*instants));
	size_t count = 0, i;

	if (!instants)
		return;
	instants[count++] =
		(struct timeline_instant){psc_timeline_time(data, "now", 0), "now", NULL};
	json_array_foreach(rows, i, row) {
		if (psc_json_text(row, "from", NULL))
			instants[count++] = (struct timeline_instant){
				psc_timeline_time(row, "from", 0), "begins", row};
		if (psc_json_text(row, "until", NULL))
			instants[count++] = (struct timeline_instant){
				psc_timeline_time(row, "until", 0), "ends", row};
	}
	qsort(instants, count, sizeof(*instants), timeline_by_time);
	fputc('\n', out);
	for (i = 0; i < count; i++) {
		if (instants[i].at >= from && instants[i].at <= until)
			timeline_instant_print(out, &instants[i]);
	}
}

static void timeline_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *row;
	size_t i;

	timeline_head(out, data);
	timeline_bars(out, data, colour);
	timeline_instants(out, data);
	json_array_foreach(psc_json_at(data, "unverified"), i, row) {
		_cleanup_free_ char *label = psc_timeline_label(row);

		if (i == 0)
			fputs("\nunverified, not used\n", out);
		fputs("  ", out);
		psc_output_wrapped(out, 4, label ? label : "?");
	}
	if (psc_json_number(data, "outside", 0))
		fprintf(out, "\n%" JSON_INTEGER_FORMAT " more lie outside this time\n",
			psc_json_number(data, "outside", 0));
}

/* ---- the verb ------------------------------------------------------------------------------ */

static int timeline_collect(struct psc_cli *cli, struct timeline *t, struct psc_policy_host *host)
{
	struct psc_error error = {0};
	int r = psc_policy_host_load(cli, t->now, host, &error);

	if (r < 0)
		return psc_policy_fail(cli, r, &error);
	for (size_t i = 0; i < host->set.profile_count && r >= 0; i++)
		r = timeline_phases(t, host->set.profiles[i]);
	if (r >= 0)
		r = timeline_objects(t, host, &host->set.objects);
	if (r >= 0)
		r = timeline_objects(t, host, &host->set.expired);
	return r < 0 ? psc_policy_fail(cli, r, &error) : PSC_EXIT_OK;
}

static int timeline_range(struct psc_cli *cli, struct timeline *t)
{
	uint64_t from, until;
	int r;

	timeline_fit(t, &from, &until);
	r = psc_policy_time_option(cli, "from", t->now, from, &t->from);
	if (r == PSC_EXIT_OK)
		r = psc_policy_time_option(cli, "until", t->now, until, &t->until);
	if (r == PSC_EXIT_OK && t->until < t->from + PSC_NSEC_PER_SEC)
		return psc_cli_usage(cli, "nothing lies between --from and --until");
	return r;
}

static int timeline_show(struct psc_cli *cli, struct timeline *t, bool svg)
{
	json_int_t outside = (json_int_t)timeline_crop(t);
	json_t *data = json_pack("{s:o,s:o,s:o,s:I,s:O,s:O}", "now", psc_policy_time_json(t->now),
				 "from", psc_policy_time_json(t->from ?: 1), "until",
				 psc_policy_time_json(t->until), "outside", outside, "rows",
				 t->rows, "unverified", t->unverified);

	if (!data || !svg)
		return psc_cli_report(cli, PSC_EXIT_OK, data, timeline_render);
	psc_timeline_svg(cli->out, data);
	json_decref(data);
	return PSC_EXIT_OK;
}

static int timeline_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_policy_host_clear) struct psc_policy_host host = {0};
	const char *format = psc_cli_option(cli, "format") ?: "text";
	struct timeline t = {
		.now = psc_time_now(),
		.rows = json_array(),
		.unverified = json_array(),
	};
	bool svg = strcmp(format, "svg") == 0;
	int r = PSC_EXIT_OK;

	if (!svg && strcmp(format, "text") != 0)
		r = psc_cli_usage(cli, "'%s' is no format: text, svg", format);
	else if (svg && cli->json)
		r = psc_cli_usage(cli, "--json and --format svg exclude each other");
	if (r == PSC_EXIT_OK)
		r = timeline_collect(cli, &t, &host);
	if (r == PSC_EXIT_OK)
		r = timeline_range(cli, &t);
	if (r == PSC_EXIT_OK)
		r = timeline_show(cli, &t, svg);
	json_decref(t.rows);
	json_decref(t.unverified);
	return r;
}

static const struct psc_option timeline_options[] = {
	{"format", "FORMAT", "text or svg (default: text)"},
	{"from", "TIME", "where it begins: " PSC_POLICY_TIMES},
	{"until", "TIME", "where it ends"},
	PSC_POLICY_OPTIONS_HOST,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_policy_timeline = {
	.name = "policy timeline",
	.run = timeline_run,
	.arguments = "",
	.summary = "Prints phases, exemptions and windows on a line of time",
	.options = timeline_options,
	.help = "The phases of the active profiles, and what your organisation has signed: those in\n"
		"force, those to come and those that are over. In the text, [ is a beginning, ] an\n"
		"end, # both, > goes on, | is now. The SVG stands alone and follows the reader's choice\n"
		"of dark or light.\n\n"
		"Examples:\n"
		"  proscribe policy timeline\n"
		"  proscribe policy timeline --from -7d --until +30d\n"
		"  proscribe policy timeline --format svg >timeline.svg\n",
};
