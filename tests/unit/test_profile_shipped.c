/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_profile_shipped.c - the profiles that are shipped: they lose nothing between file and
 * memory, lint has nothing to say of them, and their instants are those of the orders. Runs in
 * the root of the tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/names.h"
#include "user/core/profile.h"
#include "user/core/timefmt.h"
#include "user/core/yaml.h"

static const char *const shipped[] = {
	"us-commerce-icts-2021-002",
	"us-ndaa-1634-far-52.204-23",
	"us-bod-17-01",
	"au-pspf-002-2025",
	"de-bsi-2022",
};

static struct psc_profile *parse(const char *text)
{
	struct psc_profile *profile = NULL;
	struct psc_error err = {0};
	char message[700];

	if (psc_profile_parse(text, strlen(text), "p.yaml", &profile, &err) < 0)
		fail_msg("%s", psc_error_format(&err, message, sizeof(message)));
	return profile;
}

static char *shipped_path(const char *id)
{
	char *path;

	assert_true(asprintf(&path, "policy/profiles/%s.yaml", id) > 0);
	return path;
}

/* Not by psc_profile_load(): a working copy may well be writable for a group. */
static char *read_shipped(const char *id, size_t *ret_size)
{
	_cleanup_free_ char *path = shipped_path(id);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = malloc(PSC_PROFILE_SIZE_MAX);

	assert_non_null(f);
	assert_non_null(text);
	*ret_size = fread(text, 1, PSC_PROFILE_SIZE_MAX - 1, f);
	text[*ret_size] = 0;
	return text;
}

static struct psc_profile *load_shipped(const char *id)
{
	size_t size;
	_cleanup_free_ char *text = read_shipped(id, &size);
	struct psc_profile *profile = parse(text);

	assert_string_equal(profile->id, id);
	return profile;
}

static void write_text(FILE *f, const char *key, const char *text)
{
	fprintf(f, "%s: \"", key);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', f);
		fputc(*text, f);
	}
	fprintf(f, "\"\n");
}

static void write_cite(FILE *f, const struct psc_cite *cite)
{
	write_text(f, "    source", cite->source);
	write_text(f, "    label", psc_label_to_string(cite->label));
}

static void write_set(FILE *f, const char *key, uint32_t set, unsigned int max,
		      const char *(*to_string)(unsigned int value))
{
	const char *between = "";

	fprintf(f, "    %s: ", key);
	if (set == (1U << max) - 1) {
		fprintf(f, "all\n");
		return;
	}
	for (unsigned int i = 0; i < max; i++) {
		if (!(set & 1U << i))
			continue;
		fprintf(f, "%s%s", *between ? between : "[", to_string(i));
		between = ", ";
	}
	fprintf(f, "]\n");
}

static const char *phase_at(const struct psc_profile *profile, uint64_t at)
{
	for (size_t i = 0; i < profile->phase_count; i++) {
		if (profile->phases[i].from == at)
			return profile->phases[i].id;
	}
	fail_msg("a rule between two phases");
	return NULL;
}

static void write_rule(FILE *f, const struct psc_profile *profile, const struct psc_rule *rule)
{
	const struct psc_clause *clause = &profile->clauses[rule->clause];

	write_text(f, "  - rule", rule->id);
	write_text(f, "    clause", clause->id);
	write_text(f, "    basis", psc_basis_to_string(rule->basis));
	write_set(f, "roles", rule->roles, PSC_ROLE_MAX, psc_role_to_string);
	write_set(f, "status", rule->statuses, PSC_STATUS_MAX, psc_status_to_string);
	write_set(f, "operations", rule->ops, PSC_OP_MAX, psc_op_to_string);
	write_text(f, "    action", psc_action_to_string(rule->action));
	if (rule->from != profile->phases[clause->phase].from)
		write_text(f, "    phase", phase_at(profile, rule->from));
	if (rule->until != PSC_TIME_NEVER)
		write_text(f, "    until", phase_at(profile, rule->until));
	if (rule->reason[0])
		write_text(f, "    reason", rule->reason);
}

static void write_head(FILE *f, const struct psc_profile *profile)
{
	const char *between = "[";

	write_text(f, "profile", profile->id);
	write_text(f, "title", profile->title);
	write_text(f, "authority", profile->authority);
	write_text(f, "summary", profile->summary);
	write_text(f, "source", profile->cite.source);
	write_text(f, "label", psc_label_to_string(profile->cite.label));
	if (profile->advisory)
		fprintf(f, "advisory: true\n");
	if (profile->scope[0])
		write_text(f, "scope", profile->scope);
	write_text(f, "updated", profile->updated);
	fprintf(f, "entities: ");
	for (char **entity = profile->entities; *entity; entity++) {
		fprintf(f, "%s%s", between, *entity);
		between = ", ";
	}
	fprintf(f, "]\n");
}

