/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_escape.c - escaping: safe, reversible, the same in a small buffer; times as text.
 */
#include <jansson.h>

#include "user/core/escape.h"
#include "user/core/timefmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_times(const char *text)
{
	char buffer[PSC_TIME_TEXT_MAX];
	uint64_t ns, back;

	if (psc_time_parse(text, &ns) == 0) {
		psc_time_format(ns, buffer);
		if (psc_time_parse(buffer, &back) < 0 || back != ns - ns % 1000)
			abort();
	}
	(void)psc_time_parse_since(text, 1767323045 * PSC_NSEC_PER_SEC, &ns);
	(void)psc_time_parse_compact(text, strlen(text), &ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = NULL, *back = NULL, *other = NULL;
	char small[24];
	size_t back_size;
	json_t *json;

	if (psc_escape(data, size, &text) < 0)
		abort();
	for (const char *p = text; *p; p++)
		if ((uint8_t)*p < 0x20 || *p == 0x7f)
			abort();
	/* jansson takes valid UTF-8 only */
	json = json_string(text);
	if (!json)
		abort();
	json_decref(json);
	if (psc_unescape(text, &back, &back_size) < 0 || back_size != size ||
	    (size && memcmp(back, data, size) != 0))
		abort();
	if (psc_escape_to(small, sizeof(small), data, size, 0) != strlen(text) ||
	    strncmp(small, text, strlen(small)) != 0)
		abort();
	free(back);
	back = NULL;
	other = strndup((const char *)data, size);
	(void)psc_unescape(other, &back, &back_size);
	try_times(other);
	return 0;
}
