/* SPDX-License-Identifier: Apache-2.0 */
/* rpm.h - reads rpm databases for the daemon. Only for user/worker. */
#pragma once

#include "user/core/util.h"
#include "user/core/indicator.h"

/*
 * Opens the databases below @root, gives up all rights and writes the stream of rpm_packages.h to
 * stdout. -ECHILD when the process that reads them failed or was ended, -EOPNOTSUPP without
 * librpm, errors of the sandbox and of making a directory.
 */
int psc_worker_rpm(const char *root, const struct psc_indicators *indicators,
		   const char *const *asked);
