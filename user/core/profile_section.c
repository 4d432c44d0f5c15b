/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_section.c - see profile_internal.h. Phases, clauses, rules, reports: what refers to
 * something is resolved once all it may refer to is there.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/profile_internal.h"

#define FIRST_SEEN "first_seen"

/* ---- references ----------------------------------------------------------------- */

/* Sections are arrays of structures that begin with their id. */
static const char *id_at(const void *items, size_t stride, size_t i)
{
	return *(char *const *)((const char *)items + i * stride);
}

static bool find_id(const void *items, size_t stride, size_t count, const char *id, size_t *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(id_at(items, stride, i), id) != 0)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

/* The last of @count items must not be called as one before it. @key: of its id. */
static int check_unique(struct psc_profile_parser *p, const struct psc_yaml_node *node,
			const char *key, const void *items, size_t stride, size_t count)
{
	const char *id = id_at(items, stride, count - 1);
	size_t other;

	if (find_id(items, stride, count - 1, id, &other))
		return psc_yaml_fail(p->yaml, psc_yaml_get(node, key), "duplicate %s \"%.64s\"",
				     key, id);
	return 0;
}

static int find_phase(struct psc_profile_parser *p, const struct psc_yaml_node *value, size_t *ret)
{
	int r = psc_yaml_expect_scalar(p->yaml, value, "expected a phase");

	if (r < 0)
		return r;
	if (!find_id(p->profile->phases, sizeof(struct psc_phase), p->profile->phase_count,
		     value->text, ret))
		return psc_yaml_fail(p->yaml, value,
				     "unknown phase \"%.64s\": expected the id of one under "
				     "\"phases\"",
				     value->text);
	return 0;
}

static int take_phase(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	return find_phase(p, value, to);
}

static int take_clause(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	int r = psc_yaml_expect_scalar(p->yaml, value, "expected a clause");

	if (r < 0)
		return r;
	if (!find_id(p->profile->clauses, sizeof(struct psc_clause), p->profile->clause_count,
		     value->text, to))
		return psc_yaml_fail(p->yaml, value,
				     "unknown clause \"%.64s\": expected the id of one under "
				     "\"clauses\"",
				     value->text);
	return 0;
}

/* Only duties above it, so that none waits for itself. */
static int take_after(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	const struct psc_profile *profile = p->profile;
	int r = psc_yaml_expect_scalar(p->yaml, value,
				       "expected " FIRST_SEEN ", a phase or a report");
	size_t i;

	if (r < 0)
		return r;
	if (strcmp(value->text, FIRST_SEEN) != 0 &&
	    !find_id(profile->phases, sizeof(struct psc_phase), profile->phase_count, value->text,
		     &i) &&
	    !find_id(profile->duties, sizeof(struct psc_report_duty), profile->duty_count - 1,
		     value->text, &i))
		return psc_yaml_fail(p->yaml, value,
				     "unknown \"%.64s\": expected " FIRST_SEEN
				     ", a phase or a report above this one",
				     value->text);
	return psc_profile_copy_text(value->text, to);
}

/* Resolved when the rest of the rule is there. */
static int take_later(struct psc_profile_parser *p, const struct psc_yaml_node *value, void *to)
{
	return 0;
}

/* ---- sections ------------------------------------------------------------------- */

/* Room for a section's items; its place in the profile stays empty until they are counted. */
static int begin_section(struct psc_profile_parser *p, const struct psc_yaml_node *section,
			 const char *what, size_t stride, void *ret)
{
	size_t count = 0;
	void *items;
	int r;

	r = psc_yaml_expect_sequence(p->yaml, section, what);
	if (r < 0)
		return r;
	for (const struct psc_yaml_node *n = section->first; n; n = n->next) {
		if (++count > PSC_PROFILE_ITEMS_MAX)
			return psc_yaml_fail(p->yaml, n, "more than %u under \"%s\"",
					     PSC_PROFILE_ITEMS_MAX, section->key);
	}
	if (!count)
		return psc_yaml_fail(p->yaml, section, "%s, found none", what);
	items = calloc(count, stride);
	if (!items)
		return -ENOMEM;
	memcpy(ret, &items, sizeof(items));
	return 0;
}

static int default_text(char **text)
{
	return *text ? 0 : psc_profile_copy_text("", text);
}

static int parse_exempt(struct psc_profile_parser *p)
{
	static const struct psc_profile_field fields[] = {
		{"class", false, psc_profile_take_id, offsetof(struct psc_exempt_class, id)},
		{"text", false, psc_profile_take_text, offsetof(struct psc_exempt_class, text)},
		{"source", false, psc_profile_take_text,
		 offsetof(struct psc_exempt_class, cite.source)},
		{"label", false, psc_profile_take_label,
		 offsetof(struct psc_exempt_class, cite.label)},
	};
	struct psc_profile *profile = p->profile;
	int r;

	if (!p->exempt)
		return 0;
	r = begin_section(p, p->exempt, "expected a sequence of classes", sizeof(*profile->exempt),
			  &profile->exempt);
	if (r < 0)
		return r;
	for (const struct psc_yaml_node *n = p->exempt->first; n && r >= 0; n = n->next) {
		struct psc_exempt_class *class = &profile->exempt[profile->exempt_count++];

		class->line = n->line;
		r = psc_profile_take_fields(p, n, fields, ARRAY_SIZE(fields), class);
		if (r >= 0)
			r = check_unique(p, n, "class", profile->exempt, sizeof(*class),
					 profile->exempt_count);
	}
	return r;
}

