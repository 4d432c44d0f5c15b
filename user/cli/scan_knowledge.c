/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_knowledge.c - catalog, rules, digests and trusted certificates that a scan compares
 * with. See scan.h.
 */
#include <errno.h>
#include <openssl/evp.h>

#include "user/cli/policy_verbs.h"
#include "user/cli/scan.h"
#include "user/core/load.h"

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

/* ---- the digest of the catalogs -------------------------------------------------------- */

static int scan_digest_file(EVP_MD_CTX *context, const char *directory, const char *vendor,
			    const char *name)
{
	_cleanup_free_ char *path = NULL, *data = NULL;
	struct psc_error error;
	char head[512];
	size_t size;
	int r, length;

	if (asprintf(&path, "%s/%s/%s", directory, vendor, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = psc_load_trusted(path, 64U << 20, &data, &size, &error);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	length = snprintf(head, sizeof(head), "%s/%s %zu\n", vendor, name, size);
	if (EVP_DigestUpdate(context, head, (size_t)length) != 1 ||
	    EVP_DigestUpdate(context, data, size) != 1)
		return -EIO;
	return 0;
}

static int scan_digest_vendor(const char *directory, const char *name, void *data,
			      struct psc_error *reterr)
{
	static const char *const files[] = {"digests.csv", "indicators.yaml", "products.yaml"};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files) && r >= 0; i++)
		r = scan_digest_file(data, directory, name, files[i]);
	return r;
}

/* Of "VENDOR/FILE SIZE", newline and content of each file, in the order of their names. */
static int scan_digest_catalogs(struct psc_scan_knowledge *knowledge, struct psc_error *reterr)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int r = context ? 0 : -ENOMEM;

	if (context && EVP_DigestInit_ex2(context, EVP_sha256(), NULL) != 1)
		r = -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(knowledge->places.catalogs) && r >= 0; i++) {
		if (knowledge->places.catalogs[i])
			r = psc_catalog_each_vendor(knowledge->places.catalogs[i],
						    scan_digest_vendor, context, reterr);
	}
	if (r >= 0 && EVP_DigestFinal_ex(context, knowledge->digest, NULL) != 1)
		r = -EIO;
	EVP_MD_CTX_free(context);
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
		r = scan_digest_catalogs(knowledge, reterr);
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
