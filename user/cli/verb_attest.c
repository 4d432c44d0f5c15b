/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_attest.c - `proscribe attest FACT yes|no`, `attest list`, `attest remove ID`.
 */
#include "user/cli/object_verbs.h"
#include "user/core/paths.h"

static int attest_run(struct psc_cli *cli, int argc, char **argv)
{
	static const char *const needs[] = {"document", NULL};
	struct psc_object_draft draft;
	int r;

	r = psc_object_draft_begin(cli, PSC_OBJECT_ATTESTATION, needs, &draft);
	if (r != PSC_EXIT_OK)
		return r;
	draft.object.subject = argv[0];
	draft.object.value = strcmp(argv[1], "yes") == 0;
	if (!draft.object.value && strcmp(argv[1], "no") != 0)
		return psc_cli_usage(cli, "'%s' is neither yes nor no", argv[1]);
	return psc_object_draft_publish(cli, &draft);
}

static const struct psc_option attest_options[] = {
	{"document", "REF", "where the signed paper is"},
	{"until", "TIME", "when it ends: 2027-01-31T00:00:00Z, or a span such as +30d"},
	{"reason", "TEXT", "why it is so"},
	{"by", "WHO", "who signs (default: the login behind sudo, else the account)"},
	{"id", "ID", "name of the object and of its file (default: AT-TIME)"},
	PSC_OPTION_NO_RELOAD,
	PSC_OPTION_OBJECTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_attest = {
	.name = "attest",
	.run = attest_run,
	.least_arguments = 2,
	.most_arguments = 2,
	.arguments = "FACT yes|no",
	.summary = "States a fact that no host can know",
	.options = attest_options,
	.help = "A profile can ask for a fact, such as us_person: it holds for everybody until\n"
		"somebody attests that the fact is not so. --document is required. The object is a\n"
		"file in the objects directory; then the daemon reloads, and when it refuses, the\n"
		"file is taken away again.\n\n"
		"Examples:\n"
		"  proscribe attest us_person no --by 'General Counsel' --document 'DMS 4712'\n"
		"  proscribe attest federal_contract yes --by counsel --document K-17 --until 2027-12-31\n",
};

static int attest_list_run(struct psc_cli *cli, int argc, char **argv)
{
	return psc_object_verbs_list(cli, PSC_OBJECT_ATTESTATION);
}

static const struct psc_option attest_list_options[] = {PSC_OPTION_OBJECTS, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_attest_list = {
	.name = "attest list",
	.run = attest_list_run,
	.arguments = "",
	.summary = "Prints all attestations, those that are over too",
	.options = attest_list_options,
	.help = "Needs neither the daemon nor root, but has to be allowed to read the files.\n\n"
		"Examples:\n"
		"  proscribe attest list\n"
		"  proscribe attest list --json | jq '.data.objects[] | select(.state == \"in_force\")'\n",
};

static int attest_remove_run(struct psc_cli *cli, int argc, char **argv)
{
	return psc_object_verbs_remove(cli, PSC_OBJECT_ATTESTATION, argv[0]);
}

static const struct psc_option attest_remove_options[] = {
	PSC_OPTION_NO_RELOAD,
	PSC_OPTION_OBJECTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_attest_remove = {
	.name = "attest remove",
	.run = attest_remove_run,
	.least_arguments = 1,
	.most_arguments = 1,
	.arguments = "ID",
	.summary = "Takes an attestation away",
	.options = attest_remove_options,
	.help = "Removes its file and has the daemon reload. When the daemon refuses, the file is\n"
		"put back. The records in the audit log stay.\n\n"
		"Examples:\n"
		"  proscribe attest remove AT-20261122T100000Z\n",
};
