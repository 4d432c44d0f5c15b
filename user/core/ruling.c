/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ruling.c - see ruling.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/ruling.h"

/* Removal needs these, and nothing that could work for the product meanwhile. */
#define WINDOW_ROLES                                                                               \
	(1U << PSC_ROLE_UNINSTALLER | 1U << PSC_ROLE_INSTALLER | 1U << PSC_ROLE_LIBRARY)

/* As objects name it among profiles. */
#define SITE "site"

static bool in_force(const struct psc_object *object, uint64_t at)
{
	return object->from <= at && at < object->until;
}

/* Is @name in the list? No list names everything. */
static bool names(char *const *list, const char *name)
{
	if (!list)
		return true;
	for (; *list; list++) {
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

static bool names_product(const struct psc_object *object, const struct psc_subject *subject)
{
	return names(object->products, subject->product ? subject->product->id : subject->text);
}

/* The first object of a kind in force that regards the subject under @profile. */
static const struct psc_object *find_object(const struct psc_policy_view *view,
					    enum psc_object_kind kind, const char *profile,
					    const struct psc_subject *subject, uint64_t at)
{
	for (size_t i = 0; i < view->objects->count; i++) {
		const struct psc_object *object = view->objects->item[i];

		if (object->kind == kind && in_force(object, at) &&
		    names(object->profiles, profile) && names_product(object, subject))
			return object;
	}
	return NULL;
}

/* An attestation that takes the host out of the profile's scope. */
static const struct psc_object *out_of_scope(const struct psc_policy_view *view,
					     const struct psc_profile *profile, uint64_t at)
{
	if (!profile->scope[0])
		return NULL;
	for (size_t i = 0; i < view->objects->count; i++) {
		const struct psc_object *object = view->objects->item[i];

		if (object->kind == PSC_OBJECT_ATTESTATION && in_force(object, at) &&
		    !object->value && strcmp(object->subject, profile->scope) == 0)
			return object;
	}
	return NULL;
}

static enum psc_status status_of(const struct psc_policy_view *view,
				 const struct psc_profile *profile,
				 const struct psc_subject *subject, uint64_t at,
				 const struct psc_object **ret_decision)
{
	/* an engine that is installed is no mere information, whatever product brought it */
	if (subject->embedded || strcmp(subject->product->class, PSC_CLASS_EMBEDDED) == 0)
		return PSC_STATUS_EMBEDDED;
	if (psc_profile_exempts(profile, subject->product->class))
		return PSC_STATUS_EXEMPT;
	*ret_decision = find_object(view, PSC_OBJECT_DECISION, profile->id, subject, at);
	return *ret_decision ? PSC_STATUS_COVERED_LEGACY : PSC_STATUS_COVERED_NEW;
}

static bool matches(const struct psc_rule *rule, const struct psc_subject *subject,
		    enum psc_status status, enum psc_op op, uint64_t at)
{
	return rule->roles & 1U << subject->role && rule->statuses & 1U << status &&
	       rule->ops & 1U << op && rule->from <= at && at < rule->until;
}

static const struct psc_rule *strictest_rule(const struct psc_profile *profile,
					     const struct psc_subject *subject,
					     enum psc_status status, enum psc_op op, uint64_t at)
{
	const struct psc_rule *strictest = NULL;

	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct psc_rule *rule = &profile->rules[i];

		if (matches(rule, subject, status, op, at) &&
		    (!strictest || rule->action > strictest->action))
			strictest = rule;
	}
	return strictest;
}

/* What an exemption or an open window leaves of a reason's action. */
static void soften(const struct psc_policy_view *view, const struct psc_subject *subject,
		   enum psc_op op, uint64_t at, struct psc_ruling_reason *reason)
{
	const char *profile = reason->profile ? reason->profile->id : SITE;
	const struct psc_object *object;

	if (reason->action == PSC_ACTION_ALLOW)
		return;
	object = find_object(view, PSC_OBJECT_EXEMPTION, profile, subject, at);
	if (object) {
		reason->object = object;
		reason->action = PSC_ACTION_ALLOW;
		return;
	}
	if (op == PSC_OP_CONNECT || !(WINDOW_ROLES & 1U << subject->role))
		return;
	object = find_object(view, PSC_OBJECT_WINDOW, profile, subject, at);
	if (object) {
		reason->object = object;
		reason->action = PSC_ACTION_RECORD;
	}
}

/* Behind those that are as strict. */
static void insert(struct psc_ruling *ruling, const struct psc_ruling_reason *reason)
{
	size_t at = ruling->count;

	while (at > 0 && ruling->reason[at - 1].action < reason->action)
		at--;
	memmove(&ruling->reason[at + 1], &ruling->reason[at],
		(ruling->count - at) * sizeof(ruling->reason[0]));
	ruling->reason[at] = *reason;
	ruling->count++;
}

static void rule_by_profile(const struct psc_policy_view *view, const struct psc_profile *profile,
			    const struct psc_subject *subject, enum psc_op op, uint64_t at,
			    struct psc_ruling *ruling)
{
	struct psc_ruling_reason reason = {.profile = profile};

	if (!subject->product || !psc_profile_means(profile, subject->product->entity))
		return;
	reason.status = status_of(view, profile, subject, at, &reason.decision);
	reason.object = out_of_scope(view, profile, at);
	if (!reason.object)
		reason.rule = strictest_rule(profile, subject, reason.status, op, at);
	if (reason.rule)
		reason.action = reason.rule->action;
	if (profile->advisory && reason.action > PSC_ACTION_RECORD)
		reason.action = PSC_ACTION_RECORD;
	soften(view, subject, op, at, &reason);
	insert(ruling, &reason);
}

void psc_rule_on(const struct psc_policy_view *view, const struct psc_subject *subject,
		 enum psc_op op, uint64_t at, struct psc_ruling *ret)
{
	ret->count = 0;
	for (size_t i = 0; i < view->profile_count && i < PSC_PROFILES_MAX; i++)
		rule_by_profile(view, view->profiles[i], subject, op, at, ret);
	if (subject->site) {
		struct psc_ruling_reason reason = {.action = view->config->action[op]};

		soften(view, subject, op, at, &reason);
		insert(ret, &reason);
	}
	ret->action = ret->count ? ret->reason[0].action : PSC_ACTION_ALLOW;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int psc_policy_instants(const struct psc_policy_view *view, uint64_t **ret, size_t *ret_count)
{
	size_t most = 1 + 2 * view->objects->count;
	size_t count = 0, kept = 0;
	uint64_t *instants;

	for (size_t i = 0; i < view->profile_count; i++)
		most += 2 * view->profiles[i]->rule_count;
	instants = calloc(most, sizeof(*instants));
	if (!instants)
		return -ENOMEM;
	instants[count++] = 0;
	for (size_t i = 0; i < view->profile_count; i++) {
		for (size_t k = 0; k < view->profiles[i]->rule_count; k++) {
			instants[count++] = view->profiles[i]->rules[k].from;
			instants[count++] = view->profiles[i]->rules[k].until;
		}
	}
	for (size_t i = 0; i < view->objects->count; i++) {
		if (view->objects->item[i]->kind == PSC_OBJECT_OVERRIDE)
			continue; /* it lets a policy in and changes nothing in it */
		instants[count++] = view->objects->item[i]->from;
		instants[count++] = view->objects->item[i]->until;
	}
	qsort(instants, count, sizeof(*instants), by_value);
	for (size_t i = 0; i < count; i++) {
		if (instants[i] != PSC_TIME_NEVER && (!kept || instants[i] != instants[kept - 1]))
			instants[kept++] = instants[i];
	}
	*ret = instants;
	*ret_count = kept;
	return 0;
}
