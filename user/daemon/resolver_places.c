/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_places.c - directories of which an indicator says that they are a product's, as they are
 * on this host: what is put there later is refused at once. In the resolver's thread; see
 * resolver_internal.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <limits.h>

#include "user/core/text.h"
#include "user/daemon/resolver_internal.h"

struct places {
	struct psc_place place[PSC_PLACES_FOUND_MAX];
	size_t count;
};

static struct psc_place *find(struct places *places, const char *path)
{
	for (size_t i = 0; i < places->count; i++) {
		if (strcmp(places->place[i].path, path) == 0)
			return &places->place[i];
	}
	return NULL;
}

static bool is_inside(const struct places *places, const char *path)
{
	for (size_t i = 0; i < places->count; i++) {
		if (psc_place_is_below(path, places->place[i].path) &&
		    strcmp(path, places->place[i].path) != 0)
			return true;
	}
	return false;
}

static bool is_other(const char *product)
{
	return strcmp(strchr(product, '/'), "/other") == 0;
}

/* Of two rules on one directory the one that names a product; else the first. */
static int put(struct places *places, const char *path, const char *product)
{
	struct psc_place *known = find(places, path), place = {};
	const char *why;

	/* the policy is text */
	if (psc_text_span(path, strlen(path), &why) < strlen(path) ||
	    strlen(path) > PSC_PLACE_PATH_MAX || strlen(product) > PSC_PLACE_PRODUCT_MAX)
		return 0;
	if (known && (!is_other(known->product) || is_other(product)))
		return 0;
	if (!known && places->count == PSC_PLACES_FOUND_MAX)
		return 0;
	place.path = strdup(path);
	place.product = strdup(product);
	if (!place.path || !place.product) {
		psc_place_clear(&place);
		return -ENOMEM;
	}
	if (known)
		psc_place_clear(known);
	else
		known = &places->place[places->count++];
	*known = place;
	return 0;
}

/* Nothing but a directory that is root's alone, as is everything on the way there. */
static bool resolve(struct psc_resolver_thread *t, const char *path, char real[PATH_MAX])
{
	const struct psc_bound bound = {&t->mounts, t->root_fd, 0};
	struct stat st;
	bool alone;

	return psc_bound_resolve(&bound, path, real, PATH_MAX, &st, &alone) == 0 && alone &&
	       S_ISDIR(st.st_mode) && psc_found_may_mark(real);
}

/* A rule that says of a directory as such what it is. */
static const char *directory_of(const struct psc_indicator *rule)
{
	const struct psc_condition *condition = &rule->condition[0];

	return rule->conditions == 1 && condition->fact == PSC_FACT_PATH &&
			       condition->match == PSC_MATCH_UNDER
		       ? condition->value
		       : NULL;
}

/*
 * Those that are sure enough; then, within these, the others: they tell whose the inner one is,
 * and never make a directory a place that is not in one.
 */
static int collect(struct psc_resolver_thread *t, const struct psc_resolver_know *know, bool sure,
		   struct places *places)
{
	int r = 0;

	for (size_t i = 0; i < psc_indicators_count(know->indicators) && !r; i++) {
		const struct psc_indicator *rule = psc_indicators_get(know->indicators, i);
		const char *directory = directory_of(rule);
		char real[PATH_MAX];

		if (!directory || (rule->confidence >= know->least) != sure ||
		    !psc_resolver_progress(t->queue) || !resolve(t, directory, real))
			continue;
		if (sure || is_inside(places, real))
			r = put(places, real, rule->product);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct psc_place *)a)->path, ((const struct psc_place *)b)->path);
}

int psc_resolver_places(struct psc_resolver_thread *t, const struct psc_resolver_know *know,
			struct psc_found_places *ret)
{
	struct places places = {};
	int r = collect(t, know, true, &places);

	if (!r)
		r = collect(t, know, false, &places);
	if (!r && places.count) {
		ret->place = calloc(places.count, sizeof(*ret->place));
		r = ret->place ? 0 : -ENOMEM;
	}
	if (!r && places.count) {
		qsort(places.place, places.count, sizeof(places.place[0]), compare);
		memcpy(ret->place, places.place, places.count * sizeof(places.place[0]));
		ret->count = places.count;
		return 0;
	}
	for (size_t i = 0; i < places.count; i++)
		psc_place_clear(&places.place[i]);
	return r;
}
