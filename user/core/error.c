/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.c - see error.h.
 */
#include <stdarg.h>

#include "user/core/util.h"
#include "user/core/error.h"

void psc_error_set(struct psc_error *err, const char *file, unsigned int line, unsigned int column,
		   const char *fmt, ...)
{
	va_list args;
	size_t length;

	if (!err)
		return;
	*err = (struct psc_error){.line = line, .column = column};
	length = file ? strlen(file) : 0;
	if (length < sizeof(err->file))
		memcpy(err->file, file ? file : "", length);
	else /* the end of a path says more than its beginning */
		snprintf(err->file, sizeof(err->file), "...%s",
			 file + length - (sizeof(err->file) - 4));
	va_start(args, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
}

const char *psc_error_format(const struct psc_error *err, char *buffer, size_t size)
{
	const char *file = err->file[0] ? err->file : "input";

	if (err->line && err->column)
		snprintf(buffer, size, "%s:%u:%u: %s", file, err->line, err->column, err->message);
	else if (err->line)
		snprintf(buffer, size, "%s:%u: %s", file, err->line, err->message);
	else if (err->file[0])
		snprintf(buffer, size, "%s: %s", file, err->message);
	else
		snprintf(buffer, size, "%s", err->message);
	return buffer;
}
