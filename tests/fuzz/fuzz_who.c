/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_who.c - /proc/PID/stat, /proc/PID/cgroup and names of control groups: whatever they say,
 * what is taken from them is whole and within its bounds.
 */
#include "user/core/who.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1), *exact = malloc(size ? size : 1);
	struct psc_who_container container;
	char path[PSC_WHO_PATH_MAX];
	uint64_t start;
	bool unified;

	if (!text || !exact)
		abort();
	if (size) {
		memcpy(text, data, size);
		memcpy(exact, data, size);
	}
	text[size] = '\0';
	psc_who_parse_stat(exact, size, &start);
	if (psc_who_parse_cgroup(exact, size, path, &unified) == 0 &&
	    (path[0] != '/' || !memmem(exact, size, path, strlen(path))))
		abort();
	psc_who_maps_has(exact, size, 4711, 0xfe00001, "/usr/bin/x");
	psc_who_container_of(text, &container);
	if (strnlen(container.id, sizeof(container.id)) == sizeof(container.id) ||
	    strnlen(container.pod, sizeof(container.pod)) == sizeof(container.pod))
		abort();
	if (container.runtime && !container.id[0])
		abort();
	return 0;
}
