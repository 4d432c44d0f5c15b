/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_list_export.c - `proscribe list export`: the lists in the form that other tools take.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/cli/lists.h"
#include "user/cli/output.h"
#include "user/cli/policy_verbs.h"
#include "user/core/escape.h"
#include "user/core/hex.h"
#include "user/core/list_edit.h"
#include "user/core/paths.h"

/* The engine that knows "*" for a size; older ones must not try. */
#define CLAMAV_LEVEL "73"

/* One form: what stands before and after, one entry (false: it has no place there). */
struct export_form {
	const char *name;
	const char *head, *tail;
	bool (*put)(FILE *out, const struct psc_list_entry *entry, const char *hex);
	const char *left_out; /* why entries may be missing */
};

/* A field as in list files: in quotes when it has to be. */
static void export_field(FILE *out, const char *text, char end)
{
	if (!strpbrk(text, ",\"") && text[0] != '#') {
		fprintf(out, "%s%c", text, end);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fprintf(out, "\"%c", end);
}

static bool export_csv(FILE *out, const struct psc_list_entry *entry, const char *hex)
{
	fprintf(out, "%s,%s,", psc_algo_to_string(entry->algo), hex);
	if (entry->has_size)
		fprintf(out, "%llu", (unsigned long long)entry->size);
	fprintf(out, ",%s,",
		entry->format == PSC_FORMAT_ANY ? "" : psc_format_to_string(entry->format));
	export_field(out, entry->name, ',');
	export_field(out, entry->product, ',');
	export_field(out, entry->version, ',');
	export_field(out, entry->source, '\n');
	return true;
}

/* As GNU's: a backslash before the line tells that the name has escapes. */
static bool export_sum(FILE *out, const struct psc_list_entry *entry, const char *hex)
{
	const char *name = entry->name[0] ? entry->name : hex;

	if (entry->algo != PSC_ALGO_SHA256)
		return false;
	fprintf(out, "%s%s  ", strchr(name, '\\') ? "\\" : "", hex);
	for (; *name; name++)
		fputs(*name == '\\' ? "\\\\" : (char[]){*name, '\0'}, out);
	fputc('\n', out);
	return true;
}

/* A name without what ends a field; the tool shows it as the name of what it found. */
static void export_label(FILE *out, const struct psc_list_entry *entry)
{
	const char *parts[] = {"Proscribe", entry->product[0] ? entry->product : "listed",
			       entry->version};

	for (size_t i = 0; i < ARRAY_SIZE(parts) && parts[i][0]; i++) {
		if (i)
			fputc('.', out);
		for (const char *c = parts[i]; *c; c++) {
			bool plain = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
				     (*c >= 'a' && *c <= 'z') || strchr("._-", *c);

			fputc(plain ? *c : *c == '/' ? '.' : '_', out);
		}
	}
}

static bool export_clamav(FILE *out, const struct psc_list_entry *entry, const char *hex)
{
	if (entry->algo != PSC_ALGO_SHA256 && entry->algo != PSC_ALGO_SHA1)
		return false;
	if (entry->has_size && entry->size > UINT32_MAX)
		return false;
	fprintf(out, "%s:", hex);
	if (entry->has_size)
		fprintf(out, "%llu:", (unsigned long long)entry->size);
	else
		fputs("*:", out);
	export_label(out, entry);
	fputs(entry->has_size ? "\n" : ":" CLAMAV_LEVEL "\n", out);
	return true;
}

static bool export_fapolicyd(FILE *out, const struct psc_list_entry *entry, const char *hex)
{
	if (entry->algo != PSC_ALGO_SHA256)
		return false;
	fprintf(out, "deny perm=execute all : sha256hash=%s\n", hex);
	return true;
}

static const struct export_form export_forms[] = {
	{"csv", PSC_LIST_HEADER "\n", "", export_csv, ""},
	{"sha256sum", "", "", export_sum, "they are not sha256"},
	{"clamav", "", "", export_clamav, "they are neither sha256 nor sha1, or larger than 4 GiB"},
	{"fapolicyd", "", "allow perm=any all : all\n", export_fapolicyd, "they are not sha256"},
};

static const struct export_form *export_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(export_forms); i++) {
		if (strcmp(export_forms[i].name, name) == 0)
			return &export_forms[i];
	}
	return NULL;
}

