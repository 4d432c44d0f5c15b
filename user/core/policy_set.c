/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_set.c - see policy_set.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/paths.h"
#include "user/core/policy_set.h"

struct psc_policy_places psc_policy_places_default(void)
{
	return (struct psc_policy_places){
		.profiles = {PSC_PATH_PROFILES, PSC_PATH_SHARE_PROFILES},
		.catalogs = {PSC_PATH_SHARE_CATALOG, PSC_PATH_CATALOG},
		.objects = PSC_PATH_OBJECTS,
	};
}

void psc_policy_set_clear(struct psc_policy_set *set)
{
	for (size_t i = 0; i < set->profile_count; i++)
		psc_profile_free(set->profiles[i]);
	psc_catalog_clear(&set->catalog);
	psc_objects_clear(&set->objects);
	psc_objects_clear(&set->expired);
	*set = (struct psc_policy_set){0};
}

int psc_policy_find_profile(const struct psc_policy_places *places, const char *id,
			    struct psc_profile **ret, struct psc_error *reterr)
{
	if (strchr(id, '/'))
		return psc_profile_load(id, ret, reterr);
	for (size_t i = 0; i < ARRAY_SIZE(places->profiles); i++) {
		_cleanup_free_ char *path = NULL;

		if (!places->profiles[i])
			continue;
		if (asprintf(&path, "%s/%s.yaml", places->profiles[i], id) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		if (access(path, F_OK) == 0)
			return psc_profile_load(path, ret, reterr);
	}
	psc_error_set(reterr, NULL, 0, 0, "there is no profile \"%.80s\" in %s or %s", id,
		      places->profiles[0] ?: "-", places->profiles[1] ?: "-");
	return -ENOENT;
}

static int load_profiles(const struct psc_config *config, const struct psc_policy_places *places,
			 struct psc_policy_set *set, struct psc_error *reterr)
{
	for (char **id = config->profiles; *id; id++) {
		int r = psc_policy_find_profile(places, *id, &set->profiles[set->profile_count],
						reterr);

		if (r < 0)
			return r;
		set->profile_count++;
	}
	return 0;
}

int psc_policy_set_load(const struct psc_config *config, const struct psc_policy_places *places,
			uint64_t now, struct psc_policy_set *ret, struct psc_error *reterr)
{
	_cleanup_(psc_policy_set_clear) struct psc_policy_set set = {0};
	int r;

	r = load_profiles(config, places, &set, reterr);
	for (size_t i = 0; i < ARRAY_SIZE(places->catalogs) && r >= 0; i++) {
		if (places->catalogs[i])
			r = psc_catalog_load(&set.catalog, places->catalogs[i], reterr);
	}
	if (r >= 0 && places->objects)
		r = psc_objects_load(places->objects, now, &set.objects, &set.expired, reterr);
	if (r < 0)
		return r;
	*ret = set;
	set = (struct psc_policy_set){0};
	return 0;
}

static int load_vendor_lists(const char *directory, const char *name, void *list,
			     struct psc_error *reterr)
{
	_cleanup_free_ char *path = NULL;
	struct psc_error error = {0};
	int r;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = psc_list_load_dir(list, path, &error);
	if (r == -ENOTDIR)
		return 0;
	if (r < 0 && reterr)
		*reterr = error;
	return r;
}

int psc_policy_load_digests(struct psc_list *list, const char *directory, struct psc_error *reterr)
{
	return psc_catalog_each_vendor(directory, load_vendor_lists, list, reterr);
}

struct psc_policy_view psc_policy_set_view(const struct psc_policy_set *set,
					   const struct psc_config *config)
{
	return (struct psc_policy_view){
		.profiles = set->profiles,
		.profile_count = set->profile_count,
		.objects = &set->objects,
		.config = config,
	};
}
