/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.c - finding the verb, options, results and errors, see cli.h.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>

#include "user/cli/cli.h"
#include "user/cli/output.h"
#include "user/core/json.h"

#define JSON_SCHEMA 1

/* ---- results ---------------------------------------------------------------- */

static const char *verb_name(const struct psc_cli *cli)
{
	return cli->verb ? cli->verb->name : "";
}

/* Takes the reference @value. */
static void print_envelope(struct psc_cli *cli, const char *member, json_t *value)
{
	_cleanup_json_ json_t *envelope = json_pack("{s:i,s:s,s:o}", "schema", JSON_SCHEMA, "verb",
						    verb_name(cli), member, value);

	if (envelope)
		json_dumpf(envelope, cli->out, JSON_INDENT(2));
	fputc('\n', cli->out);
}

int psc_cli_report(struct psc_cli *cli, int code, json_t *data,
		   void (*render)(FILE *out, const json_t *data, bool colour))
{
	if (!data)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	if (cli->json) {
		print_envelope(cli, "data", data);
		return code;
	}
	render(cli->out, data, cli->colour);
	json_decref(data);
	return code;
}

static json_t *safe_string(const char *text)
{
	char buffer[1024];

	psc_output_safe(text, buffer, sizeof(buffer));
	return json_string(buffer);
}

static void fail_json(struct psc_cli *cli, const struct psc_error *error, const char *remedy,
		      const json_t *objections)
{
	json_t *value = json_object();

	json_object_set_new(value, "message", safe_string(error->message));
	if (error->file[0])
		json_object_set_new(value, "file", safe_string(error->file));
	if (error->line)
		json_object_set_new(value, "line", json_integer(error->line));
	if (error->column)
		json_object_set_new(value, "column", json_integer(error->column));
	if (remedy && *remedy)
		json_object_set_new(value, "remedy", safe_string(remedy));
	if (objections)
		json_object_set(value, "objections", (json_t *)objections);
	print_envelope(cli, "error", value);
}

int psc_cli_fail_at(struct psc_cli *cli, int code, const struct psc_error *error,
		    const char *remedy)
{
	return psc_cli_fail_objections(cli, code, error, remedy, NULL);
}

int psc_cli_fail_objections(struct psc_cli *cli, int code, const struct psc_error *error,
			    const char *remedy, const json_t *objections)
{
	char line[PSC_ERROR_FILE_SIZE + PSC_ERROR_MESSAGE_SIZE + 32];

	if (cli->json) {
		fail_json(cli, error, remedy, objections);
		return code;
	}
	fflush(cli->out);
	fputs("proscribe: ", cli->err);
	psc_output_text(cli->err, psc_error_format(error, line, sizeof(line)));
	fputc('\n', cli->err);
	psc_output_objections(cli->err, objections);
	if (remedy && *remedy) {
		fputs("  remedy: ", cli->err);
		psc_output_text(cli->err, remedy);
		fputc('\n', cli->err);
	}
	return code;
}

int psc_cli_fail(struct psc_cli *cli, int code, const char *remedy, const char *format, ...)
{
	struct psc_error error = {};
	va_list ap;

	va_start(ap, format);
	vsnprintf(error.message, sizeof(error.message), format, ap);
	va_end(ap);
	return psc_cli_fail_at(cli, code, &error, remedy);
}

int psc_cli_usage(struct psc_cli *cli, const char *format, ...)
{
	struct psc_error error = {};
	char see[64];
	va_list ap;

	va_start(ap, format);
	vsnprintf(error.message, sizeof(error.message), format, ap);
	va_end(ap);
	snprintf(see, sizeof(see), "see 'proscribe help%s%s'", cli->verb ? " " : "",
		 verb_name(cli));
	if (cli->json) {
		fail_json(cli, &error, see, NULL);
		return PSC_EXIT_USAGE;
	}
	fprintf(cli->err, "proscribe%s%s: ", cli->verb ? " " : "", verb_name(cli));
	psc_output_text(cli->err, error.message);
	fprintf(cli->err, "; %s\n", see);
	return PSC_EXIT_USAGE;
}

