/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_knowledge.c - catalog, rules, digests and trusted certificates that a scan compares
 * with. See scan.h.
 */
#include <errno.h>
#include <pthread.h>

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

/* Lists are long and rules are YAML: neither waits for the other; certificates need neither. */
struct scan_lists {
	struct psc_scan_knowledge *knowledge;
	const char *given; /* --lists */
	const char *trust; /* --trust */
	struct psc_error error;
	bool unreadable;
	int result;
};

static void *scan_load_lists(void *arg)
{
	struct scan_lists *lists = arg;
	struct psc_scan_knowledge *knowledge = lists->knowledge;
	int r = psc_list_new(&knowledge->list);

	if (r >= 0)
		r = psc_list_load_dir(knowledge->list, lists->given ?: knowledge->config->lists,
				      &lists->error);
	/* a host without lists, or whose lists only root may read, still has the catalog */
	lists->unreadable = r == -EACCES;
	if ((r == -ENOENT || r == -EACCES) && !lists->given) {
		lists->error = (struct psc_error){0};
		r = 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(knowledge->places.catalogs) && r >= 0; i++) {
		if (knowledge->places.catalogs[i])
			r = psc_policy_load_digests(knowledge->list, knowledge->places.catalogs[i],
						    &lists->error);
	}
	if (r >= 0)
		r = psc_list_index(knowledge->list);
	if (r >= 0)
		r = psc_catalog_digest(knowledge->places.catalogs,
				       ARRAY_SIZE(knowledge->places.catalogs), knowledge->digest,
				       &lists->error);
	if (r >= 0)
		r = psc_trust_new_host(lists->trust, false, &knowledge->trust, &lists->error);
	lists->result = r;
	return NULL;
}

static int scan_load_rules(struct psc_scan_knowledge *knowledge, struct psc_error *reterr)
{
	const char *const *catalogs = knowledge->places.catalogs;
	int r = psc_indicators_new(&knowledge->indicators);

	for (size_t i = 0; i < ARRAY_SIZE(knowledge->places.catalogs) && r >= 0; i++) {
		if (catalogs[i])
			r = psc_catalog_load(&knowledge->catalog, catalogs[i], reterr);
	}
	/* rules name products, so those of all catalogs come first */
	for (size_t i = 0; i < ARRAY_SIZE(knowledge->places.catalogs) && r >= 0; i++) {
		if (catalogs[i])
			r = psc_indicators_load(knowledge->indicators, &knowledge->catalog,
						catalogs[i], reterr);
	}
	return r;
}

static int scan_load(struct psc_cli *cli, struct psc_scan_knowledge *knowledge,
		     struct psc_error *reterr)
{
	struct scan_lists lists = {.knowledge = knowledge,
				   .given = psc_cli_option(cli, "lists"),
				   .trust = psc_cli_option(cli, "trust")};
	pthread_t thread;
	bool beside;
	int r;

	r = psc_policy_config(cli, &knowledge->config, reterr);
	if (r < 0)
		return r;
	beside = pthread_create(&thread, NULL, scan_load_lists, &lists) == 0;
	r = scan_load_rules(knowledge, reterr);
	if (beside)
		pthread_join(thread, NULL);
	else
		scan_load_lists(&lists);
	if (r >= 0 && lists.result < 0) {
		*reterr = lists.error;
		r = lists.result;
	}
	if (r >= 0 && lists.unreadable)
		psc_cli_note(cli, "%s: not readable, its digests are not looked for",
			     knowledge->config->lists);
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
