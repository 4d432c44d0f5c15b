/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_html.c - a report as one page that stands alone: nothing is loaded, nothing runs. It is
 * legible in light and dark and on paper, and has its landmarks and headings for a screen reader.
 * See report_verb.h.
 */
#include <stdarg.h>

#include "user/cli/report_verb.h"

static const char style[] =
	":root { color-scheme: light dark; --ink: #1b1d20; --paper: #ffffff; --soft: #5a6068;\n"
	"  --line: #c9ced4; --band: #f3f5f7; --link: #0b57a4; --good: #1f6f43; --bad: #a3261b;\n"
	"  --enforce: #2a7a4f; --observe: #5b9bd0; --off: #b3261e; --boot: #d9822b;\n"
	"  --unknown: #9aa1a9; --would: #d98a1f; --found: #6a3fb0;\n"
	"  --silent: #8a6d3b; }\n"
	"@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --paper: #17191c;\n"
	"  --soft: #a7adb5; --line: #42474e; --band: #212429; --link: #8ab8ee; --good: #7bc99c;\n"
	"  --bad: #f28b82; --enforce: #57b583; --observe: #7cb8e4; --off: #f28b82;\n"
	"  --boot: #f0a35e; --unknown: #80868e; --would: #f0b45e;\n"
	"  --found: #b9a1e3; --silent: #c9ab74; } }\n"
	"* { box-sizing: border-box; }\n"
	"body { margin: 0 auto; padding: 1.5rem; max-width: 75rem; color: var(--ink);\n"
	"  background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; }\n"
	"h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; }\n"
	"h2 { font-size: 1.3rem; margin: 2.2rem 0 .6rem; padding-top: .6rem;\n"
	"  border-top: 1px solid var(--line); }\n"
	"h3 { font-size: 1.05rem; margin: 1.2rem 0 .4rem; }\n"
	"a { color: var(--link); }\n"
	"a:focus-visible, .wide:focus-visible { outline: 3px solid var(--link); }\n"
	".skip { position: absolute; left: -100rem; } .skip:focus { left: 1rem; top: 1rem;\n"
	"  background: var(--paper); padding: .5rem; }\n"
	"nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; }\n"
	".statement { font-size: 1.1rem; border-left: .4rem solid var(--unknown); margin: 1rem 0;\n"
	"  padding: .6rem 1rem; background: var(--band); }\n"
	".statement.found { border-color: var(--off); } .statement.nil { border-color: var(--good); }\n"
	".statement.nil_with_gaps { border-color: var(--boot); }\n"
	".facts { display: grid; grid-template-columns: repeat(4, 1fr); gap: .8rem; margin: 1rem 0; }\n"
	"@media (max-width: 45rem) { .facts { grid-template-columns: repeat(2, 1fr); } }\n"
	".facts div { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; }\n"
	".facts dt { color: var(--soft); font-size: .85rem; }\n"
	".facts dd { margin: 0; font-size: 1.25rem; font-weight: 600; }\n"
	".good { color: var(--good); } .bad { color: var(--bad); } .none { color: var(--soft); }\n"
	".wide { overflow-x: auto; margin: .8rem 0 1.2rem; }\n"
	"table { border-collapse: collapse; width: 100%; font-size: .88rem; }\n"
	"caption { text-align: left; font-weight: 600; padding: .3rem 0; }\n"
	"th, td { text-align: left; vertical-align: top; padding: .35rem .6rem;\n"
	"  border-bottom: 1px solid var(--line); }\n"
	"thead th { background: var(--band); } tbody th { font-weight: 500; }\n"
	".code { font-family: ui-monospace, monospace; font-size: .93em; overflow-wrap: anywhere; }\n"
	"td.code, th.code { min-width: 9rem; } .time { white-space: nowrap; }\n"
	".number { text-align: right; font-variant-numeric: tabular-nums; }\n"
	".draft { border: 1px dashed var(--line); border-radius: .4rem; padding: .2rem 1rem 1rem;\n"
	"  margin: 1rem 0; }\n"
	"dl dt { font-weight: 600; } dl dd { margin: 0 0 .6rem 1rem; overflow-wrap: anywhere; }\n"
	".fill { color: var(--soft); font-style: italic; }\n"
	"footer { margin-top: 2.5rem; border-top: 1px solid var(--line); color: var(--soft);\n"
	"  font-size: .88rem; }\n"
	"svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; }\n"
	"svg text { fill: var(--ink); } svg .small { font-size: 11px; }\n"
	".grid { stroke: var(--line); } .lane { fill: var(--band); }\n"
	".phase { stroke: var(--ink); stroke-dasharray: 4 3; }\n"
	".guard-enforce { fill: var(--enforce); } .guard-observe { fill: var(--observe); }\n"
	".guard-off { fill: var(--off); } .guard-boot { fill: var(--boot); }\n"
	".guard-unknown { fill: var(--unknown); fill-opacity: .45; }\n"
	".guard-silence, .guard-died { fill: var(--silent); } .guard-stopped { fill: var(--boot); }\n"
	".denied { fill: var(--off); } .would { fill: var(--would); }\n"
	".recorded { fill: var(--observe); } .found { fill: var(--found); }\n"
	"@media print { :root { color-scheme: light; --ink: #000; --paper: #fff; --soft: #333;\n"
	"  --line: #888; --band: #eee; --link: #000; } nav, .skip { display: none; }\n"
	"  body { max-width: none; padding: 0; font-size: 10pt; } .wide { overflow: visible; }\n"
	"  table { font-size: 8pt; } tr, .draft, svg { break-inside: avoid; }\n"
	"  thead { display: table-header-group; } h2, h3, caption { break-after: avoid; }\n"
	"  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }\n";

