/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_places.c - who listed places stand for; see compile_parts.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/compile_parts.h"

static int add_place(struct psc_compiler *c, const struct psc_place *place)
{
	struct psc_image *image = c->image;
	uint32_t subject;
	int r;

	if (place->number >= PSC_PLACES_MAX) {
		psc_error_set(c->reterr, NULL, 0, 0, "place %s: the kernel takes %u", place->path,
			      PSC_PLACES_MAX);
		return -E2BIG;
	}
	r = psc_compiler_subject(c, place->product ?: PSC_COMPILER_UNNAMED, place->site, &subject);
	if (r < 0)
		return r;
	if (psc_place_copy(place, &image->places[image->place_count]) < 0)
		return psc_compiler_no_memory(c);
	image->place_count++;
	image->table.place_subject[place->number] = subject;
	image->table.flags |= PSC_TABLE_PLACES;
	return 0;
}

int psc_compiler_add_places(struct psc_compiler *c)
{
	size_t count = c->input->place_count;
	int r = 0;

	if (!count)
		return 0;
	if (count > PSC_PLACES_MAX) {
		psc_error_set(c->reterr, NULL, 0, 0, "%zu listed places: the kernel takes %u",
			      count, PSC_PLACES_MAX);
		return -E2BIG;
	}
	c->image->places = calloc(count, sizeof(*c->image->places));
	if (!c->image->places)
		return psc_compiler_no_memory(c);
	for (size_t i = 0; i < count && r >= 0; i++)
		r = add_place(c, &c->input->places[i]);
	return r;
}
