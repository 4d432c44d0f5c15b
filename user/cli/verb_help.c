/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_help.c - `proscribe help`: all of it comes from the verb table. The shell's
 * completion asks the same table by --words.
 */
#include "user/cli/cli.h"
#include "user/cli/output.h"

/* For a column of names. */
static int longest_name(const struct psc_verb *const *verbs)
{
	size_t longest = 0;

	for (size_t i = 0; verbs[i]; i++) {
		if (strlen(verbs[i]->name) > longest)
			longest = strlen(verbs[i]->name);
	}
	return (int)longest;
}

static void print_overview(FILE *out, const struct psc_verb *const *verbs)
{
	fputs("proscribe keeps prohibited software from running on this host.\n\n"
	      "proscribe VERB [OPTIONS] [ARGUMENTS]\n\n",
	      out);
	for (size_t i = 0; verbs[i]; i++)
		fprintf(out, "  %-*s  %s\n", longest_name(verbs), verbs[i]->name,
			verbs[i]->summary);
	fputs("\n'proscribe help VERB' explains a verb and gives examples. Results go to standard\n"
	      "output, remarks to standard error; --json prints the same as JSON.\n"
	      "Exit status: 0 ok, 1 failed, 2 wrong use, 3 daemon not reachable,\n"
	      "4 invalid input, 5 listed.\n",
	      out);
}

/* Whether the first words of two verbs are the same. */
static bool same_family(const char *a, const char *b)
{
	size_t n = strcspn(a, " ");

	return n == strcspn(b, " ") && strncmp(a, b, n) == 0;
}

/*
 * One word a line that can follow @argv: verbs' next words, and the options of the verb that
 * is complete already.
 */
static void print_words(struct psc_cli *cli, int argc, char **argv)
{
	const struct psc_verb *verb = NULL;
	int words = 0;

	if (argc > 0)
		verb = psc_cli_find(cli, argc, argv, &words);
	for (size_t i = 0; cli->verbs[i]; i++) {
		const char *name = cli->verbs[i]->name;
		const char *space = strchrnul(name, ' ');
		size_t first = (size_t)(space - name);
		bool same = i > 0 && same_family(name, cli->verbs[i - 1]->name);

		if (argc == 0 && !same)
			fprintf(cli->out, "%.*s\n", (int)first, name);
		else if (argc == 1 && *space && same_family(name, argv[0]))
			fprintf(cli->out, "%s\n", space + 1);
	}
	if (!verb)
		return;
	for (const struct psc_option *o = verb->options; o && o->name; o++)
		fprintf(cli->out, "--%s\n", o->name);
	fputs("--help\n", cli->out);
}

/*
 * "list" alone is no verb but begins several, "exempt" does both: summaries of those with a
 * second word, @before ahead of them.
 */
static bool print_family(struct psc_cli *cli, const char *word, const char *before)
{
	size_t n = strlen(word);
	bool any = false;

	for (size_t i = 0; cli->verbs[i]; i++) {
		const struct psc_verb *verb = cli->verbs[i];

		if (strncmp(verb->name, word, n) != 0 || verb->name[n] != ' ')
			continue;
		fputs(any ? "" : before, cli->out);
		fprintf(cli->out, "proscribe %-*s  %s\n", longest_name(cli->verbs), verb->name,
			verb->summary);
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
	if (verb && words == argc) {
		psc_output_verb_help(cli->out, verb);
		if (words == 1)
			print_family(cli, argv[0], "\n");
	} else if (argc > 1 || !print_family(cli, argv[0], "")) {
		return psc_cli_usage(cli, "there is no verb '%s%s%s'", argv[0], argc > 1 ? " " : "",
				     argc > 1 ? argv[1] : "");
	}
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