static int check_phase(struct psc_profile_parser *p, const struct psc_yaml_node *node)
{
	struct psc_profile *profile = p->profile;
	struct psc_phase *phase = &profile->phases[profile->phase_count - 1];

	if (strcmp(phase->id, FIRST_SEEN) == 0)
		return psc_yaml_fail(p->yaml, psc_yaml_get(node, "phase"),
				     "\"" FIRST_SEEN "\" cannot be a phase: reports mean the first "
				     "finding by it");
	if (profile->phase_count > 1 && phase[-1].from >= phase->from)
		return psc_yaml_fail(p->yaml, psc_yaml_get(node, "from"),
				     "not after the phase before it: expected phases in the order "
				     "of time");
	return 0;
}

static int parse_phases(struct psc_profile_parser *p)
{
	static const struct psc_profile_field fields[] = {
		{"phase", false, psc_profile_take_id, offsetof(struct psc_phase, id)},
		{"title", false, psc_profile_take_text, offsetof(struct psc_phase, title)},
		{"from", false, psc_profile_take_instant, offsetof(struct psc_phase, from)},
		{"note", true, psc_profile_take_text, offsetof(struct psc_phase, note)},
		{"source", false, psc_profile_take_text, offsetof(struct psc_phase, cite.source)},
		{"label", false, psc_profile_take_label, offsetof(struct psc_phase, cite.label)},
	};
	struct psc_profile *profile = p->profile;
	int r;

	r = begin_section(p, p->phases, "expected a sequence of phases", sizeof(*profile->phases),
			  &profile->phases);
	if (r < 0)
		return r;
	for (const struct psc_yaml_node *n = p->phases->first; n && r >= 0; n = n->next) {
		struct psc_phase *phase = &profile->phases[profile->phase_count++];

		phase->line = n->line;
		r = psc_profile_take_fields(p, n, fields, ARRAY_SIZE(fields), phase);
		if (r >= 0)
			r = check_unique(p, n, "phase", profile->phases, sizeof(*phase),
					 profile->phase_count);
		if (r >= 0)
			r = check_phase(p, n);
		if (r >= 0)
			r = default_text(&phase->note);
	}
	return r;
}

static int parse_clauses(struct psc_profile_parser *p)
{
	static const struct psc_profile_field fields[] = {
		{"clause", false, psc_profile_take_id, offsetof(struct psc_clause, id)},
		{"phase", false, take_phase, offsetof(struct psc_clause, phase)},
		{"text", false, psc_profile_take_text, offsetof(struct psc_clause, text)},
		{"source", false, psc_profile_take_text, offsetof(struct psc_clause, cite.source)},
		{"label", false, psc_profile_take_label, offsetof(struct psc_clause, cite.label)},
	};
	struct psc_profile *profile = p->profile;
	int r;

	r = begin_section(p, p->clauses, "expected a sequence of clauses",
			  sizeof(*profile->clauses), &profile->clauses);
	if (r < 0)
		return r;
	for (const struct psc_yaml_node *n = p->clauses->first; n && r >= 0; n = n->next) {
		struct psc_clause *clause = &profile->clauses[profile->clause_count++];

		clause->line = n->line;
		r = psc_profile_take_fields(p, n, fields, ARRAY_SIZE(fields), clause);
		if (r >= 0)
			r = check_unique(p, n, "clause", profile->clauses, sizeof(*clause),
					 profile->clause_count);
	}
	return r;
}

/* From when until when: the clause's phase unless the rule names others. */
static int resolve_span(struct psc_profile_parser *p, const struct psc_yaml_node *node,
			struct psc_rule *rule)
{
	const struct psc_phase *phases = p->profile->phases;
	const struct psc_yaml_node *value;
	size_t begin = p->profile->clauses[rule->clause].phase;
	size_t end;
	int r;

	value = psc_yaml_get(node, "phase");
	if (value) {
		size_t later;

		r = find_phase(p, value, &later);
		if (r < 0)
			return r;
		if (later <= begin)
			return psc_yaml_fail(
				p->yaml, value,
				"not later than the clause's phase \"%.64s\": expected "
				"a later one, or no \"phase\"",
				phases[begin].id);
		begin = later;
	}
	rule->from = phases[begin].from;
	rule->until = PSC_TIME_NEVER;
	value = psc_yaml_get(node, "until");
	if (!value)
		return 0;
	r = find_phase(p, value, &end);
	if (r < 0)
		return r;
	if (end <= begin)
		return psc_yaml_fail(p->yaml, value,
				     "ends before it begins: expected a phase after \"%.64s\"",
				     phases[begin].id);
	rule->until = phases[end].from;
	return 0;
}

