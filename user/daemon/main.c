/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - proscribed: the command line of the daemon. */
#include "user/core/util.h"

#include <getopt.h>
#include <stdarg.h>

#include <bpf/libbpf.h>

#include "user/core/names.h"
#include "user/daemon/daemon.h"

static const char usage[] =
	"Usage: proscribed [--mode observe|enforce] [--config FILE] [--lists DIR] [--log DIR]\n"
	"\n"
	"Puts the guard into the kernel and keeps its audit log. Runs in the foreground.\n"
	"Ending it leaves the guard on; `proscribe off` removes it.\n"
	"\n"
	"  --mode MODE    observe records what enforce would refuse (default: observe)\n"
	"  --config FILE  configuration (default: /etc/proscribe/proscribe.yaml if it is there)\n"
	"  --lists DIR    lists of digests, *.csv (default: /etc/proscribe/lists.d)\n"
	"  --log DIR      audit log (default: /var/log/proscribe)\n"
	"  --without NAME do without an optional capability of the kernel: execve_check,\n"
	"                 file_post_open, real_inode (may be repeated)\n"
	"  --debug        also say what the kernel's verifier says\n"
	"  --version      print the version\n";

static const struct option options[] = {
	{"mode", required_argument, NULL, 'm'},
	{"config", required_argument, NULL, 'c'},
	{"lists", required_argument, NULL, 'l'},
	{"log", required_argument, NULL, 'L'},
	{"without", required_argument, NULL, 'w'},
	{"debug", no_argument, NULL, 'd'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{},
};

static int print_nothing(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

static int print_debug(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return vfprintf(stderr, fmt, args);
}

/* What the guard can do without; the other features choose between equal programs. */
static const enum psc_feature optional[] = {
	PSC_FEATURE_EXECVE_CHECK,
	PSC_FEATURE_FILE_POST_OPEN,
	PSC_FEATURE_REAL_INODE,
};

static int parse_without(const char *name, uint64_t *without)
{
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		if (strcmp(name, psc_feature_to_string(optional[i])))
			continue;
		*without |= 1ULL << optional[i];
		return 0;
	}
	psc_say("--without knows execve_check, file_post_open and real_inode");
	return -1;
}

/* Others are told these paths (status), and reload reads them again: never relative. */
static const char *absolute(const char *path)
{
	_cleanup_free_ char *directory = NULL;
	char *joined;

	if (path[0] == '/')
		return path;
	directory = getcwd(NULL, 0);
	return directory && asprintf(&joined, "%s/%s", directory, path) >= 0 ? joined : path;
}

/* 0 to go on; else the process ends with *ret_status. */
static int parse(int argc, char **argv, struct psc_options *ret, int *ret_status)
{
	enum psc_mode mode;
	int c;

	*ret_status = 2;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			if (psc_mode_from_string(optarg, &mode) < 0) {
				psc_say("--mode is observe or enforce");
				return -1;
			}
			ret->mode = mode;
			break;
		case 'w':
			if (parse_without(optarg, &ret->without) < 0)
				return -1;
			break;
		case 'c':
			ret->config = absolute(optarg);
			break;
		case 'l':
			ret->lists = absolute(optarg);
			break;
		case 'L':
			ret->log = absolute(optarg);
			break;
		case 'd':
			ret->debug = true;
			break;
		case 'h':
		case 'V':
			fputs(c == 'h' ? usage : "proscribed " PSC_VERSION "\n", stdout);
			*ret_status = 0;
			return -1;
		default:
			psc_say("see proscribed --help");
			return -1;
		}
	}
	if (optind < argc) {
		psc_say("takes no arguments; see proscribed --help");
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct psc_daemon daemon = {
		.options.mode = -1,
		.next = PSC_DURABLE_NONE,
		.canary.fd = -1,
		.epoll_fd = -1,
		.signal_fd = -1,
		.timer_fd = -1,
		.clock_fd = -1,
		.control_fd = -1,
		.lock_fd = -1,
		.resolver_fd = -1,
		.sinks.journald_fd = -1,
	};
	int status;

	if (parse(argc, argv, &daemon.options, &status) < 0)
		return status;
	libbpf_set_print(daemon.options.debug ? print_debug : print_nothing);
	return psc_daemon_run(&daemon);
}
