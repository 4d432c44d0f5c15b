/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_words.c - profiles and reasons as JSON, and the sentences that people read: who
 * prohibits, who only decided so, and how well it is known. See policy_verbs.h.
 */
#include "user/cli/policy_verbs.h"
#include "user/core/names.h"

/* ---- statements ------------------------------------------------------------------------ */

json_t *psc_policy_cite_json(const struct psc_cite *cite)
{
	return json_pack("{s:o,s:s}", "source", psc_json_safe(cite->source), "label",
			 psc_label_to_string(cite->label));
}

char *psc_policy_cite_text(const char *label, const char *source)
{
	enum psc_label value = PSC_LABEL_UNVERIFIED;
	const char *before = "unverified: ";
	char *text = NULL;

	psc_label_from_string(label, &value);
	if (value == PSC_LABEL_VERIFIED)
		before = "";
	else if (value == PSC_LABEL_SECONDARY)
		before = "as reported by ";
	else if (value == PSC_LABEL_ANALYSIS)
		before = "our reading of ";
	return asprintf(&text, "[%s] %s%s", label, before, source) < 0 ? NULL : text;
}

json_t *psc_policy_names_json(uint32_t bits, unsigned int count,
			      const char *(*name)(unsigned int value))
{
	json_t *names = json_array();

	for (unsigned int i = 0; names && i < count; i++) {
		if (bits & 1U << i)
			json_array_append_new(names, json_string(name(i)));
	}
	return names;
}

static bool has_name(const json_t *names, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(names, i, item) {
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	}
	return false;
}

char *psc_policy_names_text(const json_t *names, unsigned int count,
			    const char *(*name)(unsigned int value))
{
	size_t missing = count - json_array_size(names), size = 0;
	bool but = missing > 0 && missing < 3 && count > 4;
	const char *separator = but ? " but " : "";
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (!missing || but)
		fputs("all", out);
	for (unsigned int i = 0; missing && i < count; i++) {
		if (has_name(names, name(i)) == but)
			continue;
		fprintf(out, "%s%s", separator, name(i));
		separator = ", ";
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* ---- a profile -------------------------------------------------------------------------- */

static json_t *phase_json(const struct psc_phase *phase)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:s}", "phase", psc_json_safe(phase->id), "title",
			 psc_json_safe(phase->title), "from", psc_policy_time_json(phase->from),
			 "note", psc_json_safe(phase->note), "source",
			 psc_json_safe(phase->cite.source), "label",
			 psc_label_to_string(phase->cite.label));
}

static json_t *clause_json(const struct psc_profile *profile, const struct psc_clause *clause)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:s}", "clause", psc_json_safe(clause->id), "phase",
			 psc_json_safe(profile->phases[clause->phase].id), "text",
			 psc_json_safe(clause->text), "source", psc_json_safe(clause->cite.source),
			 "label", psc_label_to_string(clause->cite.label));
}

static json_t *rule_json(const struct psc_profile *profile, const struct psc_rule *rule)
{
	return json_pack(
		"{s:o,s:o,s:s,s:o,s:o,s:o,s:s,s:o,s:o,s:o}", "rule", psc_json_safe(rule->id),
		"clause", psc_json_safe(profile->clauses[rule->clause].id), "basis",
		psc_basis_to_string(rule->basis), "roles",
		psc_policy_names_json(rule->roles, PSC_ROLE_MAX, psc_role_to_string), "status",
		psc_policy_names_json(rule->statuses, PSC_STATUS_MAX, psc_status_to_string),
		"operations", psc_policy_names_json(rule->ops, PSC_OP_MAX, psc_op_to_string),
		"action", psc_action_to_string(rule->action), "from",
		psc_policy_time_json(rule->from), "until", psc_policy_time_json(rule->until),
		"reason", psc_json_safe(rule->reason));
}

static json_t *exempt_json(const struct psc_exempt_class *class)
{
	return json_pack("{s:o,s:o,s:o,s:s}", "class", psc_json_safe(class->id), "text",
			 psc_json_safe(class->text), "source", psc_json_safe(class->cite.source),
			 "label", psc_label_to_string(class->cite.label));
}

