/* SPDX-License-Identifier: Apache-2.0 */
/* payload-dlopen.c - loads the library named by its argument while it runs. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc != 2 || !dlopen(argv[1], RTLD_NOW)) {
		fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "usage: payload-dlopen LIBRARY");
		return 3;
	}
	return 0;
}
