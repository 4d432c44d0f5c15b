/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_lint.c - what a profile says that nobody can have meant; see profile.h.
 */
#include <stdarg.h>

#include "user/core/util.h"
#include "user/core/profile.h"

#define CELLS (PSC_ROLE_MAX * PSC_STATUS_MAX * PSC_OP_MAX)

/* Whoever wants to hear the remarks. */
struct listener {
	void (*fn)(const struct psc_remark *remark, void *data);
	void *data;
	size_t count;
};

static void _printf_(3, 4) remark(struct listener *to, unsigned int line, const char *fmt, ...)
{
	struct psc_remark said = {.line = line};
	va_list args;

	va_start(args, fmt);
	vsnprintf(said.message, sizeof(said.message), fmt, args);
	va_end(args);
	to->count++;
	if (to->fn)
		to->fn(&said, to->data);
}

/* Advice refuses nothing. */
static enum psc_action effect_of(const struct psc_profile *profile, const struct psc_rule *rule)
{
	if (profile->advisory && rule->action > PSC_ACTION_RECORD)
		return PSC_ACTION_RECORD;
	return rule->action;
}

/* The rules that decide each role x status x operation from one instant on. */
struct deciders {
	const struct psc_rule *rule[CELLS];
};

/* Without exempt classes nothing is ever exempt. */
static uint32_t statuses_of(const struct psc_profile *profile, const struct psc_rule *rule)
{
	return profile->exempt_count ? rule->statuses : rule->statuses & ~(1U << PSC_STATUS_EXEMPT);
}

/* As rulings do: the strictest; among equals the one that stands first. */
static void lay_rule(const struct psc_profile *profile, const struct psc_rule *rule,
		     struct deciders *deciders)
{
	uint32_t statuses = statuses_of(profile, rule);

	for (unsigned int cell = 0; cell < CELLS; cell++) {
		const struct psc_rule *other = deciders->rule[cell];
		unsigned int op = cell % PSC_OP_MAX;
		unsigned int status = cell / PSC_OP_MAX % PSC_STATUS_MAX;
		unsigned int role = cell / (PSC_OP_MAX * PSC_STATUS_MAX);

		if (!(rule->ops & 1U << op) || !(statuses & 1U << status) ||
		    !(rule->roles & 1U << role))
			continue;
		if (!other || effect_of(profile, rule) > effect_of(profile, other))
			deciders->rule[cell] = rule;
	}
}

static void find_deciders(const struct psc_profile *profile, uint64_t at, bool *decides)
{
	struct deciders deciders = {0};

	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct psc_rule *rule = &profile->rules[i];

		if (rule->from <= at && at < rule->until)
			lay_rule(profile, rule, &deciders);
	}
	for (unsigned int cell = 0; cell < CELLS; cell++) {
		if (deciders.rule[cell])
			decides[deciders.rule[cell] - profile->rules] = true;
	}
}

/* Rules begin and end with phases, so nothing changes between two of them. */
static void lint_unreachable(const struct psc_profile *profile, struct listener *to)
{
	bool decides[PSC_PROFILE_ITEMS_MAX] = {0};

	for (size_t i = 0; i < profile->phase_count; i++)
		find_deciders(profile, profile->phases[i].from, decides);
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct psc_rule *rule = &profile->rules[i];

		if (decides[i])
			continue;
		if (!statuses_of(profile, rule))
			remark(to, rule->line,
			       "rule \"%s\" can never decide: nothing is exempt under this profile",
			       rule->id);
		else
			remark(to, rule->line,
			       "rule \"%s\" can never decide: others are as strict and cover all "
			       "of it",
			       rule->id);
	}
}

static bool meet(const struct psc_rule *a, const struct psc_rule *b)
{
	return a->roles & b->roles && a->statuses & b->statuses && a->ops & b->ops &&
	       a->from < b->until && b->from < a->until;
}

static void lint_contradictions(const struct psc_profile *profile, struct listener *to)
{
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct psc_rule *rule = &profile->rules[i];

		for (size_t k = 0; k < i; k++) {
			const struct psc_rule *other = &profile->rules[k];

			if (rule->clause == other->clause && rule->action != other->action &&
			    meet(rule, other))
				remark(to, rule->line,
				       "rule \"%s\" contradicts \"%s\": of the same clause and, "
				       "in part, of the same case",
				       rule->id, other->id);
		}
	}
}

