/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_render.c - prints what `proscribe explain` found; see explain.h.
 */
#include "user/core/util.h"
#include "user/cli/explain.h"

#define FACT_COLUMN 22

static void render_facts(FILE *out, const json_t *facts)
{
	const json_t *fact;
	size_t i;

	if (json_array_size(facts))
		fputs("  facts\n", out);
	json_array_foreach(facts, i, fact) {
		json_int_t signer = psc_json_number(fact, "signer", 0);
		const char *name = psc_json_text(fact, "fact", "?");

		fputs("    ", out);
		psc_output_padded(out, name, FACT_COLUMN);
		if (signer)
			fprintf(out, "(%" JSON_INTEGER_FORMAT ") ", signer);
		psc_output_wrapped_from(out, 4 + FACT_COLUMN + (signer ? 4 : 0), 4 + FACT_COLUMN,
					psc_json_text(fact, "value", ""));
	}
}

static void render_indicators(FILE *out, const json_t *indicators, bool colour)
{
	const json_t *indicator, *condition;
	size_t i, k;

	fputs("  indicators\n", out);
	if (!json_array_size(indicators))
		fputs("    none of the catalog holds\n", out);
	json_array_foreach(indicators, i, indicator) {
		_cleanup_free_ char *cite =
			psc_policy_cite_text(psc_json_text(indicator, "source.label", "U"),
					     psc_json_text(indicator, "source.source", "?"));

		fputs("    ", out);
		psc_output_toned(out, colour, PSC_TONE_STRONG,
				 psc_json_text(indicator, "rule", "?"));
		fprintf(out, ": %s, %s, confidence %s\n", psc_json_text(indicator, "product", "?"),
			psc_json_text(indicator, "role", "?"),
			psc_json_text(indicator, "confidence", "?"));
		json_array_foreach(psc_json_at(indicator, "conditions"), k, condition) {
			fprintf(out, "      %s %s ", psc_json_text(condition, "fact", "?"),
				psc_json_text(condition, "match", "?"));
			psc_output_text(out, psc_json_text(condition, "value", ""));
			fputc('\n', out);
		}
		fputs("      ", out);
		psc_output_wrapped(out, 6, cite ? cite : "");
	}
}

/* What the list says of itself and from where it has it. */
static void render_entry(FILE *out, const json_t *entry)
{
	static const char *const keys[] = {"name", "product", "version", "source"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *value = psc_json_text(entry, keys[i], "");

		if (!*value)
			continue;
		fprintf(out, "      %-9s ", keys[i]);
		psc_output_wrapped(out, 16, value);
	}
}

static void render_list(FILE *out, const json_t *thing, bool colour)
{
	bool listed = json_is_true(psc_json_at(thing, "listed"));

	fputs("  list\n    ", out);
	if (psc_json_at(thing, "entry")) {
		psc_output_toned(out, colour, listed ? PSC_TONE_BAD : PSC_TONE_DOUBT,
				 listed ? "LISTED" : "listed, not matched");
		fputs(" in ", out);
		psc_output_text(out, psc_json_text(thing, "entry.file", "?"));
		fprintf(out, ":%" JSON_INTEGER_FORMAT "\n",
			psc_json_number(thing, "entry.line", 0));
		render_entry(out, psc_json_at(thing, "entry"));
	} else {
		fputs("not listed\n", out);
	}
	if (psc_json_at(thing, "size_mismatch"))
		fprintf(out,
			"    listed with size %" JSON_INTEGER_FORMAT
			", so the kernel will not match it: correct the list\n",
			psc_json_number(thing, "size_mismatch", 0));
}

static void render_evidence(FILE *out, const json_t *evidence)
{
	const json_t *item;
	size_t i;

	if (!evidence)
		return;
	fputs("  since when\n", out);
	if (!json_array_size(psc_json_at(evidence, "items")))
		fputs("    no log, record or directory of this host tells\n", out);
	json_array_foreach(psc_json_at(evidence, "items"), i, item) {
		fprintf(out, "    %s  %s, %s: ", psc_json_text(item, "time", "?"),
			psc_json_text(item, "kind", "?"), psc_json_text(item, "weight", "?"));
		psc_output_text(out, psc_json_text(item, "source", "?"));
		fputs("\n      ", out);
		psc_output_wrapped(out, 6, psc_json_text(item, "text", ""));
	}
	json_array_foreach(psc_json_at(evidence, "unread"), i, item) {
		fputs("    not read: ", out);
		psc_output_wrapped(out, 14, json_string_value(item));
	}
}

static void render_missing(FILE *out, const json_t *missing)
{
	const json_t *item;
	size_t i;

	if (json_array_size(missing))
		fputs("  missing\n", out);
	json_array_foreach(missing, i, item) {
		const char *remedy = psc_json_text(item, "remedy", "");

		fputs("    ", out);
		psc_output_wrapped(out, 4, psc_json_text(item, "what", "?"));
		if (*remedy) {
			fputs("      ", out);
			psc_output_wrapped(out, 6, remedy);
		}
	}
}

static void render_judgement(FILE *out, const json_t *data, const json_t *thing, const char *when,
			     bool colour)
{
	const json_t *judged = psc_json_at(thing, when);

	if (!judged)
		return;
	fprintf(out, "\n%s %s, mode %s%s\n", strcmp(when, "now") ? "at" : "now,",
		psc_json_text(data, when, "?"), psc_json_text(data, "mode", "?"),
		json_is_true(psc_json_at(thing, "listed")) ? "" : ", once its digest is listed");
	psc_policy_judge_render(out, judged, colour);
}

void psc_explain_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *thing;
	size_t i;

	json_array_foreach(psc_json_at(data, "things"), i, thing) {
		json_int_t pid = psc_json_number(thing, "pid", 0);

		if (i)
			fputc('\n', out);
		psc_output_toned(out, colour, PSC_TONE_STRONG, psc_json_text(thing, "where", "?"));
		if (pid)
			fprintf(out, " (process %" JSON_INTEGER_FORMAT ")", pid);
		fputc('\n', out);
		render_facts(out, psc_json_at(thing, "facts"));
		render_indicators(out, psc_json_at(thing, "indicators"), colour);
		render_list(out, thing, colour);
		render_evidence(out, psc_json_at(thing, "evidence"));
		render_missing(out, psc_json_at(thing, "missing"));
		render_judgement(out, data, thing, "now", colour);
		render_judgement(out, data, thing, "then", colour);
	}
}
