/* SPDX-License-Identifier: Apache-2.0 */
/*
 * found.c - see found.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/escape.h"
#include "user/core/found.h"
#include "user/core/names.h"
#include "user/core/timefmt.h"

/* Of one text; the line may have PSC_LIST_LINE_MAX. */
#define TEXT_MAX 2000

#define SOURCE_START "found "

static const char *const outcome_names[] = {
	[PSC_FOUND_FED] = "fed",
	[PSC_FOUND_LISTED] = "listed",
	[PSC_FOUND_FORMAT] = "format",
	[PSC_FOUND_EMPTY] = "empty",
	[PSC_FOUND_TOO_LARGE] = "too_large",
	[PSC_FOUND_CONFIDENCE] = "confidence",
	[PSC_FOUND_LINK] = "link",
	[PSC_FOUND_ESSENTIAL] = "essential",
	[PSC_FOUND_DISTRIBUTION] = "distribution",
	[PSC_FOUND_UNVERIFIED] = "unverified",
	[PSC_FOUND_EXEMPT] = "exempt",
	[PSC_FOUND_PLACE] = "place",
	[PSC_FOUND_FULL] = "full",
};

_Static_assert(ARRAY_SIZE(outcome_names) == PSC_FOUND_OUTCOME_MAX, "a name for every outcome");

const char *psc_found_outcome_to_string(unsigned int outcome)
{
	return psc_name_of(outcome_names, PSC_FOUND_OUTCOME_MAX, outcome);
}

enum psc_confidence psc_found_confidence(const struct psc_matches *matches)
{
	enum psc_confidence best = PSC_CONFIDENCE_LOW;
	const char *product;

	for (size_t i = 0; i < matches->count; i++) {
		product = matches->rule[0]->product;
		if (matches->rule[i]->confidence > best &&
		    strncmp(matches->rule[i]->product, product, strcspn(product, "/") + 1) == 0)
			best = matches->rule[i]->confidence;
	}
	return best;
}

static bool is_shown_by_content(enum psc_fact_kind kind, bool is_package)
{
	if (kind == PSC_FACT_SHA256)
		return true;
	if (kind >= PSC_FACT_PACKAGE_FORMAT && kind <= PSC_FACT_PACKAGE_KEY)
		return is_package && kind != PSC_FACT_PACKAGE_FORMAT;
	return kind >= PSC_FACT_ELF_BUILD_ID && kind < PSC_FACT_UNIT;
}

bool psc_found_is_proof(const struct psc_indicator *rule, bool is_package)
{
	for (size_t i = 0; i < rule->conditions; i++) {
		if (is_shown_by_content(rule->condition[i].fact, is_package))
			return true;
	}
	return false;
}

void psc_found_sift(struct psc_matches *matches, bool is_package)
{
	size_t kept = 0;

	for (size_t i = 0; i < matches->count; i++) {
		if (psc_found_is_proof(matches->rule[i], is_package))
			matches->rule[kept++] = matches->rule[i];
	}
	matches->count = kept;
}

enum psc_found_outcome psc_found_judge(const struct psc_found_file *file, enum psc_confidence least,
				       uint64_t limit)
{
	/* whatever else it is: refusing these would harm the host */
	if (file->essential)
		return PSC_FOUND_ESSENTIAL;
	/* a vendor's engine in a package of somebody else's is what it is */
	if (file->distribution && !file->proven)
		return PSC_FOUND_DISTRIBUTION;
	if (file->listed)
		return PSC_FOUND_LISTED;
	if (!file->size)
		return PSC_FOUND_EMPTY;
	/*
	 * Settings and logs, packed or not, and databases change, and nothing executes or
	 * loads them.
	 */
	if (file->format == PSC_FORMAT_ANY || file->format == PSC_FORMAT_ARCHIVE)
		return PSC_FOUND_FORMAT;
	if (file->size > limit)
		return PSC_FOUND_TOO_LARGE;
	if (file->claimed)
		return PSC_FOUND_PLACE;
	if (file->confidence < least)
		return PSC_FOUND_CONFIDENCE;
	if (file->linked)
		return PSC_FOUND_LINK;
	return PSC_FOUND_FED;
}

/* ---- lines -------------------------------------------------------------------------- */

