/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render_record.c - one record of the audit log as a line of text, see render_record.h.
 */
#include "user/cli/output.h"
#include "user/cli/render_record.h"

/* "2026-01-02T03:04:05.123456Z" -> "2026-01-02 03:04:05.123Z"; anything else as it is. */
static void print_time(FILE *out, const char *text)
{
	const size_t date = 10, millis = 23, whole = 27;
	char copy[32];

	if (strlen(text) != whole || text[date] != 'T' || text[whole - 1] != 'Z') {
		psc_output_padded(out, text, millis + 1);
		return;
	}
	snprintf(copy, sizeof(copy), "%.*s %.*sZ", (int)date, text, (int)(millis - date - 1),
		 text + date + 1);
	psc_output_text(out, copy);
}

static enum psc_tone tone_of(const char *verdict)
{
	if (strcmp(verdict, "deny") == 0)
		return PSC_TONE_BAD;
	if (strcmp(verdict, "would_deny") == 0)
		return PSC_TONE_DOUBT;
	return PSC_TONE_PLAIN;
}

/* A word in its colour, then filled up to @width, or two blanks if it is longer. */
static void print_word(FILE *out, bool colour, enum psc_tone tone, const char *word, size_t width)
{
	size_t used = psc_output_width(word);

	psc_output_toned(out, colour, tone, word);
	fprintf(out, "%*s", (int)(used < width ? width - used : 2), "");
}

/* As much of an id as container tools show. */
static void print_container(FILE *out, const json_t *record)
{
	const char *id = psc_json_text(record, "container.id", "");
	char start[13];

	if (!*id)
		return;
	snprintf(start, sizeof(start), "%s", id);
	fputs("  in ", out);
	psc_output_text(out, psc_json_text(record, "container.runtime", "container"));
	fputc(' ', out);
	psc_output_text(out, start);
}

static void print_decision(FILE *out, const json_t *record, bool colour)
{
	const char *verdict = psc_json_text(record, "proscribe.verdict", "?");
	const char *product = psc_json_text(record, "proscribe.product", NULL);
	const char *reason = psc_json_text(record, "proscribe.unverified", NULL);
	json_int_t repeats = psc_json_number(record, "proscribe.repeats", 0);

	print_word(out, colour, tone_of(verdict), verdict, 12);
	psc_output_padded(out, psc_json_text(record, "proscribe.op", "?"), 9);
	psc_output_text(out, psc_json_text(record, "file.path", "(no path)"));
	fputs("  ", out);
	if (reason) {
		fputs("unverified:", out);
		psc_output_text(out, reason);
	} else {
		psc_output_text(out, product && *product ? product : "-");
	}
	fputs("  ", out);
	psc_output_text(out, psc_json_text(record, "process.name", "?"));
	fprintf(out, "(%" JSON_INTEGER_FORMAT ") uid ", psc_json_number(record, "process.pid", 0));
	psc_output_text(out, psc_json_text(record, "user.id", "?"));
	print_container(out, record);
	if (repeats)
		fprintf(out, "  (%" JSON_INTEGER_FORMAT " times more)", repeats);
}

void psc_render_record(FILE *out, const json_t *record, bool colour)
{
	const char *type = psc_json_text(record, "proscribe.type", "?");

	print_time(out, psc_json_text(record, "@timestamp", "?"));
	fputs("  ", out);
	if (strcmp(type, "decision") == 0) {
		print_decision(out, record, colour);
	} else {
		print_word(out, colour, PSC_TONE_STRONG, type, 12);
		psc_output_text(out, psc_json_text(record, "message", ""));
	}
	fputc('\n', out);
}
