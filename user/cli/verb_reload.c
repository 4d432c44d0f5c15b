/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_reload.c - `proscribe reload`.
 */
#include "user/cli/client.h"
#include "user/cli/output.h"
#include "user/core/json.h"

static void reload_render(FILE *out, const json_t *data, bool colour)
{
	json_int_t generation = psc_json_number(data, "generation", -1);
	json_int_t digests =
		psc_json_number(data, "digests", psc_json_number(data, "lists.digests", -1));

	fputs("reloaded", out);
	if (generation >= 0)
		fprintf(out, ": generation %" JSON_INTEGER_FORMAT, generation);
	if (digests >= 0) {
		fputs(", ", out);
		psc_output_count(out, digests, "digest", "digests");
	}
	fputc('\n', out);
}

static int reload_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};
	json_t *data;

	psc_client_ask("reload", &answer);
	if (answer.kind != PSC_ANSWER_OK)
		return psc_answer_fail(cli, &answer);
	data = answer.data ? json_incref(answer.data) : json_object();
	return psc_cli_report(cli, PSC_EXIT_OK, data, reload_render);
}

static const struct psc_option reload_options[] = {PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_reload = {
	.name = "reload",
	.run = reload_run,
	.flags = PSC_VERB_NEEDS_DAEMON,
	.arguments = "",
	.summary = "Has the daemon read its configuration and lists again",
	.options = reload_options,
	.help = "All or nothing: when something is wrong with a file, the old lists stay in\n"
		"force, the place of the error is printed and the exit status is 4.\n\n"
		"Examples:\n"
		"  proscribe reload\n",
};
