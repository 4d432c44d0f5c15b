/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_exempt.c - `proscribe exempt PRODUCT...`, `exempt list`, `exempt remove ID`.
 */
#include "user/cli/object_verbs.h"
#include "user/core/paths.h"

static int exempt_run(struct psc_cli *cli, int argc, char **argv)
{
	static const char *const needs[] = {"reason", "until", NULL};
	struct psc_object_draft draft;
	int r;

	r = psc_object_draft_begin(cli, PSC_OBJECT_EXEMPTION, needs, &draft);
	for (int i = 0; i < argc && r == PSC_EXIT_OK; i++)
		r = psc_object_draft_product(cli, &draft, argv[i]);
	return r == PSC_EXIT_OK ? psc_object_draft_publish(cli, &draft) : r;
}

static const struct psc_option exempt_options[] = {
	{"reason", "TEXT", "why"},
	{"until", "TIME", "when it ends: 2027-01-31T00:00:00Z, or a span such as +30d"},
	{"profile", "PROFILE...", "this profile only; can be given several times (default: all)"},
	{"document", "REF", "where the signed paper is"},
	{"by", "WHO", "who signs (default: the login behind sudo, else the account)"},
	{"id", "ID", "name of the object and of its file (default: EX-TIME)"},
	PSC_OPTION_NO_RELOAD,
	PSC_OPTION_OBJECTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_exempt = {
	.name = "exempt",
	.run = exempt_run,
	.least_arguments = 1,
	.most_arguments = -1,
	.arguments = "VENDOR/PRODUCT...",
	.summary = "Lets products go until a time",
	.options = exempt_options,
	.help = "--reason and --until are required. An exemption is the organisation's: it changes\n"
		"what this host does, not what the order says. It ends by itself, with the daemon\n"
		"stopped too. The object is a file in the objects directory; then the daemon\n"
		"reloads, and when it refuses, the file is taken away again.\n\n"
		"Examples:\n"
		"  proscribe exempt kaspersky/kesl --by CISO --until +30d \\\n"
		"    --reason 'incident response until the replacement is active'\n"
		"  proscribe exempt kaspersky/cybertrace --by CISO --until 2027-01-31 --reason SOC \\\n"
		"    --profile us-ndaa-1634-far-52.204-23 --document 'DMS 4711'\n",
};

static int exempt_list_run(struct psc_cli *cli, int argc, char **argv)
{
	return psc_object_verbs_list(cli, PSC_OBJECT_EXEMPTION);
}

static const struct psc_option exempt_list_options[] = {PSC_OPTION_OBJECTS, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_exempt_list = {
	.name = "exempt list",
	.run = exempt_list_run,
	.arguments = "",
	.summary = "Prints all exemptions, those that are over too",
	.options = exempt_list_options,
	.help = "Needs neither the daemon nor root, but has to be allowed to read the files.\n\n"
		"Examples:\n"
		"  proscribe exempt list\n"
		"  proscribe exempt list --json | jq '.data.objects[] | select(.state == \"in_force\")'\n",
};

static int exempt_remove_run(struct psc_cli *cli, int argc, char **argv)
{
	return psc_object_verbs_remove(cli, PSC_OBJECT_EXEMPTION, argv[0]);
}

static const struct psc_option exempt_remove_options[] = {
	PSC_OPTION_NO_RELOAD,
	PSC_OPTION_OBJECTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_exempt_remove = {
	.name = "exempt remove",
	.run = exempt_remove_run,
	.least_arguments = 1,
	.most_arguments = 1,
	.arguments = "ID",
	.summary = "Takes an exemption away",
	.options = exempt_remove_options,
	.help = "Removes its file and has the daemon reload. When the daemon refuses, the file is\n"
		"put back. The records in the audit log stay.\n\n"
		"Examples:\n"
		"  proscribe exempt remove EX-20261122T100000Z\n",
};
