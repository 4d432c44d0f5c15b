/* SPDX-License-Identifier: Apache-2.0 */
/*
 * found_places.c - places that the resolver found: which of them a policy takes. A policy with a
 * place that holds what the host needs is refused as a whole, so such a one must never get into it;
 * see daemon.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "user/daemon/daemon.h"
#include "user/daemon/resolver_internal.h"
#include "user/identify/essential.h"

void psc_found_places_clear(struct psc_found_places *found)
{
	psc_places_free(found->place, found->count);
	*found = (struct psc_found_places){};
}

/* Until the resolver has looked, what was marked stays so: for a daemon that takes over. */
void psc_found_places_take(struct psc_daemon *daemon, const struct psc_image *last)
{
	struct psc_found_places *found = &daemon->found_places;

	psc_found_places_clear(found);
	if (!last || !last->place_count)
		return;
	found->place = calloc(last->place_count, sizeof(*found->place));
	for (size_t i = 0; found->place && i < last->place_count; i++) {
		if (!last->places[i].site && found->count < PSC_PLACES_FOUND_MAX &&
		    !psc_place_copy(&last->places[i], &found->place[found->count]))
			found->count++;
	}
	psc_found_places_check(daemon);
}

/*
 * Of two places the inner one counts, and one that was found must not make the site's own milder.
 */
bool psc_found_place_is_sites(const struct psc_config *config, const char *path)
{
	char real[PATH_MAX];

	for (size_t i = 0; i < config->place_count; i++) {
		const struct psc_place *own = &config->places[i];

		if (own->site && (psc_place_is_below(path, own->path) ||
				  (realpath(own->path, real) && psc_place_is_below(path, real))))
			return true;
	}
	return false;
}

static bool holds_essential(const struct psc_essential *essential, const char *path)
{
	const char *const paths[] = {path, NULL};
	struct psc_error ignored;

	return psc_essential_check_places(essential, "/", paths, &ignored) < 0;
}

/* Takes out what must not be marked. Without knowing what the host needs that is everything. */
static void sift(struct psc_daemon *daemon, struct psc_found_places *found)
{
	_cleanup_(psc_essential_freep) struct psc_essential *essential = NULL;
	struct psc_error ignored;
	size_t kept = 0;

	if (!found->count)
		return;
	if (psc_essential_find("/", &essential, &ignored) < 0) {
		psc_found_places_clear(found);
		return;
	}
	for (size_t i = 0; i < found->count; i++) {
		struct psc_place place = found->place[i];

		if (!holds_essential(essential, place.path)) {
			found->place[kept++] = place;
			continue;
		}
		if (daemon->resolver &&
		    !psc_resolver_said(daemon->resolver, "place", place.path, 0))
			psc_places_record(daemon, &place, -EPERM);
		psc_place_clear(&place);
	}
	found->count = kept;
}

void psc_found_places_check(struct psc_daemon *daemon)
{
	sift(daemon, &daemon->found_places);
}

static bool same(const struct psc_found_places *a, const struct psc_found_places *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->place[i].path, b->place[i].path) != 0 ||
		    strcmp(a->place[i].product, b->place[i].product) != 0)
			return false;
	}
	return true;
}

bool psc_found_places_replace(struct psc_daemon *daemon, struct psc_found_places *next)
{
	sift(daemon, next);
	if (same(&daemon->found_places, next)) {
		psc_found_places_clear(next);
		return false;
	}
	psc_found_places_clear(&daemon->found_places);
	daemon->found_places = *next;
	*next = (struct psc_found_places){};
	return true;
}
