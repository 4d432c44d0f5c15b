/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_policy_diff.c - `proscribe policy diff OLD NEW`: what changes from one profile to
 * another, or from one compiled policy to another. Works without daemon and root, but for the
 * policy that is in force, which only root can read.
 */
#include <errno.h>
#include <fcntl.h>

#include "user/cli/policy_diff.h"
#include "user/core/hex.h"
#include "user/core/image_file.h"

#define DIFF_ACTIVE "active"

/* One of the two: a profile or a compiled policy. */
struct diff_side {
	struct psc_profile *profile;
	struct psc_image *image;
	char *path;
	uint8_t digest[PSC_DIGEST_SIZE];
};

static void diff_side_clear(struct diff_side *side)
{
	psc_profile_free(side->profile);
	psc_image_free(side->image);
	free(side->path);
}

/* Text begins otherwise: a profile has neither this nor a NUL in it. */
static bool diff_is_compiled(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char head[16];
	ssize_t size = fd < 0 ? -1 : read(fd, head, sizeof(head));

	return size == (ssize_t)sizeof(head) && memchr(head, '\0', sizeof(head));
}

static int diff_load(struct psc_cli *cli, const char *name, struct diff_side *ret)
{
	struct psc_policy_places places = psc_policy_places_given(cli);
	const char *path = strcmp(name, DIFF_ACTIVE) == 0 ? PSC_PATH_ACTIVE : name;
	struct psc_error error = {0};
	int r;

	if (path != name || diff_is_compiled(path)) {
		r = psc_image_load(path, &ret->image, ret->digest, &error);
	} else {
		r = psc_policy_find(&places, name, &ret->profile, &error);
		if (r >= 0)
			memcpy(ret->digest, ret->profile->digest, PSC_DIGEST_SIZE);
	}
	if (r >= 0) {
		ret->path = strdup(ret->profile ? ret->profile->path : path);
		return ret->path ? PSC_EXIT_OK
				 : psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	}
	/* diff(1) leaves 1 for "different" */
	psc_policy_fail(cli, r, &error);
	return PSC_EXIT_INVALID;
}

/* ---- profiles ------------------------------------------------------------------------------ */

static const struct {
	const char *member; /* of the profile's JSON */
	const char *id;	    /* of its items */
} diff_lists[] = {
	{"phases", "phase"}, {"clauses", "clause"}, {"rules", "rule"},
	{"exempt", "class"}, {"reports", "report"},
};

static bool diff_is_list(const char *member)
{
	for (size_t i = 0; i < ARRAY_SIZE(diff_lists); i++) {
		if (strcmp(diff_lists[i].member, member) == 0)
			return true;
	}
	return false;
}

/* Members that differ; either may be NULL. */
static json_t *diff_fields(const json_t *old, const json_t *new, const char *id)
{
	const json_t *any = new ?: old;
	json_t *fields = json_array(), *value;
	const char *key;

	json_object_foreach((json_t *)any, key, value) {
		json_t *a = json_object_get(old, key), *b = json_object_get(new, key);

		if (strcmp(key, id) == 0 || diff_is_list(key) || (a && b && json_equal(a, b)))
			continue;
		json_array_append_new(
			fields, json_pack("{s:s,s:O?,s:O?}", "field", key, "old", a, "new", b));
	}
	return fields;
}

static void diff_change(json_t *changes, const char *what, const char *id, const char *change,
			json_t *fields)
{
	json_array_append_new(changes, json_pack("{s:s,s:s,s:s,s:o}", "what", what, "id", id,
						 "change", change, "fields", fields));
}

static const json_t *diff_item(const json_t *list, const char *key, const char *id)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		if (strcmp(psc_json_text(item, key, ""), id) == 0)
			return item;
	}
	return NULL;
}

