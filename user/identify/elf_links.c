/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_links.c - see elf_links.h. libelf finds its way in the file; every offset that comes out
 * of it is checked by elf_strptr() or elf_rawdata().
 */
#include <errno.h>
#include <stdbool.h>

#include <gelf.h>

#include "user/core/util.h"
#include "user/identify/elf_links.h"

#define INTERPRETER_MAX 4096
/* bytes: no program has as much, and it is read into memory */
#define DYNAMIC_MAX (1U << 20)
#define STRINGS_MAX (64U << 20)

void psc_elf_links_clear(struct psc_elf_links *links)
{
	free(links->interpreter);
	free(links->runpath);
	for (size_t i = 0; links->needed && links->needed[i]; i++)
		free(links->needed[i]);
	free(links->needed);
	*links = (struct psc_elf_links){0};
}

static int take(char **to, const char *text)
{
	if (!text)
		return -EBADMSG;
	free(*to);
	*to = strdup(text);
	return *to ? 0 : -ENOMEM;
}

static int read_interpreter(Elf *elf, const GElf_Phdr *segment, struct psc_elf_links *links)
{
	Elf_Data *data;

	if (segment->p_filesz == 0 || segment->p_filesz > INTERPRETER_MAX)
		return -EBADMSG;
	data = elf_getdata_rawchunk(elf, segment->p_offset, segment->p_filesz, ELF_T_BYTE);
	if (!data || !data->d_buf || !memchr(data->d_buf, 0, data->d_size))
		return -EBADMSG;
	return take(&links->interpreter, data->d_buf);
}

/* Where an address of the program lies in the file; false when in no segment. */
static bool file_offset(Elf *elf, size_t segments, uint64_t address, uint64_t *ret, uint64_t *room)
{
	for (size_t i = 0; i < segments; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(elf, i, &segment) || segment.p_type != PT_LOAD)
			continue;
		if (address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz) {
			*ret = segment.p_offset + (address - segment.p_vaddr);
			*room = segment.p_filesz - (address - segment.p_vaddr);
			return true;
		}
	}
	return false;
}

/* What the dynamic segment says, before the strings are looked up. */
struct dynamic {
	uint64_t needed[PSC_ELF_LINKS_MAX];
	size_t count;
	uint64_t strings;
	uint64_t strings_size;
	uint64_t runpath;
	uint64_t rpath;
	bool has_runpath;
	bool has_rpath;
};

static int collect(Elf_Data *data, struct dynamic *ret)
{
	GElf_Dyn entry;

	for (int i = 0; gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
		switch (entry.d_tag) {
		case DT_NEEDED:
			if (ret->count == PSC_ELF_LINKS_MAX)
				return -EBADMSG;
			ret->needed[ret->count++] = entry.d_un.d_val;
			break;
		case DT_STRTAB:
			ret->strings = entry.d_un.d_ptr;
			break;
		case DT_STRSZ:
			ret->strings_size = entry.d_un.d_val;
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
	return 0;
}

static const char *string_at(const Elf_Data *strings, uint64_t offset)
{
	const char *base = strings->d_buf;

	if (offset >= strings->d_size || !memchr(base + offset, 0, strings->d_size - offset))
		return NULL;
	return base + offset;
}

static int resolve(const Elf_Data *strings, const struct dynamic *dynamic,
		   struct psc_elf_links *links)
{
	int r = 0;

	links->needed = calloc(dynamic->count + 1, sizeof(*links->needed));
	if (!links->needed)
		return -ENOMEM;
	for (size_t i = 0; i < dynamic->count && r >= 0; i++)
		r = take(&links->needed[i], string_at(strings, dynamic->needed[i]));
	if (r >= 0 && dynamic->has_runpath)
		r = take(&links->runpath, string_at(strings, dynamic->runpath));
	else if (r >= 0 && dynamic->has_rpath)
		r = take(&links->runpath, string_at(strings, dynamic->rpath));
	return r;
}

static int read_dynamic(Elf *elf, size_t segments, const GElf_Phdr *segment,
			struct psc_elf_links *links)
{
	_cleanup_free_ struct dynamic *dynamic = calloc(1, sizeof(*dynamic));
	Elf_Data *data, *strings;
	uint64_t offset, room;
	int r;

	if (!dynamic)
		return -ENOMEM;
	if (segment->p_filesz > DYNAMIC_MAX)
		return -EBADMSG;
	data = elf_getdata_rawchunk(elf, segment->p_offset, segment->p_filesz, ELF_T_DYN);
	if (!data)
		return -EBADMSG;
	r = collect(data, dynamic);
	if (r < 0 || (!dynamic->count && !dynamic->has_runpath && !dynamic->has_rpath))
		return r;
	if (!file_offset(elf, segments, dynamic->strings, &offset, &room))
		return -EBADMSG;
	if (dynamic->strings_size < room)
		room = dynamic->strings_size;
	if (room > STRINGS_MAX)
		return -EBADMSG;
	strings = elf_getdata_rawchunk(elf, offset, room, ELF_T_BYTE);
	if (!strings || !strings->d_buf)
		return -EBADMSG;
	return resolve(strings, dynamic, links);
}

static int read_segments(Elf *elf, struct psc_elf_links *links)
{
	size_t segments;
	int r = 0;

	if (elf_kind(elf) != ELF_K_ELF)
		return -EBADMSG;
	if (elf_getphdrnum(elf, &segments) != 0)
		return -EBADMSG;
	for (size_t i = 0; i < segments && r >= 0; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(elf, i, &segment))
			return -EBADMSG;
		if (segment.p_type == PT_INTERP)
			r = read_interpreter(elf, &segment, links);
		else if (segment.p_type == PT_DYNAMIC && !links->needed)
			r = read_dynamic(elf, segments, &segment, links);
	}
	if (r >= 0 && !links->needed) {
		links->needed = calloc(1, sizeof(*links->needed));
		r = links->needed ? 0 : -ENOMEM;
	}
	return r;
}

/* libelf calls a file with too short a header no ELF file, the same as any text. */
static int check_magic(int fd)
{
	char magic[SELFMAG];
	ssize_t n;

	do
		n = pread(fd, magic, sizeof(magic), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == SELFMAG && memcmp(magic, ELFMAG, SELFMAG) == 0 ? 0 : -ENOEXEC;
}

int psc_elf_links_read(int fd, struct psc_elf_links *ret)
{
	_cleanup_(psc_elf_links_clear) struct psc_elf_links links = {0};
	Elf *elf;
	int r;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOTSUP;
	r = check_magic(fd);
	if (r < 0)
		return r;
	/* not mapped: whoever cuts the file short meanwhile would kill us */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return -EBADMSG;
	r = read_segments(elf, &links);
	elf_end(elf);
	if (r < 0)
		return r;
	*ret = links;
	links = (struct psc_elf_links){0};
	return 0;
}
