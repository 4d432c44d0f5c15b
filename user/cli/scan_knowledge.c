/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_knowledge.c - catalog, rules, digests and trusted certificates that a scan compares
 * with. See scan.h.
 */
#include <errno.h>

#include "user/cli/policy_verbs.h"
#include "user/cli/scan.h"

void psc_scan_knowledge_clear(struct psc_scan_knowledge *knowledge)
{
	knowledge->config = psc_config_free(knowledge->config);
	psc_catalog_clear(&knowledge->catalog);
	psc_indicators_freep(&knowledge->indicators);
	knowledge->list = psc_list_free(knowledge->list);
	knowledge->trust = psc_trust_free(knowledge->trust);
}

static int scan_load_lists(struct psc_cli *cli, struct psc_scan_knowledge *knowledge,
			   struct psc_error *reterr)
{
	const char *given = psc_cli_option(cli, "lists");
	int r = psc_list_new(&knowledge->list);

	if (r >= 0)
		r = psc_list_load_dir(knowledge->list, given ?: knowledge->config->lists, reterr);
	/* a host without lists, or whose lists only root may read, still has the catalog */
	if (r == -ENOENT && !given)
		r = 0;
	if (r == -EACCES && !given) {
		psc_cli_note(cli, "%s: not readable, its digests are not looked for",
			     knowledge->config->lists);
		r = 0;
	}
	return r;
}

static int scan_load_catalog(struct psc_scan_knowledge *knowledge, const char *directory,
			     struct psc_error *reterr)
{
	int r = psc_catalog_load(&knowledge->catalog, directory, reterr);

	if (r >= 0)
		r = psc_policy_load_digests(knowledge->list, directory, reterr);
	return r;
}

/* ---- all of it ------------------------------------------------------------------------- */

static int scan_load(struct psc_cli *cli, struct psc_scan_knowledge *knowledge,
		     struct psc_error *reterr)
{
	const char *const *catalogs = knowledge->places.catalogs;
	int r;

	r = psc_policy_config(cli, &knowledge->config, reterr);
	if (r >= 0)
		r = psc_indicators_new(&knowledge->indicators);
	if (r >= 0)
		r = scan_load_lists(cli, knowledge, reterr);
	for (size_t i = 0; i < ARRAY_SIZE(knowledge->places.catalogs) && r >= 0; i++) {
		if (catalogs[i])
			r = scan_load_catalog(knowledge, catalogs[i], reterr);
	}
	/* rules name products, so those of all catalogs come first */
	for (size_t i = 0; i < ARRAY_SIZE(knowledge->places.catalogs) && r >= 0; i++) {
		if (catalogs[i])
			r = psc_indicators_load(knowledge->indicators, &knowledge->catalog,
						catalogs[i], reterr);
	}
	if (r >= 0)
		r = psc_list_index(knowledge->list);
	if (r >= 0)
		r = psc_catalog_digest(catalogs, ARRAY_SIZE(knowledge->places.catalogs),
				       knowledge->digest, reterr);
	if (r >= 0)
		r = psc_trust_new_host(psc_cli_option(cli, "trust"), false, &knowledge->trust,
				       reterr);
	return r;
}

int psc_scan_knowledge_load(struct psc_cli *cli, struct psc_scan_knowledge *ret)
{
	_cleanup_(psc_scan_knowledge_clear) struct psc_scan_knowledge knowledge = {0};
	struct psc_error error = {0};
	int r;

	knowledge.places = psc_policy_places_given(cli);
	r = scan_load(cli, &knowledge, &error);
	if (r < 0)
		return psc_policy_fail(cli, r, &error);
	if (!psc_indicators_count(knowledge.indicators) && !psc_list_count(knowledge.list))
		return psc_cli_fail(cli, PSC_EXIT_INVALID,
				    "install the catalog, or name its place with --catalog",
				    "there is nothing to look for: neither rules nor digests");
	*ret = knowledge;
	knowledge = (struct psc_scan_knowledge){0};
	return PSC_EXIT_OK;
}
