/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_policy_check.c - `proscribe policy check [FILE|PROFILE...]`: whether the policy is
 * understood, what in it nobody can have meant, whether it fits the kernel's tables, and the
 * digest by which the compiled policy is known. Works without daemon and root.
 */
#include <errno.h>
#include <limits.h>

#include "user/cli/policy_verbs.h"
#include "user/core/hex.h"
#include "user/core/image_file.h"
#include "user/identify/interlock.h"

#define OBJECTIONS_MAX 64

/* The result while it comes about. */
struct check {
	struct psc_cli *cli;
	json_t *profiles; /* {"profile", "file", "sha256", "rules", "remarks"} */
	json_t *errors;	  /* {"file", "line", "column", "message"} */
	json_t *remarks;  /* the same */
	const char *path; /* of the profile that is looked at */
	size_t count;	  /* of its remarks */
	int code;	  /* enum psc_exit by the errors */
};

/* Takes down an error; input that is not understood outweighs input that cannot be read. */
static void check_failed(struct check *check, int error, struct psc_error *detail)
{
	const char *remedy = psc_policy_remedy(error);
	int code = psc_policy_exit(error);
	json_t *json;

	if (!detail->message[0])
		psc_error_set(detail, NULL, 0, 0, "%s", strerror(-error));
	json = psc_policy_error_json(detail);
	if (json && remedy)
		json_object_set_new(json, "remedy", json_string(remedy));
	json_array_append_new(check->errors, json);
	if (code > check->code)
		check->code = code;
}

