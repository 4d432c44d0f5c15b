/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_digest.c - `proscribe digest FILE...`: what the kernel would compute for a file,
 * and whether a list has it. Works without daemon and root.
 */
#include <errno.h>

#include "user/cli/lists.h"
#include "user/cli/output.h"
#include "user/core/escape.h"
#include "user/core/hex.h"
#include "user/core/paths.h"

static json_t *digest_one(const struct psc_list *list, const char *path,
			  const struct psc_target *target, bool *ret_listed)
{
	_cleanup_free_ char *safe_path = psc_escape_string(path);
	char hex[2 * PSC_DIGEST_SIZE + 1];
	struct psc_list_entry entry;
	json_t *file;
	bool listed = psc_list_find(list, target->digest, &entry) == 0;

	psc_hex_encode(target->digest, PSC_DIGEST_SIZE, hex);
	file = json_pack("{s:s,s:s,s:I,s:s,s:b}", "path", safe_path ? safe_path : "", "sha256", hex,
			 "size", (json_int_t)target->size, "format",
			 psc_format_to_string(target->format), "listed", listed);
	if (file && listed) {
		json_object_set_new(file, "entry", psc_list_entry_to_json(list, &entry));
		/* The kernel looks at the size first, so such an entry never matches. */
		if (entry.has_size && entry.size != target->size)
			json_object_set_new(file, "size_mismatch", json_true());
	}
	*ret_listed = *ret_listed || listed;
	return file;
}

static void digest_render_entry(FILE *out, const json_t *file)
{
	static const struct {
		const char *path;
		const char *before;
	} parts[] = {
		{"entry.product", ": "},
		{"entry.name", ", "},
		{"entry.version", " "},
		{"entry.source", ", from "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const char *text = psc_json_text(file, parts[i].path, NULL);

		if (!text)
			continue;
		fputs(parts[i].before, out);
		psc_output_text(out, text);
	}
	fputs(" (", out);
	psc_output_text(out, psc_json_text(file, "entry.file", "?"));
	fprintf(out, ":%" JSON_INTEGER_FORMAT ")", psc_json_number(file, "entry.line", 0));
	if (json_is_true(psc_json_at(file, "size_mismatch")))
		fprintf(out,
			"\n          listed with size %" JSON_INTEGER_FORMAT
			", so the kernel will not match it: correct the list",
			psc_json_number(file, "entry.size", 0));
}

static void digest_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *files = json_object_get(data, "files"), *file;
	size_t i;

	json_array_foreach(files, i, file) {
		bool listed = json_is_true(psc_json_at(file, "listed"));

		psc_output_toned(out, colour, PSC_TONE_STRONG, psc_json_text(file, "path", "?"));
		fprintf(out, "\n  sha256  %s", psc_json_text(file, "sha256", "?"));
		fprintf(out, "\n  size    %" JSON_INTEGER_FORMAT "\n  format  %s\n  list    ",
			psc_json_number(file, "size", 0), psc_json_text(file, "format", "?"));
		psc_output_toned(out, colour, listed ? PSC_TONE_BAD : PSC_TONE_GOOD,
				 listed ? "LISTED" : "not listed");
		if (listed)
			digest_render_entry(out, file);
		fputc('\n', out);
	}
}

static void digest_failed(struct psc_cli *cli, const char *path, int error, json_t *errors)
{
	_cleanup_free_ char *safe_path = psc_escape_string(path);
	const char *why = error == -EINVAL ? "not a regular file" : strerror(-error);

	psc_cli_note(cli, "%s: %s", safe_path ? safe_path : "?", why);
	json_array_append_new(errors, json_pack("{s:s*,s:s}", "file", safe_path, "message", why));
}

/* A file that cannot be read does not keep the others from being looked at. */
static int digest_all(struct psc_cli *cli, const struct psc_list *list, int count, char **paths,
		      json_t *data)
{
	json_t *files = json_object_get(data, "files");
	json_t *errors = json_object_get(data, "errors");
	bool listed = false;

	for (int i = 0; i < count; i++) {
		_cleanup_(psc_target_clear) struct psc_target target = {};
		int r = psc_target_read_file(paths[i], &target);

		if (r < 0)
			digest_failed(cli, paths[i], r, errors);
		else if (json_array_append_new(files,
					       digest_one(list, paths[i], &target, &listed)) < 0)
			digest_failed(cli, paths[i], -ENOMEM, errors);
	}
	if (listed)
		return PSC_EXIT_LISTED;
	return json_array_size(errors) ? PSC_EXIT_FAILED : PSC_EXIT_OK;
}

static int digest_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	_cleanup_free_ char *directory = NULL, *safe_directory = NULL;
	json_t *data;
	int r;

	r = psc_lists_directory(cli, &directory);
	if (r == PSC_EXIT_OK)
		r = psc_lists_load(cli, directory, !psc_cli_option(cli, "lists"), &list);
	if (r != PSC_EXIT_OK)
		return r;
	if (psc_list_count(list) == 0)
		psc_cli_note(cli, "no list in %s has an entry", directory);
	safe_directory = psc_escape_string(directory);
	data = json_pack("{s:s*,s:[],s:[]}", "lists", safe_directory, "files", "errors");
	r = digest_all(cli, list, argc, argv, data);
	return psc_cli_report(cli, r, data, digest_render);
}

static const struct psc_option digest_options[] = {PSC_OPTION_LISTS, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_digest = {
	.name = "digest",
	.run = digest_run,
	.least_arguments = 1,
	.most_arguments = -1,
	.arguments = "FILE...",
	.summary = "Prints digest, size and format of files, and whether a list has them",
	.options = digest_options,
	.help = "Computes what the kernel computes when the file is executed or opened. Needs\n"
		"neither the daemon nor root. Exit status 5: at least one file is listed.\n\n"
		"Examples:\n"
		"  proscribe digest /usr/bin/ls\n"
		"  proscribe digest --lists ./lists.d *.rpm || echo listed, or not readable\n",
};
