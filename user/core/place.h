/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - listed places: directories and files that are listed by where they are, not by
 * what they hold. Whatever lies under one is treated as the product that the place belongs to.
 * Used by the configuration, the compiler, the image and the daemon.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/yaml.h"
#include "bpf/abi.h"

/* Of each kind (see PSC_PLACES_SITE): half of the numbers, who is new gets one that nobody had. */
#define PSC_PLACES_SITE_MAX  64
#define PSC_PLACES_FOUND_MAX 64

#define PSC_PLACE_PATH_MAX    4095
#define PSC_PLACE_PRODUCT_MAX 255

struct psc_place {
	char *path;	 /* absolute */
	char *product;	 /* "VENDOR/PRODUCT[/ROLE]" or the site's own name; NULL: unnamed */
	uint32_t number; /* below PSC_PLACES_MAX */
	bool site;	 /* listed by the site: the configuration's actions hold as well */
};

void psc_place_clear(struct psc_place *place);		      /* NULL is fine */
void psc_places_free(struct psc_place *places, size_t count); /* NULL is fine */

/* A copy with strings of its own; -ENOMEM. */
int psc_place_copy(const struct psc_place *from, struct psc_place *ret);

/* Is @path the @directory or below it? Both without a slash at their end. */
bool psc_place_is_below(const char *path, const char *directory);

/*
 * Numbers the site's places: one that @before has by path and product keeps its number, so
 * that its mark goes on meaning the same; the others get numbers that @before does not use.
 * -E2BIG above PSC_PLACES_SITE_MAX.
 */
int psc_places_number(struct psc_place *places, size_t count, const struct psc_place *before,
		      size_t before_count);

/* The same of places that were found, from PSC_PLACES_SITE on. */
int psc_places_number_found(struct psc_place *places, size_t count, const struct psc_place *before,
			    size_t before_count);

/*
 * Reads `places` of the configuration: a sequence of {path: PATH, product: PRODUCT}. -EINVAL
 * with the place in the text for anything else, a path that is not absolute, is the root or
 * stands twice, and too many; -ENOMEM. The caller frees @ret with psc_places_free().
 */
int psc_places_parse(struct psc_yaml *yaml, const struct psc_yaml_node *node,
		     struct psc_place **ret, size_t *ret_count);
