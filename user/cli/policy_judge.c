/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_judge.c - see policy_judge.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/cli/policy_judge.h"
#include "user/core/names.h"
#include "bpf/decide.h"

static json_t *operation_json(const struct psc_policy_host *host, const struct psc_subject *subject,
			      enum psc_op op, uint64_t at, bool *ret_denied)
{
	json_t *reasons = json_array();
	struct psc_ruling ruling;
	uint8_t verdict;

	psc_rule_on(&host->view, subject, op, at, &ruling);
	for (size_t i = 0; i < ruling.count; i++)
		json_array_append_new(reasons, psc_policy_reason_json(&ruling.reason[i]));
	verdict = psc_verdict_of(ruling.action, host->config->mode, PSC_CLASS_FIRST);
	if (ruling.action == PSC_ACTION_DENY)
		*ret_denied = true;
	return json_pack("{s:s,s:s,s:s,s:o}", "operation", psc_op_to_string(op), "action",
			 psc_action_to_string(ruling.action), "verdict",
			 psc_verdict_to_string(verdict), "reasons", reasons);
}

int psc_policy_judge(const struct psc_policy_host *host, const struct psc_subject *subject,
		     uint64_t at, json_t *json, bool *ret_denied)
{
	const struct psc_product *product = subject->product;
	json_t *operations = json_array();

	if (!json || !operations) {
		json_decref(operations);
		return -ENOMEM;
	}
	json_object_set_new(json, "product", psc_json_safe(product ? product->id : subject->text));
	json_object_set_new(json, "in_catalog", json_boolean(product));
	json_object_set_new(json, "name", psc_json_safe(product ? product->name : ""));
	json_object_set_new(json, "role", json_string(psc_role_to_string(subject->role)));
	json_object_set_new(json, "site", json_boolean(subject->site));
	for (unsigned int op = 0; op < PSC_OP_MAX; op++)
		json_array_append_new(operations,
				      operation_json(host, subject, op, at, ret_denied));
	return json_object_set_new(json, "operations", operations) < 0 ? -ENOMEM : 0;
}

static enum psc_tone verdict_tone(const char *verdict)
{
	if (strcmp(verdict, "deny") == 0)
		return PSC_TONE_BAD;
	if (strcmp(verdict, "would_deny") == 0)
		return PSC_TONE_DOUBT;
	return strcmp(verdict, "allow") == 0 ? PSC_TONE_GOOD : PSC_TONE_PLAIN;
}

static void render_reason(FILE *out, const json_t *reason)
{
	const char *status = psc_json_text(reason, "status", NULL);
	const char *rule = psc_json_text(reason, "rule", NULL);
	_cleanup_free_ char *cite = NULL;

	fprintf(out, "    %s: %s", psc_json_text(reason, "profile", "?"),
		psc_json_text(reason, "action", "?"));
	if (status)
		fprintf(out, ", as %s", status);
	if (psc_json_text(reason, "decision.id", NULL)) {
		fputs(" by decision ", out);
		psc_output_text(out, psc_json_text(reason, "decision.id", ""));
	}
	if (rule)
		fprintf(out, ", rule %s, basis %s", rule, psc_json_text(reason, "basis", "?"));
	fputs("\n      ", out);
	psc_output_wrapped(out, 6, psc_json_text(reason, "because", "?"));
	if (!rule)
		return;
	cite = psc_policy_cite_text(psc_json_text(reason, "clause.label", "U"),
				    psc_json_text(reason, "clause.source", "?"));
	fputs("      ", out);
	psc_output_wrapped(out, 6, cite ? cite : "");
	if (*psc_json_text(reason, "note", "")) {
		fputs("      note: ", out);
		psc_output_wrapped(out, 12, psc_json_text(reason, "note", ""));
	}
}

static bool same_reasons(const json_t *a, const json_t *b)
{
	return strcmp(psc_json_text(a, "verdict", ""), psc_json_text(b, "verdict", "")) == 0 &&
	       json_equal(psc_json_at(a, "reasons"), psc_json_at(b, "reasons"));
}

/* Operations of which the same is said stand together; the first of them speaks. */
static void render_operations(FILE *out, const json_t *operations, bool colour)
{
	size_t count = json_array_size(operations);

	for (size_t i = 0; i < count; i++) {
		const json_t *first = json_array_get(operations, i), *reason;
		const char *verdict = psc_json_text(first, "verdict", "?");
		bool seen = false;
		size_t k;

		for (k = 0; k < i; k++)
			seen = seen || same_reasons(json_array_get(operations, k), first);
		if (seen)
			continue;
		fputs("  ", out);
		for (k = i; k < count; k++) {
			const json_t *other = json_array_get(operations, k);

			if (same_reasons(other, first))
				fprintf(out, "%s%s", k > i ? ", " : "",
					psc_json_text(other, "operation", "?"));
		}
		fputs(": ", out);
		psc_output_toned(out, colour, verdict_tone(verdict), verdict);
		fputc('\n', out);
		json_array_foreach(psc_json_at(first, "reasons"), k, reason)
			render_reason(out, reason);
	}
}

void psc_policy_judge_render(FILE *out, const json_t *json, bool colour)
{
	const char *name = psc_json_text(json, "name", "");

	psc_output_toned(out, colour, PSC_TONE_STRONG, psc_json_text(json, "product", "?"));
	fprintf(out, ", %s", psc_json_text(json, "role", "?"));
	if (*name) {
		fputs(": ", out);
		psc_output_text(out, name);
	}
	fputc('\n', out);
	render_operations(out, psc_json_at(json, "operations"), colour);
}

struct psc_subject psc_policy_subject(const struct psc_policy_host *host,
				      const struct psc_image *image, uint32_t number)
{
	const struct psc_image_subject *listed = &image->subjects[number];
	struct psc_subject subject = {.text = listed->product, .site = listed->site};

	subject.product = psc_catalog_find(&host->set.catalog, listed->product, &subject.role);
	return subject;
}

const struct psc_digest_record *psc_policy_lookup(const struct psc_image *image,
						  const uint8_t digest[PSC_DIGEST_SIZE])
{
	size_t low = 0, high = image->table.digest_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int r = memcmp(image->records[middle].digest, digest, PSC_DIGEST_SIZE);

		if (r == 0)
			return &image->records[middle];
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
