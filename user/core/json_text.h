/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_text.h - writes JSON straight into a buffer, for records that come by the thousand: no tree
 * is made of them. Every string that comes from elsewhere is escaped (escape.h). What does not fit
 * is seen once, at the end. Used by event_json.c and who_json.c.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"

struct psc_json_text {
	char *text; /* not terminated */
	size_t size, used;
	bool full; /* something did not fit: what is there is of no use */
};

/* A member is written with its name, an element of an array with NULL for @key. */
void psc_put_open(struct psc_json_text *t, const char *key, char bracket);
void psc_put_close(struct psc_json_text *t, char bracket);

/* Our own words, which need no escape; NULL: no member. */
void psc_put_word(struct psc_json_text *t, const char *key, const char *word);

/* Any text, NULL: no member; any bytes. */
void psc_put_string(struct psc_json_text *t, const char *key, const char *string);
void psc_put_bytes(struct psc_json_text *t, const char *key, const void *data, size_t size);

/* Integers end at INT64_MAX, as in every reader. */
void psc_put_number(struct psc_json_text *t, const char *key, uint64_t value);
void psc_put_bool(struct psc_json_text *t, const char *key, bool value);

/* Strings: a number that is an identifier; ns since the epoch. */
void psc_put_id(struct psc_json_text *t, const char *key, uint64_t value);
void psc_put_time(struct psc_json_text *t, const char *key, uint64_t ns);

/* A string in pieces: between begin and end only psc_put_add_*(). */
void psc_put_begin(struct psc_json_text *t, const char *key);
void psc_put_add_word(struct psc_json_text *t, const char *word);
void psc_put_add_bytes(struct psc_json_text *t, const void *data, size_t size);
void psc_put_add_number(struct psc_json_text *t, uint64_t value);
void psc_put_end(struct psc_json_text *t);