int psc_found_append(struct psc_list *additions, const struct psc_found_file *file,
		     uint64_t first_ns, struct psc_error *reterr)
{
	char path[TEXT_MAX], version[TEXT_MAX], product[TEXT_MAX], source[TEXT_MAX];
	char at[PSC_TIME_TEXT_MAX];
	const struct psc_list_entry entry = {
		.algo = PSC_ALGO_SHA256,
		.digest = file->digest,
		.digest_size = PSC_DIGEST_SIZE,
		.has_size = true,
		.size = file->size,
		.format = file->format,
		.name = path,
		.product = product,
		.version = version,
		.source = source,
	};

	psc_escape_to(path, sizeof(path), file->path, strlen(file->path), 0);
	psc_escape_to(version, sizeof(version), file->version ?: "", strlen(file->version ?: ""),
		      0);
	snprintf(product, sizeof(product), "%s/%s", file->product, psc_role_to_string(file->role));
	snprintf(source, sizeof(source), SOURCE_START "%s by %s (%s)",
		 psc_time_format_seconds(first_ns, at), file->rule,
		 psc_confidence_to_string(file->confidence));
	return psc_list_append(additions, &entry, reterr);
}

/* ---- sums --------------------------------------------------------------------------- */

void psc_found_summary_clear(struct psc_found_summary *summary)
{
	for (size_t i = 0; i < summary->count; i++) {
		free(summary->product[i].product);
		psc_strings_free(summary->product[i].rules);
	}
	free(summary->product);
	*summary = (struct psc_found_summary){0};
}

