/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_policy_show.c - `proscribe policy show [PROFILE...]`: what a profile says, from when,
 * on whose word: rules as they stand, or with --matrix the ruling on every case. Works without
 * daemon and root.
 */
#include <errno.h>

#include "user/cli/policy_verbs.h"
#include "user/core/names.h"

/* ---- the matrix ---------------------------------------------------------------------------- */

/*
 * A case of the matrix for rulings: a product that is nobody's, so that only the profile and
 * the wanted status speak. Being legacy takes a decision.
 */
struct show_case {
	struct psc_product product;
	struct psc_subject subject;
	struct psc_object decision;
	struct psc_object *items[1];
	struct psc_objects objects;
};

/* False: nothing can have that status under the profile. */
static bool show_case_prepare(struct show_case *c, const struct psc_profile *profile,
			      enum psc_role role, enum psc_status status)
{
	*c = (struct show_case){0};
	if (status == PSC_STATUS_EXEMPT && !profile->exempt_count)
		return false;
	c->product.id = (char *)"";
	c->product.entity = profile->entities[0];
	c->product.class = (char *)"";
	if (status == PSC_STATUS_EXEMPT)
		c->product.class = profile->exempt[0].id;
	c->decision.kind = PSC_OBJECT_DECISION;
	c->decision.until = PSC_TIME_NEVER;
	c->items[0] = &c->decision;
	c->objects.item = c->items;
	c->objects.count = status == PSC_STATUS_COVERED_LEGACY;
	c->subject.text = "";
	c->subject.product = &c->product;
	c->subject.role = role;
	c->subject.embedded = status == PSC_STATUS_EMBEDDED;
	return true;
}

static json_t *show_cell(const struct psc_profile *profile, const struct psc_policy_view *view,
			 const struct psc_subject *subject, enum psc_op op, uint64_t from,
			 uint64_t until)
{
	const struct psc_rule *rule;
	struct psc_ruling ruling;
	json_t *cell;

	psc_rule_on(view, subject, op, from, &ruling);
	rule = ruling.count ? ruling.reason[0].rule : NULL;
	cell = json_pack("{s:o,s:o,s:s,s:s,s:s,s:s}", "from", psc_policy_time_json(from), "until",
			 psc_policy_time_json(until), "role", psc_role_to_string(subject->role),
			 "status", psc_status_to_string(ruling.count ? ruling.reason[0].status : 0),
			 "operation", psc_op_to_string(op), "action",
			 psc_action_to_string(ruling.action));
	if (cell && rule) {
		json_object_set_new(cell, "clause",
				    psc_json_safe(profile->clauses[rule->clause].id));
		json_object_set_new(cell, "rule", psc_json_safe(rule->id));
		json_object_set_new(cell, "basis", json_string(psc_basis_to_string(rule->basis)));
	}
	return cell;
}

static json_t *show_matrix(const struct psc_profile *profile)
{
	struct psc_profile *const profiles[] = {(struct psc_profile *)profile};
	struct psc_objects none = {0};
	struct psc_policy_view view = {.profiles = profiles, .profile_count = 1, .objects = &none};
	_cleanup_free_ uint64_t *instants = NULL;
	json_t *cells = json_array();
	struct show_case c;
	size_t count;

	if (psc_policy_instants(&view, &instants, &count) < 0) {
		json_decref(cells);
		return NULL;
	}
	view.objects = &c.objects;
	for (size_t i = 0; i < count; i++) {
		uint64_t until = i + 1 < count ? instants[i + 1] : PSC_TIME_NEVER;

		for (unsigned int k = 0; k < PSC_ROLE_MAX * PSC_STATUS_MAX; k++) {
			if (!show_case_prepare(&c, profile, k / PSC_STATUS_MAX, k % PSC_STATUS_MAX))
				continue;
			for (unsigned int op = 0; op < PSC_OP_MAX; op++)
				json_array_append_new(cells, show_cell(profile, &view, &c.subject,
								       op, instants[i], until));
		}
	}
	return cells;
}

/* ---- output -------------------------------------------------------------------------------- */

static void show_line(FILE *out, const char *name, const char *text)
{
	fprintf(out, "  %-10s ", name);
	psc_output_wrapped(out, 13, text);
}

static void show_cite(FILE *out, const char *name, const json_t *statement)
{
	_cleanup_free_ char *cite = psc_policy_cite_text(psc_json_text(statement, "label", "U"),
							 psc_json_text(statement, "source", "?"));

	show_line(out, name, cite ? cite : "");
}

static bool show_is_unverified(const json_t *statement)
{
	return strcmp(psc_json_text(statement, "label", "U"), "U") == 0;
}

