/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_render.c - the result of a scan for people and as CSV; all of it is in the JSON. See
 * scan.h.
 */
#include <inttypes.h>

#include "user/cli/output.h"
#include "user/cli/policy_verbs.h"
#include "user/cli/scan.h"

#define SCAN_SHOWN 10 /* findings of one product */
#define SCAN_LABEL 12

static void scan_label(FILE *out, const char *text)
{
	fprintf(out, "  %-*s", SCAN_LABEL - 2, text);
}

/* ---- findings -------------------------------------------------------------------------- */

/* "by kaspersky/kesl-path, kaspersky/kesl-name; sha256 of kesl.deb" */
static void scan_because(FILE *out, const json_t *finding, bool colour)
{
	const json_t *rule, *digest;
	bool first = true;
	size_t i;

	fprintf(out, "%*sby ", SCAN_LABEL + 2, "");
	json_array_foreach(json_object_get(finding, "rules"), i, rule) {
		fputs(first ? "" : ", ", out);
		psc_output_text(out, psc_json_text(rule, "rule", "?"));
		first = false;
	}
	json_array_foreach(json_object_get(finding, "digests"), i, digest) {
		fputs(first ? "" : ", ", out);
		fprintf(out, "%s of ", psc_json_text(digest, "algo", "?"));
		psc_output_text(out, psc_json_text(digest, "name", "?"));
		first = false;
	}
	fputc('\n', out);
}

static void scan_finding(FILE *out, const json_t *data, bool colour)
{
	const char *inside = psc_json_text(data, "inside", NULL);
	const char *detail = psc_json_text(data, "detail", NULL);
	const char *package = psc_json_text(data, "package", NULL);
	json_int_t pid = psc_json_number(data, "pid", 0);

	scan_label(out, psc_json_text(data, "kind", "?"));
	fprintf(out, "  ");
	if (detail) {
		psc_output_text(out, detail);
		if (pid)
			fprintf(out, " (pid %" JSON_INTEGER_FORMAT ")", pid);
		fputs(", ", out);
	}
	psc_output_text(out, psc_json_text(data, "where", "?"));
	if (inside) {
		fputs(": ", out);
		psc_output_text(out, inside);
	}
	fprintf(out, " [%s, %s]", psc_json_text(data, "role", "?"),
		psc_json_text(data, "confidence", "?"));
	if (package) {
		fputs(" of package ", out);
		psc_output_text(out, package);
	}
	fputc('\n', out);
	scan_because(out, data, colour);
}

static void scan_product(FILE *out, const json_t *data, const json_t *findings, size_t *at,
			 bool colour)
{
	size_t count = (size_t)psc_json_number(data, "findings", 0);
	const char *class = psc_json_text(data, "class", NULL);

	fputc('\n', out);
	psc_output_toned(out, colour, PSC_TONE_BAD,
			 psc_json_text(data, "name", psc_json_text(data, "product", "?")));
	fputs(" (", out);
	psc_output_text(out, psc_json_text(data, "product", "?"));
	if (class && *class) {
		fputs(", ", out);
		psc_output_text(out, class);
	}
	fprintf(out, "): ");
	psc_output_count(out, (json_int_t)count, "finding", "findings");
	fprintf(out, ", confidence %s\n", psc_json_text(data, "confidence", "?"));
	for (size_t i = 0; i < count && i < SCAN_SHOWN; i++)
		scan_finding(out, json_array_get(findings, *at + i), colour);
	if (count > SCAN_SHOWN)
		fprintf(out, "%*s... and %zu more; --json and --csv have all\n", SCAN_LABEL, "",
			count - SCAN_SHOWN);
	*at += count;
}

/* Each rule that held once, with where it comes from. */
static void scan_sources(FILE *out, const json_t *findings)
{
	json_t *seen = json_object();
	const json_t *one, *rule;
	size_t i, k;

	fputs("\nRules that hold, and their sources\n", out);
	json_array_foreach(findings, i, one) {
		json_array_foreach(json_object_get(one, "rules"), k, rule) {
			const char *id = psc_json_text(rule, "rule", "?");
			char *text;

			if (json_object_get(seen, id))
				continue;
			json_object_set_new(seen, id, json_true());
			text = psc_policy_cite_text(psc_json_text(rule, "label", "U"),
						    psc_json_text(rule, "source", "?"));
			fputs("  ", out);
			psc_output_text(out, id);
			fprintf(out, " (%s): ", psc_json_text(rule, "confidence", "?"));
			psc_output_text(out, text ?: "?");
			fputc('\n', out);
			free(text);
		}
	}
	json_decref(seen);
}

/* ---- the statement --------------------------------------------------------------------- */

json_int_t psc_scan_unread(const json_t *gaps)
{
	json_int_t total = 0;
	const json_t *gap;
	size_t i;

	json_array_foreach(gaps, i, gap)
		total += psc_json_number(gap, "count", 0);
	return total;
}

