/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - whether bytes are text: UTF-8 without control characters. Used by the
 * parsers of user/core; escape.h is for what is printed.
 */
#pragma once

#include "user/core/util.h"

/*
 * Length of the character at @data (1 to 4 bytes, @size > 0 of them there), 0 when
 * it is a control character (C0, DEL, C1), -EILSEQ when it is not UTF-8.
 */
int psc_text_next(const char *data, size_t size);

/*
 * Number of leading bytes that are text. When it is less than @size, @ret_why says
 * what comes then, as a constant phrase.
 */
size_t psc_text_span(const char *data, size_t size, const char **ret_why);
