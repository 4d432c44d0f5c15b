/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_list_remove.c - `proscribe list remove FILE|DIGEST`.
 */
#include "user/cli/lists.h"
#include "user/cli/output.h"
#include "user/core/json.h"
#include "user/core/paths.h"

static void remove_render(FILE *out, const json_t *data, bool colour)
{
	fprintf(out, "removed %s from ", psc_json_text(data, "digest", "?"));
	psc_output_text(out, psc_json_text(data, "file", "?"));
	fputc('\n', out);
	if (psc_json_text(data, "still_in", NULL)) {
		fputs("still listed in ", out);
		psc_output_text(out, psc_json_text(data, "still_in", ""));
		fputc('\n', out);
	}
}

/* Where a list still has the digest, "file:line", or NULL. */
static char *still_listed(const struct psc_list *list, const struct psc_target *target)
{
	struct psc_list_file file = {.path = "?"};
	struct psc_list_entry found;
	char *text = NULL;

	if (!list || psc_list_find_algo(list, target->algo, target->digest, &found) < 0)
		return NULL;
	psc_list_file(list, found.file, &file);
	return asprintf(&text, "%s:%u", file.path, found.line) < 0 ? NULL : text;
}

static int not_there(struct psc_cli *cli, const char *path, const char *digest,
		     const char *elsewhere)
{
	if (elsewhere)
		return psc_cli_fail(cli, PSC_EXIT_FAILED,
				    "name that list with --from, or edit the file and reload",
				    "%s is not in %s but in %s", digest, path, elsewhere);
	return psc_cli_fail(cli, PSC_EXIT_FAILED, "see 'proscribe list show'", "%s is not listed",
			    digest);
}

static int remove_target(struct psc_cli *cli, const char *directory, const char *path,
			 const struct psc_target *target)
{
	_cleanup_(psc_list_backup_freep) struct psc_list_backup *backup = NULL;
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	_cleanup_free_ char *digest = psc_target_text(target->algo, target->digest);
	_cleanup_free_ char *elsewhere = NULL;
	enum psc_effect effect = PSC_EFFECT_NONE;
	struct psc_error error = {};
	size_t removed = 0;
	int r;

	r = psc_list_file_remove(path, target->algo, target->digest, &removed, &backup, &error);
	if (r < 0)
		return psc_lists_fail(cli, path, r, &error);
	if (removed > 0) {
		r = psc_lists_apply(cli, path, backup, &effect);
		if (r != PSC_EXIT_OK)
			return r;
	}
	r = psc_lists_load(cli, directory, true, &list);
	if (r != PSC_EXIT_OK)
		return r;
	elsewhere = still_listed(list, target);
	if (removed == 0)
		return not_there(cli, path, digest ? digest : "?", elsewhere);
	return psc_cli_report(cli, PSC_EXIT_OK,
			      json_pack("{s:I,s:s*,s:o,s:o*,s:s}", "removed", (json_int_t)removed,
					"digest", digest, "file", psc_json_safe(path), "still_in",
					psc_json_safe(elsewhere), "effect",
					psc_effect_to_string(effect)),
			      remove_render);
}

static int list_remove_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_target_clear) struct psc_target target = {};
	_cleanup_free_ char *directory = NULL, *path = NULL;
	const char *from = psc_cli_option(cli, "from");
	bool found = from && strcmp(from, PSC_LIST_FOUND) == 0;
	int r;

	r = psc_target_read(cli, argv[0], &target);
	if (r == PSC_EXIT_OK)
		r = psc_lists_directory(cli, &directory);
	if (r == PSC_EXIT_OK && found && !(path = strdup(PSC_PATH_FOUND)))
		r = psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	if (r == PSC_EXIT_OK && !found)
		r = psc_lists_path(cli, directory, from ? from : PSC_LIST_LOCAL, &path);
	if (r != PSC_EXIT_OK)
		return r;
	return remove_target(cli, directory, path, &target);
}

static const struct psc_option list_remove_options[] = {
	{"from", "NAME", "list to remove it from (default: local; found: what the daemon found)"},
	PSC_OPTION_LISTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_list_remove = {
	.name = "list remove",
	.run = list_remove_run,
	.least_arguments = 1,
	.most_arguments = 1,
	.arguments = "FILE|DIGEST",
	.summary = "Takes a file or digest from a list",
	.options = list_remove_options,
	.help = "Removes it from " PSC_LIST_LOCAL " and has the daemon reload. Exit status 1\n"
		"when it is not there; another list that has it is named then. What the daemon\n"
		"found by itself is removed with --from found; it comes back as long as the\n"
		"file is there and recognised (see resolver in proscribe.yaml(5)).\n\n"
		"Examples:\n"
		"  proscribe list remove /opt/tool/bin/tool\n"
		"  proscribe list remove --from imported \\\n"
		"    5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\n",
};
