/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the command `proscribe`: its verb table. A verb is one file, named after it.
 */
#include "user/cli/cli.h"

/* a line each, in the order of the help */
/* clang-format off */
static const struct psc_verb *const verb_table[] = {
	&psc_verb_status,
	&psc_verb_doctor,
	&psc_verb_digest,
	&psc_verb_scan,
	&psc_verb_explain,
	&psc_verb_list_add,
	&psc_verb_list_remove,
	&psc_verb_list_show,
	&psc_verb_list_import,
	&psc_verb_list_export,
	&psc_verb_catalog_check,
	&psc_verb_catalog_show,
	&psc_verb_catalog_stats,
	&psc_verb_catalog_search,
	&psc_verb_catalog_learn,
	&psc_verb_policy_check,
	&psc_verb_policy_show,
	&psc_verb_policy_test,
	&psc_verb_policy_diff,
	&psc_verb_policy_timeline,
	&psc_verb_policy_replay,
	&psc_verb_mode,
	&psc_verb_attest,
	&psc_verb_attest_list,
	&psc_verb_attest_remove,
	&psc_verb_exempt,
	&psc_verb_exempt_list,
	&psc_verb_exempt_remove,
	&psc_verb_decide,
	&psc_verb_decide_list,
	&psc_verb_decide_remove,
	&psc_verb_window_open,
	&psc_verb_window_close,
	&psc_verb_window_list,
	&psc_verb_override_list,
	&psc_verb_override_remove,
	&psc_verb_clock,
	&psc_verb_clock_accept,
	&psc_verb_reload,
	&psc_verb_log,
	&psc_verb_log_stats,
	&psc_verb_log_verify,
	&psc_verb_log_anchor,
	&psc_verb_report,
	&psc_verb_off,
	&psc_verb_help,
	&psc_verb_version,
	NULL,
};
/* clang-format on */

int main(int argc, char **argv)
{
	return psc_cli_run(verb_table, argc, argv, stdout, stderr);
}