static void show_head(FILE *out, const json_t *profile, bool colour)
{
	const char *scope = psc_json_text(profile, "scope", "");
	char text[200];

	psc_output_toned(out, colour, PSC_TONE_STRONG, psc_json_text(profile, "profile", "?"));
	fputs("\n  ", out);
	psc_output_wrapped(out, 2, psc_json_text(profile, "title", "?"));
	fputc('\n', out);
	show_line(out, "authority", psc_json_text(profile, "authority", "?"));
	show_cite(out, show_is_unverified(profile) ? "" : "source", profile);
	fputs("  means      ", out);
	for (size_t i = 0; i < json_array_size(psc_json_at(profile, "entities")); i++)
		fprintf(out, "%s%s", i ? ", " : "",
			json_string_value(json_array_get(psc_json_at(profile, "entities"), i)));
	fputc('\n', out);
	if (*scope) {
		snprintf(text, sizeof(text),
			 "everybody, unless an attestation says %s: no (proscribe attest)", scope);
		show_line(out, "scope", text);
	}
	if (json_is_true(psc_json_at(profile, "advisory")))
		show_line(out, "advisory",
			  "advice: nothing is refused on its account, only recorded");
	show_line(out, "checked", psc_json_text(profile, "updated", "?"));
	fputs("\n  ", out);
	psc_output_wrapped(out, 2, psc_json_text(profile, "summary", "?"));
}

/* Phases, clauses and exempt classes: an id, a text, what it rests on. */
static void show_statements(FILE *out, const json_t *profile, const char *title, const char *member,
			    const char *id, const char *text, bool colour)
{
	const json_t *list = psc_json_at(profile, member), *item;
	bool any = false;
	size_t i;

	json_array_foreach(list, i, item) {
		_cleanup_free_ char *cite = psc_policy_cite_text(psc_json_text(item, "label", "U"),
								 psc_json_text(item, "source", ""));
		const char *from = psc_json_text(item, "from", NULL);
		const char *note = psc_json_text(item, "note", "");
		const char *phase = psc_json_text(item, "phase", NULL);

		if (show_is_unverified(item))
			continue;
		if (!any) {
			fputs("\n  ", out);
			psc_output_toned(out, colour, PSC_TONE_STRONG, title);
			fputc('\n', out);
		}
		any = true;
		fprintf(out, "  %s%s%s\n    ", psc_json_text(item, id, "?"),
			from ? ", from " : (phase ? ", from phase " : ""),
			from ? from : (phase ? phase : ""));
		psc_output_wrapped(out, 4, psc_json_text(item, text, "?"));
		if (*note) {
			fputs("    note: ", out);
			psc_output_wrapped(out, 10, note);
		}
		fputs("    ", out);
		psc_output_wrapped(out, 4, cite ? cite : "");
	}
}

static void show_duties(FILE *out, const json_t *profile, bool colour)
{
	const json_t *item;
	size_t i;

	json_array_foreach(psc_json_at(profile, "reports"), i, item) {
		_cleanup_free_ char *cite = psc_policy_cite_text(psc_json_text(item, "label", "U"),
								 psc_json_text(item, "source", ""));

		if (i == 0) {
			fputs("\n  ", out);
			psc_output_toned(out, colour, PSC_TONE_STRONG, "REPORTS");
			fputc('\n', out);
		}
		if (show_is_unverified(item))
			continue;
		fprintf(out, "  %s, %s%" JSON_INTEGER_FORMAT " %sdays after %s\n    ",
			psc_json_text(item, "report", "?"),
			json_is_true(psc_json_at(item, "repeats")) ? "every " : "",
			psc_json_number(item, "days", 0),
			json_is_true(psc_json_at(item, "business_days")) ? "business " : "",
			psc_json_text(item, "after", "?"));
		psc_output_wrapped(out, 4, psc_json_text(item, "text", "?"));
		fputs("    ", out);
		psc_output_wrapped(out, 4, cite ? cite : "");
	}
}

static size_t show_rules_of(const json_t *profile, const char *clause)
{
	const json_t *rule;
	size_t i, count = 0;

	json_array_foreach(psc_json_at(profile, "rules"), i, rule)
		count += strcmp(psc_json_text(rule, "clause", ""), clause) == 0;
	return count;
}

