/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_log_verify.c - `proscribe log verify` and `log anchor`: does the audit log's chain hold,
 * and what is its end? Need no daemon.
 */
#include <errno.h>

#include "user/cli/log_directory.h"
#include "user/cli/output.h"
#include "user/core/chain_verify.h"
#include "user/core/escape.h"
#include "user/core/hex.h"
#include "user/core/json.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"

#define KEYS_MAX    16
#define ANCHORS_MAX 10000

struct given {
	struct psc_chain_key *keys[KEYS_MAX];
	size_t key_count;
	struct psc_chain_anchor *anchors;
	size_t anchor_count;
};

static void given_clear(struct given *given)
{
	for (size_t i = 0; i < given->key_count; i++)
		psc_chain_key_free(given->keys[i]);
	free(given->anchors);
}

static int add_key(struct psc_cli *cli, const char *path, struct given *given)
{
	struct psc_error error = {0};
	int r = -E2BIG;

	if (given->key_count < KEYS_MAX)
		r = psc_chain_key_load_public(path, &given->keys[given->key_count], &error);
	if (r < 0)
		return psc_cli_fail_at(cli, PSC_EXIT_INVALID, &error,
				       "give the public key of the host that wrote the log");
	given->key_count++;
	return PSC_EXIT_OK;
}

/* Those of --key; without any, this host's own if there is one. */
static int read_keys(struct psc_cli *cli, struct given *given)
{
	const char *path;
	size_t at = 0;
	int r = PSC_EXIT_OK;

	while (r == PSC_EXIT_OK && (path = psc_cli_option_next(cli, "key", &at)))
		r = add_key(cli, path, given);
	if (r != PSC_EXIT_OK || given->key_count || psc_cli_option(cli, "dir") ||
	    access(PSC_PATH_LOG_PUBLIC, R_OK) < 0)
		return r;
	return add_key(cli, PSC_PATH_LOG_PUBLIC, given);
}

static int read_anchors(struct psc_cli *cli, const char *path, struct given *given)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[PSC_CHAIN_ANCHOR_TEXT_MAX + 2];
	struct psc_error error = {0};
	struct psc_chain_anchor *grown;

	if (!f)
		return psc_cli_fail(cli, PSC_EXIT_INVALID, NULL, "%s: %s", path, strerror(errno));
	for (unsigned int n = 1; fgets(line, sizeof(line), f); n++) {
		if (line[0] == '\n' || line[0] == '#')
			continue;
		grown = reallocarray(given->anchors, given->anchor_count + 1, sizeof(*grown));
		if (!grown)
			return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
		given->anchors = grown;
		if (given->anchor_count >= ANCHORS_MAX ||
		    psc_chain_anchor_parse(line, &grown[given->anchor_count]) < 0) {
			psc_error_set(&error, path, n, 0, "no anchor");
			return psc_cli_fail_at(cli, PSC_EXIT_INVALID, &error,
					       "give lines that proscribe log anchor printed");
		}
		given->anchor_count++;
	}
	return PSC_EXIT_OK;
}

/* ---- verify ---------------------------------------------------------------------------------- */

/* What the result does not prove, in words. */
static json_t *limits_json(const struct psc_chain_report *report, const struct given *given)
{
	json_t *limits = json_array();
	char text[256];

	if (report->first_sequence > 1) {
		snprintf(text, sizeof(text),
			 "older files are gone: the log begins with record %llu",
			 (unsigned long long)report->first_sequence);
		json_array_append_new(limits, json_string(text));
	}
	if (report->unchecked)
		json_array_append_new(limits, json_string("signatures were not checked: give the "
							  "host's public key with --key"));
	else if (report->records && report->last_signed < report->end.sequence) {
		snprintf(text, sizeof(text),
			 "records behind %llu are chained but not signed yet: they could be taken "
			 "away without a trace",
			 (unsigned long long)report->last_signed);
		json_array_append_new(limits, json_string(text));
	}
	if (!given->anchor_count)
		json_array_append_new(limits,
				      json_string("without an anchor kept elsewhere, root on the "
						  "host could have written and signed all of it "
						  "anew"));
	if (report->anchors_below)
		json_array_append_new(limits, json_string("some anchors are of records in files "
							  "that are gone"));
	return limits;
}

