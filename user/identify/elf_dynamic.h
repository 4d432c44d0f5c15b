/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_dynamic.h - what the dynamic segment of an ELF file says, before names are looked up: the
 * one reader of it. Used by elf.c (facts) and elf_links.c (what the host needs).
 */
#pragma once

#include <stdbool.h>

#include <gelf.h>

#include "user/core/util.h"

#define PSC_ELF_NEEDED_MAX 1024 /* libraries of one file */

struct psc_elf_dynamic {
	/* where names begin in the strings */
	uint64_t needed[PSC_ELF_NEEDED_MAX];
	size_t needed_count;
	bool needed_more; /* there are more than that */
	uint64_t soname;
	uint64_t runpath;
	uint64_t rpath;
	bool has_soname;
	bool has_runpath;
	bool has_rpath;
	/* the strings in the file; they end with the file at the latest */
	bool has_strings;
	uint64_t strings;
	uint64_t strings_size;
};

/*
 * Opens the file for libelf, which reads it and never maps it: one that is cut short meanwhile
 * cannot raise SIGBUS. -EBADMSG when it is no ELF file for libelf, or has its number of sections
 * elsewhere, for which libelf would allocate whatever is written there. The caller ends it.
 */
int psc_elf_open(int fd, Elf **ret);

/*
 * Reads @segment, the PT_DYNAMIC among the @segments of a file of @size bytes. @ret has room for
 * all of it and is large: not for the stack. -EFBIG: too large, or behind the end of the file;
 * -EBADMSG: libelf cannot read it.
 */
int psc_elf_dynamic_read(Elf *elf, size_t segments, const GElf_Phdr *segment, uint64_t size,
			 struct psc_elf_dynamic *ret);
