/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_table.c - tables and paragraphs that keep within the line, see policy_verbs.h.
 */
#include "user/cli/policy_verbs.h"
#include "user/core/escape.h"

#define GAP 2 /* blanks between columns */

/*
 * How many bytes of safe @text go into a line of @width columns: up to the last blank or
 * comma, if there is one, and a word that is longer than the line is left whole. *@ret_next
 * is where the next line begins.
 */
static size_t line_take(const char *text, size_t width, const char **ret_next)
{
	size_t columns = 0, cut = 0, i = 0;

	for (; text[i] && columns <= width; i++) {
		bool begins = ((unsigned char)text[i] & 0xc0) != 0x80;

		if (text[i] == ' ' && i > 0)
			cut = i;
		if (begins && ++columns > width)
			break;
		if (text[i] == ',' && text[i + 1] && text[i + 1] != ' ')
			cut = i + 1;
	}
	if (text[i] && !cut)
		cut = i + strcspn(text + i, " ");
	else if (!text[i])
		cut = i;
	*ret_next = text + cut + strspn(text + cut, " ");
	return cut;
}

static void put_blanks(FILE *out, size_t count)
{
	while (count-- > 0)
		fputc(' ', out);
}

static size_t room_behind(size_t used)
{
	return PSC_POLICY_COLUMNS > used + 20 ? PSC_POLICY_COLUMNS - used : 20;
}

void psc_output_wrapped_from(FILE *out, size_t used, size_t indent, const char *text)
{
	size_t size = psc_escape_to(NULL, 0, text, strlen(text), PSC_ESCAPE_KEEP_BACKSLASH) + 1;
	_cleanup_free_ char *safe = malloc(size);
	const char *rest = safe, *next;

	if (!safe)
		return;
	psc_output_safe(text, safe, size);
	do {
		size_t bytes = line_take(rest, room_behind(rest == safe ? used : indent), &next);

		if (rest != safe)
			put_blanks(out, indent);
		fprintf(out, "%.*s\n", (int)bytes, rest);
		rest = next;
	} while (*rest);
}

void psc_output_wrapped(FILE *out, size_t indent, const char *text)
{
	psc_output_wrapped_from(out, indent, indent, text);
}

/* ---- tables ---------------------------------------------------------------------------- */

#define GRID_COLUMNS_MAX 12

struct grid {
	const struct psc_grid_column *columns;
	size_t count;
	size_t indent;
	size_t width[GRID_COLUMNS_MAX];
};

static const char *cell_text(const json_t *row, size_t column)
{
	const char *text = json_string_value(json_array_get(row, column));

	return text ? text : "";
}

/* Columns that the widest line of a cell takes once it is broken. */
static size_t cell_width(const char *text, size_t most)
{
	size_t widest = 0;

	if (!most)
		return psc_output_width(text);
	while (*text) {
		const char *next;
		size_t bytes = line_take(text, most, &next), columns = 0;

		for (size_t i = 0; i < bytes; i++)
			columns += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (columns > widest)
			widest = columns;
		text = next;
	}
	return widest;
}

static void grid_measure(struct grid *grid, const json_t *rows)
{
	const json_t *row;
	size_t i;

	for (size_t k = 0; k < grid->count; k++)
		grid->width[k] = psc_output_width(grid->columns[k].title);
	json_array_foreach(rows, i, row) {
		for (size_t k = 0; k < grid->count; k++) {
			size_t width = cell_width(cell_text(row, k), grid->columns[k].most);

			if (width > grid->width[k])
				grid->width[k] = width;
		}
	}
}

/* One line of a row: what is left of each cell. Blanks come only before what follows. */
static bool grid_line(FILE *out, const struct grid *grid, const char **rest)
{
	size_t owed = grid->indent;
	bool more = false;

	for (size_t k = 0; k < grid->count; k++) {
		const char *next = rest[k] + strlen(rest[k]);
		size_t most = grid->columns[k].most, columns = 0;
		size_t bytes =
			most ? line_take(rest[k], grid->width[k] > most ? most : grid->width[k],
					 &next)
			     : strlen(rest[k]);

		for (size_t i = 0; i < bytes; i++)
			columns += ((unsigned char)rest[k][i] & 0xc0) != 0x80;
		if (bytes) {
			put_blanks(out, owed);
			fprintf(out, "%.*s", (int)bytes, rest[k]);
			owed = 0;
		}
		owed += grid->width[k] + GAP - columns;
		rest[k] = next;
		more = more || *next;
	}
	fputc('\n', out);
	return more;
}

static void grid_row(FILE *out, const struct grid *grid, const json_t *row)
{
	const char *rest[GRID_COLUMNS_MAX];

	if (json_is_string(row)) {
		put_blanks(out, grid->indent);
		fprintf(out, "%s\n", json_string_value(row));
		return;
	}
	for (size_t k = 0; k < grid->count; k++)
		rest[k] = cell_text(row, k);
	while (grid_line(out, grid, rest))
		;
}

void psc_grid_print(FILE *out, bool colour, size_t indent, const struct psc_grid_column *columns,
		    size_t count, const json_t *rows)
{
	struct grid grid = {.columns = columns, .count = count, .indent = indent};
	const char *titles[GRID_COLUMNS_MAX];
	const json_t *row;
	size_t i;

	grid_measure(&grid, rows);
	for (size_t k = 0; k < count; k++)
		titles[k] = columns[k].title;
	if (colour)
		fputs("\033[1m", out);
	grid_line(out, &grid, titles);
	if (colour)
		fputs("\033[0m", out);
	json_array_foreach(rows, i, row)
		grid_row(out, &grid, row);
}
