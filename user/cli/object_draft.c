/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object_draft.c - an object from the command line into the directory, see object_verbs.h.
 */
#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>

#include "user/cli/object_apply.h"
#include "user/cli/output.h"
#include "user/core/json.h"
#include "user/core/paths.h"
#include "user/core/text.h"
#include "user/core/timefmt.h"

/* Objects that one second can bring without --id. */
#define IDS_MAX 100

static const char *const prefixes[] = {
	[PSC_OBJECT_ATTESTATION] = "AT", [PSC_OBJECT_EXEMPTION] = "EX",
	[PSC_OBJECT_DECISION] = "DE",	 [PSC_OBJECT_WINDOW] = "WI",
	[PSC_OBJECT_OVERRIDE] = "OV",
};

_Static_assert(ARRAY_SIZE(prefixes) == PSC_OBJECT_KIND_MAX, "a prefix for every kind");

/* ---- from options ------------------------------------------------------------------ */

/* Who types this: the login behind sudo, else the account. An object names somebody. */
static void fill_signer(struct psc_cli *cli, struct psc_object_draft *draft)
{
	const char *given = psc_cli_option(cli, "by");
	const char *sudo = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *account;

	if (given) {
		draft->by_from = "option";
		draft->object.by = (char *)given;
		return;
	}
	draft->object.by = draft->by;
	if (sudo && *sudo) {
		draft->by_from = "sudo";
		snprintf(draft->by, sizeof(draft->by), "%s", sudo);
		return;
	}
	draft->by_from = "account";
	account = getpwuid(getuid());
	if (account)
		snprintf(draft->by, sizeof(draft->by), "%s", account->pw_name);
	else
		snprintf(draft->by, sizeof(draft->by), "uid %u", getuid());
}

static int fill_until(struct psc_cli *cli, uint64_t now, struct psc_object_draft *draft)
{
	const char *until = psc_cli_option(cli, "until");
	char text[PSC_TIME_TEXT_MAX];
	int r;

	if (!until)
		return PSC_EXIT_OK;
	r = psc_time_parse_until(until, draft->object.from, &draft->object.until);
	if (r < 0)
		return psc_cli_usage(cli,
				     r == -ERANGE ? "'%s' is too far away"
						  : "'%s' is no time: expected one such as "
						    "2027-01-31T00:00:00Z, or a span such as +30d",
				     until);
	if (draft->object.until <= now)
		return psc_cli_fail(cli, PSC_EXIT_INVALID, NULL,
				    "--until %s is not in the future: this %s would be over",
				    psc_time_format_seconds(draft->object.until, text),
				    psc_object_kind_to_string(draft->object.kind));
	return PSC_EXIT_OK;
}

static int fill_profiles(struct psc_cli *cli, struct psc_object_draft *draft)
{
	const char *profile;
	size_t at = 0, count = 0;

	while ((profile = psc_cli_option_next(cli, "profile", &at))) {
		if (count == PSC_OBJECT_NAMES_MAX)
			return psc_cli_usage(cli, "more than %u profiles", PSC_OBJECT_NAMES_MAX);
		draft->profiles[count++] = (char *)profile;
	}
	draft->object.profiles = count ? draft->profiles : NULL;
	return PSC_EXIT_OK;
}

/* What the file could not hold is said of the option, not of a file that is not there. */
static int check_texts(struct psc_cli *cli)
{
	static const char *const options[] = {"id", "by", "reason", "document"};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *text = psc_cli_option(cli, options[i]);
		const char *why = "longer than 1024 bytes";

		if (!text)
			continue;
		if (!text[strspn(text, " ")])
			return psc_cli_usage(cli, "--%s is empty", options[i]);
		if (psc_text_span(text, strlen(text), &why) < strlen(text) ||
		    strlen(text) > PSC_OBJECT_TEXT_MAX)
			return psc_cli_fail(cli, PSC_EXIT_INVALID, NULL, "--%s: %s", options[i],
					    why);
	}
	return PSC_EXIT_OK;
}

int psc_object_draft_begin(struct psc_cli *cli, enum psc_object_kind kind, const char *const *needs,
			   struct psc_object_draft *ret)
{
	struct psc_object *object = &ret->object;
	const char *id = psc_cli_option(cli, "id");
	uint64_t now = psc_time_now();
	int r;

	*ret = (struct psc_object_draft){.own_id = id != NULL};
	for (; *needs; needs++) {
		if (!psc_cli_option(cli, *needs))
			return psc_cli_usage(cli, "needs --%s", *needs);
	}
	object->kind = kind;
	/* whole seconds, as it is shown */
	object->from = now - now % PSC_NSEC_PER_SEC;
	object->until = PSC_TIME_NEVER;
	object->id = id ? (char *)id : ret->id;
	object->reason = (char *)psc_cli_option(cli, "reason");
	object->document = (char *)psc_cli_option(cli, "document");
	fill_signer(cli, ret);
	r = check_texts(cli);
	if (r == PSC_EXIT_OK && id && !psc_object_is_id(id))
		r = psc_cli_fail(cli, PSC_EXIT_INVALID,
				 "up to 64 letters, digits, '.', '_', '-', a letter or digit first",
				 "'%s' is no id", id);
	if (r == PSC_EXIT_OK)
		r = fill_until(cli, now, ret);
	return r == PSC_EXIT_OK ? fill_profiles(cli, ret) : r;
}

int psc_object_draft_product(struct psc_cli *cli, struct psc_object_draft *draft, char *product)
{
	size_t count = 0;

	while (draft->products[count])
		count++;
	if (count == PSC_OBJECT_NAMES_MAX)
		return psc_cli_usage(cli, "more than %u products", PSC_OBJECT_NAMES_MAX);
	draft->products[count] = product;
	draft->object.products = draft->products;
	return PSC_EXIT_OK;
}

