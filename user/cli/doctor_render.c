/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_render.c - the doctor's findings as a page of text, see doctor.h.
 */
#include "user/cli/doctor.h"
#include "user/cli/output.h"

#define DOCTOR_NAME_WIDTH 12

static enum psc_tone result_tone(const char *result)
{
	if (strcmp(result, "ok") == 0)
		return PSC_TONE_GOOD;
	return strcmp(result, "warn") == 0 ? PSC_TONE_DOUBT : PSC_TONE_BAD;
}

static void print_rows(FILE *out, const json_t *rows, bool colour)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *result = psc_json_text(row, "result", "?");
		const char *shown = strcmp(result, "fail") == 0 ? "FAIL" : result;
		const char *remedy = psc_json_text(row, "remedy", NULL);

		fputs("  ", out);
		psc_output_toned(out, colour, result_tone(result), shown);
		fprintf(out, "%*s", (int)(6 - strlen(shown)), "");
		psc_output_padded(out, psc_json_text(row, "name", "?"), DOCTOR_NAME_WIDTH);
		psc_output_text(out, psc_json_text(row, "found", ""));
		fputc('\n', out);
		if (remedy) {
			fprintf(out, "%*sremedy: ", 8 + DOCTOR_NAME_WIDTH, "");
			psc_output_text(out, remedy);
			fputc('\n', out);
		}
	}
}

static void print_proof(FILE *out, const json_t *proof, bool colour)
{
	const char *result = psc_json_text(proof, "result", "?");
	const char *directory = psc_json_text(proof, "directory", NULL);

	fputs("\nlive proof", out);
	if (strcmp(result, "skipped") == 0) {
		fputs(": skipped, nothing is proven\n", out);
		return;
	}
	if (psc_json_text(proof, "mode", NULL)) {
		fputs(", ", out);
		psc_output_text(out, psc_json_text(proof, "mode", ""));
		fputs(" mode", out);
	}
	if (directory) {
		fputs(", in ", out);
		psc_output_text(out, directory);
	}
	fputc('\n', out);
	print_rows(out, psc_json_at(proof, "steps"), colour);
}

void psc_doctor_render(FILE *out, const json_t *data, bool colour)
{
	fputs("proscribe ", out);
	psc_output_text(out, psc_json_text(data, "version", "?"));
	fputs(", kernel ", out);
	psc_output_text(out, psc_json_text(data, "kernel", "?"));
	fputs("\n\n", out);
	print_rows(out, psc_json_at(data, "checks"), colour);
	print_proof(out, psc_json_at(data, "proof"), colour);
	fprintf(out, "\n%" JSON_INTEGER_FORMAT " ok, ", psc_json_number(data, "counts.ok", 0));
	psc_output_count(out, psc_json_number(data, "counts.warn", 0), "warning", "warnings");
	fprintf(out, ", %" JSON_INTEGER_FORMAT " failed\n",
		psc_json_number(data, "counts.fail", 0));
}
