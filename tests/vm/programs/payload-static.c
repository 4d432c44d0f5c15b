/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload-static.c - the smallest program: no library, no start-up. For storms, where
 * each execution counts, and for places without libraries.
 */
#include <sys/syscall.h>

static long system_call(long number, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}

void _start(void)
{
	static const char text[] = "payload ran\n";

	system_call(SYS_write, 1, (long)text, sizeof(text) - 1);
	system_call(SYS_exit_group, 0, 0, 0);
	__builtin_unreachable();
}
