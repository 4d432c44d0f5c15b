/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_links.c - see elf_links.h. libelf finds its way in the file; every offset that comes out
 * of it is checked by elf_strptr() or elf_rawdata().
 */
#include <errno.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/identify/bytes.h"
#include "user/identify/elf_dynamic.h"
#include "user/identify/elf_links.h"

#define INTERPRETER_MAX 4096
/* bytes: no program has as much, and they are read into memory */
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

static const char *string_at(const Elf_Data *strings, uint64_t offset)
{
	const char *base = strings->d_buf;

	if (offset >= strings->d_size || !memchr(base + offset, 0, strings->d_size - offset))
		return NULL;
	return base + offset;
}

static int resolve(const Elf_Data *strings, const struct psc_elf_dynamic *dynamic,
		   struct psc_elf_links *links)
{
	int r = 0;

	links->needed = calloc(dynamic->needed_count + 1, sizeof(*links->needed));
	if (!links->needed)
		return -ENOMEM;
	for (size_t i = 0; i < dynamic->needed_count && r >= 0; i++)
		r = take(&links->needed[i], string_at(strings, dynamic->needed[i]));
	if (r >= 0 && dynamic->has_runpath)
		r = take(&links->runpath, string_at(strings, dynamic->runpath));
	else if (r >= 0 && dynamic->has_rpath)
		r = take(&links->runpath, string_at(strings, dynamic->rpath));
	return r;
}

static int read_dynamic(Elf *elf, size_t segments, const GElf_Phdr *segment, uint64_t size,
			struct psc_elf_links *links)
{
	_cleanup_free_ struct psc_elf_dynamic *dynamic = malloc(sizeof(*dynamic));
	Elf_Data *strings;

	if (!dynamic)
		return -ENOMEM;
	if (!segment->p_filesz)
		return 0;
	if (psc_elf_dynamic_read(elf, segments, segment, size, dynamic) < 0 || dynamic->needed_more)
		return -EBADMSG;
	if (!dynamic->needed_count && !dynamic->has_runpath && !dynamic->has_rpath)
		return 0;
	if (!dynamic->has_strings || dynamic->strings_size > STRINGS_MAX)
		return -EBADMSG;
	strings = elf_getdata_rawchunk(elf, dynamic->strings, dynamic->strings_size, ELF_T_BYTE);
	if (!strings || !strings->d_buf)
		return -EBADMSG;
	return resolve(strings, dynamic, links);
}

static int read_segments(Elf *elf, uint64_t size, struct psc_elf_links *links)
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
			r = read_dynamic(elf, segments, &segment, size, links);
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
	ssize_t n = psc_read_at(fd, magic, sizeof(magic), 0);

	if (n < 0)
		return (int)n;
	return n == SELFMAG && memcmp(magic, ELFMAG, SELFMAG) == 0 ? 0 : -ENOEXEC;
}

int psc_elf_links_read(int fd, struct psc_elf_links *ret)
{
	_cleanup_(psc_elf_links_clear) struct psc_elf_links links = {0};
	struct stat st;
	Elf *elf;
	int r;

	r = check_magic(fd);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	r = psc_elf_open(fd, &elf);
	if (r < 0)
		return r;
	r = read_segments(elf, (uint64_t)st.st_size, &links);
	elf_end(elf);
	if (r < 0)
		return r;
	*ret = links;
	links = (struct psc_elf_links){0};
	return 0;
}
