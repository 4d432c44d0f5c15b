/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_version.c - `proscribe version`.
 */
#include "bpf/abi.h"
#include "user/cli/cli.h"
#include "user/cli/output.h"

static void version_render(FILE *out, const json_t *data, bool colour)
{
	fprintf(out, "proscribe %s\n", psc_json_text(data, "version", "?"));
}

static int version_run(struct psc_cli *cli, int argc, char **argv)
{
	return psc_cli_report(
		cli, PSC_EXIT_OK,
		json_pack("{s:s,s:i}", "version", PSC_VERSION, "abi", PSC_ABI_VERSION),
		version_render);
}

static const struct psc_option version_options[] = {PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_version = {
	.name = "version",
	.run = version_run,
	.arguments = "",
	.summary = "Prints the version of this program",
	.options = version_options,
	.help = "The daemon's version is in 'proscribe status'.\n",
};
