/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal.h - texts that a parser has to refuse, and where and why. Included by tests only,
 * behind cmocka.h.
 */
#pragma once

#include "user/core/error.h"

struct refusal {
	const char *text;
	unsigned int line, column; /* 0: any */
	const char *message;	   /* a part of it */
};

static inline void assert_refused(const struct psc_error *error, const char *file,
				  const struct refusal *expected)
{
	if (!strstr(error->message, expected->message) || error->line == 0 ||
	    (expected->line && error->line != expected->line) ||
	    (expected->column && error->column != expected->column) ||
	    strcmp(error->file, file) != 0)
		fail_msg("%s: got %s:%u:%u: %s", expected->text, error->file, error->line,
			 error->column, error->message);
}
