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

/* The interlock's objections are overruled by naming each: an object, and a record. */
static int force_run(struct psc_cli *cli)
{
	static const char *const needs[] = {"reason", NULL};
	uint8_t ignored[PSC_DIGEST_SIZE];
	struct psc_object_draft draft;
	const char *digest;
	size_t at = 0, count = 0;
	int r;

	r = psc_object_draft_begin(cli, PSC_OBJECT_OVERRIDE, needs, &draft);
	if (r != PSC_EXIT_OK)
		return r;
	while ((digest = psc_cli_option_next(cli, "force", &at))) {
		if (psc_hex_decode(digest, strlen(digest), ignored, sizeof(ignored), NULL) < 0)
			return psc_cli_usage(cli,
					     "'%s' is no digest: expected the 64 digits that the "
					     "interlock names",
					     digest);
		if (count == PSC_OBJECT_NAMES_MAX)
			return psc_cli_usage(cli, "more than %u digests", PSC_OBJECT_NAMES_MAX);
		draft.digests[count++] = (char *)digest;
	}
	draft.object.digests = draft.digests;
	return psc_object_draft_publish(cli, &draft);
}

static int reload_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};
	json_t *data;

	if (psc_cli_option(cli, "force"))
		return force_run(cli);
	psc_client_ask("reload", &answer);
	if (answer.kind != PSC_ANSWER_OK)
		return psc_answer_fail(cli, &answer);
	data = answer.data ? json_incref(answer.data) : json_object();
	return psc_cli_report(cli, PSC_EXIT_OK, data, reload_render);
}

static const struct psc_option reload_options[] = {
	{"force", "DIGEST...", "overrule what the interlock named with this digest"},
	{"reason", "TEXT", "why, with --force"},
	{"until", "TIME", "when that ends: 2027-01-31, +30d (default: never), with --force"},
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
		"be repaired is refused by the interlock, which names the files and a digest for\n"
		"each. If it is meant, --force DIGEST --reason TEXT overrules it for this file; the\n"
		"option may come again. That is an object (override list) and a record.\n\n"
		"Examples:\n"
		"  proscribe reload\n"
		"  proscribe reload --force 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e8\\\n"
		"46f6be03 --reason 'this runc has to go, change 118' --until +30d\n",
};
