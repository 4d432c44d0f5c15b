/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_off.c - `proscribe off`: takes the guard out of the kernel, through the daemon or,
 * when none runs, by removing the pins.
 */
#include <ctype.h>
#include <errno.h>

#include "user/cli/client.h"
#include "user/cli/output.h"
#include "user/cli/pins.h"
#include "user/core/json.h"
#include "user/core/paths.h"

static void off_render(FILE *out, const json_t *data, bool colour)
{
	if (json_is_false(json_object_get(data, "was_on"))) {
		fputs("the guard was not on\n", out);
		return;
	}
	fputs("the guard is ", out);
	psc_output_toned(out, colour, PSC_TONE_BAD, "off");
	fputs(strcmp(psc_json_text(data, "by", ""), "pins") == 0
		      ? ": its pins are removed, and the kernel drops its programs in a moment\n"
		      : ": listed programs run\n",
	      out);
}

static bool confirmed(struct psc_cli *cli)
{
	char line[16];

	fputs("This takes the guard out of the kernel: listed programs will run.\nGo on? [y/N] ",
	      cli->err);
	fflush(cli->err);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	return tolower((unsigned char)line[0]) == 'y';
}

static int off_report(struct psc_cli *cli, bool was_on, const char *by)
{
	return psc_cli_report(
		cli, PSC_EXIT_OK,
		json_pack("{s:s,s:b,s:s}", "guard", "off", "was_on", was_on, "by", by), off_render);
}

static int off_without_daemon(struct psc_cli *cli)
{
	int r = psc_pins_remove(PSC_PATH_BPFFS);
	/* a daemon that was killed before it had pinned everything */
	int rest = psc_pins_remove(PSC_PATH_BPFFS_NEW);

	if (r == -ENOENT || (r >= 0 && rest < 0 && rest != -ENOENT))
		r = rest;
	if (r == -ENOENT)
		return off_report(cli, false, "nobody");
	if (r < 0)
		return psc_cli_fail(
			cli, PSC_EXIT_FAILED, r == -EACCES || r == -EPERM ? "run it as root" : NULL,
			"cannot remove all pins of " PSC_PATH_BPFFS " and " PSC_PATH_BPFFS_NEW
			": %s; what is left of the guard may still refuse",
			strerror(-r));
	psc_cli_note(cli,
		     "no daemon runs: the guard's pins were removed, and no record was written");
	return off_report(cli, true, "pins");
}

static int off_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};
	const json_t *was_on;

	if (!psc_cli_option(cli, "yes")) {
		if (!isatty(STDIN_FILENO))
			return psc_cli_usage(cli, "needs --yes when nobody can be asked");
		if (!confirmed(cli))
			return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "nothing was changed");
	}
	psc_client_ask("off", &answer);
	if (answer.kind == PSC_ANSWER_UNREACHABLE)
		return off_without_daemon(cli);
	if (answer.kind != PSC_ANSWER_OK)
		return psc_answer_fail(cli, &answer);
	was_on = psc_json_at(answer.data, "was_on");
	return off_report(cli, !json_is_false(was_on), "daemon");
}

static const struct psc_option off_options[] = {
	{"yes", NULL, "do not ask"},
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_off = {
	.name = "off",
	.run = off_run,
	.flags = PSC_VERB_NEEDS_ROOT,
	.arguments = "",
	.summary = "Takes the guard out of the kernel",
	.options = off_options,
	.help = "Stopping or killing the daemon leaves the guard on; this takes it away, with or\n"
		"without a daemon. It comes back when the daemon is started.\n\n"
		"The daemon waits until the kernel has dropped the guard. If that takes longer than\n"
		"10 seconds, because somebody else holds the programs, the exit status is 1: it is\n"
		"unpinned then and refuses until it is let go, and the daemon ends when it is.\n"
		"Without a daemon nobody can prove that it is gone.\n\n"
		"Examples:\n"
		"  proscribe off\n"
		"  proscribe off --yes\n",
};