void psc_cli_note(struct psc_cli *cli, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fflush(cli->out);
	fputs("proscribe: note: ", cli->err);
	psc_output_text(cli->err, text);
	fputc('\n', cli->err);
}

/* ---- verbs and options ----------------------------------------------------------- */

static bool name_matches(const char *name, const char *first, const char *second)
{
	size_t n = strlen(first);

	if (strncmp(name, first, n) != 0)
		return false;
	if (!second)
		return name[n] == '\0';
	return name[n] == ' ' && strcmp(name + n + 1, second) == 0;
}

const struct psc_verb *psc_cli_find(const struct psc_cli *cli, int argc, char **argv,
				    int *ret_words)
{
	for (int words = argc < 2 ? argc : 2; words > 0; words--)
		for (size_t i = 0; cli->verbs[i]; i++)
			if (name_matches(cli->verbs[i]->name, argv[0],
					 words == 2 ? argv[1] : NULL)) {
				*ret_words = words;
				return cli->verbs[i];
			}
	return NULL;
}

const char *psc_cli_option_next(const struct psc_cli *cli, const char *name, size_t *at)
{
	while (*at < cli->given_count) {
		size_t i = (*at)++;

		if (strcmp(cli->given[i]->name, name) == 0)
			return cli->value[i];
	}
	return NULL;
}

const char *psc_cli_option(const struct psc_cli *cli, const char *name)
{
	size_t at = 0;

	return psc_cli_option_next(cli, name, &at);
}

static bool option_repeats(const struct psc_option *option)
{
	return option->argument && strstr(option->argument, "...");
}

static const struct psc_option option_help = {"help", NULL, "print this help"};

/* Form of getopt_long() for the verb's options and --help. */
static size_t options_prepare(const struct psc_verb *verb, struct option *longs,
			      const struct psc_option **table)
{
	size_t n = 0;

	for (const struct psc_option *o = verb->options; o && o->name; o++) {
		longs[n] = (struct option){
			.name = o->name,
			.has_arg = o->argument ? required_argument : no_argument,
		};
		table[n++] = o;
	}
	longs[n] = (struct option){.name = option_help.name};
	table[n++] = &option_help;
	longs[n] = (struct option){};
	return n;
}

static int option_take(struct psc_cli *cli, const struct psc_option *option)
{
	if (psc_cli_option(cli, option->name) && !option_repeats(option))
		return psc_cli_usage(cli, "--%s is given twice", option->name);
	if (cli->given_count == PSC_CLI_GIVEN_MAX)
		return psc_cli_usage(cli, "more than %d options", PSC_CLI_GIVEN_MAX);
	cli->given[cli->given_count] = option;
	cli->value[cli->given_count++] = option->argument ? optarg : "";
	return PSC_EXIT_OK;
}

/* Two options have a letter, too: -h, and -o for --output where the verb has that. */
static const struct psc_option *option_by_letter(const struct psc_verb *verb, int letter)
{
	if (letter == 'h')
		return &option_help;
	for (const struct psc_option *o = verb->options; o && o->name; o++) {
		if (strcmp(o->name, "output") == 0)
			return o;
	}
	return NULL;
}

/* Options to cli->given; arguments are moved behind them, from *@ret_first on. */
static int options_read(struct psc_cli *cli, int argc, char **argv, int *ret_first)
{
	struct option longs[PSC_CLI_OPTIONS_MAX + 2];
	const struct psc_option *table[PSC_CLI_OPTIONS_MAX + 1];
	const struct psc_option *option;
	int c, index, r;

	options_prepare(cli->verb, longs, table);
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, ":ho:", longs, &index)) != -1) {
		if (c == ':')
			return psc_cli_usage(cli, "%s needs an argument", argv[optind - 1]);
		if (c == '?' && optopt && optopt != 'h')
			return psc_cli_usage(cli, "unknown option -%c", optopt);
		if (c == '?')
			return psc_cli_usage(cli, "unknown option %s", argv[optind - 1]);
		option = c ? option_by_letter(cli->verb, c) : table[index];
		if (!option)
			return psc_cli_usage(cli, "unknown option -%c", c);
		r = option_take(cli, option);
		if (r != PSC_EXIT_OK)
			return r;
	}
	*ret_first = optind;
	return PSC_EXIT_OK;
}