static bool phase_is_used(const struct psc_profile *profile, size_t number)
{
	const struct psc_phase *phase = &profile->phases[number];

	for (size_t i = 0; i < profile->clause_count; i++) {
		if (profile->clauses[i].phase == number)
			return true;
	}
	for (size_t i = 0; i < profile->rule_count; i++) {
		if (profile->rules[i].from == phase->from || profile->rules[i].until == phase->from)
			return true;
	}
	for (size_t i = 0; i < profile->duty_count; i++) {
		if (strcmp(profile->duties[i].after, phase->id) == 0)
			return true;
	}
	return false;
}

static void lint_unused(const struct psc_profile *profile, struct listener *to)
{
	bool enforced[PSC_PROFILE_ITEMS_MAX] = {0};

	for (size_t i = 0; i < profile->rule_count; i++)
		enforced[profile->rules[i].clause] = true;
	for (size_t i = 0; i < profile->phase_count; i++) {
		if (!phase_is_used(profile, i))
			remark(to, profile->phases[i].line,
			       "phase \"%s\" has no clause, no rule and no report",
			       profile->phases[i].id);
	}
	for (size_t i = 0; i < profile->clause_count; i++) {
		if (!enforced[i])
			remark(to, profile->clauses[i].line,
			       "clause \"%s\" has no rule: what no host can enforce is recorded",
			       profile->clauses[i].id);
	}
}

static void lint_label(struct listener *to, unsigned int line, const struct psc_cite *cite)
{
	if (cite->label == PSC_LABEL_UNVERIFIED)
		remark(to, line, "labelled U: not verified, and never shown as a fact");
}

static void lint_labels(const struct psc_profile *profile, struct listener *to)
{
	lint_label(to, 1, &profile->cite);
	for (size_t i = 0; i < profile->exempt_count; i++)
		lint_label(to, profile->exempt[i].line, &profile->exempt[i].cite);
	for (size_t i = 0; i < profile->phase_count; i++)
		lint_label(to, profile->phases[i].line, &profile->phases[i].cite);
	for (size_t i = 0; i < profile->clause_count; i++)
		lint_label(to, profile->clauses[i].line, &profile->clauses[i].cite);
	for (size_t i = 0; i < profile->duty_count; i++)
		lint_label(to, profile->duties[i].line, &profile->duties[i].cite);
}

/* What an uninstaller needs: it is run, maps its own segments, or is read by a shell. */
static void lint_removal(const struct psc_profile *profile, struct listener *to)
{
	const uint32_t run =
		1U << PSC_OP_EXEC | 1U << PSC_OP_LOAD | 1U << PSC_OP_OPEN | 1U << PSC_OP_SPAWN;

	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct psc_rule *rule = &profile->rules[i];

		if (effect_of(profile, rule) == PSC_ACTION_DENY && rule->ops & run &&
		    rule->roles & 1U << PSC_ROLE_UNINSTALLER)
			remark(to, rule->line,
			       "rule \"%s\" refuses to run the uninstaller: what is forbidden must "
			       "be removable",
			       rule->id);
	}
}

/* The guard takes it for a time that has been, see clock.h. */
static void lint_updated(const struct psc_profile *profile, uint64_t now, struct listener *to)
{
	if (psc_profile_updated(profile) > now)
		remark(to, profile->updated_line,
		       "updated %s is in the future: nobody has checked the data on that day yet",
		       profile->updated);
}

size_t psc_profile_lint(const struct psc_profile *profile, uint64_t now,
			void (*fn)(const struct psc_remark *remark, void *data), void *data)
{
	struct listener listener = {.fn = fn, .data = data};

	lint_unreachable(profile, &listener);
	lint_contradictions(profile, &listener);
	lint_unused(profile, &listener);
	lint_labels(profile, &listener);
	lint_removal(profile, &listener);
	lint_updated(profile, now, &listener);
	return listener.count;
}