/* What is labelled U is never told as a fact; rules that rest on it all the same are named. */
static void show_unverified(FILE *out, const json_t *profile, bool colour)
{
	static const struct {
		const char *member, *id, *text;
	} kinds[] = {
		{"exempt", "class", "text"},
		{"phases", "phase", "title"},
		{"clauses", "clause", "text"},
		{"reports", "report", "text"},
	};
	bool any = false;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		const json_t *item;

		json_array_foreach(psc_json_at(profile, kinds[k].member), i, item) {
			const char *id = psc_json_text(item, kinds[k].id, "?");
			size_t rules = k == 2 ? show_rules_of(profile, id) : 0;

			if (!show_is_unverified(item))
				continue;
			if (!any) {
				fputs("\n  ", out);
				psc_output_toned(out, colour, PSC_TONE_STRONG,
						 "UNVERIFIED, NOT USED");
				fputc('\n', out);
			}
			any = true;
			fprintf(out, "  %s %s (%s)\n    ", kinds[k].id, id,
				psc_json_text(item, "source", "?"));
			psc_output_wrapped(out, 4, psc_json_text(item, kinds[k].text, "?"));
			if (rules)
				fprintf(out,
					"    but %zu of the rules below rest on it: see proscribe "
					"policy check\n",
					rules);
		}
	}
}

static json_t *show_rule_row(const json_t *rule, size_t number)
{
	_cleanup_free_ char *roles =
		psc_policy_names_text(psc_json_at(rule, "roles"), PSC_ROLE_MAX, psc_role_to_string);
	_cleanup_free_ char *status = psc_policy_names_text(psc_json_at(rule, "status"),
							    PSC_STATUS_MAX, psc_status_to_string);
	_cleanup_free_ char *ops = psc_policy_names_text(psc_json_at(rule, "operations"),
							 PSC_OP_MAX, psc_op_to_string);
	char text[24];

	snprintf(text, sizeof(text), "%zu", number);
	return json_pack("[s,s,s,s,s,s,s,s]", text, psc_json_text(rule, "rule", "?"),
			 roles ? roles : "", status ? status : "", ops ? ops : "",
			 psc_json_text(rule, "action", "?"), psc_json_text(rule, "clause", "?"),
			 psc_json_text(rule, "basis", "?"));
}

static bool show_same_time(const json_t *a, const json_t *b)
{
	return strcmp(psc_json_text(a, "from", ""), psc_json_text(b, "from", "")) == 0 &&
	       strcmp(psc_json_text(a, "until", ""), psc_json_text(b, "until", "")) == 0;
}

/* The rules that hold at the same time stand together, below that time. */
static json_t *show_rule_rows(const json_t *rules)
{
	size_t count = json_array_size(rules);
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++) {
		const json_t *first = json_array_get(rules, i);
		const char *until = psc_json_text(first, "until", NULL);
		char heading[100];
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen = seen || show_same_time(json_array_get(rules, k), first);
		if (seen)
			continue;
		snprintf(heading, sizeof(heading), "from %s%s%s",
			 psc_json_text(first, "from", "the beginning"), until ? " until " : "",
			 until ? until : "");
		json_array_append_new(rows, json_string(heading));
		for (size_t k = i; k < count; k++) {
			const json_t *rule = json_array_get(rules, k);

			if (show_same_time(rule, first))
				json_array_append_new(rows, show_rule_row(rule, k + 1));
		}
	}
	return rows;
}

static void show_rules(FILE *out, const json_t *profile, bool colour)
{
	static const struct psc_grid_column columns[] = {
		{"", 0},	  {"RULE", 16},	 {"ROLE", 11},	 {"STATUS", 15},
		{"OPERATION", 9}, {"ACTION", 0}, {"CLAUSE", 16}, {"BASIS", 0},
	};
	const json_t *rules = psc_json_at(profile, "rules"), *rule;
	_cleanup_json_ json_t *rows = show_rule_rows(rules);
	bool any = false;
	size_t i;

	fputs("\n  ", out);
	psc_output_toned(out, colour, PSC_TONE_STRONG, "RULES");
	fputs("\n  Of the rules that meet a case the strictest decides, of several as strict ones the "
	      "first by\n  number. What no rule meets is allowed. --matrix shows every case.\n",
	      out);
	psc_grid_print(out, colour, 2, columns, ARRAY_SIZE(columns), rows);
	json_array_foreach(rules, i, rule) {
		const char *reason = psc_json_text(rule, "reason", "");

		if (!*reason)
			continue;
		if (!any) {
			fputs("\n  ", out);
			psc_output_toned(out, colour, PSC_TONE_STRONG, "REASONS");
			fputc('\n', out);
		}
		any = true;
		fprintf(out, "  %s: ", psc_json_text(rule, "rule", "?"));
		psc_output_wrapped_from(out, 4 + psc_output_width(psc_json_text(rule, "rule", "?")),
					4, reason);
	}
}

