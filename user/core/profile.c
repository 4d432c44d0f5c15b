/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.c - see profile.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/digest.h"
#include "user/core/load.h"
#include "user/core/profile_internal.h"
#include "user/core/timefmt.h"

#define SUFFIX ".yaml"

/* ---- the document ---------------------------------------------------------------- */

static int take_profile_id(struct psc_profile_parser *p, const struct psc_yaml_node *value,
			   void *to)
{
	int r = psc_profile_take_id(p, value, to);

	if (r < 0)
		return r;
	if (p->expected_id && strcmp(p->expected_id, value->text) != 0)
		return psc_yaml_fail(p->yaml, value,
				     "not what the file is named: expected \"%.100s\"",
				     p->expected_id);
	return 0;
}

/* Sections are read when all of them are known. */
static int take_exempt(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	p->exempt = value;
	return 0;
}

static int take_phases(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	p->phases = value;
	return 0;
}

static int take_clauses(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	p->clauses = value;
	return 0;
}

static int take_rules(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	p->rules = value;
	return 0;
}

static int take_reports(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	p->reports = value;
	return 0;
}

static int parse_head(struct psc_profile_parser *p, const struct psc_yaml_node *root)
{
	static const struct psc_profile_field fields[] = {
		{"profile", false, take_profile_id, offsetof(struct psc_profile, id)},
		{"title", false, psc_profile_take_text, offsetof(struct psc_profile, title)},
		{"authority", false, psc_profile_take_text,
		 offsetof(struct psc_profile, authority)},
		{"summary", false, psc_profile_take_text, offsetof(struct psc_profile, summary)},
		{"source", false, psc_profile_take_text, offsetof(struct psc_profile, cite.source)},
		{"label", false, psc_profile_take_label, offsetof(struct psc_profile, cite.label)},
		{"advisory", true, psc_profile_take_bool, offsetof(struct psc_profile, advisory)},
		{"scope", true, psc_profile_take_scope, offsetof(struct psc_profile, scope)},
		{"updated", false, psc_profile_take_day, offsetof(struct psc_profile, updated)},
		{"entities", false, psc_profile_take_entities,
		 offsetof(struct psc_profile, entities)},
		{"exempt", true, take_exempt, 0},
		{"phases", false, take_phases, 0},
		{"clauses", false, take_clauses, 0},
		{"rules", false, take_rules, 0},
		{"reports", true, take_reports, 0},
	};

	return psc_profile_take_fields(p, root, fields, ARRAY_SIZE(fields), p->profile);
}

static int parse_document(struct psc_profile_parser *p)
{
	int r = parse_head(p, psc_yaml_root(p->yaml));

	if (r >= 0)
		p->profile->updated_line = psc_yaml_get(psc_yaml_root(p->yaml), "updated")->line;
	if (r >= 0 && !p->profile->scope)
		r = psc_profile_copy_text("", &p->profile->scope);
	return r < 0 ? r : psc_profile_parse_sections(p);
}

/* @expected_id: NULL when any id will do. */
static int parse_profile(const char *data, size_t size, const char *path, const char *expected_id,
			 struct psc_profile **ret, struct psc_error *reterr)
{
	_cleanup_(psc_profile_freep) struct psc_profile *profile = NULL;
	_cleanup_(psc_yaml_freep) struct psc_yaml *yaml = NULL;
	struct psc_profile_parser parser = {.expected_id = expected_id};
	int r;

	if (size > PSC_PROFILE_SIZE_MAX) {
		psc_error_set(reterr, path, 0, 0, "larger than %u bytes", PSC_PROFILE_SIZE_MAX);
		return -E2BIG;
	}
	r = psc_yaml_parse(data, size, path, &yaml, reterr);
	if (r < 0)
		return r;
	if (!psc_yaml_root(yaml)) {
		psc_error_set(reterr, path, 1, 1, "nothing in it: expected a profile");
		return -EINVAL;
	}
	r = -ENOMEM;
	profile = calloc(1, sizeof(*profile));
	if (profile)
		r = psc_profile_copy_text(path, &profile->path);
	if (r >= 0) {
		parser.yaml = yaml;
		parser.profile = profile;
		r = parse_document(&parser);
	}
	if (r == -ENOMEM)
		psc_error_set(reterr, path, 0, 0, "out of memory");
	if (r < 0)
		return r;
	r = psc_digest_buffer(data, size, profile->digest);
	if (r < 0) {
		psc_error_set(reterr, path, 0, 0, "cannot be digested: %s", strerror(-r));
		return r;
	}
	*ret = TAKE_PTR(profile);
	return 0;
}

