/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpayload.c - the library that the lab lists. It says that it was loaded, so that a
 * program that went on without it can be told apart.
 */
#include <unistd.h>

int payload_value(void);

int payload_value(void)
{
	return 0;
}

static void __attribute__((constructor)) say(void)
{
	static const char text[] = "library loaded\n";

	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(3);
}