/* The next item of @list from *@at on that the other list has as well. */
static const char *diff_common(const json_t *list, const json_t *other, const char *key, size_t *at)
{
	while (*at < json_array_size(list)) {
		const char *id = psc_json_text(json_array_get(list, (*at)++), key, "");

		if (diff_item(other, key, id))
			return id;
	}
	return NULL;
}

/* The first of several rules that are as strict is the one that is named: order matters. */
static void diff_order(const json_t *old, const json_t *new, const char *key, json_t *changes)
{
	size_t i = 0, k = 0;
	const char *a, *b;

	while ((a = diff_common(old, new, key, &i)) && (b = diff_common(new, old, key, &k))) {
		if (strcmp(a, b) != 0) {
			diff_change(changes, key, b, "moved", json_array());
			return;
		}
	}
}

static void diff_list(const json_t *old, const json_t *new, const char *key, json_t *changes)
{
	const json_t *item;
	size_t i;

	json_array_foreach(old, i, item) {
		const char *id = psc_json_text(item, key, "");
		const json_t *other = diff_item(new, key, id);
		json_t *fields = diff_fields(item, other, key);

		if (json_array_size(fields))
			diff_change(changes, key, id, other ? "changed" : "removed", fields);
		else
			json_decref(fields);
	}
	json_array_foreach(new, i, item) {
		const char *id = psc_json_text(item, key, "");

		if (!diff_item(old, key, id))
			diff_change(changes, key, id, "added", diff_fields(NULL, item, key));
	}
	diff_order(old, new, key, changes);
}

static json_t *diff_profiles(const struct psc_profile *old, const struct psc_profile *new)
{
	_cleanup_json_ json_t *a = psc_policy_profile_json(old), *b = psc_policy_profile_json(new);
	json_t *changes = json_array(), *fields = diff_fields(a, b, "");

	if (!a || !b || !changes)
		return NULL;
	if (json_array_size(fields))
		diff_change(changes, "profile", new->id, "changed", fields);
	else
		json_decref(fields);
	for (size_t i = 0; i < ARRAY_SIZE(diff_lists); i++)
		diff_list(json_object_get(a, diff_lists[i].member),
			  json_object_get(b, diff_lists[i].member), diff_lists[i].id, changes);
	return json_pack("{s:o}", "changes", changes);
}

/* ---- output -------------------------------------------------------------------------------- */

static void diff_render_value(FILE *out, const char *before, const char *field, const json_t *value)
{
	_cleanup_free_ char *text = NULL;

	if (!value || json_is_null(value))
		return;
	if (!json_is_string(value))
		text = json_dumps(value, JSON_ENCODE_ANY);
	fprintf(out, "    %s %s: ", before, field);
	psc_output_wrapped_from(out, 8 + psc_output_width(field), 8,
				text ? text : json_string_value(value));
}

static const char *diff_sign(const char *change)
{
	if (strcmp(change, "added") == 0)
		return "+";
	return strcmp(change, "removed") == 0 ? "-" : "~";
}

static enum psc_tone diff_tone(const char *change)
{
	if (strcmp(change, "added") == 0)
		return PSC_TONE_GOOD;
	return strcmp(change, "removed") == 0 ? PSC_TONE_BAD : PSC_TONE_DOUBT;
}

static void diff_render_change(FILE *out, const json_t *change, bool colour)
{
	const char *kind = psc_json_text(change, "change", "?");
	const json_t *field;
	size_t i;

	psc_output_toned(out, colour, diff_tone(kind), diff_sign(kind));
	fprintf(out, " %s %s: %s\n", psc_json_text(change, "what", "?"),
		psc_json_text(change, "id", "?"), kind);
	json_array_foreach(psc_json_at(change, "fields"), i, field) {
		const char *name = psc_json_text(field, "field", "?");

		diff_render_value(out, "-", name, psc_json_at(field, "old"));
		diff_render_value(out, "+", name, psc_json_at(field, "new"));
	}
}

