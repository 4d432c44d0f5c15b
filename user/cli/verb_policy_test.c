/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_policy_test.c - `proscribe policy test --at TIME`: what would become of files and
 * products at that time, and why. Works without daemon and root: the policy is compiled as
 * the daemon does it and asked.
 */
#include <errno.h>

#include "user/cli/lists.h"
#include "user/cli/policy_judge.h"
#include "user/core/hex.h"
#include "user/core/names.h"
#include "bpf/decide.h"

struct trial {
	struct psc_cli *cli;
	struct psc_policy_host host;
	struct psc_image *image; /* NULL without files */
	uint64_t at;
	json_t *subjects;
	json_t *errors;
	bool denied; /* something is, or would be in enforce */
};

static void trial_clear(struct trial *trial)
{
	psc_image_free(trial->image);
	psc_policy_host_clear(&trial->host);
}

/* ---- rulings ----------------------------------------------------------------------------- */

static int trial_judge(struct trial *trial, const struct psc_subject *subject, json_t *json)
{
	int r = psc_policy_judge(&trial->host, subject, trial->at, json, &trial->denied);

	if (r < 0)
		json_decref(json);
	return r < 0 || json_array_append_new(trial->subjects, json) < 0 ? -ENOMEM : 0;
}

/* A product of the catalog, or one of the site's own; what looks misspelt is refused. */
static int trial_product(struct trial *trial, const char *text)
{
	const struct psc_catalog *catalog = &trial->host.set.catalog;
	struct psc_subject subject = {.text = text};
	const char *slash = strchr(text, '/');

	subject.product = psc_catalog_find(catalog, text, &subject.role);
	subject.site = !subject.product;
	for (size_t i = 0; slash && !subject.product && i < catalog->count; i++) {
		if (strncmp(catalog->products[i].id, text, (size_t)(slash - text) + 1) == 0)
			return psc_cli_fail(trial->cli, PSC_EXIT_INVALID,
					    "VENDOR/PRODUCT or VENDOR/PRODUCT/ROLE, as in the "
					    "vendor's products.yaml",
					    "the catalog has no product or role \"%.80s\"", text);
	}
	if (!subject.product)
		psc_cli_note(trial->cli,
			     "%s is not in the catalog: judged as one of the site's own products",
			     text);
	if (trial_judge(trial, &subject, json_pack("{s:s}", "kind", "product")) < 0)
		return psc_cli_fail(trial->cli, PSC_EXIT_FAILED, NULL, "out of memory");
	return PSC_EXIT_OK;
}

/* ---- files --------------------------------------------------------------------------------- */

static int trial_target(struct trial *trial, const char *path, const struct psc_target *target)
{
	const struct psc_digest_record *record = psc_policy_lookup(trial->image, target->digest);
	struct psc_subject subject;
	struct psc_list_entry entry;
	char hex[2 * PSC_DIGEST_SIZE + 1];
	json_t *json;

	psc_hex_encode(target->digest, PSC_DIGEST_SIZE, hex);
	json = json_pack("{s:s,s:o,s:s,s:I,s:s,s:b}", "kind", "file", "path", psc_json_safe(path),
			 "sha256", hex, "size", (json_int_t)target->size, "format",
			 psc_format_to_string(target->format), "listed", record != NULL);
	if (!json || !record)
		return json_array_append_new(trial->subjects, json) < 0 ? -ENOMEM : 0;
	if (psc_list_find(trial->host.list, target->digest, &entry) == 0)
		json_object_set_new(json, "entry",
				    psc_list_entry_to_json(trial->host.list, &entry));
	/* the kernel looks at the size first, so such a record never matches */
	if (record->size && record->size != target->size) {
		json_object_set_new(json, "size_mismatch", json_integer(record->size));
		return json_array_append_new(trial->subjects, json) < 0 ? -ENOMEM : 0;
	}
	subject = psc_policy_subject(&trial->host, trial->image, record->subject);
	return trial_judge(trial, &subject, json);
}

static void trial_file(struct trial *trial, const char *path)
{
	_cleanup_(psc_target_clear) struct psc_target target = {0};
	struct psc_error error = {0};
	int r = psc_target_read_file(path, &target);

	if (r >= 0)
		r = trial_target(trial, path, &target);
	if (r >= 0)
		return;
	psc_error_set(&error, path, 0, 0, "%s", r == -EINVAL ? "not a regular file" : strerror(-r));
	psc_cli_note(trial->cli, "%s: %s", path, error.message);
	json_array_append_new(trial->errors, psc_policy_error_json(&error));
}

/* ---- output ------------------------------------------------------------------------------ */

