/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit.h - what a systemd unit starts, and accounts of passwd and group. Used by the scan and
 * the daemon's resolver.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/facts.h"

/*
 * Adds PSC_FACT_PATH of every program that the unit starts (and of the script, when that is an
 * interpreter) and its PSC_FACT_ENVIRONMENT. -ENOMEM, errors of reading.
 */
int psc_unit_read(int fd, struct psc_facts *facts);

/* Gets each name of a file with "NAME:..." lines; valid during the call. */
typedef int (*psc_account_fn)(const char *name, void *data);
int psc_accounts_read(int fd, psc_account_fn fn, void *data);
