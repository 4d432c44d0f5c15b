/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_log.c - `proscribe log`: reads the audit log; needs no daemon.
 */
#include <time.h>

#include "user/cli/log_directory.h"
#include "user/cli/log_filter.h"
#include "user/cli/output.h"
#include "user/cli/render_record.h"
#include "user/core/auditlog.h"
#include "user/core/paths.h"

/* Letters that a terminal might act on, should a log be no work of ours, go out as numbers. */
#define JSON_FORM (JSON_COMPACT | JSON_ENSURE_ASCII)

#define POLL_MS 200

/*
 * Records go out one by one, a log may be larger than memory: one envelope around all
 * of them, or, when the end never comes, one around each.
 */
struct printer {
	struct psc_cli *cli;
	bool follow;
	size_t records;
	size_t damaged;
	size_t seen; /* left out */
};

static void print_record(struct printer *p, const json_t *record)
{
	FILE *out = p->cli->out;

	if (!p->cli->json) {
		psc_render_record(out, record, p->cli->colour);
	} else if (p->follow) {
		fputs("{\"schema\":1,\"verb\":\"log\",\"data\":", out);
		json_dumpf(record, out, JSON_FORM);
		fputs("}\n", out);
	} else {
		fputs(p->records ? ",\n" : "\n", out);
		json_dumpf(record, out, JSON_FORM);
	}
	p->records++;
}

/* Of what ran unlisted a host has thousands: people are shown it when they ask for it. */
static bool is_left_out(struct printer *p, const struct psc_log_filter *filter,
			const json_t *record)
{
	if (p->cli->json || filter->action ||
	    strcmp(psc_json_text(record, "proscribe.type", ""), "seen") != 0)
		return false;
	p->seen++;
	return true;
}

static void pause_for(unsigned int ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

static void print_all(struct printer *p, struct psc_auditlog_reader *reader,
		      const struct psc_log_filter *filter)
{
	struct psc_auditlog_line line;

	for (;;) {
		int r = psc_auditlog_reader_next(reader, &line);

		if (r == 0 && !p->follow)
			return;
		if (r == 0) {
			if (fflush(p->cli->out) != 0)
				return;
			pause_for(POLL_MS);
		} else if (r < 0 || !line.json) {
			p->damaged++;
			psc_log_note_damaged(p->cli, &line, r);
		} else if (psc_log_filter_matches(filter, line.json) &&
			   !is_left_out(p, filter, line.json)) {
			print_record(p, line.json);
		}
	}
}

static int log_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	_cleanup_(psc_log_filter_clear) struct psc_log_filter filter = {};
	_cleanup_free_ char *directory = NULL;
	struct printer printer = {.cli = cli, .follow = psc_cli_option(cli, "follow")};
	int r;

	r = psc_log_filter_read(cli, &filter);
	if (r == PSC_EXIT_OK && printer.follow && filter.until_ns)
		r = psc_cli_usage(cli, "--follow has no end, --until is one");
	if (r == PSC_EXIT_OK)
		r = psc_log_directory(cli, &directory);
	if (r != PSC_EXIT_OK)
		return r;
	r = psc_log_filter_open(&filter, directory, printer.follow, &reader);
	if (r < 0)
		return psc_log_directory_fail(cli, directory, r);
	if (cli->json && !printer.follow)
		fputs("{\"schema\":1,\"verb\":\"log\",\"data\":{\"records\":[", cli->out);
	print_all(&printer, reader, &filter);
	if (cli->json && !printer.follow)
		fprintf(cli->out, "\n],\"damaged\":%zu}}\n", printer.damaged);
	if (printer.seen)
		psc_cli_note(cli,
			     "%zu records of what observe mode saw are left out: --action seen",
			     printer.seen);
	return printer.damaged ? PSC_EXIT_INVALID : PSC_EXIT_OK;
}

static const struct psc_option log_options[] = {
	PSC_LOG_OPTIONS_FILTER,
	{"follow", NULL, "go on with records as they are written"},
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_log = {
	.name = "log",
	.run = log_run,
	.arguments = "",
	.summary = "Prints the audit log",
	.options = log_options,
	.help = "One line a record: time (UTC), verdict, operation, path, product, process, user,\n"
		"container.\n"
		"What observe mode saw without anything being said against it is left out, unless by\n"
		"--action seen.\n"
		"--json prints the records themselves (Elastic Common Schema), with --follow one\n"
		"envelope a line. Damaged lines are named and left out; the exit status is 4 then.\n\n"
		"Examples:\n"
		"  proscribe log --since 1h --verdict deny\n"
		"  proscribe log --since 2026-01-31 --until 2026-02-01 --container 3f1c\n"
		"  proscribe log --follow --op exec\n"
		"  proscribe log --action seen\n"
		"  proscribe log --json | jq -r '.data.records[].file.path'\n",
};