static int arguments_check(struct psc_cli *cli, int count, char **arguments)
{
	const struct psc_verb *verb = cli->verb;

	if (count < verb->least_arguments)
		return psc_cli_usage(cli, "needs %s", verb->arguments);
	if (verb->most_arguments >= 0 && count > verb->most_arguments)
		return psc_cli_usage(cli, "what is '%s'?", arguments[verb->most_arguments]);
	return PSC_EXIT_OK;
}

static int verb_run(struct psc_cli *cli, int argc, char **argv)
{
	int first = 0, r;

	r = options_read(cli, argc, argv, &first);
	if (r != PSC_EXIT_OK)
		return r;
	cli->json = cli->json || psc_cli_option(cli, "json");
	if (psc_cli_option(cli, "help")) {
		psc_output_verb_help(cli->out, cli->verb);
		return PSC_EXIT_OK;
	}
	r = arguments_check(cli, argc - first, argv + first);
	if (r != PSC_EXIT_OK)
		return r;
	if ((cli->verb->flags & PSC_VERB_NEEDS_ROOT) && geteuid() != 0)
		return psc_cli_fail(cli, PSC_EXIT_FAILED, "run it as root", "%s is for root only",
				    cli->verb->name);
	return cli->verb->run(cli, argc - first, argv + first);
}

/* A result that did not reach its file is a failure, whatever the verb thought. */
static int finish_output(struct psc_cli *cli, int code)
{
	bool failed = ferror(cli->out) != 0;

	if (fflush(cli->out) == 0 && !failed)
		return code;
	fprintf(cli->err, "proscribe: cannot write the output: %s\n", strerror(errno));
	return PSC_EXIT_FAILED;
}

static bool wants_json(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

/* "list" alone is no verb, but begins several: then these are named. */
static int unknown_verb(struct psc_cli *cli, const char *word)
{
	size_t n = strlen(word), used = 0;
	char seconds[128] = "";

	for (size_t i = 0; cli->verbs[i]; i++) {
		const char *name = cli->verbs[i]->name;

		if (strncmp(name, word, n) == 0 && name[n] == ' ' && used < sizeof(seconds))
			used += (size_t)snprintf(seconds + used, sizeof(seconds) - used, "%s%s",
						 used ? ", " : "", name + n + 1);
	}
	if (used)
		return psc_cli_usage(cli, "'%s' needs one of: %s", word, seconds);
	return psc_cli_usage(cli, "there is no verb '%s'", word);
}

int psc_cli_run(const struct psc_verb *const *verbs, int argc, char **argv, FILE *out, FILE *err)
{
	struct psc_cli cli = {.verbs = verbs, .out = out, .err = err};
	char *alias[] = {NULL, NULL};
	int words = 0;

	cli.colour = psc_output_colour(out);
	if (argc < 2)
		return psc_cli_usage(&cli, "no verb is given");
	cli.json = wants_json(argc - 1, argv + 1);
	alias[0] = argv[1];
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		alias[0] = (char *)"help";
	else if (strcmp(argv[1], "--version") == 0)
		alias[0] = (char *)"version";
	if (alias[0] != argv[1])
		cli.verb = psc_cli_find(&cli, 1, alias, &words);
	else
		cli.verb = psc_cli_find(&cli, argc - 1, argv + 1, &words);
	if (!cli.verb)
		return unknown_verb(&cli, argv[1]);
	/* The last word of the verb stands where getopt_long() expects the program's name. */
	return finish_output(&cli, verb_run(&cli, argc - words, argv + words));
}
