/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_directory.c - see log_directory.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/cli/log_directory.h"
#include "user/core/auditlog_group.h"
#include "user/core/config.h"
#include "user/core/paths.h"

int psc_log_directory(struct psc_cli *cli, char **ret)
{
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;
	const char *directory = psc_cli_option(cli, "dir");

	if (!directory && psc_config_load(PSC_PATH_CONFIG, &config, NULL) == 0)
		directory = config->log_directory;
	*ret = strdup(directory ? directory : PSC_PATH_LOG);
	return *ret ? PSC_EXIT_OK : psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
}

int psc_log_directory_fail(struct psc_cli *cli, const char *directory, int error)
{
	return psc_cli_fail(cli, PSC_EXIT_FAILED,
			    error == -EACCES
				    ? "run it as root or as one of the group " PSC_AUDITLOG_GROUP
				    : "give --dir, or start the daemon",
			    "cannot read the log in %s: %s", directory, strerror(-error));
}
