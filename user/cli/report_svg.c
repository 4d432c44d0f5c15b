/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_svg.c - the line of time of a report: when the guard was on, what each day brought, when
 * phases begin. Colours come from the page; what they say stands in words and tables too. See
 * report_verb.h.
 */
#include "user/cli/report_verb.h"

#define WIDTH	    1000
#define LEFT	    110
#define LINE_WIDTH  870
#define GUARD_TOP   34
#define GAP_TOP	    62
#define LANE	    18
#define DAYS_TOP    96
#define DAYS_LOW    206
#define AXIS	    228
#define LEGEND	    252 /* a line for each part of the picture */
#define LEGEND_LINE 19
#define HEIGHT	    (LEGEND + 3 * LEGEND_LINE)
#define TICKS	    5
#define BINS	    116
#define DAY_NS	    (86400 * PSC_NSEC_PER_SEC)

struct scale {
	uint64_t from;
	uint64_t until;
};

struct bin {
	uint64_t denied;
	uint64_t would_deny;
	uint64_t recorded;
	uint64_t found;
};

static uint64_t time_at(const json_t *json, const char *member, uint64_t fallback)
{
	const char *text = psc_json_text(json, member, NULL);
	uint64_t ns;

	return text && psc_time_parse(text, &ns) >= 0 ? ns : fallback;
}

static double place_of(const struct scale *scale, uint64_t at)
{
	if (at <= scale->from)
		return LEFT;
	if (at >= scale->until)
		return LEFT + LINE_WIDTH;
	return LEFT +
	       (double)(at - scale->from) / (double)(scale->until - scale->from) * LINE_WIDTH;
}

/* What the picture says, for those who do not see it. */
static void put_words(FILE *out, const json_t *data)
{
	char enforce[48], observe[48];

	fputs("<title id=\"line-title\">Line of time</title>\n<desc id=\"line-words\">", out);
	psc_report_putf(
		out,
		"From %s until %s. The guard was on, refusing, for %s, and on, recording, for %s. "
		"Refused: %lld attempts, would be refused: %lld, recorded: %lld. The same is in the "
		"tables of this page.",
		psc_json_text(data, "period.from", "?"), psc_json_text(data, "period.until", "?"),
		psc_report_span((uint64_t)psc_json_number(data, "guard.seconds.enforce", 0),
				enforce),
		psc_report_span((uint64_t)psc_json_number(data, "guard.seconds.observe", 0),
				observe),
		(long long)psc_json_number(data, "attempts.totals.deny", 0),
		(long long)psc_json_number(data, "attempts.totals.would_deny", 0),
		(long long)psc_json_number(data, "attempts.totals.record", 0));
	fputs("</desc>\n", out);
}

static void put_interval(FILE *out, const json_t *interval, const struct scale *scale)
{
	const char *state = psc_json_text(interval, "state", "");
	bool gap = strcmp(state, "silence") == 0 || strcmp(state, "stopped") == 0 ||
		   strcmp(state, "died") == 0;
	double x = place_of(scale, time_at(interval, "from", 0));
	double end = place_of(scale, time_at(interval, "until", 0));

	/* minutes are still seen among months */
	if (end - x < 1.5)
		end = x + 1.5;
	fputs("<g><title>", out);
	psc_report_putf(out, "%s until %s: %s", psc_json_text(interval, "from", "?"),
			psc_json_text(interval, "until", "?"), psc_report_state_words(state));
	fputs("</title><rect class=\"guard-", out);
	psc_report_put(out, state);
	fprintf(out, "\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/></g>\n", x,
		gap ? GAP_TOP : GUARD_TOP, end - x, LANE);
}

static void put_guard(FILE *out, const json_t *data, const struct scale *scale)
{
	const json_t *interval;
	size_t i;

	fprintf(out,
		"<text x=\"4\" y=\"%d\">Guard</text>\n<text x=\"4\" y=\"%d\">Daemon</text>\n"
		"<rect class=\"lane\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
		GUARD_TOP + 14, GAP_TOP + 14, LEFT, GAP_TOP, LINE_WIDTH, LANE);
	json_array_foreach(psc_json_at(data, "guard.intervals"), i, interval)
		put_interval(out, interval, scale);
}

/* ---- days ---------------------------------------------------------------------------------- */

static size_t bin_of(const struct scale *scale, uint64_t at, size_t bins)
{
	size_t bin;

	if (at <= scale->from)
		return 0;
	bin = (size_t)((double)(at - scale->from) / (double)(scale->until - scale->from) *
		       (double)bins);
	return bin < bins ? bin : bins - 1;
}

static size_t count_bins(const struct scale *scale)
{
	uint64_t days = (scale->until - scale->from) / DAY_NS + 1;

	return days < BINS ? (size_t)days : BINS;
}

static uint64_t fill_bins(const json_t *data, const struct scale *scale, struct bin *bin,
			  size_t bins)
{
	const json_t *day;
	uint64_t most = 0;
	size_t i;

	json_array_foreach(psc_json_at(data, "days"), i, day) {
		struct bin *b = &bin[bin_of(scale, time_at(day, "day", scale->from), bins)];
		uint64_t all;

		b->denied += (uint64_t)psc_json_number(day, "deny", 0);
		b->would_deny += (uint64_t)psc_json_number(day, "would_deny", 0);
		b->recorded += (uint64_t)psc_json_number(day, "record", 0);
		b->found += (uint64_t)psc_json_number(day, "found", 0);
		all = b->denied + b->would_deny + b->recorded;
		most = all > most ? all : most;
	}
	return most;
}

