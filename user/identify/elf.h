/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf.h - facts of an ELF file: build id, soname, needed libraries, notes, compiler comments,
 * markers. Used by identify.c; what loads a program is in elf_links.h.
 *
 * Damage becomes a PSC_FACT_PROBLEM with its offset, and what is readable is read all the
 * same. The file is read, never mapped: one that shrinks meanwhile cannot raise SIGBUS.
 */
#pragma once

#include "user/core/util.h"
#include "user/core/facts.h"
#include "user/identify/marker.h"

/*
 * @size is the file's. @markers may be NULL. They are looked for in .rodata*, .data, .dynstr
 * and .modinfo; without section headers in the segments that are not executable, and in those
 * that are when there is no segment for constants. -ENOMEM, or the error of reading.
 */
int psc_elf_identify(int fd, uint64_t size, const struct psc_markers *markers,
		     struct psc_facts *facts);
