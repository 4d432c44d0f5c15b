/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_format.c - magic numbers: any head gives a known format, and one that more
 * bytes do not change once it is recognised.
 */
#include "user/core/util.h"
#include "user/core/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum psc_format last = PSC_FORMAT_ANY;

	if (size > PSC_FORMAT_HEAD_SIZE)
		size = PSC_FORMAT_HEAD_SIZE;
	for (size_t length = 0; length <= size; length++) {
		enum psc_format format = psc_format_detect(data, length);

		if (!psc_format_to_string(format) || (last != PSC_FORMAT_ANY && format != last))
			abort();
		last = format;
	}
	return 0;
}
