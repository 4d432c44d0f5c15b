/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_mode.c - `proscribe mode [observe|enforce]`: shows the mode, or writes it into the
 * configuration and has the daemon reload. Before it enforces it says what that would have
 * refused lately (replay.h) and what the interlock says, and asks.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "user/cli/client.h"
#include "user/cli/effect.h"
#include "user/cli/replay.h"
#include "user/core/config_edit.h"
#include "user/core/durable.h"
#include "user/core/load.h"
#include "user/core/names.h"
#include "user/identify/interlock.h"

#define OBJECTIONS_MAX 16

struct change {
	struct psc_cli *cli;
	enum psc_mode mode;
	const char *path;    /* of the configuration */
	char real[PATH_MAX]; /* the same behind links */
	bool exists;
	struct stat st;
	char *before; /* its text; NULL: there is none */
	size_t before_size;
	json_t *status; /* of the daemon; NULL: none answers */
};

static void change_clear(struct change *change)
{
	free(change->before);
	json_decref(change->status);
}

/* NULL in *@ret: no daemon answers. PSC_EXIT_OK, or what was said. */
static int ask_status(struct psc_cli *cli, json_t **ret)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};

	psc_client_ask("status", &answer);
	if (answer.kind == PSC_ANSWER_OK)
		*ret = json_incref(answer.data);
	else if (answer.kind != PSC_ANSWER_UNREACHABLE)
		return psc_answer_fail(cli, &answer);
	return PSC_EXIT_OK;
}

static const char *config_path(const struct psc_cli *cli, const json_t *status)
{
	const char *given = psc_cli_option(cli, "config");

	return given ?: psc_json_text(status, "configuration", PSC_PATH_CONFIG);
}

/* ---- showing -------------------------------------------------------------------------------- */

static void show_render(FILE *out, const json_t *data, bool colour)
{
	const char *mode = psc_json_text(data, "mode", "?");
	const char *from = psc_json_text(data, "from", "?");

	psc_output_toned(out, colour, strcmp(mode, "enforce") == 0 ? PSC_TONE_GOOD : PSC_TONE_DOUBT,
			 mode);
	if (strcmp(from, "command_line") == 0)
		fputs(", by the command line of proscribed (--mode)", out);
	else if (strcmp(from, "last") == 0)
		fputs(", by what was in force last: the present policy is refused", out);
	else if (strcmp(from, "configuration") == 0 && psc_json_text(data, "file", NULL)) {
		fputs(", by ", out);
		psc_output_text(out, psc_json_text(data, "file", ""));
	}
	if (psc_json_at(data, "generation"))
		fprintf(out, ", generation %" JSON_INTEGER_FORMAT,
			psc_json_number(data, "generation", 0));
	fputs(json_is_true(psc_json_at(data, "daemon")) ? "\n" : "; no daemon answers\n", out);
}

static int show(struct psc_cli *cli)
{
	_cleanup_(psc_config_freep) struct psc_config *config = NULL;
	_cleanup_json_ json_t *status = NULL;
	struct psc_error error = {0};
	const char *mode;
	json_t *data;
	int r = ask_status(cli, &status);

	if (r != PSC_EXIT_OK)
		return r;
	if (!status) {
		r = psc_policy_config(cli, &config, &error);
		if (r < 0)
			return psc_policy_fail(cli, r, &error);
	}
	mode = status ? psc_json_text(status, "mode", "?") : psc_mode_to_string(config->mode);
	data = json_pack("{s:s,s:s,s:b,s:o}", "mode", mode, "from",
			 psc_json_text(status, "mode_from", "configuration"), "daemon", !!status,
			 "file", psc_json_safe(config_path(cli, status)));
	if (data && psc_json_at(status, "generation"))
		json_object_set(data, "generation", psc_json_at(status, "generation"));
	return psc_cli_report(cli, PSC_EXIT_OK, data, show_render);
}

/* ---- what enforce mode would do ---------------------------------------------------------------- */

/* Compiled as it would be in force; 0, or a negative errno with what objects in @reterr. */
static int ask_interlock(struct psc_cli *cli, json_t **ret_objections, struct psc_error *reterr)
{
	static const uint8_t no_canary[PSC_DIGEST_SIZE];
	_cleanup_(psc_interlock_report_clear) struct psc_interlock_report report = {0};
	_cleanup_(psc_essential_freep) struct psc_essential *essential = NULL;
	_cleanup_(psc_policy_host_clear) struct psc_policy_host host = {0};
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	struct psc_interlock_input input = {.root = "/", .now = psc_time_now()};
	int r = psc_policy_host_load(cli, input.now, &host, reterr);

	if (r >= 0) {
		host.config->mode = PSC_MODE_ENFORCE;
		r = psc_policy_compile(cli, &host, &image, reterr);
	}
	if (r >= 0)
		r = psc_image_arm(image, no_canary, 1, reterr);
	if (r >= 0 && !psc_interlock_concerns(image))
		return 0;
	if (r >= 0)
		r = psc_essential_find(input.root, &essential, reterr);
	if (r < 0)
		return r;
	input.image = image;
	input.essential = essential;
	input.objects = &host.set.objects;
	input.begun = input.now;
	r = psc_interlock_judge(&input, &report, reterr);
	if (r < 0 || !report.count)
		return r;
	*ret_objections = psc_interlock_json(&report, OBJECTIONS_MAX);
	psc_interlock_describe(&report, reterr);
	return -EPERM;
}

