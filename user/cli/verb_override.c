/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_override.c - `proscribe override list`, `override remove ID`. Overrides are made by
 * `reload --force`.
 */
#include "user/cli/object_verbs.h"
#include "user/core/paths.h"

static int override_list_run(struct psc_cli *cli, int argc, char **argv)
{
	return psc_object_verbs_list(cli, PSC_OBJECT_OVERRIDE);
}

static const struct psc_option override_list_options[] = {PSC_OPTION_OBJECTS, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_override_list = {
	.name = "override list",
	.run = override_list_run,
	.arguments = "",
	.summary = "Prints what was forced on the interlock, what is over too",
	.options = override_list_options,
	.help = "Overrides are made by proscribe reload --force. Needs neither the daemon nor root,\n"
		"but has to be allowed to read the files.\n\n"
		"Examples:\n"
		"  proscribe override list\n"
		"  proscribe override list --json | jq '.data.objects[].digests'\n",
};

static int override_remove_run(struct psc_cli *cli, int argc, char **argv)
{
	return psc_object_verbs_remove(cli, PSC_OBJECT_OVERRIDE, argv[0]);
}

static const struct psc_option override_remove_options[] = {
	PSC_OPTION_NO_RELOAD,
	PSC_OPTION_OBJECTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_override_remove = {
	.name = "override remove",
	.run = override_remove_run,
	.least_arguments = 1,
	.most_arguments = 1,
	.arguments = "ID",
	.summary = "Takes an override away",
	.options = override_remove_options,
	.help = "Removes its file and has the daemon reload. A policy that still refuses what the\n"
		"host needs does not load without it: the file is put back then, and what stands in\n"
		"the way is printed. Take that out of the lists first. The records in the audit log\n"
		"stay.\n\n"
		"Examples:\n"
		"  proscribe override remove OV-20261122T100000Z\n",
};
