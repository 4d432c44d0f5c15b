/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_list_add.c - `proscribe list add FILE|DIGEST`.
 */
#include <errno.h>

#include "user/cli/lists.h"
#include "user/cli/output.h"
#include "user/core/config.h"
#include "user/core/json.h"
#include "user/core/paths.h"

static void add_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *entry = json_object_get(data, "entry");
	bool added = json_is_true(json_object_get(data, "added"));

	fputs(added ? "added" : "already listed:", out);
	fprintf(out, " %s:%s", psc_json_text(entry, "algo", "?"),
		psc_json_text(entry, "digest", "?"));
	if (psc_json_text(entry, "name", NULL)) {
		fputs(" ", out);
		psc_output_text(out, psc_json_text(entry, "name", ""));
	}
	fputs(added ? " to " : " in ", out);
	psc_output_text(out, psc_json_text(data, "file", "?"));
	if (!added)
		fprintf(out, ":%" JSON_INTEGER_FORMAT, psc_json_number(entry, "line", 0));
	fputc('\n', out);
}

/* Options over what the file told. */
static int entry_fill(struct psc_cli *cli, const struct psc_target *target,
		      struct psc_list_entry *entry)
{
	const char *size = psc_cli_option(cli, "size");
	const char *format = psc_cli_option(cli, "format");
	const char *name = psc_cli_option(cli, "name");

	*entry = (struct psc_list_entry){
		.algo = target->algo,
		.digest = target->digest,
		.digest_size = psc_algo_size(target->algo),
		.has_size = target->has_size,
		.size = target->size,
		.format = target->format,
		.name = name ? name : target->name,
		.product = psc_cli_option(cli, "product"),
		.version = psc_cli_option(cli, "version"),
		.source = psc_cli_option(cli, "source"),
	};
	if (size && target->is_file)
		return psc_cli_usage(cli, "--size is for a DIGEST; the file tells its own");
	if (size && psc_size_from_string(size, &entry->size) < 0)
		return psc_cli_usage(cli, "'%s' is no size in bytes", size);
	entry->has_size = entry->has_size || size;
	if (format && psc_format_from_string(format, &entry->format) < 0)
		return psc_cli_usage(
			cli, "'%s' is no format: elf, script, pe, deb, rpm, archive, any", format);
	return PSC_EXIT_OK;
}

static void add_remarks(struct psc_cli *cli, const struct psc_list_entry *entry)
{
	if (entry->algo != PSC_ALGO_SHA256)
		psc_cli_note(cli, "%s is not enforceable: the kernel computes sha256 only",
			     psc_algo_to_string(entry->algo));
	else if (psc_list_entry_enforce(entry) != PSC_LIST_ENFORCEABLE)
		psc_cli_note(cli, "not enforceable: files of 4 GiB and more are not digested");
	else if (!entry->has_size && psc_format_forces_hashing(entry->format))
		psc_cli_note(cli, "without --size the kernel has to digest everything that is "
				  "executed, once each; give the size if you know it");
}

static int add_report(struct psc_cli *cli, bool added, const char *file, json_t *entry,
		      enum psc_effect effect)
{
	return psc_cli_report(cli, PSC_EXIT_OK,
			      json_pack("{s:b,s:o,s:o,s:s}", "added", added, "file",
					psc_json_safe(file), "entry", entry, "effect",
					psc_effect_to_string(effect)),
			      add_render);
}

static int already_listed(struct psc_cli *cli, const struct psc_list *list,
			  const struct psc_list_entry *entry)
{
	struct psc_list_file file = {.path = "?"};

	psc_list_file(list, entry->file, &file);
	return add_report(cli, false, file.path, psc_list_entry_to_json(list, entry),
			  PSC_EFFECT_NONE);
}

static int add_entry(struct psc_cli *cli, const char *directory, const struct psc_list_entry *entry)
{
	_cleanup_(psc_list_backup_freep) struct psc_list_backup *backup = NULL;
	_cleanup_(psc_list_freep) struct psc_list *additions = NULL;
	_cleanup_free_ char *path = NULL;
	enum psc_effect effect = PSC_EFFECT_NONE;
	struct psc_list_entry added;
	struct psc_error error = {};
	size_t count = 0;
	int r;

	r = psc_lists_path(cli, directory, PSC_LIST_LOCAL, &path);
	if (r != PSC_EXIT_OK)
		return r;
	r = psc_list_new(&additions);
	if (r == 0)
		r = psc_list_append(additions, entry, &error);
	if (r == 0)
		r = psc_list_file_add(path, additions, &count, &backup, &error);
	if (r < 0)
		return psc_lists_fail(cli, path, r, &error);
	if (count > 0) {
		r = psc_lists_apply(cli, path, backup, &effect);
		if (r != PSC_EXIT_OK)
			return r;
	}
	add_remarks(cli, entry);
	psc_list_get(additions, 0, &added);
	return add_report(cli, count > 0, path, psc_list_entry_to_json(additions, &added), effect);
}

static int list_add_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_target_clear) struct psc_target target = {};
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	_cleanup_free_ char *directory = NULL;
	struct psc_list_entry entry, found;
	int r;

	r = psc_target_read(cli, argv[0], &target);
	if (r == PSC_EXIT_OK)
		r = entry_fill(cli, &target, &entry);
	if (r == PSC_EXIT_OK)
		r = psc_lists_directory(cli, &directory);
	if (r == PSC_EXIT_OK)
		r = psc_lists_ensure(cli, directory);
	if (r == PSC_EXIT_OK)
		r = psc_lists_load(cli, directory, false, &list);
	if (r != PSC_EXIT_OK)
		return r;
	if (psc_list_find_algo(list, entry.algo, entry.digest, &found) == 0)
		return already_listed(cli, list, &found);
	return add_entry(cli, directory, &entry);
}

static const struct psc_option list_add_options[] = {
	{"size", "BYTES", "size of the content, when only its digest is known"},
	{"format", "FORMAT", "elf, script, pe, deb, rpm, archive or any"},
	{"name", "NAME", "name of the file (default: its base name)"},
	{"product", "PRODUCT", "product that it belongs to"},
	{"version", "VERSION", "version of the product"},
	{"source", "SOURCE", "where this is known from"},
	PSC_OPTION_LISTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_list_add = {
	.name = "list add",
	.run = list_add_run,
	.least_arguments = 1,
	.most_arguments = 1,
	.arguments = "FILE|DIGEST",
	.summary = "Lists a file, or content of which only the digest is known",
	.options = list_add_options,
	.help = "Writes " PSC_LIST_LOCAL " in the lists directory, durably, and has the daemon\n"
		"reload. When the daemon refuses, the file becomes what it was. Does nothing when\n"
		"a list has the digest already.\n\n"
		"Examples:\n"
		"  proscribe list add /opt/tool/bin/tool --product 'Some Tool' --source ticket-12\n"
		"  proscribe list add 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 \\\n"
		"    --size 6 --format script\n",
};
