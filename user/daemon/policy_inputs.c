/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_inputs.c - which files the policy in force was made of, their digests, and whether
 * somebody has changed one since without a reload; see daemon.h.
 */
#include "user/core/util.h"

#include "user/core/paths.h"
#include "user/daemon/daemon.h"

void psc_policy_add_inputs(const struct psc_config *config, struct psc_inputs *inputs)
{
	const struct psc_policy_places places = psc_policy_places_default();
	int r = psc_inputs_add(inputs, PSC_INPUT_LIST, config->lists);

	if (r >= 0)
		r = psc_inputs_add(inputs, PSC_INPUT_LIST, PSC_PATH_FOUND);
	for (size_t i = 0; i < ARRAY_SIZE(places.catalogs) && r >= 0; i++) {
		if (places.catalogs[i])
			r = psc_inputs_add(inputs, PSC_INPUT_CATALOG, places.catalogs[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(places.profiles) && r >= 0; i++) {
		if (places.profiles[i])
			r = psc_inputs_add(inputs, PSC_INPUT_OTHER, places.profiles[i]);
	}
	if (r >= 0 && places.objects)
		r = psc_inputs_add(inputs, PSC_INPUT_OTHER, places.objects);
	/* some of them would look as if the others had been taken away */
	if (r < 0)
		psc_inputs_clear(inputs);
}

static int digest_catalog(uint8_t ret[PSC_DIGEST_SIZE])
{
	const struct psc_policy_places places = psc_policy_places_default();
	struct psc_error ignored;

	return psc_catalog_digest(places.catalogs, ARRAY_SIZE(places.catalogs), ret, &ignored);
}

void psc_policy_digest_inputs(struct psc_policy *policy, const struct psc_policy *before)
{
	psc_inputs_digest(&policy->inputs, before ? &before->inputs : NULL);
	if (!policy->inputs.count)
		return;
	if (before && before->catalog_known &&
	    psc_inputs_same(&policy->inputs, &before->inputs, PSC_INPUT_CATALOG)) {
		memcpy(policy->catalog, before->catalog, PSC_DIGEST_SIZE);
		policy->catalog_known = true;
	} else {
		policy->catalog_known = digest_catalog(policy->catalog) >= 0;
	}
}

char *psc_policy_changed_input(const struct psc_daemon *daemon)
{
	const struct psc_policy *policy = &daemon->policy;
	struct psc_inputs now = {};
	const char *path = NULL;
	char *copy = NULL;

	if (!policy->inputs.count)
		return NULL;
	psc_inputs_add(&now, PSC_INPUT_CONFIGURATION, daemon->options.config ?: PSC_PATH_CONFIG);
	psc_policy_add_inputs(policy->config, &now);
	if (now.count)
		path = psc_inputs_difference(&policy->inputs, &now);
	if (path)
		copy = strdup(path);
	psc_inputs_clear(&now);
	return copy;
}
