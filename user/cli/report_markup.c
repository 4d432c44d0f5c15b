/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_markup.c - how text gets into the page and the table of a report, and the page's tables;
 * see report_verb.h.
 */
#include <errno.h>
#include <stdarg.h>

#include "user/cli/report_verb.h"

/* ---- text ---------------------------------------------------------------------------------- */

static void put_character(FILE *out, char c)
{
	switch (c) {
	case '&':
		fputs("&amp;", out);
		break;
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	case '"':
		fputs("&quot;", out);
		break;
	case '\'':
		fputs("&#39;", out);
		break;
	case '`':
		fputs("&#96;", out);
		break;
	default:
		fputc(c, out);
		break;
	}
}

/* Safe to print; the caller frees it. NULL: no memory, or no text. */
static char *safe_text(const char *text)
{
	size_t size = text ? 6 * strlen(text) + 1 : 0;
	char *safe = text ? malloc(size) : NULL;

	if (safe)
		psc_output_safe(text, safe, size);
	return safe;
}

void psc_report_put(FILE *out, const char *text)
{
	_cleanup_free_ char *safe = safe_text(text);

	for (const char *p = safe; p && *p; p++)
		put_character(out, *p);
}

void psc_report_putf(FILE *out, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	else
		psc_report_put(out, text);
}

void psc_report_put_csv(FILE *out, const char *text)
{
	_cleanup_free_ char *safe = safe_text(text);
	const char *p = safe;

	fputc('"', out);
	/* blanks before it do not keep a spreadsheet from seeing a formula */
	if (p && strchr("=+-@|%", p[strspn(p, " ")]) && p[strspn(p, " ")])
		fputc('\'', out);
	for (; p && *p; p++) {
		if (*p == '"')
			fputc('"', out);
		fputc(*p, out);
	}
	fputc('"', out);
}

/* ---- words --------------------------------------------------------------------------------- */

const char *psc_report_span(uint64_t seconds, char *buffer)
{
	unsigned long long s = seconds;

	if (s >= 86400)
		snprintf(buffer, 48, "%llu d %llu h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		snprintf(buffer, 48, "%llu h %llu min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(buffer, 48, "%llu min", s / 60);
	else
		snprintf(buffer, 48, "%llu s", s);
	return buffer;
}

const char *psc_report_state_words(const char *state)
{
	static const struct {
		const char *state;
		const char *words;
	} all[] = {
		{"enforce", "on: refuses"},
		{"observe", "on: records, refuses nothing"},
		{"off", "off: taken off"},
		{"boot", "off: the host is up, the guard not on yet"},
		{"unknown", "not known: no record speaks of this time"},
		{"silence", "the daemon was silent for longer than an hour"},
		{"stopped", "the daemon was stopped; the guard stayed on"},
		{"died", "the daemon ended without a word and was started again"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (strcmp(all[i].state, state) == 0)
			return all[i].words;
	}
	return state;
}

/* ---- tables -------------------------------------------------------------------------------- */

void psc_report_section(FILE *out, const char *id, const char *title)
{
	fprintf(out, "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">", id,
		id, id);
	psc_report_put(out, title);
	fputs("</h2>\n", out);
}

void psc_report_section_end(FILE *out)
{
	fputs("</section>\n", out);
}

static void put_list(FILE *out, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		fputs(i ? "<br>" : "", out);
		psc_report_put(out, json_string_value(item));
	}
}

/* As the summary and the picture have it, not as the records do. */
static const char *verdict_words(const char *verdict)
{
	static const char *const all[][2] = {
		{"deny", "refused"},
		{"would_deny", "would be refused"},
		{"record", "recorded"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (strcmp(all[i][0], verdict) == 0)
			return all[i][1];
	}
	return verdict;
}

static void put_value(FILE *out, const json_t *value, enum psc_report_kind kind)
{
	const char *text = json_string_value(value);

	if (json_is_array(value))
		put_list(out, value);
	else if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "yes" : "no", out);
	else if (text && kind == PSC_REPORT_TIME)
		psc_report_putf(out, "%.10s %.9s", text, strlen(text) > 11 ? text + 11 : "");
	else if (text && kind == PSC_REPORT_STATE)
		psc_report_put(out, psc_report_state_words(text));
	else if (text && kind == PSC_REPORT_VERDICT)
		psc_report_put(out, verdict_words(text));
	else
		psc_report_put(out, text);
}

static void put_row(FILE *out, const struct psc_report_column *columns, size_t count,
		    const json_t *row)
{
	static const char *const classes[] = {
		[PSC_REPORT_TEXT] = "",
		[PSC_REPORT_CODE] = " class=\"code\"",
		[PSC_REPORT_TIME] = " class=\"time\"",
		[PSC_REPORT_NUMBER] = " class=\"number\"",
		[PSC_REPORT_LIST] = " class=\"code\"",
		[PSC_REPORT_STATE] = "",
		[PSC_REPORT_LINES] = "",
		[PSC_REPORT_VERDICT] = "",
	};

	fputs("<tr>", out);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "<%s%s>", i ? "td" : "th scope=\"row\"", classes[columns[i].kind]);
		put_value(out, psc_json_at(row, columns[i].member), columns[i].kind);
		fputs(i ? "</td>" : "</th>", out);
	}
	fputs("</tr>\n", out);
}

void psc_report_table(FILE *out, const char *caption, const struct psc_report_column *columns,
		      size_t count, const json_t *rows, size_t most)
{
	size_t all = json_array_size(rows), i;
	const json_t *row;

	if (!all) {
		fputs("<p class=\"none\">", out);
		psc_report_putf(out, "%s: none.", caption);
		fputs("</p>\n", out);
		return;
	}
	fputs("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"", out);
	psc_report_put(out, caption);
	fputs("\">\n<table>\n<caption>", out);
	psc_report_put(out, caption);
	fputs("</caption>\n<thead><tr>", out);
	for (i = 0; i < count; i++) {
		fprintf(out, "<th scope=\"col\"%s>",
			columns[i].kind == PSC_REPORT_NUMBER ? " class=\"number\"" : "");
		psc_report_put(out, columns[i].title);
		fputs("</th>", out);
	}
	fputs("</tr></thead>\n<tbody>\n", out);
	json_array_foreach(rows, i, row) {
		if (!most || i < most)
			put_row(out, columns, count, row);
	}
	fputs("</tbody>\n</table>\n</div>\n", out);
	if (most && all > most)
		fprintf(out, "<p>and %zu more, which --format json and csv have.</p>\n",
			all - most);
}