static double put_bar(FILE *out, const char *class, double x, double low, double width,
		      double height)
{
	if (height <= 0)
		return low;
	if (height < 2)
		height = 2;
	fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
		class, x, low - height, width, height);
	return low - height;
}

static void put_days(FILE *out, const json_t *data, const struct scale *scale)
{
	struct bin bin[BINS] = {0};
	size_t bins = count_bins(scale);
	uint64_t most = fill_bins(data, scale, bin, bins);
	double width = (double)LINE_WIDTH / (double)bins;
	double unit = most ? (double)(DAYS_LOW - DAYS_TOP) / (double)most : 0;

	fprintf(out, "<text x=\"4\" y=\"%d\">Attempts</text>\n<text x=\"4\" y=\"%d\">most: ",
		DAYS_TOP + 12, DAYS_TOP + 30);
	fprintf(out, "%llu</text>\n", (unsigned long long)most);
	fprintf(out, "<line class=\"grid\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", LEFT,
		DAYS_LOW, LEFT + LINE_WIDTH, DAYS_LOW);
	for (size_t i = 0; i < bins; i++) {
		double x = LEFT + width * (double)i, low = DAYS_LOW;

		low = put_bar(out, "denied", x, low, width * 0.8, unit * (double)bin[i].denied);
		low = put_bar(out, "would", x, low, width * 0.8, unit * (double)bin[i].would_deny);
		put_bar(out, "recorded", x, low, width * 0.8, unit * (double)bin[i].recorded);
		if (bin[i].found)
			fprintf(out,
				"<path class=\"found\" d=\"M%.1f %d l5 6 l-5 6 l-5 -6 z\"><title>"
				"found</title></path>\n",
				x + width / 2, DAYS_LOW + 3);
	}
}

/* ---- axis ---------------------------------------------------------------------------------- */

static void put_axis(FILE *out, const struct scale *scale)
{
	for (unsigned int i = 0; i <= TICKS; i++) {
		uint64_t at = scale->from + (scale->until - scale->from) / TICKS * i;
		unsigned int x = LEFT + LINE_WIDTH * i / TICKS;
		const char *anchor = i == 0 ? "start" : i == TICKS ? "end" : "middle";
		char text[PSC_TIME_TEXT_MAX];

		psc_time_format_seconds(at, text);
		/* days suffice unless they are few */
		text[scale->until - scale->from > 6 * DAY_NS ? 10 : 16] = '\0';
		fprintf(out,
			"<line class=\"grid\" x1=\"%u\" y1=\"%d\" x2=\"%u\" y2=\"%d\"/>\n"
			"<text class=\"small\" x=\"%u\" y=\"%d\" text-anchor=\"%s\">%s</text>\n",
			x, GUARD_TOP, x, AXIS - 6, x, AXIS + 8, anchor, text);
	}
}

static void put_phases(FILE *out, const json_t *data, const struct scale *scale)
{
	const json_t *phase;
	size_t i;

	json_array_foreach(psc_json_at(data, "profile.phases"), i, phase) {
		uint64_t from = time_at(phase, "from", 0);
		double x = place_of(scale, from);

		if (from <= scale->from || from >= scale->until)
			continue;
		fprintf(out,
			"<line class=\"phase\" x1=\"%.1f\" y1=\"22\" x2=\"%.1f\" y2=\"%d\"/>\n", x,
			x, AXIS - 6);
		fprintf(out, "<text class=\"small\" x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">", x,
			i % 2 ? 26 : 14, x > LEFT + LINE_WIDTH / 2.0 ? "end" : "start");
		psc_report_putf(out, "from here: %.60s", psc_json_text(phase, "title", "?"));
		fputs("</text>\n", out);
	}
}

static void put_legend(FILE *out)
{
	static const struct {
		const char *class; /* NULL: what the next ones are of, a line of its own */
		const char *words;
	} all[] = {
		{NULL, "Guard"},
		{"guard-enforce", "refuses"},
		{"guard-observe", "records only"},
		{"guard-off", "off"},
		{"guard-boot", "not on yet"},
		{"guard-unknown", "not known"},
		{NULL, "Daemon"},
		{"guard-silence", "silent"},
		{"guard-stopped", "stopped"},
		{NULL, "Attempts"},
		{"denied", "refused"},
		{"would", "would be refused"},
		{"recorded", "recorded"},
		{"found", "found"},
	};
	unsigned int x = LEFT, line = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		unsigned int y = LEGEND + LEGEND_LINE * line;

		if (!all[i].class) {
			line++;
			x = LEFT;
			fprintf(out, "<text class=\"small\" x=\"4\" y=\"%u\">%s</text>\n",
				y + LEGEND_LINE - 9, all[i].words);
			continue;
		}
		fprintf(out,
			"<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"11\" height=\"11\"/>"
			"<text class=\"small\" x=\"%u\" y=\"%u\">%s</text>\n",
			all[i].class, x, y - LEGEND_LINE, x + 15, y - 9, all[i].words);
		x += 35 + 6 * (unsigned int)strlen(all[i].words);
	}
}

void psc_report_svg(FILE *out, const json_t *data)
{
	struct scale scale = {
		.from = time_at(data, "period.from", 0),
		.until = time_at(data, "period.until", 1),
	};

	if (scale.until <= scale.from)
		scale.until = scale.from + 1;
	fprintf(out,
		"<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"line-title line-words\">\n",
		WIDTH, HEIGHT);
	put_words(out, data);
	put_axis(out, &scale);
	put_guard(out, data, &scale);
	put_days(out, data, &scale);
	put_phases(out, data, &scale);
	put_legend(out);
	fputs("</svg>\n", out);
}
