/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what the verbs of the command line share: the verb table's form, options,
 * results, errors. Only for user/cli.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "user/core/util.h"
#include "user/core/error.h"

enum psc_exit {
	PSC_EXIT_OK = 0,
	PSC_EXIT_FAILED = 1,
	PSC_EXIT_USAGE = 2,
	PSC_EXIT_UNREACHABLE = 3, /* the daemon */
	PSC_EXIT_INVALID = 4,	  /* input */
	PSC_EXIT_LISTED = 5,	  /* listed, found or denied */
};

/* psc_verb.flags */
#define PSC_VERB_NEEDS_DAEMON (1U << 0)
#define PSC_VERB_NEEDS_ROOT   (1U << 1)

#define PSC_CLI_OPTIONS_MAX 16
#define PSC_CLI_GIVEN_MAX   256 /* options in one call, repeated ones included */

struct psc_cli;

struct psc_option {
	const char *name;     /* without the dashes; NULL ends the table */
	const char *argument; /* its name in the help, NULL: takes none; "X...": may come again */
	const char *help;
};

/* One verb. Help, completion and the check of arguments come from here. */
struct psc_verb {
	const char *name;					/* one word, or two: "list add" */
	int (*run)(struct psc_cli *cli, int argc, char **argv); /* returns enum psc_exit */
	unsigned int flags;
	int least_arguments;
	int most_arguments;    /* -1: any number */
	const char *arguments; /* in the help, "" for none */
	const char *summary;
	const struct psc_option *options; /* NULL: none */
	const char *help;		  /* explanation and examples */
};

/* One call of the command. */
struct psc_cli {
	const struct psc_verb *const *verbs; /* NULL ends the table */
	const struct psc_verb *verb;	     /* NULL as long as it is not known */
	FILE *out;
	FILE *err;
	bool json;
	bool colour; /* on out */
	const struct psc_option *given[PSC_CLI_GIVEN_MAX];
	const char *value[PSC_CLI_GIVEN_MAX];
	size_t given_count;
};

/* Finds the verb, reads its options, runs it. Returns enum psc_exit. */
int psc_cli_run(const struct psc_verb *const *verbs, int argc, char **argv, FILE *out, FILE *err);

/* The verb of up to two words at @argv; *@ret_words says how many it took. NULL: none. */
const struct psc_verb *psc_cli_find(const struct psc_cli *cli, int argc, char **argv,
				    int *ret_words);

/* Argument of the option @name, "" for one without; NULL when it was not given. */
const char *psc_cli_option(const struct psc_cli *cli, const char *name);

/* One after the other of an option that may be repeated; @at is 0 at first. NULL: no more. */
const char *psc_cli_option_next(const struct psc_cli *cli, const char *name, size_t *at);

/*
 * Says that the verb failed and returns @code: text on err, or the error envelope on
 * out with --json. @remedy (may be NULL) is what to do about it. Every string may be
 * of any bytes: they are escaped here, but for backslashes.
 */
int psc_cli_fail(struct psc_cli *cli, int code, const char *remedy, const char *format, ...)
	_printf_(4, 5);
int psc_cli_fail_at(struct psc_cli *cli, int code, const struct psc_error *error,
		    const char *remedy);

/* The same with what the interlock (psc_interlock_json(), may be NULL) objects to. */
int psc_cli_fail_objections(struct psc_cli *cli, int code, const struct psc_error *error,
			    const char *remedy, const json_t *objections);

/* Wrong use: one line that points to the help. Returns PSC_EXIT_USAGE. */
int psc_cli_usage(struct psc_cli *cli, const char *format, ...) _printf_(2, 3);

/* A remark on err that is no failure. */
void psc_cli_note(struct psc_cli *cli, const char *format, ...) _printf_(2, 3);

/*
 * Hands in the verb's result: @data (its reference is taken; NULL is a failure for want
 * of memory) in the envelope with --json, else what @render prints. Returns @code.
 */
int psc_cli_report(struct psc_cli *cli, int code, json_t *data,
		   void (*render)(FILE *out, const json_t *data, bool colour));

/* The options that several verbs have. */
#define PSC_OPTION_JSON                                                                            \
	{                                                                                          \
		"json", NULL, "print JSON: {\"schema\", \"verb\", \"data\"}"                       \
	}
#define PSC_OPTION_LISTS                                                                           \
	{                                                                                          \
		"lists", "DIR",                                                                    \
			"directory of the lists (default: the daemon's, else " PSC_PATH_LISTS ")"  \
	}
#define PSC_OPTION_OBJECTS                                                                         \
	{                                                                                          \
		"objects", "DIR", "directory of the objects (default: " PSC_PATH_OBJECTS ")"       \
	}
#define PSC_OPTION_NO_RELOAD                                                                       \
	{                                                                                          \
		"no-reload", NULL, "only change the file, do not have the daemon reload"           \
	}

extern const struct psc_verb psc_verb_status;
extern const struct psc_verb psc_verb_doctor;
extern const struct psc_verb psc_verb_digest;
extern const struct psc_verb psc_verb_scan;
extern const struct psc_verb psc_verb_explain;
extern const struct psc_verb psc_verb_list_add;
extern const struct psc_verb psc_verb_list_remove;
extern const struct psc_verb psc_verb_list_show;
extern const struct psc_verb psc_verb_list_import;
extern const struct psc_verb psc_verb_list_export;
extern const struct psc_verb psc_verb_catalog_check;
extern const struct psc_verb psc_verb_catalog_show;
extern const struct psc_verb psc_verb_catalog_stats;
extern const struct psc_verb psc_verb_catalog_search;
extern const struct psc_verb psc_verb_catalog_learn;
extern const struct psc_verb psc_verb_policy_check;
extern const struct psc_verb psc_verb_policy_show;
extern const struct psc_verb psc_verb_policy_test;
extern const struct psc_verb psc_verb_policy_diff;
extern const struct psc_verb psc_verb_policy_timeline;
extern const struct psc_verb psc_verb_policy_replay;
extern const struct psc_verb psc_verb_mode;
extern const struct psc_verb psc_verb_attest;
extern const struct psc_verb psc_verb_attest_list;
extern const struct psc_verb psc_verb_attest_remove;
extern const struct psc_verb psc_verb_override_list;
extern const struct psc_verb psc_verb_override_remove;
extern const struct psc_verb psc_verb_exempt;
extern const struct psc_verb psc_verb_exempt_list;
extern const struct psc_verb psc_verb_exempt_remove;
extern const struct psc_verb psc_verb_decide;
extern const struct psc_verb psc_verb_decide_list;
extern const struct psc_verb psc_verb_decide_remove;
extern const struct psc_verb psc_verb_window_open;
extern const struct psc_verb psc_verb_window_close;
extern const struct psc_verb psc_verb_window_list;
extern const struct psc_verb psc_verb_clock;
extern const struct psc_verb psc_verb_clock_accept;
extern const struct psc_verb psc_verb_reload;
extern const struct psc_verb psc_verb_log;
extern const struct psc_verb psc_verb_log_stats;
extern const struct psc_verb psc_verb_log_verify;
extern const struct psc_verb psc_verb_log_anchor;
extern const struct psc_verb psc_verb_report;
extern const struct psc_verb psc_verb_off;
extern const struct psc_verb psc_verb_help;
extern const struct psc_verb psc_verb_version;
