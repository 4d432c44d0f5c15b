/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_directory.h - where the audit log is, for the verbs `proscribe log ...`. Only for user/cli.
 */
#pragma once

#include "user/cli/cli.h"

/*
 * The directory by --dir, by the configuration file if it can be read, by default; the caller
 * frees it. PSC_EXIT_OK, or another status after having said what is wrong.
 */
int psc_log_directory(struct psc_cli *cli, char **ret);

/* Says that the log cannot be read for the errno @error (negative). PSC_EXIT_FAILED. */
int psc_log_directory_fail(struct psc_cli *cli, const char *directory, int error);
