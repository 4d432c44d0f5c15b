/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_decide.c - `proscribe decide PRODUCT... --legacy`, `decide list`, `decide remove ID`.
 */
#include "user/cli/object_verbs.h"
#include "user/core/paths.h"

static int decide_run(struct psc_cli *cli, int argc, char **argv)
{
	static const char *const needs[] = {"legacy", "reason", "document", "until", NULL};
	struct psc_object_draft draft;
	int r;

	r = psc_object_draft_begin(cli, PSC_OBJECT_DECISION, needs, &draft);
	for (int i = 0; i < argc && r == PSC_EXIT_OK; i++)
		r = psc_object_draft_product(cli, &draft, argv[i]);
	return r == PSC_EXIT_OK ? psc_object_draft_publish(cli, &draft) : r;
}

static const struct psc_option decide_options[] = {
	{"legacy", NULL, "the products were installed before the cut-off, and stay for now"},
	{"reason", "TEXT", "why"},
	{"document", "REF", "where the signed paper is"},
	{"until", "TIME", "when it ends: 2027-01-31T00:00:00Z, or a span such as +30d"},
	{"profile", "PROFILE...", "this profile only; can be given several times (default: all)"},
	{"by", "WHO", "who signs (default: the login behind sudo, else the account)"},
	{"id", "ID", "name of the object and of its file (default: DE-TIME)"},
	PSC_OPTION_NO_RELOAD,
	PSC_OPTION_OBJECTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_decide = {
	.name = "decide",
	.run = decide_run,
	.least_arguments = 1,
	.most_arguments = -1,
	.arguments = "VENDOR/PRODUCT...",
	.summary = "Decides that products are legacy here, until a time",
	.options = decide_options,
	.help = "--legacy, --reason, --document and --until are required. The products count as\n"
		"covered-legacy then: what that means is for each profile to say. Under the\n"
		"Commerce order continued use is not penalised but is at your own risk; somebody\n"
		"has to sign for that.\n\n"
		"Examples:\n"
		"  proscribe decide kaspersky/kesl --legacy --by 'Board of Risk' --document R-2026-9 \\\n"
		"    --reason 'migration ends in March' --until 2027-03-31\n",
};

static int decide_list_run(struct psc_cli *cli, int argc, char **argv)
{
	return psc_object_verbs_list(cli, PSC_OBJECT_DECISION);
}

static const struct psc_option decide_list_options[] = {PSC_OPTION_OBJECTS, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_decide_list = {
	.name = "decide list",
	.run = decide_list_run,
	.arguments = "",
	.summary = "Prints all decisions, those that are over too",
	.options = decide_list_options,
	.help = "Needs neither the daemon nor root, but has to be allowed to read the files.\n\n"
		"Examples:\n"
		"  proscribe decide list\n"
		"  proscribe decide list --json | jq '.data.objects[] | select(.state == \"in_force\")'\n",
};

static int decide_remove_run(struct psc_cli *cli, int argc, char **argv)
{
	return psc_object_verbs_remove(cli, PSC_OBJECT_DECISION, argv[0]);
}

static const struct psc_option decide_remove_options[] = {
	PSC_OPTION_NO_RELOAD,
	PSC_OPTION_OBJECTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_decide_remove = {
	.name = "decide remove",
	.run = decide_remove_run,
	.least_arguments = 1,
	.most_arguments = 1,
	.arguments = "ID",
	.summary = "Takes a decision away",
	.options = decide_remove_options,
	.help = "Removes its file and has the daemon reload. When the daemon refuses, the file is\n"
		"put back. The records in the audit log stay.\n\n"
		"Examples:\n"
		"  proscribe decide remove DE-20261122T100000Z\n",
};