static json_t *report_json(const struct psc_chain_report *report, const struct given *given,
			   const char *directory)
{
	char head[2 * PSC_DIGEST_SIZE + 1];
	json_t *data;

	psc_hex_encode(report->end.head, PSC_DIGEST_SIZE, head);
	data = json_pack(
		"{s:o,s:s,s:I,s:I,s:I,s:I,s:I,s:s,s:I,s:I,s:I,s:I,s:o}", "directory",
		psc_json_safe(directory), "result", psc_chain_fault_to_string(report->fault),
		"files", (json_int_t)report->files, "records", (json_int_t)report->records, "bytes",
		(json_int_t)report->bytes, "first", (json_int_t)report->first_sequence, "last",
		(json_int_t)report->end.sequence, "head", head, "signatures",
		(json_int_t)report->signatures, "signatures_unchecked",
		(json_int_t)report->unchecked, "last_signed", (json_int_t)report->last_signed,
		"anchors", (json_int_t)report->anchors, "not_proven", limits_json(report, given));
	if (data && report->fault)
		json_object_set_new(data, "fault",
				    json_pack("{s:o,s:I,s:o}", "file",
					      psc_json_safe(report->place.file), "line",
					      (json_int_t)report->place.line, "message",
					      psc_json_safe(report->place.message)));
	return data;
}

static void verify_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *limit;
	size_t i;
	bool intact = !psc_json_at(data, "fault");

	psc_output_toned(out, colour, intact ? PSC_TONE_GOOD : PSC_TONE_BAD,
			 intact ? "intact" : "NOT INTACT");
	fprintf(out, ": %" JSON_INTEGER_FORMAT " records in %" JSON_INTEGER_FORMAT " files of ",
		psc_json_number(data, "records", 0), psc_json_number(data, "files", 0));
	psc_output_text(out, psc_json_text(data, "directory", "?"));
	fputc('\n', out);
	if (!intact) {
		fputs("  fault       ", out);
		psc_output_text(out, psc_json_text(data, "fault.file", "?"));
		fprintf(out, ":%" JSON_INTEGER_FORMAT ": ", psc_json_number(data, "fault.line", 0));
		psc_output_text(out, psc_json_text(data, "fault.message", "?"));
		fputs("\n              what stands behind it was not looked at\n", out);
	}
	fprintf(out,
		"  records     %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT
		"\n  head        %s\n"
		"  signatures  %" JSON_INTEGER_FORMAT
		" good, the last one vouches up to record %" JSON_INTEGER_FORMAT
		"\n  anchors     %" JSON_INTEGER_FORMAT " hold\n",
		psc_json_number(data, "first", 0), psc_json_number(data, "last", 0),
		psc_json_text(data, "head", "?"), psc_json_number(data, "signatures", 0),
		psc_json_number(data, "last_signed", 0), psc_json_number(data, "anchors", 0));
	if (json_array_size(psc_json_at(data, "not_proven")))
		fputs("  not proven\n", out);
	json_array_foreach(psc_json_at(data, "not_proven"), i, limit)
		fprintf(out, "    %s\n", json_string_value(limit));
}

static int verify_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(given_clear) struct given given = {0};
	_cleanup_free_ char *directory = NULL;
	struct psc_chain_verify_options options;
	struct psc_chain_report report;
	const char *anchors = psc_cli_option(cli, "anchor");
	int r = psc_log_directory(cli, &directory);

	if (r == PSC_EXIT_OK)
		r = read_keys(cli, &given);
	if (r == PSC_EXIT_OK && anchors)
		r = read_anchors(cli, anchors, &given);
	if (r != PSC_EXIT_OK)
		return r;
	options = (struct psc_chain_verify_options){
		.keys = (const struct psc_chain_key *const *)given.keys,
		.key_count = given.key_count,
		.anchors = given.anchors,
		.anchor_count = given.anchor_count,
	};
	r = psc_chain_verify(directory, &options, &report);
	if (r < 0)
		return psc_log_directory_fail(cli, directory, r);
	return psc_cli_report(cli, report.fault ? PSC_EXIT_INVALID : PSC_EXIT_OK,
			      report_json(&report, &given, directory), verify_render);
}

