/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_reload.c - `proscribe reload`.
 */
#include "user/cli/client.h"
#include "user/cli/object_verbs.h"
#include "user/cli/output.h"
#include "user/core/hex.h"
#include "user/core/json.h"
#include "user/core/paths.h"

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

/* The interlock's objection is overruled by naming the policy: an object, and a record. */
static int force_run(struct psc_cli *cli, const char *digest)
{
	static const char *const needs[] = {"reason", NULL};
	struct psc_object_draft draft;
	int r;

	r = psc_object_draft_begin(cli, PSC_OBJECT_OVERRIDE, needs, &draft);
	if (r != PSC_EXIT_OK)
		return r;
	if (psc_hex_decode(digest, strlen(digest), draft.object.override, PSC_DIGEST_SIZE, NULL) <
	    0)
		return psc_cli_usage(cli,
				     "'%s' is no policy's digest: expected the 64 digits that "
				     "the refusal names",
				     digest);
	return psc_object_draft_publish(cli, &draft);
}

static int reload_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};
	const char *digest = psc_cli_option(cli, "force");
	json_t *data;

	if (digest)
		return force_run(cli, digest);
	psc_client_ask("reload", &answer);
	if (answer.kind != PSC_ANSWER_OK)
		return psc_answer_fail(cli, &answer);
	data = answer.data ? json_incref(answer.data) : json_object();
	return psc_cli_report(cli, PSC_EXIT_OK, data, reload_render);
}

static const struct psc_option reload_options[] = {
	{"force", "DIGEST", "overrule the interlock for the policy with this digest"},
	{"reason", "TEXT", "why, with --force"},
	{"by", "WHO", "who signs (default: the login behind sudo, else the account)"},
	PSC_OPTION_OBJECTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_reload = {
	.name = "reload",
	.run = reload_run,
	.flags = PSC_VERB_NEEDS_DAEMON,
	.arguments = "",
	.summary = "Has the daemon read its configuration and lists again",
	.options = reload_options,
	.help = "All or nothing: when something is wrong with a file, the old lists stay in\n"
		"force, the place of the error is printed and the exit status is 4.\n\n"
		"A policy that would refuse what the host needs to start, to be logged into or to\n"
		"be repaired is refused by the interlock, which names the file and the policy's\n"
		"digest. If it is meant, --force DIGEST --reason TEXT lets this very policy in.\n\n"
		"Examples:\n"
		"  proscribe reload\n",
};
