/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_help.c - `proscribe help`: all of it comes from the verb table. The shell's
 * completion asks the same table by --words.
 */
#include "user/cli/cli.h"
#include "user/cli/output.h"

static void print_overview(FILE *out, const struct psc_verb *const *verbs)
{
	fputs("proscribe keeps prohibited software from running on this host.\n\n"
	      "proscribe VERB [OPTIONS] [ARGUMENTS]\n\n",
	      out);
	for (size_t i = 0; verbs[i]; i++)
		fprintf(out, "  %-12s  %s\n", verbs[i]->name, verbs[i]->summary);
	fputs("\n'proscribe help VERB' explains a verb and gives examples. Results go to standard\n"
	      "output, remarks to standard error; --json prints the same as JSON.\n"
	      "Exit status: 0 ok, 1 failed, 2 wrong use, 3 daemon not reachable,\n"
	      "4 invalid input, 5 listed.\n",
	      out);
}

/* One word a line that can follow @argv: verbs' next words, else the verb's options. */
static void print_words(struct psc_cli *cli, int argc, char **argv)
{
	const struct psc_verb *verb = NULL;
	int words = 0;

	if (argc > 0)
		verb = psc_cli_find(cli, argc, argv, &words);
	if (verb) {
		for (const struct psc_option *o = verb->options; o && o->name; o++)
			fprintf(cli->out, "--%s\n", o->name);
		fputs("--help\n", cli->out);
		return;
	}
	for (size_t i = 0; cli->verbs[i]; i++) {
		const char *name = cli->verbs[i]->name;
		const char *space = strchrnul(name, ' ');
		size_t first = (size_t)(space - name);
		bool same = i > 0 && strncmp(name, cli->verbs[i - 1]->name, first + 1) == 0;

		if (argc == 0 && !same)
			fprintf(cli->out, "%.*s\n", (int)first, name);
		else if (argc > 0 && *space && strlen(argv[0]) == first &&
			 strncmp(name, argv[0], first) == 0)
			fprintf(cli->out, "%s\n", space + 1);
	}
}

/* "list" alone is no verb but begins several: their summaries. */
static bool print_family(struct psc_cli *cli, const char *word)
{
	size_t n = strlen(word);
	bool any = false;

	for (size_t i = 0; cli->verbs[i]; i++) {
		const struct psc_verb *verb = cli->verbs[i];

		if (strncmp(verb->name, word, n) != 0 || verb->name[n] != ' ')
			continue;
		fprintf(cli->out, "proscribe %-12s  %s\n", verb->name, verb->summary);
		any = true;
	}
	return any;
}

static int help_run(struct psc_cli *cli, int argc, char **argv)
{
	const struct psc_verb *verb;
	int words = 0;

	if (psc_cli_option(cli, "words")) {
		print_words(cli, argc, argv);
		return PSC_EXIT_OK;
	}
	if (argc == 0) {
		print_overview(cli->out, cli->verbs);
		return PSC_EXIT_OK;
	}
	verb = psc_cli_find(cli, argc, argv, &words);
	if (verb && words == argc)
		psc_output_verb_help(cli->out, verb);
	else if (argc > 1 || !print_family(cli, argv[0]))
		return psc_cli_usage(cli, "there is no verb '%s%s%s'", argv[0], argc > 1 ? " " : "",
				     argc > 1 ? argv[1] : "");
	return PSC_EXIT_OK;
}

static const struct psc_option help_options[] = {
	{"words", NULL, "print the words that can follow, one a line (for the shell's completion)"},
	{},
};

const struct psc_verb psc_verb_help = {
	.name = "help",
	.run = help_run,
	.most_arguments = 2,
	.arguments = "[VERB]",
	.summary = "Explains the verbs",
	.options = help_options,
	.help = "Examples:\n"
		"  proscribe help\n"
		"  proscribe help list add\n",
};