static void scan_verdict(FILE *out, const json_t *data, bool colour)
{
	const char *result = psc_json_text(data, "result", "?");
	json_int_t unread = psc_scan_unread(json_object_get(data, "gaps"));
	bool root = json_is_true(json_object_get(data, "root"));

	if (strcmp(result, "found") == 0) {
		psc_output_toned(out, colour, PSC_TONE_BAD, "FOUND");
		fputs(": ", out);
		psc_output_count(out,
				 (json_int_t)json_array_size(json_object_get(data, "products")),
				 "product", "products");
		fputs(" of the catalog and lists", out);
		if (unread)
			fprintf(out,
				"; %" JSON_INTEGER_FORMAT " within the scope could not be read",
				unread);
		fputs(". What each profile says of them: proscribe policy show\n", out);
	} else if (strcmp(result, "nil") == 0) {
		psc_output_toned(out, colour, PSC_TONE_GOOD, "NIL STATEMENT");
		fputs(": nothing in the scope below matches a rule or digest of the catalog and "
		      "lists.\n",
		      out);
	} else {
		psc_output_toned(out, colour, PSC_TONE_DOUBT, "INCOMPLETE");
		fprintf(out,
			": nothing was found, but %" JSON_INTEGER_FORMAT
			" within the scope could not be read\nand may hold something, so this is not a nil statement. %s\n",
			unread,
			root ? "See below why; mend that, or name a scope without them."
			     : "Run it as root, then look below at what is left.");
	}
}

static void scan_scope(FILE *out, const json_t *data)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(data, "scope"), i, one) {
		const char *kind = psc_json_text(one, "kind", "?");

		scan_label(out, i ? "" : "scope");
		if (strcmp(kind, "host") == 0) {
			fputs("this host: local file systems, databases, units, accounts, "
			      "processes\n",
			      out);
			continue;
		}
		fprintf(out, "%s ", kind);
		psc_output_text(out, psc_json_text(one, "path", "?"));
		fputc('\n', out);
	}
}

static json_int_t scan_count_of(const json_t *data, const char *name)
{
	return psc_json_number(json_object_get(data, "counts"), name, 0);
}

static void scan_counts(FILE *out, const json_t *data)
{
	char bytes[32];

	scan_label(out, "looked at");
	psc_output_count(out, scan_count_of(data, "files"), "file", "files");
	fprintf(out, " (%s) among ",
		psc_output_bytes((uint64_t)scan_count_of(data, "bytes"), bytes));
	psc_output_count(out, scan_count_of(data, "names"), "name", "names");
	fputs(" in ", out);
	psc_output_count(out, scan_count_of(data, "directories"), "directory", "directories");
	fputs("; content of ", out);
	psc_output_count(out, scan_count_of(data, "examined"), "file", "files");
	fprintf(out, ", digests of %" JSON_INTEGER_FORMAT " (%s)\n",
		scan_count_of(data, "digested"),
		psc_output_bytes((uint64_t)scan_count_of(data, "digested_bytes"), bytes));
	scan_label(out, "");
	psc_output_count(out, scan_count_of(data, "packages"), "package", "packages");
	fputs(" in ", out);
	psc_output_count(out, scan_count_of(data, "databases"), "database", "databases");
	fputs(", ", out);
	psc_output_count(out, scan_count_of(data, "units"), "unit", "units");
	fputs(", ", out);
	psc_output_count(out, scan_count_of(data, "accounts"), "account", "accounts");
	fputs(", ", out);
	psc_output_count(out, scan_count_of(data, "processes"), "process", "processes");
	fputs(", ", out);
	psc_output_count(out, scan_count_of(data, "mapped"), "mapped file", "mapped files");
	fputs("\n", out);
	if (!scan_count_of(data, "archives"))
		return;
	scan_label(out, "");
	psc_output_count(out, scan_count_of(data, "entries"), "file", "files");
	fputs(" inside ", out);
	psc_output_count(out, scan_count_of(data, "archives"), "archive or image",
			 "archives and images");
	fputc('\n', out);
}

static void scan_method(FILE *out, const json_t *data)
{
	const json_t *method_data = json_object_get(data, "method"), *count;
	const char *algo;
	bool first = true;

	scan_label(out, "method");
	fprintf(out, "%" JSON_INTEGER_FORMAT " rules for ",
		psc_json_number(method_data, "rules", 0));
	psc_output_count(out, psc_json_number(method_data, "products", 0), "product", "products");
	fputs(" on place, name, content, package, unit, account,\n", out);
	scan_label(out, "");
	fputs("process, signer; digests: ", out);
	json_object_foreach(json_object_get(method_data, "digests"), algo, count) {
		fprintf(out, "%s%" JSON_INTEGER_FORMAT " %s", first ? "" : ", ",
			json_integer_value(count), algo);
		first = false;
	}
	fputs(first ? "none\n" : "\n", out);
	scan_label(out, "");
	fputs("a file is digested when its size or format is that of a listed digest\n", out);
	scan_label(out, "catalog");
	fprintf(out, "sha256:%s\n", psc_json_text(method_data, "catalog_sha256", "?"));
}

