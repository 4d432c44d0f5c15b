/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_filter.c - see log_filter.h.
 */
#include <errno.h>
#include <strings.h>

#include "user/cli/log_filter.h"
#include "user/cli/output.h"
#include "user/core/escape.h"
#include "user/core/json.h"
#include "user/core/names.h"
#include "user/core/timefmt.h"

void psc_log_filter_clear(struct psc_log_filter *filter)
{
	free(filter->product);
}

static int read_time(struct psc_cli *cli, const char *option, uint64_t *ret)
{
	const char *text = psc_cli_option(cli, option);

	if (text && psc_time_parse_since(text, psc_time_now(), ret) < 0)
		return psc_cli_usage(cli, "'%s' is no time: 2026-01-31T12:00:00Z, 30m, 1h, 2d",
				     text);
	return PSC_EXIT_OK;
}

static int read_pid(struct psc_cli *cli, uint64_t *ret)
{
	const char *text = psc_cli_option(cli, "pid");
	unsigned long long pid;
	char *end;

	if (!text)
		return PSC_EXIT_OK;
	errno = 0;
	pid = strtoull(text, &end, 10);
	if (errno || *end || *text < '1' || *text > '9' || pid > INT32_MAX)
		return psc_cli_usage(cli, "'%s' is no process number", text);
	*ret = pid;
	return PSC_EXIT_OK;
}

static int read_words(struct psc_cli *cli, struct psc_log_filter *ret)
{
	enum psc_verdict verdict;
	enum psc_op op;

	ret->verdict = psc_cli_option(cli, "verdict");
	ret->op = psc_cli_option(cli, "op");
	ret->action = psc_cli_option(cli, "action");
	ret->container = psc_cli_option(cli, "container");
	if (ret->verdict && psc_verdict_from_string(ret->verdict, &verdict) < 0)
		return psc_cli_usage(cli, "'%s' is no verdict: allow, record, deny, would_deny",
				     ret->verdict);
	if (ret->op && psc_op_from_string(ret->op, &op) < 0)
		return psc_cli_usage(cli, "'%s' is no operation: exec, load, open, ...", ret->op);
	if (ret->action && (!*ret->action || ret->action[strspn(ret->action, "abcdefghijklmnopqrstu"
									     "vwxyz_")]))
		return psc_cli_usage(cli, "'%s' is no action: exec, start, reload, ring_loss, ...",
				     ret->action);
	if (ret->container && !*ret->container)
		return psc_cli_usage(cli, "--container needs the beginning of an id");
	return PSC_EXIT_OK;
}

int psc_log_filter_read(struct psc_cli *cli, struct psc_log_filter *ret)
{
	const char *product = psc_cli_option(cli, "product");
	int r = read_time(cli, "since", &ret->since_ns);

	if (r == PSC_EXIT_OK)
		r = read_time(cli, "until", &ret->until_ns);
	if (r == PSC_EXIT_OK)
		r = read_pid(cli, &ret->pid);
	if (r == PSC_EXIT_OK)
		r = read_words(cli, ret);
	if (r == PSC_EXIT_OK && product) {
		ret->product = psc_escape_string(product);
		if (!ret->product)
			return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	}
	return r;
}

/* Records are compact JSON: what a matching one must contain, to the letter. */
static int look_for(struct psc_auditlog_reader *reader, const char *key, const char *value,
		    const char *quote)
{
	char text[64];

	if (!value)
		return 0;
	if (snprintf(text, sizeof(text), "\"%s\":%s%s%s", key, quote, value, quote) >=
	    (int)sizeof(text))
		return -E2BIG;
	return psc_auditlog_reader_only(reader, text);
}

int psc_log_filter_open(const struct psc_log_filter *filter, const char *directory, bool follow,
			struct psc_auditlog_reader **ret)
{
	struct psc_auditlog_reader *reader;
	char pid[24] = "";
	int r = psc_auditlog_reader_new(directory, filter->since_ns, follow, &reader);

	if (r < 0)
		return r;
	if (filter->until_ns)
		psc_auditlog_reader_until(reader, filter->until_ns);
	snprintf(pid, sizeof(pid), "%llu", (unsigned long long)filter->pid);
	/* only to be faster: what does not fit is compared with the record alone */
	look_for(reader, "verdict", filter->verdict, "\"");
	look_for(reader, "op", filter->op, "\"");
	look_for(reader, "action", filter->action, "\"");
	look_for(reader, "pid", filter->pid ? pid : NULL, "");
	*ret = reader;
	return 0;
}

/* A record whose time is not understood is shown rather than lost. */
static bool in_time(const struct psc_log_filter *filter, const json_t *record)
{
	const char *text = psc_json_text(record, "@timestamp", "");
	uint64_t ns;

	if ((!filter->since_ns && !filter->until_ns) || psc_time_parse(text, &ns) < 0)
		return true;
	return ns >= filter->since_ns && (!filter->until_ns || ns <= filter->until_ns);
}

static bool is_text(const json_t *record, const char *path, const char *wanted)
{
	return !wanted || strcmp(psc_json_text(record, path, ""), wanted) == 0;
}

static bool begins(const json_t *record, const char *path, const char *wanted)
{
	return strncmp(psc_json_text(record, path, ""), wanted, strlen(wanted)) == 0;
}

static bool of_process(const json_t *record, uint64_t pid)
{
	return !pid || (uint64_t)psc_json_number(record, "process.pid", 0) == pid ||
	       (uint64_t)psc_json_number(record, "proscribe.pid", 0) == pid;
}

static bool in_container(const json_t *record, const char *id)
{
	return !id || begins(record, "container.id", id) ||
	       begins(record, "orchestrator.resource.id", id);
}

bool psc_log_filter_matches(const struct psc_log_filter *filter, const json_t *record)
{
	return in_time(filter, record) && is_text(record, "proscribe.verdict", filter->verdict) &&
	       is_text(record, "proscribe.op", filter->op) &&
	       is_text(record, "event.action", filter->action) && of_process(record, filter->pid) &&
	       in_container(record, filter->container) &&
	       (!filter->product ||
		strcasecmp(psc_json_text(record, "proscribe.product", ""), filter->product) == 0);
}

void psc_log_note_damaged(struct psc_cli *cli, const struct psc_auditlog_line *line, int error)
{
	if (error < 0)
		psc_cli_note(cli, "%s: %s", line->file ? line->file : "?", strerror(-error));
	else if (line->line)
		psc_cli_note(cli, "%s:%llu: damaged record: %s", line->file,
			     (unsigned long long)line->line, line->error);
	else
		psc_cli_note(cli, "%s: damaged record at offset %llu: %s", line->file,
			     (unsigned long long)line->offset, line->error);
}
