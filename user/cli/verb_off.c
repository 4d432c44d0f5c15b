/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_off.c - `proscribe off`: takes the guard out of the kernel, through the daemon or,
 * when none runs, by removing the pins. What the guard told of and no daemon has read stays in the
 * kernel then, for the next daemon; how much that is stands in a file, in case a reboot comes first.
 */
#include <ctype.h>
#include <errno.h>

#include "user/cli/client.h"
#include "user/cli/output.h"
#include "user/cli/pins.h"
#include "user/cli/unread.h"
#include "user/core/durable.h"
#include "user/core/handover.h"
#include "user/core/json.h"
#include "user/core/paths.h"
#include "user/core/requester.h"
#include "user/core/timefmt.h"

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

/* What became of the guard in one directory, and of what it told of. */
struct taken {
	int removed; /* pins, or a negative errno */
	int error;   /* of counting: negative errno, 0 fine */
	struct psc_unread unread;
};

static struct taken take_away(const char *directory, const char *left)
{
	_cleanup_(psc_unread_close) struct psc_unread_maps maps = psc_unread_open(directory);
	struct taken taken = {.removed = left ? psc_pins_leave(directory, left) : -EEXIST};

	taken.unread.kept = taken.removed >= 0;
	/* there is one that waits already, or this one never was whole */
	if (taken.removed == -EEXIST || taken.removed == -ENOTEMPTY)
		taken.removed = psc_pins_remove(directory);
	/* once nothing is added any more */
	if (taken.removed != -ENOENT)
		taken.error = psc_unread_count(&maps, &taken.unread.events);
	return taken;
}

/* Tells the next daemon, of this boot or another, and whoever asked. */
static void tell_unread(struct psc_cli *cli, struct taken *taken)
{
	unsigned long long events = taken->unread.events;
	int r = 0;

	if (taken->error < 0) {
		psc_cli_note(cli, "how many events no daemon has read is not known: %s",
			     strerror(-taken->error));
		return;
	}
	if (!events)
		return;
	psc_handover_boot_id(taken->unread.boot_id);
	psc_durable_directory(PSC_DIR_STATE, PSC_DIR_STATE_MODE);
	r = psc_unread_add(PSC_PATH_UNREAD, &taken->unread);
	if (taken->unread.kept)
		psc_cli_note(cli,
			     "%llu events that no daemon has read stay in the kernel; the next "
			     "start of proscribed writes them to the log, a reboot loses them",
			     events);
	else
		psc_cli_note(cli, "%llu events that no daemon has read are lost", events);
	if (r < 0)
		psc_cli_note(cli, PSC_PATH_UNREAD " cannot be written: %s; %s", strerror(-r),
			     taken->unread.kept ? "after a reboot nobody knows of them"
						: "no record will tell of them");
}

/* Since when the guard is off, and who it was, for the record that the next daemon writes. */
static void tell_absence(struct psc_cli *cli)
{
	char boot_id[PSC_BOOT_ID_SIZE], requester[PSC_REQUESTER_SIZE];
	int r;

	psc_handover_boot_id(boot_id);
	psc_requester_name(getuid(), getpid(), requester);
	r = psc_handover_guard(PSC_PATH_ABSENCE, boot_id, "off", psc_time_boot(), requester);
	if (r < 0 && r != -ENOENT)
		psc_cli_note(cli, PSC_PATH_ABSENCE " cannot be written: %s", strerror(-r));
}

static int off_without_daemon(struct psc_cli *cli)
{
	struct taken taken = take_away(PSC_PATH_BPFFS, PSC_PATH_BPFFS_LEFT);
	/* a daemon that was killed before it had pinned everything */
	struct taken rest = take_away(PSC_PATH_BPFFS_NEW, NULL);
	int r = taken.removed;

	if (r == -ENOENT || (r >= 0 && rest.removed < 0 && rest.removed != -ENOENT))
		r = rest.removed;
	if (r == -ENOENT)
		return off_report(cli, false, "nobody");
	if (r < 0)
		return psc_cli_fail(
			cli, PSC_EXIT_FAILED, r == -EACCES || r == -EPERM ? "run it as root" : NULL,
			"cannot remove all pins of " PSC_PATH_BPFFS " and " PSC_PATH_BPFFS_NEW
			": %s; what is left of the guard may still refuse",
			strerror(-r));
	psc_cli_note(cli, "no daemon runs: the guard's pins were removed; the next start of "
			  "proscribed writes the record of it");
	tell_absence(cli);
	tell_unread(cli, &taken);
	tell_unread(cli, &rest);
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
		"Without a daemon nobody can prove that it is gone. What it told of since a daemon\n"
		"ran last stays in the kernel then: the next daemon writes it to the log. A reboot\n"
		"in between loses it, and the log says how many events that were.\n\n"
		"Examples:\n"
		"  proscribe off\n"
		"  proscribe off --yes\n",
};