static void scan_gaps(FILE *out, const json_t *all, const char *title)
{
	const json_t *gap, *example;
	size_t i, e;

	if (!json_array_size(all))
		return;
	fprintf(out, "\n%s\n", title);
	json_array_foreach(all, i, gap) {
		fprintf(out, "  %8" JSON_INTEGER_FORMAT "  ", psc_json_number(gap, "count", 0));
		psc_output_text(out, psc_json_text(gap, "reason", "?"));
		fputc('\n', out);
		json_array_foreach(json_object_get(gap, "examples"), e, example) {
			fprintf(out, "%12s%s", "", e ? "" : "for example ");
			psc_output_text(out, json_string_value(example));
			fputc('\n', out);
			if (e == 1)
				break;
		}
	}
}

/* Whether anybody but the reader will know of it. */
static void scan_recorded(FILE *out, const json_t *data)
{
	const char *why = psc_json_text(data, "not_recorded", NULL);

	scan_label(out, "audit log");
	if (why)
		fputs("not recorded: ", out);
	else
		fprintf(out, "record %" JSON_INTEGER_FORMAT, psc_json_number(data, "sequence", 0));
	psc_output_text(out, why);
	fputc('\n', out);
}

void psc_scan_render(FILE *out, const json_t *data, bool colour)
{
	const json_t *findings = json_object_get(data, "findings"), *one;
	size_t i, at = 0;

	scan_verdict(out, data, colour);
	json_array_foreach(json_object_get(data, "products"), i, one)
		scan_product(out, one, findings, &at, colour);
	if (at)
		scan_sources(out, findings);
	fputs("\nWhat this rests on\n", out);
	scan_scope(out, data);
	scan_counts(out, data);
	scan_method(out, data);
	scan_label(out, "when");
	fprintf(out, "%s to %s\n", psc_json_text(data, "began", "?"),
		psc_json_text(data, "ended", "?"));
	scan_label(out, "host");
	psc_output_text(out, psc_json_text(data, "host", "?"));
	fputs(", Linux ", out);
	psc_output_text(out, psc_json_text(data, "kernel", "?"));
	fprintf(out, " %s, proscribe %s, %s\n", psc_json_text(data, "architecture", "?"),
		psc_json_text(data, "version", "?"),
		json_is_true(json_object_get(data, "root")) ? "as root" : "not as root");
	scan_recorded(out, data);
	scan_gaps(out, json_object_get(data, "gaps"), "Within the scope, not read");
	scan_gaps(out, json_object_get(data, "excluded"), "Left out, or read in part");
}

/* ---- CSV -------------------------------------------------------------------------------- */

/* RFC 4180; a text that a spreadsheet would take for a formula gets an apostrophe. */
static void scan_field(FILE *out, const char *text, bool last)
{
	fputc('"', out);
	if (*text && strchr("=+-@", *text))
		fputc('\'', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputs(last ? "\"\n" : "\",", out);
}

/* Members of an array, joined. */
static char *scan_joined(const json_t *array, const char *member, const char *second)
{
	size_t size = 0, i;
	char *text = NULL;
	const json_t *one;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	json_array_foreach(array, i, one) {
		fprintf(stream, "%s%s", i ? "; " : "", psc_json_text(one, member, ""));
		if (second)
			fprintf(stream, ":%s", psc_json_text(one, second, ""));
	}
	fclose(stream);
	return text;
}

void psc_scan_render_csv(FILE *out, const json_t *data, bool colour)
{
	static const char *const members[] = {"kind",	 "where",   "inside", "detail",
					      "package", "product", "role",   "confidence"};
	const json_t *one;
	size_t i;

	fputs("kind,where,inside,detail,package,product,role,confidence,pid,rules,sources,"
	      "digests\n",
	      out);
	json_array_foreach(json_object_get(data, "findings"), i, one) {
		const json_t *rules = json_object_get(one, "rules");
		_cleanup_free_ char *ids = scan_joined(rules, "rule", NULL);
		_cleanup_free_ char *cites = scan_joined(rules, "source", NULL);
		_cleanup_free_ char *digests =
			scan_joined(json_object_get(one, "digests"), "algo", "digest");
		char pid[24] = "";

		if (json_object_get(one, "pid"))
			snprintf(pid, sizeof(pid), "%" JSON_INTEGER_FORMAT,
				 psc_json_number(one, "pid", 0));
		for (size_t m = 0; m < ARRAY_SIZE(members); m++)
			scan_field(out, psc_json_text(one, members[m], ""), false);
		scan_field(out, pid, false);
		scan_field(out, ids ?: "", false);
		scan_field(out, cites ?: "", false);
		scan_field(out, digests ?: "", true);
	}
}
