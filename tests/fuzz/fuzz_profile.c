/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_profile.c - profiles. What is accepted refers to what is there and says all it must,
 * what is refused says why; lint takes whatever was accepted.
 */
#include "user/core/util.h"
#include "user/core/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

/* As in fuzz_config.c: libfyaml 0.7 loses some of a quoted scalar. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_cite(const struct psc_cite *cite)
{
	require(cite->source[0] && cite->label < PSC_LABEL_MAX);
}

static void check_phases(const struct psc_profile *profile)
{
	require(profile->phase_count && profile->phase_count <= PSC_PROFILE_ITEMS_MAX);
	for (size_t i = 0; i < profile->phase_count; i++) {
		const struct psc_phase *phase = &profile->phases[i];

		require(phase->id[0] && phase->title[0] && phase->note && phase->line);
		require(!i || phase[-1].from < phase->from);
		check_cite(&phase->cite);
	}
}

static void check_rules(const struct psc_profile *profile)
{
	require(profile->rule_count && profile->rule_count <= PSC_PROFILE_ITEMS_MAX);
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct psc_rule *rule = &profile->rules[i];

		require(rule->id[0] && rule->line && rule->clause < profile->clause_count);
		require(rule->from < rule->until);
		require(rule->from >= profile->phases[profile->clauses[rule->clause].phase].from);
		require(rule->roles && rule->roles < 1U << PSC_ROLE_MAX);
		require(rule->statuses && rule->statuses < 1U << PSC_STATUS_MAX);
		require(rule->ops && rule->ops < 1U << PSC_OP_MAX);
		require(rule->basis < PSC_BASIS_MAX && rule->action < PSC_ACTION_MAX);
		require(rule->reason && (rule->basis == PSC_BASIS_ORDER || rule->reason[0]));
	}
}

static void check_rest(const struct psc_profile *profile)
{
	require(profile->id[0] && profile->title[0] && profile->authority[0]);
	require(profile->summary[0] && profile->scope && profile->updated[0]);
	require(profile->entities[0] && psc_profile_means(profile, profile->entities[0]));
	check_cite(&profile->cite);
	require(profile->clause_count && profile->clause_count <= PSC_PROFILE_ITEMS_MAX);
	for (size_t i = 0; i < profile->clause_count; i++) {
		require(profile->clauses[i].phase < profile->phase_count);
		require(profile->clauses[i].text[0]);
		check_cite(&profile->clauses[i].cite);
	}
	for (size_t i = 0; i < profile->exempt_count; i++) {
		check_cite(&profile->exempt[i].cite);
		require(psc_profile_exempts(profile, profile->exempt[i].id) == &profile->exempt[i]);
	}
	for (size_t i = 0; i < profile->duty_count; i++) {
		const struct psc_report_duty *duty = &profile->duties[i];

		check_cite(&duty->cite);
		require(duty->after[0] && strcmp(duty->after, duty->id) != 0);
		require(duty->days || !duty->repeats);
	}
}

static void check_remark(const struct psc_remark *remark, void *data)
{
	size_t *count = data;

	require(remark->line && remark->message[0]);
	(*count)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_profile_freep) struct psc_profile *profile = NULL;
	struct psc_error err = {0};
	size_t heard = 0;
	size_t count;

	if (psc_profile_parse((const char *)data, size, "in", &profile, &err) < 0) {
		require(!profile && err.message[0]);
		return 0;
	}
	check_phases(profile);
	check_rules(profile);
	check_rest(profile);
	count = psc_profile_lint(profile, size << 55, check_remark, &heard);
	require(count == heard);
	return 0;
}