static bool confirmed(struct psc_cli *cli)
{
	char line[16];

	fputs("From now on this is refused. Go on? [y/N] ", cli->err);
	fflush(cli->err);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	return tolower((unsigned char)line[0]) == 'y';
}

/* PSC_EXIT_OK: go on; *@ret has the replay. */
static int consider(struct psc_cli *cli, json_t **ret)
{
	_cleanup_json_ json_t *objections = NULL;
	struct psc_error error = {0};
	int r;

	if (!psc_cli_option(cli, "yes") && (cli->json || !isatty(STDIN_FILENO)))
		return psc_cli_usage(cli, "needs --yes when nobody can be asked");
	r = psc_replay_run(cli, ret);
	if (r != PSC_EXIT_OK)
		return r;
	if (!cli->json)
		psc_replay_render(cli->out, *ret, cli->colour);
	r = ask_interlock(cli, &objections, &error);
	if (r < 0 && !error.message[0])
		psc_error_set(&error, NULL, 0, 0, "the interlock: %s", strerror(-r));
	if (r < 0)
		return psc_cli_fail_objections(cli, PSC_EXIT_INVALID, &error,
					       "mend it; nothing was changed", objections);
	if (!cli->json)
		fputs("\nthe interlock has no objection: what the host needs is not refused\n",
		      cli->out);
	fflush(cli->out);
	if (!psc_cli_option(cli, "yes") && !confirmed(cli))
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "nothing was changed");
	return PSC_EXIT_OK;
}

/* ---- changing ---------------------------------------------------------------------------------- */

static int write_text(const struct change *change, const char *text, size_t size)
{
	_cleanup_(psc_durable_end) struct psc_durable file = PSC_DURABLE_NONE;
	int r = psc_durable_begin(AT_FDCWD, change->real, &file);

	if (r >= 0)
		r = psc_durable_write(&file, text, size);
	if (r >= 0 && fchmod(file.fd, change->exists ? change->st.st_mode & 07777 : 0644) < 0)
		r = -errno;
	if (r >= 0 && change->exists && fchown(file.fd, change->st.st_uid, change->st.st_gid) < 0)
		r = -errno;
	if (r >= 0)
		r = psc_durable_replace(&file);
	return r < 0 ? r : psc_durable_settle(&file);
}

static int take_back(void *data)
{
	const struct change *change = data;
	int r;

	if (change->before)
		r = write_text(change, change->before, change->before_size);
	else
		r = unlink(change->real) < 0 ? -errno : 0;
	if (r < 0)
		psc_cli_note(change->cli, "%s cannot be taken back: %s", change->path,
			     strerror(-r));
	return r;
}

/* The daemon has to be one that takes its mode from this very file. */
static int check_daemon(const struct change *change)
{
	const char *used = psc_json_text(change->status, "configuration", NULL);
	char real[PATH_MAX];

	if (strcmp(psc_json_text(change->status, "mode_from", ""), "command_line") == 0)
		return psc_cli_fail(change->cli, PSC_EXIT_FAILED,
				    "start proscribed without --mode, then ask again",
				    "proscribed was started with --mode %s, which wins over %s",
				    psc_json_text(change->status, "mode", "?"), change->path);
	if (used && strcmp(used, change->path) != 0 &&
	    (!realpath(used, real) || strcmp(real, change->real) != 0))
		return psc_cli_fail(change->cli, PSC_EXIT_FAILED, "name that file with --config",
				    "proscribed reads %s, not %s", used, change->path);
	return PSC_EXIT_OK;
}

static int read_config(struct change *change, struct psc_error *reterr)
{
	int r;

	if (!realpath(change->path, change->real)) {
		if (errno != ENOENT)
			return -errno;
		snprintf(change->real, sizeof(change->real), "%s", change->path);
		return 0;
	}
	r = psc_load_trusted(change->real, PSC_CONFIG_SIZE_MAX, &change->before,
			     &change->before_size, reterr);
	if (r >= 0 && stat(change->real, &change->st) < 0)
		r = -errno;
	change->exists = r >= 0;
	return r;
}

