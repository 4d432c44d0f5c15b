/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - where and why an input was refused: the one error description that
 * parsers and the compiler hand upwards. Used by all of user/.
 */
#pragma once

#include "user/core/util.h"

#define PSC_ERROR_FILE_SIZE    256
#define PSC_ERROR_MESSAGE_SIZE 320

/*
 * Line and column count from 1; 0 is "not applicable". The column counts bytes in
 * lists, characters in YAML.
 * Both strings may quote untrusted input: whoever prints them escapes them.
 */
struct psc_error {
	char file[PSC_ERROR_FILE_SIZE];
	unsigned int line;
	unsigned int column;
	char message[PSC_ERROR_MESSAGE_SIZE];
};

/* Fills @err; @err and @file may be NULL. Too long a path keeps its end, a message its start. */
void psc_error_set(struct psc_error *err, const char *file, unsigned int line, unsigned int column,
		   const char *fmt, ...) _printf_(5, 6);

/*
 * Writes "file:line:column: message" into @buffer, without the parts that are not
 * applicable. Always terminated; returns @buffer.
 */
const char *psc_error_format(const struct psc_error *err, char *buffer, size_t size);
