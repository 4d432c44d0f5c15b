/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_marker.c - the search for markers finds what memmem() finds. Input: strings with a NUL
 * behind each, an empty one, then the text.
 */
#include <errno.h>
#include <sys/mman.h>

#include "user/core/util.h"
#include "user/identify/marker.h"

#define STRINGS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct psc_markers *markers, const char *text, size_t size)
{
	struct psc_marker_range ranges[] = {{size / 2, size}, {0, size / 2}};
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	uint8_t found[STRINGS_MAX] = {0};
	_cleanup_close_ int fd = memfd_create("in", MFD_CLOEXEC);
	size_t count = 0;

	psc_markers_search(markers, text, size, found);
	for (size_t i = 0; i < psc_markers_count(markers); i++) {
		const char *marker = psc_markers_get(markers, i);

		if (found[i] != (memmem(text, size, marker, strlen(marker)) != NULL))
			abort();
		count += found[i];
	}
	if (fd < 0 || write(fd, text, size) != (ssize_t)size)
		return;
	if (psc_markers_search_fd(markers, fd, ranges, 2, &facts) < 0 || facts.count != count)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(psc_markers_freep) struct psc_markers *markers = NULL;
	const char *strings[STRINGS_MAX + 1] = {0};
	size_t count = 0;
	int r;

	while (count < STRINGS_MAX) {
		size_t length = strnlen((const char *)data, size);

		if (length == size)
			return 0;
		if (length)
			strings[count++] = (const char *)data;
		data += length + 1;
		size -= length + 1;
		if (!length)
			break;
	}
	r = psc_markers_new(strings, &markers);
	if (r < 0 && r != -EINVAL && r != -ENOMEM)
		abort();
	if (r >= 0)
		compare(markers, (const char *)data, size);
	return 0;
}
