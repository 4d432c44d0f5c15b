/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_list_import.c - `proscribe list import`: CSV or lines of sha256sum, of a file or on
 * standard input, become a list file.
 */
#include <errno.h>

#include "user/cli/lists.h"
#include "user/cli/output.h"
#include "user/core/json.h"
#include "user/core/paths.h"

#define INPUT_NAME "standard input"
#define INPUT_MAX  (1UL << 30)

static void import_render(FILE *out, const json_t *data, bool colour)
{
	json_int_t read = psc_json_number(data, "read", 0);
	json_int_t added = psc_json_number(data, "added", 0);

	psc_output_count(out, read, "entry", "entries");
	fprintf(out, " read, %" JSON_INTEGER_FORMAT " added to ", added);
	psc_output_text(out, psc_json_text(data, "file", "?"));
	if (added < read)
		fprintf(out, ", %" JSON_INTEGER_FORMAT " there already", read - added);
	fputc('\n', out);
}

/* All of @in: *@ret is to be freed. -E2BIG above INPUT_MAX. */
static int read_all(FILE *in, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0, capacity = 0;

	for (;;) {
		size_t n;

		if (size == capacity) {
			char *grown;

			capacity = capacity ? 2 * capacity : 1 << 16;
			if (capacity > INPUT_MAX)
				return -E2BIG;
			grown = realloc(data, capacity);
			if (!grown)
				return -ENOMEM;
			data = grown;
		}
		n = fread(data + size, 1, capacity - size, in);
		size += n;
		if (n == 0)
			break;
	}
	if (ferror(in))
		return -EIO;
	*ret = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

static int read_file(const char *path, char **ret, size_t *ret_size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	return file ? read_all(file, ret, ret_size) : -errno;
}

/* The list header, on the first line that is neither blank nor a comment, tells CSV. */
static bool is_csv(const char *data, size_t size)
{
	const size_t header = sizeof(PSC_LIST_HEADER) - 1;

	while (size > 0) {
		const char *newline = memchr(data, '\n', size);
		size_t length = newline ? (size_t)(newline - data) : size;
		size_t text = length > 0 && data[length - 1] == '\r' ? length - 1 : length;

		if (text > 0 && data[0] != '#')
			return text >= 5 &&
			       memcmp(data, PSC_LIST_HEADER, text < header ? 5 : header) == 0;
		data += length + (newline ? 1 : 0);
		size -= length + (newline ? 1 : 0);
	}
	return false;
}

/* A copy of @list in which entries without a product have @product. */
static int with_product(const struct psc_list *list, const char *product, struct psc_list **ret,
			struct psc_error *error)
{
	_cleanup_(psc_list_freep) struct psc_list *copy = NULL;
	struct psc_list_entry entry;
	int r;

	r = psc_list_new(&copy);
	for (size_t i = 0; r == 0 && psc_list_get(list, i, &entry) == 0; i++) {
		if (!*entry.product)
			entry.product = product;
		r = psc_list_append(copy, &entry, error);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(copy);
	return 0;
}

static int parse_input(const char *from, const char *data, size_t size, const char *product,
		       struct psc_list **ret, struct psc_error *error)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	int r;

	r = psc_list_new(&list);
	if (r < 0)
		return r;
	if (is_csv(data, size))
		r = psc_list_parse(list, from, data, size, error);
	else
		r = psc_list_parse_sha256sum(list, from, data, size, error);
	if (r < 0)
		return r;
	if (product)
		return with_product(list, product, ret, error);
	*ret = TAKE_PTR(list);
	return 0;
}

/* Those that have the kernel digest whatever runs. */
static size_t count_costly(const struct psc_list *list)
{
	struct psc_list_entry entry;
	size_t count = 0;

	for (size_t i = 0; psc_list_get(list, i, &entry) == 0; i++)
		count += !entry.has_size && psc_format_forces_hashing(entry.format) &&
			 psc_list_entry_enforce(&entry) == PSC_LIST_ENFORCEABLE;
	return count;
}

static void import_remarks(struct psc_cli *cli, const struct psc_list *list)
{
	struct psc_list_counts counts;
	size_t costly = count_costly(list);

	psc_list_get_counts(list, &counts);
	if (counts.enforceable < counts.entries)
		psc_cli_note(cli,
			     "%zu of them cannot be enforced: the kernel computes sha256 only, "
			     "of files below 4 GiB",
			     counts.entries - counts.enforceable);
	if (costly)
		psc_cli_note(cli,
			     "%zu have no size: the kernel has to digest everything that is "
			     "executed, once each",
			     costly);
}

static int import_into(struct psc_cli *cli, const char *path, const struct psc_list *list)
{
	_cleanup_(psc_list_backup_freep) struct psc_list_backup *backup = NULL;
	enum psc_effect effect = PSC_EFFECT_NONE;
	struct psc_error error = {};
	size_t added = 0;
	int r;

	r = psc_list_file_add(path, list, &added, &backup, &error);
	if (r < 0)
		return psc_lists_fail(cli, path, r, &error);
	if (added > 0) {
		r = psc_lists_apply(cli, path, backup, &effect);
		if (r != PSC_EXIT_OK)
			return r;
	}
	import_remarks(cli, list);
	return psc_cli_report(cli, PSC_EXIT_OK,
			      json_pack("{s:o,s:I,s:I,s:s}", "file", psc_json_safe(path), "read",
					(json_int_t)psc_list_count(list), "added",
					(json_int_t)added, "effect", psc_effect_to_string(effect)),
			      import_render);
}

static int list_import_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	_cleanup_free_ char *directory = NULL, *path = NULL, *data = NULL;
	const char *name = psc_cli_option(cli, "name");
	bool is_file = argc && strcmp(argv[0], "-") != 0;
	const char *from = is_file ? argv[0] : INPUT_NAME;
	struct psc_error error = {};
	size_t size = 0;
	int r;

	r = psc_lists_directory(cli, &directory);
	if (r == PSC_EXIT_OK)
		r = psc_lists_path(cli, directory, name ? name : PSC_LIST_IMPORTED, &path);
	if (r == PSC_EXIT_OK)
		r = psc_lists_ensure(cli, directory);
	if (r != PSC_EXIT_OK)
		return r;
	r = is_file ? read_file(argv[0], &data, &size) : read_all(stdin, &data, &size);
	if (r == 0)
		r = parse_input(from, data, size, psc_cli_option(cli, "product"), &list, &error);
	if (r < 0)
		return psc_lists_fail(cli, from, r, &error);
	if (psc_list_count(list) == 0)
		return psc_cli_fail(cli, PSC_EXIT_INVALID,
				    "give CSV with the header " PSC_LIST_HEADER
				    ", or lines of sha256sum",
				    "nothing to import on %s", from);
	return import_into(cli, path, list);
}

static const struct psc_option list_import_options[] = {
	{"name", "NAME", "list file to add to (default: " PSC_LIST_IMPORTED ")"},
	{"product", "PRODUCT", "product of the entries that name none"},
	PSC_OPTION_LISTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_list_import = {
	.name = "list import",
	.run = list_import_run,
	.most_arguments = 1,
	.arguments = "[FILE|-]",
	.summary = "Adds entries from a file or standard input: CSV or lines of sha256sum",
	.options = list_import_options,
	.help = "The first line tells which: CSV begins with the header\n"
		"  " PSC_LIST_HEADER "\n"
		"All or nothing: a line that is not understood is named, and nothing is imported.\n"
		"Entries that the file has already are left out.\n\n"
		"Examples:\n"
		"  sha256sum /opt/tool/bin/* | proscribe list import --name tool --product 'Some Tool'\n"
		"  proscribe list import --name vendor vendor.csv\n",
};