static void _printf_(4, 5) check_remark(struct check *check, const char *path, unsigned int line,
					const char *format, ...)
{
	struct psc_error remark = {0};
	char message[PSC_ERROR_MESSAGE_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	psc_error_set(&remark, path, line, 0, "%s", message);
	json_array_append_new(check->remarks, psc_policy_error_json(&remark));
	check->count++;
}

static void check_lint_remark(const struct psc_remark *remark, void *data)
{
	struct check *check = data;

	check_remark(check, check->path, remark->line, "%s", remark->message);
}

static void check_profile(struct check *check, const struct psc_profile *profile)
{
	char hex[2 * PSC_DIGEST_SIZE + 1];

	check->path = profile->path;
	check->count = 0;
	psc_profile_lint(profile, psc_time_now(), check_lint_remark, check);
	psc_hex_encode(profile->digest, PSC_DIGEST_SIZE, hex);
	json_array_append_new(
		check->profiles,
		json_pack("{s:o,s:o,s:s,s:I,s:I,s:I,s:I}", "profile", psc_json_safe(profile->id),
			  "file", psc_json_safe(profile->path), "sha256", hex, "phases",
			  (json_int_t)profile->phase_count, "clauses",
			  (json_int_t)profile->clause_count, "rules",
			  (json_int_t)profile->rule_count, "remarks", (json_int_t)check->count));
}

static void check_profile_named(struct check *check, const struct psc_policy_places *places,
				const char *name)
{
	_cleanup_(psc_profile_freep) struct psc_profile *profile = NULL;
	struct psc_error error = {0};
	int r = psc_policy_find(places, name, &profile, &error);

	if (r < 0)
		check_failed(check, r, &error);
	else
		check_profile(check, profile);
}

/* ---- what this host activates --------------------------------------------------------- */

static bool check_is_active(const struct psc_policy_host *host, const char *profile)
{
	for (size_t i = 0; i < host->set.profile_count; i++) {
		if (strcmp(host->set.profiles[i]->id, profile) == 0)
			return true;
	}
	return strcmp(profile, "site") == 0;
}

/* A name that looks like one of the catalog but is none is most likely misspelt. */
static bool check_is_misspelt(const struct psc_catalog *catalog, const char *text)
{
	const char *slash = strchr(text, '/');
	enum psc_role role;

	if (!slash || psc_catalog_find(catalog, text, &role))
		return false;
	for (size_t i = 0; i < catalog->count; i++) {
		if (strncmp(catalog->products[i].id, text, (size_t)(slash - text) + 1) == 0)
			return true;
	}
	return false;
}

static void check_objects(struct check *check, const struct psc_policy_host *host)
{
	const struct psc_objects *over = &host->set.expired;
	char until[PSC_TIME_TEXT_MAX];

	for (size_t i = 0; i < over->count; i++)
		check_remark(check, over->item[i]->path, over->item[i]->until_line,
			     "%s %s is over since %s and has no effect: renew it or remove it",
			     psc_object_kind_to_string(over->item[i]->kind), over->item[i]->id,
			     psc_policy_time_text(over->item[i]->until, until));
	for (size_t i = 0; i < host->set.objects.count; i++) {
		const struct psc_object *object = host->set.objects.item[i];

		for (char **name = object->profiles; name && *name; name++) {
			if (!check_is_active(host, *name))
				check_remark(check, object->path, 0,
					     "names profile %.80s, which is not active", *name);
		}
		for (char **name = object->products; name && *name; name++) {
			if (check_is_misspelt(&host->set.catalog, *name))
				check_remark(check, object->path, 0,
					     "names product %.80s, which the catalog does not have",
					     *name);
		}
	}
}

static void check_subjects(struct check *check, const struct psc_policy_host *host,
			   const struct psc_image *image)
{
	for (uint32_t i = PSC_SUBJECT_FIRST; i < image->table.subject_count; i++) {
		const char *text = image->subjects[i].product;

		if (check_is_misspelt(&host->set.catalog, text))
			check_remark(check, NULL, 0,
				     "the lists name product %.80s, which the catalog does not "
				     "have: only the site's actions reach it",
				     text);
	}
}

static json_t *check_limits(const struct psc_policy_host *host, const struct psc_image *image)
{
	const struct psc_table *table = &image->table;

	return json_pack("{s:[I,I],s:[I,I],s:[I,I],s:[I,I],s:[I,I],s:[I,I]}", "profiles",
			 (json_int_t)host->set.profile_count, (json_int_t)PSC_PROFILES_MAX,
			 "objects", (json_int_t)host->set.objects.count,
			 (json_int_t)PSC_OBJECTS_MAX, "intervals",
			 (json_int_t)table->interval_count, (json_int_t)PSC_INTERVALS_MAX,
			 "classes", (json_int_t)(table->class_count - PSC_CLASS_FIRST),
			 (json_int_t)(PSC_CLASSES_MAX - PSC_CLASS_FIRST), "subjects",
			 (json_int_t)(table->subject_count - PSC_SUBJECT_FIRST),
			 (json_int_t)(PSC_SUBJECTS_MAX - PSC_SUBJECT_FIRST), "digests",
			 (json_int_t)table->digest_count, (json_int_t)(PSC_DIGESTS_MAX - 1));
}

static int check_compiled(struct check *check, const struct psc_policy_host *host,
			  const struct psc_image *image, json_t *data)
{
	const char *output = psc_cli_option(check->cli, "output");
	uint8_t digest[PSC_DIGEST_SIZE];
	char hex[2 * PSC_DIGEST_SIZE + 1];
	int r = psc_image_digest(image, digest);

	if (r < 0)
		return r;
	psc_hex_encode(digest, PSC_DIGEST_SIZE, hex);
	json_object_set_new(data, "digest", json_string(hex));
	json_object_set_new(data, "limits", check_limits(host, image));
	if (!output)
		return 0;
	r = psc_image_save(image, digest, output);
	if (r >= 0)
		json_object_set_new(data, "output", psc_json_safe(output));
	return r;
}

/*
 * What the daemon's interlock would say on the host --root. It adds what only the daemon knows,
 * the canary and whether the kernel measures; @image is armed for the comparison.
 */
static int check_interlock(struct check *check, const struct psc_policy_host *host,
			   struct psc_image *image, json_t *data, struct psc_error *reterr)
{
	static const uint8_t no_canary[PSC_DIGEST_SIZE];
	_cleanup_(psc_interlock_report_clear) struct psc_interlock_report report = {0};
	_cleanup_(psc_essential_freep) struct psc_essential *essential = NULL;
	struct psc_interlock_input input = {
		.image = image,
		.root = psc_cli_option(check->cli, "root"),
		.objects = &host->set.objects,
		.now = psc_time_now(),
		.begun = psc_time_now(),
	};
	int r;

	if (!input.root)
		return 0;
	r = psc_image_arm(image, no_canary, 1, reterr);
	if (r >= 0)
		r = psc_essential_find(input.root, &essential, reterr);
	input.essential = essential;
	if (r >= 0)
		r = psc_interlock_judge(&input, &report, reterr);
	if (r < 0)
		return r;
	json_object_set_new(data, "essential", json_integer((json_int_t)essential->count));
	json_object_set_new(data, "objections", psc_interlock_json(&report, OBJECTIONS_MAX));
	if (!report.count)
		return 0;
	psc_interlock_describe(&report, reterr);
	return -EPERM;
}

static void check_host(struct check *check, json_t *data)
{
	_cleanup_(psc_policy_host_clear) struct psc_policy_host host = {0};
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	struct psc_error error = {0};
	int r;

	r = psc_policy_config(check->cli, &host.config, &error);
	if (r < 0) {
		check_failed(check, r, &error);
		return;
	}
	host.places = psc_policy_places_given(check->cli);
	for (char **id = host.config->profiles; *id; id++)
		check_profile_named(check, &host.places, *id);
	/* a profile that is broken has been named; it would only be named again */
	if (check->code != PSC_EXIT_OK)
		return;
	host.now = psc_time_now();
	r = psc_policy_set_load(host.config, &host.places, host.now, &host.set, &error);
	if (r >= 0) {
		host.view = psc_policy_set_view(&host.set, host.config);
		check_objects(check, &host);
		r = psc_policy_compile(check->cli, &host, &image, &error);
	}
	if (r < 0) {
		check_failed(check, r, &error);
		return;
	}
	check_subjects(check, &host, image);
	r = check_compiled(check, &host, image, data);
	if (r < 0) {
		psc_error_set(&error, psc_cli_option(check->cli, "output"), 0, 0, "%s",
			      strerror(-r));
		check_failed(check, -EIO, &error);
		return;
	}
	r = check_interlock(check, &host, image, data, &error);
	if (r < 0)
		check_failed(check, r, &error);
}

/* ---- output ------------------------------------------------------------------------------ */

static void check_render_places(FILE *out, bool colour, enum psc_tone tone, const char *what,
				const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *file = psc_json_text(item, "file", NULL);
		json_int_t line = psc_json_number(item, "line", 0);
		json_int_t column = psc_json_number(item, "column", 0);

		psc_output_text(out, file);
		if (line)
			fprintf(out, ":%" JSON_INTEGER_FORMAT, line);
		if (column)
			fprintf(out, ":%" JSON_INTEGER_FORMAT, column);
		if (file)
			fputs(": ", out);
		psc_output_toned(out, colour, tone, what);
		fputs(": ", out);
		psc_output_text(out, psc_json_text(item, "message", "?"));
		if (psc_json_text(item, "remedy", NULL))
			fprintf(out, "\n  remedy: %s", psc_json_text(item, "remedy", ""));
		fputc('\n', out);
	}
}

