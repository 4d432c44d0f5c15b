/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_sections.c - the sections of a report's page; see report_verb.h.
 */
#include "user/cli/report_verb.h"
#include "user/core/names.h"

#define ROWS_MAX 500 /* of a table of the page; the other forms have all */

#define TABLE(out, caption, columns, rows, most)                                                   \
	psc_report_table(out, caption, columns, ARRAY_SIZE(columns), rows, most)

static void put_paragraph(FILE *out, const char *text)
{
	fputs("<p>", out);
	psc_report_put(out, text);
	fputs("</p>\n", out);
}

static void put_sentences(FILE *out, const json_t *sentences)
{
	const json_t *sentence;
	size_t i;

	fputs("<ul>\n", out);
	json_array_foreach(sentences, i, sentence) {
		fputs("<li>", out);
		psc_report_put(out, json_is_object(sentence) ? psc_json_text(sentence, "text", "")
							     : json_string_value(sentence));
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

/* ---- what is prohibited -------------------------------------------------------------------- */

/* Rows with the words of a citation, "as reported by ...", in the member "cited". */
static json_t *with_citation(const json_t *rows)
{
	json_t *all = json_array(), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		json_t *copy = json_copy(row);
		char *cite = psc_policy_cite_text(psc_json_text(row, "label", "U"),
						  psc_json_text(row, "source", "?"));

		if (copy && cite)
			json_object_set_new(copy, "cited", json_string(cite));
		free(cite);
		json_array_append_new(all, copy);
	}
	return all;
}

static const char *from_of(const json_t *phases, const char *id)
{
	const json_t *phase;
	size_t i;

	json_array_foreach(phases, i, phase) {
		if (strcmp(psc_json_text(phase, "phase", ""), id) == 0)
			return psc_json_text(phase, "from", "");
	}
	return "";
}

/* Clauses with the instant from which they hold; what is labelled U is no fact. */
static json_t *clauses_of(const json_t *data)
{
	json_t *rows = with_citation(psc_json_at(data, "profile.clauses")), *row;
	size_t i;

	json_array_foreach(rows, i, row)
		json_object_set_new(row, "from",
				    json_string(from_of(psc_json_at(data, "profile.phases"),
							psc_json_text(row, "phase", ""))));
	return rows;
}

static void name_all(json_t *rule, const char *member, unsigned int count,
		     const char *(*name)(unsigned int value))
{
	char *text = psc_policy_names_text(psc_json_at(rule, member), count, name);

	if (text)
		json_object_set_new(rule, member, json_string(text));
	free(text);
}

/* Rules with "all" and "all but ..." where that is shorter. */
static json_t *rules_of(const json_t *data)
{
	json_t *rows = json_array(), *rule;
	size_t i;

	json_array_foreach(psc_json_at(data, "profile.rules"), i, rule) {
		json_t *copy = json_copy(rule);

		name_all(copy, "operations", PSC_OP_MAX, psc_op_to_string);
		name_all(copy, "roles", PSC_ROLE_MAX, psc_role_to_string);
		name_all(copy, "status", PSC_STATUS_MAX, psc_status_to_string);
		json_array_append_new(rows, copy);
	}
	return rows;
}

void psc_report_put_prohibitions(FILE *out, const json_t *data)
{
	static const struct psc_report_column phases[] = {
		{"Phase", "title", PSC_REPORT_TEXT},
		{"From (UTC)", "from", PSC_REPORT_TIME},
		{"Assumed", "note", PSC_REPORT_TEXT},
		{"Source", "cited", PSC_REPORT_TEXT},
	};
	static const struct psc_report_column clauses[] = {
		{"Clause", "clause", PSC_REPORT_TEXT},
		{"From (UTC)", "from", PSC_REPORT_TIME},
		{"What it says", "text", PSC_REPORT_TEXT},
		{"Source", "cited", PSC_REPORT_TEXT},
	};
	static const struct psc_report_column rules[] = {
		{"Rule", "rule", PSC_REPORT_TEXT},     {"Clause", "clause", PSC_REPORT_TEXT},
		{"Basis", "basis", PSC_REPORT_TEXT},   {"Action", "action", PSC_REPORT_TEXT},
		{"On", "operations", PSC_REPORT_TEXT}, {"Of", "roles", PSC_REPORT_TEXT},
		{"Status", "status", PSC_REPORT_TEXT}, {"From (UTC)", "from", PSC_REPORT_TIME},
		{"Reason", "reason", PSC_REPORT_TEXT},
	};
	static const struct psc_report_column exempt[] = {
		{"Class", "class", PSC_REPORT_TEXT},
		{"What it says", "text", PSC_REPORT_TEXT},
		{"Source", "cited", PSC_REPORT_TEXT},
	};
	_cleanup_json_ json_t *phase_rows = with_citation(psc_json_at(data, "profile.phases"));
	_cleanup_json_ json_t *clause_rows = clauses_of(data);
	_cleanup_json_ json_t *rule_rows = rules_of(data);
	_cleanup_json_ json_t *exempt_rows = with_citation(psc_json_at(data, "profile.exempt"));

	psc_report_section(out, "prohibited", "What is prohibited, from when, on which basis");
	put_paragraph(out, psc_json_text(data, "profile.summary", ""));
	fputs("<p>", out);
	psc_report_putf(out, "Profile %s, data last checked %s, SHA-256 %s. %s",
			psc_json_text(data, "profile.profile", "?"),
			psc_json_text(data, "profile.updated", "?"),
			psc_json_text(data, "profile_sha256", "?"),
			json_is_true(psc_json_at(data, "active"))
				? "It is active on this host."
				: "It is not active by the configuration that was read: nothing is "
				  "refused on its account.");
	fputs("</p>\n", out);
	TABLE(out, "Phases", phases, phase_rows, 0);
	TABLE(out, "Clauses", clauses, clause_rows, 0);
	put_paragraph(out,
		      "Sources: [V] the text itself was checked; [S] as somebody else reports it; "
		      "[A] our own reading or assumption; [U] not verified, no fact.");
	TABLE(out, "Rules: what this guard does, and on whose authority", rules, rule_rows, 0);
	put_paragraph(out, "Basis: order, the order prohibits this very act; contract, a contract "
			   "clause does; site, your organisation decided so, with reference to the "
			   "order.");
	TABLE(out, "Classes of products that are not meant", exempt, exempt_rows, 0);
	psc_report_section_end(out);
}

/* ---- what was found ------------------------------------------------------------------------ */

void psc_report_put_products(FILE *out, const json_t *data)
{
	static const struct psc_report_column columns[] = {
		{"Product", "product", PSC_REPORT_TEXT},
		{"Name", "name", PSC_REPORT_TEXT},
		{"First seen (UTC)", "first_seen", PSC_REPORT_TIME},
		{"Last seen (UTC)", "last_seen", PSC_REPORT_TIME},
		{"Status", "status", PSC_REPORT_TEXT},
		{"Seen by", "how", PSC_REPORT_LIST},
		{"Versions", "versions", PSC_REPORT_LIST},
		{"Paths", "paths", PSC_REPORT_LIST},
	};
	static const struct psc_report_column digests[] = {
		{"Product", "product", PSC_REPORT_TEXT},
		{"SHA-256 of its files", "sha256", PSC_REPORT_LIST},
	};

	psc_report_section(out, "found", "What was found");
	put_paragraph(out, "First and last seen are those of the whole log up to the end of the "
			   "period, in UTC. At most 20 paths and digests of a product are shown.");
	TABLE(out, "Products that the profile covers", columns, psc_json_at(data, "products"),
	      ROWS_MAX);
	TABLE(out, "Looks like one, not confirmed", columns, psc_json_at(data, "held"), ROWS_MAX);
	TABLE(out, "Other listed products, which the profile is not about", columns,
	      psc_json_at(data, "others"), ROWS_MAX);
	if (json_array_size(psc_json_at(data, "products")))
		TABLE(out, "Content of what was found", digests, psc_json_at(data, "products"),
		      ROWS_MAX);
	psc_report_section_end(out);
}

/* ---- attempts ------------------------------------------------------------------------------ */

static void put_totals(FILE *out, const json_t *data)
{
	fputs("<p>", out);
	psc_report_putf(
		out,
		"Attempts with products that the profile covers: %lld refused, %lld that enforce "
		"mode would have refused, %lld recorded. With other listed products: %lld, %lld and "
		"%lld.",
		(long long)psc_json_number(data, "attempts.totals.deny", 0),
		(long long)psc_json_number(data, "attempts.totals.would_deny", 0),
		(long long)psc_json_number(data, "attempts.totals.record", 0),
		(long long)psc_json_number(data, "attempts.others.deny", 0),
		(long long)psc_json_number(data, "attempts.others.would_deny", 0),
		(long long)psc_json_number(data, "attempts.others.record", 0));
	if (psc_json_number(data, "attempts.left_out", 0))
		psc_report_putf(out, " %lld attempts are counted but not in the table.",
				(long long)psc_json_number(data, "attempts.left_out", 0));
	fputs("</p>\n", out);
}

void psc_report_put_attempts(FILE *out, const json_t *data)
{
	static const struct psc_report_column columns[] = {
		{"Verdict", "verdict", PSC_REPORT_VERDICT},
		{"Operation", "operation", PSC_REPORT_TEXT},
		{"Product", "product", PSC_REPORT_TEXT},
		{"Path", "path", PSC_REPORT_CODE},
		{"Attempts", "count", PSC_REPORT_NUMBER},
		{"First (UTC)", "first", PSC_REPORT_TIME},
		{"Last (UTC)", "last", PSC_REPORT_TIME},
		{"Profiles", "profiles", PSC_REPORT_TEXT},
		{"Clauses", "clauses", PSC_REPORT_TEXT},
		{"Basis", "basis", PSC_REPORT_TEXT},
	};

	psc_report_section(out, "refused", "What was refused and recorded");
	put_totals(out, data);
	TABLE(out, "Attempts", columns, psc_json_at(data, "attempts.groups"), ROWS_MAX);
	psc_report_section_end(out);
}

/* ---- what people signed, and changed ------------------------------------------------------- */

void psc_report_put_objects(FILE *out, const json_t *data)
{
	static const struct psc_report_column objects[] = {
		{"Id", "id", PSC_REPORT_TEXT},
		{"Kind", "kind", PSC_REPORT_TEXT},
		{"State", "state", PSC_REPORT_TEXT},
		{"Of", "products", PSC_REPORT_LIST},
		{"Signed by", "by", PSC_REPORT_TEXT},
		{"Reason", "reason", PSC_REPORT_TEXT},
		{"Document", "document", PSC_REPORT_TEXT},
		{"From (UTC)", "from", PSC_REPORT_TIME},
		{"Until (UTC)", "until", PSC_REPORT_TIME},
	};
	static const struct psc_report_column changes[] = {
		{"Time (UTC)", "time", PSC_REPORT_TIME},
		{"What", "type", PSC_REPORT_TEXT},
		{"Message", "message", PSC_REPORT_TEXT},
		{"Asked for by", "requester", PSC_REPORT_TEXT},
		{"Signed by", "by", PSC_REPORT_TEXT},
		{"Reason", "reason", PSC_REPORT_TEXT},
		{"Done", "success", PSC_REPORT_TEXT},
		{"SHA-256 before", "digest_before", PSC_REPORT_CODE},
		{"SHA-256 after", "digest_after", PSC_REPORT_CODE},
	};

	psc_report_section(out, "signed", "What was exempted and decided");
	put_paragraph(out, "An exemption or decision of your organisation changes what this guard "
			   "does, not what the order says.");
	TABLE(out, "Exemptions, decisions, windows and attestations on file", objects,
	      psc_json_at(data, "objects"), ROWS_MAX);
	TABLE(out, "Changes in the period", changes, psc_json_at(data, "changes"), ROWS_MAX);
	psc_report_section_end(out);
}

/* ---- coverage ------------------------------------------------------------------------------ */

/* {"reason": {"verdict": count}} as rows. */
static json_t *unverified_rows(const json_t *data)
{
	json_t *rows = json_array(), *by_verdict, *count;
	const char *reason, *verdict;

	json_object_foreach(psc_json_at(data, "unverified"), reason, by_verdict) {
		json_object_foreach(by_verdict, verdict, count)
			json_array_append_new(rows, json_pack("{s:s, s:s, s:O}", "reason", reason,
							      "verdict", verdict, "count", count));
	}
	return rows;
}

static json_t *intervals_of(const json_t *data, const char *whose)
{
	json_t *rows = json_array(), *row;
	size_t i;

	json_array_foreach(psc_json_at(data, "guard.intervals"), i, row) {
		if (strcmp(psc_json_text(row, "of", ""), whose) == 0)
			json_array_append(rows, row);
	}
	return rows;
}

void psc_report_put_coverage(FILE *out, const json_t *data)
{
	static const struct psc_report_column gaps[] = {
		{"Gap", "kind", PSC_REPORT_TEXT},
		{"What it means", "text", PSC_REPORT_TEXT},
		{"How many", "count", PSC_REPORT_NUMBER},
		{"Of what", "unit", PSC_REPORT_TEXT},
	};
	static const struct psc_report_column intervals[] = {
		{"From (UTC)", "from", PSC_REPORT_TIME},
		{"Until (UTC)", "until", PSC_REPORT_TIME},
		{"State", "state", PSC_REPORT_STATE},
		{"Seconds", "seconds", PSC_REPORT_NUMBER},
	};
	static const struct psc_report_column losses[] = {
		{"Time (UTC)", "time", PSC_REPORT_TIME},
		{"What", "type", PSC_REPORT_TEXT},
		{"Events lost", "lost", PSC_REPORT_NUMBER},
		{"Message", "message", PSC_REPORT_TEXT},
	};
	static const struct psc_report_column unverified[] = {
		{"Reason", "reason", PSC_REPORT_TEXT},
		{"Verdict", "verdict", PSC_REPORT_VERDICT},
		{"Attempts", "count", PSC_REPORT_NUMBER},
	};
	_cleanup_json_ json_t *unverified_all = unverified_rows(data);
	_cleanup_json_ json_t *guard = intervals_of(data, "guard");
	_cleanup_json_ json_t *silent = intervals_of(data, "daemon");

	psc_report_section(out, "coverage", "Coverage and gaps");
	fputs("<p>", out);
	psc_report_putf(out, "%lld boots and %lld heartbeats are in the log.",
			(long long)psc_json_number(data, "guard.boots", 0),
			(long long)psc_json_number(data, "guard.heartbeats", 0));
	fputs("</p>\n", out);
	TABLE(out, "Gaps", gaps, psc_json_at(data, "gaps"), 0);
	TABLE(out, "The guard in the period", intervals, guard, ROWS_MAX);
	TABLE(out, "The daemon: when it wrote nothing", intervals, silent, ROWS_MAX);
	TABLE(out, "Losses and faults", losses, psc_json_at(data, "losses.records"), ROWS_MAX);
	TABLE(out, "Attempts with files that could not be identified", unverified, unverified_all,
	      0);
	psc_report_section_end(out);
}

static void put_signatures(FILE *out, const json_t *data)
{
	if (!psc_json_number(data, "chain.signatures", 0))
		psc_report_put(out, " No signature was checked.");
	else
		psc_report_putf(out, " %lld good signatures; the last vouches up to record %lld.",
				(long long)psc_json_number(data, "chain.signatures", 0),
				(long long)psc_json_number(data, "chain.last_signed", 0));
	psc_report_putf(out, " Anchors that hold: %lld.",
			(long long)psc_json_number(data, "chain.anchors", 0));
}

void psc_report_put_chain(FILE *out, const json_t *data)
{
	bool intact = !psc_json_at(data, "chain.fault");
	bool vouched = intact && psc_json_number(data, "chain.signatures", 0);

	psc_report_section(out, "chain", "Is the log as it was written?");
	fprintf(out, "<p class=\"%s\"><strong>%s</strong>: ",
		vouched	 ? "good"
		: intact ? "plain"
			 : "bad",
		intact ? "Intact" : "NOT INTACT");
	psc_report_putf(out, "records %lld to %lld (%lld) in %lld %s.",
			(long long)psc_json_number(data, "chain.first", 0),
			(long long)psc_json_number(data, "chain.last", 0),
			(long long)psc_json_number(data, "chain.records", 0),
			(long long)psc_json_number(data, "chain.files", 0),
			psc_json_number(data, "chain.files", 0) == 1 ? "file" : "files");
	put_signatures(out, data);
	fputs("</p>\n", out);
	if (!intact) {
		fputs("<p class=\"bad\">", out);
		psc_report_putf(out, "%s:%lld: %s. What stands behind it was not looked at.",
				psc_json_text(data, "chain.fault.file", "?"),
				(long long)psc_json_number(data, "chain.fault.line", 0),
				psc_json_text(data, "chain.fault.message", "?"));
		fputs("</p>\n", out);
	}
	fputs("<p>Head: <span class=\"code\">", out);
	psc_report_put(out, psc_json_text(data, "chain.head", "?"));
	fputs("</span></p>\n<h3>What this does not prove</h3>\n", out);
	put_sentences(out, psc_json_at(data, "chain.not_proven"));
	psc_report_section_end(out);
}

/* ---- duties -------------------------------------------------------------------------------- */

static void put_timer(FILE *out, const json_t *timer)
{
	if (!json_is_object(timer))
		return;
	fputs("<p class=\"timer\"><strong>", out);
	psc_report_putf(out, "Next status report: %s", psc_json_text(timer, "due", "?"));
	fputs("</strong>", out);
	psc_report_putf(out, ", in %lld days (every %lld days; the one before was due %s).",
			(long long)psc_json_number(timer, "days_left", 0),
			(long long)psc_json_number(timer, "days", 0),
			psc_json_text(timer, "last_due", "never"));
	fputs("</p>\n", out);
}

static void put_draft(FILE *out, const json_t *draft)
{
	const json_t *one;
	size_t i;

	fputs("<article class=\"draft\">\n<h3>", out);
	psc_report_putf(out, "Draft. %s", psc_json_text(draft, "title", "?"));
	fputs("</h3>\n<p>", out);
	psc_report_putf(out, "%s; due: %s", psc_json_text(draft, "source", "?"),
			psc_json_text(draft, "due", "not begun"));
	fputs("</p>\n<dl>\n", out);
	json_array_foreach(psc_json_at(draft, "fields"), i, one) {
		fputs("<dt>", out);
		psc_report_put(out, psc_json_text(one, "name", "?"));
		fprintf(out, "</dt><dd%s>",
			json_is_true(psc_json_at(one, "filled")) ? "" : " class=\"fill\"");
		psc_report_put(out, psc_json_text(one, "value", "?"));
		fputs("</dd>\n", out);
	}
	fputs("</dl>\n</article>\n", out);
}

void psc_report_put_duties(FILE *out, const json_t *data)
{
	static const struct psc_report_column columns[] = {
		{"Report", "report", PSC_REPORT_TEXT},
		{"Content", "text", PSC_REPORT_TEXT},
		{"Counted from (UTC)", "begins", PSC_REPORT_TIME},
		{"Days", "days", PSC_REPORT_NUMBER},
		{"Business days", "business_days", PSC_REPORT_TEXT},
		{"Due", "due", PSC_REPORT_TIME},
		{"State", "state", PSC_REPORT_TEXT},
		{"Assumptions", "assumptions", PSC_REPORT_LINES},
		{"Source", "cited", PSC_REPORT_TEXT},
	};
	_cleanup_json_ json_t *duties = with_citation(psc_json_at(data, "duties"));
	const json_t *one;
	size_t i;

	psc_report_section(out, "duties", "Duties to report, and drafts");
	put_timer(out, psc_json_at(data, "timer"));
	TABLE(out, "Duties that the profile names", columns, duties, 0);
	json_array_foreach(psc_json_at(data, "drafts"), i, one)
		put_draft(out, one);
	psc_report_section_end(out);
}
