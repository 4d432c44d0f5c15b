/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_lint.h - what is wrong with a catalog although it can be read: rules that can never
 * hold or prove nothing, values that were rejected, duplicates, products that nobody has. Used
 * by the CLI and by tests.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/error.h"

/* Takes one finding, with file and line. */
typedef void psc_catalog_lint_fn(const struct psc_error *finding, void *data);

/*
 * Reads every vendor of @directories, of which some may be NULL or missing, as one catalog, and
 * calls @fn for whatever is wrong, also for what cannot be read at all. Returns how many, or
 * -ENOMEM.
 */
int psc_catalog_lint(const char *const *directories, size_t count, psc_catalog_lint_fn *fn,
		     void *data);