static void trial_render_file(FILE *out, const json_t *subject, bool colour)
{
	psc_output_toned(out, colour, PSC_TONE_STRONG, psc_json_text(subject, "path", "?"));
	fprintf(out, "\n  sha256 %s, %" JSON_INTEGER_FORMAT " bytes\n",
		psc_json_text(subject, "sha256", "?"), psc_json_number(subject, "size", 0));
	if (!json_is_true(psc_json_at(subject, "listed"))) {
		fputs("  not listed: goes ahead\n", out);
		return;
	}
	fputs("  listed in ", out);
	psc_output_text(out, psc_json_text(subject, "entry.file", "?"));
	fprintf(out, ":%" JSON_INTEGER_FORMAT, psc_json_number(subject, "entry.line", 0));
	if (psc_json_at(subject, "size_mismatch"))
		fprintf(out,
			"\n  with the size %" JSON_INTEGER_FORMAT
			", so the kernel will not match it: correct the list\n",
			psc_json_number(subject, "size_mismatch", 0));
	else
		fputs(" as ", out);
}

static void trial_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *profiles = psc_json_at(data, "profiles"), *item;
	size_t i;

	fprintf(out, "at %s, mode %s, profiles", psc_json_text(data, "at", "?"),
		psc_json_text(data, "mode", "?"));
	json_array_foreach(profiles, i, item)
		fprintf(out, "%s%s", i ? ", " : ": ", json_string_value(item));
	fputs(json_array_size(profiles) ? "\n" : ": none\n", out);
	json_array_foreach(psc_json_at(data, "subjects"), i, item) {
		fputc('\n', out);
		if (strcmp(psc_json_text(item, "kind", ""), "file") == 0)
			trial_render_file(out, item, colour);
		if (psc_json_at(item, "operations"))
			psc_policy_judge_render(out, item, colour);
	}
}

/* ---- the verb ------------------------------------------------------------------------------ */

static json_t *trial_data(struct trial *trial)
{
	char at[PSC_TIME_TEXT_MAX];
	json_t *profiles = json_array();

	for (size_t i = 0; i < trial->host.set.profile_count; i++)
		json_array_append_new(profiles, psc_json_safe(trial->host.set.profiles[i]->id));
	trial->subjects = json_array();
	trial->errors = json_array();
	return json_pack("{s:s,s:s,s:o,s:o,s:o}", "at", psc_time_format_seconds(trial->at, at),
			 "mode", psc_mode_to_string(trial->host.config->mode), "profiles", profiles,
			 "subjects", trial->subjects, "errors", trial->errors);
}

static int trial_load(struct trial *trial, bool files)
{
	struct psc_error error = {0};
	int r = psc_policy_host_load(trial->cli, trial->at, &trial->host, &error);

	if (r >= 0 && files)
		r = psc_policy_compile(trial->cli, &trial->host, &trial->image, &error);
	return r < 0 ? psc_policy_fail(trial->cli, r, &error) : PSC_EXIT_OK;
}

static int trial_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(trial_clear) struct trial trial = {.cli = cli};
	uint64_t now = psc_time_now();
	const char *product;
	json_t *data;
	size_t at = 0;
	int r;

	if (!argc && !psc_cli_option(cli, "product"))
		return psc_cli_usage(cli, "needs a FILE or --product");
	r = psc_policy_time_option(cli, "at", now, now, &trial.at);
	if (r == PSC_EXIT_OK)
		r = trial_load(&trial, argc > 0);
	if (r != PSC_EXIT_OK)
		return r;
	data = trial_data(&trial);
	while (data && r == PSC_EXIT_OK && (product = psc_cli_option_next(cli, "product", &at)))
		r = trial_product(&trial, product);
	if (r != PSC_EXIT_OK) {
		json_decref(data);
		return r;
	}
	for (int i = 0; data && i < argc; i++)
		trial_file(&trial, argv[i]);
	if (trial.denied)
		r = PSC_EXIT_LISTED;
	else if (json_array_size(trial.errors))
		r = PSC_EXIT_FAILED;
	return psc_cli_report(cli, r, data, trial_render);
}

static const struct psc_option trial_options[] = {
	{"at", "TIME", "when: " PSC_POLICY_TIMES " (default: now)"},
	{"product", "PRODUCT...", "VENDOR/PRODUCT or VENDOR/PRODUCT/ROLE; may be given again"},
	PSC_POLICY_OPTIONS_HOST,
	PSC_POLICY_OPTIONS_LISTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_policy_test = {
	.name = "policy test",
	.run = trial_run,
	.most_arguments = -1,
	.arguments = "[FILE...]",
	.summary = "Says what would become of files and products at a time, and why",
	.options = trial_options,
	.help = "Each file is digested and looked up in the lists, each product in the catalog; then\n"
		"every operation is judged by the profiles, exemptions and windows of that time, in\n"
		"the configured mode. Each reason names profile, rule, clause and basis: order (the\n"
		"act itself is prohibited), contract, or site (your organisation's policy).\n\n"
		"Needs neither the daemon nor root. Exit status 5: something is refused, or would\n"
		"be in enforce mode.\n\n"
		"Examples:\n"
		"  proscribe policy test /opt/tool/bin/tool\n"
		"  proscribe policy test --at 2024-09-29T04:00:00Z --product kaspersky/kesl/updater\n"
		"  proscribe policy test --at +30d --product kaspersky/kesl --json\n",
};