/* ---- publishing ---------------------------------------------------------------------- */

static int ensure_directory(struct psc_cli *cli)
{
	const char *directory = psc_object_directory(cli);

	if (strcmp(directory, PSC_PATH_OBJECTS) != 0 || access(directory, F_OK) == 0)
		return PSC_EXIT_OK;
	if ((mkdir(PSC_DIR_CONFIG, 0755) < 0 && errno != EEXIST) ||
	    (mkdir(directory, 0750) < 0 && errno != EEXIST))
		return psc_cli_fail(cli, PSC_EXIT_FAILED, errno == EACCES ? "run it as root" : NULL,
				    "cannot create %s: %s", directory, strerror(errno));
	return PSC_EXIT_OK;
}

/* Without --id the second tells them apart, or else a number. */
static int save_draft(struct psc_cli *cli, struct psc_object_draft *draft, struct psc_error *error)
{
	const char *directory = psc_object_directory(cli);
	char begin[PSC_TIME_TEXT_MAX];
	int r = -EEXIST;

	if (draft->own_id)
		return psc_object_save(&draft->object, directory, error);
	psc_time_format_compact(draft->object.from, begin);
	for (unsigned int i = 1; i <= IDS_MAX && r == -EEXIST; i++) {
		if (i == 1)
			snprintf(draft->id, sizeof(draft->id), "%s-%s",
				 prefixes[draft->object.kind], begin);
		else
			snprintf(draft->id, sizeof(draft->id), "%s-%s-%u",
				 prefixes[draft->object.kind], begin, i);
		r = psc_object_save(&draft->object, directory, error);
	}
	return r;
}

struct created {
	struct psc_cli *cli;
	const char *directory;
	const char *id;
};

static int take_away(void *data)
{
	const struct created *c = data;
	struct psc_error error = {};
	int r;

	r = psc_object_withdraw(c->directory, c->id, &error);
	if (r >= 0)
		r = psc_object_discard(c->directory, c->id, &error);
	if (r < 0)
		psc_cli_note(c->cli, "%s: %s", error.file, error.message);
	return r;
}

static void draft_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *object = json_object_get(data, "object");
	const char *kind = psc_json_text(object, "kind", "?");
	const char *until = psc_json_text(object, "until", NULL);
	bool active = strcmp(psc_json_text(data, "effect", ""), "active") == 0;

	fprintf(out, "%s %s %s: ", kind, psc_json_text(object, "id", "?"),
		active ? "in force" : "written");
	psc_object_put_what(out, object);
	fprintf(out, "\n  until   %s\n  by      ", until ? until : "removed");
	psc_output_text(out, psc_json_text(object, "by", "?"));
	if (strcmp(psc_json_text(data, "by_from", ""), "sudo") == 0)
		fputs(" (the login behind sudo; --by names somebody else)", out);
	else if (strcmp(psc_json_text(data, "by_from", ""), "account") == 0)
		fputs(" (the account; --by names somebody else)", out);
	fputs("\n  file    ", out);
	psc_output_text(out, psc_json_text(object, "file", "?"));
	fputc('\n', out);
	if (psc_json_text(data, "remark", NULL))
		fprintf(out, "%s\n", psc_json_text(data, "remark", ""));
}

/* What people take such an object for, and what it is not. */
static const char *remark_of(enum psc_object_kind kind)
{
	switch (kind) {
	case PSC_OBJECT_EXEMPTION:
		return "This host lets it go until then. What the order says is unchanged.";
	case PSC_OBJECT_DECISION:
		return "Continued use is at the organisation's own risk until then. What the order "
		       "says is unchanged.";
	case PSC_OBJECT_WINDOW:
		return "Uninstallers and maintainer scripts run until then, and are recorded.";
	default:
		return NULL;
	}
}

static json_t *draft_json(const struct psc_object_draft *draft, const struct psc_object *saved,
			  enum psc_effect effect)
{
	return json_pack("{s:o,s:s,s:s,s:s*}", "object", psc_object_to_json(saved, psc_time_now()),
			 "by_from", draft->by_from, "effect", psc_effect_to_string(effect),
			 "remark", remark_of(draft->object.kind));
}

int psc_object_draft_publish(struct psc_cli *cli, struct psc_object_draft *draft)
{
	_cleanup_(psc_object_freep) struct psc_object *saved = NULL;
	struct created c = {cli, psc_object_directory(cli), draft->object.id};
	enum psc_effect effect = PSC_EFFECT_NONE;
	_cleanup_free_ char *path = NULL;
	struct psc_error error = {};
	int r, code;

	code = ensure_directory(cli);
	if (code != PSC_EXIT_OK)
		return code;
	r = save_draft(cli, draft, &error);
	/* of a text that nobody has */
	if (r == -EINVAL) {
		error.file[0] = '\0';
		error.line = 0;
		error.column = 0;
	}
	if (r < 0)
		return psc_object_fail(cli, r, &error);
	if (asprintf(&path, "%s/%s" PSC_OBJECT_SUFFIX, c.directory, c.id) < 0) {
		path = NULL;
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	}
	r = psc_object_load(path, &saved, &error);
	if (r < 0)
		return psc_object_fail(cli, r, &error);
	code = psc_object_apply(cli, path, take_away, &c, &effect);
	if (code != PSC_EXIT_OK)
		return code;
	return psc_cli_report(cli, PSC_EXIT_OK, draft_json(draft, saved, effect), draft_render);
}
