/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_list_show.c - `proscribe list show`. Lists can have millions of entries, so text
 * and JSON are both printed entry by entry.
 */
#include <inttypes.h>

#include "user/cli/lists.h"
#include "user/cli/output.h"
#include "user/core/escape.h"
#include "user/core/hex.h"
#include "user/core/json.h"
#include "user/core/paths.h"

enum column {
	COLUMN_DIGEST = 0,
	COLUMN_SIZE = 1,
	COLUMN_FORMAT = 2,
	COLUMN_PRODUCT = 3,
	COLUMN_VERSION = 4,
	COLUMN_NAME = 5,
	COLUMN_NOTE = 6,
	COLUMN_MAX = 7,
};

/* The texts of one row; buffers for those that the list does not hold as text. */
struct row {
	const char *cell[COLUMN_MAX];
	char digest[2 * PSC_ALGO_DIGEST_MAX + 16];
	char size[24];
};

static void row_fill(struct row *row, const struct psc_list_entry *e, bool duplicate)
{
	enum psc_list_enforce enforce = psc_list_entry_enforce(e);
	size_t prefix = 0;

	if (e->algo != PSC_ALGO_SHA256)
		prefix = (size_t)snprintf(row->digest, 16, "%s:", psc_algo_to_string(e->algo));
	psc_hex_encode(e->digest, e->digest_size, row->digest + prefix);
	snprintf(row->size, sizeof(row->size), e->has_size ? "%" PRIu64 : "-", e->size);
	row->cell[COLUMN_DIGEST] = row->digest;
	row->cell[COLUMN_SIZE] = row->size;
	row->cell[COLUMN_FORMAT] = psc_format_to_string(e->format);
	row->cell[COLUMN_PRODUCT] = *e->product ? e->product : "-";
	row->cell[COLUMN_VERSION] = *e->version ? e->version : "-";
	row->cell[COLUMN_NAME] = *e->name ? e->name : "-";
	row->cell[COLUMN_NOTE] = "";
	if (enforce == PSC_LIST_NOT_SHA256)
		row->cell[COLUMN_NOTE] = "not enforceable: not sha256";
	else if (enforce == PSC_LIST_SIZE_TOO_LARGE)
		row->cell[COLUMN_NOTE] = "not enforceable: too large";
	else if (duplicate)
		row->cell[COLUMN_NOTE] = "listed above already";
}

static void fill_up(FILE *out, size_t used, size_t width)
{
	for (; used < width; used++)
		fputc(' ', out);
}

static void row_print(FILE *out, const struct row *row, const size_t *width)
{
	int last = *row->cell[COLUMN_NOTE] ? COLUMN_NOTE : COLUMN_NAME;

	for (int c = 0; c <= last; c++) {
		size_t own = psc_output_width(row->cell[c]);

		/* Numbers stand at the right of their column. */
		if (c == COLUMN_SIZE)
			fill_up(out, own, width[c]);
		psc_output_text(out, row->cell[c]);
		if (c < last) {
			if (c != COLUMN_SIZE)
				fill_up(out, own, width[c]);
			fputs("  ", out);
		}
	}
	fputc('\n', out);
}

static void show_text(FILE *out, const struct psc_list *list, bool colour)
{
	static const struct row head = {
		.cell = {"DIGEST", "SIZE", "FORMAT", "PRODUCT", "VERSION", "NAME", "NOTE"}};
	size_t width[COLUMN_MAX] = {};
	struct psc_list_entry entry;
	struct row row;

	for (int c = 0; c < COLUMN_MAX; c++)
		width[c] = strlen(head.cell[c]);
	for (size_t i = 0; psc_list_get(list, i, &entry) == 0; i++) {
		row_fill(&row, &entry, false);
		for (int c = 0; c < COLUMN_MAX; c++) {
			size_t own = psc_output_width(row.cell[c]);

			width[c] = own > width[c] ? own : width[c];
		}
	}
	row_print(out, &head, width);
	for (size_t i = 0; psc_list_get(list, i, &entry) == 0; i++) {
		row_fill(&row, &entry, psc_list_is_duplicate(list, i));
		row_print(out, &row, width);
	}
}