static const struct {
	const char *id;
	const char *title;
} contents[] = {
	{"summary", "Summary"},	       {"prohibited", "Prohibited"}, {"found", "Found"},
	{"refused", "Refused"},	       {"signed", "Exempted"},	     {"coverage", "Coverage"},
	{"chain", "Is the log whole"}, {"duties", "Duties"},	     {"method", "Method"},
};

static void put_head(FILE *out, const json_t *data)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	      out);
	psc_report_putf(out, "Evidence: %s, %s", psc_json_text(data, "profile.profile", "?"),
			psc_json_text(data, "host", ""));
	fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
	fputs("<a class=\"skip\" href=\"#main\">Skip to the summary</a>\n<header>\n<h1>", out);
	psc_report_put(out, psc_json_text(data, "profile.title", "?"));
	fputs("</h1>\n<p>", out);
	psc_report_putf(
		out, "%s. Evidence of host %s%s, from %s until %s.",
		psc_json_text(data, "profile.authority", "?"), psc_json_text(data, "host", "?"),
		json_is_true(psc_json_at(data, "several_hosts"))
			? " (and of others: the log has records of several)"
			: "",
		psc_json_text(data, "period.from", "?"), psc_json_text(data, "period.until", "?"));
	fputs("</p>\n</header>\n<nav aria-label=\"Contents\">\n<ul>\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(contents); i++)
		fprintf(out, "<li><a href=\"#%s\">%s</a></li>\n", contents[i].id,
			contents[i].title);
	fputs("</ul>\n</nav>\n", out);
}

static void put_fact(FILE *out, const char *name, const char *format, ...) _printf_(3, 4);

static void put_fact(FILE *out, const char *name, const char *format, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fputs("<div><dt>", out);
	psc_report_put(out, name);
	fputs("</dt><dd>", out);
	psc_report_put(out, text);
	fputs("</dd></div>\n", out);
}

static void put_facts(FILE *out, const json_t *data)
{
	char enforce[48], observe[48];

	fputs("<dl class=\"facts\">\n", out);
	put_fact(out, "Products found", "%lld", (long long)psc_json_number(data, "covered", 0));
	put_fact(out, "Exempt ones seen", "%lld", (long long)psc_json_number(data, "exempt", 0));
	put_fact(out, "Attempts refused", "%lld",
		 (long long)psc_json_number(data, "attempts.totals.deny", 0));
	put_fact(out, "Would be refused", "%lld",
		 (long long)psc_json_number(data, "attempts.totals.would_deny", 0));
	put_fact(out, "Guard refusing for", "%s",
		 psc_report_span((uint64_t)psc_json_number(data, "guard.seconds.enforce", 0),
				 enforce));
	put_fact(out, "Guard recording for", "%s",
		 psc_report_span((uint64_t)psc_json_number(data, "guard.seconds.observe", 0),
				 observe));
	put_fact(out, "Kinds of gaps", "%zu", json_array_size(psc_json_at(data, "gaps")));
	put_fact(out, "Chain of the log", "%s", psc_json_text(data, "chain.result", "?"));
	fputs("</dl>\n", out);
}

static void put_summary(FILE *out, const json_t *data)
{
	psc_report_section(out, "summary", "Summary");
	fputs("<p class=\"statement ", out);
	psc_report_put(out, psc_json_text(data, "result", ""));
	fputs("\">", out);
	psc_report_put(out, psc_json_text(data, "statement", "?"));
	fputs("</p>\n<p>", out);
	psc_report_put(out,
		       psc_json_text(json_array_get(psc_json_at(data, "limits"), 0), "text", ""));
	fputs("</p>\n", out);
	put_facts(out, data);
	psc_report_svg(out, data);
	psc_report_section_end(out);
}

static void put_sentence(FILE *out, const char *text)
{
	fputs("<li>", out);
	psc_report_put(out, text);
	fputs("</li>\n", out);
}

static void put_method(FILE *out, const json_t *data)
{
	const json_t *one;
	size_t i;

	psc_report_section(out, "method", "Method and limits");
	fputs("<h3>How it was looked for</h3>\n<ul>\n", out);
	json_array_foreach(psc_json_at(data, "method"), i, one)
		put_sentence(out, json_string_value(one));
	fputs("</ul>\n<h3>What this report cannot say</h3>\n<ul>\n", out);
	json_array_foreach(psc_json_at(data, "limits"), i, one)
		put_sentence(out, psc_json_text(one, "text", ""));
	fputs("</ul>\n", out);
	psc_report_section_end(out);
}

void psc_report_html(FILE *out, const json_t *data)
{
	put_head(out, data);
	fputs("<main id=\"main\">\n", out);
	put_summary(out, data);
	psc_report_put_prohibitions(out, data);
	psc_report_put_products(out, data);
	psc_report_put_attempts(out, data);
	psc_report_put_objects(out, data);
	psc_report_put_coverage(out, data);
	psc_report_put_chain(out, data);
	psc_report_put_duties(out, data);
	put_method(out, data);
	fputs("</main>\n<footer>\n<p>", out);
	psc_report_putf(out, "Made %s by proscribe %s. All times are UTC.",
			psc_json_text(data, "period.made", "?"),
			psc_json_text(data, "period.version", "?"));
	fputs("</p>\n</footer>\n</body>\n</html>\n", out);
}
