/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_verbs.h - what the verbs `proscribe catalog ...` share: the catalog read from its
 * files, without daemon and root, and its parts as JSON. Only for user/cli.
 */
#pragma once

#include "user/cli/cli.h"
#include "user/cli/policy_verbs.h"
#include "user/core/catalog.h"
#include "user/core/indicator.h"
#include "user/core/list.h"

/* All of it. */
struct psc_catalog_host {
	const char *directories[2]; /* NULL: none */
	struct psc_catalog catalog;
	struct psc_indicators *indicators;
	struct psc_list *list;
};

/* The directories by --catalog, else the shipped one and catalog.d. */
void psc_catalog_directories(const struct psc_cli *cli, const char *ret[2]);

/*
 * Reads everything. Returns PSC_EXIT_OK, or another status after having said why. Clear @ret in
 * either case.
 */
int psc_catalog_host_load(struct psc_cli *cli, struct psc_catalog_host *ret);
void psc_catalog_host_clear(struct psc_catalog_host *host);

/* What there is of one product; NULL when memory is short. */
json_t *psc_catalog_product_json(const struct psc_catalog_host *host,
				 const struct psc_product *product);

/* A rule, a condition; NULL when memory is short. */
json_t *psc_catalog_rule_json(const struct psc_indicator *rule);
json_t *psc_catalog_condition_json(const struct psc_condition *condition);

/* Prints a rule, or a list of them, as people read it, indented. */
void psc_catalog_render_rule(FILE *out, const json_t *rule, bool colour);
void psc_catalog_render_rules(FILE *out, const json_t *rules, bool colour);

/* Prints a condition: "name ends in .ppl". */
void psc_catalog_render_condition(FILE *out, const json_t *condition);
