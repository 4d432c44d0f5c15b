/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_links.h - which other files an ELF program or library needs in order to run. Used by
 * essential.h.
 */
#pragma once

#include "user/core/util.h"

struct psc_elf_links {
	char *interpreter; /* PT_INTERP, or NULL */
	char **needed;	   /* DT_NEEDED, NULL-terminated */
	char *runpath;	   /* DT_RUNPATH, else DT_RPATH: directories with colons, or NULL */
};

/*
 * Reads them; the offset of @fd is not kept. -ENOEXEC when it does not begin as an ELF file
 * does, -EBADMSG when it does but is damaged
 * or has more than PSC_ELF_NEEDED_MAX libraries, -ENOMEM, the error of reading. Clear @ret with psc_elf_links_clear().
 */
int psc_elf_links_read(int fd, struct psc_elf_links *ret);
void psc_elf_links_clear(struct psc_elf_links *links);
