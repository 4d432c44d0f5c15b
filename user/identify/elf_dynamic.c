/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_dynamic.c - see elf_dynamic.h. Whatever is handed to libelf has been compared with the
 * file's size and with a limit before, because it allocates what a header asks for.
 */
#include <errno.h>

#include "user/identify/bytes.h"
#include "user/identify/elf_dynamic.h"

#define DYNAMIC_MAX (1024 * 1024) /* bytes; 16 an entry */

/*
 * Files with 65280 sections or more keep the number elsewhere; elf_begin() allocates what is
 * written there, so such a file is not given to it.
 */
static bool numbers_elsewhere(int fd)
{
	uint8_t head[sizeof(Elf64_Ehdr)] = {0};
	ssize_t n = psc_read_at(fd, head, sizeof(head), 0);
	size_t shnum, shoff, shoff_size;
	bool any = false;

	if (n < EI_NIDENT)
		return false;
	if (head[EI_CLASS] == ELFCLASS64) {
		shnum = offsetof(Elf64_Ehdr, e_shnum);
		shoff = offsetof(Elf64_Ehdr, e_shoff);
		shoff_size = 8;
	} else {
		shnum = offsetof(Elf32_Ehdr, e_shnum);
		shoff = offsetof(Elf32_Ehdr, e_shoff);
		shoff_size = 4;
	}
	for (size_t i = 0; i < shoff_size; i++)
		any |= head[shoff + i] != 0;
	return any && head[shnum] == 0 && head[shnum + 1] == 0;
}

int psc_elf_open(int fd, Elf **ret)
{
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOTSUP;
	if (numbers_elsewhere(fd))
		return -EBADMSG;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return -EBADMSG;
	*ret = elf;
	return 0;
}

/* Where an address of the program lies in the file; false when in no segment. */
static bool file_offset(Elf *elf, size_t segments, uint64_t address, uint64_t size, uint64_t *ret,
			uint64_t *ret_room)
{
	for (size_t i = 0; i < segments; i++) {
		uint64_t inside;
		GElf_Phdr segment;

		if (!gelf_getphdr(elf, i, &segment) || segment.p_type != PT_LOAD ||
		    address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz)
			continue;
		inside = address - segment.p_vaddr;
		if (inside >= size || segment.p_offset >= size - inside)
			return false;
		*ret = segment.p_offset + inside;
		*ret_room = segment.p_filesz - inside;
		if (*ret_room > size - *ret)
			*ret_room = size - *ret;
		return true;
	}
	return false;
}

static void collect(Elf_Data *data, struct psc_elf_dynamic *ret, uint64_t *ret_address,
		    uint64_t *ret_size)
{
	GElf_Dyn entry;

	for (int i = 0; gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
		switch (entry.d_tag) {
		case DT_NEEDED:
			if (ret->needed_count == PSC_ELF_NEEDED_MAX)
				ret->needed_more = true;
			else
				ret->needed[ret->needed_count++] = entry.d_un.d_val;
			break;
		case DT_STRTAB:
			*ret_address = entry.d_un.d_ptr;
			break;
		case DT_STRSZ:
			*ret_size = entry.d_un.d_val;
			break;
		case DT_SONAME:
			ret->soname = entry.d_un.d_val;
			ret->has_soname = true;
			break;
		case DT_RUNPATH:
			ret->runpath = entry.d_un.d_val;
			ret->has_runpath = true;
			break;
		case DT_RPATH:
			ret->rpath = entry.d_un.d_val;
			ret->has_rpath = true;
			break;
		}
	}
}

int psc_elf_dynamic_read(Elf *elf, size_t segments, const GElf_Phdr *segment, uint64_t size,
			 struct psc_elf_dynamic *ret)
{
	uint64_t address = 0, strings_size = 0;
	Elf_Data *data;

	if (!psc_fits(segment->p_offset, segment->p_filesz, size) ||
	    segment->p_filesz > DYNAMIC_MAX)
		return -EFBIG;
	data = elf_getdata_rawchunk(elf, segment->p_offset, segment->p_filesz, ELF_T_DYN);
	if (!data || !data->d_buf)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	collect(data, ret, &address, &strings_size);
	ret->has_strings =
		file_offset(elf, segments, address, size, &ret->strings, &ret->strings_size);
	if (strings_size < ret->strings_size)
		ret->strings_size = strings_size;
	return 0;
}
