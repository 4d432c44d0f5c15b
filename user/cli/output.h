/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - printing for people: safe text, alignment, colours, reading members of
 * JSON that may be missing. Only for user/cli.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "user/core/util.h"
#include "user/cli/cli.h"

enum psc_tone {
	PSC_TONE_PLAIN = 0,
	PSC_TONE_GOOD = 1,
	PSC_TONE_BAD = 2,
	PSC_TONE_DOUBT = 3,
	PSC_TONE_DIM = 4,
	PSC_TONE_STRONG = 5,
	PSC_TONE_MAX = 6,
};

/* Whether @file is a terminal that shows colours and NO_COLOR does not speak against it. */
bool psc_output_colour(FILE *file);

/* Makes text that is escaped already (or our own) safe to print; cuts it to the buffer. */
void psc_output_safe(const char *text, char *buffer, size_t size);

/* Prints such text. NULL prints nothing. */
void psc_output_text(FILE *out, const char *text);

/* Prints such text and fills up to @width columns. */
void psc_output_padded(FILE *out, const char *text, size_t width);

/* Columns that such text takes, counted in code points. */
size_t psc_output_width(const char *text);

/* Prints safe text in a colour, when @colour. */
void psc_output_toned(FILE *out, bool colour, enum psc_tone tone, const char *text);

/* "1 file", "2 files". */
void psc_output_count(FILE *out, json_int_t count, const char *singular, const char *plural);

/*
 * Prints what the interlock objects to (psc_interlock_json(), NULL prints nothing), each with
 * the option that overrules it.
 */
void psc_output_objections(FILE *out, const json_t *objections);

/* "712 B", "1.4 MiB"; @buffer of 32 bytes. */
const char *psc_output_bytes(uint64_t bytes, char *buffer);

/*
 * Member of nested objects: "process.parent.pid". The fallback, or NULL, when it is
 * missing or of another type.
 */
json_t *psc_json_at(const json_t *json, const char *path);
const char *psc_json_text(const json_t *json, const char *path, const char *fallback);
json_int_t psc_json_number(const json_t *json, const char *path, json_int_t fallback);

/* What `proscribe help VERB` prints. */
void psc_output_verb_help(FILE *out, const struct psc_verb *verb);