/* The product's sum, made when it is not there; "VENDOR/PRODUCT/ROLE" counts for its product. */
static struct psc_found_product *sum_of(struct psc_found_summary *summary, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(strchrnul(slash + 1, '/') - text) : strlen(text);
	struct psc_found_product *grown;
	size_t at = 0;

	for (; at < summary->count; at++) {
		const char *name = summary->product[at].product;
		int r = strncmp(name, text, length);

		if (r == 0 && name[length] == 0)
			return &summary->product[at];
		if (r > 0 || (r == 0 && name[length]))
			break;
	}
	grown = reallocarray(summary->product, summary->count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	summary->product = grown;
	memmove(&grown[at + 1], &grown[at], (summary->count - at) * sizeof(*grown));
	grown[at] = (struct psc_found_product){.product = strndup(text, length)};
	summary->count++;
	return grown[at].product ? &grown[at] : NULL;
}

static int add_rule(struct psc_found_product *sum, const char *rule, size_t length)
{
	char **grown;

	for (size_t i = 0; i < sum->rule_count; i++) {
		if (strncmp(sum->rules[i], rule, length) == 0 && !sum->rules[i][length])
			return 0;
	}
	grown = reallocarray(sum->rules, sum->rule_count + 2, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	sum->rules = grown;
	grown[sum->rule_count] = strndup(rule, length);
	if (!grown[sum->rule_count])
		return -ENOMEM;
	grown[++sum->rule_count] = NULL;
	return 0;
}

/* What psc_found_append() wrote; a source that somebody else wrote says nothing. */
static int add_source(struct psc_found_product *sum, const char *source)
{
	char at[PSC_TIME_TEXT_MAX];
	const char *by, *end;
	uint64_t ns;

	if (strncmp(source, SOURCE_START, strlen(SOURCE_START)) != 0)
		return 0;
	source += strlen(SOURCE_START);
	by = strstr(source, " by ");
	if (!by || (size_t)(by - source) >= sizeof(at))
		return 0;
	memcpy(at, source, by - source);
	at[by - source] = 0;
	if (psc_time_parse(at, &ns) < 0)
		return 0;
	if (!sum->first_ns || ns < sum->first_ns)
		sum->first_ns = ns;
	by += strlen(" by ");
	end = strstr(by, " (");
	return add_rule(sum, by, end ? (size_t)(end - by) : strlen(by));
}

int psc_found_summarize(const struct psc_list *list, const char *path,
			struct psc_found_summary *ret)
{
	_cleanup_(psc_found_summary_clear) struct psc_found_summary summary = {0};
	struct psc_list_entry entry;
	struct psc_list_file file;

	for (size_t i = 0; psc_list_get(list, i, &entry) >= 0; i++) {
		struct psc_found_product *sum;

		if (psc_list_file(list, entry.file, &file) < 0 || strcmp(file.path, path) != 0)
			continue;
		sum = sum_of(&summary, entry.product);
		if (!sum || add_source(sum, entry.source) < 0)
			return -ENOMEM;
		sum->files++;
	}
	*ret = summary;
	summary = (struct psc_found_summary){0};
	return 0;
}

/* ---- where to look ------------------------------------------------------------------ */

/* Patterns are searched where they stand: "/opt/x*" is a look, "/x*" or "*" is a hunt. */
static bool is_narrow(const char *pattern)
{
	size_t fixed = strcspn(pattern, "*?[");
	const char *second = pattern[0] == '/' ? strchr(pattern + 1, '/') : NULL;

	return second && (size_t)(second - pattern) < fixed;
}

enum psc_found_place psc_found_place_of(const struct psc_condition *condition, char *buffer,
					size_t size)
{
	const char *value = condition->value;
	size_t length = strlen(value);
	bool literal = !strpbrk(value, "*?[\\");

	if (condition->fact != PSC_FACT_PATH || value[0] != '/' || length + 2 > size)
		return PSC_FOUND_PLACE_NONE;
	switch (condition->match) {
	case PSC_MATCH_EXACT:
	case PSC_MATCH_UNDER:
		snprintf(buffer, size, "%s", value);
		return PSC_FOUND_PLACE_PATH;
	case PSC_MATCH_PREFIX:
		if (value[length - 1] == '/') {
			snprintf(buffer, size, "%s", value);
			return is_narrow(value) ? PSC_FOUND_PLACE_PATH : PSC_FOUND_PLACE_NONE;
		}
		if (!literal || !is_narrow(value))
			return PSC_FOUND_PLACE_NONE;
		snprintf(buffer, size, "%s*", value);
		return PSC_FOUND_PLACE_GLOB;
	case PSC_MATCH_GLOB:
		if (!is_narrow(value))
			return PSC_FOUND_PLACE_NONE;
		snprintf(buffer, size, "%s", value);
		return PSC_FOUND_PLACE_GLOB;
	default:
		return PSC_FOUND_PLACE_NONE;
	}
}

bool psc_found_may_follow(const char *directory)
{
	/* these are the distribution's or everybody's; /usr/local is the site's */
	static const char *const closed[] = {"/bin",  "/boot",	       "/dev", "/etc",	"/lib",
					     "/proc", "/root",	       "/run", "/sbin", "/sys",
					     "/tmp",  "/var/lib/dpkg", "/usr"};
	const char *rest;

	if (directory[0] != '/' || !strchr(directory + 1, '/'))
		return false;
	if (strncmp(directory, "/usr/local/", 11) == 0)
		return strchr(directory + 11, '/') != NULL;
	if (strncmp(directory, "/lib", 4) == 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
		size_t length = strlen(closed[i]);

		rest = directory + length;
		if (strncmp(directory, closed[i], length) == 0 && (!*rest || *rest == '/'))
			return false;
	}
	return true;
}

bool psc_found_may_mark(const char *directory)
{
	static const char *const others[] = {"/home",
					     "/var/cache/apt",
					     "/var/lib/containerd",
					     "/var/lib/docker",
					     "/var/lib/dpkg",
					     "/var/lib/machines",
					     "/var/lib/proscribe",
					     "/var/lib/rpm",
					     "/var/lib/systemd",
					     "/var/lib/containers",
					     "/var/lib/snapd",
					     "/var/log/proscribe",
					     "/var/spool/cron",
					     "/var/tmp",
					     "/usr/local/bin",
					     "/usr/local/lib",
					     "/usr/local/sbin",
					     "/usr/local/share",
					     "/srv",
					     "/opt"};
	size_t length = strlen(directory);

	if (!psc_found_may_follow(directory))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		size_t other = strlen(others[i]);

		if (strncmp(others[i], directory, length) == 0 &&
		    (!others[i][length] || others[i][length] == '/'))
			return false;
		/* below the one of everybody's homes, too */
		if (i == 0 && strncmp(directory, others[i], other) == 0 && directory[other] == '/')
			return false;
	}
	return true;
}

/* ---- clocks ------------------------------------------------------------------------- */

void psc_debounce_trigger(struct psc_debounce *debounce, uint64_t now)
{
	if (!debounce->first)
		debounce->first = now;
	debounce->last = now;
}

uint64_t psc_debounce_due(const struct psc_debounce *debounce)
{
	uint64_t quiet = debounce->last + debounce->quiet_ns;
	uint64_t most = debounce->first + debounce->most_ns;

	if (!debounce->first)
		return UINT64_MAX;
	return quiet < most ? quiet : most;
}

bool psc_debounce_take(struct psc_debounce *debounce, uint64_t now)
{
	if (now < psc_debounce_due(debounce))
		return false;
	debounce->first = 0;
	return true;
}

void psc_latency_add(struct psc_latency *latency, uint64_t ns)
{
	latency->ns[latency->count++ % PSC_LATENCY_SAMPLES] = ns;
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t psc_latency_quantile(const struct psc_latency *latency, unsigned int percent)
{
	size_t count = latency->count < PSC_LATENCY_SAMPLES ? latency->count : PSC_LATENCY_SAMPLES;
	uint64_t sorted[PSC_LATENCY_SAMPLES];
	size_t rank;

	if (!count)
		return 0;
	memcpy(sorted, latency->ns, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), compare_ns);
	rank = (count * percent + 99) / 100;
	return sorted[rank ? rank - 1 : 0];
}
