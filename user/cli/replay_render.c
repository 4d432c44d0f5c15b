/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_render.c - for people, what would have been refused; see replay.h.
 */
#include "user/core/util.h"
#include "user/cli/replay.h"

#define ROWS_MAX  40 /* of what would be refused */
#define APART_MAX 10 /* of each list of what was not judged */
#define USERS_MAX 4

static void put_part(FILE *out, bool *first, json_int_t count, const char *one, const char *many)
{
	if (!count)
		return;
	if (!*first)
		fputs(", ", out);
	*first = false;
	psc_output_count(out, count, one, many);
}

/* "would have refused at least 3 executions of 1 program by 2 users" */
static void sentence(FILE *out, const json_t *data, bool colour)
{
	const json_t *refused = psc_json_at(data, "refused");
	json_int_t executions = psc_json_number(refused, "executions", 0);
	json_int_t loads = psc_json_number(refused, "loads", 0);
	bool first = true;

	if (!psc_replay_refused(data)) {
		psc_output_toned(out, colour, PSC_TONE_GOOD, "would have refused nothing");
		return;
	}
	psc_output_toned(out, colour, PSC_TONE_BAD, "would have refused");
	fputs(json_is_true(psc_json_at(refused, "at_least")) ? " at least " : " ", out);
	put_part(out, &first, executions, "execution", "executions");
	if (executions) {
		fputs(" of ", out);
		psc_output_count(out, psc_json_number(refused, "programs", 0), "program",
				 "programs");
	}
	put_part(out, &first, loads, "load", "loads");
	if (loads) {
		fputs(" of ", out);
		psc_output_count(out, psc_json_number(refused, "libraries", 0), "library",
				 "libraries");
	}
	put_part(out, &first, psc_json_number(refused, "modules", 0), "kernel module",
		 "kernel modules");
	fputs(" by ", out);
	psc_output_count(out, psc_json_number(refused, "users", 0), "user", "users");
}

/* ---- the table ----------------------------------------------------------------------------- */

static json_t *times_text(const json_t *row)
{
	json_int_t count = psc_json_number(row, "executions", 0) +
			   psc_json_number(row, "loads", 0) + psc_json_number(row, "modules", 0);
	char text[32];

	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT "%s", count,
		 json_is_true(psc_json_at(row, "at_least")) ? "+" : "");
	return json_string(text);
}

static json_t *users_text(const json_t *row)
{
	const json_t *users = psc_json_at(row, "users"), *user;
	char text[96];
	size_t i, used = 0;

	text[0] = '\0';
	json_array_foreach(users, i, user) {
		if (i < USERS_MAX)
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "%s%" JSON_INTEGER_FORMAT, i ? "," : "",
						 json_integer_value(user));
		else if (i == USERS_MAX)
			snprintf(text + used, sizeof(text) - used, " +%zu",
				 json_array_size(users) - USERS_MAX);
	}
	return json_string(text);
}

/* "us-commerce-icts-2021-002: exec, site" - the first reason, which is as strict as any. */
static json_t *why_text(const json_t *row)
{
	const json_t *reason = json_array_get(psc_json_at(row, "reasons"), 0);
	const char *clause =
		psc_json_text(reason, "clause.clause", psc_json_text(reason, "rule", NULL));
	const char *by = psc_json_text(row, "by", "");
	_cleanup_free_ char *text = NULL;

	if (strcmp(by, "unverified") == 0)
		return json_sprintf("unverified: %s", psc_json_text(row, "unverified", "?"));
	if (asprintf(&text, "%s%s%s, basis %s%s", psc_json_text(reason, "profile", "?"),
		     clause ? " " : "", clause ? clause : "", psc_json_text(reason, "basis", "?"),
		     strcmp(by, "place") == 0 ? ", by its place" : "") < 0) {
		text = NULL;
		return NULL;
	}
	return json_string(text);
}

/* The date alone, as the list is short of columns. */
static json_t *day_text(const json_t *row, const char *key)
{
	return json_sprintf("%.10s", psc_json_text(row, key, "?"));
}