int psc_profile_parse(const char *data, size_t size, const char *path, struct psc_profile **ret,
		      struct psc_error *reterr)
{
	return parse_profile(data, size, path, NULL, ret, reterr);
}

int psc_profile_load(const char *path, struct psc_profile **ret, struct psc_error *reterr)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t length = strlen(name);
	_cleanup_free_ char *data = NULL;
	_cleanup_free_ char *id = NULL;
	size_t size;
	int r;

	if (length <= strlen(SUFFIX) || strcmp(name + length - strlen(SUFFIX), SUFFIX) != 0) {
		psc_error_set(reterr, path, 0, 0, "not named as a profile: expected ID" SUFFIX);
		return -EINVAL;
	}
	id = strndup(name, length - strlen(SUFFIX));
	if (!id) {
		psc_error_set(reterr, path, 0, 0, "out of memory");
		return -ENOMEM;
	}
	r = psc_load_trusted(path, PSC_PROFILE_SIZE_MAX, &data, &size, reterr);
	return r < 0 ? r : parse_profile(data, size, path, id, ret, reterr);
}

/* ---- what was read ---------------------------------------------------------------- */

static void free_sections(struct psc_profile *profile)
{
	for (size_t i = 0; i < profile->exempt_count; i++) {
		free(profile->exempt[i].id);
		free(profile->exempt[i].text);
		free(profile->exempt[i].cite.source);
	}
	for (size_t i = 0; i < profile->phase_count; i++) {
		free(profile->phases[i].id);
		free(profile->phases[i].title);
		free(profile->phases[i].note);
		free(profile->phases[i].cite.source);
	}
	for (size_t i = 0; i < profile->clause_count; i++) {
		free(profile->clauses[i].id);
		free(profile->clauses[i].text);
		free(profile->clauses[i].cite.source);
	}
	for (size_t i = 0; i < profile->rule_count; i++) {
		free(profile->rules[i].id);
		free(profile->rules[i].reason);
	}
	for (size_t i = 0; i < profile->duty_count; i++) {
		free(profile->duties[i].id);
		free(profile->duties[i].text);
		free(profile->duties[i].after);
		free(profile->duties[i].cite.source);
	}
	free(profile->exempt);
	free(profile->phases);
	free(profile->clauses);
	free(profile->rules);
	free(profile->duties);
}

struct psc_profile *psc_profile_free(struct psc_profile *profile)
{
	if (!profile)
		return NULL;
	free_sections(profile);
	free(profile->id);
	free(profile->title);
	free(profile->authority);
	free(profile->summary);
	free(profile->cite.source);
	free(profile->scope);
	free(profile->updated);
	psc_strings_free(profile->entities);
	free(profile->path);
	free(profile);
	return NULL;
}

void psc_profile_freep(struct psc_profile **profile)
{
	*profile = psc_profile_free(*profile);
}

uint64_t psc_profile_updated(const struct psc_profile *profile)
{
	uint64_t at = 0;

	psc_time_parse(profile->updated, &at); /* it is a day: the parser saw to that */
	return at;
}

const struct psc_exempt_class *psc_profile_exempts(const struct psc_profile *profile,
						   const char *class)
{
	for (size_t i = 0; i < profile->exempt_count; i++) {
		if (strcmp(profile->exempt[i].id, class) == 0)
			return &profile->exempt[i];
	}
	return NULL;
}

bool psc_profile_means(const struct psc_profile *profile, const char *entity)
{
	for (char **known = profile->entities; *known; known++) {
		if (strcmp(*known, entity) == 0)
			return true;
	}
	return false;
}