static void check_render_profiles(FILE *out, const json_t *profiles)
{
	const json_t *profile;
	size_t i;

	json_array_foreach(profiles, i, profile) {
		fputs("profile   ", out);
		psc_output_text(out, psc_json_text(profile, "profile", "?"));
		fputs(": ", out);
		psc_output_count(out, psc_json_number(profile, "phases", 0), "phase, ", "phases, ");
		psc_output_count(out, psc_json_number(profile, "clauses", 0), "clause, ",
				 "clauses, ");
		psc_output_count(out, psc_json_number(profile, "rules", 0), "rule, ", "rules, ");
		psc_output_count(out, psc_json_number(profile, "remarks", 0), "remark", "remarks");
		fprintf(out, "\n          sha256 %s\n", psc_json_text(profile, "sha256", "?"));
	}
}

static void check_render(FILE *out, const json_t *data, bool colour)
{
	static const enum psc_tone tones[] = {PSC_TONE_GOOD, PSC_TONE_DOUBT, PSC_TONE_BAD};
	const char *result = psc_json_text(data, "result", "?"), *name;
	const json_t *limits = json_object_get(data, "limits"), *pair;
	size_t severity = json_array_size(psc_json_at(data, "errors")) ? 2 : 0;

	if (!severity)
		severity = json_array_size(psc_json_at(data, "remarks")) ? 1 : 0;
	check_render_places(out, colour, PSC_TONE_BAD, "error", psc_json_at(data, "errors"));
	psc_output_objections(out, psc_json_at(data, "objections"));
	check_render_places(out, colour, PSC_TONE_DOUBT, "remark", psc_json_at(data, "remarks"));
	check_render_profiles(out, psc_json_at(data, "profiles"));
	json_object_foreach((json_t *)limits, name, pair)
		fprintf(out, "%-9s %" JSON_INTEGER_FORMAT " of at most %" JSON_INTEGER_FORMAT "\n",
			name, json_integer_value(json_array_get(pair, 0)),
			json_integer_value(json_array_get(pair, 1)));
	if (json_object_get(data, "digest"))
		fprintf(out, "policy    sha256 %s\n", psc_json_text(data, "digest", "?"));
	if (json_object_get(data, "output")) {
		fputs("written   ", out);
		psc_output_text(out, psc_json_text(data, "output", "?"));
		fputc('\n', out);
	}
	if (json_object_get(data, "essential"))
		fprintf(out, "interlock %" JSON_INTEGER_FORMAT " files that the host needs\n",
			psc_json_number(data, "essential", 0));
	fputs("result    ", out);
	psc_output_toned(out, colour, tones[severity], result);
	fputc('\n', out);
}