static int check_rule(struct psc_profile_parser *p, const struct psc_yaml_node *node,
		      struct psc_rule *rule)
{
	if (rule->basis != PSC_BASIS_ORDER && !rule->reason)
		return psc_yaml_fail(p->yaml, node,
				     "\"reason\" is missing: expected why, since the basis is %s",
				     psc_basis_to_string(rule->basis));
	return default_text(&rule->reason);
}

static int parse_rules(struct psc_profile_parser *p)
{
	static const struct psc_profile_field fields[] = {
		{"rule", false, psc_profile_take_id, offsetof(struct psc_rule, id)},
		{"clause", false, take_clause, offsetof(struct psc_rule, clause)},
		{"basis", false, psc_profile_take_basis, offsetof(struct psc_rule, basis)},
		{"roles", false, psc_profile_take_roles, offsetof(struct psc_rule, roles)},
		{"status", false, psc_profile_take_statuses, offsetof(struct psc_rule, statuses)},
		{"operations", false, psc_profile_take_ops, offsetof(struct psc_rule, ops)},
		{"action", false, psc_profile_take_action, offsetof(struct psc_rule, action)},
		{"phase", true, take_later, 0},
		{"until", true, take_later, 0},
		{"reason", true, psc_profile_take_text, offsetof(struct psc_rule, reason)},
	};
	struct psc_profile *profile = p->profile;
	int r;

	r = begin_section(p, p->rules, "expected a sequence of rules", sizeof(*profile->rules),
			  &profile->rules);
	if (r < 0)
		return r;
	for (const struct psc_yaml_node *n = p->rules->first; n && r >= 0; n = n->next) {
		struct psc_rule *rule = &profile->rules[profile->rule_count++];

		rule->line = n->line;
		r = psc_profile_take_fields(p, n, fields, ARRAY_SIZE(fields), rule);
		if (r >= 0)
			r = check_unique(p, n, "rule", profile->rules, sizeof(*rule),
					 profile->rule_count);
		if (r >= 0)
			r = resolve_span(p, n, rule);
		if (r >= 0)
			r = check_rule(p, n, rule);
	}
	return r;
}

/* `after` of another duty must not leave open whether a phase is meant. */
static int check_duty(struct psc_profile_parser *p, const struct psc_yaml_node *node,
		      const struct psc_report_duty *duty)
{
	const struct psc_profile *profile = p->profile;
	size_t i;

	if (strcmp(duty->id, FIRST_SEEN) == 0 ||
	    find_id(profile->phases, sizeof(struct psc_phase), profile->phase_count, duty->id, &i))
		return psc_yaml_fail(p->yaml, psc_yaml_get(node, "report"),
				     "\"%.64s\" is a phase or " FIRST_SEEN ": expected another id",
				     duty->id);
	if (duty->repeats && !duty->days)
		return psc_yaml_fail(p->yaml, psc_yaml_get(node, "days"),
				     "repeats every 0 days: expected 1 or more");
	return 0;
}

static int parse_reports(struct psc_profile_parser *p)
{
	static const struct psc_profile_field fields[] = {
		{"report", false, psc_profile_take_id, offsetof(struct psc_report_duty, id)},
		{"text", false, psc_profile_take_text, offsetof(struct psc_report_duty, text)},
		{"days", false, psc_profile_take_days, offsetof(struct psc_report_duty, days)},
		{"business_days", false, psc_profile_take_bool,
		 offsetof(struct psc_report_duty, business_days)},
		{"after", false, take_after, offsetof(struct psc_report_duty, after)},
		{"repeats", false, psc_profile_take_bool,
		 offsetof(struct psc_report_duty, repeats)},
		{"source", false, psc_profile_take_text,
		 offsetof(struct psc_report_duty, cite.source)},
		{"label", false, psc_profile_take_label,
		 offsetof(struct psc_report_duty, cite.label)},
	};
	struct psc_profile *profile = p->profile;
	int r;

	if (!p->reports)
		return 0;
	r = begin_section(p, p->reports, "expected a sequence of reports", sizeof(*profile->duties),
			  &profile->duties);
	if (r < 0)
		return r;
	for (const struct psc_yaml_node *n = p->reports->first; n && r >= 0; n = n->next) {
		struct psc_report_duty *duty = &profile->duties[profile->duty_count++];

		duty->line = n->line;
		r = psc_profile_take_fields(p, n, fields, ARRAY_SIZE(fields), duty);
		if (r >= 0)
			r = check_unique(p, n, "report", profile->duties, sizeof(*duty),
					 profile->duty_count);
		if (r >= 0)
			r = check_duty(p, n, duty);
	}
	return r;
}
int psc_profile_parse_sections(struct psc_profile_parser *p)
{
	static int (*const sections[])(struct psc_profile_parser * p) = {
		parse_exempt, parse_phases, parse_clauses, parse_rules, parse_reports,
	};
	int r = 0;

	for (size_t n = 0; n < ARRAY_SIZE(sections) && r >= 0; n++)
		r = sections[n](p);
	return r;
}
