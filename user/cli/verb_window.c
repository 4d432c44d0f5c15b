/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_window.c - `proscribe window open`, `window close [ID]`, `window list`.
 */
#include <errno.h>

#include "user/cli/object_verbs.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"

static int window_span(struct psc_cli *cli, struct psc_object *object)
{
	const char *text = psc_cli_option(cli, "for");
	uint64_t span;
	int r;

	r = psc_time_parse_span(text, &span);
	if (r == -EINVAL || (r == 0 && span == 0))
		return psc_cli_usage(cli, "'%s' is no span: expected one such as 30m or 2h", text);
	if (r < 0 || span > PSC_OBJECT_WINDOW_MAX)
		return psc_cli_fail(cli, PSC_EXIT_INVALID, "open another one when it has closed",
				    "--for %s: a window is open for 24 hours at most", text);
	object->until = object->from + span;
	return PSC_EXIT_OK;
}

static int window_open_run(struct psc_cli *cli, int argc, char **argv)
{
	static const char *const needs[] = {"for", "reason", NULL};
	struct psc_object_draft draft;
	const char *product;
	size_t at = 0;
	int r;

	r = psc_object_draft_begin(cli, PSC_OBJECT_WINDOW, needs, &draft);
	if (r == PSC_EXIT_OK)
		r = window_span(cli, &draft.object);
	while (r == PSC_EXIT_OK && (product = psc_cli_option_next(cli, "product", &at)))
		r = psc_object_draft_product(cli, &draft, (char *)product);
	return r == PSC_EXIT_OK ? psc_object_draft_publish(cli, &draft) : r;
}

static const struct psc_option window_open_options[] = {
	{"for", "SPAN", "how long: 30m, 2h, at most 24h"},
	{"reason", "TEXT", "why"},
	{"product", "PRODUCT...", "this one only, as VENDOR/PRODUCT; can be given several times"},
	{"document", "REF", "where the signed paper is"},
	{"by", "WHO", "who signs (default: the login behind sudo, else the account)"},
	{"id", "ID", "name of the object and of its file (default: WI-TIME)"},
	PSC_OPTION_NO_RELOAD,
	PSC_OPTION_OBJECTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_window_open = {
	.name = "window open",
	.run = window_open_run,
	.arguments = "",
	.summary = "Lets products be removed for a while",
	.options = window_open_options,
	.help = "--for and --reason are required. While the window is open, uninstallers and\n"
		"maintainer scripts run and are recorded; the product's programs and updaters stay as\n"
		"they are. Connections are not judged yet, with or without a window. It closes by\n"
		"itself, with the daemon stopped too.\n\n"
		"Examples:\n"
		"  proscribe window open --for 30m --reason 'removal, change 118' --by ops\n"
		"  proscribe window open --for 2h --reason removal --product kaspersky/kesl\n",
};

static int window_close_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_free_ char *only = NULL;
	int r;

	if (argc > 0)
		return psc_object_verbs_remove(cli, PSC_OBJECT_WINDOW, argv[0]);
	r = psc_object_verbs_only(cli, PSC_OBJECT_WINDOW, &only);
	return r == PSC_EXIT_OK ? psc_object_verbs_remove(cli, PSC_OBJECT_WINDOW, only) : r;
}

static const struct psc_option window_close_options[] = {
	PSC_OPTION_NO_RELOAD,
	PSC_OPTION_OBJECTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_window_close = {
	.name = "window close",
	.run = window_close_run,
	.most_arguments = 1,
	.arguments = "[ID]",
	.summary = "Closes a window before its time",
	.options = window_close_options,
	.help = "Removes its file and has the daemon reload. Without ID it closes the one that is\n"
		"open; exit status 1 when none is, 2 when it would have to choose.\n\n"
		"Examples:\n"
		"  proscribe window close\n"
		"  proscribe window close WI-20261122T100000Z\n",
};

static int window_list_run(struct psc_cli *cli, int argc, char **argv)
{
	return psc_object_verbs_list(cli, PSC_OBJECT_WINDOW);
}

static const struct psc_option window_list_options[] = {PSC_OPTION_OBJECTS, PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_window_list = {
	.name = "window list",
	.run = window_list_run,
	.arguments = "",
	.summary = "Prints all windows, those that are over too",
	.options = window_list_options,
	.help = "Needs neither the daemon nor root, but has to be allowed to read the files.\n\n"
		"Examples:\n"
		"  proscribe window list\n"
		"  proscribe window list --json | jq '.data.objects[] | select(.state == \"in_force\")'\n",
};