static int check_run(struct psc_cli *cli, int argc, char **argv)
{
	struct check check = {
		.cli = cli,
		.profiles = json_array(),
		.errors = json_array(),
		.remarks = json_array(),
	};
	json_t *data = json_pack("{s:o,s:o,s:o}", "profiles", check.profiles, "errors",
				 check.errors, "remarks", check.remarks);
	struct psc_policy_places places = psc_policy_places_given(cli);
	const char *result = "ok";

	if (argc && (psc_cli_option(cli, "output") || psc_cli_option(cli, "root"))) {
		json_decref(data);
		return psc_cli_usage(cli, "--output and --root are about what the configuration "
					  "activates: name no profile");
	}
	for (int i = 0; i < argc; i++)
		check_profile_named(&check, &places, argv[i]);
	if (!argc)
		check_host(&check, data);
	if (check.code != PSC_EXIT_OK)
		result = check.code == PSC_EXIT_INVALID ? "invalid" : "failed";
	else if (json_array_size(check.remarks))
		result = "remarks";
	if (check.code == PSC_EXIT_OK && json_array_size(check.remarks) &&
	    psc_cli_option(cli, "strict"))
		check.code = PSC_EXIT_INVALID;
	json_object_set_new(data, "result", json_string(result));
	return psc_cli_report(cli, check.code, data, check_render);
}

static const struct psc_option check_options[] = {
	{"strict", NULL, "remarks are as bad as errors: exit status 4"},
	{"output", "FILE", "write the compiled policy (also -o FILE)"},
	{"root", "DIR", "ask the interlock, too, for the host below DIR (/ for this one)"},
	PSC_POLICY_OPTIONS_HOST,
	PSC_POLICY_OPTIONS_LISTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_policy_check = {
	.name = "policy check",
	.run = check_run,
	.most_arguments = -1,
	.arguments = "[FILE|PROFILE...]",
	.summary = "Reads the policy and says what is wrong with it",
	.options = check_options,
	.help = "Without arguments: configuration, active profiles, catalog, exemptions and the like,\n"
		"lists; all of it compiled as the daemon would, against the kernel's limits. With\n"
		"arguments: these profiles alone. Errors name file, line and column. Remarks are\n"
		"about what is valid but can hardly be meant: rules that never decide or contradict\n"
		"each other, clauses without a rule, unverified statements, what is over.\n\n"
		"With --root the interlock is asked as at a reload: what the host in that directory\n"
		"needs and the policy would refuse is an error.\n\n"
		"Needs neither the daemon nor root. Exit status: 0, also with remarks; 4 when\n"
		"something is not understood.\n\n"
		"Examples:\n"
		"  proscribe policy check\n"
		"  proscribe policy check --strict ./our-profile.yaml\n"
		"  proscribe policy check -o /tmp/policy.bin\n"
		"  proscribe policy check --root /\n",
};