static void diff_render_settings(FILE *out, const json_t *data)
{
	static const char *const kinds[][2] = {{"removed", "-"}, {"added", "+"}};
	const json_t *item;
	size_t i;

	json_array_foreach(psc_json_at(data, "settings"), i, item) {
		fprintf(out, "~ %s\n", psc_json_text(item, "name", "?"));
		diff_render_value(out, "-", "was", psc_json_at(item, "old"));
		diff_render_value(out, "+", "is", psc_json_at(item, "new"));
	}
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		json_array_foreach(psc_json_at(psc_json_at(data, "instants"), kinds[k][0]), i, item)
			fprintf(out, "%s instant %s\n", kinds[k][1], json_string_value(item));
	}
	if (psc_json_number(data, "digests.added", 0) ||
	    psc_json_number(data, "digests.removed", 0) ||
	    psc_json_number(data, "digests.moved", 0))
		fprintf(out,
			"~ digests: %" JSON_INTEGER_FORMAT " added, %" JSON_INTEGER_FORMAT
			" removed, %" JSON_INTEGER_FORMAT " of another product or size\n",
			psc_json_number(data, "digests.added", 0),
			psc_json_number(data, "digests.removed", 0),
			psc_json_number(data, "digests.moved", 0));
}

static bool diff_same_cell(const json_t *a, const json_t *b)
{
	static const char *const members[] = {"from", "until", "old", "new", "old_by", "new_by"};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (!json_equal(psc_json_at(a, members[i]), psc_json_at(b, members[i])))
			return false;
	}
	return true;
}

/* "exec, load: deny -> allow, from ... until ..."; the caller frees it. */
static char *diff_cell_text(const json_t *cells, const json_t *cell)
{
	const char *old = psc_json_text(cell, "old", "?"), *new = psc_json_text(cell, "new", "?");
	const char *from = psc_json_text(cell, "from", NULL);
	const char *until = psc_json_text(cell, "until", NULL);
	const char *before = "";
	const json_t *other;
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	json_array_foreach(cells, i, other) {
		if (!diff_same_cell(other, cell))
			continue;
		fprintf(out, "%s%s", before, psc_json_text(other, "operation", "?"));
		before = ", ";
	}
	fprintf(out, ": %s%s%s", old, strcmp(old, new) ? " -> " : ", for other reasons",
		strcmp(old, new) ? new : "");
	fprintf(out, "%s%s%s%s", from ? ", from " : "", from ? from : "", until ? " until " : "",
		until ? until : "");
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Operations to which the same happens stand together, at the first of them. */
static void diff_render_cell(FILE *out, const json_t *cells, size_t first)
{
	const json_t *cell = json_array_get(cells, first);
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < first; i++) {
		if (diff_same_cell(json_array_get(cells, i), cell))
			return;
	}
	text = diff_cell_text(cells, cell);
	fputs("    ", out);
	psc_output_wrapped(out, 6, text ? text : "?");
	fprintf(out, "      - %s\n      + %s\n", psc_json_text(cell, "old_by", "?"),
		psc_json_text(cell, "new_by", "?"));
}

static void diff_render_subject(FILE *out, const json_t *subject, bool colour)
{
	const json_t *digests = psc_json_at(subject, "digests");
	const json_t *cells = psc_json_at(subject, "cells");
	const char *kind = psc_json_text(subject, "change", "?");

	psc_output_toned(out, colour, diff_tone(kind), diff_sign(kind));
	fprintf(out, " %s%s: %s, %" JSON_INTEGER_FORMAT " -> %" JSON_INTEGER_FORMAT " digests\n",
		psc_json_text(subject, "product", "?"),
		json_is_true(psc_json_at(subject, "site")) ? " (in the site's lists)" : "", kind,
		json_integer_value(json_array_get(digests, 0)),
		json_integer_value(json_array_get(digests, 1)));
	for (size_t i = 0; i < json_array_size(cells); i++)
		diff_render_cell(out, cells, i);
}