static const struct psc_option verify_options[] = {
	{"key", "FILE...",
	 "public key (PEM) that signed it; may be given again (default: this "
	 "host's, " PSC_PATH_LOG_PUBLIC ")"},
	{"anchor", "FILE", "lines that `log anchor` printed, kept elsewhere since"},
	{"dir", "DIR", "directory of the log (default: as configured, " PSC_PATH_LOG ")"},
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_log_verify = {
	.name = "log verify",
	.run = verify_run,
	.arguments = "",
	.summary = "Checks that nothing in the audit log was changed, taken out or put in",
	.options = verify_options,
	.help = "Every record names the digest of the one before it; some are signed by the host's\n"
		"key. The first fault is named with file and line: an edited, missing, repeated or\n"
		"moved record, a missing file, a wrong signature, an anchor that does not hold.\n"
		"Below stands what the result does not prove. Exit status 4: not intact.\n\n"
		"Examples:\n"
		"  proscribe log verify --anchor /mnt/safe/host.anchors\n"
		"  proscribe log verify --dir ./copied --key host.pub --json\n",
};

/* ---- anchor ---------------------------------------------------------------------------------- */

static void anchor_render(FILE *out, const json_t *data, bool colour)
{
	fprintf(out, "%s\n", psc_json_text(data, "anchor", "?"));
}

static int anchor_run(struct psc_cli *cli, int argc, char **argv)
{
	static const struct psc_chain_verify_options options = {0};
	_cleanup_free_ char *directory = NULL, *host = NULL;
	char name[256] = "", text[PSC_CHAIN_ANCHOR_TEXT_MAX], time[PSC_TIME_TEXT_MAX];
	struct psc_chain_report report;
	struct psc_chain_anchor anchor;
	int r = psc_log_directory(cli, &directory);

	if (r != PSC_EXIT_OK)
		return r;
	r = psc_chain_verify(directory, &options, &report);
	if (r < 0)
		return psc_log_directory_fail(cli, directory, r);
	if (report.fault)
		return psc_cli_fail_at(cli, PSC_EXIT_INVALID, &report.place,
				       "proscribe log verify says more");
	if (!report.records)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "there is no record in %s",
				    directory);
	gethostname(name, sizeof(name) - 1);
	host = psc_escape_string(name);
	anchor.sequence = report.end.sequence;
	memcpy(anchor.head, report.end.head, PSC_DIGEST_SIZE);
	r = psc_chain_anchor_format(&anchor, host ?: "?",
				    psc_time_format_seconds(psc_time_now(), time), text);
	if (r < 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "%s", strerror(-r));
	return psc_cli_report(
		cli, PSC_EXIT_OK,
		json_pack("{s:s,s:I}", "anchor", text, "sequence", (json_int_t)anchor.sequence),
		anchor_render);
}

static const struct psc_option anchor_options[] = {
	{"dir", "DIR", "directory of the log (default: as configured, " PSC_PATH_LOG ")"},
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_log_anchor = {
	.name = "log anchor",
	.run = anchor_run,
	.arguments = "",
	.summary = "Prints the end of the audit log's chain, to be kept elsewhere",
	.options = anchor_options,
	.help = "One line. Kept where root of this host cannot write (another machine, paper, a\n"
		"timestamping service), it proves later that nothing up to here was changed:\n"
		"proscribe log verify --anchor FILE.\n\n"
		"Example:\n"
		"  proscribe log anchor | ssh safe 'cat >> host.anchors'\n",
};
