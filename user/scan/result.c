/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result.c - findings and gaps as they come in from several threads. See scan.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/names.h"
#include "user/scan/internal.h"

#define GAPS_MAX 4096 /* reasons; hostile archives could invent new ones */

static const char *const thing_names[] = {
	[PSC_THING_FILE] = "file",	 [PSC_THING_DIRECTORY] = "directory",
	[PSC_THING_LINK] = "link",	 [PSC_THING_SPECIAL] = "special",
	[PSC_THING_PACKAGE] = "package", [PSC_THING_UNIT] = "unit",
	[PSC_THING_PROCESS] = "process", [PSC_THING_USER] = "user",
	[PSC_THING_GROUP] = "group",	 [PSC_THING_IMAGE] = "image",
};
_Static_assert(ARRAY_SIZE(thing_names) == PSC_THING_MAX, "a name for everything");

const char *psc_thing_to_string(unsigned int thing)
{
	return psc_name_of(thing_names, PSC_THING_MAX, thing);
}

void psc_scan_fail(struct psc_scan *scan, int error)
{
	int none = 0;

	__atomic_compare_exchange_n(&scan->error, &none, error, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

static void finding_clear(struct psc_finding *finding)
{
	free(finding->where);
	free(finding->inside);
	free(finding->detail);
	free(finding->owner);
	free(finding->rule);
	free(finding->hit);
	psc_facts_clear(&finding->facts);
	*finding = (struct psc_finding){0};
}

void psc_scan_result_clear(struct psc_scan_result *result)
{
	for (size_t i = 0; i < result->findings; i++)
		finding_clear(&result->finding[i]);
	for (size_t i = 0; i < result->gaps; i++) {
		free(result->gap[i].reason);
		for (size_t e = 0; e < PSC_GAP_EXAMPLES; e++)
			free(result->gap[i].example[e]);
	}
	for (size_t i = 0; i < result->scopes; i++)
		free(result->scope[i].path);
	free(result->finding);
	free(result->gap);
	free(result->scope);
	*result = (struct psc_scan_result){0};
}

/* ---- findings ---------------------------------------------------------------------- */

static bool kind_is_used(const struct psc_finding *finding, enum psc_fact_kind kind)
{
	for (size_t i = 0; i < finding->rules; i++) {
		for (size_t c = 0; c < finding->rule[i]->conditions; c++) {
			if (finding->rule[i]->condition[c].fact == kind)
				return true;
		}
	}
	return kind == PSC_FACT_SHA256 || kind == PSC_FACT_PACKAGE_VERSION;
}

static int keep_facts(struct psc_finding *finding, const struct psc_facts *facts)
{
	int r = 0;

	for (size_t i = 0; i < facts->count && r >= 0; i++) {
		const struct psc_fact *fact = &facts->fact[i];

		if (kind_is_used(finding, fact->kind))
			r = psc_facts_add(&finding->facts, fact->kind, fact->group, fact->value,
					  strlen(fact->value));
	}
	return r;
}

/* The words of a list's entry: a product of the catalog, or the site's own text. */
static const char *entry_product(const struct psc_scan *scan, const struct psc_list_entry *entry,
				 enum psc_role *ret_role)
{
	const struct psc_product *product = NULL;

	if (scan->options.catalog)
		product = psc_catalog_find(scan->options.catalog, entry->product, ret_role);
	if (product)
		return product->id;
	return *entry->product ? entry->product : "listed";
}

/* A listed digest names the very bytes, which nothing surpasses. */
static void decide(const struct psc_scan *scan, struct psc_finding *finding)
{
	if (finding->hits) {
		finding->product = entry_product(scan, &finding->hit[0], &finding->role);
		finding->confidence = PSC_CONFIDENCE_HIGH;
	} else {
		finding->product = finding->rule[0]->product;
		finding->role = finding->rule[0]->role;
		finding->confidence = finding->rule[0]->confidence;
	}
}

static int copy_string(const char *from, char **ret)
{
	*ret = from ? strdup(from) : NULL;
	return from && !*ret ? -ENOMEM : 0;
}

static int fill(const struct psc_scan *scan, const struct psc_subject *subject,
		const struct psc_facts *facts, const struct psc_list_entry *hit, size_t hits,
		struct psc_finding *finding)
{
	int r;

	finding->thing = subject->thing;
	finding->pid = subject->pid;
	finding->size = subject->size;
	finding->format = subject->format;
	if (hits) {
		finding->hit = calloc(hits, sizeof(*finding->hit));
		if (!finding->hit)
			return -ENOMEM;
		memcpy(finding->hit, hit, hits * sizeof(*hit));
		finding->hits = hits;
	}
	r = copy_string(subject->path, &finding->where);
	if (r >= 0)
		r = copy_string(subject->label, &finding->inside);
	if (r >= 0)
		r = copy_string(subject->detail, &finding->detail);
	if (r >= 0)
		r = keep_facts(finding, facts);
	decide(scan, finding);
	return r;
}

static int append(struct psc_scan *scan, const struct psc_finding *finding)
{
	struct psc_scan_result *result = &scan->result;
	struct psc_finding *grown;

	/* doubled whenever the count is a power of two */
	if ((result->findings & (result->findings - 1)) == 0) {
		size_t room = result->findings ? 2 * result->findings : 1;

		grown = reallocarray(result->finding, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		result->finding = grown;
	}
	result->finding[result->findings++] = *finding;
	return 0;
}

int psc_finding_reconsider(const struct psc_scan *scan, const struct psc_facts *package,
			   struct psc_finding *finding)
{
	const struct psc_indicators *indicators = scan->options.indicators;
	struct psc_matches matches = {finding->rule, finding->rules};
	int r = psc_indicators_add_owner(indicators, &matches, package, &finding->facts);

	if (r > 0)
		r = psc_indicators_match(indicators, &finding->facts, &matches);
	else
		return r;
	if (r < 0)
		return r;
	free(finding->rule);
	finding->rule = matches.rule;
	finding->rules = matches.count;
	decide(scan, finding);
	return 0;
}

int psc_scan_judge(struct psc_scan *scan, const struct psc_subject *subject,
		   const struct psc_facts *facts, const struct psc_list_entry *hit, size_t hits,
		   const char **ret_product)
{
	_cleanup_(finding_clear) struct psc_finding finding = {0};
	struct psc_matches matches = {0};
	int r;

	r = psc_indicators_match(scan->options.indicators, facts, &matches);
	if (r < 0)
		return r;
	finding.rule = matches.rule;
	finding.rules = matches.count;
	if (ret_product)
		*ret_product = matches.count ? matches.rule[0]->product : NULL;
	if (!matches.count && !hits)
		return 0;
	if (subject->known && strcmp(subject->known, matches.rule[0]->product) == 0)
		return 0;
	r = fill(scan, subject, facts, hit, hits, &finding);
	if (r >= 0 && subject->package)
		r = psc_finding_reconsider(scan, subject->package, &finding);
	if (r < 0)
		return r;
	pthread_mutex_lock(&scan->results);
	r = append(scan, &finding);
	pthread_mutex_unlock(&scan->results);
	if (r >= 0)
		finding = (struct psc_finding){0};
	return r;
}

/* ---- gaps -------------------------------------------------------------------------- */

static struct psc_gap *gap_get(struct psc_scan_result *result, bool excluded, const char *reason)
{
	struct psc_gap *grown;
	char *copy;

	if (result->gaps >= GAPS_MAX)
		reason = "for other reasons";
	for (size_t i = 0; i < result->gaps; i++) {
		if (result->gap[i].excluded == excluded &&
		    strcmp(result->gap[i].reason, reason) == 0)
			return &result->gap[i];
	}
	copy = strdup(reason);
	grown = reallocarray(result->gap, result->gaps + 1, sizeof(*grown));
	if (grown)
		result->gap = grown;
	if (!copy || !grown) {
		free(copy);
		return NULL;
	}
	grown[result->gaps] = (struct psc_gap){.excluded = excluded, .reason = copy};
	return &grown[result->gaps++];
}

static char *gap_example(const char *path, const char *inside)
{
	char *text;

	if (!inside)
		return strdup(path);
	return asprintf(&text, "%s: %s", path, inside) < 0 ? NULL : text;
}

void psc_scan_gap(struct psc_scan *scan, bool excluded, const char *reason, const char *path,
		  const char *inside)
{
	struct psc_gap *gap;

	pthread_mutex_lock(&scan->results);
	gap = gap_get(&scan->result, excluded, reason);
	if (gap) {
		if (gap->count < PSC_GAP_EXAMPLES)
			gap->example[gap->count] = gap_example(path, inside);
		gap->count++;
	} else {
		/* a gap that is not told would make the statement a false one */
		psc_scan_fail(scan, -ENOMEM);
	}
	pthread_mutex_unlock(&scan->results);
}

void psc_scan_gap_errno(struct psc_scan *scan, int error, const char *path)
{
	char buffer[128];

	psc_scan_gap(scan, false, strerror_r(-error, buffer, sizeof(buffer)), path, NULL);
}

/* ---- the end ----------------------------------------------------------------------- */

static int compare_findings(const void *a, const void *b)
{
	const struct psc_finding *x = a, *y = b;
	int r = strcmp(x->product, y->product);

	if (r == 0)
		r = (int)x->thing - (int)y->thing;
	if (r == 0)
		r = strcmp(x->where, y->where);
	if (r == 0)
		r = strcmp(x->inside ?: "", y->inside ?: "");
	if (r == 0)
		r = strcmp(x->detail ?: "", y->detail ?: "");
	return r ?: (x->pid > y->pid) - (x->pid < y->pid);
}

static int compare_gaps(const void *a, const void *b)
{
	const struct psc_gap *x = a, *y = b;

	if (x->excluded != y->excluded)
		return x->excluded ? 1 : -1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->reason, y->reason);
}

void psc_scan_settle(struct psc_scan *scan)
{
	struct psc_scan_result *result = &scan->result;

	if (result->findings)
		qsort(result->finding, result->findings, sizeof(*result->finding),
		      compare_findings);
	if (result->gaps)
		qsort(result->gap, result->gaps, sizeof(*result->gap), compare_gaps);
	result->complete = !result->gaps || result->gap[0].excluded;
}
