/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_dpkg.c - dpkg's status file: every paragraph has a name, all values lie in the text,
 * and it comes to an end.
 */
#include "user/core/util.h"
#include "user/core/dpkg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct psc_dpkg_text text, const char *data, size_t size)
{
	if (!text.data)
		return;
	if (text.data < data || text.data + text.length > data + size ||
	    memchr(text.data, '\n', text.length))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct psc_dpkg_entry entry;
	size_t at = 0, last = 0;

	while (psc_dpkg_next(text, size, &at, &entry)) {
		if (!entry.package.length || at <= last || at > size)
			abort();
		last = at;
		check(entry.package, text, size);
		check(entry.version, text, size);
		check(entry.architecture, text, size);
		check(entry.maintainer, text, size);
		check(entry.homepage, text, size);
	}
	return 0;
}
