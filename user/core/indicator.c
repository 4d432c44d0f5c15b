/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator.c - the set of rules; see indicator.h. indicator_parse.c reads them.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/indicator_internal.h"
#include "user/core/load.h"
#include "user/core/names.h"

#define INDICATORS_SIZE_MAX (4U << 20) /* bytes of an indicators.yaml */

#define INDICATORS_FILE "indicators.yaml"

static const char *const match_names[PSC_MATCH_MAX] = {
	[PSC_MATCH_EXACT] = "exact",	   [PSC_MATCH_PREFIX] = "prefix",
	[PSC_MATCH_SUFFIX] = "suffix",	   [PSC_MATCH_GLOB] = "glob",
	[PSC_MATCH_CONTAINS] = "contains", [PSC_MATCH_UNDER] = "under",
};

static const char *const confidence_names[PSC_CONFIDENCE_MAX] = {
	[PSC_CONFIDENCE_LOW] = "low",
	[PSC_CONFIDENCE_MEDIUM] = "medium",
	[PSC_CONFIDENCE_HIGH] = "high",
};

void psc_indicator_clear(struct psc_indicator *rule)
{
	if (!rule)
		return;
	for (size_t i = 0; i < rule->conditions; i++)
		psc_condition_clear(&rule->condition[i]);
	free(rule->id);
	free(rule->product);
	free(rule->cite.source);
	free(rule);
}

void psc_rejected_clear(struct psc_rejected *rejected)
{
	psc_condition_clear(&rejected->condition);
	free(rejected->vendor);
	free(rejected->source);
	free(rejected->reason);
	*rejected = (struct psc_rejected){0};
}

/* Back to how many there were. */
static void cut(struct psc_indicators *indicators, size_t rules, size_t rejected)
{
	while (indicators->count > rules)
		psc_indicator_clear(indicators->rules[--indicators->count]);
	while (indicators->rejected_count > rejected)
		psc_rejected_clear(&indicators->rejected[--indicators->rejected_count]);
}

int psc_indicators_new(struct psc_indicators **ret)
{
	_cleanup_(psc_indicators_freep) struct psc_indicators *indicators;

	indicators = calloc(1, sizeof(*indicators));
	if (!indicators)
		return -ENOMEM;
	indicators->markers = calloc(1, sizeof(*indicators->markers));
	if (!indicators->markers)
		return -ENOMEM;
	*ret = TAKE_PTR(indicators);
	return 0;
}

struct psc_indicators *psc_indicators_free(struct psc_indicators *indicators)
{
	if (!indicators)
		return NULL;
	cut(indicators, 0, 0);
	psc_indicators_index_clear(indicators);
	psc_strings_free(indicators->markers);
	psc_strings_free(indicators->paths);
	free(indicators->rules);
	free(indicators->rejected);
	free(indicators);
	return NULL;
}

void psc_indicators_freep(struct psc_indicators **indicators)
{
	*indicators = psc_indicators_free(*indicators);
}

/* Every marker once; the next file's are added. */
static int collect_markers(struct psc_indicators *indicators, struct psc_error *reterr)
{
	_cleanup_free_ const char **found = NULL;
	char **markers;
	size_t count = 0, most = 0;

	for (size_t i = 0; i < indicators->count; i++)
		most += indicators->rules[i]->conditions;
	markers = calloc(most + 1, sizeof(*markers));
	found = calloc(most + 1, sizeof(*found));
	for (size_t i = 0; i < indicators->count && markers && found; i++) {
		const struct psc_indicator *rule = indicators->rules[i];

		for (size_t k = 0; k < rule->conditions; k++) {
			const char *value = rule->condition[k].value;
			size_t n = 0;

			if (rule->condition[k].fact != PSC_FACT_MARKER)
				continue;
			while (n < count && strcmp(found[n], value) != 0)
				n++;
			if (n < count)
				continue;
			if (count == PSC_MARKERS_MAX) {
				psc_strings_free(markers);
				psc_error_set(reterr, rule->path, rule->line, rule->column,
					      "more than %u different markers", PSC_MARKERS_MAX);
				return -E2BIG;
			}
			markers[count] = strdup(value);
			if (!markers[count])
				goto no_memory;
			found[count++] = value;
		}
	}
	if (!markers || !found)
		goto no_memory;
	psc_strings_free(indicators->markers);
	indicators->markers = markers;
	return 0;
no_memory:
	psc_strings_free(markers);
	return -ENOMEM;
}