static void change_render(FILE *out, const json_t *data, bool colour)
{
	const char *effect = psc_json_text(data, "effect", "");

	psc_output_toned(out, colour, PSC_TONE_STRONG, psc_json_text(data, "mode", "?"));
	if (strcmp(effect, "none") == 0)
		fputs(": it was that already\n", out);
	else if (strcmp(effect, "next_start") == 0)
		fputs(", from the next start of proscribed on\n", out);
	else
		fprintf(out, " is in force: generation %" JSON_INTEGER_FORMAT "\n",
			psc_json_number(data, "generation", 0));
}

static int report(struct change *change, enum psc_effect effect, json_t *replay)
{
	_cleanup_json_ json_t *status = NULL;
	json_t *data =
		json_pack("{s:s,s:s,s:o}", "mode", psc_mode_to_string(change->mode), "effect",
			  psc_effect_to_string(effect), "file", psc_json_safe(change->path));

	if (effect == PSC_EFFECT_ACTIVE && ask_status(change->cli, &status) == PSC_EXIT_OK &&
	    data && psc_json_at(status, "generation"))
		json_object_set(data, "generation", psc_json_at(status, "generation"));
	if (data && replay)
		json_object_set(data, "replay", replay);
	return psc_cli_report(change->cli, PSC_EXIT_OK, data, change_render);
}

static int publish(struct change *change, json_t *replay)
{
	const struct psc_effect_place place = {.what = "configuration"};
	_cleanup_free_ char *after = NULL;
	enum psc_effect effect = PSC_EFFECT_NONE;
	struct psc_error error = {0};
	size_t size;
	int r = psc_config_edit_mode(change->before ?: "", change->before_size, change->path,
				     change->mode, &after, &size, &error);

	if (r < 0)
		return psc_policy_fail(change->cli, r, &error);
	if (change->before && size == change->before_size &&
	    memcmp(after, change->before, size) == 0 &&
	    (!change->status || strcmp(psc_json_text(change->status, "mode", ""),
				       psc_mode_to_string(change->mode)) == 0))
		return report(change, effect, replay);
	r = write_text(change, after, size);
	if (r < 0) {
		psc_error_set(&error, change->path, 0, 0, "cannot be written: %s", strerror(-r));
		return psc_cli_fail_at(change->cli, PSC_EXIT_FAILED, &error,
				       r == -EACCES ? "run it as root" : NULL);
	}
	r = psc_effect_apply(change->cli, &place, change->path, take_back, change,
			     "the configuration is", &effect);
	return r == PSC_EXIT_OK ? report(change, effect, replay) : r;
}

static int set(struct psc_cli *cli, enum psc_mode mode)
{
	_cleanup_(change_clear) struct change change = {.cli = cli, .mode = mode};
	_cleanup_json_ json_t *replay = NULL;
	struct psc_error error = {0};
	int r = ask_status(cli, &change.status);

	if (r != PSC_EXIT_OK)
		return r;
	change.path = psc_cli_option(cli, "config") ?: PSC_PATH_CONFIG;
	r = read_config(&change, &error);
	if (r < 0)
		return psc_policy_fail(cli, r, &error);
	if (change.status)
		r = check_daemon(&change);
	if (r == PSC_EXIT_OK && mode == PSC_MODE_ENFORCE)
		r = consider(cli, &replay);
	return r == PSC_EXIT_OK ? publish(&change, replay) : r;
}

static int mode_run(struct psc_cli *cli, int argc, char **argv)
{
	enum psc_mode mode;

	if (!argc)
		return show(cli);
	if (psc_mode_from_string(argv[0], &mode) < 0)
		return psc_cli_usage(cli, "'%s' is no mode: observe or enforce", argv[0]);
	return set(cli, mode);
}

static const struct psc_option mode_options[] = {
	{"since", "TIME", "what enforce would have refused since then (default: 7d)"},
	{"yes", NULL, "do not ask"},
	{"dir", "DIR", "directory of the log (default: as configured, " PSC_PATH_LOG ")"},
	PSC_POLICY_OPTIONS_HOST,
	PSC_POLICY_OPTIONS_LISTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_mode = {
	.name = "mode",
	.run = mode_run,
	.most_arguments = 1,
	.arguments = "[observe|enforce]",
	.summary = "Shows the mode, or changes it in the configuration",
	.options = mode_options,
	.help = "Without an argument: the mode, and what says so. With one: `mode` is changed in\n"
		"proscribe.yaml, whose other lines and comments stay, and the daemon reloads; when it\n"
		"refuses, the file is as before. A daemon that was started with --mode keeps that.\n\n"
		"Before enforce it is printed what would have been refused in the last 7 days (see\n"
		"policy replay) and what the interlock says, and asked; --yes is for scripts. When\n"
		"nobody can be asked and --yes is not given, the exit status is 2.\n\n"
		"Examples:\n"
		"  proscribe mode\n"
		"  proscribe mode enforce --since 30d\n"
		"  proscribe mode enforce --yes\n",
};
