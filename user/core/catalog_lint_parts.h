/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_lint_parts.h - what the parts of catalog_lint.h share. Only catalog_lint*.c include
 * it.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/catalog_lint.h"
#include "user/core/indicator.h"
#include "user/core/list.h"

/* A catalog while it is looked at. */
struct psc_lint {
	psc_catalog_lint_fn *fn;
	void *data;
	int findings;
	struct psc_catalog catalog;
	struct psc_indicators *indicators;
	struct psc_list *list;
};

/* Hands out one finding. */
void psc_lint_report(struct psc_lint *lint, const char *path, unsigned int line,
		     unsigned int column, const char *fmt, ...) _printf_(5, 6);

/* Looks at every rule by itself, beside the rejected values and beside the others. -ENOMEM. */
int psc_lint_rules(struct psc_lint *lint);
