/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.c - printing for people, see output.h.
 */
#include <inttypes.h>

#include "user/cli/output.h"
#include "user/core/escape.h"

bool psc_output_colour(FILE *file)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no_color && *no_color)
		return false;
	return isatty(fileno(file)) && term && strcmp(term, "dumb") != 0;
}

void psc_output_safe(const char *text, char *buffer, size_t size)
{
	psc_escape_to(buffer, size, text, strlen(text), PSC_ESCAPE_KEEP_BACKSLASH);
}

void psc_output_text(FILE *out, const char *text)
{
	_cleanup_free_ char *large = NULL;
	char small[512];
	size_t length;

	if (!text)
		return;
	length = psc_escape_to(small, sizeof(small), text, strlen(text), PSC_ESCAPE_KEEP_BACKSLASH);
	if (length < sizeof(small)) {
		fputs(small, out);
		return;
	}
	large = malloc(length + 1);
	if (large)
		psc_output_safe(text, large, length + 1);
	fputs(large ? large : small, out);
}

size_t psc_output_width(const char *text)
{
	_cleanup_free_ char *large = NULL;
	char small[512];
	const char *safe = small;
	size_t length, width = 0;

	length = psc_escape_to(small, sizeof(small), text, strlen(text), PSC_ESCAPE_KEEP_BACKSLASH);
	if (length >= sizeof(small)) {
		large = malloc(length + 1);
		if (!large)
			return length;
		psc_output_safe(text, large, length + 1);
		safe = large;
	}
	/* Continuation bytes of UTF-8 take no column of their own. */
	for (const char *p = safe; *p; p++)
		width += ((unsigned char)*p & 0xc0) != 0x80;
	return width;
}

void psc_output_padded(FILE *out, const char *text, size_t width)
{
	size_t used = psc_output_width(text);

	psc_output_text(out, text);
	for (; used < width; used++)
		fputc(' ', out);
}

void psc_output_toned(FILE *out, bool colour, enum psc_tone tone, const char *text)
{
	static const char *const codes[] = {
		[PSC_TONE_PLAIN] = "",	     [PSC_TONE_GOOD] = "\033[32m",
		[PSC_TONE_BAD] = "\033[31m", [PSC_TONE_DOUBT] = "\033[33m",
		[PSC_TONE_DIM] = "\033[2m",  [PSC_TONE_STRONG] = "\033[1m",
	};

	_Static_assert(ARRAY_SIZE(codes) == PSC_TONE_MAX, "one code per tone");
	if (!colour || tone == PSC_TONE_PLAIN) {
		psc_output_text(out, text);
		return;
	}
	fputs(codes[tone], out);
	psc_output_text(out, text);
	fputs("\033[0m", out);
}

void psc_output_count(FILE *out, json_int_t count, const char *singular, const char *plural)
{
	fprintf(out, "%" JSON_INTEGER_FORMAT " %s", count, count == 1 ? singular : plural);
}

const char *psc_output_bytes(uint64_t bytes, char *buffer)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buffer, 32, "%" PRIu64 " B", bytes);
		return buffer;
	}
	for (; value >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
		value /= 1024;
	snprintf(buffer, 32, "%.1f %s", value, units[unit]);
	return buffer;
}

json_t *psc_json_at(const json_t *json, const char *path)
{
	json_t *found = NULL;
	char key[64];

	for (;;) {
		const char *dot = strchrnul(path, '.');

		if ((size_t)(dot - path) >= sizeof(key))
			return NULL;
		memcpy(key, path, (size_t)(dot - path));
		key[dot - path] = '\0';
		found = json_object_get(json, key);
		if (!found || !*dot)
			return found;
		json = found;
		path = dot + 1;
	}
}

const char *psc_json_text(const json_t *json, const char *path, const char *fallback)
{
	const char *text = json_string_value(psc_json_at(json, path));

	return text ? text : fallback;
}

json_int_t psc_json_number(const json_t *json, const char *path, json_int_t fallback)
{
	const json_t *value = psc_json_at(json, path);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static void print_option(FILE *out, const struct psc_option *option)
{
	char left[48];

	snprintf(left, sizeof(left), "--%s%s%s", option->name, option->argument ? " " : "",
		 option->argument ? option->argument : "");
	fprintf(out, "  %-20s %s\n", left, option->help);
}

void psc_output_verb_help(FILE *out, const struct psc_verb *verb)
{
	bool options = verb->options && verb->options->name;

	fprintf(out, "proscribe %s%s%s%s\n\n%s.\n", verb->name, options ? " [OPTIONS]" : "",
		*verb->arguments ? " " : "", verb->arguments, verb->summary);
	if (verb->flags & PSC_VERB_NEEDS_DAEMON)
		fputs("Needs the daemon, proscribed.\n", out);
	if (verb->flags & PSC_VERB_NEEDS_ROOT)
		fputs("For root only.\n", out);
	if (options)
		fputs("\nOptions:\n", out);
	for (const struct psc_option *o = verb->options; o && o->name; o++)
		print_option(out, o);
	fprintf(out, "\n%s", verb->help);
}

static void put_objection(FILE *out, const json_t *objection)
{
	const char *product = psc_json_text(objection, "product", NULL);
	const char *by = psc_json_text(objection, "needed_by", NULL);
	const char *from = psc_json_text(objection, "from", NULL);
	json_int_t files = psc_json_number(objection, "files", 1);

	fputs("  ", out);
	psc_output_padded(out, psc_json_text(objection, "op", "?"), 4);
	fputs("  ", out);
	psc_output_text(out, psc_json_text(objection, "path", "?"));
	if (files > 1) {
		fputs(" (", out);
		psc_output_count(out, files, "file", "files");
		fputc(')', out);
	}
	if (by) {
		fputs(", needed by ", out);
		psc_output_text(out, by);
	}
	fputs(": ", out);
	psc_output_text(out, psc_json_text(objection, "reason", "?"));
	if (product) {
		fputs(" as ", out);
		psc_output_text(out, product);
	}
	if (from) {
		fputs(" from ", out);
		psc_output_text(out, from);
	}
	fputs("\n        --force ", out);
	psc_output_text(out, psc_json_text(objection, "digest", "?"));
	fputc('\n', out);
}

void psc_output_objections(FILE *out, const json_t *objections)
{
	const json_t *objection;
	size_t i;

	json_array_foreach(objections, i, objection)
		put_objection(out, objection);
}