static void table(FILE *out, const json_t *data, bool colour)
{
	static const struct psc_grid_column columns[] = {
		{"program", 40}, {"product", 24}, {"why", 30}, {"times", 0},
		{"users", 0},	 {"first", 0},	  {"last", 0},
	};
	const json_t *programs = psc_json_at(data, "programs"), *row;
	json_t *rows = json_array();
	size_t i;

	json_array_foreach(programs, i, row) {
		if (i == ROWS_MAX)
			break;
		json_array_append_new(rows,
				      json_pack("[s,s,o,o,o,o,o]", psc_json_text(row, "path", "?"),
						psc_json_text(row, "product", "-"), why_text(row),
						times_text(row), users_text(row),
						day_text(row, "first"), day_text(row, "last")));
	}
	fputc('\n', out);
	psc_grid_print(out, colour, 2, columns, ARRAY_SIZE(columns), rows);
	if (json_array_size(programs) > ROWS_MAX)
		fprintf(out, "  and %zu more (--json)\n", json_array_size(programs) - ROWS_MAX);
	json_decref(rows);
}

/* ---- what else there is to say -------------------------------------------------------------- */

static const struct {
	enum psc_replay_state state;
	const char *title;
} lists[] = {
	{PSC_REPLAY_REPLACED, "replaced since: judged as they are now"},
	{PSC_REPLAY_GONE, "gone: not judged"},
	{PSC_REPLAY_NAMELESS, "path not known: not judged"},
	{PSC_REPLAY_ELSEWHERE, "in containers, not reached from here: not judged"},
	{PSC_REPLAY_NETWORK, "on other machines: not judged without --network"},
	{PSC_REPLAY_UNREAD, "could not be read: not judged"},
};

static void list_apart(FILE *out, const json_t *data, enum psc_replay_state state,
		       const char *title)
{
	const json_t *rows = psc_json_at(data, psc_replay_state_to_string(state)), *row;
	size_t i;

	if (!json_array_size(rows))
		return;
	fputc('\n', out);
	psc_output_count(out, (json_int_t)json_array_size(rows), "file", "files");
	fprintf(out, " %s\n", title);
	json_array_foreach(rows, i, row) {
		const char *path = psc_json_text(row, "path", ""), *error;

		if (i == APART_MAX) {
			fprintf(out, "  and %zu more (--json)\n", json_array_size(rows) - i);
			return;
		}
		fputs("  ", out);
		psc_output_text(out, *path ? path : "(no name)");
		fputs(", ", out);
		psc_output_count(out, psc_json_number(row, "attempts", 0), "time", "times");
		error = psc_json_text(row, "error", NULL);
		if (error)
			fprintf(out, ": %s", error);
		fputc('\n', out);
	}
}

static void missing(FILE *out, const json_t *data)
{
	json_int_t left_out = psc_json_number(data, "left_out", 0);
	json_int_t lost = psc_json_number(data, "lost", 0);
	json_int_t no_room = psc_json_number(data, "no_room", 0);

	if (left_out)
		fprintf(out,
			"\n%" JSON_INTEGER_FORMAT
			" attempts that were seen have no record (seen_left_out)\n",
			left_out);
	if (lost)
		fprintf(out,
			"\n%" JSON_INTEGER_FORMAT
			" events of the kernel are missing in the log (ring_loss)\n",
			lost);
	if (no_room)
		fprintf(out,
			"\n%" JSON_INTEGER_FORMAT
			" records are of more files than %u: give a shorter time\n",
			no_room, PSC_REPLAY_FILES_MAX);
}

void psc_replay_render(FILE *out, const json_t *data, bool colour)
{
	sentence(out, data, colour);
	fprintf(out, "\n  since %s, of ", psc_json_text(data, "since", "?"));
	psc_output_count(out, psc_json_number(data, "files", 0), "file", "files");
	fprintf(out, " in %" JSON_INTEGER_FORMAT " records; policy at %s\n",
		psc_json_number(data, "records", 0), psc_json_text(data, "at", "?"));
	if (!psc_json_number(data, "records", 0))
		fputs("  the log tells of nothing that ran: it does in observe mode, unless "
		      "`seen: false`\n",
		      out);
	if (psc_replay_refused(data)) {
		table(out, data, colour);
		fputs("\n  what should go on: proscribe exempt PRODUCT, proscribe decide PRODUCT, "
		      "proscribe\n  window open, or proscribe list remove FILE; why it is: "
		      "proscribe explain FILE\n",
		      out);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		list_apart(out, data, lists[i].state, lists[i].title);
	missing(out, data);
}
