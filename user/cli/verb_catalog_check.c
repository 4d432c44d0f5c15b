/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_catalog_check.c - `proscribe catalog check [DIR]`: whether a catalog can be read, and what
 * in it nobody can have meant. Works without daemon and root.
 */
#include <errno.h>

#include "user/cli/catalog_verbs.h"
#include "user/core/catalog_lint.h"

static void catalog_check_take(const struct psc_error *finding, void *data)
{
	json_array_append_new(data, psc_policy_error_json(finding));
}

static void catalog_check_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(data, "findings"), i, finding) {
		json_int_t line = psc_json_number(finding, "line", 0);
		json_int_t column = psc_json_number(finding, "column", 0);

		psc_output_text(out, psc_json_text(finding, "file", "catalog"));
		if (line)
			fprintf(out, ":%" JSON_INTEGER_FORMAT, line);
		if (column)
			fprintf(out, ":%" JSON_INTEGER_FORMAT, column);
		fputs(": ", out);
		psc_output_text(out, psc_json_text(finding, "message", "?"));
		fputc('\n', out);
	}
	if (i == 0)
		psc_output_toned(out, colour, PSC_TONE_GOOD, "nothing wrong");
	else
		psc_output_count(out, i, "finding", "findings");
	fputc('\n', out);
}

static int catalog_check_run(struct psc_cli *cli, int argc, char **argv)
{
	const char *directories[2] = {0};
	struct psc_error error = {0};
	json_t *findings;
	int count;

	if (argc && psc_cli_option(cli, "catalog"))
		return psc_cli_usage(cli, "name the directory once");
	psc_catalog_directories(cli, directories);
	if (argc) {
		directories[0] = argv[0];
		directories[1] = NULL;
	}
	if (!directories[1] && access(directories[0], F_OK) < 0) {
		psc_error_set(&error, directories[0], 0, 0, "%s", strerror(errno));
		return psc_policy_fail(cli, -ENOENT, &error);
	}
	findings = json_array();
	count = psc_catalog_lint(directories, ARRAY_SIZE(directories), catalog_check_take,
				 findings);
	if (count < 0) {
		json_decref(findings);
		return psc_policy_fail(cli, count, &error);
	}
	return psc_cli_report(cli, count ? PSC_EXIT_INVALID : PSC_EXIT_OK,
			      json_pack("{s:o,s:b}", "findings", findings, "ok", count == 0),
			      catalog_check_render);
}

static const struct psc_option catalog_check_options[] = {
	PSC_POLICY_OPTIONS_CATALOG, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_catalog_check = {
	.name = "catalog check",
	.run = catalog_check_run,
	.most_arguments = 1,
	.arguments = "[DIR]",
	.summary = "Reads the catalog and says what is wrong with it",
	.options = catalog_check_options,
	.help = "What cannot be read, with file, line and column; sources that are missing; rules\n"
		"and digests of products that the catalog does not have; rules that can never hold,\n"
		"that prove nothing (an extension, a format), that rest on a rejected value, or that\n"
		"say what another one says; digests that stand there twice.\n\n"
		"Needs neither the daemon nor root. Exit status: 0, or 4 with findings.\n\n"
		"Examples:\n"
		"  proscribe catalog check\n"
		"  proscribe catalog check ./our-catalog\n",
};
