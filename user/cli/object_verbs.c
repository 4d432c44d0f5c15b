/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_verbs.c - directory, taking effect, lists and removal of objects, see
 * object_verbs.h. Drafts are in object_draft.c.
 */
#include <errno.h>

#include "user/cli/object_apply.h"
#include "user/cli/output.h"
#include "user/core/hex.h"
#include "user/core/json.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"

/* ---- where ---------------------------------------------------------------------- */

const char *psc_object_directory(struct psc_cli *cli)
{
	const char *given = psc_cli_option(cli, "objects");

	return given ? given : PSC_PATH_OBJECTS;
}

int psc_object_fail(struct psc_cli *cli, int error, struct psc_error *detail)
{
	bool input = error == -EINVAL || error == -E2BIG || error == -EEXIST;

	if (!detail->message[0])
		psc_error_set(detail, NULL, 0, 0, "%s", strerror(-error));
	return psc_cli_fail_at(
		cli, input ? PSC_EXIT_INVALID : PSC_EXIT_FAILED, detail,
		error == -EACCES || (error == -EPERM && geteuid() != 0) ? "run it as root" : NULL);
}

/* ---- taking effect ---------------------------------------------------------------- */

int psc_object_apply(struct psc_cli *cli, const char *path, int (*take_back)(void *data),
		     void *data, enum psc_effect *ret)
{
	const struct psc_effect_place place = {.given = psc_cli_option(cli, "objects"),
					       .key = "objects.directory",
					       .used = PSC_PATH_OBJECTS,
					       .what = "objects"};

	*ret = PSC_EFFECT_NEXT_START;
	if (psc_cli_option(cli, "no-reload"))
		return PSC_EXIT_OK;
	return psc_effect_apply(cli, &place, path, take_back, data, "the objects are", ret);
}

/* ---- JSON and text of one ----------------------------------------------------------- */

static json_t *names_json(char *const *names)
{
	json_t *array;

	if (!names || !*names)
		return NULL;
	array = json_array();
	for (; *names; names++)
		json_array_append_new(array, psc_json_safe(*names));
	return array;
}

static json_t *time_json(uint64_t ns, uint64_t unsaid)
{
	char text[PSC_TIME_TEXT_MAX];

	return ns == unsaid ? NULL : json_string(psc_time_format_seconds(ns, text));
}

static json_t *text_json(const char *text)
{
	return text && *text ? psc_json_safe(text) : NULL;
}

static const char *state_of(const struct psc_object *object, uint64_t now)
{
	if (object->until <= now)
		return "expired";
	return object->from > now ? "begins" : "in_force";
}

json_t *psc_object_to_json(const struct psc_object *object, uint64_t now)
{
	bool attestation = object->kind == PSC_OBJECT_ATTESTATION;
	char hex[2 * PSC_DIGEST_SIZE + 1];

	psc_hex_encode(object->digest, PSC_DIGEST_SIZE, hex);
	return json_pack(
		"{s:s,s:o,s:s,s:o*,s:s*,s:o*,s:o*,s:o*,s:o*,s:o*,s:o*,s:o*,s:o*,s:o*,s:s}", "kind",
		psc_object_kind_to_string(object->kind), "id", psc_json_safe(object->id), "state",
		state_of(object, now), "fact", text_json(object->subject), "value",
		!attestation	? NULL
		: object->value ? "yes"
				: "no",
		"products", names_json(object->products), "profiles", names_json(object->profiles),
		"digests", names_json(object->digests), "from",
		time_json(object->from, PSC_TIME_ALWAYS), "until",
		time_json(object->until, PSC_TIME_NEVER), "by", text_json(object->by), "reason",
		text_json(object->reason), "document", text_json(object->document), "file",
		text_json(object->path), "sha256", hex);
}

/* "a, b" */
static void put_joined(FILE *out, const json_t *names)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) {
		fputs(i ? ", " : "", out);
		psc_output_text(out, json_string_value(name));
	}
}

void psc_object_put_what(FILE *out, const json_t *object)
{
	const json_t *products = json_object_get(object, "products");
	const json_t *profiles = json_object_get(object, "profiles");
	const json_t *digests = json_object_get(object, "digests");

	if (json_object_get(object, "fact"))
		fprintf(out, "%s: %s", psc_json_text(object, "fact", "?"),
			psc_json_text(object, "value", "?"));
	else if (products)
		put_joined(out, products);
	else if (digests)
		put_joined(out, digests);
	else
		fputs("all products", out);
	if (profiles) {
		fputs(" under ", out);
		put_joined(out, profiles);
	}
}

