/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_policy_replay.c - `proscribe policy replay --since T`: what enforce mode would have refused
 * of what ran in observe mode. Reads the log, the policy and the files; needs no daemon.
 */
#include <errno.h>

#include "user/cli/log_directory.h"
#include "user/cli/log_filter.h"
#include "user/cli/replay.h"

#define SINCE_NS (7 * 86400 * PSC_NSEC_PER_SEC)

static void ground_clear(struct psc_replay_ground *ground)
{
	psc_mounts_clear(&ground->mounts);
}

static int take_records(struct psc_cli *cli, const struct psc_log_filter *filter,
			const char *directory, struct psc_replay *replay, size_t *ret_damaged)
{
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	struct psc_auditlog_line line;
	int r = psc_log_filter_open(filter, directory, false, &reader);

	if (r < 0)
		return psc_log_directory_fail(cli, directory, r);
	while ((r = psc_auditlog_reader_next(reader, &line)) != 0) {
		if (r < 0 || !line.json) {
			++*ret_damaged;
			psc_log_note_damaged(cli, &line, r);
		} else if (psc_log_filter_matches(filter, line.json) &&
			   psc_replay_add(replay, line.json) < 0) {
			return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
		}
	}
	return PSC_EXIT_OK;
}

static int read_log(struct psc_cli *cli, struct psc_replay *replay, json_t *ret)
{
	_cleanup_(psc_log_filter_clear) struct psc_log_filter filter = {};
	_cleanup_free_ char *directory = NULL;
	char text[PSC_TIME_TEXT_MAX];
	size_t damaged = 0;
	int r = psc_log_filter_read(cli, &filter);

	if (r == PSC_EXIT_OK && !psc_cli_option(cli, "since"))
		filter.since_ns = psc_time_now() - SINCE_NS;
	if (r == PSC_EXIT_OK)
		r = psc_log_directory(cli, &directory);
	if (r == PSC_EXIT_OK)
		r = take_records(cli, &filter, directory, replay, &damaged);
	if (r != PSC_EXIT_OK)
		return r;
	psc_time_format_seconds(filter.since_ns, text);
	json_object_set_new(ret, "since", json_string(text));
	if (filter.until_ns) {
		psc_time_format_seconds(filter.until_ns, text);
		json_object_set_new(ret, "until", json_string(text));
	}
	json_object_set_new(ret, "log", psc_json_safe(directory));
	json_object_set_new(ret, "damaged", json_integer((json_int_t)damaged));
	return PSC_EXIT_OK;
}

static int judge(struct psc_cli *cli, const struct psc_replay *replay, uint64_t at, json_t **ret)
{
	_cleanup_(ground_clear) struct psc_replay_ground ground = {
		.network = psc_cli_option(cli, "network"),
	};
	_cleanup_(psc_policy_host_clear) struct psc_policy_host host = {0};
	_cleanup_(psc_image_freep) struct psc_image *image = NULL;
	struct psc_error error = {0};
	int r = psc_policy_host_load(cli, at, &host, &error);

	if (r >= 0)
		r = psc_policy_compile(cli, &host, &image, &error);
	if (r < 0)
		return psc_policy_fail(cli, r, &error);
	if (psc_mounts_load("/proc/self/mounts", &ground.mounts) >= 0)
		*ret = psc_replay_judge(replay, &ground, &host, image, at);
	return *ret ? PSC_EXIT_OK : psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
}

int psc_replay_run(struct psc_cli *cli, json_t **ret)
{
	_cleanup_(psc_replay_freep) struct psc_replay *replay = NULL;
	_cleanup_json_ json_t *about = json_object(), *data = NULL;
	uint64_t now = psc_time_now(), at;
	int r = psc_policy_time_option(cli, "at", now, now, &at);

	if (r != PSC_EXIT_OK)
		return r;
	if (!about || psc_replay_new(&replay) < 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	r = read_log(cli, replay, about);
	if (r == PSC_EXIT_OK)
		r = judge(cli, replay, at, &data);
	if (r != PSC_EXIT_OK)
		return r;
	json_object_update(data, about);
	*ret = json_incref(data);
	return PSC_EXIT_OK;
}

static int replay_run(struct psc_cli *cli, int argc, char **argv)
{
	json_t *data = NULL;
	int r = psc_replay_run(cli, &data);

	if (r != PSC_EXIT_OK)
		return r;
	if (psc_replay_refused(data))
		r = PSC_EXIT_LISTED;
	else if (psc_json_number(data, "damaged", 0))
		r = PSC_EXIT_INVALID;
	return psc_cli_report(cli, r, data, psc_replay_render);
}

static const struct psc_option replay_options[] = {
	{"since", "TIME",
	 "from then on: 2026-01-31T12:00:00Z, or so long ago: 12h, 7d (default: 7d)"},
	{"until", "TIME", "up to then"},
	{"policy", "FILE", "configuration to judge by, or active: this host's own (default)"},
	{"at", "TIME", "judge as of then: " PSC_POLICY_TIMES " (default: now)"},
	{"network", NULL, "also read files of other machines"},
	{"dir", "DIR", "directory of the log (default: as configured, " PSC_PATH_LOG ")"},
	PSC_POLICY_OPTIONS_HOST,
	PSC_POLICY_OPTIONS_LISTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_policy_replay = {
	.name = "policy replay",
	.run = replay_run,
	.arguments = "",
	.summary = "Says what enforce mode would have refused of what ran in observe mode",
	.options = replay_options,
	.help = "In observe mode the log has a record of what would be refused, and one of every other\n"
		"program, library and kernel module that ran (type seen). Their files are digested as\n"
		"they are now, and judged by the lists, profiles and objects of now, or by those of\n"
		"--policy; where the log has the digest of what ran, that is judged.\n\n"
		"Executions are counted when they reach 1, 2, 4, 8, ... of one content: \"at least\",\n"
		"and a plus, say that there may have been more. Files that are gone, in containers or\n"
		"on other machines are named. The exit status is 5 when something would be refused.\n\n"
		"Examples:\n"
		"  proscribe policy replay --since 7d\n"
		"  proscribe policy replay --policy draft.yaml --lists ./lists.d\n"
		"  proscribe policy replay --at 2026-09-29T04:00:00Z --json | jq .data.refused\n",
};
