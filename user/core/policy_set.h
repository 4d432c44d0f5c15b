/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_set.h - everything that decides but the lists, as it stands on the host: the
 * configuration, the profiles that it activates, the catalog, the objects. Used by the daemon
 * before it compiles and by the CLI to show and try.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/config.h"
#include "user/core/list.h"
#include "user/core/object.h"
#include "user/core/profile.h"
#include "user/core/ruling.h"

/* Where things are; psc_policy_places_default() unless a test or an option says otherwise. */
struct psc_policy_places {
	const char *profiles[2]; /* the first has precedence; NULL: none */
	const char *catalogs[2]; /* both are read */
	const char *objects;	 /* NULL: none */
};

/* Those of paths.h. */
struct psc_policy_places psc_policy_places_default(void);

struct psc_policy_set {
	struct psc_profile *profiles[PSC_PROFILES_MAX];
	size_t profile_count;
	struct psc_catalog catalog;
	struct psc_objects objects;
	struct psc_objects expired; /* over at the time of loading; they have no effect */
};

/*
 * Loads what @config activates. @now (ns) decides which objects are over. All or nothing; a
 * profile that is nowhere is -ENOENT with the places that were looked at in @reterr. Free
 * with psc_policy_set_clear().
 */
int psc_policy_set_load(const struct psc_config *config, const struct psc_policy_places *places,
			uint64_t now, struct psc_policy_set *ret, struct psc_error *reterr);
void psc_policy_set_clear(struct psc_policy_set *set);

/* For psc_rule_on(); valid as long as both arguments are. */
struct psc_policy_view psc_policy_set_view(const struct psc_policy_set *set,
					   const struct psc_config *config);

/*
 * Adds the digests of every vendor in the catalog @directory, DIRECTORY/<vendor>/NAME.csv, to
 * @list, behind those of the site. A missing directory is none.
 */
int psc_policy_load_digests(struct psc_list *list, const char *directory, struct psc_error *reterr);

/* One profile by id, or by path when @id has a slash; from the first place that has it. */
int psc_policy_find_profile(const struct psc_policy_places *places, const char *id,
			    struct psc_profile **ret, struct psc_error *reterr);