static json_t *counts_json(const struct psc_list *list)
{
	struct psc_list_counts counts;
	json_t *algos = json_object();

	psc_list_get_counts(list, &counts);
	for (unsigned int a = 0; a < PSC_ALGO_MAX; a++)
		if (a != PSC_ALGO_SHA256 && counts.by_algo[a])
			json_object_set_new(algos, psc_algo_to_string(a),
					    json_integer((json_int_t)counts.by_algo[a]));
	return json_pack("{s:I,s:I,s:o,s:I,s:I,s:I}", "entries", (json_int_t)counts.entries,
			 "enforceable", (json_int_t)counts.enforceable, "not_enforceable", algos,
			 "too_large", (json_int_t)counts.too_large, "without_size",
			 (json_int_t)counts.without_size, "duplicates",
			 (json_int_t)counts.duplicates);
}

static void summary_print(FILE *out, const json_t *counts, const char *directory)
{
	json_t *others = json_object_get(counts, "not_enforceable");
	const char *algo;
	const json_t *count;

	psc_output_count(out, psc_json_number(counts, "entries", 0), "entry", "entries");
	fputs(" in ", out);
	psc_output_text(out, directory);
	fprintf(out, ", %" JSON_INTEGER_FORMAT " enforceable",
		psc_json_number(counts, "enforceable", 0));
	json_object_foreach(others, algo, count)
		fprintf(out, ", %" JSON_INTEGER_FORMAT " %s not enforceable",
			json_integer_value(count), algo);
	if (psc_json_number(counts, "without_size", 0))
		fprintf(out, ", %" JSON_INTEGER_FORMAT " without size",
			psc_json_number(counts, "without_size", 0));
	fputc('\n', out);
}

/* The envelope, written in pieces: all entries at once might not fit into memory. */
static void show_json(FILE *out, const struct psc_list *list, const char *directory,
		      const json_t *counts)
{
	_cleanup_json_ json_t *place = json_string(directory);
	struct psc_list_entry entry;

	fputs("{\"schema\": 1, \"verb\": \"list show\", \"data\": {\"directory\": ", out);
	json_dumpf(place, out, JSON_ENCODE_ANY);
	fputs(", \"counts\": ", out);
	json_dumpf(counts, out, 0);
	fputs(", \"entries\": [", out);
	for (size_t i = 0; psc_list_get(list, i, &entry) == 0; i++) {
		_cleanup_json_ json_t *json = psc_list_entry_to_json(list, &entry);

		fputs(i ? ",\n  " : "\n  ", out);
		json_dumpf(json, out, 0);
	}
	fputs("\n]}}\n", out);
}

static int list_show_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	_cleanup_free_ char *directory = NULL, *safe = NULL;
	_cleanup_json_ json_t *counts = NULL;
	int r;

	r = psc_lists_directory(cli, &directory);
	if (r == PSC_EXIT_OK)
		r = psc_lists_load(cli, directory, !psc_cli_option(cli, "lists"), &list);
	if (r != PSC_EXIT_OK)
		return r;
	counts = counts_json(list);
	safe = psc_escape_string(directory);
	if (!counts || !safe)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	if (cli->json) {
		show_json(cli->out, list, safe, counts);
		return PSC_EXIT_OK;
	}
	if (psc_list_count(list) > 0)
		show_text(cli->out, list, cli->colour);
	summary_print(cli->out, counts, safe);
	return PSC_EXIT_OK;
}

static const struct psc_option list_show_options[] = {PSC_OPTION_LISTS, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_list_show = {
	.name = "list show",
	.run = list_show_run,
	.arguments = "",
	.summary = "Prints all lists",
	.options = list_show_options,
	.help = "Digests of other algorithms than sha256 are shown as not enforceable: the kernel\n"
		"does not compute them.\n\n"
		"Examples:\n"
		"  proscribe list show\n"
		"  proscribe list show --json | jq '.data.entries[] | select(.enforceable | not)'\n",
};
