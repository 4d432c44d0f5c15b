/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_svg.c - the line of time as a picture that stands alone: no scripts, nothing loaded,
 * legible in dark and light, with words for those who do not see it. See policy_timeline.h.
 */
#include "user/cli/policy_timeline.h"

#define WIDTH	    1000
#define LINE_LEFT   360 /* where the line of time begins; the labels are left of it */
#define LINE_WIDTH  620
#define TOP	    64 /* title and dates */
#define ROW_HEIGHT  24
#define BAR_HEIGHT  12
#define BAR_LEAST   3 /* a window of minutes is still seen among years */
#define TICKS	    5
#define LABEL_CHARS 50

static const char style[] =
	"svg { color: #1a1a1a; background: #ffffff; }\n"
	".phase { fill: #b3541e; } .exemption { fill: #2f7d4f; } .decision { fill: #7a5ea8; }\n"
	".window { fill: #2f6f9f; } .attestation { fill: #6b6b6b; }\n"
	".over { opacity: 0.45; } .grid { stroke: currentColor; stroke-opacity: 0.2; }\n"
	".now { stroke: currentColor; stroke-dasharray: 4 3; }\n"
	"text { fill: currentColor; }\n"
	"@media (prefers-color-scheme: dark) {\n"
	"svg { color: #ececec; background: #17191c; }\n"
	".phase { fill: #ef9a63; } .exemption { fill: #74c796; } .decision { fill: #b9a1e3; }\n"
	".window { fill: #7cb8e4; } .attestation { fill: #b0b0b0; }\n"
	"}\n";

/* Safe text as XML; at most @most characters of it, 0: all. */
static void put_xml(FILE *out, const char *text, size_t most)
{
	size_t size = 6 * strlen(text) + 1, characters = 0;
	_cleanup_free_ char *safe = malloc(size);

	if (!safe)
		return;
	psc_output_safe(text, safe, size);
	for (const char *p = safe; *p; p++) {
		if (((unsigned char)*p & 0xc0) != 0x80 && most && ++characters > most) {
			fputs("...", out);
			return;
		}
		switch (*p) {
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
		default:
			fputc(*p, out);
		}
	}
}

struct scale {
	uint64_t from;
	uint64_t until;
};

static unsigned int place_of(const struct scale *scale, uint64_t at)
{
	if (at <= scale->from)
		return LINE_LEFT;
	if (at >= scale->until)
		return LINE_LEFT + LINE_WIDTH;
	return LINE_LEFT + (unsigned int)((double)(at - scale->from) /
					  (double)(scale->until - scale->from) * LINE_WIDTH);
}

/* What the picture says, for a screen reader. */
static void put_words(FILE *out, const json_t *data)
{
	const json_t *row;
	size_t i;

	fputs("<title id=\"title\">What is prohibited from when</title>\n<desc id=\"desc\">", out);
	fprintf(out, "Line of time from %s until %s; now is %s.", psc_json_text(data, "from", "?"),
		psc_json_text(data, "until", "?"), psc_json_text(data, "now", "?"));
	json_array_foreach(psc_json_at(data, "rows"), i, row) {
		_cleanup_free_ char *label = psc_timeline_label(row);
		_cleanup_free_ char *span = psc_timeline_span(row);

		if (i == PSC_TIMELINE_ROWS_MAX)
			break;
		fputc('\n', out);
		put_xml(out, label ? label : "?", 0);
		fputs(", ", out);
		put_xml(out, span ? span : "?", 0);
		fputs(": ", out);
		put_xml(out, psc_json_text(row, "title", ""), 0);
		if (psc_json_at(row, "cite"))
			fputc(' ', out);
		put_xml(out, psc_json_text(row, "cite", ""), 0);
	}
	fputs("</desc>\n", out);
}