/* ---- list ----------------------------------------------------------------------------- */

enum object_column {
	OBJECT_ID = 0,
	OBJECT_WHAT = 1,
	OBJECT_UNTIL = 2,
	OBJECT_BY = 3,
	OBJECT_STATE = 4,
	OBJECT_COLUMNS = 5,
};

struct object_row {
	char *what;
	char state[PSC_TIME_TEXT_MAX + 16];
	const char *cell[OBJECT_COLUMNS];
};

/* Of an override in a table, where there can be hundreds; --json has all. */
static void put_digests(FILE *out, const json_t *digests)
{
	size_t count = json_array_size(digests);

	psc_output_text(out, json_string_value(json_array_get(digests, 0)));
	if (count > 1)
		fprintf(out, " and %zu more", count - 1);
}

static void object_row_fill(struct object_row *row, const json_t *object)
{
	const json_t *digests = json_object_get(object, "digests");
	const char *state = psc_json_text(object, "state", "?");
	size_t size;
	FILE *out = open_memstream(&row->what, &size);

	if (out) {
		if (digests)
			put_digests(out, digests);
		else
			psc_object_put_what(out, object);
		fclose(out);
	}
	if (strcmp(state, "begins") == 0)
		snprintf(row->state, sizeof(row->state), "begins %s",
			 psc_json_text(object, "from", "?"));
	else
		snprintf(row->state, sizeof(row->state), "%s",
			 strcmp(state, "in_force") == 0 ? "in force" : state);
	row->cell[OBJECT_ID] = psc_json_text(object, "id", "?");
	row->cell[OBJECT_WHAT] = row->what ? row->what : "?";
	row->cell[OBJECT_UNTIL] = psc_json_text(object, "until", "-");
	row->cell[OBJECT_BY] = psc_json_text(object, "by", "?");
	row->cell[OBJECT_STATE] = row->state;
}

static void object_row_print(FILE *out, const struct object_row *row, const size_t *width)
{
	for (int c = 0; c < OBJECT_STATE; c++) {
		psc_output_padded(out, row->cell[c], width[c]);
		fputs("  ", out);
	}
	psc_output_text(out, row->cell[OBJECT_STATE]);
	fputc('\n', out);
}

static void object_list_render(FILE *out, const json_t *data, bool colour)
{
	static const struct object_row head = {.cell = {"ID", "WHAT", "UNTIL", "BY", "STATE"}};
	const json_t *objects = json_object_get(data, "objects"), *object;
	size_t width[OBJECT_COLUMNS] = {}, count = json_array_size(objects), i;
	struct object_row *rows = calloc(count + 1, sizeof(*rows));

	for (int c = 0; c < OBJECT_COLUMNS; c++)
		width[c] = strlen(head.cell[c]);
	json_array_foreach(objects, i, object) {
		if (!rows)
			return;
		object_row_fill(&rows[i], object);
		for (int c = 0; c < OBJECT_COLUMNS; c++) {
			size_t own = psc_output_width(rows[i].cell[c]);

			width[c] = own > width[c] ? own : width[c];
		}
	}
	if (count)
		object_row_print(out, &head, width);
	else
		fprintf(out, "no %s in %s\n", psc_json_text(data, "kind", "object"),
			psc_json_text(data, "directory", "?"));
	for (i = 0; i < count; i++) {
		object_row_print(out, &rows[i], width);
		free(rows[i].what);
	}
	free(rows);
}

static int load_all(struct psc_cli *cli, struct psc_objects *ret)
{
	struct psc_error error = {};
	/* nothing is over at the beginning of time */
	int r = psc_objects_load(psc_object_directory(cli), PSC_TIME_ALWAYS, ret, NULL, &error);

	return r < 0 ? psc_object_fail(cli, r, &error) : PSC_EXIT_OK;
}

int psc_object_verbs_list(struct psc_cli *cli, enum psc_object_kind kind)
{
	_cleanup_(psc_objects_clear) struct psc_objects objects = {};
	uint64_t now = psc_time_now();
	json_t *array;
	int r;

	r = load_all(cli, &objects);
	if (r != PSC_EXIT_OK)
		return r;
	array = json_array();
	for (size_t i = 0; i < objects.count; i++) {
		if (objects.item[i]->kind == kind)
			json_array_append_new(array, psc_object_to_json(objects.item[i], now));
	}
	return psc_cli_report(cli, PSC_EXIT_OK,
			      json_pack("{s:s,s:o,s:o}", "kind", psc_object_kind_to_string(kind),
					"directory", psc_json_safe(psc_object_directory(cli)),
					"objects", array),
			      object_list_render);
}