int psc_indicators_keep_path(struct psc_indicators *indicators, const char *path, const char **ret)
{
	char **paths;

	paths = reallocarray(indicators->paths, indicators->path_count + 2, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	indicators->paths = paths;
	paths[indicators->path_count + 1] = NULL;
	paths[indicators->path_count] = strdup(path ?: "");
	if (!paths[indicators->path_count])
		return -ENOMEM;
	*ret = paths[indicators->path_count++];
	return 0;
}

int psc_indicators_parse(struct psc_indicators *indicators, const struct psc_catalog *catalog,
			 const char *data, size_t size, const char *path, struct psc_error *reterr)
{
	size_t rules = indicators->count, rejected = indicators->rejected_count;
	int r;

	r = psc_indicators_read(indicators, catalog, data, size, path, reterr);
	if (r >= 0)
		r = collect_markers(indicators, reterr);
	if (r >= 0)
		r = psc_indicators_index(indicators);
	if (r >= 0)
		return 0;
	if (r == -ENOMEM)
		psc_error_set(reterr, path, 0, 0, "out of memory");
	cut(indicators, rules, rejected);
	return r;
}

int psc_indicators_load_vendor(struct psc_indicators *indicators, const struct psc_catalog *catalog,
			       const char *directory, const char *vendor, struct psc_error *reterr)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t size;
	int r;

	if (asprintf(&path, "%s/%s/" INDICATORS_FILE, directory, vendor) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	r = psc_load_trusted(path, INDICATORS_SIZE_MAX, &text, &size, reterr);
	return r < 0 ? r : psc_indicators_parse(indicators, catalog, text, size, path, reterr);
}

/* What one directory's vendors are added to. */
struct target {
	struct psc_indicators *indicators;
	const struct psc_catalog *catalog;
};

static int load_vendor(const char *directory, const char *name, void *data,
		       struct psc_error *reterr)
{
	struct target *target = data;

	return psc_indicators_load_vendor(target->indicators, target->catalog, directory, name,
					  reterr);
}

int psc_indicators_load(struct psc_indicators *indicators, const struct psc_catalog *catalog,
			const char *directory, struct psc_error *reterr)
{
	struct target target = {indicators, catalog};

	return psc_catalog_each_vendor(directory, load_vendor, &target, reterr);
}

/* ---- looking ------------------------------------------------------------------------ */

size_t psc_indicators_count(const struct psc_indicators *indicators)
{
	return indicators->count;
}

const struct psc_indicator *psc_indicators_get(const struct psc_indicators *indicators, size_t i)
{
	return i < indicators->count ? indicators->rules[i] : NULL;
}

size_t psc_indicators_rejected_count(const struct psc_indicators *indicators)
{
	return indicators->rejected_count;
}

const struct psc_rejected *psc_indicators_rejected(const struct psc_indicators *indicators,
						   size_t i)
{
	return i < indicators->rejected_count ? &indicators->rejected[i] : NULL;
}

const char *const *psc_indicators_markers(const struct psc_indicators *indicators)
{
	return (const char *const *)indicators->markers;
}

const char *psc_match_to_string(unsigned int match)
{
	return psc_name_of(match_names, PSC_MATCH_MAX, match);
}

int psc_match_from_string(const char *name, enum psc_match *ret)
{
	int value = psc_name_value(match_names, PSC_MATCH_MAX, name);

	if (value < 0)
		return value;
	*ret = value;
	return 0;
}

const char *psc_confidence_to_string(unsigned int confidence)
{
	return psc_name_of(confidence_names, PSC_CONFIDENCE_MAX, confidence);
}

int psc_confidence_from_string(const char *name, enum psc_confidence *ret)
{
	int value = psc_name_value(confidence_names, PSC_CONFIDENCE_MAX, name);

	if (value < 0)
		return value;
	*ret = value;
	return 0;
}