static json_t *duty_json(const struct psc_report_duty *duty)
{
	return json_pack("{s:o,s:o,s:i,s:b,s:o,s:b,s:o,s:s}", "report", psc_json_safe(duty->id),
			 "text", psc_json_safe(duty->text), "days", (int)duty->days,
			 "business_days", duty->business_days, "after", psc_json_safe(duty->after),
			 "repeats", duty->repeats, "source", psc_json_safe(duty->cite.source),
			 "label", psc_label_to_string(duty->cite.label));
}

json_t *psc_policy_profile_json(const struct psc_profile *profile)
{
	_cleanup_json_ json_t *entities = json_array(), *exempt = json_array();
	_cleanup_json_ json_t *phases = json_array(), *clauses = json_array();
	_cleanup_json_ json_t *rules = json_array(), *reports = json_array();

	for (char **entity = profile->entities; *entity; entity++)
		json_array_append_new(entities, psc_json_safe(*entity));
	for (size_t i = 0; i < profile->exempt_count; i++)
		json_array_append_new(exempt, exempt_json(&profile->exempt[i]));
	for (size_t i = 0; i < profile->phase_count; i++)
		json_array_append_new(phases, phase_json(&profile->phases[i]));
	for (size_t i = 0; i < profile->clause_count; i++)
		json_array_append_new(clauses, clause_json(profile, &profile->clauses[i]));
	for (size_t i = 0; i < profile->rule_count; i++)
		json_array_append_new(rules, rule_json(profile, &profile->rules[i]));
	for (size_t i = 0; i < profile->duty_count; i++)
		json_array_append_new(reports, duty_json(&profile->duties[i]));
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:s,s:b,s:o,s:o,s:O,s:O,s:O,s:O,s:O,s:O}", "profile",
			 psc_json_safe(profile->id), "title", psc_json_safe(profile->title),
			 "authority", psc_json_safe(profile->authority), "summary",
			 psc_json_safe(profile->summary), "source",
			 psc_json_safe(profile->cite.source), "label",
			 psc_label_to_string(profile->cite.label), "advisory", profile->advisory,
			 "scope", psc_json_safe(profile->scope), "updated",
			 psc_json_safe(profile->updated), "entities", entities, "exempt", exempt,
			 "phases", phases, "clauses", clauses, "rules", rules, "reports", reports);
}

/* ---- why -------------------------------------------------------------------------------- */

/* "89 FR 52434: updates, 2024-09-29T04:00:00Z" */
static char *reference_text(const struct psc_profile *profile, const struct psc_rule *rule)
{
	const struct psc_clause *clause = &profile->clauses[rule->clause];
	char from[PSC_TIME_TEXT_MAX];
	char *text = NULL;

	if (asprintf(&text, "%s: %s, %s", profile->cite.source, clause->id,
		     psc_policy_time_text(rule->from, from)) < 0)
		return NULL;
	return text;
}

/* What the rule rests on; only a verified clause is said without "reported". */
static void put_basis(FILE *out, const struct psc_profile *profile, const struct psc_rule *rule)
{
	enum psc_label label = profile->clauses[rule->clause].cite.label;
	bool reported = label == PSC_LABEL_SECONDARY;
	bool refuses = rule->action == PSC_ACTION_DENY;

	if (rule->basis == PSC_BASIS_SITE)
		fputs("your organisation's policy, with reference to ", out);
	else if (label == PSC_LABEL_UNVERIFIED)
		fputs("an unverified statement, which is no fact, about ", out);
	else if (profile->advisory)
		fprintf(out, "%s advises, and this host only records: ", profile->authority);
	else if (!refuses)
		fprintf(out, "recorded in view of %s",
			rule->basis == PSC_BASIS_CONTRACT ? "the contract clause, " : "");
	else if (rule->basis == PSC_BASIS_CONTRACT)
		fprintf(out, "a contract clause %s it: ",
			reported ? "is reported to prohibit" : "prohibits");
	else
		fprintf(out, "%s %s it: ", profile->authority,
			reported ? "is reported to prohibit" : "prohibits");
}

