/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the command `proscribe`: its verb table. A verb is one file, named after it.
 */
#include "user/cli/cli.h"

static const struct psc_verb *const verb_table[] = {
	&psc_verb_status,
	&psc_verb_doctor,
	&psc_verb_digest,
	&psc_verb_list_add,
	&psc_verb_list_remove,
	&psc_verb_list_show,
	&psc_verb_list_import,
	&psc_verb_reload,
	&psc_verb_log,
	&psc_verb_off,
	&psc_verb_help,
	&psc_verb_version,
	NULL,
};

int main(int argc, char **argv)
{
	return psc_cli_run(verb_table, argc, argv, stdout, stderr);
}
