/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_log.c - `proscribe log`: reads the audit log; needs no daemon.
 */
#include <errno.h>
#include <strings.h>
#include <time.h>

#include "user/cli/log_directory.h"
#include "user/cli/output.h"
#include "user/cli/render_record.h"
#include "user/core/auditlog.h"
#include "user/core/escape.h"
#include "user/core/json.h"
#include "user/core/names.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"

#define POLL_MS 200

struct filter {
	uint64_t since_ns; /* 0: from the beginning */
	const char *verdict;
	const char *op;
	char *product; /* escaped as in the records */
};

static void filter_clear(struct filter *filter)
{
	free(filter->product);
}

static int filter_read(struct psc_cli *cli, struct filter *ret)
{
	const char *since = psc_cli_option(cli, "since");
	const char *product = psc_cli_option(cli, "product");
	enum psc_verdict verdict;
	enum psc_op op;

	ret->verdict = psc_cli_option(cli, "verdict");
	ret->op = psc_cli_option(cli, "op");
	if (since && psc_time_parse_since(since, psc_time_now(), &ret->since_ns) < 0)
		return psc_cli_usage(cli, "'%s' is no time: 2026-01-31T12:00:00Z, 30m, 1h, 2d",
				     since);
	if (ret->verdict && psc_verdict_from_string(ret->verdict, &verdict) < 0)
		return psc_cli_usage(cli, "'%s' is no verdict: allow, record, deny, would_deny",
				     ret->verdict);
	if (ret->op && psc_op_from_string(ret->op, &op) < 0)
		return psc_cli_usage(cli, "'%s' is no operation: exec, load, open, ...", ret->op);
	if (product) {
		ret->product = psc_escape_string(product);
		if (!ret->product)
			return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	}
	return PSC_EXIT_OK;
}

/* A record whose time is not understood is shown rather than lost. */
static bool recent_enough(const struct filter *filter, const json_t *record)
{
	const char *text = psc_json_text(record, "@timestamp", "");
	uint64_t ns;

	return !filter->since_ns || psc_time_parse(text, &ns) < 0 || ns >= filter->since_ns;
}

static bool filter_matches(const struct filter *filter, const json_t *record)
{
	if (!recent_enough(filter, record))
		return false;
	if (filter->verdict &&
	    strcmp(psc_json_text(record, "proscribe.verdict", ""), filter->verdict) != 0)
		return false;
	if (filter->op && strcmp(psc_json_text(record, "proscribe.op", ""), filter->op) != 0)
		return false;
	return !filter->product ||
	       strcasecmp(psc_json_text(record, "proscribe.product", ""), filter->product) == 0;
}

/*
 * Records go out one by one, a log may be larger than memory: one envelope around all
 * of them, or, when the end never comes, one around each.
 */
struct printer {
	struct psc_cli *cli;
	bool follow;
	size_t records;
	size_t damaged;
};

static void print_record(struct printer *p, const json_t *record)
{
	FILE *out = p->cli->out;

	if (!p->cli->json) {
		psc_render_record(out, record, p->cli->colour);
	} else if (p->follow) {
		fputs("{\"schema\":1,\"verb\":\"log\",\"data\":", out);
		json_dumpf(record, out, JSON_COMPACT);
		fputs("}\n", out);
	} else {
		fputs(p->records ? ",\n" : "\n", out);
		json_dumpf(record, out, JSON_COMPACT);
	}
	p->records++;
}

static void print_damaged(struct printer *p, const struct psc_auditlog_line *line, int error)
{
	p->damaged++;
	if (error < 0)
		psc_cli_note(p->cli, "%s: %s", line->file ? line->file : "?", strerror(-error));
	else
		psc_cli_note(p->cli, "%s:%llu: damaged record: %s", line->file,
			     (unsigned long long)line->line, line->error);
}

static void pause_for(unsigned int ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

static void print_all(struct printer *p, struct psc_auditlog_reader *reader,
		      const struct filter *filter)
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
			print_damaged(p, &line, r);
		} else if (filter_matches(filter, line.json)) {
			print_record(p, line.json);
		}
	}
}

static int log_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	_cleanup_(filter_clear) struct filter filter = {};
	_cleanup_free_ char *directory = NULL;
	struct printer printer = {.cli = cli, .follow = psc_cli_option(cli, "follow")};
	int r;

	r = filter_read(cli, &filter);
	if (r == PSC_EXIT_OK)
		r = psc_log_directory(cli, &directory);
	if (r != PSC_EXIT_OK)
		return r;
	r = psc_auditlog_reader_new(directory, filter.since_ns, printer.follow, &reader);
	if (r < 0)
		return psc_log_directory_fail(cli, directory, r);
	if (cli->json && !printer.follow)
		fputs("{\"schema\":1,\"verb\":\"log\",\"data\":{\"records\":[", cli->out);
	print_all(&printer, reader, &filter);
	if (cli->json && !printer.follow)
		fprintf(cli->out, "\n],\"damaged\":%zu}}\n", printer.damaged);
	return printer.damaged ? PSC_EXIT_INVALID : PSC_EXIT_OK;
}

static const struct psc_option log_options[] = {
	{"since", "TIME", "from then on: 2026-01-31T12:00:00Z, or so long ago: 30m, 1h, 2d"},
	{"verdict", "VERDICT", "allow, record, deny or would_deny"},
	{"op", "OP", "exec, load, module, open, write, connect, spawn or install"},
	{"product", "PRODUCT", "of this product"},
	{"follow", NULL, "go on with records as they are written"},
	{"dir", "DIR", "directory of the log (default: as configured, " PSC_PATH_LOG ")"},
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_log = {
	.name = "log",
	.run = log_run,
	.arguments = "",
	.summary = "Prints the audit log",
	.options = log_options,
	.help = "One line a record: time (UTC), verdict, operation, path, product, process, user.\n"
		"--json prints the records themselves (Elastic Common Schema), with --follow one\n"
		"envelope a line. Damaged lines are named and left out; the exit status is 4 then.\n\n"
		"Examples:\n"
		"  proscribe log --since 1h --verdict deny\n"
		"  proscribe log --follow --op exec\n"
		"  proscribe log --json | jq -r '.data.records[].file.path'\n",
};
