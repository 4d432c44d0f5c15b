/* SPDX-License-Identifier: Apache-2.0 */
/* say.c - the daemon's words for its terminal or service manager; see daemon.h. */
#include "user/core/util.h"

#include <stdarg.h>

#include "user/daemon/daemon.h"

void psc_say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	flockfile(stderr);
	fputs("proscribed: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	funlockfile(stderr);
	va_end(args);
}

void psc_say_error(const char *what, const struct psc_error *error)
{
	char text[640];

	psc_say("%s: %s", what, psc_error_format(error, text, sizeof(text)));
}
