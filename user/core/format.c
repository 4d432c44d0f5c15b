/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.c - see format.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/format.h"

static const char *const format_names[] = {
	[PSC_FORMAT_ANY] = "any",	  [PSC_FORMAT_ELF] = "elf", [PSC_FORMAT_SCRIPT] = "script",
	[PSC_FORMAT_PE] = "pe",		  [PSC_FORMAT_DEB] = "deb", [PSC_FORMAT_RPM] = "rpm",
	[PSC_FORMAT_ARCHIVE] = "archive",
};
_Static_assert(ARRAY_SIZE(format_names) == PSC_FORMAT_MAX, "a name for every format");

/* What a file begins with. */
static const struct magic {
	const char *bytes;
	size_t size;
	enum psc_format format;
} magics[] = {
	{"\x7f"
	 "ELF",
	 4, PSC_FORMAT_ELF},
	{"#!", 2, PSC_FORMAT_SCRIPT},
	/*
	 * MZ alone is enough: a DOS or damaged header in front of Windows content must
	 * not make it an unknown file.
	 */
	{"MZ", 2, PSC_FORMAT_PE},
	{"!<arch>\ndebian-binary", 21, PSC_FORMAT_DEB},
	{"\xed\xab\xee\xdb", 4, PSC_FORMAT_RPM},
	/* no zip: binfmt_misc may run one that is a jar, which the exec filter must know */
	{"\x1f\x8b\x08", 3, PSC_FORMAT_ARCHIVE},
	{"\xfd"
	 "7zXZ\0",
	 6, PSC_FORMAT_ARCHIVE},
	{"\x28\xb5\x2f\xfd", 4, PSC_FORMAT_ARCHIVE},
	{"BZh", 3, PSC_FORMAT_ARCHIVE},
	{"7z\xbc\xaf\x27\x1c", 6, PSC_FORMAT_ARCHIVE},
	{"070701", 6, PSC_FORMAT_ARCHIVE},
	{"070702", 6, PSC_FORMAT_ARCHIVE},
};

const char *psc_format_to_string(unsigned int format)
{
	return format < PSC_FORMAT_MAX ? format_names[format] : NULL;
}

int psc_format_from_string(const char *name, enum psc_format *ret)
{
	for (unsigned int i = 0; i < PSC_FORMAT_MAX; i++) {
		if (strcmp(name, format_names[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

enum psc_format psc_format_detect(const uint8_t *head, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		if (size >= magics[i].size && memcmp(head, magics[i].bytes, magics[i].size) == 0)
			return magics[i].format;
	}
	return PSC_FORMAT_ANY;
}

bool psc_format_in_exec_filter(enum psc_format format)
{
	switch (format) {
	case PSC_FORMAT_ANY:
	case PSC_FORMAT_ELF:
	case PSC_FORMAT_SCRIPT:
	case PSC_FORMAT_PE: /* binfmt_misc hands it to Wine */
		return true;
	default:
		return false;
	}
}

bool psc_format_in_open_filter(enum psc_format format)
{
	switch (format) {
	case PSC_FORMAT_ANY:
	case PSC_FORMAT_PE:
	case PSC_FORMAT_DEB:
	case PSC_FORMAT_RPM:
	case PSC_FORMAT_ARCHIVE:
		return true;
	default:
		return false;
	}
}

bool psc_format_forces_hashing(enum psc_format format)
{
	switch (format) {
	case PSC_FORMAT_ANY:
	case PSC_FORMAT_ELF:
	case PSC_FORMAT_SCRIPT:
		return true;
	default:
		return false;
	}
}
