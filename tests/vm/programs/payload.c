/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload.c - the program that the lab lists: an ordinary dynamically linked one. Copies
 * of it differ in bytes appended to the file, which change its digest and nothing else.
 */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	puts("payload ran");
	fflush(stdout);
	if (argc == 2 && argv[1][0] == 's')
		pause();
	return 0;
}
