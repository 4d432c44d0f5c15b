/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.c - see place.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/place.h"
#include "user/core/text.h"

void psc_place_clear(struct psc_place *place)
{
	if (!place)
		return;
	free(place->path);
	free(place->product);
	*place = (struct psc_place){0};
}

void psc_places_free(struct psc_place *places, size_t count)
{
	for (size_t i = 0; places && i < count; i++)
		psc_place_clear(&places[i]);
	free(places);
}

bool psc_place_is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 && (!path[length] || path[length] == '/');
}

int psc_place_copy(const struct psc_place *from, struct psc_place *ret)
{
	struct psc_place copy = {.number = from->number, .site = from->site};

	copy.path = strdup(from->path);
	copy.product = from->product ? strdup(from->product) : NULL;
	if (!copy.path || (from->product && !copy.product)) {
		psc_place_clear(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

/* ---- numbers ------------------------------------------------------------------------- */

static bool same_place(const struct psc_place *a, const struct psc_place *b)
{
	return a->site == b->site && strcmp(a->path, b->path) == 0 &&
	       strcmp(a->product ?: "", b->product ?: "") == 0;
}

static const struct psc_place *find_place(const struct psc_place *places, size_t count,
					  const struct psc_place *wanted)
{
	for (size_t i = 0; i < count; i++) {
		if (same_place(&places[i], wanted))
			return &places[i];
	}
	return NULL;
}

static int number(struct psc_place *places, size_t count, const struct psc_place *before,
		  size_t before_count, uint32_t from, uint32_t to)
{
	bool used[PSC_PLACES_MAX] = {false};
	uint32_t next = from;

	for (size_t i = 0; i < before_count; i++)
		used[before[i].number & (PSC_PLACES_MAX - 1)] = true;
	for (size_t i = 0; i < count; i++) {
		const struct psc_place *known = find_place(before, before_count, &places[i]);

		if (known) {
			places[i].number = known->number;
			continue;
		}
		while (next < to && used[next])
			next++;
		if (next >= to)
			return -E2BIG;
		places[i].number = next++;
	}
	return 0;
}

int psc_places_number(struct psc_place *places, size_t count, const struct psc_place *before,
		      size_t before_count)
{
	if (count > PSC_PLACES_SITE_MAX)
		return -E2BIG;
	return number(places, count, before, before_count, 0, PSC_PLACES_SITE);
}

int psc_places_number_found(struct psc_place *places, size_t count, const struct psc_place *before,
			    size_t before_count)
{
	if (count > PSC_PLACES_FOUND_MAX)
		return -E2BIG;
	return number(places, count, before, before_count, PSC_PLACES_SITE, PSC_PLACES_MAX);
}

/* ---- the configuration ----------------------------------------------------------------- */

static int parse_text(struct psc_yaml *yaml, const struct psc_yaml_node *value, size_t max,
		      const char *expected, char **ret)
{
	const char *why;
	size_t size;
	char *copy;
	int r;

	r = psc_yaml_expect_scalar(yaml, value, expected);
	if (r < 0)
		return r;
	size = strlen(value->text);
	if (psc_text_span(value->text, size, &why) < size)
		return psc_yaml_fail(yaml, value, "%s: %s", expected, why);
	if (size > max)
		return psc_yaml_fail(yaml, value, "longer than %zu bytes", max);
	copy = strdup(value->text);
	if (!copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

static int parse_path(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_place *place = data;
	size_t size;
	int r;

	r = parse_text(yaml, value, PSC_PLACE_PATH_MAX, "expected an absolute path", &place->path);
	if (r < 0)
		return r;
	if (place->path[0] != '/')
		return psc_yaml_fail(yaml, value,
				     "not an absolute path: expected one that begins with /");
	for (size = strlen(place->path); size && place->path[size - 1] == '/'; size--)
		place->path[size - 1] = 0;
	if (!size)
		return psc_yaml_fail(yaml, value,
				     "the root directory holds everything: expected "
				     "a directory or file below it");
	return 0;
}

static int parse_product(struct psc_yaml *yaml, const struct psc_yaml_node *value, void *data)
{
	struct psc_place *place = data;

	return parse_text(yaml, value, PSC_PLACE_PRODUCT_MAX,
			  "expected a product (VENDOR/PRODUCT, or a name)", &place->product);
}

static int parse_place(struct psc_yaml *yaml, const struct psc_yaml_node *node,
		       struct psc_place *place)
{
	static const struct psc_yaml_key keys[] = {{"path", parse_path},
						   {"product", parse_product}};
	static const char *const needed[] = {"path"};
	int r;

	r = psc_yaml_walk(yaml, node, keys, ARRAY_SIZE(keys), place);
	return r < 0 ? r : psc_yaml_require(yaml, node, needed, ARRAY_SIZE(needed));
}

static int parse_places(struct psc_yaml *yaml, const struct psc_yaml_node *node,
			struct psc_place *places, size_t *count)
{
	for (const struct psc_yaml_node *n = node->first; n; n = n->next) {
		struct psc_place *place = &places[*count];
		int r;

		if (*count == PSC_PLACES_SITE_MAX)
			return psc_yaml_fail(yaml, n, "more than %d places", PSC_PLACES_SITE_MAX);
		place->site = true;
		(*count)++;
		r = parse_place(yaml, n, place);
		if (r < 0)
			return r;
		for (size_t i = 0; i + 1 < *count; i++) {
			if (strcmp(places[i].path, place->path) == 0)
				return psc_yaml_fail(yaml, n, "this path stands here twice");
		}
	}
	return 0;
}

int psc_places_parse(struct psc_yaml *yaml, const struct psc_yaml_node *node,
		     struct psc_place **ret, size_t *ret_count)
{
	struct psc_place *places;
	size_t count = 0;
	int r;

	r = psc_yaml_expect_sequence(yaml, node,
				     "expected a sequence of {path: PATH} ([] for none)");
	if (r < 0)
		return r;
	places = calloc(PSC_PLACES_SITE_MAX, sizeof(*places));
	if (!places)
		return -ENOMEM;
	r = parse_places(yaml, node, places, &count);
	if (r >= 0)
		r = psc_places_number(places, count, NULL, 0);
	if (r < 0) {
		psc_places_free(places, count);
		return r;
	}
	*ret = places;
	*ret_count = count;
	return 0;
}