static void diff_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *item;
	size_t i;

	fprintf(out, "- %s\n    sha256 %s\n+ %s\n    sha256 %s\n",
		psc_json_text(data, "old.path", "?"), psc_json_text(data, "old.sha256", "?"),
		psc_json_text(data, "new.path", "?"), psc_json_text(data, "new.sha256", "?"));
	json_array_foreach(psc_json_at(data, "changes"), i, item)
		diff_render_change(out, item, colour);
	diff_render_settings(out, data);
	json_array_foreach(psc_json_at(data, "subjects"), i, item)
		diff_render_subject(out, item, colour);
	fprintf(out, "%s\n", psc_json_text(data, "result", "?"));
}

/* ---- the verb ------------------------------------------------------------------------------ */

static json_t *diff_side_json(const struct diff_side *side)
{
	char hex[2 * PSC_DIGEST_SIZE + 1];

	psc_hex_encode(side->digest, PSC_DIGEST_SIZE, hex);
	return json_pack("{s:o,s:s}", "path", psc_json_safe(side->path), "sha256", hex);
}

/* Whether anything is in the answer that decides or explains. */
static bool diff_found(const json_t *data)
{
	return json_array_size(psc_json_at(data, "changes")) ||
	       json_array_size(psc_json_at(data, "settings")) ||
	       json_array_size(psc_json_at(data, "subjects")) ||
	       json_array_size(psc_json_at(data, "instants.added")) ||
	       json_array_size(psc_json_at(data, "instants.removed")) ||
	       psc_json_number(data, "digests.moved", 0);
}

static int diff_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(diff_side_clear) struct diff_side old = {0}, new = {0};
	const char *result = "different";
	json_t *data;
	bool same;
	int r;

	r = diff_load(cli, argv[0], &old);
	if (r == PSC_EXIT_OK)
		r = diff_load(cli, argv[1], &new);
	if (r != PSC_EXIT_OK)
		return r;
	if (!old.profile != !new.profile)
		return psc_cli_fail(cli, PSC_EXIT_INVALID,
				    "compile it: proscribe policy check --output FILE",
				    "one is a profile, the other a compiled policy");
	same = memcmp(old.digest, new.digest, PSC_DIGEST_SIZE) == 0;
	data = old.profile ? diff_profiles(old.profile, new.profile)
			   : psc_policy_diff_images(old.image, new.image);
	if (!data)
		return psc_cli_report(cli, PSC_EXIT_FAILED, NULL, diff_render);
	if (same || (old.profile && !diff_found(data)))
		result = same ? "equal" : "equal but for comments and layout";
	else if (!diff_found(data))
		result = "different, but in nothing that decides";
	json_object_set_new(data, "old", diff_side_json(&old));
	json_object_set_new(data, "new", diff_side_json(&new));
	json_object_set_new(data, "result", json_string(result));
	return psc_cli_report(cli, strncmp(result, "equal", 5) == 0 ? PSC_EXIT_OK : PSC_EXIT_FAILED,
			      data, diff_render);
}

static const struct psc_option diff_options[] = {
	PSC_POLICY_OPTIONS_PROFILES,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_policy_diff = {
	.name = "policy diff",
	.run = diff_run,
	.least_arguments = 2,
	.most_arguments = 2,
	.arguments = "OLD NEW",
	.summary = "Says what changes from one profile or compiled policy to another",
	.options = diff_options,
	.help = "OLD and NEW are two profiles (id or file), or two compiled policies: files that\n"
		"'proscribe policy check --output' wrote, or 'active' for the one in force, which\n"
		"root can read. For compiled ones it says which products are treated otherwise, from\n"
		"when until when, by operation.\n\n"
		"Exit status as of diff(1): 0 equal, 1 different; 4 when one is not understood.\n\n"
		"Examples:\n"
		"  proscribe policy diff us-bod-17-01 ./draft/us-bod-17-01.yaml\n"
		"  proscribe policy check --output /tmp/new.bin &&\n"
		"    proscribe policy diff active /tmp/new.bin\n",
};
