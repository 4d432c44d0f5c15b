/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_report.c - `proscribe report`: the audit log as evidence about one prohibition. Needs no
 * daemon.
 */
#include <errno.h>
#include <fcntl.h>

#include "user/cli/log_directory.h"
#include "user/cli/report_verb.h"
#include "user/core/auditlog.h"
#include "user/core/chain_key.h"
#include "user/core/durable.h"

#define KEYS_MAX    16
#define ANCHORS_MAX 10000
#define SCAN_MAX    (64UL << 20) /* bytes */

/* What the options name. */
struct given {
	const char *format;
	const char *output;
	char *directory; /* of the log */
	uint64_t now;
	uint64_t from; /* 0: from the log's first record on */
	uint64_t until;
	uint64_t submitted; /* 0: not yet */
	const char *zone;   /* whose days count */
	struct psc_chain_key *keys[KEYS_MAX];
	size_t key_count;
	struct psc_chain_anchor *anchors;
	size_t anchor_count;
	json_t *scan;
};

static void given_clear(struct given *given)
{
	free(given->directory);
	for (size_t i = 0; i < given->key_count; i++)
		psc_chain_key_free(given->keys[i]);
	free(given->anchors);
	json_decref(given->scan);
}

/* ---- options ------------------------------------------------------------------------------- */

static int take_zone(struct psc_cli *cli, struct given *given)
{
	given->zone = psc_cli_option(cli, "timezone") ?: "UTC";
	if (psc_report_zone_set(given->zone) < 0)
		return psc_cli_usage(cli,
				     "'%s' is no time zone that is known here: UTC, "
				     "America/New_York (package tzdata)",
				     given->zone);
	return PSC_EXIT_OK;
}

static int take_times(struct psc_cli *cli, struct given *given)
{
	const char *since = psc_cli_option(cli, "since");
	const char *submitted = psc_cli_option(cli, "submitted");
	int r;

	given->now = psc_time_now();
	if (since && psc_time_parse_since(since, given->now, &given->from) < 0)
		return psc_cli_usage(cli, "'%s' is no time: 2026-01-31T12:00:00Z, 30d", since);
	r = psc_policy_time_option(cli, "until", given->now, given->now, &given->until);
	if (r != PSC_EXIT_OK)
		return r;
	if (given->from >= given->until)
		return psc_cli_usage(cli, "the period ends before it begins");
	r = take_zone(cli, given);
	if (r != PSC_EXIT_OK)
		return r;
	if (submitted && psc_time_parse(submitted, &given->submitted) < 0)
		return psc_cli_usage(cli, "'%s' is no date: 2026-01-31", submitted);
	/* a day is one of the zone's */
	if (submitted && !strchr(submitted, 'T'))
		given->submitted -= (uint64_t)(psc_report_zone_offset(given->submitted) *
					       (int64_t)PSC_NSEC_PER_SEC);
	return PSC_EXIT_OK;
}

