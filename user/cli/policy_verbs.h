/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_verbs.h - what the verbs `proscribe policy ...` share: the policy of this host, read
 * from its files without daemon and root; points in time; words for what rulings rest on;
 * tables. Only for user/cli.
 */
#pragma once

#include "user/cli/cli.h"
#include "user/cli/output.h"
#include "user/core/compile.h"
#include "user/core/json.h"
#include "user/core/paths.h"
#include "user/core/policy_set.h"
#include "user/core/timefmt.h"

#define PSC_POLICY_COLUMNS 100 /* how wide output gets, unless a word is longer */

/* ---- where, and what went wrong ---------------------------------------------------- */

#define PSC_POLICY_OPTIONS_PROFILES                                                                \
	{                                                                                          \
		"profiles-dir", "DIR", "where profiles are, instead of profiles.d and the shipped" \
	}
#define PSC_POLICY_OPTIONS_CONFIG                                                                  \
	{                                                                                          \
		"config", "FILE", "configuration (default: " PSC_PATH_CONFIG ", or built in)"      \
	}
#define PSC_POLICY_OPTIONS_CATALOG                                                                 \
	{                                                                                          \
		"catalog", "DIR", "where the catalog is, instead of the shipped and catalog.d"     \
	}
#define PSC_POLICY_OPTIONS_OBJECTS                                                                 \
	{                                                                                          \
		"objects", "DIR", "where exemptions and the like are, instead of objects.d"        \
	}
#define PSC_POLICY_OPTIONS_HOST                                                                    \
	PSC_POLICY_OPTIONS_PROFILES, PSC_POLICY_OPTIONS_CONFIG, PSC_POLICY_OPTIONS_CATALOG,        \
		PSC_POLICY_OPTIONS_OBJECTS
#define PSC_POLICY_OPTIONS_LISTS                                                                   \
	{                                                                                          \
		"lists", "DIR", "lists of the site, instead of the configuration's"                \
	}

/* The places by the options. */
struct psc_policy_places psc_policy_places_given(const struct psc_cli *cli);

/* A profile by id, or by path: with a slash, or a name that ends in .yaml. */
int psc_policy_find(const struct psc_policy_places *places, const char *name,
		    struct psc_profile **ret, struct psc_error *reterr);

/* The configuration by --policy (if it is not "active") or --config, or what is built in when there is none. */
int psc_policy_config(const struct psc_cli *cli, struct psc_config **ret, struct psc_error *reterr);

/* What decides on this host. It must not move while @view is used. */
struct psc_policy_host {
	struct psc_config *config;
	struct psc_policy_places places;
	struct psc_policy_set set;
	struct psc_policy_view view;
	struct psc_list *list; /* of psc_policy_compile() */
	size_t site_files;
	uint64_t now; /* ns; objects that are over by it are left out */
};

void psc_policy_host_clear(struct psc_policy_host *host);

/*
 * Reads configuration, profiles, catalog and those objects that are not over at @at. A
 * negative errno with the place in @reterr. Clear @ret in either case.
 */
int psc_policy_host_load(const struct psc_cli *cli, uint64_t at, struct psc_policy_host *ret,
			 struct psc_error *reterr);

/* Reads the lists and compiles, as the daemon does; not armed. */
int psc_policy_compile(const struct psc_cli *cli, struct psc_policy_host *host,
		       struct psc_image **ret, struct psc_error *reterr);

/* The exit status for an errno of those: invalid input, or failed. */
int psc_policy_exit(int error);

/* What to do about it; NULL: the message says it, or nobody knows. */
const char *psc_policy_remedy(int error);

/* Reports the failure @error (a negative errno) with its remedy. */
int psc_policy_fail(struct psc_cli *cli, int error, struct psc_error *detail);

/* {"file"?, "line"?, "column"?, "message"} with safe strings; NULL: memory is short. */
json_t *psc_policy_error_json(const struct psc_error *error);

/* ---- time ---------------------------------------------------------------------------- */

#define PSC_POLICY_TIMES "2026-01-31T12:00:00Z, now, +30d, -12h"

/*
 * A point in time: RFC 3339, "now", a span after @now ("+30d", also without the sign) or
 * before it ("-30d"). -EINVAL, -ERANGE.
 */
int psc_policy_time_parse(const char *text, uint64_t now, uint64_t *ret);

/* An option's point in time, or @fallback. PSC_EXIT_OK, else said what is wrong. */
int psc_policy_time_option(struct psc_cli *cli, const char *name, uint64_t now, uint64_t fallback,
			   uint64_t *ret);

/* "2026-01-31T12:00:00Z"; "always" and "never" for the ends of time; JSON: null for these. */
const char *psc_policy_time_text(uint64_t ns, char buffer[PSC_TIME_TEXT_MAX]);
json_t *psc_policy_time_json(uint64_t ns);

/* ---- words --------------------------------------------------------------------------- */

/* {"source", "label"}. */
json_t *psc_policy_cite_json(const struct psc_cite *cite);

/*
 * How a statement is known: "89 FR 52434", "as reported by PCMag", "our reading of ...",
 * "unverified: ...". @label is its letter. The caller frees it; NULL: memory is short.
 */
char *psc_policy_cite_text(const char *label, const char *source);

/* Names of the bits, an array. */
json_t *psc_policy_names_json(uint32_t bits, unsigned int count,
			      const char *(*name)(unsigned int value));

/* "all", "all but uninstaller", "exec, load". The caller frees it; NULL: memory is short. */
char *psc_policy_names_text(const json_t *names, unsigned int count,
			    const char *(*name)(unsigned int value));

/* A whole profile; strings are safe, the file's place is not in it. */
json_t *psc_policy_profile_json(const struct psc_profile *profile);

/* One reason of a ruling, with "because", a sentence for people. */
json_t *psc_policy_reason_json(const struct psc_ruling_reason *reason);

/* ---- layout -------------------------------------------------------------------------- */

struct psc_grid_column {
	const char *title;
	size_t most; /* columns; longer text is broken, at best behind a comma or blank. 0: all */
};

/*
 * Prints rows (arrays of safe strings) in columns below their titles, @indent blanks before. A
 * row that is a string itself is a heading.
 */
void psc_grid_print(FILE *out, bool colour, size_t indent, const struct psc_grid_column *columns,
		    size_t count, const json_t *rows);

/*
 * Prints safe text in lines of at most PSC_POLICY_COLUMNS; the caller has filled the first
 * one up to @indent, the others are indented that far. Ends the line.
 */
void psc_output_wrapped(FILE *out, size_t indent, const char *text);

/* The same when the first line is filled up to @used. */
void psc_output_wrapped_from(FILE *out, size_t used, size_t indent, const char *text);
