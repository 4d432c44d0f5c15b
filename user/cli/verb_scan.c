/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_scan.c - `proscribe scan`: looks for products of the catalog and says what was looked
 * at. Works without daemon; without root it sees what the caller may see, and says so.
 */
#include <errno.h>
#include <sys/resource.h>

#include "user/cli/output.h"
#include "user/cli/policy_verbs.h"
#include "user/cli/scan.h"

#define SCAN_THREADS 64

static void scan_progress(const struct psc_scan_counts *counts, void *data)
{
	struct psc_cli *cli = data;
	char bytes[32];

	fprintf(cli->err, "\r\033[K%llu names, %llu files (%s) examined",
		(unsigned long long)counts->names, (unsigned long long)counts->examined,
		psc_output_bytes(counts->bytes, bytes));
	fflush(cli->err);
}

static void scan_progress_end(struct psc_cli *cli)
{
	fputs("\r\033[K", cli->err);
	fflush(cli->err);
}

static int scan_add_one(struct psc_cli *cli, struct psc_scan *scan, enum psc_scan_target target,
			const char *path)
{
	int r = psc_scan_add(scan, target, path);

	if (r >= 0)
		return PSC_EXIT_OK;
	return psc_cli_fail(cli, r == -ENOENT || r == -ENOTDIR ? PSC_EXIT_INVALID : PSC_EXIT_FAILED,
			    r == -EACCES ? "run it as root" : NULL, "%s: %s", path, strerror(-r));
}

static int scan_add_all(struct psc_cli *cli, struct psc_scan *scan, int argc, char **argv)
{
	static const struct {
		const char *option;
		enum psc_scan_target target;
	} options[] = {
		{"root", PSC_SCAN_ROOT},
		{"image", PSC_SCAN_IMAGE},
		{"package", PSC_SCAN_PACKAGE},
	};
	bool any = argc > 0;
	int r = PSC_EXIT_OK;

	for (int i = 0; i < argc && r == PSC_EXIT_OK; i++)
		r = scan_add_one(cli, scan, PSC_SCAN_TREE, argv[i]);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *path;
		size_t at = 0;

		while (r == PSC_EXIT_OK &&
		       (path = psc_cli_option_next(cli, options[i].option, &at))) {
			r = scan_add_one(cli, scan, options[i].target, path);
			any = true;
		}
	}
	if (r == PSC_EXIT_OK && (!any || psc_cli_option(cli, "host")))
		r = scan_add_one(cli, scan, PSC_SCAN_HOST, "/");
	return r;
}

static int scan_options_read(struct psc_cli *cli, struct psc_scan_options *options)
{
	const char *threads = psc_cli_option(cli, "threads");
	char *end;
	unsigned long n;

	options->network = psc_cli_option(cli, "network");
	options->archives = psc_cli_option(cli, "archives");
	if (psc_cli_option(cli, "csv") && cli->json)
		return psc_cli_usage(cli, "either --csv or --json");
	if (threads) {
		n = strtoul(threads, &end, 10);
		if (*end || n < 1 || n > SCAN_THREADS)
			return psc_cli_usage(cli, "--threads '%s': a number from 1 to %d", threads,
					     SCAN_THREADS);
		options->threads = (unsigned int)n;
	}
	if (isatty(fileno(cli->err))) {
		options->progress = scan_progress;
		options->progress_data = cli;
	}
	return PSC_EXIT_OK;
}

/* Directories that wait are kept open: as many as we may. */
static void scan_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int scan_exit(const struct psc_scan_result *result)
{
	if (result->findings)
		return PSC_EXIT_LISTED;
	return result->complete ? PSC_EXIT_OK : PSC_EXIT_FAILED;
}

static int scan_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(psc_scan_knowledge_clear) struct psc_scan_knowledge knowledge = {0};
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;
	struct psc_scan_options options = {0};
	const struct psc_scan_result *result;
	json_t *data;
	int r, error;

	r = scan_options_read(cli, &options);
	if (r == PSC_EXIT_OK)
		r = psc_scan_knowledge_load(cli, &knowledge);
	if (r != PSC_EXIT_OK)
		return r;
	options.catalog = &knowledge.catalog;
	options.indicators = knowledge.indicators;
	options.list = knowledge.list;
	options.trust = knowledge.trust;
	scan_raise_limit();
	error = psc_scan_new(&options, &scan);
	if (error < 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "cannot begin: %s",
				    strerror(-error));
	r = scan_add_all(cli, scan, argc, argv);
	if (r != PSC_EXIT_OK)
		return r;
	error = psc_scan_run(scan);
	if (options.progress)
		scan_progress_end(cli);
	if (error < 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "the scan was broken off: %s",
				    strerror(-error));
	result = psc_scan_result(scan);
	data = psc_scan_to_json(result, &options, &knowledge);
	if (data)
		psc_scan_tell(data, !psc_cli_option(cli, "no-record"));
	return psc_cli_report(cli, scan_exit(result), data,
			      psc_cli_option(cli, "csv") ? psc_scan_render_csv : psc_scan_render);
}

static const struct psc_option scan_options[] = {
	{"host", NULL, "this host: local file systems and processes (without anything else: that)"},
	{"root", "DIR...", "a directory that is the root of a system; may be given again"},
	{"image", "TAR...", "a container image of docker save or OCI; may be given again"},
	{"package", "FILE...", "a package, and what is in it; may be given again"},
	{"archives", NULL, "look into archives that lie in directories, too"},
	{"network", NULL, "enter network file systems and FUSE, too"},
	{"threads", "N", "how many at a time (default: as many as cores)"},
	{"csv", NULL, "print the findings as CSV"},
	{"no-record", NULL, "do not have the daemon write a record of it into the audit log"},
	{"trust", "DIR", "certificates that signers' chains may end at, beside the host's"},
	PSC_POLICY_OPTIONS_CATALOG,
	PSC_POLICY_OPTIONS_CONFIG,
	PSC_POLICY_OPTIONS_LISTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_scan = {
	.name = "scan",
	.run = scan_run,
	.most_arguments = -1,
	.arguments = "[PATH...]",
	.summary =
		"Looks for products of the catalog on this host, in directories, packages, images",
	.options = scan_options,
	.help = "Compares files, package databases, units, accounts and processes with the rules and\n"
		"digests of the catalog, and lists every rule that holds with its source. Then it\n"
		"says what was looked at and what could not be read: that is the nil statement when\n"
		"nothing was found and nothing was left out. Changes nothing; needs no daemon. If one\n"
		"runs and you are root, scope, method, counts and result become a record of its audit\n"
		"log, which a report uses.\n\n"
		"Exit status 5: something was found. 0: nothing was, and everything in the scope was\n"
		"read. 1: nothing was, but the scan is incomplete: no nil statement.\n\n"
		"Examples:\n"
		"  proscribe scan\n"
		"  proscribe scan --root /mnt/disk --json > scan.json\n"
		"  proscribe scan --package kesl_12.0.0-1_amd64.deb\n"
		"  docker save app:1.2 | gzip > app.tar.gz && proscribe scan --image app.tar.gz\n",
};