static void write_sections(FILE *f, const struct psc_profile *profile)
{
	char time[PSC_TIME_TEXT_MAX];

	if (profile->exempt_count)
		fprintf(f, "exempt:\n");
	for (size_t i = 0; i < profile->exempt_count; i++) {
		write_text(f, "  - class", profile->exempt[i].id);
		write_text(f, "    text", profile->exempt[i].text);
		write_cite(f, &profile->exempt[i].cite);
	}
	fprintf(f, "phases:\n");
	for (size_t i = 0; i < profile->phase_count; i++) {
		const struct psc_phase *phase = &profile->phases[i];

		write_text(f, "  - phase", phase->id);
		write_text(f, "    title", phase->title);
		write_text(f, "    from", psc_time_format_seconds(phase->from, time));
		if (phase->note[0])
			write_text(f, "    note", phase->note);
		write_cite(f, &phase->cite);
	}
	fprintf(f, "clauses:\n");
	for (size_t i = 0; i < profile->clause_count; i++) {
		const struct psc_clause *clause = &profile->clauses[i];

		write_text(f, "  - clause", clause->id);
		write_text(f, "    phase", profile->phases[clause->phase].id);
		write_text(f, "    text", clause->text);
		write_cite(f, &clause->cite);
	}
	fprintf(f, "rules:\n");
	for (size_t i = 0; i < profile->rule_count; i++)
		write_rule(f, profile, &profile->rules[i]);
	if (profile->duty_count)
		fprintf(f, "reports:\n");
	for (size_t i = 0; i < profile->duty_count; i++) {
		const struct psc_report_duty *duty = &profile->duties[i];

		write_text(f, "  - report", duty->id);
		write_text(f, "    text", duty->text);
		fprintf(f, "    days: %u\n", duty->days);
		fprintf(f, "    business_days: %s\n", duty->business_days ? "true" : "false");
		write_text(f, "    after", duty->after);
		fprintf(f, "    repeats: %s\n", duty->repeats ? "true" : "false");
		write_cite(f, &duty->cite);
	}
}

/* The same keys and values in the same order. */
static void compare_trees(const struct psc_yaml_node *a, const struct psc_yaml_node *b)
{
	for (; a && b; a = a->next, b = b->next) {
		if (a->type != b->type || strcmp(a->key ? a->key : "", b->key ? b->key : "") != 0 ||
		    strcmp(a->text ? a->text : "", b->text ? b->text : "") != 0)
			fail_msg("line %u: \"%s: %s\" came back as \"%s: %s\"", a->line, a->key,
				 a->text, b->key, b->text);
		compare_trees(a->first, b->first);
	}
	if (a || b)
		fail_msg("line %u: %s", a ? a->line : b->line, a ? "lost" : "added");
}

/* Nothing that stands in a file is lost in memory, nor its order. */
static void test_round_trip(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
		_cleanup_(psc_profile_freep) struct psc_profile *profile = load_shipped(shipped[i]);
		_cleanup_(psc_yaml_freep) struct psc_yaml *before = NULL;
		_cleanup_(psc_yaml_freep) struct psc_yaml *after = NULL;
		_cleanup_free_ char *written = NULL;
		size_t size, written_size;
		_cleanup_free_ char *text = read_shipped(shipped[i], &size);
		FILE *f = open_memstream(&written, &written_size);

		assert_non_null(f);
		write_head(f, profile);
		write_sections(f, profile);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(psc_yaml_parse(text, size, "before", &before, NULL), 0);
		assert_int_equal(psc_yaml_parse(written, written_size, "after", &after, NULL), 0);
		compare_trees(psc_yaml_root(before), psc_yaml_root(after));
	}
}

static void complain(const struct psc_remark *remark, void *data)
{
	print_error("policy/profiles/%s.yaml:%u: %s\n", (const char *)data, remark->line,
		    remark->message);
}

static void test_shipped_lint(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
		_cleanup_(psc_profile_freep) struct psc_profile *profile = load_shipped(shipped[i]);

		assert_int_equal(
			psc_profile_lint(profile, PSC_TIME_NEVER, complain, (void *)shipped[i]), 0);
	}
}

/* Instants of the reference, in seconds; what is only reported says so. */
static void test_shipped_instants(void **state)
{
	static const struct {
		const char *profile;
		const char *phase;
		uint64_t seconds;
		bool assumed; /* something about the instant */
		enum psc_label label;
	} instants[] = {
		{"us-commerce-icts-2021-002", "new-agreements", 1721448000, true,
		 PSC_LABEL_SECONDARY},
		{"us-commerce-icts-2021-002", "updates", 1727582400, false, PSC_LABEL_VERIFIED},
		{"us-ndaa-1634-far-52.204-23", "in-force", 1538366400, true, PSC_LABEL_VERIFIED},
		{"us-ndaa-1634-far-52.204-23", "three-days", 1701666000, true, PSC_LABEL_VERIFIED},
		{"us-bod-17-01", "issued", 1505275200, true, PSC_LABEL_VERIFIED},
		{"us-bod-17-01", "removal", 1513054800, true, PSC_LABEL_VERIFIED},
		/* Canberra is 11 hours ahead; the deadline's day is over a day later */
		{"au-pspf-002-2025", "issued", 1740056400, true, PSC_LABEL_SECONDARY},
		{"au-pspf-002-2025", "removed", 1743426000 + 86400, true, PSC_LABEL_SECONDARY},
		{"de-bsi-2022", "warning", 1647298800, true, PSC_LABEL_SECONDARY},
	};
	size_t phases = 0;

	for (size_t i = 0; i < ARRAY_SIZE(instants); i++) {
		_cleanup_(psc_profile_freep) struct psc_profile *profile =
			load_shipped(instants[i].profile);
		const struct psc_phase *phase = profile->phases;

		if (strcmp(phase->id, instants[i].phase) != 0)
			phase++;
		assert_true(phase < profile->phases + profile->phase_count);
		assert_string_equal(phase->id, instants[i].phase);
		assert_true(phase->from == instants[i].seconds * PSC_NSEC_PER_SEC);
		assert_int_equal(phase->note[0] != 0, instants[i].assumed);
		assert_int_equal(phase->cite.label, instants[i].label);
	}
	for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
		_cleanup_(psc_profile_freep) struct psc_profile *profile = load_shipped(shipped[i]);

		phases += profile->phase_count;
	}
	assert_int_equal(phases, ARRAY_SIZE(instants));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_shipped_lint),
		cmocka_unit_test(test_shipped_instants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
