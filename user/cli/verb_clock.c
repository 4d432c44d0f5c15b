/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_clock.c - `proscribe clock`: what the guard takes for the time.
 */
#include "user/cli/client.h"
#include "user/cli/output.h"
#include "user/core/json.h"

static void line(FILE *out, const json_t *data, const char *label, const char *key)
{
	fprintf(out, "  %-14s", label);
	psc_output_text(out, psc_json_text(data, key, "?"));
	fputc('\n', out);
}

static void clock_render(FILE *out, const json_t *data, bool colour)
{
	const char *state = psc_json_text(data, "state", "?");

	line(out, data, "guard's time", "guard_time");
	line(out, data, "wall clock", "wall");
	line(out, data, "trusted", "trusted");
	fprintf(out, "  %-14s%s, TAI - UTC %" JSON_INTEGER_FORMAT " s\n", "synchronised",
		json_is_true(json_object_get(data, "synchronised")) ? "yes" : "no",
		psc_json_number(data, "tai_minus_utc", 0));
	fprintf(out, "  %-14s", "state");
	psc_output_toned(out, colour, strcmp(state, "steady") == 0 ? PSC_TONE_GOOD : PSC_TONE_DOUBT,
			 state);
	fputc('\n', out);
	if (strcmp(state, "set_back") == 0)
		fputs("remedy: set the clock; if the guard's time is wrong: proscribe clock accept\n",
		      out);
	if (strcmp(state, "untrusted") == 0)
		fputs("remedy: synchronise the clock, or if it is right: proscribe clock accept\n",
		      out);
}

static int ask(struct psc_cli *cli, const char *request)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};

	psc_client_ask(request, &answer);
	if (answer.kind != PSC_ANSWER_OK)
		return psc_answer_fail(cli, &answer);
	return psc_cli_report(cli, PSC_EXIT_OK, json_incref(answer.data), clock_render);
}

static int clock_run(struct psc_cli *cli, int argc, char **argv)
{
	return ask(cli, "clock");
}

static int accept_run(struct psc_cli *cli, int argc, char **argv)
{
	return ask(cli, "clock_accept");
}

static const struct psc_option clock_options[] = {PSC_OPTION_JSON, {}};

const struct psc_verb psc_verb_clock = {
	.name = "clock",
	.run = clock_run,
	.flags = PSC_VERB_NEEDS_DAEMON,
	.arguments = "",
	.summary = "Shows what the guard takes for the time",
	.options = clock_options,
	.help = "The guard's time does not go back behind what is trusted. It follows a clock that\n"
		"is set forward at once, but trusts that only when it is less than a day,\n"
		"synchronised (NTP) or accepted: when a clock that is not trusted is corrected, the\n"
		"guard's time goes back with it.\n\n"
		"Examples:\n"
		"  proscribe clock\n"
		"  proscribe clock accept\n",
};

const struct psc_verb psc_verb_clock_accept = {
	.name = "clock accept",
	.run = accept_run,
	.flags = PSC_VERB_NEEDS_DAEMON,
	.arguments = "",
	.summary = "Declares the host's clock to be right",
	.options = clock_options,
	.help = "The guard's time becomes the host's, be it ahead or behind. Phases that have\n"
		"not begun by that time are not in force any more. It is recorded with who asked.\n\n"
		"Examples:\n"
		"  proscribe clock accept\n",
};