static int take_format(struct psc_cli *cli, struct given *given)
{
	given->format = psc_cli_option(cli, "format") ?: (cli->json ? "json" : "html");
	given->output = psc_cli_option(cli, "output");
	if (strcmp(given->format, "html") != 0 && strcmp(given->format, "json") != 0 &&
	    strcmp(given->format, "csv") != 0)
		return psc_cli_usage(cli, "'%s' is no format: html, json, csv", given->format);
	return PSC_EXIT_OK;
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

/* Those of --key; without any, this host's own if the log is its own, too. */
static int take_keys(struct psc_cli *cli, struct given *given)
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

static int take_anchors(struct psc_cli *cli, struct given *given)
{
	const char *path = psc_cli_option(cli, "anchor");
	_cleanup_fclose_ FILE *f = path ? fopen(path, "re") : NULL;
	char line[PSC_CHAIN_ANCHOR_TEXT_MAX + 2];
	struct psc_error error = {0};

	if (!path)
		return PSC_EXIT_OK;
	if (!f)
		return psc_cli_fail(cli, PSC_EXIT_INVALID, NULL, "%s: %s", path, strerror(errno));
	for (unsigned int n = 1; fgets(line, sizeof(line), f); n++) {
		struct psc_chain_anchor *grown;

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

/* All of a file; -E2BIG above SCAN_MAX. */
static int read_whole(const char *path, char **ret, size_t *ret_size)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *data = NULL;
	size_t size = 0, room = 0;

	if (!f)
		return -errno;
	for (;;) {
		if (size == room) {
			char *grown = realloc(data, room = room ? 2 * room : 65536);

			if (!grown)
				return -ENOMEM;
			data = grown;
		}
		size += fread(data + size, 1, room - size, f);
		if (size > SCAN_MAX)
			return -E2BIG;
		if (ferror(f))
			return -EIO;
		if (feof(f))
			break;
	}
	*ret = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

static int take_scan(struct psc_cli *cli, struct given *given)
{
	const char *path = psc_cli_option(cli, "scan");
	_cleanup_free_ char *data = NULL;
	_cleanup_json_ json_t *json = NULL;
	struct psc_error error = {0};
	char reason[160] = "";
	size_t size = 0, offset = 0;
	int r;

	if (!path)
		return PSC_EXIT_OK;
	r = read_whole(path, &data, &size);
	if (r >= 0)
		r = psc_json_parse(data, size, SCAN_MAX, &json, &offset, reason, sizeof(reason));
	if (r < 0) {
		psc_error_set(&error, path, 0, 0, "%s%s", reason[0] ? "" : strerror(-r), reason);
		return psc_cli_fail_at(cli, PSC_EXIT_INVALID, &error, NULL);
	}
	if (strcmp(psc_json_text(json, "verb", ""), "scan") != 0 ||
	    !json_is_object(json_object_get(json, "data")) ||
	    !psc_json_text(json, "data.result", NULL)) {
		psc_error_set(&error, path, 0, 0, "not the result of a scan");
		return psc_cli_fail_at(cli, PSC_EXIT_INVALID, &error,
				       "give what proscribe scan --json printed");
	}
	given->scan = json_incref(json_object_get(json, "data"));
	return PSC_EXIT_OK;
}

static int take_options(struct psc_cli *cli, struct given *given)
{
	int r = take_format(cli, given);

	if (r == PSC_EXIT_OK)
		r = take_times(cli, given);
	if (r == PSC_EXIT_OK)
		r = psc_log_directory(cli, &given->directory);
	if (r == PSC_EXIT_OK)
		r = take_keys(cli, given);
	if (r == PSC_EXIT_OK)
		r = take_anchors(cli, given);
	if (r == PSC_EXIT_OK)
		r = take_scan(cli, given);
	return r;
}

/* --profile, or the active one if there is only one. */
static int take_profile(struct psc_cli *cli, const struct psc_policy_host *host,
			struct psc_profile **ret)
{
	const char *name = psc_cli_option(cli, "profile");
	char **active = host->config->profiles;
	struct psc_error error = {0};
	int r;

	if (!name && (!active[0] || active[1]))
		return psc_cli_usage(cli, "give --profile: %s is active",
				     active[0] ? "more than one" : "none");
	r = psc_policy_find(&host->places, name ?: active[0], ret, &error);
	return r < 0 ? psc_policy_fail(cli, r, &error) : PSC_EXIT_OK;
}

/* ---- reading ------------------------------------------------------------------------------- */

static int read_log(struct psc_cli *cli, const char *directory, struct psc_report *report,
		    uint64_t *ret_damaged)
{
	_cleanup_(psc_auditlog_reader_freep) struct psc_auditlog_reader *reader = NULL;
	struct psc_auditlog_line line;
	uint64_t damaged = 0;
	int r = psc_auditlog_reader_new(directory, 0, false, &reader);

	if (r < 0)
		return psc_log_directory_fail(cli, directory, r);
	while ((r = psc_auditlog_reader_next(reader, &line)) != 0) {
		if (r < 0 || !line.json) {
			damaged++;
			continue;
		}
		if (psc_report_add(report, line.json) < 0)
			return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	}
	*ret_damaged = damaged;
	return PSC_EXIT_OK;
}

/* What a scan found was there when it ended. */
static int read_scan(const json_t *scan, struct psc_report *report, uint64_t until)
{
	const char *ended = psc_json_text(scan, "ended", "");
	const json_t *finding;
	uint64_t at;
	size_t i;
	int r = 0;

	if (psc_time_parse(ended, &at) < 0 || at >= until)
		return 0;
	json_array_foreach(json_object_get(scan, "findings"), i, finding) {
		const char *product = psc_json_text(finding, "product", NULL);

		if (product)
			r = psc_report_add_seen(report, product,
						psc_json_text(finding, "where", NULL), "scan", at);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Of a scan everything but the findings, which are among the products. */
static json_t *scan_summary(const json_t *scan)
{
	json_t *summary = json_copy((json_t *)scan);

	json_object_del(summary, "findings");
	return summary;
}

static int catalog_digest(const struct psc_policy_places *places, uint8_t ret[PSC_DIGEST_SIZE],
			  struct psc_error *reterr)
{
	const char *directories[2];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places->catalogs); i++) {
		if (places->catalogs[i])
			directories[count++] = places->catalogs[i];
	}
	return psc_catalog_digest(directories, count, ret, reterr);
}

/* ---- output -------------------------------------------------------------------------------- */

static void put(FILE *out, const char *format, const json_t *data)
{
	if (strcmp(format, "html") == 0)
		psc_report_html(out, data);
	else if (strcmp(format, "csv") == 0)
		psc_report_csv(out, data);
	else {
		fputs("{\"schema\":1,\"verb\":\"report\",\"data\":", out);
		json_dumpf(data, out, JSON_COMPACT);
		fputs("}\n", out);
	}
}

/* As a whole, or what was there before. */
static int write_file(const char *path, const char *text, size_t size)
{
	_cleanup_(psc_durable_end) struct psc_durable file = PSC_DURABLE_NONE;
	int r = psc_durable_begin(AT_FDCWD, path, &file);

	if (r >= 0)
		r = psc_durable_write(&file, text, size);
	if (r >= 0)
		r = psc_durable_replace(&file);
	return r < 0 ? r : psc_durable_settle(&file);
}

static int output(struct psc_cli *cli, const struct given *given, const json_t *data)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out;
	int r;

	if (!given->output) {
		put(cli->out, given->format, data);
		return PSC_EXIT_OK;
	}
	out = open_memstream(&text, &size);
	if (!out)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	put(out, given->format, data);
	if (fclose(out) != 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	r = write_file(given->output, text, size);
	if (r < 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "%s: %s", given->output,
				    strerror(-r));
	return PSC_EXIT_OK;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int build(struct psc_cli *cli, const struct given *given, struct psc_report_input *input,
		 json_t **ret)
{
	const struct psc_chain_verify_options options = {
		.keys = (const struct psc_chain_key *const *)given->keys,
		.key_count = given->key_count,
		.anchors = given->anchors,
		.anchor_count = given->anchor_count,
	};
	_cleanup_json_ json_t *summary = given->scan ? scan_summary(given->scan) : NULL;
	struct psc_chain_report chain;
	int r = read_log(cli, given->directory, input->report, &input->damaged);

	if (r != PSC_EXIT_OK)
		return r;
	r = psc_chain_verify(given->directory, &options, &chain);
	if (r < 0)
		return psc_log_directory_fail(cli, given->directory, r);
	if (given->scan && read_scan(given->scan, input->report, given->until) < 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	input->chain = &chain;
	input->scan_recorded = !summary && psc_report_scan(input->report);
	input->scan = summary ? summary : psc_report_scan(input->report);
	if (psc_report_build(input, ret) < 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	return PSC_EXIT_OK;
}

static int make(struct psc_cli *cli, const struct given *given, const struct psc_policy_host *host,
		const struct psc_profile *profile)
{
	const struct psc_report_options options = {
		.from = given->from,
		.until = given->until,
		.profile = profile,
		.catalog = &host->set.catalog,
	};
	_cleanup_(psc_report_freep) struct psc_report *report = NULL;
	_cleanup_json_ json_t *data = NULL;
	struct psc_report_input input = {
		.profile = profile,
		.host = host,
		.directory = given->directory,
		.from = given->from,
		.until = given->until,
		.now = given->now,
		.submitted = given->submitted,
		.zone = given->zone,
		.anchored = given->anchor_count > 0,
	};
	struct psc_error error = {0};
	int r = catalog_digest(&host->places, input.catalog, &error);

	if (r < 0)
		return psc_policy_fail(cli, r, &error);
	if (psc_report_new(&options, &report) < 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	input.report = report;
	r = build(cli, given, &input, &data);
	if (r == PSC_EXIT_OK)
		r = output(cli, given, data);
	if (r == PSC_EXIT_OK && (input.damaged || psc_json_at(data, "chain.fault"))) {
		psc_cli_note(cli, "the log is not whole, the report says where");
		return PSC_EXIT_INVALID;
	}
	return r;
}

static int report_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(given_clear) struct given given = {0};
	_cleanup_(psc_policy_host_clear) struct psc_policy_host host = {0};
	_cleanup_(psc_profile_freep) struct psc_profile *profile = NULL;
	struct psc_error error = {0};
	int r = take_options(cli, &given);

	if (r != PSC_EXIT_OK)
		return r;
	r = psc_policy_host_load(cli, given.until, &host, &error);
	if (r < 0)
		return psc_policy_fail(cli, r, &error);
	r = take_profile(cli, &host, &profile);
	return r == PSC_EXIT_OK ? make(cli, &given, &host, profile) : r;
}

static const struct psc_option report_options[] = {
	{"profile", "PROFILE", "id or path; without it, the active one if there is only one"},
	{"since", "TIME", "from then on: 2026-01-31, 30d (default: the log's first record)"},
	{"until", "TIME", "up to then (default: now)"},
	{"format", "FORMAT", "html (default), json or csv"},
	{"output", "FILE", "write it there, as a whole, instead of printing it"},
	{"submitted", "DATE", "when the first report was handed in; the next one counts from it"},
	{"timezone", "ZONE",
	 "whose days count for dates of duties: America/New_York (default: UTC)"},
	{"scan", "FILE",
	 "what `proscribe scan --json` printed, instead of the last scan that the log has"},
	{"dir", "DIR", "directory of the log (default: as configured, " PSC_PATH_LOG ")"},
	{"key", "FILE...",
	 "public key (PEM) that signed it; may be given again (default: this "
	 "host's, " PSC_PATH_LOG_PUBLIC ")"},
	{"anchor", "FILE", "lines that `log anchor` printed, kept elsewhere since"},
	PSC_POLICY_OPTIONS_HOST,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_report = {
	.name = "report",
	.run = report_run,
	.arguments = "",
	.summary = "Makes a report out of the audit log: evidence about one prohibition",
	.options = report_options,
	.help = "One page (or JSON, CSV) that stands alone: what is prohibited from when and on which\n"
		"basis; what was found, first and last; refused, exempted, decided; when the guard was\n"
		"on and what it may have missed; whether the log is whole; a statement that nothing was\n"
		"found, with its method; drafts and dates of the reports that the profile asks for.\n"
		"It is evidence, no statement of compliance. Exit status 4: the log is not whole; the\n"
		"report is written and says where.\n\n"
		"Examples:\n"
		"  proscribe report --since 30d --output report.html\n"
		"  proscribe report --profile us-ndaa-1634-far-52.204-23 --submitted 2026-02-03\n"
		"  proscribe report --profile us-bod-17-01 --scan scan.json --format json\n",
};