int psc_object_verbs_only(struct psc_cli *cli, enum psc_object_kind kind, char **ret)
{
	_cleanup_(psc_objects_clear) struct psc_objects objects = {};
	const struct psc_object *only = NULL;
	uint64_t now = psc_time_now();
	int r;

	r = load_all(cli, &objects);
	if (r != PSC_EXIT_OK)
		return r;
	for (size_t i = 0; i < objects.count; i++) {
		const struct psc_object *object = objects.item[i];

		if (object->kind != kind || object->from > now || object->until <= now)
			continue;
		if (only)
			return psc_cli_usage(cli, "more than one %s is open: which one, %s or %s?",
					     psc_object_kind_to_string(kind), only->id, object->id);
		only = object;
	}
	if (!only)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "no %s is open in %s",
				    psc_object_kind_to_string(kind), psc_object_directory(cli));
	*ret = strdup(only->id);
	return *ret ? PSC_EXIT_OK : psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
}

/* ---- removal ---------------------------------------------------------------------------- */

struct withdrawn {
	struct psc_cli *cli;
	const char *directory;
	const char *id;
};

static int put_back(void *data)
{
	const struct withdrawn *w = data;
	struct psc_error error = {};
	int r = psc_object_restore(w->directory, w->id, &error);

	if (r < 0)
		psc_cli_note(w->cli, "%s: %s", error.file, error.message);
	return r;
}

static void object_remove_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *object = json_object_get(data, "removed");

	fprintf(out, "%s %s %s: ", psc_json_text(object, "kind", "?"),
		psc_json_text(object, "id", "?"),
		strcmp(psc_json_text(object, "kind", ""), "window") == 0 ? "closed" : "removed");
	psc_object_put_what(out, object);
	fputc('\n', out);
}

/* The file as it is, to be sure of what is removed. */
static int load_one(struct psc_cli *cli, enum psc_object_kind kind, const char *id,
		    struct psc_object **ret)
{
	_cleanup_(psc_object_freep) struct psc_object *object = NULL;
	_cleanup_free_ char *path = NULL;
	struct psc_error error = {};
	int r;

	if (!psc_object_is_id(id))
		return psc_cli_fail(cli, PSC_EXIT_INVALID, NULL, "'%s' is no id of an object", id);
	if (asprintf(&path, "%s/%s" PSC_OBJECT_SUFFIX, psc_object_directory(cli), id) < 0) {
		path = NULL;
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	}
	r = psc_object_load(path, &object, &error);
	if (r == -ENOENT)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "there is no %s %s in %s",
				    psc_object_kind_to_string(kind), id, psc_object_directory(cli));
	if (r < 0)
		return psc_object_fail(cli, r, &error);
	if (object->kind != kind)
		return psc_cli_fail(
			cli, PSC_EXIT_INVALID, NULL, "%s is no %s but an object of kind %s", id,
			psc_object_kind_to_string(kind), psc_object_kind_to_string(object->kind));
	*ret = TAKE_PTR(object);
	return PSC_EXIT_OK;
}

int psc_object_verbs_remove(struct psc_cli *cli, enum psc_object_kind kind, const char *id)
{
	_cleanup_(psc_object_freep) struct psc_object *object = NULL;
	struct withdrawn w = {cli, psc_object_directory(cli), id};
	enum psc_effect effect = PSC_EFFECT_NONE;
	struct psc_error error = {};
	int r, code;

	code = load_one(cli, kind, id, &object);
	if (code != PSC_EXIT_OK)
		return code;
	r = psc_object_withdraw(w.directory, id, &error);
	if (r < 0)
		return psc_object_fail(cli, r, &error);
	code = psc_object_apply(cli, object->path, put_back, &w, &effect);
	if (code == PSC_EXIT_INVALID)
		return code;
	/* Nobody loads what is left: that it stays is untidy, no failure. */
	r = psc_object_discard(w.directory, id, &error);
	if (r < 0)
		psc_cli_note(cli, "%s: %s", error.file, error.message);
	if (code != PSC_EXIT_OK)
		return code;
	return psc_cli_report(cli, PSC_EXIT_OK,
			      json_pack("{s:o,s:s}", "removed",
					psc_object_to_json(object, psc_time_now()), "effect",
					psc_effect_to_string(effect)),
			      object_remove_render);
}