static void put_axis(FILE *out, const struct scale *scale, unsigned int bottom)
{
	for (unsigned int i = 0; i <= TICKS; i++) {
		uint64_t at = scale->from + (scale->until - scale->from) / TICKS * i;
		unsigned int x = LINE_LEFT + LINE_WIDTH * i / TICKS;
		const char *anchor = i == 0 ? "start" : (i == TICKS ? "end" : "middle");
		char text[PSC_TIME_TEXT_MAX];

		psc_time_format_seconds(at, text);
		/* days suffice unless they are few */
		if (scale->until - scale->from > 20ULL * 86400 * PSC_NSEC_PER_SEC)
			text[10] = '\0';
		else
			text[16] = '\0';
		fprintf(out, "<line class=\"grid\" x1=\"%u\" y1=\"%d\" x2=\"%u\" y2=\"%u\"/>\n", x,
			TOP - 14, x, bottom);
		fprintf(out,
			"<text x=\"%u\" y=\"%d\" font-size=\"11\" text-anchor=\"%s\">%s</text>\n",
			x, TOP - 20, anchor, text);
	}
}

static void put_row(FILE *out, const json_t *row, const struct scale *scale, unsigned int y)
{
	_cleanup_free_ char *label = psc_timeline_label(row);
	_cleanup_free_ char *span = psc_timeline_span(row);
	unsigned int x = place_of(scale, psc_timeline_time(row, "from", 0));
	unsigned int end = place_of(scale, psc_timeline_time(row, "until", PSC_TIME_NEVER));
	const char *state = psc_json_text(row, "state", "");

	if (end < x + BAR_LEAST)
		end = x + BAR_LEAST;
	fputs("<g>\n<title>", out);
	put_xml(out, label ? label : "?", 0);
	fputs(", ", out);
	put_xml(out, span ? span : "?", 0);
	fputs(": ", out);
	put_xml(out, psc_json_text(row, "title", ""), 0);
	fprintf(out, "</title>\n<text x=\"8\" y=\"%u\">", y + BAR_HEIGHT - 1);
	put_xml(out, label ? label : "?", LABEL_CHARS);
	fprintf(out,
		"</text>\n<rect class=\"%s%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%d\" "
		"rx=\"2\"/>\n</g>\n",
		psc_json_text(row, "kind", "phase"), strcmp(state, "over") == 0 ? " over" : "", x,
		y, end - x, BAR_HEIGHT);
}

static void put_now(FILE *out, const json_t *data, const struct scale *scale, unsigned int bottom)
{
	uint64_t now = psc_timeline_time(data, "now", 0);
	unsigned int x = place_of(scale, now);

	if (now < scale->from || now > scale->until)
		return;
	fprintf(out, "<line class=\"now\" x1=\"%u\" y1=\"%d\" x2=\"%u\" y2=\"%u\"/>\n", x, TOP - 14,
		x, bottom);
	fprintf(out,
		"<text x=\"%u\" y=\"%u\" font-size=\"11\" text-anchor=\"middle\">now, %s</text>\n",
		x > WIDTH - 90 ? WIDTH - 90 : x, bottom + 14, psc_json_text(data, "now", "?"));
}

void psc_timeline_svg(FILE *out, const json_t *data)
{
	const struct scale scale = {
		.from = psc_timeline_time(data, "from", 0),
		.until = psc_timeline_time(data, "until", 1),
	};
	const json_t *rows = psc_json_at(data, "rows"), *row;
	size_t all = json_array_size(rows), i;
	unsigned int drawn = all > PSC_TIMELINE_ROWS_MAX ? PSC_TIMELINE_ROWS_MAX : all;
	unsigned int bottom = TOP + drawn * ROW_HEIGHT;

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" role=\"img\" "
		"aria-labelledby=\"title desc\" font-family=\"sans-serif\" font-size=\"13\">\n",
		WIDTH, bottom + 44);
	put_words(out, data);
	fprintf(out, "<style>\n%s</style>\n", style);
	fputs("<text x=\"8\" y=\"22\" font-size=\"16\">What is prohibited from when</text>\n", out);
	put_axis(out, &scale, bottom);
	json_array_foreach(rows, i, row) {
		if (i < drawn)
			put_row(out, row, &scale, TOP + (unsigned int)i * ROW_HEIGHT);
	}
	put_now(out, data, &scale, bottom);
	if (all > drawn)
		fprintf(out, "<text x=\"8\" y=\"%u\">and %zu more: see --json</text>\n",
			bottom + 34, all - drawn);
	fputs("</svg>\n", out);
}