static void show_matrix_rows(FILE *out, const json_t *profile, bool colour)
{
	static const struct psc_grid_column columns[] = {
		{"FROM", 0},   {"ROLE", 0},   {"STATUS", 0}, {"OPERATION", 0},
		{"ACTION", 0}, {"CLAUSE", 0}, {"RULE", 0},   {"BASIS", 0},
	};
	_cleanup_json_ json_t *rows = json_array();
	const json_t *cell;
	size_t i;

	json_array_foreach(psc_json_at(profile, "matrix"), i, cell)
		json_array_append_new(rows, json_pack("[s,s,s,s,s,s,s,s]",
						      psc_json_text(cell, "from", "always"),
						      psc_json_text(cell, "role", "?"),
						      psc_json_text(cell, "status", "?"),
						      psc_json_text(cell, "operation", "?"),
						      psc_json_text(cell, "action", "?"),
						      psc_json_text(cell, "clause", "-"),
						      psc_json_text(cell, "rule", "-"),
						      psc_json_text(cell, "basis", "-")));
	fputs("\n  ", out);
	psc_output_toned(out, colour, PSC_TONE_STRONG, "MATRIX");
	fputs("\n  One line a case, from its instant until the next one.\n", out);
	psc_grid_print(out, colour, 2, columns, ARRAY_SIZE(columns), rows);
}

static void show_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *profiles = psc_json_at(data, "profiles"), *profile;
	size_t i;

	if (!json_array_size(profiles))
		fputs("no profile is active\n", out);
	json_array_foreach(profiles, i, profile) {
		if (i)
			fputc('\n', out);
		show_head(out, profile, colour);
		show_statements(out, profile, "PHASES", "phases", "phase", "title", colour);
		show_statements(out, profile, "CLAUSES", "clauses", "clause", "text", colour);
		show_statements(out, profile, "EXEMPT", "exempt", "class", "text", colour);
		show_duties(out, profile, colour);
		show_unverified(out, profile, colour);
		if (psc_json_at(profile, "matrix"))
			show_matrix_rows(out, profile, colour);
		else
			show_rules(out, profile, colour);
	}
}

/* ---- the verb ------------------------------------------------------------------------------ */

static int show_one(struct psc_cli *cli, const struct psc_policy_places *places, const char *name,
		    json_t *profiles)
{
	_cleanup_(psc_profile_freep) struct psc_profile *profile = NULL;
	struct psc_error error = {0};
	json_t *json;
	int r;

	r = psc_policy_find(places, name, &profile, &error);
	if (r < 0)
		return psc_policy_fail(cli, r, &error);
	json = psc_policy_profile_json(profile);
	if (json && psc_cli_option(cli, "matrix"))
		json_object_set_new(json, "matrix", show_matrix(profile));
	if (json)
		json_object_set_new(json, "file", psc_json_safe(profile->path));
	return json_array_append_new(profiles, json) < 0
		       ? psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory")
		       : PSC_EXIT_OK;
}

static int show_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;
	struct psc_policy_places places = psc_policy_places_given(cli);
	_cleanup_json_ json_t *profiles = json_array();
	struct psc_error error = {0};
	int r = PSC_EXIT_OK;

	if (!argc)
		r = psc_policy_config(cli, &config, &error);
	if (r < 0)
		return psc_policy_fail(cli, r, &error);
	for (int i = 0; i < argc && r == PSC_EXIT_OK; i++)
		r = show_one(cli, &places, argv[i], profiles);
	for (char **id = config ? config->profiles : NULL; id && *id && r == PSC_EXIT_OK; id++)
		r = show_one(cli, &places, *id, profiles);
	if (r != PSC_EXIT_OK)
		return r;
	return psc_cli_report(cli, PSC_EXIT_OK, json_pack("{s:O}", "profiles", profiles),
			      show_render);
}

static const struct psc_option show_options[] = {
	{"matrix", NULL, "the ruling on every role, status and operation, instead of the rules"},
	PSC_POLICY_OPTIONS_CONFIG,
	PSC_POLICY_OPTIONS_PROFILES,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_policy_show = {
	.name = "policy show",
	.run = show_run,
	.most_arguments = -1,
	.arguments = "[FILE|PROFILE...]",
	.summary = "Prints what profiles say, from when, and on whose word",
	.options = show_options,
	.help = "Without arguments: the active ones. Labels say how well a statement is known: [V] in\n"
		"the primary text, [S] as reported by somebody, [A] our reading; what is unverified\n"
		"stands apart. The basis of a rule is the order itself, a contract clause, or your\n"
		"organisation's own policy (site).\n\n"
		"Examples:\n"
		"  proscribe policy show\n"
		"  proscribe policy show us-commerce-icts-2021-002 --matrix | grep ' deny '\n"
		"  proscribe policy show ./our-profile.yaml --json\n",
};