static void put_object(FILE *out, const struct psc_ruling_reason *reason)
{
	const struct psc_object *object = reason->object;
	char until[PSC_TIME_TEXT_MAX];

	psc_policy_time_text(object->until, until);
	switch (object->kind) {
	case PSC_OBJECT_ATTESTATION:
		fprintf(out, "out of the profile's scope by attestation %s (%s: %s), signed by %s",
			object->id, object->subject, object->value ? "yes" : "no", object->by);
		break;
	case PSC_OBJECT_WINDOW:
		fprintf(out, "recorded only, for removal: window %s, open until %s (%s)",
			object->id, until, object->reason);
		break;
	default:
		fprintf(out, "let go by your organisation: %s %s until %s, signed by %s (%s)",
			psc_object_kind_to_string(object->kind), object->id, until, object->by,
			object->reason);
		if (reason->rule && reason->rule->basis != PSC_BASIS_SITE)
			fputs("; it does not change what the order says", out);
		break;
	}
}

static char *because_text(const struct psc_ruling_reason *reason)
{
	_cleanup_free_ char *reference = NULL;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (reason->rule) {
		reference = reference_text(reason->profile, reason->rule);
		if (!reference)
			return NULL;
	}
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	if (reason->rule) {
		put_basis(out, reason->profile, reason->rule);
		fputs(reference, out);
		if (reason->rule->reason[0])
			fprintf(out, " (%s)", reason->rule->reason);
	} else if (!reason->profile) {
		fputs("your organisation's configuration (actions)", out);
	} else if (!reason->object) {
		fputs("none of its rules is about this", out);
	}
	if (reason->object) {
		fputs(reason->rule || !reason->profile ? "; " : "", out);
		put_object(out, reason);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* What is assumed about the instant from which the rule holds; "" nothing. */
static const char *note_of(const struct psc_profile *profile, const struct psc_rule *rule)
{
	for (size_t i = 0; i < profile->phase_count; i++) {
		if (profile->phases[i].from == rule->from)
			return profile->phases[i].note;
	}
	return "";
}

static json_t *object_json(const struct psc_object *object)
{
	if (!object)
		return json_null();
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "kind",
			 psc_object_kind_to_string(object->kind), "id", psc_json_safe(object->id),
			 "by", psc_json_safe(object->by), "reason", psc_json_safe(object->reason),
			 "from", psc_policy_time_json(object->from), "until",
			 psc_policy_time_json(object->until));
}

json_t *psc_policy_reason_json(const struct psc_ruling_reason *reason)
{
	const struct psc_profile *profile = reason->profile;
	const struct psc_rule *rule = reason->rule;
	_cleanup_free_ char *because = because_text(reason);
	json_t *json;

	if (!because)
		return NULL;
	json = json_pack("{s:o,s:s,s:o,s:o}", "profile",
			 psc_json_safe(profile ? profile->id : "site"), "action",
			 psc_action_to_string(reason->action), "because", psc_json_safe(because),
			 "object", object_json(reason->object));
	if (!json)
		return NULL;
	if (profile && (rule || !reason->object))
		json_object_set_new(json, "status",
				    json_string(psc_status_to_string(reason->status)));
	if (reason->decision)
		json_object_set_new(json, "decision", object_json(reason->decision));
	if (!rule) {
		json_object_set_new(json, "basis", profile ? json_null() : json_string("site"));
		return json;
	}
	json_object_set_new(json, "basis", json_string(psc_basis_to_string(rule->basis)));
	json_object_set_new(json, "rule", psc_json_safe(rule->id));
	json_object_set_new(json, "rule_action", json_string(psc_action_to_string(rule->action)));
	json_object_set_new(json, "from", psc_policy_time_json(rule->from));
	json_object_set_new(json, "until", psc_policy_time_json(rule->until));
	json_object_set_new(json, "note", psc_json_safe(note_of(profile, rule)));
	json_object_set_new(json, "clause", clause_json(profile, &profile->clauses[rule->clause]));
	return json;
}