/* Each digest once; returns how many had no place. */
static size_t export_all(FILE *out, const struct psc_list *list, const struct export_form *form)
{
	char hex[2 * PSC_ALGO_DIGEST_MAX + 1];
	struct psc_list_entry entry;
	size_t left_out = 0;

	fputs(form->head, out);
	for (size_t i = 0; psc_list_get(list, i, &entry) == 0; i++) {
		if (psc_list_is_duplicate(list, i))
			continue;
		psc_hex_encode(entry.digest, entry.digest_size, hex);
		left_out += !form->put(out, &entry, hex);
	}
	fputs(form->tail, out);
	return left_out;
}

/* The site's lists and, unless they alone are wanted, the catalog's digests. */
static int export_load(struct psc_cli *cli, struct psc_list **ret)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	struct psc_policy_places places = psc_policy_places_given(cli);
	_cleanup_free_ char *directory = NULL;
	struct psc_error error = {0};
	int r = psc_lists_directory(cli, &directory);

	if (r == PSC_EXIT_OK)
		r = psc_lists_load(cli, directory, !psc_cli_option(cli, "lists"), &list);
	if (r != PSC_EXIT_OK)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(places.catalogs); i++) {
		if (psc_cli_option(cli, "site") || !places.catalogs[i])
			continue;
		r = psc_policy_load_digests(list, places.catalogs[i], &error);
		if (r < 0)
			return psc_policy_fail(cli, r, &error);
	}
	if (psc_list_index(list) < 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	*ret = TAKE_PTR(list);
	return PSC_EXIT_OK;
}

/* A file that is whole or not there: written beside it, then renamed. */
static int export_to(const char *path, const struct psc_list *list, const struct export_form *form,
		     size_t *ret_left_out)
{
	_cleanup_free_ char *beside = NULL;
	FILE *file;
	int fd, r;

	if (asprintf(&beside, "%s.XXXXXX", path) < 0) {
		beside = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		r = -errno;
		close(fd);
		unlink(beside);
		return r;
	}
	*ret_left_out = export_all(file, list, form);
	r = fchmod(fd, 0644) < 0 || fflush(file) == EOF || fsync(fd) < 0 ? -errno : 0;
	if (fclose(file) == EOF && r == 0)
		r = -errno;
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(beside);
	return r;
}

static int list_export_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	const char *format = psc_cli_option(cli, "format") ?: "csv";
	const char *path = psc_cli_option(cli, "output");
	const struct export_form *form = export_find(format);
	size_t left_out = 0;
	int r;

	if (!form)
		return psc_cli_usage(cli, "'%s' is no form: csv, sha256sum, clamav, fapolicyd",
				     format);
	r = export_load(cli, &list);
	if (r != PSC_EXIT_OK)
		return r;
	if (path) {
		r = export_to(path, list, form, &left_out);
	} else {
		left_out = export_all(cli->out, list, form);
		r = fflush(cli->out) == EOF ? -errno : 0;
	}
	if (r < 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "%s: %s", path ?: "standard output",
				    strerror(-r));
	if (left_out)
		psc_cli_note(cli, "%zu left out: %s", left_out, form->left_out);
	return PSC_EXIT_OK;
}

static const struct psc_option list_export_options[] = {
	{"format", "FORM", "csv (default), sha256sum, clamav or fapolicyd"},
	{"output", "FILE", "write to a file (also -o FILE)"},
	{"site", NULL, "the site's lists alone, without the catalog's digests"},
	PSC_POLICY_OPTIONS_CATALOG,
	PSC_OPTION_LISTS,
	{},
};

const struct psc_verb psc_verb_list_export = {
	.name = "list export",
	.run = list_export_run,
	.arguments = "",
	.summary = "Prints all digests in the form of another tool",
	.options = list_export_options,
	.help = "Lists of the site and the catalog's digests, each digest once:\n"
		"  csv        as list import takes it\n"
		"  sha256sum  lines for sha256sum --check\n"
		"  clamav     a .hsb database for ClamAV\n"
		"  fapolicyd  rules that deny what is listed and allow the rest; they need\n"
		"             'trust = file' and 'integrity = none', see docs/interchange.md\n"
		"What a form cannot hold is left out and counted.\n\n"
		"Examples:\n"
		"  proscribe list export --format clamav -o proscribe.hsb\n"
		"  proscribe list export --format fapolicyd -o 10-proscribe.rules\n",
};
