/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_status.c - `proscribe status`: asks the daemon; its answer is printed by
 * render_status.c.
 */
#include "user/cli/client.h"
#include "user/cli/output.h"
#include "user/cli/pins.h"
#include "user/cli/render_status.h"
#include "user/core/json.h"
#include "user/core/paths.h"

/* Without a daemon the guard may be on all the same: that is worth more than the error. */
static int status_unreachable(struct psc_cli *cli, const struct psc_answer *answer)
{
	switch (psc_pins_look(PSC_PATH_BPFFS)) {
	case PSC_PINS_PRESENT:
		psc_cli_note(cli, "the guard is on without its daemon: its pins are in %s",
			     PSC_PATH_BPFFS);
		break;
	case PSC_PINS_ABSENT:
		if (psc_pins_look(PSC_PATH_BPFFS_NEW) == PSC_PINS_PRESENT) {
			psc_cli_note(cli,
				     "a daemon that was killed left the guard half-made in %s: "
				     "parts of it may be on; proscribe off removes them",
				     PSC_PATH_BPFFS_NEW);
			break;
		}
		psc_cli_note(cli, "the guard is off: nothing is pinned in %s", PSC_PATH_BPFFS);
		break;
	default:
		psc_cli_note(cli, "only root can see whether the guard is on");
		break;
	}
	return psc_answer_fail(cli, answer);
}

static int status_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};

	psc_client_ask("status", &answer);
	if (answer.kind == PSC_ANSWER_UNREACHABLE)
		return status_unreachable(cli, &answer);
	if (answer.kind != PSC_ANSWER_OK)
		return psc_answer_fail(cli, &answer);
	return psc_cli_report(cli, PSC_EXIT_OK,
			      answer.data ? json_incref(answer.data) : json_object(),
			      psc_render_status);
}

static const struct psc_option status_options[] = {PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_status = {
	.name = "status",
	.run = status_run,
	.flags = PSC_VERB_NEEDS_DAEMON,
	.arguments = "",
	.summary = "Shows whether the guard is on, what it refuses and what it saw",
	.options = status_options,
	.help = "Exit status 0 means that the daemon is ready and the guard is on; 3 that the\n"
		"daemon is not reachable, and whether the guard is on all the same is said.\n\n"
		"Examples:\n"
		"  proscribe status\n"
		"  proscribe status --json | jq .data.counters\n",
};
